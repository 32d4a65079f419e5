// What a <lodestar-chart> is given, read from its attributes.

import { type Cell, fill_link, format_value, of_column, type PerColumn, per_column, title_of } from "./format.ts";

export type Columns = Record<string, Cell[]>;

export interface Chart {
  kind: string;
  columns: Columns;
  rows: number;
  x: string;
  time_axis: boolean;
  y: string[];
  horizontal: boolean;
  baseline: number | null;
  longitude: string;
  latitude: string;
  name: string;
  area: string;
  color: string;
  color_range: [number, number] | null;
  format: PerColumn;
  unit: PerColumn;
  href: string;
}

type Attribute = (name: string) => string | null;

export function read_chart(attribute: Attribute): Chart {
  const columns = parse_columns(attribute("data"));
  const text = (name: string) => attribute(name) ?? "";
  const number = (name: string) => (attribute(name) ? Number(attribute(name)) : null);
  const color = text("color");
  const [low, high] = extent(numbers(columns[color]));
  return {
    kind: text("kind"),
    columns,
    rows: Math.max(0, ...Object.values(columns).map((column) => column.length)),
    x: text("x"),
    time_axis: attribute("x-type") === "time",
    y: text("y").split(/\s+/).filter(Boolean),
    horizontal: attribute("horizontal") !== null,
    baseline: number("baseline"),
    longitude: text("longitude"),
    latitude: text("latitude"),
    name: text("name"),
    area: text("size"),
    color,
    color_range: color ? [number("color-min") ?? low, number("color-max") ?? high] : null,
    format: per_column(text("format")),
    unit: per_column(text("unit")),
    href: text("href"),
  };
}

function parse_columns(json: string | null): Columns {
  const parsed: unknown = JSON.parse(json || "{}");
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new Error("data is not an object of columns");
  return parsed as Columns;
}

export function numbers(column: Cell[] | undefined): number[] {
  return (column ?? []).filter((value): value is number => typeof value === "number");
}

export function extent(values: number[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [0, 1] : [low, high];
}

export function cell(chart: Chart, column: string, row: number): Cell {
  return chart.columns[column]?.[row];
}

export function shown(chart: Chart, column: string, value: Cell): string {
  const is_main = chart.kind === "map" ? column === chart.color : chart.y.includes(column);
  return format_value(value, of_column(chart.format, column, is_main), of_column(chart.unit, column, is_main));
}

export function link_of(chart: Chart, row: number): string | null {
  return chart.href ? fill_link(chart.href, (column) => cell(chart, column, row)) : null;
}

/** One point in words: "Atlanta: Departures 283, Mean delay 8.7 min". */
export function point_text(chart: Chart, row: number): string {
  const name = cell(chart, chart.kind === "map" ? chart.name : chart.x, row);
  return `${name ?? ""}: ${value_columns(chart).map((column) => `${title_of(column)} ${shown(chart, column, cell(chart, column, row))}`).join(", ")}`;
}

function value_columns(chart: Chart): string[] {
  return chart.kind === "map" ? [chart.area, chart.color].filter(Boolean) : chart.y;
}

/** One line for those who cannot see the picture; the data link of the tile leads to the whole table. */
export function summary(chart: Chart): string {
  if (chart.rows === 0) return "no data";
  const parts = value_columns(chart).map((column) => {
    const values = numbers(chart.columns[column]);
    if (values.length === 0) return `${title_of(column)}: no values`;
    const [low, high] = extent(values);
    const last = chart.time_axis || chart.kind === "sparkline" ? `, last ${shown(chart, column, values.at(-1))}` : "";
    return `${title_of(column)} from ${shown(chart, column, low)} to ${shown(chart, column, high)}${last}`;
  });
  return `${chart.rows} ${chart.rows === 1 ? "point" : "points"}; ${parts.join("; ")}`;
}

// From a chart's data to ECharts' option. Pure: colours, width and data come in, so that tests need no browser.

import type { EChartsOption } from "echarts";
import { cell, type Chart, numbers, shown } from "./chart_data.ts";
import { type Cell, escape_html, format_value, title_of } from "./format.ts";
import { project } from "./projection.ts";

export interface Palette {
  text: string;
  muted: string;
  line: string;
  surface: string;
  land: string;
  series: string[];
  scale: string[];
  font: string;
}

export interface Surroundings {
  palette: Palette;
  width: number;
  still: boolean;   // prefers-reduced-motion
}

export const map_name = "us-states";

export function build_option(chart: Chart, around: Surroundings): EChartsOption {
  const base = {
    animation: !around.still,
    animationDuration: 0,                 // no show at first paint
    animationDurationUpdate: 300,
    animationEasingUpdate: "cubicOut",
    textStyle: { fontFamily: around.palette.font, color: around.palette.text },
    useUTC: true,
    color: around.palette.series,
  } satisfies EChartsOption;
  switch (chart.kind) {
    case "bar": return { ...base, ...bars(chart, around) };
    case "histogram": return { ...base, ...histogram(chart, around) };
    case "line":
    case "area": return { ...base, ...lines(chart, around) };
    case "map": return { ...base, ...map(chart, around) };
    default: throw new Error(`unknown kind of chart: ${chart.kind}`);
  }
}

const grid = (legend: boolean, right = 6) => ({
  left: 2, right, top: legend ? 26 : 8, bottom: 2,
  outerBoundsMode: "same" as const, outerBoundsContain: "axisLabel" as const,
});

function axis(palette: Palette) {
  return {
    axisLine: { lineStyle: { color: palette.line } },
    axisTick: { show: false },
    axisLabel: { color: palette.muted, fontSize: 11, hideOverlap: true },
    splitLine: { show: false },
  };
}

function value_axis(chart: Chart, palette: Palette, width: number) {
  const column = chart.y[0] ?? "";
  return {
    ...axis(palette),
    type: "value" as const,
    axisLine: { show: false },
    splitNumber: width < 300 ? 3 : 4,
    splitLine: { lineStyle: { color: palette.line } },
    axisLabel: { color: palette.muted, fontSize: 11, hideOverlap: true, formatter: (value: number) => short_value(chart, column, value) },
  };
}

/** Axis labels carry no unit and no needless ".0": the title and the tooltip say what is counted. */
function short_value(chart: Chart, column: string, value: number): string {
  return shown({ ...chart, unit: "" }, column, value).replace(/\.0(?=\D|$)/, "").replace(/ min$/, "").replace(/\s%/, "%");
}

function tooltip(palette: Palette) {
  return {
    confine: true,
    backgroundColor: palette.surface,
    borderColor: palette.line,
    borderWidth: 1,
    padding: [6, 10],
    textStyle: { color: palette.text, fontSize: 12, fontFamily: palette.font },
    transitionDuration: 0,
  };
}

function tip(title: string, rows: [name: string, value: string, color?: string][]): string {
  const lines = rows.map(([name, value, color]) => {
    const dot = color ? `<i style="display:inline-block;width:8px;height:8px;border-radius:4px;margin-right:6px;background:${escape_html(color)}"></i>` : "";
    return `<div style="display:flex;justify-content:space-between;gap:16px"><span>${dot}${escape_html(name)}</span><b>${escape_html(value)}</b></div>`;
  });
  return `<div style="opacity:.75">${escape_html(title)}</div>${lines.join("")}`;
}

const label_of = (value: Cell) => String(value ?? "–");

function color_at(chart: Chart, palette: Palette, row: number): string | undefined {
  const value = cell(chart, chart.color, row);
  if (!chart.color_range || typeof value !== "number") return undefined;
  return color_scale(palette.scale, (value - chart.color_range[0]) / (chart.color_range[1] - chart.color_range[0] || 1));
}

/** Mixes the two nearest of `#rrggbb` colours; `share` is clipped to 0 … 1. */
export function color_scale(colors: string[], share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (colors.length - 1);
  const index = Math.min(colors.length - 2, Math.floor(place));
  const channel = (color: string, at: number) => parseInt(color.slice(1 + 2 * at, 3 + 2 * at), 16);
  const mixed = [0, 1, 2].map((at) => {
    const [from, to] = [channel(colors[index]!, at), channel(colors[index + 1]!, at)];
    return Math.round(from + (to - from) * (place - index)).toString(16).padStart(2, "0");
  });
  return `#${mixed.join("")}`;
}

function reference_line(chart: Chart, palette: Palette) {
  if (chart.baseline === null) return {};
  const at = chart.horizontal ? { xAxis: chart.baseline } : { yAxis: chart.baseline };
  return {
    markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: palette.muted, type: "dashed" as const }, data: [at] },
  };
}

function bars(chart: Chart, { palette, width }: Surroundings): EChartsOption {
  const categories = (chart.columns[chart.x] ?? []).map(label_of);
  const category = {
    ...axis(palette), type: "category" as const, data: categories, inverse: chart.horizontal,
    ...(chart.horizontal ? { axisLine: { show: false }, axisLabel: { color: palette.text, fontSize: 11, interval: 0 } } : {}),
  };
  const values = { ...value_axis(chart, palette, width), ...(chart.horizontal ? { axisLabel: { show: false }, splitLine: { show: false } } : {}) };
  return {
    grid: grid(chart.y.length > 1, chart.horizontal ? 44 : 6),   // the longest bar's number stands outside
    legend: legend(chart, palette),
    tooltip: {
      ...tooltip(palette), trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { opacity: 0.08 } },
      formatter: (points: unknown) => {
        const row = (points as { dataIndex: number }[])[0]!.dataIndex;
        const columns = [...new Set([...chart.y, chart.color].filter(Boolean))];
        return tip(categories[row] ?? "", columns.map((column) => [title_of(column), shown(chart, column, cell(chart, column, row))]));
      },
    },
    xAxis: chart.horizontal ? values : category,
    yAxis: chart.horizontal ? category : values,
    series: chart.y.map((column, index) => ({
      id: column, name: title_of(column), type: "bar" as const, barMaxWidth: 22, barCategoryGap: "28%",
      cursor: chart.href ? "pointer" : "default",
      data: (chart.columns[column] ?? []).map((value, row) => {
        const color = color_at(chart, palette, row) ?? palette.series[index % palette.series.length]!;
        return { value: value as number, itemStyle: { color, borderRadius: 2 } };
      }),
      ...(chart.horizontal
        ? { label: { show: true, position: "right" as const, color: palette.muted, fontSize: 11, formatter: (point: { value?: unknown }) => shown({ ...chart, unit: "" }, column, point.value as number) } }
        : {}),
      ...(index === 0 ? reference_line(chart, palette) : {}),
    })),
  };
}

function histogram(chart: Chart, { palette, width }: Surroundings): EChartsOption {
  const bins = numbers(chart.columns[chart.x]);
  const bin_width = bins.length > 1 ? Math.min(...bins.slice(1).map((bin, index) => bin - bins[index]!)) : 1;
  const column = chart.y[0] ?? "";
  return {
    grid: grid(false),
    tooltip: {
      ...tooltip(palette), trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { opacity: 0.08 } },
      formatter: (points: unknown) => {
        const row = (points as { dataIndex: number }[])[0]!.dataIndex;
        const from = bins[row] ?? 0;
        return tip(`${title_of(chart.x)} ${format_value(from)} to ${format_value(from + bin_width)}`, [[title_of(column), shown(chart, column, cell(chart, column, row))]]);
      },
    },
    xAxis: { ...axis(palette), type: "category", data: bins.map((bin) => format_value(bin)), axisLabel: { color: palette.muted, fontSize: 11, hideOverlap: true, align: "left" } },
    yAxis: value_axis(chart, palette, width),
    series: [{
      id: column, type: "bar", barCategoryGap: "6%",
      data: (chart.columns[column] ?? []).map((value, row) => ({
        value: value as number, itemStyle: { color: color_at(chart, palette, row) ?? palette.series[0]!, borderRadius: [2, 2, 0, 0] },
      })),
    }],
  };
}

function lines(chart: Chart, { palette, width }: Surroundings): EChartsOption {
  const xs = chart.columns[chart.x] ?? [];
  const filled = chart.kind === "area";
  const days = chart.time_axis && !String(xs[0] ?? "").includes("T");
  return {
    grid: grid(chart.y.length > 1),
    legend: legend(chart, palette),
    tooltip: {
      ...tooltip(palette), trigger: "axis", axisPointer: { type: "line", lineStyle: { color: palette.muted } },
      formatter: (points: unknown) => {
        const hit = points as { dataIndex: number; color: string; seriesId: string }[];
        const row = hit[0]!.dataIndex;
        const x = String(xs[row] ?? "");
        const title = !chart.time_axis ? x : days ? x : x.slice(0, 16).replace("T", " ");
        return tip(title, hit.map((point) => [title_of(point.seriesId), shown(chart, point.seriesId, cell(chart, point.seriesId, row)), point.color]));
      },
    },
    xAxis: chart.time_axis
      ? { ...axis(palette), type: "time", splitNumber: width < 420 ? 3 : 6, axisLabel: { color: palette.muted, fontSize: 11, hideOverlap: true, formatter: { day: "{d} {MMM}", hour: "{HH}:{mm}" } } }
      : { ...axis(palette), type: "category", data: xs.map(label_of), boundaryGap: false },
    // An area is a quantity and starts at 0; a line may start where its values are.
    yAxis: { ...value_axis(chart, palette, width), scale: !filled },
    series: chart.y.map((column, index) => ({
      id: column, name: title_of(column), type: "line" as const, showSymbol: false, symbol: "circle",
      // Moving every point to its neighbour's place looks like a wave; a new point should just appear.
      animationDurationUpdate: 0,
      lineStyle: { width: 1.75 },
      ...(filled ? { areaStyle: { opacity: index === 0 ? 0.16 : 0.28 } } : {}),
      data: (chart.columns[column] ?? []).map((value, row) => (chart.time_axis ? [xs[row] as string, value as number] : (value as number))),
      ...(index === 0 ? reference_line(chart, palette) : {}),
    })),
  };
}

function legend(chart: Chart, palette: Palette) {
  return {
    show: chart.y.length > 1, top: 0, right: 0, itemWidth: 12, itemHeight: 8, itemGap: 14, icon: "roundRect", selectedMode: false as const,
    textStyle: { color: palette.muted, fontSize: 11 },
    data: chart.y.map(title_of),
  };
}

function map(chart: Chart, { palette, width }: Surroundings): EChartsOption {
  const areas = numbers(chart.columns[chart.area]);
  const largest = Math.max(1, ...areas);
  const radius = Math.max(8, Math.min(22, width / 40));   // of the largest point
  const columns = [chart.area, chart.color].filter(Boolean);
  return {
    geo: {
      map: map_name, silent: true, left: 4, right: 4, top: 2, bottom: chart.color ? 18 : 4,   // below: the colour scale
      preserveAspect: "contain",
      projection: { project, unproject: (point) => point as [number, number] },   // only zooming would need the way back
      itemStyle: { areaColor: palette.land, borderColor: palette.surface, borderWidth: 1 },
    },
    tooltip: {
      ...tooltip(palette), trigger: "item",
      formatter: (point: unknown) => {
        const row = (point as { dataIndex: number }).dataIndex;
        return tip(label_of(cell(chart, chart.name, row)), columns.map((column) => [title_of(column), shown(chart, column, cell(chart, column, row))]));
      },
    },
    series: [{
      id: "points", type: "scatter", coordinateSystem: "geo",
      cursor: chart.href ? "pointer" : "default",
      // The area, not the radius, is proportional to the value.
      symbolSize: (_: unknown, point: { dataIndex: number }) => {
        const value = Number(cell(chart, chart.area, point.dataIndex) ?? 0);
        return Math.max(3, 2 * radius * Math.sqrt(Math.max(0, value) / largest));
      },
      data: Array.from({ length: chart.rows }, (_, row) => ({
        name: label_of(cell(chart, chart.name, row)),
        value: [cell(chart, chart.longitude, row) as number, cell(chart, chart.latitude, row) as number],
        itemStyle: { color: color_at(chart, palette, row) ?? palette.series[0]!, opacity: 0.85, borderColor: palette.surface, borderWidth: 0.75 },
      })),
      emphasis: { scale: 1.15 },
    }],
  };
}

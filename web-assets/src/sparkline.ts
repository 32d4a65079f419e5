// A sparkline is one path of own SVG: no library has to be loaded before the numbers on top are complete.

import { type Cell } from "./format.ts";
import { extent, numbers } from "./chart_data.ts";

export interface Sparkline {
  line: string;
  area: string;
}

/** Paths in a box of `width` x `height`; null values leave gaps. */
export function sparkline(values: Cell[], width: number, height: number): Sparkline {
  const [low, high] = extent(numbers(values));
  const step = width / Math.max(1, values.length - 1);
  const y_of = (value: number) => round(height - ((value - low) / (high - low || 1)) * height);
  let line = "";
  let area = "";
  let run: [number, number][] = [];
  const finish = () => {
    if (run.length === 0) return;
    const path = run.map(([x, y]) => `${x} ${y}`).join("L");
    line += `M${path}`;
    area += `M${run[0]![0]} ${height}L${path}L${run.at(-1)![0]} ${height}Z`;
    run = [];
  };
  values.forEach((value, index) => {
    if (typeof value === "number") run.push([round(index * step), y_of(value)]);
    else finish();
  });
  finish();
  return { line, area };
}

const round = (value: number) => Math.round(value * 100) / 100;

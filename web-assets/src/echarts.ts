// The part of ECharts that is used, as a chunk of its own: pages are complete and live before it has arrived.

import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GeoComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as core from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

core.use([
  BarChart, LineChart, ScatterChart, GeoComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, CanvasRenderer,
]);

export const { init, registerMap } = core;
export { build_option, map_name } from "./options.ts";

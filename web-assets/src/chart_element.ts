// <lodestar-chart>: draws its attributes (CONTRACT.md) in a shadow root, where Datastar's morph does not look. A morph only
// sets attributes that changed; the same ECharts instance then gets a new option: no flicker, no loss of the pointer.

import type { ECharts } from "echarts";
import { type Chart, link_of, point_text, read_chart, shown, summary } from "./chart_data.ts";
import type { Palette } from "./options.ts";
import { sparkline } from "./sparkline.ts";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const load_echarts = once(() => import("./echarts.ts"));

const style = `
:host { display: block; position: relative; min-width: 0; min-height: 0; contain: strict; }
:host([hidden]) { display: none; }
.canvas, svg { position: absolute; inset: 0; width: 100%; height: 100%; }
svg { overflow: visible; }
.canvas.waiting { border-radius: 6px; background: var(--land); opacity: .5; }
.message { position: absolute; inset: 0; display: grid; place-content: center; margin: 0; color: var(--muted); font-size: .8125rem; }
.message[hidden] { display: none; }
.line { fill: none; stroke: var(--series-1); stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.area { fill: var(--series-1); opacity: .14; }
.scale { position: absolute; right: 4px; bottom: 2px; display: flex; align-items: center; gap: 6px; font-size: 11px; color: var(--muted);
  font-variant-numeric: tabular-nums; pointer-events: none; }
.scale[hidden] { display: none; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.scale i { width: 72px; height: 6px; border-radius: 3px; background: linear-gradient(90deg, var(--scale-1), var(--scale-2), var(--scale-3)); }
`;

export class LodestarChart extends HTMLElement {
  static observedAttributes = [
    "kind", "data", "label", "x", "x-type", "y", "horizontal", "baseline", "longitude", "latitude", "name", "size", "color",
    "color-min", "color-max", "format", "unit", "href",
  ];

  readonly #internals = this.attachInternals();
  readonly #root = this.attachShadow({ mode: "open" });
  readonly #canvas = document.createElement("div");
  readonly #message = document.createElement("p");
  readonly #scale = document.createElement("div");
  readonly #spoken = document.createElement("div");
  readonly #resize = new ResizeObserver(() => this.#draw_soon());
  #echarts: ECharts | null = null;
  #chart: Chart | null = null;
  #drawn_kind = "";
  #scheduled = false;
  #chosen_row = -1;

  constructor() {
    super();
    const sheet = document.createElement("style");
    sheet.textContent = style;
    this.#canvas.className = "canvas";
    this.#message.className = "message";
    this.#scale.className = "scale";
    this.#message.hidden = this.#scale.hidden = true;
    this.#spoken.className = "spoken";
    this.#spoken.role = "status";
    this.#root.append(sheet, this.#canvas, this.#scale, this.#message, this.#spoken);
    this.addEventListener("keydown", (event) => this.#on_key(event));
    this.addEventListener("blur", () => this.#choose(-1));
  }

  connectedCallback(): void {
    this.#resize.observe(this);
    document.addEventListener("lodestar-theme", this.#draw_soon);
    still.addEventListener("change", this.#draw_soon);
    this.#draw_soon();
  }

  disconnectedCallback(): void {
    this.#resize.disconnect();
    document.removeEventListener("lodestar-theme", this.#draw_soon);
    still.removeEventListener("change", this.#draw_soon);
    // A morph may move the element: give it time to come back before the instance is thrown away.
    setTimeout(() => {
      if (this.isConnected) return;
      this.#echarts?.dispose();
      this.#echarts = null;
    });
  }

  attributeChangedCallback(): void {
    this.#draw_soon();
  }

  /** For tests: that an update kept the instance. */
  get instance(): ECharts | null {
    return this.#echarts;
  }

  // One drawing per frame, whatever number of attributes a morph sets.
  #draw_soon = (): void => {
    if (this.#scheduled || !this.isConnected) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      if (this.isConnected) void this.#draw();
    });
  };

  async #draw(): Promise<void> {
    try {
      const chart = (this.#chart = read_chart((name) => this.getAttribute(name)));
      const keys = chart.href ? ". Arrow keys choose a point, Enter opens it" : "";
      this.#internals.role = chart.href ? "application" : "img";
      this.#internals.ariaLabel = `${this.getAttribute("label") ?? ""}: ${summary(chart)}${keys}`;
      this.#say(chart.rows === 0 ? "No data" : "");
      if (chart.kind === "sparkline") this.#draw_sparkline(chart);
      else await this.#draw_chart(chart);
    } catch (error) {
      console.error(error);
      this.#say("This chart cannot be drawn");
    }
  }

  #say(text: string): void {
    this.#message.textContent = text;
    this.#message.hidden = text === "";
    this.#canvas.hidden = text !== "";
  }

  #draw_sparkline(chart: Chart): void {
    const [width, height] = [100, 30];
    const { line, area } = sparkline(chart.columns[chart.y[0] ?? ""] ?? [], width, height);
    this.#canvas.innerHTML =
      `<svg viewBox="0 -2 ${width} ${height + 3}" preserveAspectRatio="none" aria-hidden="true">` +
      `<path class="area" d="${area}"/><path class="line" d="${line}"/></svg>`;
  }

  async #draw_chart(chart: Chart): Promise<void> {
    if (!this.#echarts) this.#canvas.classList.add("waiting");
    const { init, registerMap, build_option, map_name } = await load_echarts();
    if (chart.kind === "map") registerMap(map_name, (await load_states()) as never);
    if (chart !== this.#chart || !this.isConnected) return;   // overtaken while waiting
    const { clientWidth: width, clientHeight: height } = this;
    if (width === 0 || height === 0) return;                  // drawn when it gets a size
    this.#canvas.classList.remove("waiting");
    this.#echarts ??= this.#make(init);
    const instance = this.#echarts;
    if (instance.getWidth() !== width || instance.getHeight() !== height) instance.resize({ width, height });
    const palette = read_palette(this);
    instance.setOption(build_option(chart, { palette, width, still: still.matches }), {
      notMerge: this.#drawn_kind !== chart.kind,
      replaceMerge: ["series"],
    });
    this.#drawn_kind = chart.kind;
    this.#show_scale(chart);
  }

  #make(init: typeof import("./echarts.ts").init): ECharts {
    const instance = init(this.#canvas, null, { renderer: "canvas" }) as unknown as ECharts;
    instance.on("click", (event) => {
      const target = this.#chart && link_of(this.#chart, event.dataIndex);
      if (target) location.assign(target);
    });
    return instance;
  }

  /** What the pointer does with a click, for the keyboard. */
  #on_key(event: KeyboardEvent): void {
    const chart = this.#chart;
    if (!chart?.href || chart.rows === 0) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const from = this.#chosen_row < 0 && step < 0 ? 0 : this.#chosen_row;
      this.#choose((from + step + chart.rows) % chart.rows);
    } else if (event.key === "Enter" && this.#chosen_row >= 0) {
      const target = link_of(chart, this.#chosen_row);
      if (target) location.assign(target);
    } else if (event.key === "Escape") {
      this.#choose(-1);
    }
  }

  #choose(row: number): void {
    this.#chosen_row = row;
    this.#spoken.textContent = row < 0 || !this.#chart ? "" : point_text(this.#chart, row);
    this.#echarts?.dispatchAction({ type: "downplay", seriesIndex: 0 });
    if (row < 0) this.#echarts?.dispatchAction({ type: "hideTip" });
    else for (const type of ["highlight", "showTip"]) this.#echarts?.dispatchAction({ type, seriesIndex: 0, dataIndex: row });
  }

  #show_scale(chart: Chart): void {
    this.#scale.hidden = chart.kind !== "map" || !chart.color_range;
    if (this.#scale.hidden || !chart.color_range) return;
    const [low, high] = chart.color_range.map((value) => shown_end(chart, value));
    this.#scale.replaceChildren(low ?? "", document.createElement("i"), high ?? "");
  }
}

/** "40 min" rather than "40.0 min": the ends are usually round. */
function shown_end(chart: Chart, value: number): string {
  return shown(chart, chart.color, value).replace(/\.0(?=\D|$)/, "");
}

function read_palette(element: Element): Palette {
  const computed = getComputedStyle(element);
  const color = (name: string) => computed.getPropertyValue(`--${name}`).trim() || "#888888";
  return {
    text: color("text"), muted: color("muted"), line: color("line"), surface: color("surface"), land: color("land"),
    series: [1, 2, 3, 4, 5, 6].map((index) => color(`series-${index}`)),
    scale: [1, 2, 3].map((index) => color(`scale-${index}`)),
    font: computed.fontFamily,
  };
}

const load_states = once(async () => {
  const url = document.getElementById("tiles")?.dataset.usStates;
  if (!url) throw new Error("#tiles has no data-us-states");
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.json() as Promise<unknown>;
});

/** Calls `load` once; a failure is forgotten, so that the next drawing tries again. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | null = null;
  return () => (result ??= load().catch((error: unknown) => {
    result = null;
    throw error;
  }));
}

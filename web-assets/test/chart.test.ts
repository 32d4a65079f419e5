import assert from "node:assert/strict";
import { test } from "node:test";
import { type Chart, link_of, read_chart, summary } from "../src/chart_data.ts";
import { build_option, color_scale, type Surroundings } from "../src/options.ts";
import { project } from "../src/projection.ts";
import { sparkline } from "../src/sparkline.ts";

const around: Surroundings = {
  palette: {
    text: "#000000", muted: "#555555", line: "#dddddd", surface: "#ffffff", land: "#eeeeee",
    series: ["#0000ff", "#ff8800"], scale: ["#00ff00", "#ffff00", "#ff0000"], font: "sans-serif",
  },
  width: 600,
  still: false,
};

function chart(attributes: Record<string, string>, data: unknown): Chart {
  return read_chart((name) => (name === "data" ? JSON.stringify(data) : attributes[name] ?? null));
}

const option = (given: Chart) => build_option(given, around) as Record<string, any>;

test("bars lie when asked, are coloured by a column and keep their series' id", () => {
  const bars = chart(
    { kind: "bar", x: "code", y: "departures", color: "delay", "color-min": "0", "color-max": "40", horizontal: "", href: "/d/airport?airport={code}" },
    { code: ["ORD", "ATL"], departures: [931, 589], delay: [0, 99] },
  );
  const built = option(bars);
  assert.equal(built.yAxis.type, "category");
  assert.deepEqual(built.yAxis.data, ["ORD", "ATL"]);
  assert.equal(built.series[0].id, "departures");
  assert.deepEqual(built.series[0].data.map((bar: any) => bar.itemStyle.color), ["#00ff00", "#ff0000"]);
  assert.equal(link_of(bars, 1), "/d/airport?airport=ATL");
});

test("a tooltip cannot bring markup in", () => {
  const built = option(chart({ kind: "bar", x: "name", y: "n" }, { name: ["<img src=x>"], n: [1] }));
  assert.ok(!built.tooltip.formatter([{ dataIndex: 0 }]).includes("<img"));
});

test("lines on a time axis are pairs; a gap stays a gap", () => {
  const built = option(chart({ kind: "line", x: "time", "x-type": "time", y: "a b" }, { time: ["2001-06-17T00:00:00Z", "2001-06-17T01:00:00Z"], a: [1, null], b: [2, 3] }));
  assert.equal(built.xAxis.type, "time");
  assert.deepEqual(built.series[0].data, [["2001-06-17T00:00:00Z", 1], ["2001-06-17T01:00:00Z", null]]);
  assert.deepEqual(built.legend.data, ["A", "B"]);
});

test("a map's points have a place; the area of a point is its value", () => {
  const built = option(chart(
    { kind: "map", longitude: "x", latitude: "y", name: "n", size: "flights" },
    { x: [-87.9, -84.4], y: [42, 33.6], n: ["Chicago", "Atlanta"], flights: [400, 100] },
  ));
  assert.deepEqual(built.series[0].data[1].value, [-84.4, 33.6]);
  const size = built.series[0].symbolSize;
  assert.equal(size(null, { dataIndex: 0 }), 2 * size(null, { dataIndex: 1 }));
});

test("no rows, no failure", () => {
  for (const kind of ["bar", "histogram", "line", "area", "map"]) option(chart({ kind, x: "x", y: "y" }, {}));
  assert.equal(summary(chart({ kind: "bar", x: "x", y: "y" }, {})), "no data");
});

test("data that is no object of columns is refused", () => {
  assert.throws(() => chart({ kind: "bar" }, [1, 2]));
  assert.throws(() => read_chart((name) => (name === "data" ? "{" : null)));
});

test("a summary says the range, and the last value of a course", () => {
  const given = chart({ kind: "line", x: "d", "x-type": "time", y: "on_time", format: "percent" }, { d: ["2001-06-16", "2001-06-17", "2001-06-18"], on_time: [0.5, 0.9, 0.8] });
  assert.equal(summary(given), "3 points; On time from 50.0 % to 90.0 %, last 80.0 %");
});

test("a sparkline fills its box and leaves gaps", () => {
  assert.deepEqual(sparkline([0, null, 10], 100, 30), { line: "M0 30M100 0", area: "M0 30L0 30L0 30ZM100 30L100 0L100 30Z", last: [100, 0] });
  assert.equal(sparkline([], 100, 30).line, "");
});

test("colours are mixed and clipped", () => {
  assert.equal(color_scale(["#000000", "#ffffff"], 0.5), "#808080");
  assert.equal(color_scale(["#000000", "#ffffff"], -3), "#000000");
  assert.equal(color_scale(["#000000", "#ffffff"], 3), "#ffffff");
});

test("the map has north above, west on the left, and Alaska, Hawaii and Puerto Rico below", () => {
  const [seattle, miami, anchorage, honolulu, san_juan, attu] =
    ([[-122.3, 47.6], [-80.2, 25.8], [-150, 61.2], [-157.9, 21.3], [-66, 18.4], [172.9, 52.9]] as [number, number][]).map(project) as [number, number][];
  assert.ok(seattle![0] < miami![0] && seattle![1] < miami![1]);
  for (const place of [anchorage!, honolulu!, san_juan!, attu!]) assert.ok(place[1] > 0.1 && Math.abs(place[0]) < 0.5);
});

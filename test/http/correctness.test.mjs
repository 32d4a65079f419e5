// Promise: right numbers. Whatever a query answers and a page shows at a position is what the events up to that position
// say, computed once more by other means: in JavaScript over the events themselves, and by ?as_of=, which is not cached.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { flights_project, seeded_random, start_server, wait_for } from "../support/server.mjs";
import { assert_rows, expected, random_event, sensors, tiny_project } from "../support/tiny_project.mjs";
import { expected_flights, flight_of, index_flights, load_airports } from "../support/flight_numbers.mjs";
import { Page } from "../support/page_state.mjs";

const moments = 100;
const frames_of_stretch = 40;

test(`tiny: ${moments} random moments under four posting clients, every query against plain JavaScript`, { timeout: 120_000 }, async (context) => {
  const random = seeded_random("tiny");
  const server = await start_server({ project: tiny_project(), test: context });
  const feed = await server.feed("/d/all/feed");
  const acknowledged = [];
  let asking = true;
  const posting = Array.from({ length: 4 }, async () => {
    while (asking && acknowledged.length < 20_000) {
      const answer = await server.append(Array.from({ length: 1 + random.below(20) }, () => random_event(random)));
      acknowledged.push(...answer.events);
    }
  });
  const answers = [];
  for (let moment = 0; moment < moments; ++moment) {
    const seen = acknowledged.length;
    await wait_for("some more events", () => acknowledged.length >= Math.min(seen + random.below(50), 20_000));
    const newest = acknowledged.length;   // gapless positions: so many are stored for sure
    await Promise.all(Object.keys(expected).map(async (name) => {
      const parameters = name === "sensor" ? { sensor: random.pick(sensors) } : name === "alarms" ? { level: random.below(5) } : {};
      const own = random.next();
      const more = own < 0.3 ? { min_position: newest } : own < 0.4 ? { as_of: random.below((await server.positions()).applied + 1) } : {};
      const answer = await server.query(name, { ...parameters, ...more });
      if (more.min_position) assert.ok(answer.position >= newest);
      if (more.as_of) assert.equal(answer.position, more.as_of);
      answers.push({ name, parameters, ...answer });
    }));
  }
  asking = false;
  await Promise.all(posting);

  const events = await server.events();
  assert.equal(events.length, acknowledged.length);
  for (const { position, event_id } of acknowledged) assert.equal(events[position - 1].event_id, event_id);
  for (const { name, parameters, position, rows } of answers) {
    assert_rows(rows, expected[name](events.slice(0, position), parameters), `${name} ${JSON.stringify(parameters)} at ${position}`);
  }
  await feed.at_position(events.length);
  const page = new Page();
  for (const frame of feed.events) {
    page.apply(frame);
    const before = events.slice(0, frame.position);
    assert.equal(page.kpi("total"), expected.total(before)[0].events, `total at ${frame.position}`);
    const sensors_of = expected.by_sensor(before);
    if (sensors_of.length) assert.deepEqual(page.chart("by-sensor"), { events: sensors_of.map((row) => row.events), value_sum: sensors_of.map((row) => row.value_sum), sensor: sensors_of.map((row) => row.sensor) });
    assert.deepEqual(page.table("latest").map((row) => Number(row[0].replaceAll(",", ""))), expected.latest(before).map((row) => row.position));
  }
  console.log(`tiny: ${answers.length} answers and ${feed.events.length} frames checked over ${events.length} events`);
});

test(`flights: ${moments} random moments of a fast replay, every query of both dashboards, and the frames`, { timeout: 240_000 }, async (context) => {
  const random = seeded_random("flights");
  const airports = load_airports(join(flights_project, "../../third_party/vega-datasets/airports.csv"));
  const server = await start_server({ command: "demo", args: ["--speed", "20000"], test: context });
  const shown = random.pick(["ATL", "ORD", "DFW", "LAX"]);
  const paths = { flights: "/d/flights/feed", airport: `/d/airport/feed?airport=${shown}` };
  const pages = { flights: dashboard_tiles("flights"), airport: dashboard_tiles("airport") };
  const national = [...new Set(pages.flights.map((tile) => tile.query))];
  const local = [...new Set(pages.airport.map((tile) => tile.query))];
  const busy = ["ATL", "ORD", "DFW", "LAX", "PHX", "DEN", "SFO"];

  // A stretch of the feed of both pages: frames are large, all of them would fill the memory.
  const stretches = [];
  const follow = async () => {
    await Promise.all(Object.entries(paths).map(async ([dashboard, path]) => {
      const feed = await server.feed(path);
      await wait_for(`${frames_of_stretch} frames of ${dashboard}`, () => feed.events.length >= frames_of_stretch, 60_000);
      feed.close();
      stretches.push({ dashboard, frames: feed.events.slice(0, frames_of_stretch) });
    }));
  };

  // Until the replay is more than a week on, windows reach into the history: only ?as_of= knows it. From then on every
  // window but one lies within the events.
  const week_events = 130_000;
  const answers = [];
  let at_moment = 0, compared = 0;
  const ask = async () => {
    const airport = random.pick(busy);
    const asked = [...national.map((name) => [name, {}]), ...local.map((name) => [name, { airport }])];
    await Promise.all(asked.map(async ([name, parameters]) => {
      const answer = await server.query(name, parameters);
      answers.push({ name, parameters, ...answer });
      const anew = await server.query(name, { ...parameters, as_of: answer.position });
      assert.deepEqual(anew.rows, answer.rows, `${name} ${JSON.stringify(parameters)} at ${answer.position}: cached and computed anew`);
      assert.deepEqual(anew.columns, answer.columns);
      compared += 1;
    }));
    at_moment += 1;
  };
  await follow();
  const early = moments * 0.3;
  for (let next = random.below(2_000); at_moment < early; next += random.below(2 * week_events / early)) {
    if (next >= week_events) next = week_events - 1;
    await wait_for("the replay goes on", async () => (await server.positions()).applied >= next, 60_000);
    await ask();
  }
  await follow();
  await wait_for("a week was replayed", async () => (await server.positions()).applied >= week_events, 120_000);
  await follow();
  while (at_moment < moments) await ask();
  const last = (await server.positions()).applied;

  const flights = index_flights((await server.events()).map(flight_of));
  let computed = 0;
  for (const { name, parameters, position, rows } of answers) {
    const own = expected_flights(name, parameters, flights, position, airports);
    if (own === null) continue;   // the window reaches into the history
    compare_rows(rows, own, `${name} ${JSON.stringify(parameters)} at ${position}`);
    computed += 1;
  }
  assert.ok(computed >= moments * 0.7 * national.length, `${computed} answers were computed once more`);

  let frames_checked = 0;
  for (const { dashboard, frames } of stretches) {
    const sample = new Set([0, frames.length - 1, ...Array.from({ length: 4 }, () => random.below(frames.length))]);
    const page = new Page();
    for (const [index, frame] of frames.entries()) {
      if (index > 0) assert.ok(frame.position >= frames[index - 1].position, "ids only grow");
      page.apply(frame);
      assert.deepEqual([...page.positions()], [frame.position], "a frame moves the whole page to one position");
      if (!sample.has(index)) continue;
      const parameters = dashboard === "airport" ? { airport: shown } : {};
      const results = new Map(await Promise.all([...new Set(pages[dashboard].map((tile) => tile.query))].map(async (name) =>
        [name, await server.query(name, { ...parameters, as_of: frame.position })])));
      for (const tile of pages[dashboard]) {
        check_tile(page, tile, results.get(tile.query), `${dashboard}/${tile.id} at ${frame.position}`);
      }
      frames_checked += 1;
    }
  }
  assert.ok(frames_checked >= 30, `${frames_checked} frames were checked`);
  console.log(`flights: ${compared} answers equal to ?as_of=, ${computed} to plain JavaScript, ${frames_checked} frames of ` +
    `${stretches.length * frames_of_stretch}, up to position ${last}`);
  assert.ok(at_moment >= moments);
});

/** The tiles of a dashboard file: id, query, chart and the columns they show. Enough of TOML for these two files. */
function dashboard_tiles(name) {
  const text = readFileSync(join(flights_project, "dashboards", `${name}.toml`), "utf8");
  return text.split("[[tile]]").slice(1).map((part) => Object.fromEntries(
    [...part.matchAll(/^(\w+) = (.+?)(?: +#.*)?$/gm)].map(([, key, value]) => {
      const texts = [...value.matchAll(/"([^"]*)"/g)].map((match) => match[1]);
      return [key, value.startsWith("[") ? texts : texts[0] ?? value];
    })));
}

function check_tile(page, tile, { rows }, what) {
  assert.equal(page.state(tile.id), "live", what);
  if (tile.chart === "kpi") {
    assert.equal(page.kpi(tile.id), rows.at(-1)[tile.value], what);
    assert.deepEqual(page.chart(tile.id)[tile.trend], rows.map((row) => row[tile.trend]), what);
  } else if (tile.chart === "table") {
    const shown = page.table(tile.id);
    assert.equal(shown.length, rows.length, what);
    for (const [index, row] of rows.entries()) {
      for (const [at, column] of tile.columns.entries()) {
        assert.ok(shows(column, shown[index][at], row[column]), `${what}: ${column} of row ${index} is shown as ${shown[index][at]}, not ${row[column]}`);
      }
    }
  } else {
    const data = page.chart(tile.id);
    assert.ok(Object.keys(data).length >= 2, what);
    for (const [column, values] of Object.entries(data)) assert.deepEqual(values, rows.map((row) => row[column]), `${what}, ${column}`);
  }
}

/** Whether a table of the two dashboards shows that value: text as it is, numbers rounded to what is shown. */
function shows(column, text, value) {
  if (value === null) return text === "–";
  if (column === "departed") return text === value.slice(11, 16);
  if (typeof value === "string") return text === value;
  const [, digits, unit] = /^(.*?)(?:\u00a0(.*))?$/.exec(text);
  const number = Number(digits.replaceAll(",", "").replace("−", "-"));
  const [scale, decimals, wanted_unit] = { on_time: [100, 1, "%"], mean_delay: [1, 1, "min"], distance: [1, 0, "mi"], delay: [1, 0, "min"] }[column] ?? [1, 0, undefined];
  return unit === wanted_unit && Math.abs(number - value * scale) <= 0.5 * 10 ** -decimals + 1e-9;
}

/** Equal rows; what the queries round may differ by the last digit, because a mean in JavaScript rounds elsewhere. */
function compare_rows(rows, own, what) {
  assert.equal(rows.length, own.length, what);
  for (const [index, row] of rows.entries()) {
    for (const [column, value] of Object.entries(own[index])) {
      const found = row[column];
      const rounded = typeof value === "number" && !Number.isInteger(value * 1e9) || /delay|on_time/.test(column);
      if (rounded && typeof found === "number" && typeof value === "number") {
        const step = /on_time/.test(column) ? 1e-4 : 1e-2;
        assert.ok(Math.abs(found - value) <= step * 0.51, `${what}: ${column} of row ${index} is ${found}, not ${value}`);
      } else {
        assert.deepEqual(found, value, `${what}: ${column} of row ${index}`);
      }
    }
  }
}

test("canary: a wrong number is found, in a row and on the page", () => {
  const own = [{ code: "ATL", departures: 3, mean_delay: 8.72, on_time: 0.8114 }];
  compare_rows(own, own, "right");
  const wrong = [{ departures: 4 }, { mean_delay: 8.73 }, { on_time: 0.8115 }, { code: "ORD" }, { departures: null }];
  for (const change of wrong) assert.throws(() => compare_rows([{ ...own[0], ...change }], own, "wrong"), JSON.stringify(change));
  assert.throws(() => compare_rows([], own, "a row is missing"));
  assert_rows([{ mean: 49.82869277961302, n: 3 }], [{ mean: 49.82869277961303, n: 3 }], "the last digit");
  for (const wrong of [{ mean: 49.8286927797 }, { n: 4 }, { mean: null }]) {
    assert.throws(() => assert_rows([{ mean: 49.82869277961302, n: 3, ...wrong }], [{ mean: 49.82869277961303, n: 3 }], "wrong"), JSON.stringify(wrong));
  }

  const page = new Page();
  const body = '<table><tbody><tr><th scope="row">ATL</th><td class="number">8.7\u00a0min</td></tr></tbody></table>';
  page.apply({ elements: `<section class="tile" id="tile-t" data-state="live"><header><span class="as-of" id="as-of-t" data-position="7"></span></header>${body}</section>` });
  const tile = { id: "t", chart: "table", columns: ["code", "mean_delay"] };
  check_tile(page, tile, { rows: own }, "right");
  for (const change of [{ code: "ORD" }, { mean_delay: 8.76 }, { mean_delay: 8.64 }, { mean_delay: null }]) {
    assert.throws(() => check_tile(page, tile, { rows: [{ ...own[0], ...change }] }, "wrong"), JSON.stringify(change));
  }
  assert.throws(() => check_tile(page, tile, { rows: [...own, ...own] }, "a row is missing"));
});

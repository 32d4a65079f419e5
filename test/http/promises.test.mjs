// The promises of the HTTP interface that are about when and how often something is computed, and about reading what one
// has written.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { flights_project, seeded_random, Server, start_server, temp_folder, wait_for, within } from "../support/server.mjs";
import { Page } from "../support/page_state.mjs";
import { assert_rows, expected, measured, random_event, tiny_project } from "../support/tiny_project.mjs";

const departure = (origin, minute, more = {}) => ({
  event_type: "FlightDeparted", aggregate_type: "Airport", aggregate_id: origin,
  payload: { date: `2001-06-17T12:${String(minute % 60).padStart(2, "0")}:00Z`, delay: 3, distance: 760, destination: "LGA", ...more },
});
const airport_queries = 6;   // distinct queries of dashboards/airport.toml

describe("precision: an event recomputes what depends on it, and nothing else", { timeout: 60_000 }, () => {
  test("events of ATL compute nothing for the page of SFO; one of SFO computes each of its queries once", async (context) => {
    const server = await start_server({ test: context });
    const feed = await server.feed("/d/airport/feed?airport=SFO");
    await feed.first(() => true, { what: "the first frame" });
    const before = await server.executions();
    for (let index = 0; index < 20; ++index) {
      const { position } = await server.append(departure("ATL", index));
      await server.wait_until_applied(position);
    }
    const answer = await server.query("airport_pulse", { airport: "SFO", min_position: 20 });
    assert.match(answer.headers["cache-status"], /; hit$/, "the cached result is current");
    assert.equal(answer.position, 20, "and it is known to be true now");
    assert.equal(await server.executions(), before, "20 events of ATL made DuckDB run nothing");
    assert.equal(feed.events.length, 1, "and sent nothing to the viewers of SFO");

    const { position } = await server.append(departure("SFO", 30));
    const frame = await feed.at_position(position);
    assert.equal(frame.position, position);
    assert.equal(await server.executions(), before + airport_queries, "each query of the page ran once");
  });

  test("two hundred viewers of one page cost as many computations as one", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    await server.append(measured("a", 1));
    const feeds = await Promise.all(Array.from({ length: 200 }, () => server.feed("/d/all/feed")));
    await Promise.all(feeds.map((feed) => feed.at_position(1)));
    const before = await server.executions();
    const { position } = await server.append(measured("a", 2));
    await Promise.all(feeds.map((feed) => feed.at_position(position)));
    assert.equal(await server.executions(), before + 3, "three queries on the page");
    for (const feed of feeds) assert.equal(feed.events.at(-1).elements, feeds[0].events.at(-1).elements);
  });
});

test("stampede: 1,000 requests for a cold query run one query", { timeout: 60_000 }, async (context) => {
  const server = await start_server({ test: context });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 200 });
  context.after(() => agent.destroy());
  for (const path of ["/api/queries/worst_routes", "/api/queries/airport_pulse?airport=ORD"]) {
    const before = await server.executions();
    const answers = await Promise.all(Array.from({ length: 1000 }, () => server.get(path, { agent })));
    assert.equal(await server.executions(), before + 1, path);
    for (const answer of answers) {
      assert.equal(answer.status, 200, answer.text);
      assert.ok(answer.body.equals(answers[0].body));
    }
    const misses = answers.filter((answer) => /fwd=miss$/.test(answer.headers["cache-status"])).length;
    assert.equal(misses, 1, "one of them led, the others joined or found it");
  }
  // The same after an event: everybody wants the new result at once.
  const { position } = await server.append(departure("ORD", 1));
  const before = await server.executions();
  const answers = await Promise.all(Array.from({ length: 1000 }, () =>
    server.get(`/api/queries/airport_pulse?airport=ORD&min_position=${position}`, { agent })));
  assert.equal(await server.executions(), before + 1, "after an event");
  for (const answer of answers) assert.ok(answer.status === 200 && answer.body.equals(answers[0].body), answer.text);
});

describe("read your own writes", { timeout: 60_000 }, () => {
  test("min_position: the answer contains the event, whoever posts besides", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    const client = async (name) => {
      for (let round = 1; round <= 50; ++round) {
        const { position } = await server.append(measured(name, round));
        const own = await server.query("sensor", { sensor: name, min_position: position });
        assert.ok(own.position >= position);
        assert.equal(own.rows[0].events, round);
        assert.equal(own.rows[0].newest, position);
        const latest = await server.query("latest", { min_position: position });
        assert.ok(latest.rows[0].position >= position);
      }
    };
    await Promise.all(["a", "b", "c", "d"].map(client));
  });

  test("min_position in the future waits for the event", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    const waiting = server.query("total", { min_position: 3 });
    await server.append([measured("a", 1), measured("a", 2)]);
    assert.equal((await server.query("total", { min_position: 2 })).rows[0].events, 2);
    await server.append(measured("a", 3));
    assert.deepEqual((await waiting).rows, [{ events: 3, value_sum: 6, smallest: 1, largest: 3, mean: 2 }]);
  });

  test("an answer that waited for a position says at least that position, also when the event did not concern it", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    await server.append(measured("a", 1));
    await server.query("sensor", { sensor: "a", min_position: 1 });   // cached from here on
    const waiting = server.query("sensor", { sensor: "a", min_position: 2 });
    await server.append(measured("b", 1));
    const answer = await waiting;
    assert.equal(answer.rows[0].events, 1);
    assert.ok(answer.position >= 2, `Lodestar-Position ${answer.position} of an answer that was asked for min_position=2`);
  });

  test("min_position that does not come answers 504 in bounded time", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    const answer = await server.get("/api/queries/total?min_position=7");
    assert.equal(answer.status, 504, answer.text);
    assert.equal(answer.json.code, "deadline_exceeded");
    assert.match(answer.json.detail, /position 7 .* 0$/);
  });

  test("as_of: an earlier position, any time later", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    const random = seeded_random("as_of");
    await server.append(Array.from({ length: 200 }, () => random_event(random)));
    const events = await server.events();
    await server.wait_until_applied(200);
    for (const position of [0, 1, 2, 99, 199, 200]) {
      for (const name of Object.keys(expected)) {
        const answer = await server.query(name, { as_of: position });
        assert.equal(answer.position, position);
        assert_rows(answer.rows, expected[name](events.slice(0, position)), `${name} as of ${position}`);
      }
    }
  });

  test("frames: from the acknowledged position on each contains the event", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    const feed = await server.feed("/d/all/feed");
    const posting = async (name) => {
      for (let round = 0; round < 50; ++round) {
        const { position } = await server.append(measured(name, round));
        const frame = await feed.at_position(position, { from: Math.max(0, feed.events.length - 3) });
        assert.ok(frame.position >= position);
      }
    };
    await Promise.all(["a", "b", "c", "d"].map(posting));
    await feed.at_position(200);
    // All events are readings: "contains every event up to P" is "counts P of them".
    for (const { position, elements } of feed.events) {
      const shown = /id="tile-total".*?<data value="(\d+)">/s.exec(elements);
      assert.ok(shown, "every event changes the total");
      assert.equal(Number(shown[1]), position, `the frame at ${position} contains the events up to ${position} and no other`);
      const newest = /id="tile-latest".*?<th scope="row">([\d,]+)</s.exec(elements);
      if (position > 0) assert.equal(Number(newest[1].replaceAll(",", "")), position);
    }
  });

  test("a viewer who comes back gets the whole present state, whatever Last-Event-ID he sends", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    await server.append([measured("a", 1), measured("a", 2)]);
    for (const last of ["0", "1", "2", "999999999999999999999", "-5", "nonsense", ""]) {
      const answer = await fetch(`${server.url}/d/all/feed`, { headers: { "last-event-id": last }, signal: AbortSignal.timeout(10_000) });
      assert.equal(answer.status, 200);
      const reader = answer.body.getReader();
      let text = "";
      while (!text.includes("\n\n")) text += new TextDecoder().decode((await reader.read()).value);
      await reader.cancel();
      for (const id of ["page-status", "tile-total", "tile-by-sensor", "tile-latest"]) assert.match(text, new RegExp(`id="${id}"`), last);
    }
  });
});

describe("answers of a query", { timeout: 60_000 }, () => {
  const headers = (answer) => ["etag", "lodestar-position", "cache-status", "age"].map((name) => answer.headers[name]);

  test("conditional requests: 304 while the content is the same, also across an event that does not change it", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    await server.append(measured("a", 1));
    const path = "/api/queries/sensor?sensor=a&min_position=1";
    const first = await server.get(path);
    const { etag } = first.headers;
    assert.match(etag, /^"[^"]+"$/);
    for (const given of [etag, `"other", ${etag}`, "*"]) {
      const again = await server.get(path, { headers: { "if-none-match": given } });
      assert.equal(again.status, 304, given);
      assert.equal(again.body.length, 0);
      assert.equal(again.headers.etag, etag);
      assert.equal(again.headers["lodestar-position"], "1");
    }
    await server.append(measured("b", 5));
    const other = await server.get("/api/queries/sensor?sensor=a&min_position=2", { headers: { "if-none-match": etag } });
    assert.equal(other.status, 304);
    assert.equal(other.headers["lodestar-position"], "2", "the same content, known to be true later");
    await server.append(measured("a", 5));
    const changed = await server.get("/api/queries/sensor?sensor=a&min_position=3", { headers: { "if-none-match": etag } });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.etag, etag);
  });

  test("a large result: the same in each format, and an error when its text exceeds 64 MiB", async (context) => {
    const server = await start_server({ test: context, project: tiny_project({
      "queries/large.sql": "-- depends_on: none\nSELECT range AS n FROM range(200000)\n",
      "queries/bits.sql": "-- depends_on: none\nSELECT range % 2 = 0 AS even FROM range(15000000)\n",
    }) });
    for (const status of ["fwd=miss", "hit"]) {
      const json = await server.get("/api/queries/large?format=json");
      assert.match(json.headers["cache-status"], new RegExp(status));
      assert.equal(JSON.parse(json.text).rows.length, 200_000);
    }
    const csv = await server.get("/api/queries/large?format=csv");
    assert.equal(csv.text.split("\r\n").length, 200_002);
    const refused = await server.get("/api/queries/bits?format=json");
    assert.equal(refused.status, 413);
    assert.match(refused.text, /format=arrow/);
    assert.equal((await server.get("/api/queries/bits?format=arrow")).status, 200);
  });

  test("formats by Accept and by ?format=, each with its type and its ETag", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    await server.append([measured("a", 1, { note: 'say "x", \n y' }), measured("b", 2)]);
    const formats = { json: "application/json", csv: "text/csv", arrow: "application/vnd.apache.arrow.stream" };
    const etags = new Set();
    for (const [name, type] of Object.entries(formats)) {
      const named = await server.get(`/api/queries/latest?format=${name}&min_position=2`);
      const accepted = await server.get("/api/queries/latest?min_position=2", { headers: { accept: type } });
      for (const answer of [named, accepted]) {
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.headers["content-type"].split(";")[0], type);
        assert.equal(Number(answer.headers["content-length"]), answer.body.length);
        assert.match(answer.headers.vary ?? "", /Accept/i);
        for (const value of headers(answer)) assert.ok(value !== undefined, JSON.stringify(answer.headers));
      }
      assert.ok(named.body.equals(accepted.body));
      etags.add(named.headers.etag);
    }
    assert.equal(etags.size, 3, "a format is a representation of its own");
    const csv = (await server.get("/api/queries/latest?format=csv&min_position=2")).text;
    assert.equal(csv, 'position,sensor,value,note\r\n2,b,2,\r\n1,a,1,"say ""x"", \n y"\r\n');
    const arrow = (await server.get("/api/queries/latest?format=arrow&min_position=2")).body;
    assert.equal(arrow.readUInt32LE(0), 0xffffffff, "an Arrow IPC stream begins with a continuation marker");
    assert.ok(arrow.subarray(-8).equals(Buffer.from([255, 255, 255, 255, 0, 0, 0, 0])), "and ends with its end mark");
    const any = await server.get("/api/queries/latest", { headers: { accept: "*/*" } });
    assert.equal(any.headers["content-type"], "application/json");
  });

  test("HEAD says what GET would, without the body", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    await server.append(measured("a", 1));
    for (const path of ["/api/queries/total?min_position=1", "/api/queries", "/d/all", "/health/ready", "/api/events"]) {
      const got = await server.get(path);
      const head = await server.request(path, { method: "HEAD" });
      assert.equal(head.status, got.status, path);
      assert.equal(head.body.length, 0);
      assert.equal(head.headers["content-type"], got.headers["content-type"]);
      assert.equal(head.headers["content-length"], got.headers["content-length"], path);
    }
  });

  test("the list of queries says what each takes and depends on", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    const { queries } = (await server.get("/api/queries")).json;
    assert.deepEqual(queries.map((query) => query.name), Object.keys(expected).sort());
    const named = Object.fromEntries(queries.map((query) => [query.name, query]));
    assert.deepEqual(named.sensor.parameters, [{ name: "sensor", type: "text", default: "a" }]);
    assert.deepEqual(named.sensor.depends_on, ["events/Sensor/{sensor}/**"]);
    assert.deepEqual(named.total, { name: "total", title: "Everything", parameters: [], depends_on: "all" });
  });

  test("headers that protect, on every kind of answer", async (context) => {
    const server = await start_server({ project: tiny_project(), test: context });
    for (const path of ["/d/all", "/api/queries", "/api/queries/total", "/metrics", "/nowhere", "/health/live", "/static/x"]) {
      const answer = await server.get(path);
      assert.equal(answer.headers["x-content-type-options"], "nosniff", path);
      assert.equal(answer.headers["referrer-policy"], "same-origin", path);
    }
    const policy = (await server.get("/d/all")).headers["content-security-policy"];
    for (const part of ["default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.ok(policy.includes(part), part);
  });
});

test("a tile that cannot be refreshed keeps its number, position and says why; the others go on", async (context) => {
  const server = await start_server({ test: context, project: tiny_project({
    "queries/fragile.sql": "-- depends_on: events/Sensor/**\nSELECT CASE WHEN count(*) > 1 THEN error('too many') ELSE count(*) END AS n FROM reading\n",
    "dashboards/stale.toml": 'title = "Stale"\n\n[[tile]]\nid = "fragile"\nquery = "fragile"\nchart = "table"\n\n[[tile]]\nid = "total"\nquery = "total"\nchart = "table"\n',
  }) });
  const feed = await server.feed("/d/stale/feed");
  const page = new Page();
  let seen = 0;
  const apply = () => { for (; seen < feed.events.length; ++seen) page.apply(feed.events[seen]); };
  const first = (await server.append(measured("a", 1))).position;
  await feed.at_position(first);
  apply();
  assert.equal(page.state("fragile"), "live");
  assert.deepEqual([...page.positions()], [first]);
  const second = (await server.append(measured("a", 2))).position;
  await feed.at_position(second);
  apply();
  assert.equal(page.state("fragile"), "stale");
  assert.equal(page.state("total"), "live");
  assert.deepEqual([...page.positions()].sort(), [first, second]);
  assert.match(page.tile("fragile"), new RegExp(`data-position="${first}"`));
  assert.match(page.tile("fragile"), /Could not be refreshed: .*too many/);
  assert.deepEqual(page.table("fragile"), [["1"]]);
});

describe("start and stop", { timeout: 120_000 }, () => {
  test("SIGTERM with open streams and posts under way: exit 0 within 5 s, nothing acknowledged is lost", async (context) => {
    const random = seeded_random("stop");
    const project = tiny_project();
    const data = temp_folder();
    const acknowledged = new Map();
    const times_ms = [];
    for (let round = 0; round < 10; ++round) {
      const server = await start_server({ project, data, test: context });
      const feeds = await Promise.all(Array.from({ length: 20 }, () => server.feed("/d/all/feed")));
      let posted = 0;
      const posting = Array.from({ length: 4 }, async () => {
        while (server.alive) {
          const answer = await server.post(Array.from({ length: 5 }, () => random_event(random))).catch(() => null);
          if (!answer || answer.status !== 201) return;
          for (const event of answer.json.events) acknowledged.set(event.event_id, event.position);
          ++posted;
        }
      });
      await wait_for("posts are under way", () => posted > 5 + random.below(20));
      const began_at = performance.now();
      const outcome = await server.stop();
      times_ms.push(performance.now() - began_at);
      assert.deepEqual(outcome, { code: 0, signal: null }, server.stderr);
      await Promise.all(posting);
      await within("the streams end", wait_for("", () => feeds.every((feed) => feed.ended)));
    }
    assert.ok(Math.max(...times_ms) < 5_000, `stopped within 5 s, not ${Math.max(...times_ms).toFixed(0)} ms`);
    console.log(`stop: at most ${Math.max(...times_ms).toFixed(0)} ms with 20 streams and 4 posting clients`);
    const server = await start_server({ project, data, test: context });
    const events = await server.events();
    const by_id = new Map(events.map((event) => [event.event_id, event.position]));
    for (const [event_id, position] of acknowledged) assert.equal(by_id.get(event_id), position);
    assert.deepEqual(events.map((event) => event.position), events.map((_, index) => index + 1));
    assert.deepEqual((await server.query("both")).rows, expected.both(events));
  });

  test("SIGTERM while a query runs: exit 0 within 5 s", async (context) => {
    const endless = "SELECT count(*) AS n FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3\n";
    const server = await start_server({ project: tiny_project({ "queries/endless.sql": `-- deadline_ms: 600000\n${endless}` }), test: context });
    const waiting = server.get("/api/queries/endless").catch((error) => error);
    await server.query("total");   // a later request is answered: the earlier one has arrived
    const began_at = performance.now();
    assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.stderr);
    assert.ok(performance.now() - began_at < 5_000, `stopped within 5 s, not ${(performance.now() - began_at).toFixed(0)} ms`);
    await waiting;
  });

  test("SIGTERM ends a start that takes long at once, and nothing is broken", async (context) => {
    const endless = "[table.endless]\nsql = 'SELECT count(*) AS n FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3'\n";
    const data = temp_folder();
    const server = new Server({ project: tiny_project({ "lodestar.toml": `[project]\nname = "tiny"\nhome = "all"\n\n${endless}` }), data });
    context.after(() => server.kill());
    await wait_for("the server has begun to start", () => existsSync(join(data, "events.db")));
    assert.deepEqual(await server.stop(2_000), { code: 128 + 15, signal: null }, server.stderr);
    assert.equal(server.stdout, "");
    assert.equal((await (await start_server({ project: tiny_project(), data, test: context })).query("total")).rows[0].events, 0);
  });

  test("a query that takes too long ends at its deadline, others go on", async (context) => {
    const endless = "SELECT count(*) AS n FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3\n";
    const server = await start_server({ project: tiny_project({ "queries/endless.sql": `-- deadline_ms: 300\n${endless}` }), test: context });
    const late = server.get("/api/queries/endless");
    assert.equal((await server.query("total")).rows[0].events, 0);
    const answer = await late;
    assert.equal(answer.status, 504, answer.text);
    assert.match(answer.json.detail, /endless took longer than 300 ms/);
    assert.match(answer.json.place, /queries\/endless\.sql/);
  });

  test("the flights demo with its three million rows is ready within 3 s", async (context) => {
    const times_ms = [];
    for (let round = 0; round < 3; ++round) {
      const server = await start_server({ project: flights_project, test: context });
      times_ms.push(server.ready_ms);
      assert.equal((await server.query("pulse")).rows.length, 24);
      await server.stop();
    }
    console.log(`start: flights ready after ${times_ms.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    const median_ms = times_ms.sort((left, right) => left - right)[1];
    assert.ok(median_ms < 3_000, `ready within 3 s, not ${median_ms.toFixed(0)} ms`);
  });
});

test("docs/reference/http.md lists the metrics that are served, and no others", async (context) => {
  const server = await start_server({ project: tiny_project(), test: context });
  const documented = readFileSync(new URL("../../docs/reference/http.md", import.meta.url), "utf8");
  const listed = [...documented.matchAll(/^\| `(lodestar_\w+)(?:\{[\w,]+\})?` \| (\w+) \|/gm)].map(([, name, kind]) => `${name} ${kind}`);
  await server.get("/api/queries/total");
  const served = [...(await server.get("/metrics")).text.matchAll(/^# TYPE (\w+ \w+)$/gm)].map(([, metric]) => metric);
  const only_when_needed = ["lodestar_analytics_events_skipped_total counter"];
  assert.deepEqual(listed, [...served, ...only_when_needed].sort());
});

// Promise: the documents are true. What README.md and the guide show is what the examples hold, passes `lodestar check`, and
// does what they say.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { flights_project, run, start_server, temp_folder } from "../support/server.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const text_of = (file) => readFileSync(join(root, file), "utf8");
const blocks = (markdown) => [...markdown.matchAll(/```(\w*)\n([^]*?)```/g)].map(([, language, code]) => ({ language, code }));
/** The body of the `curl … -d '…'` in a document. */
const body_of_curl = (markdown) => JSON.parse(/ -d '([^']+)'/.exec(markdown)[1]);

test("the guide's project, made of what it shows: check, serve, append, and the page shows it; an import is repeatable", async (context) => {
  const guide = text_of("docs/guide/first-dashboard.md");
  const project = temp_folder();
  const shown = [...guide.matchAll(/`shop\/([\w./]+)`:\n\n```\w+\n([^]*?)```/g)];
  assert.equal(shown.length, 4);
  for (const [, file, code] of shown) {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), code);
  }
  const checked = await run(["check", "--project", project]);
  assert.equal(checked.code, 0, checked.stderr);
  const server = await start_server({ project, test: context });
  const feed = await server.feed("/d/sales/feed");
  const order = body_of_curl(guide);
  const { position } = await server.append(order);
  const frame = await feed.at_position(position);
  assert.ok(frame.elements.includes(order.payload.product), frame.elements);
  assert.deepEqual((await server.query("revenue", { min_position: position })).rows,
    [{ product: order.payload.product, orders: 1, revenue: order.payload.amount }]);
  const file = join(temp_folder(), "orders.csv");
  writeFileSync(file, "shop,placed_at,product,amount\nBerlin,2026-11-20T10:00:00Z,Coffee,3.5\nParis,2026-11-20T11:00:00Z,Tea,2\n");
  for (let time = 0; time < 2; ++time) {
    const imported = await run(["import", file, "--event-type", "OrderPlaced", "--project", project, "--server", server.url]);
    assert.equal(imported.code, 0, imported.stderr);
  }
  const { rows } = await server.query("revenue", { min_position: position + 2 });
  assert.deepEqual(rows, [{ product: "Tea", orders: 2, revenue: 9.5 }, { product: "Coffee", orders: 1, revenue: 3.5 }]);
});

test("examples/shop: its events are imported, and its page shows them", async (context) => {
  const project = join(root, "examples/shop");
  const data = temp_folder();
  const imported = await run(["import", join(project, "events.ndjson"), "--project", project, "--data", data]);
  assert.equal(imported.code, 0, imported.stderr);
  const server = await start_server({ project, data, test: context });
  const events = await server.events();
  assert.ok(events.length > 0);
  const { rows } = await server.query("revenue");
  assert.equal(rows.reduce((sum, row) => sum + row.orders, 0), events.length);
  const page = (await server.get("/d/sales")).text;
  assert.ok(page.includes(rows[0].product));
  assert.ok(!page.includes('data-state="error"'));
});

test("README: the tile and the departure do what it says", async (context) => {
  const readme = text_of("README.md");
  const project = join(temp_folder(), "examples/flights");
  mkdirSync(dirname(project), { recursive: true });
  cpSync(flights_project, project, { recursive: true });
  cpSync(join(root, "third_party/vega-datasets"), join(project, "../../third_party/vega-datasets"), { recursive: true });
  const sql = blocks(readme).find(({ language }) => language === "sql").code;
  const tile = blocks(readme).find(({ language }) => language === "toml").code;
  const name = /^-- (queries\/\w+\.sql)$/m.exec(sql)[1];
  writeFileSync(join(project, name), sql);
  const dashboard = join(project, "dashboards/flights.toml");
  writeFileSync(dashboard, `${readFileSync(dashboard, "utf8")}\n${tile}`);
  const checked = await run(["check", "--project", project]);
  assert.equal(checked.code, 0, checked.stderr);
  const server = await start_server({ project, test: context });
  const before = (await server.query("departures")).rows;
  const { position } = await server.append(body_of_curl(readme));
  const after = (await server.query("departures", { min_position: position })).rows;
  const of = (rows, origin) => rows.find((row) => row.origin === origin).departures;
  assert.equal(of(after, "ATL"), of(before, "ATL") + 1);
  const page = (await server.get("/d/flights")).text;
  assert.match(page, /<h2 id="title-departures-by-origin">Departures by origin<\/h2>/);
  assert.equal((await server.get(/href="(\/static\/THIRD_PARTY[^"]+)"/.exec(page)[1])).status, 200);
});

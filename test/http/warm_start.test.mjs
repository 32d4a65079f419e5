// Results outlive the process, in the file beside the log and in Redis, and are used while they are true. What happens to the
// file is never seen by anybody who asks.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { start_server, temp_folder } from "../support/server.mjs";
import { start_redis } from "../support/redis.mjs";
import { measured, tiny_project } from "../support/tiny_project.mjs";

const results = (data) => join(data, "results.lmdb");

/** Starts on the data folder, asks, and returns what was answered and how often DuckDB ran. */
async function ask(context, data, options = {}) {
  const server = await start_server({ project: options.project ?? tiny_project(), data, test: context, ...options.start });
  const before = await server.executions();
  const answers = [await server.query("latest"), await server.query("sensor", { sensor: "a" }), await server.query("sensor", { sensor: "b" })];
  const executions = await server.executions() - before;
  const hits = answers.map((answer) => /; hit/.test(answer.headers["cache-status"]));
  return { server, executions, hits, rows: answers.map((answer) => answer.rows) };
}

describe("a restart", { timeout: 120_000 }, () => {
  test("computes nothing again, and after an event only what depends on it", async (context) => {
    const project = tiny_project();
    const data = temp_folder();
    const first = await ask(context, data, { project });
    await first.server.append(measured("a", 1));
    await first.server.append(measured("b", 2));
    await first.server.stop();
    const second = await ask(context, data, { project });
    assert.equal(second.executions, 3);
    await second.server.stop();
    const third = await ask(context, data, { project });
    assert.deepEqual(third.rows, second.rows);
    assert.deepEqual(third.hits, [true, true, true]);
    assert.equal(third.executions, 0);
    assert.equal(await third.server.metric("lodestar_analytics_cache_tier_hits_total"), 3);
    await third.server.append(measured("b", 3));
    await third.server.stop();
    const fourth = await ask(context, data, { project });
    assert.equal(fourth.executions, 2, "latest and sensor b");
    assert.deepEqual(fourth.rows[1], second.rows[1]);
    assert.equal(fourth.rows[2][0].events, 2);
    await fourth.server.stop();
  });

  test("with another file of results, a damaged one or none answers the same", async (context) => {
    const project = tiny_project();
    const data = temp_folder();
    const elsewhere = temp_folder();
    const first = await ask(context, data, { project });
    await first.server.append(measured("a", 1));
    await first.server.stop();
    const expected = await ask(context, data, { project });
    await expected.server.stop();
    const other = await ask(context, elsewhere, { project });
    await other.server.append(measured("a", 99));
    await other.server.stop();
    await (await ask(context, elsewhere, { project })).server.stop();
    const troubles = [
      // Of sensor b it says what held before the first event, and that is true of this log, too.
      ["of another log", 2, () => copyFileSync(results(elsewhere), results(data))],
      ["deleted", 3, () => rmSync(results(data))],
      ["cut off", 3, () => truncateSync(results(data), 5_000)],
      ["garbled", 3, () => writeFileSync(results(data), Buffer.alloc(100_000, 0x5a))],
      ["empty", 3, () => writeFileSync(results(data), "")],
    ];
    for (const [what, computed, make_trouble] of troubles) {
      make_trouble();
      const { server, executions, rows } = await ask(context, data, { project });
      assert.deepEqual(rows, expected.rows, what);
      assert.equal(executions, computed, `${what}: computed again`);
      await server.stop();
      const again = await ask(context, data, { project });
      assert.equal(again.executions, 0, `${what}: and kept`);
      await again.server.stop();
    }
    assert.ok(readdirSync(data).some((name) => name.startsWith("results.lmdb.damaged")), "what was there is set aside");
  });

  test("without the file computes everything again", async (context) => {
    const project = tiny_project();
    const data = temp_folder();
    const start = { args: ["--cache-file-mib-max", "0"] };
    await (await ask(context, data, { project, start })).server.stop();
    assert.ok(!existsSync(results(data)));
    const again = await ask(context, data, { project, start });
    assert.equal(again.executions, 3);
    await again.server.stop();
  });

  test("on another machine finds results in Redis, and goes on without it", async (context) => {
    const redis = await start_redis({ test: context });
    if (redis === undefined) return context.skip("redis-server is not installed");
    const project = tiny_project();
    const data = temp_folder();
    const start = { args: ["--cache-redis-url", redis.url] };
    const first = await ask(context, data, { project, start });
    await first.server.append(measured("a", 1));
    await first.server.stop();
    await (await ask(context, data, { project, start })).server.stop();
    rmSync(results(data));
    const warm = await ask(context, data, { project, start });
    assert.equal(warm.executions, 0);
    assert.equal(await warm.server.metric("lodestar_analytics_cache_tier_hits_total"), 3);
    await warm.server.stop();
    rmSync(results(data));
    redis.kill();
    const without = await ask(context, data, { project, start });
    assert.equal(without.executions, 3);
    assert.deepEqual(without.rows, warm.rows);
    await without.server.stop();
  });
});

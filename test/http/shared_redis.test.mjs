// The scripts give a developer a Redis server and take it away again, and what one process of the guide's example has loaded
// the next finds there.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temp_folder } from "../support/server.mjs";

const root = new URL("../..", import.meta.url).pathname;
const example = process.env.LODESTAR_EXAMPLE ?? join(root, "build/release/bin/example_swr_tiers");

/** The scripts in a folder of their own: a server that a developer has started goes on. */
function scripts_of_their_own() {
  const folder = temp_folder();
  mkdirSync(join(folder, "scripts"));
  for (const name of ["start-redis", "stop-redis"]) cpSync(join(root, "scripts", name), join(folder, "scripts", name));
  return (name, ...args) => execFileSync(join(folder, "scripts", name), args, { encoding: "utf8" }).trim();
}

const ask = (url, ...words) => execFileSync("redis-cli", ["-u", url, ...words], { encoding: "utf8" }).trim();

test("scripts/start-redis and stop-redis, with the example over them", { timeout: 60_000 }, (context) => {
  if (spawnSync("redis-server", ["--version"]).status !== 0) return context.skip("redis-server is not installed");
  const run = scripts_of_their_own();
  context.after(() => run("stop-redis"));
  const url = run("start-redis");
  assert.match(url, /^redis:\/\/127\.0\.0\.1:\d+/);
  assert.equal(run("start-redis"), url, "the one that runs");

  const printed = spawnSync(example, { env: { ...process.env, REDIS_URL: url }, encoding: "utf8", timeout: 20_000 });
  assert.equal(printed.status, 0, printed.stderr);
  assert.equal(printed.stderr, "");
  const fetched = "fetching /logo.svg\nthe bytes of /logo.svg\nthe bytes of /logo.svg, from memory\n";
  assert.equal(printed.stdout, `${fetched}the bytes of /logo.svg, from a tier\nthe bytes of /logo.svg, from memory\n`);
  assert.equal(ask(url, "EXISTS", "lodestar-example:files:/logo.svg"), "1");

  const process_id = Number(/process_id:(\d+)/.exec(ask(url, "INFO", "server"))[1]);
  run("stop-redis");
  assert.throws(() => process.kill(process_id, 0), { code: "ESRCH" });
  run("stop-redis");
});

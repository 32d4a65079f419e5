// node test/run.mjs: bundles test/*.test.ts (Node 20 does not read TypeScript) and runs them with node:test.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const here = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
const out = mkdtempSync(join(tmpdir(), "lodestar-web-assets-test-"));
try {
  const build = await rolldown({
    input: Object.fromEntries(names.map((name) => [basename(name, ".ts"), join(here, name)])),
    platform: "node",
  });
  await build.write({ dir: out, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" });
  await build.close();
  const files = names.map((name) => join(out, `${basename(name, ".ts")}.mjs`));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { cwd: dirname(here), stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}

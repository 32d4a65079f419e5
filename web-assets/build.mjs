// node build.mjs [--out DIR] [--third-party DIR]
//
// Bundles src/ and third_party/ into DIR (default: dist/): files with hashed names, each with .gz and .br, and
// manifest.json ({"app.js": "app-3f9c2a10.js", …}). The same input gives the same bytes.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { feature } from "topojson-client";
import { presimplify, quantile, simplify } from "topojson-simplify";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({ options: { out: { type: "string" }, "third-party": { type: "string" } } });
const out = resolve(options.out ?? join(here, "dist"));
const third_party = resolve(options["third-party"] ?? join(here, "../third_party"));
const source = (name) => join(here, "src", name);

const manifest = {};
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

/** Writes the file under a name that carries its hash, unless `file` already does. */
function emit(logical_name, content, file = hashed(logical_name, content)) {
  const bytes = Buffer.from(content);
  manifest[logical_name] = file;
  writeFileSync(join(out, file), bytes);
  const gzip = gzipSync(bytes, { level: 9 });
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  writeFileSync(join(out, `${file}.gz`), gzip);
  writeFileSync(join(out, `${file}.br`), brotli);
  console.log(`${file.padEnd(36)} ${bytes.length.toString().padStart(8)} ${gzip.length.toString().padStart(8)} ${brotli.length.toString().padStart(8)}`);
}

function hashed(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 10);
  return name.replace(/(\.[^.]+)$/, `-${hash}$1`);
}

async function bundle(input, format) {
  const build = await rolldown({ input, cwd: here, platform: "browser", transform: { target: "es2022", define: { "process.env.NODE_ENV": "\"production\"" } } });
  const { output } = await build.generate({
    format, minify: true, comments: { legal: false },   // THIRD_PARTY_NOTICES.txt has them
    entryFileNames: "[name]-[hash].js", chunkFileNames: "[name]-[hash].js",
  });
  await build.close();
  for (const chunk of output) emit(`${chunk.name}.js`, chunk.code, chunk.fileName);
}

/** The states as GeoJSON: a fifth of the points of the original draws the same at the size of a tile. */
function us_states() {
  const topology = JSON.parse(readFileSync(join(third_party, "vega-datasets/us-10m.json"), "utf8"));
  const weighted = presimplify(topology);
  const simple = simplify(weighted, quantile(weighted, 0.86));
  const round = (value) => Math.round(value * 100) / 100;
  const tidy = (ring) => {
    const points = ring.map(([x, y]) => [round(x), round(y)]);
    return points.filter(([x, y], index) => index === 0 || x !== points[index - 1][0] || y !== points[index - 1][1]);
  };
  const features = feature(simple, simple.objects.states).features.map(({ id, geometry }) => {
    const polygons = (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates)
      .map((rings) => rings.map(tidy).filter((ring) => ring.length >= 4))
      .filter((rings) => rings.length > 0);
    return { type: "Feature", properties: { name: String(id) }, geometry: { type: "MultiPolygon", coordinates: polygons } };
  }).filter(({ geometry }) => geometry.coordinates.length > 0);
  return JSON.stringify({ type: "FeatureCollection", features });
}

function notices() {
  const read = (path) => readFileSync(path, "utf8").trim();
  const package_file = (name, file) => read(join(here, "node_modules", name, file));
  const parts = [
    ["Apache ECharts 6.1.0", `${package_file("echarts", "NOTICE")}\n\n${package_file("echarts", "LICENSE")}`],
    ["zrender", package_file("zrender", "LICENSE")],
    ["tslib", package_file("tslib", "LICENSE.txt")],
    ["Datastar 1.0.4", `${read(join(third_party, "datastar/LICENSE"))}\n\n${read(join(here, "licenses/datastar.txt"))}`],
    ["us-states.json: made from us-10m.json of vega-datasets (US Census Bureau cartographic boundaries, public domain) with\ntopojson-client and topojson-simplify", package_file("topojson-client", "LICENSE")],
  ];
  return `Third-party software in the files of this folder.\n\n${parts.map(([name, text]) => `${"=".repeat(80)}\n${name}\n${"=".repeat(80)}\n\n${text}\n`).join("\n")}`;
}

const minify_css = (css) => css.replace(/\/\*[^]*?\*\//g, "").replace(/\s+/g, " ").replace(/ ?([{};,>]) ?/g, "$1").replace(/: /g, ":").trim();

console.log(`${"".padEnd(36)} ${"raw".padStart(8)} ${"gzip".padStart(8)} ${"brotli".padStart(8)}`);
await bundle({ app: source("app.ts") }, "esm");
await bundle({ theme: source("theme.ts") }, "iife");
emit("app.css", minify_css(readFileSync(source("app.css"), "utf8")));
emit("datastar.js", readFileSync(join(third_party, "datastar/datastar.js")));
emit("us-states.json", us_states());
emit("favicon.svg", readFileSync(source("favicon.svg"), "utf8").trim());
emit("THIRD_PARTY_NOTICES.txt", notices());
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");

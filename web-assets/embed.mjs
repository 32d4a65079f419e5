// node embed.mjs DIR: writes DIR/assets.S (.incbin of every file of the manifest) and DIR/assets.cpp (the table).

import { readFileSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";

const folder = resolve(process.argv[2] ?? "dist");
const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
const content_types = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

const assembly = ['.section .rodata'];
const declarations = [];
const rows = [];
Object.keys(manifest).sort().forEach((logical_name, index) => {
  const name = manifest[logical_name];
  const texts = ["", ".gz", ".br"].map((suffix, variant) => {
    const symbol = `lodestar_asset_${index}_${variant}`;
    const path = join(folder, name + suffix).replace(/["\\]/g, "\\$&");
    assembly.push(`.balign 16`, `.global ${symbol}, ${symbol}_end`, `${symbol}:`, `.incbin "${path}"`, `${symbol}_end:`);
    declarations.push(`extern const char ${symbol}[], ${symbol}_end[];`);
    return `text(${symbol}, ${symbol}_end)`;
  });
  const content_type = content_types[extname(name)];
  if (!content_type) throw new Error(`no content type for ${name}`);
  rows.push(`    {"${name}", "${logical_name}", "${content_type}",\n     ${texts.join(", ")}},`);
});
assembly.push('.section .note.GNU-stack,"",%progbits', "");

writeFileSync(join(folder, "assets.S"), assembly.join("\n"));
writeFileSync(join(folder, "assets.cpp"), `// Written by web-assets/embed.mjs.
#include <lodestar_assets.hpp>

extern "C" {
${declarations.join("\n")}
}

namespace lodestar {

static std::string_view text(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

std::span<const web::asset> embedded_assets() {
  static const web::asset assets[] = {
${rows.join("\n")}
  };
  return assets;
}

}  // namespace lodestar
`);

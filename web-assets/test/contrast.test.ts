import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync("src/app.css", "utf8");

function colors(block: string): Record<string, string> {
  return Object.fromEntries([...block.matchAll(/--([a-z0-9-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]));
}

function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const light = css.slice(css.indexOf(":root {"), css.indexOf(':root[data-theme="dark"]'));
const dark = css.slice(css.indexOf(':root[data-theme="dark"]'), css.indexOf("@media (prefers-color-scheme: dark)"));
const dark_by_system = css.slice(css.indexOf("@media (prefers-color-scheme: dark)"), css.indexOf("@property"));

for (const [name, block] of [["light", light], ["dark", dark]] as const) {
  test(`text has a contrast of 4.5 in ${name}`, () => {
    const is = colors(block);
    const pairs = [
      ...["text", "muted", "accent"].flatMap((text) => ["page", "surface", "raised"].map((on) => [text, on])),
      ...["good", "bad", "warn"].map((text) => [text, "surface"]), ["warn", "warn-surface"], ["bad", "bad-surface"],
    ] as [string, string][];
    for (const [text, on] of pairs) {
      const ratio = contrast(is[text]!, is[on]!);
      assert.ok(ratio >= 4.5, `${text} on ${on}: ${ratio.toFixed(2)}`);
    }
    // Lines and points of charts are graphics: 3 is enough.
    for (const series of ["series-1", "series-2", "series-3", "series-4", "series-6"]) {
      assert.ok(contrast(is[series]!, is["surface"]!) >= 2.9, `${series}: ${contrast(is[series]!, is["surface"]!).toFixed(2)}`);
    }
  });
}

test("the two blocks of dark colours are the same", () => {
  assert.deepEqual(colors(dark_by_system), colors(dark));
});

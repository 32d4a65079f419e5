import assert from "node:assert/strict";
import { test } from "node:test";
import { escape_html, fill_link, format_value, of_column, per_column, title_of } from "../src/format.ts";

test("numbers look as the server writes them", () => {
  const cases: [Parameters<typeof format_value>, string][] = [
    [[16596, "integer"], "16,596"],
    [[-1234.5, "integer"], "−1,235"],
    [[-0.2, "integer"], "0"],
    [[12.34], "12.3"],
    [[12], "12"],
    [[0.8114, "percent"], "81.1 %"],
    [[8.65, "minutes"], "8.7 min"],
    [[1781, "integer", "mi"], "1,781 mi"],
    [[null], "–"],
    [[true], "yes"],
    [["2001-06-17T14:05:09Z", "time"], "14:05"],
    [["2001-06-17T14:05:09Z", "datetime"], "2001-06-17 14:05"],
    [["2001-06-17T14:05:09Z", "date"], "2001-06-17"],
    [["ATL"], "ATL"],
  ];
  for (const [given, expected] of cases) assert.equal(format_value(...given), expected);
});

test("a setting is for the main columns or for some by name", () => {
  assert.equal(of_column("integer", "delay", true), "integer");
  assert.equal(of_column("integer", "delay", false), "");
  const by_name = per_column('{"a":"integer","mean delay":"US $"}');
  assert.equal(of_column(by_name, "mean delay", false), "US $");
  assert.equal(of_column(by_name, "delay", true), "");
  assert.equal(of_column(per_column("integer"), "a", true), "integer");
});

test("links take values of the row, escaped, and stay on this server", () => {
  const row: Record<string, string> = { code: "A/B ?" };
  assert.equal(fill_link("/d/airport?airport={code}", (column) => row[column]), "/d/airport?airport=A%2FB%20%3F");
  assert.equal(fill_link("/x/{missing}", () => null), "/x/");
  assert.equal(fill_link("javascript:{code}", () => "alert(1)"), null);
  assert.equal(fill_link("//elsewhere/{code}", () => "x"), null);
});

test("names and markup", () => {
  assert.equal(title_of("mean_delay"), "Mean delay");
  assert.equal(escape_html(`<a href="x">'&`), "&#60;a href=&#34;x&#34;&#62;&#39;&#38;");
});

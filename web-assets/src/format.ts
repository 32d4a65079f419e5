// Numbers as the server writes them: the table "Formats" of CONTRACT.md.

export type Cell = number | string | boolean | null | undefined;

const integer = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const minus = (text: string) => text.replace("-", "−");

/** One text for the columns that the chart is about, or texts by column. */
export type PerColumn = string | Record<string, string>;

/** `integer`, or `{"departures":"integer","mean_delay":"minutes"}`. */
export function per_column(setting: string): PerColumn {
  return setting.startsWith("{") ? JSON.parse(setting) as Record<string, string> : setting;
}

export function of_column(setting: PerColumn, column: string, is_main: boolean): string {
  if (typeof setting === "string") return is_main ? setting : "";
  return setting[column] ?? "";
}

export function format_value(value: Cell, format = "", unit = ""): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return format_text(value, format);
  const suffix = unit || (format === "minutes" ? "min" : format === "percent" ? "%" : "");
  const kind = format || (Number.isInteger(value) ? "integer" : "decimal");
  const digits = kind === "integer" ? integer.format(value) : decimal.format(kind === "percent" ? value * 100 : value);
  return minus(digits === "-0" || digits === "-0.0" ? digits.slice(1) : digits) + (suffix && ` ${suffix}`);
}

function format_text(value: string, format: string): string {
  if (format === "date") return value.slice(0, 10);
  if (format === "time") return value.slice(11, 16);
  if (format === "datetime") return value.slice(0, 16).replace("T", " ");
  return value;
}

/** "mean_delay" → "Mean delay" */
export function title_of(column: string): string {
  const words = column.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function escape_html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Fills "/d/airport?airport={code}". Only paths of this server: a value cannot turn the link into another scheme. */
export function fill_link(template: string, value_of: (column: string) => Cell): string | null {
  if (!template.startsWith("/") || template.startsWith("//")) return null;
  return template.replace(/\{([^{}]+)\}/g, (_, column: string) => encodeURIComponent(String(value_of(column) ?? "")));
}

// Promise: `lodestar import` stores exactly what a file says, once, however often it is imported and whatever was wrong with
// it at first; what is wrong is named by file and line, and what stands before it is stored.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { binary, run, start_server, temp_folder, wait_for } from "../support/server.mjs";
import { tiny_project } from "../support/tiny_project.mjs";

const run_duckdb = process.env.LODESTAR_RUN_DUCKDB ?? join(dirname(binary), "run_duckdb");

function duckdb(...statements) {
  const done = spawnSync(run_duckdb, statements, { encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
}

const timed_event = `event_type = "Seen"
aggregate_type = "Sensor"
table = "seen"
key_column = "sensor"

[[field]]
name = "at"
type = "timestamp"

[[field]]
name = "day"
type = "date"
required = false
`;
const project = tiny_project({ "events/seen.toml": timed_event });

// Where events go: into the data folder, or through a server. `events` is what the log holds after.

const targets = {
  data: () => {
    const data = temp_folder();
    return {
      args: ["--data", data],
      async events() {
        const server = await start_server({ project, data });
        const events = await server.events();
        assert.deepEqual(await server.stop(), { code: 0, signal: null });
        return events;
      },
    };
  },
  server: async (context) => {
    const server = await start_server({ project, test: context });
    return { args: ["--server", server.url], events: () => server.events(), server };
  },
};

const import_into = (target, files, { args = [], env } = {}) =>
  run(["import", ...[files].flat(), "--project", project, ...target.args, ...args], { env });

function imported(outcome, stored, before = 0) {
  assert.equal(outcome.code, 0, outcome.stderr);
  const [, now, known] = /imported ([\d,]+) events \(([\d,]+) were stored before\)/.exec(outcome.stdout) ?? [];
  assert.deepEqual([now, known].map((text) => Number(text?.replaceAll(",", ""))), [stored, before], outcome.stdout);
}

function refused(outcome, { code = 1, place, message, hint, stored }) {
  assert.equal(outcome.code, code, `${outcome.stdout}${outcome.stderr}`);
  if (place) assert.match(outcome.stderr, new RegExp(`error: ${place.replaceAll(/[.[\]]/g, "\\$&")}`));
  if (message) assert.match(outcome.stderr, message);
  if (hint) assert.match(outcome.stderr, hint);
  if (stored !== undefined) assert.match(outcome.stderr, new RegExp(`(^|\\n)${stored.toLocaleString("en")} events are stored`));
  else assert.doesNotMatch(outcome.stderr, /events are stored/);
}

// Rows, and how each format writes them. Many are equal: they are events of their own.

const rows_total = 5_000;
const wrong_row = 3_210;  // in the middle of a batch and of a chunk
const rows = Array.from({ length: rows_total }, (_, index) =>
  ({ sensor: "abc"[index % 3], value: index % 50, ok: index % 2 === 0, note: index % 7 === 0 ? null : `n,"${index % 5}` }));

const csv_text = (text) => (text === null ? "" : `"${text.replaceAll('"', '""')}"`);
const as_csv = (list) => ["sensor,value,ok,note", ...list.map((row) => `${row.sensor},${row.value},${row.ok},${csv_text(row.note)}`), ""].join("\r\n");

const formats = {
  ndjson: {
    file: "measured.ndjson", place: `measured.ndjson:${wrong_row + 1}`, args: [],
    write: (file, list) => writeFileSync(file, list.map(({ sensor, ...payload }) =>
      `${JSON.stringify({ event_type: "Measured", aggregate_id: sensor, payload })}\n`).join("")),
  },
  "rows of ndjson": {
    file: "measured.jsonl", place: `measured.jsonl:${wrong_row + 1}`, args: ["--event-type", "Measured"],
    write: (file, list) => writeFileSync(file, list.map((row) => `${JSON.stringify(row)}\n`).join("")),
  },
  csv: {
    file: "measured.csv", place: `measured.csv:${wrong_row + 2}`, args: ["--event-type", "Measured"],
    write: (file, list) => writeFileSync(file, as_csv(list)),
  },
  parquet: {
    file: "measured.parquet", place: `measured.parquet: row ${wrong_row + 1}`, args: ["--event-type", "Measured"],
    write: (file, list) => {
      const lines = join(temp_folder(), "rows.json");
      writeFileSync(lines, list.map((row) => JSON.stringify(row)).join("\n"));
      duckdb(`COPY (SELECT sensor, value::DOUBLE AS value, ok, note FROM read_json('${lines}', format = 'newline_delimited')) TO '${file}' (FORMAT parquet)`);
    },
  },
};

const facts = (events) => events.map(({ aggregate_id, payload }) => ({ sensor: aggregate_id, ...payload }));

for (const [name, format] of Object.entries(formats)) {
  describe(name, { timeout: 60_000 }, () => {
    const ids = {};
    for (const [target_name, make_target] of Object.entries(targets)) {
      test(`into ${target_name}: a wrong row, corrected, and once more`, async (context) => {
        const target = await make_target(context);
        const file = join(temp_folder(), format.file);
        const go = () => import_into(target, file, { args: format.args });

        format.write(file, rows.with(wrong_row, { ...rows[wrong_row], value: 5.5 }));
        refused(await go(), { place: `${format.place}.payload.value: must be an integer of 64 bits`, stored: wrong_row });
        assert.deepEqual(facts(await target.events()), rows.slice(0, wrong_row));

        format.write(file, rows);
        imported(await go(), rows_total - wrong_row, wrong_row);
        imported(await go(), 0, rows_total);
        const events = await target.events();
        assert.deepEqual(facts(events), rows);
        ids[target_name] = events.map((event) => event.event_id);
      });
    }
    test("both ways make the same events", () => assert.deepEqual(ids.data, ids.server));

    test("one row more on top is one event more, a file of another name is other events", async (context) => {
      const target = await targets.server(context);
      const folder = temp_folder();
      const [file, other] = [join(folder, format.file), join(folder, `other-${format.file}`)];
      const some = rows.slice(0, 100);
      format.write(file, some);
      imported(await import_into(target, file, { args: format.args }), 100);
      format.write(file, [{ sensor: "z", value: 1, ok: true, note: null }, ...some]);
      imported(await import_into(target, file, { args: format.args }), 1, 100);
      format.write(other, some);
      imported(await import_into(target, other, { args: format.args }), 100);
    });
  });
}

describe("what import refuses", { timeout: 60_000 }, () => {
  const write = (name, text) => {
    const file = join(temp_folder(), name);
    writeFileSync(file, text);
    return file;
  };
  const event = (members) => `${JSON.stringify({ event_type: "Measured", aggregate_id: "a", payload: { value: 1, ok: true }, ...members })}\n`;
  const measured = { args: ["--event-type", "Measured"] };

  for (const [target_name, make_target] of Object.entries(targets)) {
    test(`into ${target_name}: what the log refuses is named by file and line, and the count is right`, async (context) => {
      const target = await make_target(context);
      const first = write("first.ndjson", event({ event_id: "one" }) + event({ event_id: "two" }));
      const taken = write("taken.ndjson", `\n${event({})}${event({ event_id: "two", aggregate_id: "b" })}`);
      refused(await import_into(target, [first, taken]), { place: "taken.ndjson:3: ", message: /two/, stored: 2 });
      const version = write("version.ndjson", event({ aggregate_id: "c" }) + event({ aggregate_id: "c", expected_version: 5 }));
      refused(await import_into(target, version), { place: "version.ndjson:2: ", message: /\b1\b/, stored: 0 });
      assert.equal((await target.events()).length, 2);
    });

    test(`into ${target_name}: large payloads are cut into batches that fit`, async (context) => {
      const target = await make_target(context);
      const notes = Array.from({ length: 24 }, (_, index) => `${index}`.padEnd(900_000, "x"));
      const file = write("large.ndjson", notes.map((note) => event({ payload: { value: 1, ok: true, note } })).join(""));
      imported(await import_into(target, file), notes.length);
      assert.deepEqual((await target.events()).map(({ payload }) => payload.note), notes);
    });

    test(`into ${target_name}: a line without an end is not read whole`, async (context) => {
      const target = await make_target(context);
      const file = write("long.ndjson", event({}) + event({ payload: { value: 1, ok: true, note: "x".repeat(5 << 20) } }) + event({}));
      refused(await import_into(target, file), { place: "long.ndjson:2: ", message: /longer than 4 MiB/, stored: 1 });
      assert.equal((await target.events()).length, 1);
    });
  }

  test("nothing is stored when a later file cannot be read", async (context) => {
    const target = await targets.server(context);
    const right = write("right.csv", "sensor,value,ok\na,1,true\n");
    const cases = [
      [write("columns.csv", "sensor,value,ok,nite\na,1,true,x\n"), { place: "columns.csv:1: unknown column nite", hint: /did you mean "note"/ }],
      [write("missing.csv", "sensor,value\na,1\n"), { place: "missing.csv:1: has no column ok" }],
      [write("empty.csv", ""), { place: "empty.csv:1: is empty" }],
      [write("text.parquet", "no"), { place: "text.parquet: " }],
      [write("text.xls", "no"), { message: /cannot tell the format/, hint: /\.csv/ }],
      [join(temp_folder(), "nowhere.csv"), { message: /nowhere\.csv: cannot be read/ }],
      [write("right.csv", "sensor,value,ok\na,1,true\n"), { message: /same name/ }],
    ];
    for (const [file, wanted] of cases) refused(await import_into(target, [right, file], measured), { code: 2, ...wanted });
    assert.deepEqual(await target.events(), []);
  });

  test("a record of CSV that is none, after rows that are", async (context) => {
    const target = await targets.server(context);
    const file = write("ragged.csv", "sensor,value,ok\na,1,true\n\nb,2,true,more\n");
    refused(await import_into(target, file, measured), { place: "ragged.csv:4: has 4 cells, the header has 3", stored: 1 });
  });

  test("a server that is not there, and an address that is none", async () => {
    const file = write("one.ndjson", event({}));
    refused(await import_into({ args: ["--server", "http://127.0.0.1:1"] }, file), { message: /no answer from http:\/\/127\.0\.0\.1:1/, stored: 0 });
    refused(await import_into({ args: ["--server", "http://[::1]"] }, file), { code: 2, message: /not a server address/ });
  });
});

describe("what import keeps", { timeout: 60_000 }, () => {
  test("texts of CSV are those of the file", async (context) => {
    const target = await targets.server(context);
    const file = join(temp_folder(), "texts.csv");
    writeFileSync(file, "note;sensor;value;ok\n1.10;007;5;TRUE\n007;1e3;-5;false\n1e3;7.0;1;true\n");
    imported(await import_into(target, file, { args: ["--event-type", "Measured"] }), 3);
    assert.deepEqual(facts(await target.events()), [
      { sensor: "007", value: 5, ok: true, note: "1.10" }, { sensor: "1e3", value: -5, ok: false, note: "007" },
      { sensor: "7.0", value: 1, ok: true, note: "1e3" }]);
  });

  test("moments, wherever the machine stands", async (context) => {
    const target = await targets.server(context);
    const file = join(temp_folder(), "seen [1]*.parquet");
    duckdb("SET TimeZone = 'UTC'", `COPY (SELECT 'a' AS sensor, TIMESTAMPTZ '2001-06-30 12:00:00+00' AS at, TIMESTAMP '2001-06-30 00:00:00' AS day) TO '${file}' (FORMAT parquet)`);
    imported(await import_into(target, file, { args: ["--event-type", "Seen"], env: { TZ: "Europe/Berlin" } }), 1);
    assert.deepEqual(facts(await target.events()), [{ sensor: "a", at: "2001-06-30T12:00:00.000000Z", day: "2001-06-30" }]);
    duckdb(`COPY (SELECT 'a' AS sensor, TIMESTAMP '2001-06-30 12:00:00' AS at, TIMESTAMP '2001-06-30 12:00:00' AS day) TO '${file}' (FORMAT parquet)`);
    refused(await import_into(target, file, { args: ["--event-type", "Seen"] }), { message: /row 1\.payload\.day: must be a date/, stored: 0 });
  });

  test("a server with an IPv6 address", async (context) => {
    const target = await targets.server(context);
    const relay = net.createServer((client) => {
      const server = net.connect(target.server.port, "127.0.0.1");
      client.pipe(server).pipe(client);
      for (const end of [client, server]) end.on("error", () => { client.destroy(); server.destroy(); });
    });
    await new Promise((done, failed) => relay.once("error", failed).listen(0, "::1", done)).catch((error) => context.skip(`no IPv6: ${error.message}`));
    if (!relay.listening) return;
    context.after(() => relay.close());
    const file = join(temp_folder(), "one.csv");
    writeFileSync(file, "sensor,value,ok\na,1,true\n");
    imported(await import_into({ args: ["--server", `http://[::1]:${relay.address().port}`] }, file, { args: ["--event-type", "Measured"] }), 1);
    await wait_for("the event is there", async () => (await target.events()).length === 1);
  });
});

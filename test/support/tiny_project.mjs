// A project that starts in no time, and every number of it computed once more in plain JavaScript.
import assert from "node:assert/strict";
import { write_project } from "./server.mjs";

const files = {
  "lodestar.toml": `[project]
name = "tiny"
title = "Tiny"
home = "all"
`,
  "events/measured.toml": `event_type = "Measured"
aggregate_type = "Sensor"
table = "reading"
key_column = "sensor"

[[field]]
name = "value"
type = "integer"

[[field]]
name = "ok"
type = "boolean"

[[field]]
name = "note"
type = "text"
required = false
`,
  "events/alarm_raised.toml": `event_type = "AlarmRaised"
aggregate_type = "Sensor"
table = "alarm"
key_column = "sensor"

[[field]]
name = "level"
type = "integer"
`,
  "queries/total.sql": `-- title: Everything
SELECT count(*) AS events, sum(value)::BIGINT AS value_sum, min(value) AS smallest, max(value) AS largest, avg(value) AS mean
FROM reading
`,
  "queries/by_sensor.sql": `-- depends_on: events/Sensor/**
SELECT sensor, count(*) AS events, sum(value)::BIGINT AS value_sum, avg(value) AS mean, max(position) AS newest
FROM reading
GROUP BY sensor
ORDER BY sensor
`,
  "queries/sensor.sql": `-- parameter: sensor text = a
-- depends_on: events/Sensor/{sensor}/**
SELECT count(*) AS events, sum(value)::BIGINT AS value_sum, count(*) FILTER (ok) / count(*) AS share, max(position) AS newest
FROM reading
WHERE sensor = $sensor
`,
  "queries/latest.sql": `-- depends_on: events/Sensor/**
SELECT position, sensor, value, note
FROM reading
ORDER BY position DESC
LIMIT 5
`,
  "queries/bins.sql": `-- depends_on: events/Sensor/**
SELECT value // 10 * 10 AS bin, count(*) AS events
FROM reading
GROUP BY bin
ORDER BY bin
`,
  "queries/alarms.sql": `-- depends_on: events/Sensor/**
-- parameter: level integer = 0
SELECT sensor, count(*) AS alarms
FROM alarm
WHERE level >= $level
GROUP BY sensor
ORDER BY sensor
`,
  "queries/both.sql": `-- depends_on: events/Sensor/**
-- depends_on: events/Sensor/*/*
SELECT sensor, count(reading) AS readings, count(alarm) AS alarms
FROM (SELECT sensor, 1 AS reading, NULL AS alarm FROM reading UNION ALL SELECT sensor, NULL, 1 FROM alarm)
GROUP BY sensor
ORDER BY sensor
`,
  "dashboards/all.toml": `title = "All"

[[tile]]
id = "total"
query = "total"
chart = "kpi"
value = "events"

[[tile]]
id = "by-sensor"
query = "by_sensor"
chart = "bar"
x = "sensor"
y = ["events", "value_sum"]

[[tile]]
id = "latest"
query = "latest"
`,
  "dashboards/one.toml": `title = "One sensor"

[[parameter]]
name = "sensor"
default = "a"

[[tile]]
id = "sensor"
query = "sensor"
chart = "kpi"
value = "events"
`,
};

/** Writes the project; `more` adds or replaces files. */
export const tiny_project = (more = {}) => write_project({ ...files, ...more });

export const sensors = ["a", "b", "c", "d", "e", "f"];

let made = 0;
/** A Measured event with an id of its own. */
export function measured(sensor, value, { ok = true, note, ...rest } = {}) {
  const payload = { value, ok, ...(note === undefined ? {} : { note }) };
  return { event_id: `${process.pid}-${++made}`, event_type: "Measured", aggregate_type: "Sensor", aggregate_id: sensor, payload, ...rest };
}

export function alarm(sensor, level) {
  return { event_id: `${process.pid}-${++made}`, event_type: "AlarmRaised", aggregate_id: sensor, payload: { level } };
}

export function random_event(random) {
  const sensor = random.pick(sensors);
  if (random.next() < 0.1) return alarm(sensor, random.below(5));
  return measured(sensor, random.below(100), { ok: random.next() < 0.7, ...(random.next() < 0.5 ? { note: `n${random.below(1000)}` } : {}) });
}

const sum = (values) => (values.length ? values.reduce((left, right) => left + right, 0) : null);

function groups(events) {
  const by_sensor = new Map();
  for (const event of events) by_sensor.set(event.aggregate_id, [...(by_sensor.get(event.aggregate_id) ?? []), event]);
  return [...by_sensor].sort(([left], [right]) => (left < right ? -1 : 1));
}

/** What each query must say: (events up to the position, parameters) → rows. `events` are those of GET /api/events. */
export const expected = {
  total(events) {
    const values = readings(events).map((event) => event.payload.value);
    const value_sum = sum(values);
    return [{ events: values.length, value_sum, smallest: values.length ? Math.min(...values) : null,
              largest: values.length ? Math.max(...values) : null, mean: values.length ? value_sum / values.length : null }];
  },
  by_sensor(events) {
    return groups(readings(events)).map(([sensor, own]) => {
      const value_sum = sum(own.map((event) => event.payload.value));
      return { sensor, events: own.length, value_sum, mean: value_sum / own.length, newest: own.at(-1).position };
    });
  },
  sensor(events, { sensor = "a" } = {}) {
    const own = readings(events).filter((event) => event.aggregate_id === sensor);
    return [{ events: own.length, value_sum: sum(own.map((event) => event.payload.value)),
              share: own.length ? own.filter((event) => event.payload.ok).length / own.length : null,
              newest: own.at(-1)?.position ?? null }];
  },
  latest(events) {
    return readings(events).slice(-5).reverse().map((event) => (
      { position: event.position, sensor: event.aggregate_id, value: event.payload.value, note: event.payload.note ?? null }));
  },
  bins(events) {
    const counts = new Map();
    for (const event of readings(events)) {
      const bin = Math.floor(event.payload.value / 10) * 10;
      counts.set(bin, (counts.get(bin) ?? 0) + 1);
    }
    return [...counts].sort(([left], [right]) => left - right).map(([bin, count]) => ({ bin, events: count }));
  },
  alarms(events, { level = 0 } = {}) {
    const raised = events.filter((event) => event.event_type === "AlarmRaised" && event.payload.level >= level);
    return groups(raised).map(([sensor, own]) => ({ sensor, alarms: own.length }));
  },
  both(events) {
    return groups(events).map(([sensor, own]) => {
      const readings_of = readings(own).length;
      return { sensor, readings: readings_of, alarms: own.length - readings_of };
    });
  },
};

const readings = (events) => events.filter((event) => event.event_type === "Measured");

/** Equal rows. A mean may differ in its last binary digit: a database need not divide as JavaScript does. */
export function assert_rows(rows, wanted, message) {
  const rounded = (all) => all.map((row) => Object.fromEntries(Object.entries(row).map(([column, value]) =>
    [column, typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(14)) : value])));
  assert.deepEqual(rounded(rows), rounded(wanted), message);
}

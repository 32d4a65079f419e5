// The queries of examples/flights once more, in JavaScript over the events alone. Times are milliseconds of UTC.
import { readFileSync } from "node:fs";

const hour = 3_600_000, day = 24 * hour;

export function flight_of(event) {
  const { date, delay, distance, destination } = event.payload;
  return { position: event.position, origin: event.aggregate_id, date: Date.parse(date), delay, distance, destination };
}

export function load_airports(file) {
  const airports = new Map();
  for (const line of readFileSync(file, "utf8").trim().split("\n").slice(1)) {
    const [code, name, city, , , latitude, longitude] = fields_of(line);
    airports.set(code, { code, city: city === "NA" ? name : city, latitude: round(Number(latitude), 3), longitude: round(Number(longitude), 3) });
  }
  return airports;
}


function fields_of(line) {
  return [...line.matchAll(/("([^"]|"")*"|[^,]*)(,|$)/g)].map(([, field]) => field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
}

/** Half away from zero, as DuckDB rounds. */
const round = (value, digits) => (Math.sign(value) * Math.round(Math.abs(value) * 10 ** digits)) / 10 ** digits;
const mean = (flights) => flights.reduce((total, flight) => total + flight.delay, 0) / flights.length;
const share = (flights, test) => flights.filter(test).length / flights.length;
const iso = (time) => new Date(time).toISOString().replace(".000Z", "Z");
const punctual = (flight) => flight.delay <= 15;
const by_text = (left, right) => (left < right ? -1 : left > right ? 1 : 0);

function group(flights, key_of) {
  const groups = new Map();
  for (const flight of flights) {
    const key = key_of(flight);
    const known = groups.get(key);
    if (known) known.push(flight);
    else groups.set(key, [flight]);
  }
  return groups;
}

/** The first index at which `test` holds, of a list in which it holds for all that follow. */
function first_index(list, test) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(list[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** All flights and those of each airport; the replay goes in order of time, so windows are found by bisection. */
export function index_flights(flights) {
  for (let index = 1; index < flights.length; ++index) {
    if (flights[index].date < flights[index - 1].date) throw new Error(`the replay is not in order of time at ${flights[index].position}`);
  }
  return { first: flights[0].date, all: flights, of: group(flights, (flight) => flight.origin) };
}

/** The rows, or null when the query's window reaches back before the first event. */
export function expected_flights(name, { airport }, flights, position, airports) {
  const own = airport === undefined ? flights.all : flights.of.get(airport) ?? [];
  const count = first_index(own, (flight) => flight.position > position);
  const make = { ...national, ...local }[name];
  if (count === 0 || !make) return null;   // on_time_by_day: 30 days, always into the history
  const now = own[count - 1].date;
  const since = (from, inclusive = false) =>
    from < flights.first ? null : own.slice(first_index(own, (flight) => (inclusive ? flight.date >= from : flight.date > from)), count);
  return make({ now, since, airports, newest: own.slice(Math.max(0, count - 1_000), count) });
}

function pulse({ now, since }) {
  const window = since(now - 48 * hour);
  if (!window) return null;
  const hourly = group(window, (flight) => Math.floor((now - flight.date) / hour));
  const today = window.filter((flight) => Math.floor((now - flight.date) / hour) < 24);
  const before = window.filter((flight) => Math.floor((now - flight.date) / hour) >= 24);
  const very_late = (flights) => flights.filter((flight) => flight.delay > 60).length;
  const of = (flights, what) => (flights.length ? what(flights) : null);
  return [...hourly].filter(([ago]) => ago < 24).sort(([left], [right]) => right - left).map(([ago, flights]) => ({
    until: iso(now - ago * hour), departures_by_hour: flights.length, on_time_by_hour: share(flights, punctual),
    delay_by_hour: mean(flights), very_late_by_hour: very_late(flights),
    departures: today.length, departures_before: of(before, (list) => list.length),
    on_time: share(today, punctual), on_time_before: of(before, (list) => share(list, punctual)),
    delay: mean(today), delay_before: of(before, mean),
    very_late: very_late(today), very_late_before: of(before, very_late),
  }));
}

function delay_by_hour({ now, since }) {
  const window = since(now - 7 * day)?.filter((flight) => new Date(flight.date).getUTCHours() >= 5);
  if (!window) return null;
  return [...group(window, (flight) => new Date(flight.date).getUTCHours())].sort(([left], [right]) => left - right)
    .map(([at, flights]) => ({ hour: at, mean_delay: mean(flights), departures: flights.length }));
}

function delay_distribution({ now, since }) {
  const window = since(now - 7 * day);
  if (!window) return null;
  return [...group(window, (flight) => Math.floor(Math.max(-40, Math.min(flight.delay, 119)) / 5) * 5)].sort(([left], [right]) => left - right)
    .map(([delay, flights]) => ({ delay, flights: flights.length }));
}

function departures_by({ now, since }, step, span) {
  const window = since(Math.floor(now / step) * step - span, true);
  if (!window) return null;
  return [...group(window, (flight) => Math.floor(flight.date / step) * step)].sort(([left], [right]) => left - right)
    .map(([time, flights]) => ({ time: iso(time), departures: flights.length, late: flights.filter((flight) => flight.delay > 15).length }));
}

const latest_first = (left, right) => right.date - left.date || right.position - left.position;
const most_first = (key) => (left, right) => right.departures - left.departures || by_text(left[key], right[key]);
const label = (airport) => `${airport.city} (${airport.code})`;

const national = {
  pulse,
  delay_by_hour,
  delay_distribution,
  departures_by_quarter: (input) => departures_by(input, hour / 4, 24 * hour),
  busiest_airports({ now, since }) {
    const window = since(now - day);
    return window && [...group(window, (flight) => flight.origin)]
      .map(([code, flights]) => ({ code, departures: flights.length, mean_delay: mean(flights) })).sort(most_first("code")).slice(0, 12);
  },
  airport_map({ now, since, airports }) {
    const window = since(now - day);
    return window && [...group(window, (flight) => flight.origin)].filter(([code]) => airports.has(code)).map(([code, flights]) => {
      const { longitude, latitude } = airports.get(code);
      return { code, airport: label(airports.get(code)), longitude, latitude, departures: flights.length, mean_delay: mean(flights) };
    }).sort(most_first("code"));
  },
  latest_departures({ newest }) {
    if (newest.length < 10) return null;
    return newest.sort(latest_first).slice(0, 10).map((flight) => ({
      departed: iso(flight.date), origin: flight.origin, route: `${flight.origin} → ${flight.destination}`, distance: flight.distance, delay: flight.delay }));
  },
  worst_routes({ now, since }) {
    const window = since(now - 7 * day);
    return window && [...group(window, (flight) => `${flight.origin} → ${flight.destination}`)].filter(([, flights]) => flights.length >= 20)
      .map(([route, flights]) => ({ route, departures: flights.length, on_time: share(flights, punctual), mean_delay: mean(flights) }))
      .sort((left, right) => round(right.mean_delay, 2) - round(left.mean_delay, 2) || by_text(left.route, right.route)).slice(0, 10);
  },
};

const local = {
  airport_pulse: pulse,
  airport_delay_by_hour: delay_by_hour,
  airport_delay_distribution: delay_distribution,
  airport_departures_by_hour: (input) => departures_by(input, hour, 48 * hour),
  airport_destinations({ now, since, airports }) {
    const window = since(now - 7 * day);
    return window && [...group(window, (flight) => flight.destination)].filter(([code]) => airports.has(code)).map(([code, flights]) => {
      const { longitude, latitude } = airports.get(code);
      return { airport: label(airports.get(code)), code, longitude, latitude, departures: flights.length, mean_delay: mean(flights) };
    }).sort(most_first("code"));
  },
  airport_latest_departures({ newest, airports }) {
    if (newest.length < 10) return null;
    return newest.sort(latest_first).slice(0, 10).map((flight) => ({
      departed: iso(flight.date), destination: flight.destination, city: airports.get(flight.destination)?.city ?? null, distance: flight.distance, delay: flight.delay }));
  },
};

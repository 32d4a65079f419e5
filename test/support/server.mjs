// The whole binary as a test sees it: start, ask, post, follow a feed, stop. Only 127.0.0.1, only free ports.
//
// Nothing here sleeps: everything waits for a condition with a deadline. A process that a test started ends with the test,
// also when the test fails or is killed.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EventStreamParser } from "./event_stream.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const binary = resolve(process.env.LODESTAR_BINARY ?? join(root, "build/release/bin/lodestar"));
export const flights_project = resolve(process.env.LODESTAR_PROJECT ?? join(root, "examples/flights"));
export const screenshots_folder = resolve(process.env.LODESTAR_SCREENSHOTS ?? join(root, "build/release/screenshots"));

const default_deadline_ms = 20_000;
// The kernel ends the server when the test's process is gone, whatever ended it.
const keeper = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : [];
const running = new Set();
const folders = new Set();

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

// Folders and projects

/** A folder of its own that is removed at the end of the process. */
export function temp_folder() {
  const folder = mkdtempSync(join(tmpdir(), "lodestar-system-"));
  folders.add(folder);
  return folder;
}

/** Writes a project from {"queries/x.sql": text, …} into a new folder. */
export function write_project(files) {
  const folder = temp_folder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

// Waiting

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

/** Polls until `check` returns something true and returns that; fails with `what` at the deadline. */
export async function wait_for(what, check, deadline_ms = default_deadline_ms) {
  const end = Date.now() + deadline_ms;
  for (let last, wait_ms = 2; ; await pause(wait_ms), wait_ms = Math.min(2 * wait_ms, 25)) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${deadline_ms} ms`, { cause: last });
  }
}

/** The promise, or an error at the deadline. */
export function within(what, promise, deadline_ms = default_deadline_ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${deadline_ms} ms`)), deadline_ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Randomness: the same seed, the same run

/** A generator of numbers in [0, 1) (mulberry32); the seed is printed so that a failure can be repeated. */
export function seeded_random(name) {
  const seed = Number(process.env.LODESTAR_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: seed ${seed} (LODESTAR_SEED=${seed} repeats it)`);
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, next, below: (bound) => Math.floor(next() * bound), pick: (list) => list[Math.floor(next() * list.length)] };
}

// The process

/** Runs the binary to its end: {code, signal, stdout, stderr}. */
export async function run(args, { env = {}, cwd, deadline_ms = default_deadline_ms } = {}) {
  const child = launch(args, { env, cwd });
  const outcome = await within(`lodestar ${args.join(" ")}`, child.ended, deadline_ms).catch((error) => {
    child.process.kill("SIGKILL");
    throw error;
  });
  return { ...outcome, stdout: child.stdout, stderr: child.stderr };
}

function launch(args, { env = {}, cwd } = {}) {
  const [command, ...rest] = [...keeper, binary, ...args];
  const child = spawn(command, rest, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const started = { process: child, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (started.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (started.stderr += text));
  started.ended = new Promise((done) => {
    child.on("error", (error) => (started.stderr += error.message));
    child.on("close", (code, signal) => {
      running.delete(child);
      done({ code, signal });
    });
  });
  return started;
}

/** Starts the binary and waits until it is ready. Options: project, data, port, command, args, env, test (stops it after). */
export async function start_server(options = {}) {
  const server = new Server(options);
  options.test?.after(() => server.kill());
  await server.ready(options.deadline_ms);
  return server;
}

export class Server {
  constructor({ project = flights_project, data = temp_folder(), port = 0, command = "serve", args = [], env = {} }) {
    this.project = project;
    this.data = data;
    this.began_at = performance.now();
    this.child = launch([command, "--project", project, "--data", data, "--listen", `127.0.0.1:${port}`, ...args], { env });
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
    this.feeds = new Set();
  }

  get pid() { return this.child.process.pid; }
  get stderr() { return this.child.stderr; }
  get stdout() { return this.child.stdout; }
  /** {code, signal} when the process has ended. */
  get ended() { return this.child.ended; }
  get alive() { return running.has(this.child.process); }

  async ready(deadline_ms = 60_000) {
    const started = () => (this.alive ? /on (http:\/\/\S+)/.exec(this.stdout)?.[1] : "ended");
    this.url = await wait_for("the server says where it listens", started, deadline_ms);
    if (this.url === "ended") throw new Error(`the server ended at its start: ${this.stderr}`);
    this.port = Number(new URL(this.url).port);
    await wait_for("the server is ready", async () => (await this.get("/health/ready")).status === 200, deadline_ms);
    this.ready_ms = performance.now() - this.began_at;
  }

  async stop(deadline_ms = 10_000) {
    this.child.process.kill("SIGTERM");
    const outcome = await within("the server ends after SIGTERM", this.ended, deadline_ms);
    this.#release();
    return outcome;
  }

  async kill() {
    this.child.process.kill("SIGKILL");
    const outcome = await this.ended;
    this.#release();
    return outcome;
  }

  #release() {
    for (const feed of this.feeds) feed.close();
    this.agent.destroy();
  }

  // Requests

  /** {status, headers, body (Buffer), text, json}; rejects when the connection fails or after timeout_ms. */
  request(path, { method = "GET", headers = {}, body, timeout_ms = default_deadline_ms, agent = this.agent } = {}) {
    return new Promise((done, failed) => {
      const signal = AbortSignal.timeout(timeout_ms);
      const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(body);
      const sent = http.request(this.url + path, { method, agent, signal, headers: { ...headers, ...(bytes ? { "content-length": bytes.length } : {}) } });
      sent.on("error", failed);
      sent.on("response", (answer) => {
        const parts = [];
        answer.on("error", failed).on("data", (part) => parts.push(part)).on("end", () => {
          const content = Buffer.concat(parts);
          done({
            status: answer.statusCode, headers: answer.headers, body: content,
            get text() { return content.toString("utf8"); },
            get json() { return JSON.parse(content.toString("utf8")); },
          });
        });
      });
      sent.end(bytes);
    });
  }

  get(path, options) { return this.request(path, options); }

  /** Appends one event or a list of them; any status is an answer. */
  post(events, options = {}) {
    return this.request("/api/events", { method: "POST", body: JSON.stringify(events), headers: { "content-type": "application/json" }, ...options });
  }

  /** Appends and returns the answer; anything but "stored" is an error. */
  async append(events) {
    const answer = await this.post(events);
    if (answer.status !== 201 && answer.status !== 200) throw new Error(`append: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** A query's result as {position, rows: [{column: value}], columns, headers}. */
  async query(name, parameters = {}) {
    const answer = await this.get(`/api/queries/${name}?${new URLSearchParams(parameters)}`);
    if (answer.status !== 200) throw new Error(`query ${name} ${JSON.stringify(parameters)}: ${answer.status} ${answer.text}`);
    const { columns, rows } = answer.json;
    const named = rows.map((row) => Object.fromEntries(columns.map((column, index) => [column.name, row[index]])));
    return { position: Number(answer.headers["lodestar-position"]), rows: named, columns, headers: answer.headers };
  }

  /** All events after a position, in order. */
  async events(after = 0) {
    const found = [];
    for (;;) {
      const answer = await this.get(`/api/events?after=${after}&limit=10000`);
      if (answer.status !== 200) throw new Error(`events: ${answer.status} ${answer.text}`);
      for (const line of answer.text.split("\n").filter(Boolean)) found.push(JSON.parse(line));
      if (answer.headers["lodestar-at-end"] === "true") return found;
      after = Number(answer.headers["lodestar-position"]);
    }
  }

  /** {stored, applied} */
  async positions() {
    const { position, applied } = (await this.get("/health/ready")).json;
    return { stored: position, applied };
  }

  wait_until_applied(position) {
    return wait_for(`position ${position} is applied`, async () => (await this.positions()).applied >= position);
  }

  /** The sum of a metric over its labels, and 0 when it has not been counted yet. */
  async metric(name) {
    let sum = 0;
    for (const line of (await this.get("/metrics")).text.split("\n")) {
      const match = /^([a-zA-Z_:]+)(\{[^}]*\})? (\S+)$/.exec(line);
      if (match?.[1] === name) sum += Number(match[3]);
    }
    return sum;
  }

  /** How many times DuckDB ran a query since the start. */
  executions() { return this.metric("lodestar_analytics_query_seconds_count"); }

  async feed(path) {
    const feed = new Feed(this.url + path);
    this.feeds.add(feed);
    await feed.opened;
    return feed;
  }
}

/** A follower of an event stream: collects every event; never reconnects. */
export class Feed {
  events = [];   // of type datastar-patch-elements: {id, data, received_at}
  heartbeats = 0;
  ended = false;
  #abort = new AbortController();
  #waiting = new Set();

  constructor(url) {
    let opened;
    this.opened = within("the stream opens", new Promise((done, failed) => (opened = { done, failed })));
    this.#follow(url, opened);
  }

  async #follow(url, opened) {
    try {
      const answer = await fetch(url, { signal: this.#abort.signal, headers: { accept: "text/event-stream" } });
      if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
      this.headers = answer.headers;
      opened.done(this);
      const parser = new EventStreamParser((event) => this.#take(event));
      for await (const part of answer.body) parser.push(part);
    } catch (error) {
      this.error = error;
      opened.failed(error);
    }
    this.ended = true;
    this.#wake();
  }

  #take(event) {
    if (event.type === "datastar-heartbeat") this.heartbeats += 1;
    else this.events.push({ ...event, position: Number(event.last_event_id), elements: elements_of(event.data), received_at: Date.now() });
    this.#wake();
  }

  #wake() { for (const look of this.#waiting) look(); }

  /** The first event (from index `from` on) for which `test` holds. */
  first(test, { from = 0, deadline_ms = default_deadline_ms, what = "an event arrives" } = {}) {
    let look;
    const found = new Promise((done, failed) => {
      let at = from;
      look = () => {
        for (; at < this.events.length; ++at) if (test(this.events[at])) return done(this.events[at]);
        if (this.ended) failed(new Error(`${what}: the stream ended`, { cause: this.error }));
      };
      this.#waiting.add(look);
      look();
    });
    return within(what, found, deadline_ms).finally(() => this.#waiting.delete(look));
  }

  at_position(position, options) {
    return this.first((event) => event.position >= position, { what: `a frame at position ${position} or later`, ...options });
  }

  close() { this.#abort.abort(); }
}

/** The HTML of a datastar-patch-elements event. */
function elements_of(data) {
  const lines = data.split("\n").filter((line) => line.startsWith("elements "));
  return lines.map((line) => line.slice("elements ".length)).join("\n");
}

// From an event's acknowledgement to the changed DOM in headless Chromium, for the page /d/sensors of a running server.
//
//   node bench/fresh_browser.mjs URL EVENTS
//
// Prints lines of "metric value", or one line "left out: reason". The page notes when #page-status moved to which
// position; both sides use the machine's clock, each corrected by how far its performance clock is from Date.now().
import { existsSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const interval_ms = 50;
const [url, events_text] = process.argv.slice(2);
const events = Number(events_text);

const end_to_end = join(dirname(fileURLToPath(import.meta.url)), "../test/e2e");
const browser_program = [process.env.LODESTAR_CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));

function leave_out(reason) {
  console.log(`left out: the browser, ${reason}`);
  process.exit(0);
}
if (!existsSync(join(end_to_end, "node_modules/playwright-core"))) leave_out("playwright-core is not installed (scripts/bootstrap test)");
if (!browser_program) leave_out("Chromium is not installed (scripts/bootstrap test)");
const { chromium } = createRequire(join(end_to_end, "package.json"))("playwright-core");

/** Milliseconds to add to the performance clock to get Date.now() as if it had a finer step. Runs here and in the page. */
function clock_correction() {
  const corrections = [];
  for (let sample = 0; sample < 20; ++sample) {
    const before = Date.now();
    while (Date.now() === before);
    corrections.push(Date.now() - (performance.timeOrigin + performance.now()));
  }
  return corrections.sort((left, right) => left - right)[10];
}

function begin_to_observe(correction) {
  const status = document.querySelector("#page-status");
  window.arrivals = [];
  new MutationObserver(() => {
    window.arrivals.push([Number(status.dataset.position), performance.timeOrigin + performance.now() + correction]);
  }).observe(status, { attributes: true, attributeFilter: ["data-position"] });
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const correction = clock_correction();
const now = () => performance.timeOrigin + performance.now() + correction;

function post(number) {
  const measured_at = new Date(Date.UTC(2026, 0, 2) + number * 1000).toISOString().replace(".000", "");
  const body = JSON.stringify({ event_type: "Measured", aggregate_id: `s${number % 20}`, payload: { measured_at, value: number % 100 } });
  return new Promise((done, failed) => {
    const sent = now();
    const request = http.request(`${url}/api/events`, { method: "POST", agent, headers: { "content-type": "application/json" } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => {
        const acknowledged = now();
        if (answer.statusCode !== 201) return failed(new Error(`${answer.statusCode} ${text}`));
        done({ sent, acknowledged, position: JSON.parse(text).position });
      });
    });
    request.on("error", failed).end(body);
  });
}

const pause = (ms) => new Promise((resume) => setTimeout(resume, Math.max(0, ms)));
const position_is = (position) => Number(document.querySelector("#page-status").dataset.position) >= position;

async function measure(page) {
  await page.goto(`${url}/d/sensors`);
  const { position } = await post(0);
  await page.waitForFunction(position_is, position);
  await page.evaluate(begin_to_observe, await page.evaluate(clock_correction));
  const posted = [];
  const began = now();
  for (let number = 1; number <= events; ++number) {
    await pause(began + number * interval_ms - now());
    posted.push(await post(number));
  }
  await page.waitForFunction(position_is, posted.at(-1).position);
  return { posted, arrivals: await page.evaluate(() => window.arrivals) };
}

function print(metric, values) {
  values.sort((left, right) => left - right);
  for (const share of [0.5, 0.99]) {
    const value = values[Math.max(0, Math.ceil(share * values.length) - 1)];
    console.log(`${metric} p${share * 100} ${value.toFixed(3)}`);
  }
}

const browser = await chromium.launch({ executablePath: browser_program, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
try {
  const { posted, arrivals } = await measure(await browser.newPage());
  const seen = posted.map((event) => arrivals.find(([position]) => position >= event.position)[1]);
  print("acknowledged to DOM", posted.map((event, index) => seen[index] - event.acknowledged));
  print("sent to DOM", posted.map((event, index) => seen[index] - event.sent));
} finally {
  agent.destroy();
  await browser.close();
}

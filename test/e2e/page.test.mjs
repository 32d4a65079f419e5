// The promises of a page, with a real browser, the real binary and the flights project.
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { screenshots_folder, start_server, temp_folder, wait_for } from "../support/server.mjs";

const chromium_file = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const chromium_args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const playwright = chromium_file ? (await import("playwright-core")).default : null;
const skip = chromium_file ? false : "Chromium is missing: scripts/bootstrap test installs it";
if (skip) console.log(`SKIP: ${skip}`);

const wait_ms = 15_000;

/** A departure in the minutes after the history. */
const departure = (origin, minute, delay = 3) => ({
  event_type: "FlightDeparted", aggregate_type: "Airport", aggregate_id: origin,
  payload: { date: `2001-06-17T05:${String(minute % 60).padStart(2, "0")}:00Z`, delay, distance: 760, destination: "LGA" },
});

describe("page", { skip, timeout: 240_000 }, () => {
  let browser, server;
  const contexts = [];

  before(async () => {
    browser = await playwright.chromium.launch({ executablePath: chromium_file, args: chromium_args, timeout: 60_000 });
    server = await start_server();
    await server.append(departure("ATL", 0));
  });
  afterEach(async () => { for (const context of contexts.splice(0)) await context.close(); });
  after(async () => {
    await browser?.close();
    await server?.kill();
  });

  /** A page in a browser profile of its own; `page.complaints` collects what the console and the network say. */
  async function open(path, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(wait_ms);
    page.complaints = [];
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) page.complaints.push(`${message.type()}: ${message.text()}`); });
    page.on("pageerror", (error) => page.complaints.push(`exception: ${error.message}`));
    page.on("response", (answer) => { if (answer.status() >= 400) page.complaints.push(`${answer.status()} ${answer.url()}`); });
    const answer = await page.goto(server.url + path, { waitUntil: "domcontentloaded", timeout: wait_ms });
    assert.equal(answer.status(), 200);
    return page;
  }
  const state_of = (page) => page.evaluate(() => document.body.dataset.connection);
  const live = (page, deadline_ms = wait_ms) => wait_for("the page is live", async () => (await state_of(page)) === "live", deadline_ms)
    .catch(async (failure) => {
      const seen = await page.evaluate(() => ({ connection: document.body.dataset.connection, hidden: document.hidden, online: navigator.onLine,
        ready: document.readyState, resources: performance.getEntriesByType("resource").map((each) => `${each.name} ${each.responseStatus} ${Math.round(each.duration)} ms`) }));
      throw new Error(`${failure.message}: ${JSON.stringify(seen)} ${JSON.stringify(page.complaints)}`);
    });
  const position_of = (page) => page.evaluate(() => Number(document.querySelector("#page-status").dataset.position));
  const at_position = (page, position, deadline_ms = wait_ms) =>
    wait_for(`the page shows position ${position}`, async () => (await position_of(page)) >= position, deadline_ms);
  const kpi = (page, id) => page.evaluate((tile) => Number(document.querySelector(`#tile-${tile} data`).value), id);
  const all_positions = (page) => page.evaluate(() =>
    [...document.querySelectorAll("#page-status, .as-of")].map((element) => Number(element.dataset.position)));
  /** Every tile that shows numbers as text, and the data of every chart. */
  const shown = (page) => page.evaluate(() => [...document.querySelectorAll(".tile")].map((tile) => [tile.id, tile.dataset.state,
    tile.querySelector(".kpi-value, table, .empty")?.textContent ?? "", tile.querySelector("lodestar-chart")?.getAttribute("data") ?? ""]));

  test("an event posted over HTTP changes the number in an open page", async () => {
    const page = await open("/d/flights");
    await live(page);
    const before_event = await kpi(page, "departures");
    assert.ok(before_event > 1_000);
    const { position } = await server.append(departure("ATL", 1));
    await at_position(page, position);
    const { rows } = await server.query("pulse", { as_of: position });
    assert.equal(await kpi(page, "departures"), rows.at(-1).departures);
    assert.notEqual(await kpi(page, "departures"), before_event);
    const latest = await page.textContent("#tile-latest tbody tr");
    assert.match(latest, /ATL → LGA/);
    assert.deepEqual(page.complaints, []);
  });

  test("two browsers show the same", async () => {
    const [left, right] = [await open("/d/flights"), await open("/d/flights", { viewport: { width: 375, height: 800 } })];
    await Promise.all([live(left), live(right)]);
    for (let minute = 2; minute < 7; ++minute) {
      const { position } = await server.append([departure("ATL", minute), departure("ORD", minute, 20)]);
      await Promise.all([at_position(left, position), at_position(right, position)]);
      assert.deepEqual(await shown(left), await shown(right));
    }
  });

  test("one position: at every moment every tile shows the page's, and it only grows", async () => {
    const page = await open("/d/flights");
    await live(page);
    await page.evaluate(() => {
      globalThis.moments = [];
      const look = () => moments.push([...new Set([...document.querySelectorAll("#page-status, .as-of")].map((element) => Number(element.dataset.position)))]);
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    });
    let last = 0;
    for (let round = 0; round < 60; ++round) {
      last = (await server.append(departure(["ATL", "ORD", "SFO"][round % 3], 7 + (round % 10)))).position;
      // Bursts, and pauses in which the page catches up: on a slow machine one frame may bring a whole burst.
      if (round % 4 === 3) await at_position(page, last);
    }
    await at_position(page, last);
    const moments = await page.evaluate(() => globalThis.moments);
    assert.ok(moments.length >= 10, `${moments.length} mutation batches`);
    const mixed = moments.filter((positions) => positions.length !== 1);
    assert.equal(mixed.length, 0, `${mixed.length} of ${moments.length} moments showed more than one position: ${JSON.stringify(mixed.slice(0, 5))}`);
    for (let index = 1; index < moments.length; ++index) assert.ok(moments[index][0] >= moments[index - 1][0], "positions only grow");
    console.log(`one position: ${moments.length} moments`);
  });

  test("the airport page changes with its select, and follows the airport's events only", async () => {
    const page = await open("/d/airport?airport=ATL");
    await live(page);
    const of_atlanta = await shown(page);
    await Promise.all([page.waitForURL(/airport=SFO/), page.selectOption("select[name=airport]", "SFO")]);
    await live(page);
    assert.equal(await page.inputValue("select[name=airport]"), "SFO");
    assert.notDeepEqual(await shown(page), of_atlanta);
    const at = await position_of(page);
    const changed = () => page.evaluate(() => [...document.querySelectorAll(".tile")].map((tile) => tile.dataset.changed));
    const quiet = await changed();
    await server.append(departure("ATL", 20));
    const { position } = await server.append(departure("SFO", 20));
    await at_position(page, position);
    assert.ok(position > at);
    assert.notDeepEqual(await changed(), quiet);
    const { rows } = await server.query("airport_pulse", { airport: "SFO", as_of: position });
    assert.equal(await kpi(page, "departures"), rows.at(-1).departures);
    assert.deepEqual(page.complaints, []);
  });

  test("a hidden tab that comes back shows the present state", async () => {
    const page = await open("/d/flights");
    await live(page);
    const hide = (hidden) => page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (value ? "hidden" : "visible") });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
    await hide(true);
    await wait_for("the page pauses", async () => (await state_of(page)) === "paused");
    await wait_for("and has closed its stream", async () => (await server.metric("lodestar_web_streams")) === 0);
    const { position } = await server.append(departure("ATL", 25));
    await server.wait_until_applied(position);
    assert.ok((await position_of(page)) < position, "a hidden page follows nothing");
    await hide(false);
    await at_position(page, position, 5_000);
    await live(page);
    assert.equal(new Set(await all_positions(page)).size, 1);
  });

  test("killed and started again on the same port: the page recovers by itself and misses nothing", async () => {
    const data = temp_folder();
    const own = await start_server({ data });
    const before_kill = server;
    server = own;
    let again;
    try {
      const page = await open("/d/flights");
      await live(page);
      const acknowledged = await own.append([departure("ATL", 30), departure("SFO", 31)]);
      await at_position(page, acknowledged.position);
      const numbers = await shown(page);
      await own.append(departure("SFO", 32));
      await own.kill();
      await wait_for("the page says that the server is gone", async () => ["reconnecting", "lost"].includes(await state_of(page)));
      assert.match(await page.textContent("#connection"), /reconnecting|lost/);
      assert.equal((await shown(page)).length, numbers.length, "the old numbers stay");
      await wait_for("and after a while that it is lost", async () => (await state_of(page)) === "lost");

      again = await start_server({ data, port: own.port });
      server = again;
      const ready_at = performance.now();
      await live(page, 10_000);
      await at_position(page, 3, 10_000);
      console.log(`recovery: ${(performance.now() - ready_at).toFixed(0)} ms after the server was ready`);
      const { position } = await again.append(departure("ATL", 33));
      assert.equal(position, 4, "nothing acknowledged is missing");
      await at_position(page, position);
      const { rows } = await again.query("pulse", { as_of: position });
      assert.equal(await kpi(page, "departures"), rows.at(-1).departures);
      assert.equal(new Set(await all_positions(page)).size, 1);
    } finally {
      server = before_kill;
      await own.kill();
      await again?.kill();
    }
  });

  test("a graceful restart looks the same to the page", async () => {
    const data = temp_folder();
    const own = await start_server({ data });
    const before_stop = server;
    server = own;
    let again;
    try {
      const page = await open("/d/airport?airport=ATL");
      await live(page);
      assert.deepEqual(await own.stop(), { code: 0, signal: null });
      await wait_for("the page says that the server is gone", async () => ["reconnecting", "lost"].includes(await state_of(page)));
      again = await start_server({ data, port: own.port });
      await live(page, 10_000);
      const { position } = await again.append(departure("ATL", 34));
      await at_position(page, position);
    } finally {
      server = before_stop;
      await own.kill();
      await again?.kill();
    }
  });

  for (const [name, path] of [["flights", "/d/flights"], ["airport", "/d/airport?airport=ATL"]]) {
    for (const colors of ["light", "dark"]) {
      for (const width of [1440, 375]) {
        test(`${name}, ${colors}, ${width} px: everything drawn, nothing beyond the edge, a silent console`, async () => {
          const page = await open(path, { viewport: { width, height: 900 }, colorScheme: colors, reducedMotion: "reduce" });
          await live(page);
          const tiles = await page.evaluate(() => [...document.querySelectorAll(".tile")].map((tile) => (
            { id: tile.id, state: tile.dataset.state, as_of: tile.querySelector(".as-of")?.dataset.position })));
          assert.ok(tiles.length >= 9);
          const position = String(await position_of(page));
          for (const tile of tiles) assert.deepEqual(tile, { id: tile.id, state: "live", as_of: position });
          await wait_for("every chart is drawn", () => page.evaluate(() => [...document.querySelectorAll("lodestar-chart")].every((chart) => {
            const root = chart.shadowRoot;
            return root?.querySelector("canvas, svg") && root.querySelector(".message").hidden && !root.querySelector(".canvas.waiting");
          })));
          const layout = await page.evaluate(() => ({
            width: document.scrollingElement.scrollWidth, inner: innerWidth,
            beyond: [...document.querySelectorAll("body *")].filter((element) => {
              if (element.closest(".table-scroll, .skip")) return false;
              const box = element.getBoundingClientRect();
              return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
            }).map((element) => element.tagName + "#" + element.id + "." + element.className).slice(0, 5),
            empty: [...document.querySelectorAll("lodestar-chart")].filter((chart) => chart.clientHeight < 20 || chart.clientWidth < 50).map((chart) => chart.id),
            color: getComputedStyle(document.body).backgroundColor,
          }));
          assert.ok(layout.width <= layout.inner, `${layout.width} px wide: ${layout.beyond}`);
          assert.deepEqual(layout.beyond, []);
          assert.deepEqual(layout.empty, [], "every chart has room");
          const [red, green, blue] = layout.color.match(/[\d.]+/g).map(Number);
          const bright = red + green + blue > (layout.color.startsWith("rgb") ? 382 : 1.5);
          assert.equal(bright, colors === "light", `background ${layout.color}`);
          mkdirSync(screenshots_folder, { recursive: true });
          await page.screenshot({ path: join(screenshots_folder, `${name}-${width}-${colors}.png`), fullPage: true });
          assert.deepEqual(page.complaints, []);
        });
      }
    }
  }

  test("keyboard: Tab reaches skip link, navigation, theme, form and links, and the focus is seen", async () => {
    const page = await open("/d/airport?airport=ATL");
    await live(page);
    const reached = [];
    for (let step = 0; step < 30; ++step) {
      await page.keyboard.press("Tab");
      reached.push(await page.evaluate(() => {
        const element = document.activeElement;
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        return { what: element.className || element.id || element.name || element.getAttribute("href") || element.tagName, tag: element.tagName,
                 inside: element.closest("nav, form, main, header.page-header")?.tagName ?? "BODY",
                 seen: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none",
                 on_screen: box.width > 0 && box.right > 0 && box.bottom > 0 && box.left < innerWidth };
      }));
    }
    assert.equal(reached[0].what, "skip", JSON.stringify(reached[0]));
    for (const [what, test_of] of Object.entries({
      navigation: (at) => at.inside === "NAV", theme: (at) => at.what === "theme", select: (at) => at.tag === "SELECT",
      "link in a tile": (at) => at.inside === "MAIN" && at.tag === "A",
    })) assert.ok(reached.some(test_of), `Tab reaches: ${what}\n${JSON.stringify(reached.map((at) => at.what))}`);
    for (const at of reached.filter((each) => each.tag !== "BODY")) {
      assert.ok(at.on_screen, `${at.what} is on the screen when it has the focus`);
      assert.ok(at.seen, `${at.what} shows that it has the focus`);
    }
    await page.keyboard.press("Control+Home");
    await page.focus("a.skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "tiles");
  });

  test("keyboard: arrow keys choose a point of a chart, Enter opens its link", async () => {
    const page = await open("/d/flights");
    await live(page);
    const chart = page.locator("#chart-busiest");
    await page.waitForFunction(() => document.querySelector("#chart-busiest").instance);
    const first = await chart.evaluate((element) => JSON.parse(element.getAttribute("data")).code[0]);
    const spoken = () => chart.evaluate((element) => element.shadowRoot.querySelector("[role=status]").textContent);
    await chart.focus();
    assert.equal(await spoken(), "");
    await page.keyboard.press("ArrowDown");
    assert.ok((await spoken()).startsWith(`${first}: `), await spoken());
    await page.keyboard.press("ArrowDown");
    assert.ok(!(await spoken()).startsWith(`${first}: `), await spoken());
    await page.keyboard.press("ArrowUp");
    const link = await chart.evaluate((element) => element.getAttribute("href"));
    assert.match(link, /^\/d\/airport\?airport=/);
    await Promise.all([page.waitForURL(/\/d\/airport\?airport=[A-Z]{3}$/), page.keyboard.press("Enter")]);
  });

  test("the theme button switches, and the choice outlives a reload", async () => {
    const page = await open("/d/flights", { colorScheme: "light" });
    await live(page);
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    assert.match(await page.getAttribute("#theme", "aria-label"), /dark/i);
    await page.click("#theme");
    const dark = await background();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await background(), dark);
    await page.click("#theme");
    assert.equal(await background(), light);
  });

  test("without JavaScript the numbers and tables are there, and the form works", async () => {
    const page = await open("/d/flights", { javaScriptEnabled: false });
    const { rows } = await server.query("pulse");
    const text = await page.textContent("#tile-departures .kpi-value");
    assert.equal(Number(text.replace(/\D/g, "")), rows.at(-1).departures);
    assert.equal(await page.locator("#tile-latest tbody tr").count(), 10);
    assert.equal(await page.locator("#tile-worst-routes tbody tr").count(), 10);
    assert.ok(!(await page.locator("#theme").isVisible()), "a button that does nothing is not shown");
    await page.goto(`${server.url}/d/airport`, { timeout: wait_ms });
    await page.selectOption("select[name=airport]", "SFO");
    await Promise.all([page.waitForURL(/airport=SFO/), page.click("form.parameters button")]);
    assert.equal(await page.inputValue("select[name=airport]"), "SFO");
    assert.deepEqual(page.complaints, []);
  });

  for (const path of ["/d/flights", "/d/airport?airport=ATL"]) {
    test(`accessibility of ${path}: names, one h1, language, labels, unique ids, table headers`, async () => {
      const page = await open(path);
      await live(page);
      const found = await page.evaluate(() => {
        const name_of = (element) => (element.getAttribute("aria-label") ?? document.getElementById(element.getAttribute("aria-labelledby"))?.textContent ?? element.textContent ?? "").trim();
        const all = (selector) => [...document.querySelectorAll(selector)];
        const ids = all("[id]").map((element) => element.id);
        const levels = all("h1, h2, h3, h4").map((heading) => Number(heading.tagName[1]));
        return {
          language: document.documentElement.lang, title: document.title, headings: all("h1").map((heading) => heading.textContent),
          twice: ids.filter((id, index) => ids.indexOf(id) !== index),
          skipped_levels: levels.filter((level, index) => index > 0 && level > levels[index - 1] + 1),
          images: all("img, [role=img]").filter((image) => !(image.getAttribute("alt") ?? image.getAttribute("aria-label"))).length,
          nameless: all("a, button").filter((element) => !element.hidden && !name_of(element)).map((element) => element.outerHTML.slice(0, 80)),
          unlabelled: all("input, select, textarea").filter((control) => control.labels.length === 0 && !control.getAttribute("aria-label")).map((control) => control.name),
          charts_without_label: all("lodestar-chart").filter((chart) => !chart.getAttribute("label")).map((chart) => chart.id),
          regions: all("[role=region], section, nav").filter((region) => !name_of(region)).length,
          tables: all("table").filter((table) => !table.querySelector("th[scope=col]") || !table.querySelector("th[scope=row]")).length,
          mains: all("main").length, banners: all("header.page-header").length,
          live_regions: all("[aria-live], [role=status], output").map((element) => element.id),
          zoom_allowed: !/user-scalable=no|maximum-scale/.test(document.querySelector("meta[name=viewport]").content),
        };
      });
      assert.equal(found.language, "en");
      assert.equal(found.headings.length, 1);
      assert.ok(found.title.includes(found.headings[0]));
      assert.deepEqual({ twice: found.twice, skipped_levels: found.skipped_levels, images: found.images, nameless: found.nameless, unlabelled: found.unlabelled,
        charts: found.charts_without_label, regions: found.regions, tables: found.tables, mains: found.mains, banners: found.banners },
        { twice: [], skipped_levels: [], images: 0, nameless: [], unlabelled: [], charts: [], regions: 0, tables: 0, mains: 1, banners: 1 });
      assert.deepEqual(found.live_regions, ["connection"], "only the connection is announced, not every event");
      assert.ok(found.zoom_allowed);
      // What a screen reader is told of a chart is in its internals: ask the browser's accessibility tree.
      const client = await page.context().newCDPSession(page);
      const { nodes } = await client.send("Accessibility.getFullAXTree");
      const charts = nodes.filter((node) => ["img", "image", "graphics-document", "application"].includes(node.role?.value) && !node.ignored);
      const expected_charts = await page.locator("lodestar-chart").count();
      assert.ok(charts.length >= expected_charts, `${charts.length} of ${expected_charts} charts are known to a screen reader`);
      for (const chart of charts) assert.ok((chart.name?.value ?? "").length > 10, `a chart is named: ${JSON.stringify(chart.name)}`);
    });
  }
});

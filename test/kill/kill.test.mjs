// Promise: acknowledged = durable. The whole binary is killed at random moments while four clients post; whatever was
// acknowledged is there after the restart, once, in gapless order, and the queries show it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded_random, start_server, temp_folder, wait_for, within } from "../support/server.mjs";
import { assert_rows, expected, measured, random_event, sensors, tiny_project } from "../support/tiny_project.mjs";

const kills = Number(process.env.LODESTAR_KILLS ?? 300);
const kills_per_log = 50;       // then a new log: a long one would measure how fast it is read
const clients = 4;
const batch_events_max = 8;
const kill_after_ms = 60;       // after the first acknowledgement

/** What is known of one log: what the server said, and what it showed after the last restart. */
class Ledger {
  posted = new Map();          // event id → its batch
  acknowledged = new Map();    // event id → {position, version}
  verified = [];               // all events of the log, in order
  unanswered = [];             // batches whose answer was lost: the client asks again

  note_answer(answer, tell) {
    for (const { event_id, position, version } of answer.events) {
      const before = this.acknowledged.get(event_id);
      if (before) assert.deepEqual({ position, version }, before, `${tell}: ${event_id} is answered twice alike`);
      this.acknowledged.set(event_id, { position, version });
    }
  }

  /** Reads what came since the last restart and checks all promises about the whole log. */
  verify(added, tell) {
    const from = this.verified.length;
    this.verified.push(...added);
    this.ids ??= new Map();
    this.versions ??= new Map();
    for (let index = from; index < this.verified.length; ++index) {
      const event = this.verified[index];
      assert.equal(event.position, index + 1, `${tell}: positions are gapless`);
      assert.ok(this.posted.has(event.event_id), `${tell}: ${event.event_id} was posted`);
      assert.ok(!this.ids.has(event.event_id), `${tell}: ${event.event_id} is stored once`);
      this.ids.set(event.event_id, event);
      const version = (this.versions.get(event.aggregate_id) ?? 0) + 1;
      assert.equal(event.version, version, `${tell}: versions of ${event.aggregate_id} are gapless`);
      this.versions.set(event.aggregate_id, version);
    }
    for (const [event_id, { position, version }] of this.acknowledged) {
      const event = this.ids.get(event_id);
      assert.ok(event, `${tell}: acknowledged ${event_id} (position ${position}) is missing`);
      assert.deepEqual({ position: event.position, version: event.version }, { position, version }, `${tell}: ${event_id}`);
    }
    for (let index = from; index < this.verified.length; ++index) {
      for (const { event_id } of this.posted.get(this.verified[index].event_id)) {
        assert.ok(this.ids.has(event_id), `${tell}: a batch is stored whole or not at all`);
      }
    }
  }
}

async function post_until_killed(server, ledger, random, on_acknowledged) {
  while (server.alive) {
    const batch = ledger.unanswered.pop() ?? Array.from({ length: 1 + random.below(batch_events_max) }, () => random_event(random));
    for (const event of batch) ledger.posted.set(event.event_id, batch);
    let answer;
    try {
      answer = await server.post(batch, { timeout_ms: 10_000 });
    } catch {
      ledger.unanswered.push(batch);   // killed: stored or not, nobody knows
      return;
    }
    assert.ok([200, 201].includes(answer.status), `${answer.status} ${answer.text}`);
    ledger.note_answer(answer.json, "answer");
    on_acknowledged();
  }
}

async function kill_at_random(server, ledger, random) {
  let acknowledged;
  const first = new Promise((done) => (acknowledged = done));
  const posting = Array.from({ length: clients }, () => post_until_killed(server, ledger, random, acknowledged));
  await within("a first acknowledgement", Promise.race([first, Promise.all(posting)]));
  const at = performance.now() + random.next() * kill_after_ms;
  await wait_for("the moment to kill", () => performance.now() >= at);
  await server.kill();
  await Promise.all(posting);
}

test(`${kills} kills lose nothing that was acknowledged`, { timeout: 280_000 }, async (context) => {
  const random = seeded_random("kill");
  const project = tiny_project();
  const began_at = performance.now();
  const start_ms = [];
  let events = 0, acknowledged = 0, server;
  context.after(() => server?.kill());
  for (let killed = 0; killed < kills; ) {
    const data = temp_folder();
    const ledger = new Ledger();
    for (let round = 0; round <= kills_per_log && killed <= kills; ++round) {
      server = await start_server({ project, data });
      start_ms.push(server.ready_ms);
      const tell = `after kill ${killed}`;
      ledger.verify(await server.events(ledger.verified.length), tell);
      if (round === kills_per_log || killed === kills) break;
      await kill_at_random(server, ledger, random);
      killed += 1;
    }
    // What the tables say, computed once more; and an id is stored once however often it is sent.
    const position = ledger.verified.length;
    for (const name of ["total", "by_sensor", "alarms", "both"]) {
      const answer = await server.query(name, { min_position: position });
      assert_rows(answer.rows, expected[name](ledger.verified), name);
    }
    for (const batch of ledger.unanswered) ledger.note_answer(await server.append(batch), "retry");
    ledger.verify(await server.events(position), "after the retries");
    assert.equal(ledger.verified.length, ledger.posted.size, "every event that was posted is stored once");
    const next = await server.append(measured(sensors[0], 1));
    assert.equal(next.position, ledger.verified.length + 1);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    events += ledger.verified.length;
    acknowledged += ledger.acknowledged.size;
  }
  start_ms.sort((left, right) => left - right);
  console.log(`kill: ${kills} kills in ${((performance.now() - began_at) / 1000).toFixed(1)} s, ${events} events stored, ` +
    `${acknowledged} acknowledged, 0 lost; start to ready median ${start_ms[start_ms.length >> 1].toFixed(0)} ms, ` +
    `p99 ${start_ms[Math.floor(start_ms.length * 0.99)].toFixed(0)} ms`);
});

test("canary: what the ledger is there to find, it finds", () => {
  const event = (event_id, position, version) => ({ event_id, position, version, aggregate_id: "a" });
  const right = [event("x", 1, 1), event("y", 2, 2), event("z", 3, 3)];
  const ledger_of = () => {
    const ledger = new Ledger();
    const [first, second] = [[{ event_id: "x" }], [{ event_id: "y" }, { event_id: "z" }]];
    for (const batch of [first, second]) for (const { event_id } of batch) ledger.posted.set(event_id, batch);
    ledger.note_answer({ events: right.slice(0, 1) }, "answer");
    return ledger;
  };
  ledger_of().verify(right, "right");
  const wrong = {
    "positions are gapless": [right[0], event("y", 3, 2), event("z", 4, 3)],
    "versions of a are gapless": [right[0], event("y", 2, 3), event("z", 3, 4)],
    "y is stored once": [...right, event("y", 4, 4)],
    "foreign was posted": [...right, event("foreign", 4, 4)],
    "acknowledged x (position 1) is missing": [event("y", 1, 1), event("z", 2, 2)],
    "a batch is stored whole or not at all": right.slice(0, 2),
    "right: x": [event("y", 1, 1), event("x", 2, 2), event("z", 3, 3)],
  };
  for (const [message, events] of Object.entries(wrong)) {
    assert.throws(() => ledger_of().verify(events, "right"), (failure) => failure.message.includes(message), message);
  }
  assert.throws(() => ledger_of().note_answer({ events: [event("x", 2, 2)] }, "answer"), /answered twice alike/);
});

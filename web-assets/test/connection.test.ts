import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../src/connection.ts";

const shown = { online: true, hidden: false };

function opened(heartbeat_ms = 15_000): Connection {
  const connection = new Connection(heartbeat_ms, 0);
  connection.report("started", 0);
  connection.report("datastar-patch-elements", 100);
  assert.equal(connection.state, "live");
  return connection;
}

test("a connection that ends is reconnecting, then lost, and live again with the next event", () => {
  const connection = opened();
  connection.report("retrying", 1_000);
  assert.equal(connection.state, "reconnecting");
  connection.tick(shown, 10_999);
  assert.equal(connection.state, "reconnecting");
  connection.tick(shown, 11_000);
  assert.equal(connection.state, "lost");
  connection.report("retrying", 12_000);
  assert.equal(connection.state, "lost");
  connection.report("datastar-heartbeat", 13_000);
  assert.equal(connection.state, "live");
});

test("silence beyond two and a half heartbeats opens the stream again, once", () => {
  const connection = opened();
  assert.equal(connection.tick(shown, 37_600), false);
  assert.equal(connection.tick(shown, 37_601), true);
  assert.equal(connection.state, "reconnecting");
  assert.equal(connection.tick(shown, 38_601), false);
  connection.report("started", 38_700);
  connection.report("finished", 38_701);   // the cancelled one
  assert.equal(connection.state, "reconnecting");
});

test("a hung attempt is given up in the end", () => {
  const connection = opened();
  connection.report("retrying", 1_000);
  connection.tick(shown, 11_000);
  assert.equal(connection.tick(shown, 30_000), false);
  assert.equal(connection.tick(shown, 37_700), true);
  assert.equal(connection.tick(shown, 38_700), false);
});

test("without a promised heartbeat, silence means nothing", () => {
  const connection = opened(0);
  assert.equal(connection.tick(shown, 3_600_000), false);
  assert.equal(connection.state, "live");
});

test("a hidden page is paused and opens one stream when shown", () => {
  const connection = opened();
  connection.tick({ online: true, hidden: true }, 1_000);
  assert.equal(connection.state, "paused");
  assert.equal(connection.tick({ online: true, hidden: true }, 500_000), false);
  assert.equal(connection.tick(shown, 600_000), true);
  assert.equal(connection.state, "connecting");
  connection.report("datastar-heartbeat", 600_100);
  assert.equal(connection.state, "live");
});

test("offline is said, and ends with an attempt at once", () => {
  const connection = opened();
  connection.report("retrying", 1_000);
  connection.tick({ online: false, hidden: false }, 2_000);
  assert.equal(connection.state, "offline");
  assert.equal(connection.tick(shown, 9_000), true);
  assert.equal(connection.state, "reconnecting");
});

test("offline does not interrupt a stream that is alive, such as one on this machine", () => {
  const connection = opened();
  connection.tick({ online: false, hidden: false }, 2_000);
  assert.equal(connection.state, "live");
});

test("what the server ended for good stays ended", () => {
  const connection = opened();
  connection.report("finished", 1_000);
  assert.equal(connection.state, "lost");
  assert.equal(connection.tick(shown, 900_000), false);
});

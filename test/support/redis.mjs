// A Redis server of the test's own: in memory, on a free port of 127.0.0.1, ended with the test.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import net from "node:net";
import { temp_folder, wait_for } from "./server.mjs";

// The kernel ends the server when the test's process is gone, whatever ended it.
const keeper = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : [];

/** {url, kill()}, or undefined where there is no redis-server. Options: test (ends it after). */
export async function start_redis({ test } = {}) {
  if (spawnSync("redis-server", ["--version"]).status !== 0) return undefined;
  const port = await free_port();
  const [command, ...args] = [...keeper, "redis-server", "--port", `${port}`, "--bind", "127.0.0.1", "--dir", temp_folder(),
    "--save", "", "--appendonly", "no"];
  const child = spawn(command, args, { stdio: "ignore" });
  const kill = () => child.kill("SIGKILL");
  process.on("exit", kill);
  test?.after(kill);
  await wait_for("Redis answers", () => answers(port));
  return { url: `redis://127.0.0.1:${port}`, kill };
}

function free_port() {
  return new Promise((done, failed) => {
    const server = net.createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function answers(port) {
  return new Promise((done) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.on("error", () => done(false));
    socket.on("data", (bytes) => {
      socket.destroy();
      done(bytes.toString().startsWith("+PONG"));
    });
  });
}

// Is what the page shows alive? Datastar reports events and retries, but neither a successful reconnect nor silence, so the
// state is derived here. Pure: time and events come in. The wiring is in app.ts.

export type State = "connecting" | "live" | "reconnecting" | "lost" | "offline" | "paused";

export const texts: Record<State, string> = {
  connecting: "connecting…",
  live: "live",
  reconnecting: "reconnecting…",
  lost: "connection lost",
  offline: "offline",
  paused: "paused",
};

/** After this long without a stream, "reconnecting" is called "lost". Attempts go on. */
const lost_after_ms = 10_000;
const reopen_after_ms = 30_000;

export interface Browser {
  online: boolean;
  hidden: boolean;
}

export class Connection {
  #state: State = "connecting";
  #since: number;           // when the present state began
  #last_event: number;      // last sign of life
  #active = 0;              // actions that have started and not finished
  #ended = false;           // the server said: no more

  /** `heartbeat_ms`: the server promises a visible event that often; 0 = no promise, so silence means nothing. */
  constructor(private readonly heartbeat_ms: number, now: number) {
    this.#since = this.#last_event = now;
  }

  get state(): State {
    return this.#state;
  }

  /** `type` of a datastar-fetch event. */
  report(type: string, now: number): void {
    if (type === "started") {
      this.#active++;
      this.#ended = false;
      this.#last_event = now;
      if (this.#state === "lost") this.#enter("reconnecting", now);
    } else if (type === "finished") {
      this.#active = Math.max(0, this.#active - 1);
      if (this.#active > 0) return;   // the old one of a reopened stream
      this.#ended = true;
      this.#enter("lost", now);
    } else if (type === "retrying") {
      if (this.#state !== "lost") this.#enter(this.#state === "connecting" ? "connecting" : "reconnecting", now);
    } else if (type.startsWith("datastar")) {
      this.#last_event = now;
      this.#enter("live", now);
    }
  }

  /** To be called every second and whenever the browser's state changes. True: the stream has to be opened again. */
  tick(browser: Browser, now: number): boolean {
    if (this.#ended) return false;
    if (browser.hidden) {                     // Datastar has closed the stream and opens it again when shown
      this.#enter("paused", now);
      return false;
    }
    if (this.#state === "paused") {
      // A retry that was pending would open a second stream beside Datastar's own: one clean start instead.
      this.#enter("connecting", now);
      this.#last_event = now;
      return true;
    }
    if (!browser.online && this.#state !== "live") {
      this.#enter("offline", now);
      return false;
    }
    if (this.#state === "offline") {          // do not wait for the next retry
      this.#enter("reconnecting", now);
      this.#last_event = now;
      return true;
    }
    if (this.#state === "live" && this.#silent(now)) {
      this.#enter("reconnecting", now);
      this.#last_event = now;
      return true;
    }
    if ((this.#state === "reconnecting" || this.#state === "connecting") && now - this.#since >= lost_after_ms) {
      this.#enter("lost", now);
    } else if (this.#state === "lost" && this.heartbeat_ms > 0 && now - this.#last_event >= Math.max(reopen_after_ms, this.heartbeat_ms * 2.5)) {
      this.#last_event = now;                 // an attempt may hang for minutes
      return true;
    }
    return false;
  }

  #silent(now: number): boolean {
    return this.heartbeat_ms > 0 && now - this.#last_event > this.heartbeat_ms * 2.5;
  }

  #enter(state: State, now: number): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#since = now;
  }
}

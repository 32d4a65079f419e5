// An event stream parsed as WHATWG HTML §9.2.6 says, byte by byte as it arrives.

export class EventStreamParser {
  #decoder = new TextDecoder("utf-8");   // drops a byte order mark, as the standard wants
  #on_event;
  #line = "";
  #after_carriage_return = false;
  #type = "";
  #data = "";
  #last_event_id = "";
  retry_ms = null;

  constructor(on_event) { this.#on_event = on_event; }

  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (this.#after_carriage_return && text.startsWith("\n")) text = text.slice(1);
    if (text !== "") this.#after_carriage_return = text.endsWith("\r");
    const lines = (this.#line + text).split(/\r\n|\n|\r/);
    this.#line = lines.pop();
    for (const line of lines) this.#take(line);
  }

  #take(line) {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data += value + "\n";
    else if (field === "id" && !value.includes("\0")) this.#last_event_id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) this.retry_ms = Number(value);
  }

  #dispatch() {
    const type = this.#type || "message";
    const data = this.#data.slice(0, -1);
    const empty = this.#data === "";
    this.#type = this.#data = "";
    if (!empty) this.#on_event({ type, data, last_event_id: this.#last_event_id });
  }
}

// <lodestar-time datetime="…Z">14:03:22 UTC</lodestar-time>: the same moment in the reader's time zone. In a shadow root,
// so that the server's text stays as it is and a morph has nothing to put back.

export class LodestarTime extends HTMLElement {
  static observedAttributes = ["datetime"];
  readonly #root = this.attachShadow({ mode: "open" });

  attributeChangedCallback(): void {
    const moment = new Date(this.getAttribute("datetime") ?? "");
    this.#root.textContent = Number.isNaN(moment.getTime()) ? this.textContent : local_time.format(moment);
  }
}

const local_time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

// What a page does besides Datastar: charts, connection state, theme, parameters. Everything works without it except charts.

import { LodestarChart } from "./chart_element.ts";
import { Connection, texts } from "./connection.ts";
import { LodestarTime } from "./time_element.ts";

customElements.define("lodestar-time", LodestarTime);
customElements.define("lodestar-chart", LodestarChart);

const tiles = document.getElementById("tiles");
if (tiles?.hasAttribute("data-init")) watch_connection(tiles);
if (tiles) light_up_changes(tiles);
theme_button();
parameter_form();

function watch_connection(stream: HTMLElement): void {
  const output = document.getElementById("connection");
  const connection = new Connection(Number(stream.dataset.heartbeat ?? 0) * 1000, Date.now());
  const browser = () => ({ online: navigator.onLine, hidden: document.hidden });

  const show = () => {
    const { state } = connection;
    if (document.body.dataset.connection === state) return;
    document.body.dataset.connection = state;
    if (!output) return;
    output.dataset.state = state;
    output.textContent = texts[state];
  };
  // Setting the attribute makes Datastar run the action again; the same URL cancels the request before.
  const reopen = () => stream.setAttribute("data-init", stream.getAttribute("data-init") ?? "");
  const tick = () => {
    if (connection.tick(browser(), Date.now())) reopen();
    show();
  };

  document.addEventListener("datastar-fetch", (event) => {
    const { type, el } = (event as CustomEvent<{ type: string; el: Element }>).detail;
    if (el !== stream) return;
    connection.report(type, Date.now());
    tick();
  });
  for (const name of ["online", "offline"]) addEventListener(name, tick);
  document.addEventListener("visibilitychange", tick);
  addEventListener("pageshow", (event) => event.persisted && reopen());   // back from the back/forward cache
  setInterval(tick, 1000);
  show();
}

function light_up_changes(root: HTMLElement): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  new MutationObserver((changes) => {
    if (still.matches || document.hidden) return;
    for (const { target } of changes) {
      if (!(target instanceof HTMLElement)) continue;
      target.querySelector("header")?.animate([{ "--pulse": 1 }, { "--pulse": 0 }] as unknown as Keyframe[], { duration: 900, easing: "ease-out" });
    }
  }).observe(root, { subtree: true, attributes: true, attributeFilter: ["data-changed"] });
}

function theme_button(): void {
  const button = document.getElementById("theme");
  if (!button) return;
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const announce = () => {
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    button.setAttribute("aria-label", now === "dark" ? "Switch to light colours" : "Switch to dark colours");
    document.dispatchEvent(new Event("lodestar-theme"));
  };
  button.addEventListener("click", () => {
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    // Back to what the system says = no choice to remember.
    const is_system = (next === "dark") === dark.matches;
    if (is_system) delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      if (is_system) localStorage.removeItem("lodestar-theme");
      else localStorage.setItem("lodestar-theme", next);
    } catch {
      // Not remembered, but switched.
    }
    announce();
  });
  dark.addEventListener("change", announce);
  button.textContent = "";
  button.hidden = false;
  announce();
}

function parameter_form(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form.parameters")) {
    // A choice by pointer is final; arrow keys pass over the choices on the way, and end with the button or Enter.
    let by_key = false;
    form.addEventListener("keydown", (event) => {
      by_key = true;
      if (event.key === "Enter" && event.target instanceof HTMLSelectElement) form.requestSubmit();
    });
    form.addEventListener("pointerdown", () => (by_key = false));
    form.addEventListener("change", (event) => {
      if (event.target instanceof HTMLSelectElement && !by_key) form.requestSubmit();
    });
  }
}

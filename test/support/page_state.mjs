// A page as a browser would have it, put together from the frames of its feed: the newest HTML of each element with an id.
// Enough of a parser for what Lodestar renders: every attribute in double quotes, all text escaped.

const unescape = (text) => text.replace(/&(amp|lt|gt|quot|#39|#x27|apos);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">", quot: '"' })[name] ?? "'");

export class Page {
  #tiles = new Map();     // id → HTML of the section
  #as_of = new Map();     // id → position
  status = null;          // position of #page-status

  apply({ elements }) {
    for (const line of elements.split("\n")) {
      const id = /^<\w+[^>]* id="([^"]+)"/.exec(line)?.[1];
      if (id === "page-status") this.status = position_in(line);
      else if (id?.startsWith("tile-")) this.#take_tile(id.slice("tile-".length), line);
      else if (id?.startsWith("as-of-")) this.#as_of.set(id.slice("as-of-".length), position_in(line));
      else throw new Error(`a frame holds an unexpected element: ${line.slice(0, 100)}`);
    }
  }

  #take_tile(id, html) {
    this.#tiles.set(id, html);
    this.#as_of.set(id, position_in(/<span class="as-of".*?>/.exec(html)[0]));
  }

  /** The positions that the page shows: one, if the promise holds. */
  positions() { return new Set([this.status, ...this.#as_of.values()]); }

  tile(id) {
    const html = this.#tiles.get(id);
    if (html === undefined) throw new Error(`the page has no tile ${id}`);
    return html;
  }
  state(id) { return / data-state="(\w+)"/.exec(this.tile(id))[1]; }
  kpi(id) { return Number(/<data value="([^"]*)"/.exec(this.tile(id))[1]); }
  chart(id) {
    const data = / data="([^"]*)"/.exec(/<lodestar-chart[^>]*>/.exec(this.tile(id))?.[0] ?? "")?.[1];
    return data === undefined ? null : JSON.parse(unescape(data));
  }
  table(id) {
    return [...this.tile(id).matchAll(/<tr>(<th scope="row">.*?)<\/tr>/g)].map(([, row]) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => unescape(cell.replace(/<[^>]*>/g, ""))));
  }
}

const position_in = (html) => Number(/ data-position="(\d+)"/.exec(html)[1]);

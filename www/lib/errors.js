// Errors of many requests, counted and told in words.

import { element, plural } from "./dom.js";
import { words } from "./trouble.js";

export class Errors {
  constructor(place) {
    this.place = place;
    this.reset();
  }

  reset() {
    this.kinds = new Map();
    this.place.replaceChildren();
  }

  get total() {
    return [...this.kinds.values()].reduce((sum, kind) => sum + kind.count, 0);
  }

  add(error) {
    const kind = this.kinds.get(error.code) ?? { count: 0 };
    this.kinds.set(error.code, { count: kind.count + 1, error });
  }

  show() {
    if (this.kinds.size === 0) return this.place.replaceChildren();
    // One alert, whose text is exchanged: a new one for each error would be read out each time.
    const lines = [...this.kinds.values()].map(({ count, error }) => element("li", {}, `${plural(count, "time")}: ${words(error)}`));
    let said = this.place.querySelector("[role=alert]");
    if (!said) this.place.append((said = element("div.problem", { role: "alert" })));
    said.replaceChildren(element("strong", {}, `${plural(this.total, "request")} failed.`), element("ul", {}, ...lines));
  }
}

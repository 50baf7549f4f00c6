// Whether answers came from the variants as often as configured. Where the weights change, the count begins anew: shares before
// and after a change are of different things.

import { band } from "../core/turnout.js";
import { count } from "./dom.js";

/** Few are outside their band, however often one looks. */
const CONFIDENCE = 0.95;

export class Split {
  #revision = null;
  #shares = [];
  variants = [];
  counts = [];

  /** Takes the shares that an endpoint has now. */
  follow(endpoint) {
    const { revision, answering } = endpoint;
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#shares = answering.map((name) => endpoint.share(name));
    this.variants = answering;
    this.counts = answering.map(() => 0);
  }

  knows(revision) {
    return revision === this.#revision;
  }

  /** An answer. What took over from another was not drawn, and what an older revision decided is of other shares. */
  add({ variant, reason, revision }) {
    const position = this.variants.indexOf(variant);
    if (position >= 0 && reason !== "fallback" && this.knows(revision)) this.counts[position] += 1;
  }

  get total() {
    return this.counts.reduce((sum, each) => sum + each, 0);
  }

  /** The line: `{good, text}`. Of two variants one says it all. */
  say() {
    const { variants, counts, total } = this;
    const bands = variants.map((_, i) => band(total, this.#shares[i], CONFIDENCE));
    const good = counts.every((seen, i) => seen >= bands[i][0] && seen <= bands[i][1]);
    const told = variants.map((name, i) => `${name} ${count(counts[i])} of ${count(total)}, expected ${count(bands[i][0])}–${count(bands[i][1])}`);
    return { good, text: `${good ? "Divided as configured" : "Not divided as configured"}: ${(variants.length === 2 ? told.slice(1) : told).join("; ")}.` };
  }
}

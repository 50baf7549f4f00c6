// What the outcomes of an endpoint's predictions say of its variants, as both pages know it.

import { decided } from "./measures.js";
import { describe, verdict } from "./worker.js";

/** What a document without outcomes wants, to be told beside the reason. */
const EXAMPLE = '"outcome": {"kind": "label", "label": {"output": "label"}}';

/** Fires `chosen` when it is another endpoint, `looked` when something new is known of it, `compared` when another pair is shown. */
export class Evidence extends EventTarget {
  token = "";
  name = null;
  #asked = 0;
  #shown = 0;

  choose(name) {
    Object.assign(this, { name, description: null, verdict: null, seen: null, missing: "", trouble: null, pair: null });
    this.dispatchEvent(new Event("chosen"));
  }

  /** Asks the worker. Of several at once the one that was asked last counts. */
  async look() {
    const { name, token } = this;
    const mine = (this.#asked += 1);
    const found = {};
    try {
      const description = JSON.parse(await describe(name, token));
      found.description = description;
      if (!description.outcome) found.missing = `The document of ${name} does not say what an outcome is, so nobody can tell which variant is better. Give it the member ${EXAMPLE} (or another kind, with a goal), and tell the outcomes with POST /endpoints/${name}/outcomes.`;
      else Object.assign(found, { verdict: await verdict(name, token), seen: Date.now(), missing: "" });
      found.trouble = null;
    } catch (error) {
      if (error.status === 501) found.missing = `This worker keeps no outcomes: ${error.message}.`;
      else found.trouble = error;
    }
    if (this.name !== name || mine < this.#shown) return;
    this.#shown = mine;
    Object.assign(this, found);
    this.dispatchEvent(new Event("looked"));
  }

  /** Shows another variant against the baseline. */
  compare(variant) {
    this.pair = variant;
    this.dispatchEvent(new Event("compared"));
  }

  /** The comparison that is shown: the first, unless somebody has chosen. */
  get comparison() {
    const all = this.verdict?.comparisons ?? [];
    return all.find(({ variant }) => variant === this.pair) ?? all[0] ?? null;
  }

  /** Whether what is shown is a shadow, compared on the requests that the baseline answered. */
  get paired() {
    return this.comparison?.basis === "pairs";
  }

  /** Outcomes of all variants; of a shadow, those of the requests that both were asked about. */
  get outcomes() {
    if (this.paired) return this.comparison.outcomes;
    return (this.verdict?.variants ?? []).reduce((sum, { outcomes }) => sum + outcomes, 0);
  }

  /** Whether the comparison that is shown has its verdict. */
  get decided() {
    return this.comparison !== null && decided(this.comparison, this.verdict);
  }

  /** A variant's place in the document; colours go by it. */
  position(variant) {
    return Math.max(0, (this.description?.variants ?? []).findIndex(({ name }) => name === variant));
  }
}

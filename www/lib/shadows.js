// What shadows made of the requests that others answered, as both pages know it.

import { pairs } from "./worker.js";

/** The names of an endpoint's shadows, by its description. */
export const shadowsOf = (description) => (description?.variants ?? []).filter(({ shadow }) => shadow !== undefined).map(({ name }) => name);

/** Fires `chosen` when it is another endpoint, and `looked` when something new is known of its shadows. */
export class Shadows extends EventTarget {
  token = "";
  name = null;
  #asked = 0;
  #shown = 0;

  choose(name) {
    Object.assign(this, { name, pairs: [], disagreements: [], trouble: null });
    this.dispatchEvent(new Event("chosen"));
  }

  /** Asks the worker, where there is something to ask. Of several at once the one that was asked last counts. */
  async look(some) {
    const { name, token } = this;
    const mine = (this.#asked += 1);
    let found = { pairs: [], disagreements: [], trouble: null };
    if (some) {
      try {
        const told = await pairs(name, token);
        found = { ...found, pairs: told.pairs, disagreements: told.disagreements };
      } catch (trouble) {
        // What was known stays. A worker without experiments knows of no pairs.
        found = trouble.status === 501 ? found : { trouble };
      }
    }
    if (this.name !== name || mine < this.#shown) return;
    this.#shown = mine;
    Object.assign(this, found);
    this.dispatchEvent(new Event("looked"));
  }

  /** The rows on which these two differ most, the largest difference first. */
  between({ variant, shadow }) {
    return this.disagreements.filter((each) => each.variant === variant && each.shadow === shadow);
  }
}

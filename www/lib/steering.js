// What moves an endpoint's weights by itself, as both pages know it.

import { policy, steer } from "./worker.js";

/** Fires `chosen` when it is another endpoint, and `looked` when something new is known of its policy. */
export class Steering extends EventTarget {
  token = "";
  name = null;
  report = null;
  #asked = 0;
  #shown = 0;

  choose(name) {
    Object.assign(this, { name, report: null, missing: "", trouble: null });
    this.dispatchEvent(new Event("chosen"));
  }

  /** Asks the worker. Of several at once the one that was asked last counts. */
  look() {
    return this.#take(() => policy(this.name, this.token)).catch(() => {});
  }

  /** Has something done, and throws where it is refused. */
  act(action, { document, reason, signal } = {}) {
    const asked = document ? { action, document } : { action };
    return this.#take(() => steer(this.name, asked, this.token, { reason, signal }), true);
  }

  async #take(ask, isDeed = false) {
    const { name } = this;
    const mine = (this.#asked += 1);
    const found = {};
    try {
      Object.assign(found, { report: await ask(), missing: "", trouble: null });
    } catch (error) {
      // What is refused changes nothing of what is known.
      if (isDeed) throw error;
      if (error.status === 501) found.missing = `This worker has no experiments, so it moves no weights by itself: ${error.message}.`;
      else found.trouble = error;
    }
    if (this.name !== name || mine < this.#shown) return;
    this.#shown = mine;
    Object.assign(this, found);
    this.dispatchEvent(new Event("looked"));
  }

  get status() {
    return this.report?.status ?? null;
  }

  /** Whether it may still move weights. */
  get isOpen() {
    return this.status === "running" || this.status === "paused";
  }

  /** The variant that gets the traffic; `null` where it is no ramp. */
  get to() {
    return this.report?.policy?.ramp?.to ?? this.report?.guardrails.find(({ variant }) => variant)?.variant ?? null;
  }

  /** The variants. */
  get names() {
    return (this.report?.shares ?? []).map(([name]) => name);
  }

  /** What was done since the last policy was started, the oldest first. */
  get deeds() {
    const { deeds = [] } = this.report ?? {};
    const start = deeds.findIndex(({ deed }) => deed === "start");
    return deeds.slice(0, start + 1).reverse();
  }

  /** Why the last step was taken. */
  get reason() {
    return this.deeds.findLast(({ deed }) => deed === "step")?.says ?? "";
  }
}

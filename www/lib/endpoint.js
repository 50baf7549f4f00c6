// One endpoint as the page knows it: what the worker serves, and what the sliders would make of it.

import { Preview } from "../core/turnout.js";
import { shadowsOf } from "./shadows.js";
import { describe } from "./worker.js";

const LOOK_EVERY_MS = 5_000;
/** For so long after a change an isolate, or KV, may still give the configuration from before it. */
const LAG_MS = 60_000;

/**
 * Fires `change` when the worker serves something else, `looked` when it has been asked, with or without success, and `draft`
 * when the sliders move.
 */
export class Endpoint extends EventTarget {
  constructor(name) {
    super();
    this.name = name;
    this.replaced = new Map(); // when, by revision
  }

  /** Takes what the worker serves, whatever it was before. */
  async read() {
    this.take(await describe(this.name));
    return this;
  }

  /** Looks again every few seconds while the page is in view, and at once when it comes into view: others change things too. */
  watch() {
    let looking = false;
    const look = async () => {
      if (document.hidden || looking) return;
      looking = true;
      await this.look();
      looking = false;
    };
    setInterval(look, LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", look);
  }

  async look() {
    const asked = this.revision;
    try {
      const text = await describe(this.name);
      const old = Date.now() - this.replaced.get(JSON.parse(text).revision) < LAG_MS;
      // Where the weights were saved meanwhile, this is from before.
      if (!old && this.revision === asked) this.take(text);
      this.silent = false;
    } catch {
      this.silent = true;
    }
    this.dispatchEvent(new Event("looked"));
  }

  /** Takes over a description: its text as it came, since the core reads that itself. */
  take(text) {
    const description = JSON.parse(text);
    const changed = description.revision !== this.revision;
    if (changed && this.revision !== undefined) this.replaced.set(this.revision, Date.now());
    this.replaced.delete(description.revision);
    this.description = description;
    this.seen = new Date();
    this.preview = new Preview(text);
    this.variants = this.preview.variants();
    this.shadows = shadowsOf(description);
    this.shares = Array.from(this.preview.shares());
    this.revision = description.revision;
    if (changed) this.dispatchEvent(new Event("change"));
  }

  get weights() {
    return this.description.variants.map((variant) => variant.weight);
  }

  /** The variants that answer callers: those that are no shadows. */
  get answering() {
    return this.variants.filter((name) => !this.shadows.includes(name));
  }

  /** A variant's share of the traffic, 0 to 1. */
  share(variant) {
    return this.shares[this.position(variant)];
  }

  /** The header that names the user, if it is a header. */
  get unitHeader() {
    return this.description.assignment?.unit?.header;
  }

  position(variant) {
    return this.variants.indexOf(variant);
  }

  /** What other weights would make of this; throws in words if they cannot be. */
  with(weights) {
    return this.preview.with_weights(Float64Array.from(weights));
  }

  propose(draft) {
    this.draft = draft;
    this.dispatchEvent(new Event("draft"));
  }
}

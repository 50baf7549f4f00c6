// One endpoint as the page knows it: what the worker serves, and what the sliders would make of it.

import { Preview } from "../core/turnout.js";
import { describe } from "./worker.js";

/** Fires `change` when the worker serves something else, and `draft` when the sliders move. */
export class Endpoint extends EventTarget {
  constructor(name) {
    super();
    this.name = name;
  }

  async read() {
    this.take(await describe(this.name));
    return this;
  }

  /** Takes over a description: its text as it came, since the core reads that itself. */
  take(text) {
    const description = JSON.parse(text);
    const changed = description.revision !== this.revision;
    this.description = description;
    this.preview = new Preview(text);
    this.variants = this.preview.variants();
    this.shares = Array.from(this.preview.shares());
    this.revision = description.revision;
    if (changed) this.dispatchEvent(new Event("change"));
  }

  get weights() {
    return this.description.variants.map((variant) => variant.weight);
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

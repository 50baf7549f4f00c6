// One endpoint's experiment as the dashboard knows it.

import { scoreboard } from "./worker.js";

const HOUR_MS = 3_600_000;

/** Whether a line of the scoreboard is a variant's that was only ever asked as a shadow, or by its name. */
export const isShadow = ({ shadowed, share, expected_share: expected }) => Boolean(shadowed) && !share && !expected;

/** Fires `chosen` when it is another endpoint, and `looked` when something new is known of it. */
export class Experiment extends EventTarget {
  token = "";
  name = null;
  seen = null; // when, by this browser's clock

  choose(name) {
    Object.assign(this, { name, seen: null, trouble: null, total: null, minutes: null });
    this.dispatchEvent(new Event("chosen"));
  }

  async look() {
    const { name, token } = this;
    try {
      const [total, minutes] = await Promise.all([scoreboard(name, { by: "variant" }, token), scoreboard(name, { by: "minute", from: Date.now() - HOUR_MS }, token)]);
      // Another may have been chosen meanwhile.
      if (this.name !== name) return;
      Object.assign(this, { total, minutes, seen: Date.now(), trouble: null });
    } catch (error) {
      if (this.name !== name) return;
      this.trouble = error;
    }
    this.dispatchEvent(new Event("looked"));
  }

  /** The variants, in the document's order as far as it is known; colours go by that, as on the other page. */
  get variants() {
    const configured = (this.total?.split.segments.at(-1)?.variants ?? []).map(({ variant }) => variant);
    const counted = (this.total?.lines ?? []).map(({ variant }) => variant).filter(Boolean);
    return [...new Set([...configured, ...counted])];
  }

  /** Those of which some of the traffic is, or was, expected: shadows answer nobody. */
  get answering() {
    const shadows = new Set((this.total?.lines ?? []).filter(isShadow).map(({ variant }) => variant));
    return this.variants.filter((name) => !shadows.has(name));
  }

  position(variant) {
    return Math.max(0, this.variants.indexOf(variant));
  }
}

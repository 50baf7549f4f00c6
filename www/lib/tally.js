// Counts of answers by variant, and their course. Where the weights change, the count begins anew: shares before and after
// a change are of different things.

import { band } from "../core/turnout.js";

export const CONFIDENCE = 0.95;
const EXACT = 200;

/** The stretch of requests that one configuration decided. */
class Stretch {
  constructor({ revision, shares, variants }, begins) {
    Object.assign(this, { revision, shares, begins });
    this.counts = variants.map(() => 0);
    this.total = 0;
    this.course = variants.map(() => ({ share: [], expected: [], low: [], high: [] }));
    this.x = [];
  }

  /** Every request at first, then one of a hundredth of what there is: the eye sees no more. */
  due() {
    return this.total <= EXACT || this.total % Math.ceil(this.total / EXACT) === 0;
  }

  /** `at` is how many requests there are in all; null for one that came late, after the next stretch began. */
  add(position, at) {
    this.counts[position] += 1;
    this.total += 1;
    if (at !== null && this.due()) this.mark(at);
  }

  /** Notes where the shares stand, `at` requests in all. */
  mark(at) {
    this.x.push(at);
    this.course.forEach((course, i) => {
      const [low, high] = this.band(i);
      course.share.push(this.counts[i] / this.total);
      course.expected.push(this.shares[i]);
      course.low.push(low / this.total);
      course.high.push(high / this.total);
    });
  }

  band(i) {
    return band(this.total, this.shares[i], CONFIDENCE);
  }
}

export class Tally {
  constructor(endpoint) {
    this.variants = endpoint.variants;
    this.stretches = [new Stretch(endpoint, 0)];
    this.total = 0;
    this.times = this.variants.map(() => []);
    this.fallbacks = 0;
  }

  get now() {
    return this.stretches.at(-1);
  }

  /** The endpoint is configured anew from here on. */
  change(endpoint) {
    if (this.now.total === 0) this.stretches.pop();
    this.stretches.push(new Stretch(endpoint, this.total));
  }

  knows(revision) {
    return this.stretches.some((stretch) => stretch.revision === revision);
  }

  /** An answer; it counts for the configuration that decided it. */
  add({ variant, reason, revision, ms }) {
    const position = this.variants.indexOf(variant);
    if (position < 0) return;
    this.total += 1;
    this.times[position].push(ms);
    // What took over from another was not drawn: it says nothing about the shares.
    if (reason === "fallback") return void (this.fallbacks += 1);
    const stretch = this.stretches.findLast((each) => each.revision === revision) ?? this.now;
    stretch.add(position, stretch === this.now ? this.total : null);
  }

  /** Where the weights changed. */
  changes() {
    return this.stretches.filter((stretch) => stretch.begins > 0).map((stretch) => stretch.begins);
  }

  /** uPlot's data: x, then share, expected, low and high of each variant. A gap stands between stretches. */
  data() {
    const rows = [[], ...this.variants.flatMap(() => [[], [], [], []])];
    for (const stretch of this.stretches) {
      if (stretch.total === 0) continue;
      if (rows[0].length > 0) rows.forEach((row, i) => row.push(i === 0 ? stretch.begins : null));
      const columns = [stretch.x, ...stretch.course.flatMap(({ share, expected, low, high }) => [share, expected, low, high])];
      columns.forEach((column, i) => rows[i].push(...column));
    }
    return rows;
  }
}

// Traffic for an experiment: held-out rows, each the request of a user of its own, and what they are in truth, told in batches.

import { crew } from "./crew.js";
import { invoke, tell } from "./worker.js";

const AT_ONCE = 8;
const TOLD_AT_ONCE = 50;
const TRIES = 3;

const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** One run of one endpoint: what was answered and told so far. Gone on with, it sends users that it has not sent yet. */
export class Run {
  answered = 0;
  told = 0;
  #name = fresh();
  #users = 0;
  #untold = [];

  /** `rows` are `{label, csv}`. */
  constructor(endpoint, rows) {
    Object.assign(this, { endpoint, rows });
  }

  /**
   * Sends `most`, or until `enough()`, at most `aSecond` in each second; the truth is told of `batch` at once. `answer` is told of each answer,
   * `failed` of each error. Gives what became of it: `{stopped, gaveUp}`. What was answered by then is told, though it was stopped.
   */
  async go(signal, { most, enough, answer, failed, aSecond = Infinity, batch = TOLD_AT_ONCE }) {
    const { endpoint, rows } = this;
    const telling = [];
    let free = 0;
    const task = async () => {
      const now = performance.now();
      const turn = Math.max(free, now);
      free = turn + 1_000 / aSecond;
      if (turn > now) {
        await new Promise((resolve) => setTimeout(resolve, turn - now));
        if (signal.aborted || enough()) return;
      }
      const { label, csv } = rows[Math.floor(Math.random() * rows.length)];
      const headers = endpoint.unitHeader ? { [endpoint.unitHeader]: `page-${this.#name}-${(this.#users += 1)}` } : {};
      const given = await invoke(endpoint.name, [csv], { title: "a held-out row, sent where the weights send it", headers, signal });
      if (signal.aborted) return;
      this.answered += 1;
      this.#untold.push({ inference_id: given.id, label });
      await answer(given);
      if (this.#untold.length >= batch) telling.push(this.#tell(failed));
    };
    const how = await crew(upTo(most, enough), AT_ONCE, signal, task, failed);
    await Promise.all(telling);
    for (let tries = 0; this.#untold.length > 0 && tries < TRIES; tries += 1) await this.#tell(failed);
    return how;
  }

  /** How many were answered, and not told. */
  get owed() {
    return this.answered - this.told;
  }

  /** Tells what is known. What does not get there is told again with the next ones: twice told, it counts once. */
  async #tell(failed) {
    const outcomes = this.#untold.splice(0);
    try {
      await tell(this.endpoint.name, outcomes);
      this.told += outcomes.length;
    } catch (error) {
      failed(error);
      // Told and refused is not to be told again.
      if (error.told || error.status === 400) this.told += outcomes.length;
      else this.#untold.unshift(...outcomes);
    }
  }
}

function* upTo(most, enough) {
  for (let sent = 0; sent < most && !enough(); sent += 1) yield sent;
}

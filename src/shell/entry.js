// The worker's entry. A request crosses into WebAssembly once, whole, and where nothing has to be waited for, the response
// comes straight back: a promise for each step would cost more than most answers.

import { DurableObject } from "cloudflare:workers";
import engine from "./engine.wasm";
import { __wbg_reset_state, answer, ask_experiment, max_body_bytes, publish_experiment, tell_of_experiment, use_engine, wake_experiment } from "./turnout.js";
import { NO_ROOM, withBody } from "./bodies.js";
import { withLines } from "./glue.js";
import { drained } from "./objects.js";

use_engine(engine);
const MAX_BODY_BYTES = max_body_bytes();
// How much of a body that is too large is read and thrown away, so that the answer is not lost with the connection: whoever
// is still sending when it closes never reads why.
const MAX_DRAINED_BYTES = 64 << 20;
const NO_BODY = new Uint8Array();

// A panic leaves the instance in no state to go on. The request that met it is lost; the next has a new instance.
let broken = false;
const check = (error) => {
  if (error instanceof WebAssembly.RuntimeError) broken = true;
};
addEventListener("error", (event) => check(event.error));

// Has a new instance take over from one that a panic has ended.
function revive() {
  if (!broken) return;
  console.error("a panic has ended the WebAssembly instance; a new one takes over");
  __wbg_reset_state();
  use_engine(engine);
  broken = false;
}

// What `work` gives; a panic in it is noted.
function watched(work) {
  revive();
  try {
    return work();
  } catch (error) {
    check(error);
    throw error;
  }
}

// The response, or a promise of one. A body that is undefined is too large, or broken by what is said. The URL is told beside
// the request, which would make a text of it each time.
function answered(request, url, body, wrong, env, context) {
  const no_room = body === NO_ROOM;
  const head = withLines(`${request.method}\n${url}`, request.headers);
  return watched(() => answer(head, no_room ? undefined : body, wrong, no_room, request, env, context));
}

// Objects, whose bodies are read in pieces while they are answered (src/protocol/s3).
const OBJECTS = /^https?:\/\/[^/]*\/(?:models|capture)(?:[/?]|$)/i;

async function answeredInPieces(request, url, env, context) {
  const response = await answered(request, url, NO_BODY, undefined, env, context);
  await drained(request, MAX_DRAINED_BYTES);
  return response;
}

export default {
  fetch(request, env, context) {
    const { url } = request;
    if (OBJECTS.test(url)) return answeredInPieces(request, url, env, context);
    const length = request.headers.get("content-length");
    // Whether there is a body is asked last, as that makes a stream.
    if (length === null && request.body === null) return answered(request, url, NO_BODY, undefined, env, context);
    return withBody(request, length, MAX_BODY_BYTES, MAX_DRAINED_BYTES, (body, wrong) => answered(request, url, body, wrong, env, context));
  },
};

/** So long after a failure it is tried again. */
const AGAIN_MS = 60_000;
/** So long a change waits until the store has it, before it is answered all the same. */
const PUBLISH_WAIT_MS = 3_000;
/** After this long the store is told again. */
const PUBLISH_AGAIN_MS = 2_000;

/**
 * The experiment of an endpoint. It has nothing but its storage that another instance of it would miss: all else is asked of
 * WebAssembly, each time anew, so that it outlives the end of an instance there.
 */
export class Experiment extends DurableObject {
  #publishing = this.#alone(async () => {
    const published = await watched(() => publish_experiment(this.ctx.storage, this.env));
    if (!published) await this.#wakeAt(Date.now() + PUBLISH_AGAIN_MS);
  });
  #telling = this.#alone(async () => {
    const next = await watched(() => tell_of_experiment(this.ctx.storage, this.env));
    if (next !== undefined) await this.#wakeAt(next);
  });

  /** Answers a question about the endpoint; both are JSON. */
  async ask(name, question) {
    const [answer, pending, wake] = await watched(() => ask_experiment(this.ctx.storage, this.env, name, question));
    const woken = this.#wakeAt(wake);
    if (!pending) return answer;
    const publishing = this.#publishing();
    // Who has only counted something waits for nothing else.
    if (!question.startsWith('{"tally"')) await Promise.race([publishing, new Promise((resolve) => setTimeout(resolve, PUBLISH_WAIT_MS))]);
    await woken;
    return answer;
  }

  async alarm() {
    let next = Date.now() + AGAIN_MS;
    try {
      next = await watched(() => wake_experiment(this.ctx.storage, this.env));
      if (next === undefined) return await this.ctx.storage.deleteAll();
    } finally {
      // An alarm that fails is tried again a few times; after that, nobody would wake it.
      if (next !== undefined) await this.ctx.storage.setAlarm(next);
    }
    await Promise.all([this.#publishing(), this.#telling()]);
  }

  // Work of which no two may be done at once: who asks while one lasts is served by the one after it.
  #alone(work) {
    let [running, next] = [Promise.resolve(), null];
    return () => {
      next ??= running.then(async () => {
        next = null;
        await work().catch((error) => console.error(String(error)));
      });
      running = next;
      return next;
    };
  }

  async #wakeAt(time) {
    const alarm = await this.ctx.storage.getAlarm();
    if (alarm === null || alarm > time) await this.ctx.storage.setAlarm(time);
  }
}

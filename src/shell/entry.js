// The worker's entry. A request crosses into WebAssembly once, whole, and where nothing has to be waited for, the response
// comes straight back: a promise for each step would cost more than most answers.

import engine from "./engine.wasm";
import { __wbg_reset_state, answer, max_body_bytes, use_engine } from "./turnout.js";
import { NO_ROOM, withBody } from "./bodies.js";
import { withLines } from "./glue.js";

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

// The response, or a promise of one. A body that is undefined is too large, or broken by what is said.
function answered(request, body, broken, env, context) {
  const no_room = body === NO_ROOM;
  try {
    const head = withLines(`${request.method}\n${request.url}`, request.headers);
    return answer(head, no_room ? undefined : body, broken, no_room, request, env, context);
  } catch (error) {
    check(error);
    throw error;
  }
}

export default {
  fetch(request, env, context) {
    if (broken) {
      console.error("a panic has ended the WebAssembly instance; a new one takes over");
      __wbg_reset_state();
      use_engine(engine);
      broken = false;
    }
    const length = request.headers.get("content-length");
    // Whether there is a body is asked last, as that makes a stream.
    if (length === null && request.body === null) return answered(request, NO_BODY, undefined, env, context);
    return withBody(request, length, MAX_BODY_BYTES, MAX_DRAINED_BYTES, (body, wrong) => answered(request, body, wrong, env, context));
  },
};

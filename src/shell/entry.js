// The worker's entry. A request crosses into WebAssembly once, whole, and where nothing has to be waited for, the response
// comes straight back: a promise for each step would cost more than most answers.

import engine from "./engine.wasm";
import { __wbg_reset_state, answer, max_body_bytes, use_engine } from "./turnout.js";
import { withLines } from "./glue.js";

use_engine(engine);
const MAX_BODY_BYTES = max_body_bytes();
const NO_BODY = new Uint8Array();

// A panic leaves the instance in no state to go on. The request that met it is lost; the next has a new instance.
let broken = false;
const check = (error) => {
  if (error instanceof WebAssembly.RuntimeError) broken = true;
};
addEventListener("error", (event) => check(event.error));

// The response, or a promise of one. A body that is undefined is read as it comes, with a bound.
function answered(request, body, env, context) {
  try {
    return answer(withLines(`${request.method}\n${request.url}`, request.headers), body, request, env, context);
  } catch (error) {
    check(error);
    throw error;
  }
}

async function answeredWithBody(request, env, context) {
  let body;
  try {
    body = await request.bytes();
  } catch {
    // It is told when it is read again.
  }
  return answered(request, body, env, context);
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
    if (length === null) return answered(request, request.body === null ? NO_BODY : undefined, env, context);
    if (Number(length) > MAX_BODY_BYTES) return answered(request, undefined, env, context);
    return answeredWithBody(request, env, context);
  },
};

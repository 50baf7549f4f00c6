// The worker's entry. A request crosses into WebAssembly once, whole, and where nothing has to be waited for, the response
// comes straight back: a promise for each step would cost more than most answers.

import { __wbg_reset_state, answer, max_body_bytes } from "./turnout.js";
import { head } from "./glue.js";

const MAX_BODY_BYTES = max_body_bytes();

// A panic leaves the instance in no state to go on. The request that met it is lost; the next has a new instance.
let broken = false;
const check = (error) => {
  if (error instanceof WebAssembly.RuntimeError) broken = true;
};
addEventListener("error", (event) => check(event.error));

export default {
  async fetch(request, env, context) {
    if (broken) {
      console.error("a panic has ended the WebAssembly instance; a new one takes over");
      __wbg_reset_state();
      broken = false;
    }
    // The body, where it says that it is small enough; what is left undefined is read as it comes, with a bound. Whether
    // there is one is asked last, as that makes a stream.
    const length = request.headers.get("content-length");
    let body;
    if (length === null) {
      if (request.body === null) body = new Uint8Array();
    } else if (Number(length) <= MAX_BODY_BYTES) {
      try {
        body = await request.bytes();
      } catch {
        // It is told when it is read again.
      }
    }
    try {
      return await answer(head(request), body, request, env, context);
    } catch (error) {
      check(error);
      throw error;
    }
  },
};

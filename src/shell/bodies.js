// The bodies in hand: those that arrive, and those of requests that are being answered. All of them together have a bound, or
// a few dozen large ones would take the isolate's memory, and everybody's answers with it.

import { gathered } from "./glue.js";

// What the worker, its models and this leave of the 128 MB that an isolate has is little.
const MOST_BYTES = 16 << 20;
// Smaller ones are not counted: there would have to be hundreds.
const SMALL_BYTES = 256 << 10;

let held = 0;
const arriving = new Set();

/** What stands in place of a body for which there is no room. */
export const NO_ROOM = Symbol("no room");

// A body on its way, and how much of it is there.
class Arrival {
  bytes = 0;
  refused = false;

  grow(bytes) {
    if (this.refused) return;
    this.bytes += bytes;
    held += bytes;
    // Last in the order.
    arriving.delete(this);
    arriving.add(this);
    // Whoever has been silent longest has to try again: else a few who never end would keep out everybody.
    for (const silent of arriving) {
      if (held <= MOST_BYTES) break;
      silent.refuse();
    }
  }

  refuse() {
    this.refused = true;
    this.free();
  }

  free() {
    arriving.delete(this);
    held -= this.bytes;
    this.bytes = 0;
  }
}

/**
 * Gives `use` the body of a request: its bytes, undefined where they are more than `most`, NO_ROOM, or what broke it as a second
 * argument. It is in hand until the promise that `use` gives is kept. Of one that is not taken, `drained` bytes are read first.
 */
export async function withBody(request, length, most, drained, use) {
  const arrival = length !== null && Number(length) <= SMALL_BYTES ? null : new Arrival();
  if (arrival !== null) arriving.add(arrival);
  let body, wrong;
  try {
    body = await (arrival === null ? request.bytes() : gathered(request.body, most, drained, arrival));
  } catch (error) {
    wrong = error instanceof Error ? error.message : String(error);
  }
  if (arrival === null) return use(body, wrong);
  arriving.delete(arrival);
  try {
    return await use(arrival.refused ? NO_ROOM : body, wrong);
  } finally {
    arrival.free();
  }
}

// What isolates send an experiment, from so many of them at once: each request is one tally, of an isolate of its own, to the
// experiment of one endpoint. A tally has what an isolate sums up of two variants in half a second.

export { Experiment } from "turnout.js";

const ISOLATES = 500;
const sequences = Array(ISOLATES).fill(0);
let at = 0;

const share = (variant, minute) => ({
  of: { minute, revision: "0123456789ab", variant, reason: "weighted" },
  sums: { invocations: 25, rows: 25, caller_errors: 0, variant_errors: 1, other_errors: 0, fallbacks: 1, bytes_in: 3000, bytes_out: 5000 },
});

export default {
  async fetch(request, { EXPERIMENTS }) {
    at = (at + 1) % ISOLATES;
    const sequence = sequences[at]++;
    const minute = Math.floor(Date.now() / 60_000);
    const tally = { isolate: `isolate-${at}`, sequence, settled: sequence, shares: [share("a", minute), share("b", minute)], revision: "0123456789ab", number: 1 };
    await EXPERIMENTS.get(EXPERIMENTS.idFromName("route")).ask("route", JSON.stringify({ tally }));
    return new Response("ok");
  },
};

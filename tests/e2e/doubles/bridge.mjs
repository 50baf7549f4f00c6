// The main module of the process that has the experiments: asks them for other processes, over HTTP.

export { Experiment } from "index.js";

const now = Date.now;

export default {
  async fetch(request, { EXPERIMENTS }) {
    const { name, question, ahead_ms } = await request.json();
    if (ahead_ms !== undefined) {
      // The time that everything here goes by; alarms come when they would have.
      Date.now = () => now() + ahead_ms;
      return new Response();
    }
    if (name === undefined) {
      // As after a panic: the WebAssembly instance is given up, and a new one takes over at the next question.
      dispatchEvent(Object.assign(new Event("error"), { error: new WebAssembly.RuntimeError("ended by a test") }));
      return new Response();
    }
    return new Response(await EXPERIMENTS.get(EXPERIMENTS.idFromName(name)).ask(name, question));
  },
};

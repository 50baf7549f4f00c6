// The main module of the process that has the experiments: asks them for other processes, over HTTP.

export { Experiment } from "index.js";

export default {
  async fetch(request, { EXPERIMENTS }) {
    const { name, question } = await request.json();
    return new Response(await EXPERIMENTS.get(EXPERIMENTS.idFromName(name)).ask(name, question));
  },
};

// Predictions by onnxruntime-web: POST /digits-cnn with {"instances": [...]}. No assignment, no record.

import { feeds, load } from "./ort.js";

const sessions = new Map();

async function session(env, name) {
  if (!sessions.has(name)) sessions.set(name, await load(await env.MODELS.get(name, "arrayBuffer")));
  return sessions.get(name);
}

function predictions({ label, probabilities }, rows) {
  const width = probabilities.dims[1];
  const row = (i) => ({
    label: typeof label.data[i] === "bigint" ? Number(label.data[i]) : label.data[i],
    probabilities: Array.from(probabilities.data.subarray(i * width, (i + 1) * width)),
  });
  return Array.from({ length: rows }, (_, i) => row(i));
}

export default {
  async fetch(request, env) {
    const loaded = await session(env, new URL(request.url).pathname.slice(1));
    const { instances } = await request.json();
    const answer = await loaded.run(feeds(loaded, instances));
    return Response.json({ predictions: predictions(answer, instances.length) });
  },
};

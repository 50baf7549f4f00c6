// Models by themselves, many times in one request, as clocks stand still within it: POST /CONTESTANT/load/MODEL?times=20, or
// /CONTESTANT/run/MODEL?times=1000, with the rows as {"instances": [...]}.

import { initSync, Loaded } from "./loaded.js";
import module from "./loaded_bg.wasm";
import { feeds, load } from "./ort.js";

const turnout = (inTract) => ({
  load(onnx, body) {
    initSync({ module });
    return new Loaded(new Uint8Array(onnx), body, inTract);
  },
  run: (loaded, times) => loaded.run(times),
  free: (loaded) => loaded.free(),
});

const contestants = {
  turnout: turnout(false),
  // As Turnout runs models that its interpreter does not know whole.
  "turnout in tract": turnout(true),
  onnxruntime: {
    async load(onnx, body) {
      const session = await load(onnx);
      return { session, feeds: feeds(session, JSON.parse(new TextDecoder().decode(body)).instances) };
    },
    async run({ session, feeds }, times) {
      for (let time = 0; time < times; time++) await session.run(feeds);
    },
    free: ({ session }) => session.release(),
  },
};

const kept = new Map();

async function once(key, make) {
  if (!kept.has(key)) kept.set(key, await make());
  return kept.get(key);
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const [, name, action, model] = url.pathname.split("/").map(decodeURIComponent);
    const contestant = contestants[name];
    const times = Number(url.searchParams.get("times"));
    const body = await request.bytes();
    const onnx = await once(model, () => env.MODELS.get(model, "arrayBuffer"));
    if (action === "load") {
      for (let time = 0; time < times; time++) contestant.free(await contestant.load(onnx, body));
    } else {
      const loaded = await once(`${name} ${model} ${body.length}`, () => contestant.load(onnx, body));
      await contestant.run(loaded, times);
    }
    return new Response("done");
  },
};

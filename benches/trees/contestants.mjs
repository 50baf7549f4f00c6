// The worker that all contestants live in: GET /NAME?rows=1&times=1000 runs a model as often as is asked, and answers with
// the probabilities of the last run.

import * as ort from "onnxruntime-web/wasm";
import expected from "expected.bin";
import model from "model.onnx";
import ortModule from "ort.wasm";
import rowsBytes from "rows.bin";
import { initSync, Tract, Turnout } from "./bench_trees.js";
import module from "bench_trees_bg.wasm";

const width = 20;
const rows = new Float32Array(rowsBytes);

const makers = {
  async turnout() {
    initSync({ module });
    const loaded = new Turnout(new Uint8Array(model));
    return (count, values) => loaded.run(count, values);
  },
  async tract() {
    initSync({ module });
    const loaded = new Tract(new Uint8Array(model), width);
    return (count, values) => loaded.run(count, values);
  },
  async ort() {
    // Code is not compiled at run time here: the module comes ready, and whatever is fetched is not looked at.
    WebAssembly.instantiate = async (_bytes, imports) => ({
      module: ortModule,
      instance: new WebAssembly.Instance(ortModule, imports),
    });
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.proxy = false;
    ort.env.wasm.wasmBinary = new ArrayBuffer(8);
    const session = await ort.InferenceSession.create(new Uint8Array(model), { graphOptimizationLevel: "all" });
    return async (count, values) => {
      const feeds = { X: new ort.Tensor("float32", values, [count, width]) };
      return (await session.run(feeds, ["probabilities"])).probabilities.data;
    };
  },
};

const made = {};

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const name = pathname.slice(1);
    if (!(name in makers)) return new Response(null, { status: 404 });
    const run = (made[name] ??= await makers[name]());
    const count = Number(searchParams.get("rows"));
    const values = rows.subarray(0, count * width);
    let answer = [];
    for (let times = Number(searchParams.get("times")); times > 0; times--) answer = await run(count, values);
    const right = new Float32Array(expected);
    let worst = 0;
    for (let i = 0; i < answer.length; i++) worst = Math.max(worst, Math.abs(answer[i] - right[i]));
    return Response.json({ count: answer.length, worst });
  },
};

// onnxruntime-web in workerd: wasm, one thread.

import * as ort from "onnxruntime-web/wasm";
import module from "./ort.wasm";

// Code is not compiled at run time here: the module comes ready, and whatever is fetched is not looked at.
WebAssembly.instantiate = async (_bytes, imports) => ({ module, instance: new WebAssembly.Instance(module, imports) });
ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = false;
ort.env.wasm.wasmBinary = new ArrayBuffer(8);

export const load = (onnx) => ort.InferenceSession.create(new Uint8Array(onnx), { graphOptimizationLevel: "all" });

/** Instances as tensors: an input a column, or all columns in one. */
export function feeds({ inputMetadata }, instances) {
  if (inputMetadata.length === 1) {
    const [{ name, shape }] = inputMetadata;
    return { [name]: new ort.Tensor("float32", Float32Array.from(instances.flat()), [instances.length, shape[1]]) };
  }
  const tensor = ({ name, type }) => {
    const column = instances.map((instance) => instance[name]);
    return [name, new ort.Tensor(type, type === "string" ? column : Float32Array.from(column), [column.length, 1])];
  };
  return Object.fromEntries(inputMetadata.map(tensor));
}

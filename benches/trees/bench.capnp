using Workerd = import "/workerd/workerd.capnp";

# The files are those that run.mjs has put beside this one's copy.
const config :Workerd.Config = (
  services = [(name = "contestants", worker = (
    compatibilityDate = "2026-10-01",
    modules = [
      (name = "contestants.js", esModule = embed "contestants.js"),
      (name = "bench_trees_bg.wasm", wasm = embed "bench_trees_bg.wasm"),
      (name = "ort.wasm", wasm = embed "ort.wasm"),
      (name = "model.onnx", data = embed "model.onnx"),
      (name = "rows.bin", data = embed "rows.bin"),
      (name = "expected.bin", data = embed "expected.bin"),
    ]))],
  sockets = [(name = "http", address = "127.0.0.1:9480", http = (), service = "contestants")],
);

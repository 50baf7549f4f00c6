# Turnout without Cloudflare: the same bundle and page under plain workerd, with KV kept as files. `make serve` runs, from
# the folder above,
#
#   workerd serve workerd/config.capnp --experimental --directory-path endpoints=DIR --directory-path models=DIR \
#       --directory-path registry=DIR --directory-path experiments=DIR --directory-path capture=DIR
#
# A key is a file: endpoints/digits holds the document of endpoint `digits`, models/digits/cnn.onnx the model of that key.
# capture/ gets what endpoints capture. Edit a file, and within ENDPOINT_TTL_SECONDS, a second here, the traffic follows.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "turnout", worker = .turnout),
    (name = "endpoints-kv", worker = (modules = .kv, compatibilityDate = "2026-10-01", bindings = [(name = "FILES", service = "endpoints")])),
    (name = "models-kv", worker = (modules = .kv, compatibilityDate = "2026-10-01", bindings = [(name = "FILES", service = "models")])),
    (name = "registry-kv", worker = (modules = .kv, compatibilityDate = "2026-10-01", bindings = [(name = "FILES", service = "registry")])),
    (name = "capture-bucket", worker = (modules = .bucket, compatibilityDate = "2026-10-01", bindings = [(name = "FILES", service = "capture")])),
    (name = "endpoints", disk = (path = "endpoints", writable = true)),
    (name = "models", disk = (path = "models", writable = true)),
    (name = "registry", disk = (path = "registry", writable = true)),
    (name = "experiments", disk = (path = "experiments", writable = true)),
    (name = "capture", disk = (path = "capture", writable = true)),
    (name = "www", disk = (path = "www")),
    # Origins may be anywhere: `private` allows model hosts on one's own network.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  # This machine alone. `--socket-addr http=*:8787` lets others in.
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "turnout")],
);

const kv :List(Workerd.Worker.Module) = [(name = "kv.mjs", esModule = embed "kv.mjs")];

const bucket :List(Workerd.Worker.Module) = [(name = "bucket.mjs", esModule = embed "bucket.mjs")];

const turnout :Workerd.Worker = (
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["enable_request_signal"],
  modules = [
    (name = "page.mjs", esModule = embed "page.mjs"),
    (name = "_headers", text = embed "../www/_headers"),
    (name = "index.js", esModule = embed "../build/index.js"),
    (name = "index_bg.wasm", wasm = embed "../build/index_bg.wasm"),
    (name = "engine.wasm", wasm = embed "../build/engine.wasm"),
  ],
  durableObjectNamespaces = [(className = "Experiment", uniqueKey = "experiments", enableSql = true)],
  durableObjectStorage = (localDisk = "experiments"),
  bindings = [
    (name = "WWW", service = "www"),
    (name = "EXPERIMENTS", durableObjectNamespace = "Experiment"),
    (name = "ENDPOINTS", kvNamespace = "endpoints-kv"),
    (name = "MODELS", kvNamespace = "models-kv"),
    (name = "REGISTRY", kvNamespace = "registry-kv"),
    # A service with the methods of a bucket.
    (name = "CAPTURE", service = "capture-bucket"),
    # Files are cheap to read.
    (name = "ENDPOINT_TTL_SECONDS", text = "1"),
    (name = "KV_DELAY_SECONDS", text = "0"),
    (name = "MODEL_MEMORY_BYTES", text = "83886080"),
    (name = "LOG_RECORDS", text = "true"),
    # Secrets come from the environment; what is not set there is not set.
    (name = "ADMIN_TOKEN", fromEnvironment = "ADMIN_TOKEN"),
    (name = "ADMIN_ACCESS_KEY_ID", fromEnvironment = "ADMIN_ACCESS_KEY_ID"),
    (name = "ADMIN_SECRET_ACCESS_KEY", fromEnvironment = "ADMIN_SECRET_ACCESS_KEY"),
    (name = "MODELS_ACCESS_KEY_ID", fromEnvironment = "MODELS_ACCESS_KEY_ID"),
    (name = "MODELS_SECRET_ACCESS_KEY", fromEnvironment = "MODELS_SECRET_ACCESS_KEY"),
    (name = "INFERENCE_KEY", fromEnvironment = "INFERENCE_KEY"),
    (name = "INFERENCE_KEY_PREVIOUS", fromEnvironment = "INFERENCE_KEY_PREVIOUS"),
  ],
);

// What the page asks of the worker. Whatever goes wrong is a Failure with the worker's own words.

export class Failure extends Error {
  constructor({ code, message, fix, status, told }) {
    super(message);
    Object.assign(this, { code, fix, status, told });
  }
}

/** How long an answer may take, in milliseconds. */
const LIMIT_MS = 10_000;

/** What the worker tells programs, in words for who reads this page. */
const PAGE_WORDS = {
  no_weight: { message: "all weights are 0, so no variant is chosen", fix: "give a variant some of the traffic under “Move the weights”" },
  access_disabled: { message: "this worker has no admin token, so nobody can change weights here", fix: "whoever deployed it can give it one, the secret ADMIN_TOKEN" },
  endpoint_not_found: { fix: "`make seed` puts the demo's endpoints there" },
};
const NOT_THE_TOKEN = { message: "this is not the admin token", fix: "compare it with what stands in .dev.vars as ADMIN_TOKEN, or ask whoever deployed the worker" };

/** Told of each request that someone could want to repeat: `{title, method, path, headers, body}`. */
export const asked = new EventTarget();

async function call({ title, method = "GET", path, headers = {}, body, limitMs = LIMIT_MS }, signal) {
  if (title) asked.dispatchEvent(new CustomEvent("asked", { detail: { title, method, path, headers, body } }));
  const began = performance.now();
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  let response, text;
  try {
    response = await fetch(path, { method, headers, body, signal: AbortSignal.any([limit.signal, ...(signal ? [signal] : [])]), cache: "no-store" });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    if (limit.signal.aborted) throw new Failure({ code: "timed_out", message: `the worker did not answer within ${limitMs / 1000} seconds`, fix: "it may be busy, or the network slow; try again" });
    throw new Failure({ code: "unreachable", message: "the worker could not be reached", fix: "see that it runs and that you are online, then try again" });
  } finally {
    clearTimeout(timer);
  }
  const ms = performance.now() - began;
  if (!response.ok) throw refused(response, text);
  return { response, text, ms };
}

function refused(response, text) {
  try {
    const { code, message, fix } = JSON.parse(text);
    if (typeof message === "string") return new Failure({ code, message, fix, status: response.status, ...PAGE_WORDS[code] });
  } catch {
    // Not the worker's own answer; its status has to do.
  }
  return new Failure({ code: `status_${response.status}`, message: `the answer was ${response.status} ${response.statusText}`.trim(), fix: "try again, or look into the worker's log", status: response.status });
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure({ code: "not_json", message: "the answer is not JSON", fix: "look at what the variant's model host answers" });
  }
}

const at = (name) => `/endpoints/${encodeURIComponent(name)}`;

const bearing = (token) => (token ? { authorization: `Bearer ${token}` } : {});

/** An endpoint's description, as text: the core reads it. */
export const describe = async (name, token) => (await call({ path: at(name), headers: bearing(token) })).text;

/** The variant that a unit gets, and the scores that give it that. Nothing is recorded of it. */
export const explanation = async (name, unit, signal) =>
  json((await call({ method: "POST", path: `${at(name)}/assignments/explain`, headers: { "content-type": "application/json" }, body: JSON.stringify({ unit }) }, signal)).text);

export const columns = async (name) =>
  json((await call({ path: `/v2/models/${encodeURIComponent(name)}` })).text).inputs.map((input) => input.name);

export const table = async (name) => (await call({ path: `data/${name}.csv` })).text.trim().split(/\r?\n/).map((line) => line.split(","));

/** Predictions for rows of CSV. `target` asks a variant by name, `headers` may hold the unit. */
export async function invoke(name, rows, { title, target, headers = {}, signal } = {}) {
  const named = target ? { "x-target-variant": target } : {};
  const request = { title, method: "POST", path: `${at(name)}/invocations`, headers: { "content-type": "text/csv", ...named, ...headers }, body: rows.join("\n") };
  const { response, text, ms } = await call(request, signal);
  const { predictions } = json(text);
  if (!Array.isArray(predictions) || predictions.length !== rows.length || !predictions.every((p) => Array.isArray(p?.probabilities)))
    throw new Failure({ code: "unexpected", message: "the answer holds no label and probabilities for each row", fix: "this page expects the models that `make seed` puts there" });
  const header = (of) => response.headers.get(of);
  return { id: header("x-amzn-sagemaker-inference-id"), variant: header("x-invoked-variant"), reason: header("x-assignment-reason"), revision: header("x-endpoint-revision"), predictions, ms };
}

/** Puts new weights over those of `revision`; gives the new description, as text. */
export async function putWeights(name, weights, revision, token, signal) {
  const headers = { authorization: `Bearer ${token}`, "if-match": `"${revision}"`, "content-type": "application/json" };
  const request = { title: `new weights for ${name}`, method: "PUT", path: `${at(name)}/weights`, headers, body: JSON.stringify(weights) };
  try {
    return (await call(request, signal)).text;
  } catch (error) {
    throw error.code === "unauthorized" ? new Failure({ ...error, ...NOT_THE_TOKEN }) : error;
  }
}

const admitted = async (request, signal) => {
  try {
    return await call(request, signal);
  } catch (error) {
    throw error.code === "unauthorized" && request.headers.authorization ? new Failure({ ...error, ...NOT_THE_TOKEN }) : error;
  }
};

const allowed = async (request, signal) => json((await admitted(request, signal)).text);

/** The endpoints that whoever has this token may see, described without what their models take and give. */
async function everyEndpoint(token, signal) {
  const all = [];
  for (let cursor = ""; cursor !== undefined; ) {
    const page = await allowed({ path: `/endpoints?cursor=${encodeURIComponent(cursor)}`, headers: bearing(token) }, signal);
    all.push(...page.endpoints);
    cursor = page.cursor;
  }
  return all;
}

/** Their names. */
export const endpoints = async (token) => (await everyEndpoint(token)).map(({ name }) => name);

/** The variants, of whatever endpoint, that name one of these keys in the store of models: `[{endpoint, variant, key, sha256, check}]`. */
export async function usersOf(keys, token, signal) {
  const all = await everyEndpoint(token, signal);
  const models = all.flatMap(({ name, variants = [] }) => variants.map((variant) => ({ endpoint: name, variant: variant.name, ...variant.backend })));
  return models.filter(({ key, check }) => keys.includes(key) || keys.includes(check));
}

/** What an endpoint's outcomes allow one to say. */
export const verdict = (name, token) => allowed({ path: `${at(name)}/verdict`, headers: bearing(token) });

/** Tells what came of predictions: `[{inference_id, label}]`. Throws where the worker refuses some: the others count all the same. */
export async function tell(name, outcomes) {
  const request = { method: "POST", path: `${at(name)}/outcomes`, headers: { "content-type": "application/json" }, body: JSON.stringify(outcomes) };
  const { refused, problems } = json((await call(request)).text);
  if (refused > 0) throw new Failure({ code: problems[0].code, message: `${refused} of ${outcomes.length} outcomes were refused: ${problems[0].message}`, told: true });
}

/** An endpoint's scoreboard. */
export const scoreboard = (name, query, token) => allowed({ path: `${at(name)}/scoreboard?${new URLSearchParams(query)}`, headers: bearing(token) });

/** What an endpoint's shadows made of the requests that others answered. */
export const pairs = (name, token) => allowed({ path: `${at(name)}/pairs`, headers: bearing(token) });

/** What was captured of a request: `{lines, complete}`; `null` where nothing was, or nothing is captured. */
export async function captured(name, id, token, signal) {
  try {
    return await allowed({ path: `${at(name)}/captured/${encodeURIComponent(id)}`, headers: bearing(token) }, signal);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/** A page of an endpoint's history, the newest change first. */
export const history = (name, token, cursor) => allowed({ path: `${at(name)}/history${cursor ? `?cursor=${cursor}` : ""}`, headers: bearing(token) });

/** Puts a revision back in place of another. */
export const rollback = (name, to, from, token, signal) =>
  allowed({ method: "POST", path: `${at(name)}/rollback`, headers: { ...bearing(token), "if-match": `"${from}"`, "content-type": "application/json", "x-change-reason": "from the dashboard" }, body: JSON.stringify({ to }) }, signal);

/** What an endpoint's policy does. */
export const policy = (name, token) => allowed({ path: `${at(name)}/policy`, headers: bearing(token) });

/** Has something done with an endpoint's policy: `{action, document}`, the document only where it starts. Gives what it does from then on. */
export const steer = (name, asked, token, { reason, signal } = {}) =>
  allowed({ method: "POST", path: `${at(name)}/policy`, headers: { ...bearing(token), "content-type": "application/json", ...(reason ? { "x-change-reason": reason } : {}) }, body: JSON.stringify(asked) }, signal);

/** An endpoint's document as it was written: `{document, revision}`. It is the administrator's alone. */
export async function written(name, token, signal) {
  const { response, text } = await admitted({ path: `${at(name)}/document`, headers: bearing(token) }, signal);
  try {
    return { document: JSON.parse(text), revision: (response.headers.get("etag") ?? "").replaceAll(/^W\/|"/g, "") };
  } catch {
    throw new Failure({ code: "endpoint_invalid", message: `the document of ${name} is not JSON`, fix: "put an earlier one back by the history, or write it anew" });
  }
}

/** Puts a whole document in place of that of `revision`, laid out as a person would write it. */
export const putDocument = (name, document, revision, token, { reason, signal } = {}) =>
  allowed({ method: "PUT", path: at(name), headers: { ...bearing(token), "if-match": `"${revision}"`, "content-type": "application/json", "x-change-reason": reason }, body: `${JSON.stringify(document, null, 2)}\n` }, signal);

/** A model has so long to be read, loaded and checked. */
const LOADING_MS = 45_000;

/** What the file under a key is: what it takes and gives, checked by the rows under `check` where one is named. */
export const model = (key, check, token, signal) =>
  allowed({ path: `/model?${new URLSearchParams(check ? { key, check } : { key })}`, headers: bearing(token), limitMs: LOADING_MS }, signal);

const stored = (key) => `/models/${key.split("/").map(encodeURIComponent).join("/")}`;

/**
 * Puts a file under a key in the store of models. What is there already stays, and the failure is `taken`, unless it is to be
 * `over`written. `moved` is told how much of the file has gone, 0 to 1: only XMLHttpRequest knows.
 */
export function putModel(key, file, token, { over = false, moved = () => {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", stored(key));
    for (const [name, value] of Object.entries({ ...bearing(token), ...(over ? {} : { "if-none-match": "*" }) })) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded, total }) => moved(total > 0 ? loaded / total : 0));
    request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(unstored(request))));
    request.addEventListener("error", () => reject(new Failure({ code: "unreachable", message: "the upload broke off", fix: "see that the worker runs and that you are online, then try again" })));
    request.addEventListener("abort", () => reject(signal.reason));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

/** Removes what is under a key in the store of models. */
export const removeModel = (key, token, signal) => call({ method: "DELETE", path: stored(key), headers: bearing(token) }, signal);

/** The store speaks as S3 does, in XML. */
function unstored({ status, statusText, responseText }) {
  const told = new DOMParser().parseFromString(responseText, "application/xml");
  const of = (tag) => told.querySelector(`Error > ${tag}`)?.textContent;
  if (status === 412) return new Failure({ code: "taken", message: "there is something under this key already", status });
  if (status === 401 || status === 403) return new Failure({ code: "unauthorized", status, ...NOT_THE_TOKEN });
  return new Failure({ code: of("Code") ?? `status_${status}`, message: of("Message") || `the answer was ${status} ${statusText}`.trim(), status });
}

/** One answer as it came: `{variant, reason, text, ms}`. `target` asks a variant by name, `token` is the caller's. */
export async function answerOf(name, body, { target, token, signal } = {}) {
  const type = /^\s*[[{]/.test(body) ? "application/json" : "text/csv";
  const headers = { "content-type": type, "x-target-variant": target, ...bearing(token) };
  const { response, text, ms } = await call({ method: "POST", path: `${at(name)}/invocations`, headers, body }, signal);
  return { variant: response.headers.get("x-invoked-variant"), reason: response.headers.get("x-assignment-reason"), text, ms };
}

/** The document that `make seed` puts there: what the worker tells of one is not all of it. */
export const seeded = async (name, signal) => json((await call({ path: `data/${name}.json` }, signal)).text);

/** Why a variant was chosen, in words. */
export const because = (reason) =>
  ({ target: "asked by name", sticky: "this user's variant", weighted: "drawn by weight", fallback: "took over from one that failed" })[reason] ?? reason;

// A model file on its way into the store: its key, whose bytes may be there already, and what the worker makes of it.

import { usable } from "../lib/asking.js";
import { Deed } from "../lib/deed.js";
import { element } from "../lib/dom.js";
import { field } from "../lib/field.js";
import { keyBeside, keyFor, keyTrouble, rowsKeyOf } from "../lib/modelfile.js";
import { token } from "../lib/token.js";
import { model as modelUnder, putModel, removeModel, usersOf, written } from "../lib/worker.js";

/**
 * `{element, begin(files), drop(), wait(lasts)}`. `endpoint` gives the name of the endpoint; `done` is told what is in the store: `{key, check,
 * sha256, described}`, and `undone` when that is no longer what is to be added.
 */
export function upload(endpoint, { done, undone }) {
  const key = field("Key in the store of models", { maxlength: "500" });
  const bar = element("progress", { max: "1", value: "0", hidden: true, "aria-label": "Uploaded" });
  const deed = new Deed("Upload and look at it", bar);
  const made = element("div.steps", { hidden: true }, key.element, ...deed.elements);
  let [model, rows] = [null, null];
  // What this page has put there, so that it need not be sent again: { key, file }.
  let sent = null;
  let typed = false;

  function note() {
    key.say(rows ? `Its check rows go under ${rowsKeyOf(key.input.value)}.` : "Variants name it, with the digest of its bytes.");
  }

  function begin(files) {
    const isAnother = files.model !== model;
    ({ model, rows } = files);
    deed.drop();
    bar.hidden = true;
    if (isAnother) typed = false;
    if (model && !typed) key.input.value = keyFor(endpoint() ?? "models", model.file);
    made.hidden = !model;
    note();
  }

  /** Puts a file under a key; tells whether something else was there, and stays. */
  async function put(file, under, { over, signal }) {
    Object.assign(bar, { value: 0, hidden: false });
    try {
      await putModel(under, file, token(), { over, signal, moved: (share) => (bar.value = share) });
      return false;
    } catch (error) {
      if (error.code === "taken") return true;
      throw error;
    } finally {
      bar.hidden = true;
    }
  }

  /** The button that goes on under a key which these bytes alone have. */
  function elsewhere() {
    const proposed = keyBeside(key.input.value, model.sha256);
    const go = () => {
      key.input.value = proposed;
      typed = true;
      note();
      deed.button.focus();
      start();
    };
    return element("button.primary", { type: "button", onclick: go }, `Use ${proposed}`);
  }

  /** The variants of other bytes that name one of the keys: of check rows the same is true, they are of one model. */
  async function ownersOf(under, check, signal) {
    const users = await usersOf([under, check].filter(Boolean), token(), signal);
    const others = users.filter(({ sha256 }) => sha256 !== model.sha256).map(({ endpoint, variant }) => `${variant} of ${endpoint}`);
    return [...new Set(others)].join(", ");
  }

  async function send(over, signal) {
    const under = key.input.value;
    const check = rows ? rowsKeyOf(under) : undefined;
    // Whoever may not do this learns it before 25 MiB are on their way.
    await written(endpoint(), token(), signal);
    const whose = await ownersOf(under, check, signal);
    if (whose) {
      deed.offer("Another model has this key.", `It is that of ${whose}. A variant names the digest of its bytes, so with others under its key it could not answer any more.`, elsewhere());
      return "";
    }
    const isThere = sent?.key === under && sent.file === model.file;
    if (!isThere && (await put(model.file, under, { over, signal }))) {
      deed.asking.say("There is a file under this key. Looking at it …");
      const there = await modelUnder(under, undefined, token(), signal).catch(() => null);
      if (!model.sha256 || there?.sha256 !== model.sha256) {
        const replace = element("button", { type: "button", onclick: () => (deed.button.focus(), start(true)) }, "Replace it");
        deed.offer("Another file has this key.", "No variant of any endpoint names it. Replace it, or use another key.", elsewhere(), replace);
        return "";
      }
    } else sent = { key: under, file: model.file };
    if (rows) await put(rows.file, check, { over: true, signal });
    deed.asking.say("It is there. The worker loads it …");
    const described = await modelUnder(under, check, token(), signal);
    done({ key: under, check, sha256: described.sha256, described });
    return `The worker can run it${described.checked ? ", and it reproduces its check rows" : ""}. See below what it takes and gives.`;
  }

  async function start(over = false) {
    undone();
    const trouble = keyTrouble(key.input.value);
    if (trouble) return deed.refuse(trouble, key.input);
    const { error } = await deed.run("Uploading …", (signal) => send(over, signal));
    // What cannot be run need not stay.
    if (error?.status === 424 && sent?.key === key.input.value) deed.trouble.firstChild?.append(element("div.row", {}, element("button", { type: "button", onclick: remove }, "Remove it from the store")));
  }

  async function remove() {
    deed.button.focus();
    await deed.run("Removing it …", async (signal) => {
      await removeModel(sent.key, token(), signal);
      const { key } = sent;
      sent = null;
      return `There is nothing under ${key} any more.`;
    });
  }

  key.input.addEventListener("input", () => {
    typed = true;
    deed.drop();
    undone();
    note();
  });
  deed.asking.startedBy(deed.button, () => start());
  // While another file is read, it is not known what would be sent.
  return { element: made, begin, drop: () => deed.drop(), wait: (lasts) => usable([deed.button], !lasts) };
}

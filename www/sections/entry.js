// A model in the store becomes a variant at weight 0.

import { usable } from "../lib/asking.js";
import { change } from "../lib/changing.js";
import { Deed } from "../lib/deed.js";
import { element } from "../lib/dom.js";
import { field } from "../lib/field.js";
import { nameFor, nameTrouble } from "../lib/modelfile.js";
import { token } from "../lib/token.js";
import { insert } from "../lib/variants.js";

/**
 * `{element, begin(candidate), drop()}`. `evidence` and `steering` know the endpoint; `added` is told the variant's name, and
 * `changed` that the worker is to be asked anew.
 */
export function entry(evidence, steering, { added, changed }) {
  const name = field("Name", { maxlength: "63" });
  const why = field("What for", { maxlength: "400" }, "Stands in the history.");
  const output = element("select", {});
  const answers = element("label.field", {}, "Answers with", output);
  const deed = new Deed("Add at weight 0");
  const note = element("p.note");
  const made = element("div.steps", {}, element("div.beside", {}, name.element, answers, why.element), note, ...deed.elements);
  let candidate = null;

  const taken = () => (evidence.description?.variants ?? []).map((variant) => variant.name);

  /** What was typed stays while it is about the same file. */
  function begin(next) {
    const isAnother = candidate?.file !== next.file;
    candidate = next;
    drop();
    if (isAnother) {
      name.input.value = nameFor(next.file, taken());
      why.input.value = `a new variant, from ${next.file.name}`;
    }
    const chosen = output.value;
    const outputs = next.described.outputs.map((each) => each.name);
    output.replaceChildren(element("option", { value: "" }, "as the model does"), ...outputs.map((each) => element("option", { value: each, selected: each === chosen }, each)));
    answers.hidden = outputs.length < 2;
    const pauses = steering.status === "running" ? " What moves the weights by itself pauses when the document is changed." : "";
    note.textContent = `At weight 0 it gets no traffic, and answers whoever asks for it by its name.${pauses}`;
  }

  async function add() {
    if (deed.asking.busy) return;
    const wanted = name.input.value.trim();
    const trouble = nameTrouble(wanted);
    if (trouble) return deed.refuse(trouble, name.input);
    const { key, check, sha256 } = candidate;
    const model = { key, sha256, ...(output.value ? { output: output.value } : {}), ...(check ? { check } : {}) };
    const { done, error } = await deed.run(`Adding ${wanted} …`, async (signal) => {
      const { revision, after } = await change(evidence.name, token(), why.input.value, (document) => insert(document, { name: wanted, weight: 0, model }), signal);
      return `${wanted} is a variant now, at weight 0. Revision ${revision}.${after ? " Somebody else has changed the endpoint meanwhile; that stays as well." : ""}`;
    });
    if (done) {
      usable([deed.button], false);
      added(wanted);
    } else if (error?.code === "name_taken") name.input.focus();
    await changed();
  }

  function drop() {
    deed.drop();
    usable([deed.button], true);
  }

  deed.button.addEventListener("click", add);
  return { element: made, begin, drop };
}

// The weights: how they are moved, and how they are saved without writing over somebody else's.

import { Asking } from "../lib/asking.js";
import { element, find, list, percent, table, variantName } from "../lib/dom.js";
import { keptBy, token as keptToken } from "../lib/token.js";
import { clear, show } from "../lib/trouble.js";
import { Failure, putWeights } from "../lib/worker.js";
import { rounded, sliders } from "./sliders.js";

const same = (a, b) => a.every((weight, i) => weight === b[i]);

export function weights(endpoint) {
  const save = find("#save");
  const saving = new Asking({ status: find("#weights-status"), trouble: find("#weights-trouble"), waiting: [save] });
  const conflict = find("#conflict");
  // A shadow answers nobody, and has no weight that could be moved.
  const { answering, shadows } = endpoint;
  const shadowed = shadows.length > 0 ? ` ${list(shadows)} ${shadows.length === 1 ? "is a shadow" : "are shadows"}, without a weight.` : "";
  const weightsOf = () => answering.map((name) => endpoint.weights[endpoint.position(name)]);
  /** The weights of all variants, where those that answer have these. */
  const all = (weights) => endpoint.variants.map((name) => weights[answering.indexOf(name)] ?? 0);
  const control = sliders(answering.map((name) => ({ name, position: endpoint.position(name) })), () => {
    decided();
    moved();
  });
  // What the sliders were moved away from: the revision that a change is made to.
  let seen;

  function lay() {
    seen = { revision: endpoint.revision, weights: weightsOf() };
    control.set(seen.weights);
    moved();
  }

  /** Shows the shares that the sliders make, by the core. */
  function moved() {
    let draft = null;
    clear(saving.trouble);
    try {
      draft = endpoint.with(all(control.values()));
    } catch (error) {
      show(saving.trouble, { message: error.message });
    }
    const shares = draft?.shares();
    const none = shares?.every((share) => share === 0);
    control.say(shares && !none ? answering.map((name) => shares[endpoint.position(name)]) : null);
    find("#weights-moved").replaceChildren(
      control.note,
      none
        ? "All weights are 0: only requests that name a variant are answered."
        : same(control.values(), seen.weights)
          ? `As the worker has it, revision ${seen.revision}.`
          : endpoint.revision === seen.revision
            ? "Not saved yet: the worker still divides the traffic as before."
            : "Not saved yet, and somebody else has changed the weights meanwhile. Saving will show you both.",
      shadowed,
    );
    endpoint.propose(draft);
  }

  /** The conflict is over. A focus that was in it goes to where one would go on. */
  function decided(next = save) {
    const held = conflict.contains(document.activeElement);
    clear(conflict);
    if (held) next.focus();
  }

  async function put(revision, chosen = control.values()) {
    if (saving.busy) return;
    const token = keptToken();
    saving.drop();
    if (!token) {
      show(saving.trouble, { message: "Changing weights needs the admin token", fix: "With `make dev` it is ADMIN_TOKEN in the file .dev.vars; paste it above" });
      return find("#token").focus();
    }
    const none = chosen.every((weight) => weight === 0);
    if (none && !confirm("With all weights at 0, requests that name no variant are refused. Save all the same?")) return;
    const wanted = Object.fromEntries(answering.map((name, i) => [name, chosen[i]]));
    await saving.run("Saving …", async (signal) => {
      try {
        endpoint.take(await putWeights(endpoint.name, wanted, revision, token, signal));
      } catch (error) {
        if (error.code === "unauthorized") find("#token").select();
        if (error.code === "timed_out") throw new Failure({ ...error, message: `${error.message}: the weights may have been saved, or not`, fix: "wait until it answers again; this page then shows what it has" });
        if (error.code !== "revision_conflict") throw error;
        await disagree(chosen);
        return "";
      }
      decided();
      lay();
      return [
        `Saved: ${answering.map((name) => `${name} ${percent(endpoint.share(name))}`).join(", ")}. `,
        element("button", { type: "button", onclick: watch }, "Run the experiment and watch"),
      ];
    });
  }

  function watch() {
    find("#experiment").scrollIntoView();
    const [choice, button] = [find("#experiment-endpoint"), find("#run")];
    button.focus({ preventScroll: true });
    if (choice.value !== endpoint.name) {
      choice.value = endpoint.name;
      choice.dispatchEvent(new Event("change"));
    }
    if (button.textContent !== "Stop") button.click();
  }

  /** Somebody changed the weights meanwhile: shows theirs beside these, and lets the visitor decide. */
  async function disagree(mine) {
    const before = seen;
    await endpoint.read();
    // The sliders stay as the visitor has them until there is a decision.
    const shown = (weight) => (weight === undefined ? "–" : rounded(weight));
    const there = weightsOf();
    const rows = answering.map((name, i) => [variantName(name, endpoint.position(name)), shown(before.weights[i]), element("b", {}, shown(there[i])), shown(mine[i])]);
    const theirs = endpoint.revision;
    const held = conflict.contains(document.activeElement);
    conflict.replaceChildren(
      element(
        "div.problem",
        { role: "alert" },
        element("strong", {}, "Somebody else has changed the weights."),
        " Yours were not saved. Decide again:",
        table("Weights in conflict", ["variant", "you started from", "there now", "yours"], rows),
        element(
          "div.row",
          {},
          element("button", { type: "button", onclick: () => put(theirs, mine) }, "Save mine over theirs"),
          element("button", { type: "button", onclick: () => (lay(), decided(control)) }, "Take theirs"),
        ),
      ),
    );
    if (held) conflict.querySelector("button").focus();
    seen = { ...seen, revision: theirs, weights: there };
    moved();
  }

  keptBy(find("#token"));
  find("#weights-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (conflict.firstChild) conflict.querySelector("button").focus();
    else put(seen.revision);
  });
  find("#revert").addEventListener("click", () => {
    saving.drop();
    decided();
    lay();
  });
  endpoint.addEventListener("change", () => {
    // Sliders that nobody has moved follow; moved ones keep their place, and saving them will meet the conflict.
    const chosen = control.values();
    if (same(chosen, seen.weights) || same(chosen, weightsOf())) lay();
    else moved();
  });
  find("#sliders").replaceChildren(...control.rows);
  lay();
}

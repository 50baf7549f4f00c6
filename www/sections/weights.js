// Sliders for the weights, and how they are saved without writing over somebody else's.

import { element, find, percent, table, variantName } from "../lib/dom.js";
import { clear, show } from "../lib/trouble.js";
import { putWeights } from "../lib/worker.js";

/** A weight as it is shown: whole, or to three digits. */
const rounded = (weight) => String(Number.isInteger(weight) ? weight : Number(weight.toPrecision(3)));

export function weights(endpoint) {
  const trouble = find("#weights-trouble");
  const conflict = find("#conflict");
  const status = find("#weights-status");
  let sliders = [];
  // What the sliders were moved away from: the revision that a change is made to.
  let seen;

  // What is compared and saved. A slider has steps, so its place says a weight of 1/3 only about.
  const values = () => sliders.map(({ value }) => value);

  function lay() {
    seen = { revision: endpoint.revision, weights: endpoint.weights };
    const most = Math.max(...seen.weights);
    // Weights are of any size. Those up to 1 are taken as shares, others as percentages or more.
    const max = most > 0 && most <= 1 ? 1 : Math.max(100, Math.ceil(most));
    const step = seen.weights.every(Number.isInteger) && max > 1 ? 1 : 0.01;
    sliders = endpoint.variants.map((name, i) => {
      const id = `weight-${i}`;
      const input = element("input", { type: "range", id, min: "0", max: String(max), step: String(step), oninput });
      input.value = seen.weights[i];
      const weight = element("output", { for: id });
      const share = element("output.share", { for: id });
      const row = element(`div.slider.v${i % 6}`, {}, element("label", { for: id }, variantName(name, i)), input, weight, share);
      const slider = { input, weight, share, row, value: seen.weights[i] };
      const begin = { place: input.value, value: slider.value };
      function oninput() {
        // Moved and put back is not moved.
        slider.value = input.value === begin.place ? begin.value : Number(input.value);
        clear(conflict);
        moved();
      }
      return slider;
    });
    find("#sliders").replaceChildren(...sliders.map(({ row }) => row));
    moved();
  }

  /** Shows the shares that the sliders make, by the core. */
  function moved() {
    let draft = null;
    try {
      draft = endpoint.with(values());
    } catch (error) {
      show(trouble, { message: error.message });
    }
    if (draft) clear(trouble);
    const shares = draft?.shares();
    const changed = values().some((value, i) => value !== seen.weights[i]);
    const none = shares?.every((share) => share === 0);
    sliders.forEach(({ input, weight, share, value }, i) => {
      weight.value = rounded(value);
      share.value = none || !shares ? "–" : percent(shares[i]);
      input.setAttribute("aria-valuetext", `weight ${weight.value}, share ${share.value}`);
    });
    find("#weights-moved").textContent = none
      ? "With all weights at 0, only requests that name a variant are answered."
      : changed
        ? "Not saved yet: the worker still splits as before."
        : `As the worker has it, revision ${seen.revision}.`;
    endpoint.propose(draft);
  }

  async function save(revision, chosen = values()) {
    clear(trouble);
    status.textContent = "";
    const token = find("#token").value;
    if (!token) {
      show(trouble, { message: "Changing weights needs the admin token", fix: "With `make dev` it stands in .dev.vars as ADMIN_TOKEN; paste it above" });
      return find("#token").focus();
    }
    const none = chosen.every((weight) => weight === 0);
    if (none && !confirm("With all weights at 0, requests that name no variant are refused. Save all the same?")) return;
    const wanted = Object.fromEntries(endpoint.variants.map((name, i) => [name, chosen[i]]));
    try {
      const text = await putWeights(endpoint.name, wanted, revision, token);
      clear(conflict);
      endpoint.take(text);
      lay();
      status.replaceChildren(
        `Saved: ${endpoint.variants.map((name, i) => `${name} ${percent(endpoint.shares[i])}`).join(", ")}. `,
        element("button", { type: "button", onclick: watch }, "Send 100 requests and watch"),
      );
    } catch (error) {
      if (error.code === "revision_conflict") await disagree(chosen);
      else show(trouble, error);
    }
  }

  function watch() {
    find("#split").scrollIntoView();
    find("[data-send='100']").click();
  }

  /** Somebody changed the weights meanwhile: shows theirs beside these, and lets the visitor decide. */
  async function disagree(mine) {
    const before = seen;
    try {
      await endpoint.read();
    } catch (error) {
      return show(trouble, error);
    }
    // The sliders stay as the visitor has them until there is a decision.
    const shown = (weight) => (weight === undefined ? "–" : rounded(weight));
    const rows = endpoint.variants.map((name, i) => [variantName(name, i), shown(before.weights[i]), element("b", {}, shown(endpoint.weights[i])), shown(mine[i])]);
    const theirs = endpoint.revision;
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
          element("button", { type: "button", onclick: () => save(theirs, mine) }, "Save mine over theirs"),
          element("button", { type: "button", onclick: () => (clear(conflict), lay(), sliders[0].input.focus()) }, "Take theirs"),
        ),
      ),
    );
    seen = { ...seen, revision: theirs, weights: endpoint.weights };
    moved();
  }

  find("#weights-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (conflict.firstChild) conflict.querySelector("button").focus();
    else save(seen.revision);
  });
  find("#revert").addEventListener("click", () => {
    clear(conflict);
    clear(trouble);
    status.textContent = "";
    lay();
  });
  endpoint.addEventListener("change", () => {
    // Sliders that nobody has moved follow; moved ones keep their place, and saving them will meet the conflict.
    const untouched = sliders.every(({ value }, i) => value === seen.weights[i]);
    if (untouched) lay();
    else moved();
  });
  lay();
}

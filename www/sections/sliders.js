// Sliders for weights: one for two variants, which share what there is; otherwise one each. They are laid once, and set anew.

import { element, percent, variantName } from "../lib/dom.js";

/** A weight as it is shown: whole, or to three digits. */
export const rounded = (weight) => String(Number.isInteger(weight) ? weight : Number(weight.toPrecision(3)));

/**
 * `variants` are `{name, position}`, of which a colour goes by the position; `moved` is told when a hand moves one. Gives `{rows, note, set(weights), values(), say(shares), focus()}`; `say` takes null for
 * weights that make no shares.
 */
export const sliders = (variants, moved) => (variants.length === 2 ? between(variants, moved) : each(variants, moved));

/** One slider between two variants: the second one's share in percent. The weights keep their sum. */
function between([first, second], moved) {
  const input = element("input", { type: "range", id: "weight", min: "0", max: "100", step: "1", oninput });
  const ends = [first, second].map(({ name, position }) => ({ share: element("output.share", { for: "weight" }), name: variantName(name, position), position }));
  const row = element(
    `div.slider.between.v${second.position % 6}`,
    {},
    ...ends.map(({ name, share, position }) => element(`span.end.v${position % 6}`, {}, name, " ", share)),
    element("label.unseen", { for: "weight" }, `Share of ${second.name}`),
    input,
  );
  let begin, weights;

  function oninput() {
    const share = Number(input.value);
    const sum = begin.weights[0] + begin.weights[1] || 100;
    // A slider has steps, so its place says a share of 1/3 only about: moved and put back is not moved.
    weights = input.value === begin.place ? begin.weights : [(sum * (100 - share)) / 100, (sum * share) / 100];
    moved();
  }

  return {
    rows: [row],
    note: "",
    set(next) {
      const sum = next[0] + next[1];
      input.value = sum > 0 ? (100 * next[1]) / sum : 50;
      weights = next;
      // Without weights there is no place that means them.
      begin = { weights, place: sum > 0 ? input.value : null };
    },
    values: () => weights,
    say(shares) {
      ends.forEach(({ share }, i) => (share.value = shares ? percent(shares[i]) : "–"));
      input.setAttribute("aria-valuetext", [second, first].map(({ name }, i) => `${name} ${ends[1 - i].share.value}`).join(", "));
    },
    focus: () => input.focus(),
  };
}

/** One slider each: the weight. All have one scale, which does not shrink while one works. */
function each(variants, moved) {
  let most = 0;
  const controls = variants.map(({ name, position }, i) => {
    const id = `weight-${i}`;
    const input = element("input", { type: "range", id, min: "0", oninput });
    const [weight, share] = [element("output", { for: id }), element("output.share", { for: id })];
    const row = element(`div.slider.v${position % 6}`, {}, element("label", { for: id }, variantName(name, position)), input, weight, share);
    const control = { input, weight, share, row };
    function oninput() {
      control.value = input.value === control.begin.place ? control.begin.value : Number(input.value);
      moved();
    }
    return control;
  });
  const note = element("span");
  return {
    rows: controls.map(({ row }) => row),
    note,
    set(weights) {
      const highest = Math.max(...weights);
      // Weights are of any size. Those up to 1 are taken as shares, others as percentages or more.
      most = Math.max(most, highest > 0 && highest <= 1 ? 1 : Math.max(100, Math.ceil(highest)));
      const step = weights.every(Number.isInteger) && most > 1 ? 1 : 0.01;
      controls.forEach((control, i) => {
        const { input } = control;
        Object.assign(input, { max: most, step, value: weights[i] });
        control.value = weights[i];
        control.begin = { place: input.value, value: weights[i] };
      });
      note.textContent = `Weights from 0 to ${most}. A variant's share is its weight out of their sum. `;
    },
    values: () => controls.map(({ value }) => value),
    say(shares) {
      controls.forEach(({ input, weight, share, value }, i) => {
        weight.value = rounded(value);
        share.value = shares ? percent(shares[i]) : "–";
        input.setAttribute("aria-valuetext", `weight ${weight.value}, share ${share.value}`);
      });
    },
    focus: () => controls[0].input.focus(),
  };
}

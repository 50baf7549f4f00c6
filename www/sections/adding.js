// From a model file to a variant, in five steps, of which each is there once the one before is done.

import { element } from "../lib/dom.js";
import { ask } from "./ask.js";
import { entry } from "./entry.js";
import { files } from "./files.js";
import { shade } from "./shade.js";
import { signature } from "./signature.js";
import { upload } from "./upload.js";

const step = (title, ...children) => element("li", {}, element("h3", {}, title), ...children);

/**
 * Fills `place`, a fold within a card. `evidence` and `steering` know the endpoint; `changed` is told of each change that was
 * made.
 */
export function adding(evidence, steering, place, { changed }) {
  const looked = element("div.steps");
  let candidate = null;

  const taken = () => {
    candidate = null;
    back();
    sending.begin(chosen);
  };
  const chosen = files(place.closest("section"), taken, (lasts) => sending.wait(lasts));
  const sending = upload(() => evidence.name, {
    undone: () => back(),
    done: (stored) => {
      candidate = { ...stored, file: chosen.model.file, rows: chosen.rows };
      looked.replaceChildren(...signature(candidate, { ...candidate, evidence }));
      entering.begin(candidate);
      second.hidden = third.hidden = false;
    },
  });
  const asking = ask(evidence);
  const shading = shade(evidence, { changed });
  const entering = entry(evidence, steering, {
    changed,
    added: (name) => {
      asking.begin({ name, inputs: candidate.described.inputs, rows: candidate.rows });
      shading.begin(name);
      fourth.hidden = fifth.hidden = false;
    },
  });

  const first = step("The file", ...chosen.elements, sending.element);
  const second = step("What it takes and gives", looked);
  const third = step("Make it a variant", entering.element);
  const fourth = step("Ask it", asking.element);
  const fifth = step("Shadow it", shading.element);

  /** Only the file is left to go on with. */
  function back() {
    for (const part of [entering, asking, shading]) part.drop();
    for (const each of [second, third, fourth, fifth]) each.hidden = true;
  }

  back();
  place.append(element("ol.adding", {}, first, second, third, fourth, fifth));
  place.closest("section").addEventListener("drop", () => (place.closest("details").open = true));
  // It is chosen anew with each token; what was begun goes on.
  let endpoint = evidence.name;
  evidence.addEventListener("chosen", () => {
    if (evidence.name === endpoint) return;
    endpoint = evidence.name;
    back();
    sending.begin(chosen);
  });
}

// Parts that are folded on a phone, and open where there is room for them.

import { element } from "./dom.js";

const wide = matchMedia("(min-width: 56rem)");
const unfold = () => {
  for (const fold of document.querySelectorAll("details.fold")) fold.open = wide.matches;
};

export function folds() {
  wide.addEventListener("change", unfold);
  unfold();
}

/** Such a part, for what is laid later. */
export const fold = (summary, ...children) => element("details.fold", { open: wide.matches }, element("summary", {}, summary), ...children);

// Parts that are folded on a phone, and open where there is room for them.

const wide = matchMedia("(min-width: 56rem)");
const unfold = () => {
  for (const fold of document.querySelectorAll("details.fold")) fold.open = wide.matches;
};

export function folds() {
  wide.addEventListener("change", unfold);
  unfold();
}

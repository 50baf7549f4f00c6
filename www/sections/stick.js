// Users and their variants: which, why, and who would move. All of it is the core's; this shows it.

import { eachFrame } from "../lib/crew.js";
import { bar, count, element, find, percent, plural, table, variantName } from "../lib/dom.js";
import { clear, show } from "../lib/trouble.js";
import { invoke, table as rowsOf } from "../lib/worker.js";

const USERS = 10_000;

export function stick(endpoint) {
  const trouble = find("#stick-trouble");
  const status = find("#stick-status");
  const input = find("#unit");
  const { unitHeader } = endpoint;

  function explain() {
    status.textContent = "";
    clear(trouble);
    const unit = input.value;
    if (!endpoint.preview.sticky() || unit === "") {
      const why = unit === "" ? "Without an id a user is nobody: each request is drawn by weight." : "This endpoint names no unit, so no variant sticks.";
      return find("#scores").replaceChildren(element("p.note", {}, why));
    }
    const { unit_hash: hash, variant, scores } = JSON.parse(endpoint.preview.explain(unit));
    const rows = scores.map((score, i) => [
      variantName(score.variant, i),
      percent(score.share),
      score.uniform === null ? "–" : score.uniform.toFixed(4),
      score.score === null ? "no weight" : element(score.variant === variant ? "b" : "span", {}, score.score.toPrecision(4)),
    ]);
    find("#scores").replaceChildren(
      element("p.fate", {}, element("b", {}, unit), " always gets ", variant === null ? "none: all weights are 0" : element("b", {}, variantName(variant, endpoint.position(variant)))),
      table("Scores of this user", ["variant", "share", "hash as a number u", "score = −ln(u) / weight"], rows),
      element("p.note", {}, "The smallest score wins. Hash of the salt and this id: ", element("code.hash", {}, hash)),
    );
  }

  async function verify() {
    clear(trouble);
    status.textContent = "";
    const unit = input.value;
    if (!unitHeader) return show(trouble, { message: "This endpoint takes no user from a header", fix: "Name one in its document, at assignment.unit.header" });
    if (unit === "") return show(trouble, { message: "There is no user to ask as", fix: "Enter an id, any text" });
    // fetch refuses to send other characters in a header.
    if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(unit)) return show(trouble, { message: "This id cannot stand in a header", fix: "Use Latin letters, digits and signs, without spaces at the ends" });
    try {
      const [[, ...pixels]] = await rowsOf(endpoint.name);
      const { variant, reason } = await invoke(endpoint.name, [pixels.join(",")], { title: `a digit, as user ${unit}`, headers: { [unitHeader]: unit } });
      const same = JSON.parse(endpoint.preview.explain(unit)).variant === variant;
      status.replaceChildren(
        "The worker, asked with ",
        element("code", {}, `${unitHeader}: ${unit}`),
        ", chose ",
        variantName(variant, endpoint.position(variant)),
        ` (${reason}), ${same ? "just as computed here." : "which is not what was computed here: the weights may have changed meanwhile."}`,
      );
    } catch (error) {
      show(trouble, error);
    }
  }

  /** Who would move if the sliders' weights were saved. */
  function moved() {
    const place = find("#moved");
    const { preview, draft } = endpoint;
    if (!draft || !preview.sticky()) return place.replaceChildren(element("p.note", {}, "Nothing can be said of these weights."));
    if (draft.shares().every((share) => share === 0)) return place.replaceChildren(element("p.note", {}, "With all weights at 0 no user has a variant."));
    const { units, moved, least, flows } = JSON.parse(preview.moved(draft, USERS));
    const name = (variant) => (variant ? variantName(variant, endpoint.position(variant)) : "none");
    const rows = flows.map(({ from, to, units: moving }) =>
      element("li", {}, element("span.flow", {}, name(from), " → ", name(to)), element(`span.v${endpoint.position(to) % 6}`, {}, bar(moving / units)), " ", element("span", {}, count(moving))),
    );
    const bound = least === moved ? "" : ` than ${count(least)}`;
    const line = moved === 0 ? "Nobody would move: the shares are as the worker has them, or nearly." : ` of ${count(units)} would move; with these shares, no rule could move fewer${bound}.`;
    place.replaceChildren(
      element("p.verdict", {}, ...(moved === 0 ? [line] : [element("b.big", {}, count(moved)), line])),
      element("ul.flows", { "aria-label": "Who would move" }, ...rows),
      element("p.note", {}, moved === 0 ? "Move a slider under “Move the weights” to see who would." : `All the other ${plural(units - moved, "user")} stay with the variant that they know.`),
    );
  }

  input.addEventListener("input", explain);
  find("#stick-form").addEventListener("submit", (event) => {
    event.preventDefault();
    verify();
  });
  const soon = eachFrame(moved);
  endpoint.addEventListener("draft", soon);
  endpoint.addEventListener("change", () => {
    explain();
    soon();
  });
  explain();
  moved();
}

// Users and their variants: which, why, and who would move. The worker tells the first, the core the last; this shows it.

import { Asking } from "../lib/asking.js";
import { eachFrame } from "../lib/crew.js";
import { bar, count, element, find, percent, plural, table, variantName } from "../lib/dom.js";
import { explanation, Failure, invoke, table as rowsOf } from "../lib/worker.js";

const USERS = 10_000;
const PAUSE_MS = 200;

export function users(endpoint) {
  const asking = new Asking({ status: find("#users-status"), trouble: find("#users-trouble") });
  const input = find("#unit");
  const { unitHeader } = endpoint;

  const telling = new Asking({ status: find("#fate"), trouble: find("#users-trouble") });

  // The salt of the hash is the worker's secret, so that it is asked, at the last of several keys.
  let typed;
  function explain() {
    asking.drop();
    telling.drop();
    clearTimeout(typed);
    const unit = input.value;
    const known = endpoint.preview.sticky() && unit !== "";
    find("#users-how").hidden = !known;
    find("#scores").replaceChildren();
    if (!known) {
      const why = unit === "" ? "Without an id nobody knows the user: each request is drawn by weight." : "This endpoint does not say where a user's id is, so each request is drawn by weight.";
      return find("#fate").replaceChildren(element("span.note", {}, why));
    }
    typed = setTimeout(() => telling.run("Asking the worker …", (signal) => tell(unit, signal)), PAUSE_MS);
  }

  async function tell(unit, signal) {
    const { variant, scores } = await explanation(endpoint.name, unit, signal);
    // A shadow is asked beside whoever answers, and is not drawn.
    const drawn = scores.filter(({ variant }) => !endpoint.shadows.includes(variant));
    const rows = drawn.map((score) => [
      variantName(score.variant, endpoint.position(score.variant)),
      percent(score.share),
      score.uniform === null ? "–" : score.uniform.toFixed(4),
      score.score === null ? "no weight" : element(score.variant === variant ? "b" : "span", {}, score.score.toPrecision(4)),
    ]);
    find("#scores").replaceChildren(
      element("p.note", {}, "For each variant, a hash of this user and the variant's name gives a number between 0 and 1, the same one every time. Score: −ln(number) ÷ weight. The smallest score wins."),
      table("Scores of this user", ["variant", "share", "number", "score"], rows),
    );
    return [
      element("b", {}, unit),
      ...(variant === null ? [" gets no variant: all weights are 0."] : [" gets ", element("b", {}, variantName(variant, endpoint.position(variant))), " at every request, until the weights change."]),
    ];
  }

  /** The user as a header's value. Throws in words if it cannot be one. */
  function header() {
    const unit = input.value;
    if (!unitHeader) throw new Failure({ message: "this endpoint takes no user from a header", fix: "name one in its document, at assignment.unit.header" });
    if (unit === "") throw new Failure({ message: "there is no user to ask as", fix: "enter an id, any text" });
    // fetch refuses to send other characters in a header.
    if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(unit)) throw new Failure({ message: "this id cannot be sent in a header", fix: "use Latin letters, digits and signs, without spaces at the ends" });
    return { [unitHeader]: unit };
  }

  const verify = () =>
    asking.run("Asking the worker …", async (signal) => {
      const headers = header();
      const unit = input.value;
      const [[, ...pixels]] = await rowsOf(endpoint.name);
      // What is told above may still be on its way.
      const [{ variant: expected }, { variant, reason }] = await Promise.all([explanation(endpoint.name, unit, signal), invoke(endpoint.name, [pixels.join(",")], { title: `a digit, as user ${unit}`, headers, signal })]);
      const same = expected === variant;
      return [
        "The worker, asked with ",
        element("code", {}, `${unitHeader}: ${unit}`),
        ", chose ",
        variantName(variant, endpoint.position(variant)),
        ` (${reason}), ${same ? "just as told above." : "which is not what was told above: the weights may have changed meanwhile."}`,
      ];
    });

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
    // Both are of the same users: the bound is what these shares take of them, not what they take on average.
    const bound = least === moved ? "would move, the fewest that these shares allow" : `would move; these shares allow no fewer than ${count(least)}`;
    const line = moved === 0 ? "Nobody would move: the shares are as the worker has them, or nearly." : ` of ${count(units)} ${bound}.`;
    place.replaceChildren(
      element("p.verdict", {}, ...(moved === 0 ? [line] : [element("b.big", {}, count(moved)), line])),
      element("ul.flows", { "aria-label": "Who would move" }, ...rows),
      element("p.note", {}, moved === 0 ? "Move the slider under “Move the weights” to see who would." : `The other ${plural(units - moved, "user")} keep their variant.`),
    );
  }

  input.addEventListener("input", explain);
  find("#users-form").addEventListener("submit", (event) => {
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

// Asks for the admin token where something is to be done with it.

import { element } from "./dom.js";
import { keptBy, token } from "./token.js";

let forms = 0;

/** A form that asks for it, `why`, and calls `given` once it is there; it goes into `place`, and the focus into it. */
export function askToken(place, { why, button, given }) {
  const said = element("p", { id: `token-why-${(forms += 1)}` }, why);
  const input = element("input", { type: "password", autocomplete: "off", spellcheck: "false", "aria-describedby": said.id });
  keptBy(input);
  const form = element(
    "form.problem.plain",
    { autocomplete: "off", "aria-label": "Admin token" },
    said,
    element("label.field", {}, "Admin token", input),
    element("p.note", {}, "Kept in this page's memory only."),
    element("div.row", {}, element("button.primary", { type: "submit" }, button)),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!token()) return input.focus();
    given();
  });
  place.replaceChildren(form);
  input.focus();
  input.select();
}

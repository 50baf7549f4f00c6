// A field of a form, with its label and a line about it.

import { element } from "./dom.js";

let fields = 0;

/** `{element, input, say(words)}`. */
export function field(label, attributes, note = "") {
  const said = element("p.note", { id: `field-note-${(fields += 1)}` }, note);
  const input = element(attributes.rows ? "textarea" : "input", { type: attributes.rows ? null : "text", autocomplete: "off", spellcheck: "false", "aria-describedby": said.id, ...attributes });
  return { element: element("div.field", {}, element("label.field", {}, label, input), said), input, say: (words) => (said.textContent = words) };
}

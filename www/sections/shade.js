// A variant at weight 0 becomes a shadow.

import { change } from "../lib/changing.js";
import { Deed } from "../lib/deed.js";
import { element } from "../lib/dom.js";
import { field } from "../lib/field.js";
import { token } from "../lib/token.js";
import { overshadow } from "../lib/variants.js";

/** `{element, begin(name), drop()}`. `evidence` knows the endpoint, and `changed` is told that the worker is to be asked anew. */
export function shade(evidence, { changed }) {
  const share = field("Percent of the requests", { type: "number", min: "0.1", max: "100", step: "any", value: "10" }, "It is asked about so many of them as well, once the answer is out. Callers see nothing of it.");
  const deed = new Deed("Shadow it");
  let name = null;

  async function shadow() {
    if (deed.asking.busy) return;
    const percent = Number(share.input.value);
    if (!(percent > 0 && percent <= 100)) return deed.refuse({ message: "this is no share of the requests", fix: "write a number above 0, and 100 at most" }, share.input);
    await deed.run("Making it a shadow …", async (signal) => {
      const { revision, after } = await change(evidence.name, token(), `${name} as a shadow of ${percent} % of the requests`, (document) => overshadow(document, name, percent / 100), signal);
      return `${name} is a shadow of ${percent} % of the requests. Revision ${revision}.${after ? " Somebody else has changed the endpoint meanwhile; that stays as well." : ""} Once there have been requests, they stand under Shadows.`;
    });
    await changed();
  }

  deed.button.addEventListener("click", shadow);
  return {
    element: element("div.steps", {}, share.element, ...deed.elements),
    begin: (variant) => {
      name = variant;
      deed.drop();
    },
    drop: () => deed.drop(),
  };
}

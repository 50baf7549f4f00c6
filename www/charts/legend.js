// What the lines of a chart mean.

import { element, variantName } from "../lib/dom.js";

export function legend(place, variants, ...others) {
  place.replaceChildren(
    ...variants.map(variantName),
    ...others.map(([kind, text]) => element("span.key", {}, element(`span.${kind}`, { "aria-hidden": "true" }), text)),
  );
}

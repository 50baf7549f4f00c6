// What is changed of a document's variants. Each gives whether there is something to change, and throws what speaks against it.

import { Failure } from "./worker.js";

const refused = (code, message, fix) => new Failure({ code, message, fix });

function named({ variants }, name) {
  if (!Array.isArray(variants)) throw refused("endpoint_invalid", "the document has no list of variants", "put an earlier one back by the history, or write it anew");
  return variants.find((variant) => variant.name === name);
}

/** Whether a variant that is written there is the one that is to be added, as it was a moment ago. */
const isThis = (known, made) => known.weight === 0 && known.shadow === undefined && JSON.stringify(known.model) === JSON.stringify(made.model);

/** Adds a variant. One that is there already, as after an answer that was lost, stays. */
export function insert(document, made) {
  const known = named(document, made.name);
  if (known && !isThis(known, made)) throw refused("name_taken", `there is a variant ${made.name} already`, "give this one another name");
  if (!known) document.variants.push(made);
  return !known;
}

/** Makes a variant that gets no traffic a shadow of a share of it. */
export function overshadow(document, name, share) {
  const known = named(document, name);
  if (!known) throw refused("variant_gone", `there is no variant ${name} any more`, "somebody has removed it, or put an earlier document back; see the history");
  if (known.shadow === undefined && known.weight !== 0) throw refused("has_weight", `${name} gets traffic: somebody has given it the weight ${known.weight ?? 1}`, "a shadow answers nobody; give it the weight 0 first");
  if (known.shadow === share) return false;
  Object.assign(known, { weight: 0, shadow: share });
  return true;
}

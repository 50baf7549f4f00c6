// Says what went wrong where it went wrong, and how to fix it.

import { element } from "./dom.js";

const sentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** An error as words: what happened, and what to do about it. */
export const words = (error) => [error.message, error.fix].filter(Boolean).map((text) => capital(sentence(text))).join(" ");

export function show(place, error, ...more) {
  const said = element("div.problem", { role: "alert" }, element("strong", {}, capital(sentence(error.message))));
  if (error.fix) said.append(" ", capital(sentence(error.fix)));
  said.append(...more);
  place.replaceChildren(said);
}

export const clear = (place) => place.replaceChildren();

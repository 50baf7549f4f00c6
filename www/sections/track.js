// The endpoint as a railway turnout: one track in, one out for each variant, as wide as its share.

import { element, find, percent, variantName } from "../lib/dom.js";

const NS = "http://www.w3.org/2000/svg";
const ROW = 64;

function shape(tag, attributes, text) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

export function track(endpoint) {
  const place = find("#track");
  const paint = () => {
    const { variants, shares } = endpoint;
    const isShadow = (i) => endpoint.shadows.includes(variants[i]);
    const height = ROW * variants.length;
    const middle = height / 2;
    const svg = shape("svg", { viewBox: `0 0 240 ${height}`, class: "tracks", "aria-hidden": "true" });
    svg.append(shape("path", { d: `M8 ${middle}H70`, class: "trunk" }));
    variants.forEach((_, i) => {
      const y = ROW * (i + 0.5);
      const rail = shape("path", { d: `M70 ${middle}C130 ${middle} 130 ${y} 190 ${y}H232`, class: `rail v${i % 6}${isShadow(i) ? " shadowed" : ""}` });
      rail.style.strokeWidth = isShadow(i) ? 5 : 2 + 18 * shares[i];
      svg.append(rail);
    });
    svg.append(shape("circle", { cx: 70, cy: middle, r: 11, class: "switch" }));
    const names = variants.map((name, i) => element("li", {}, variantName(name, i), element("b", {}, isShadow(i) ? "shadow" : percent(shares[i], 0))));
    place.replaceChildren(
      element("p.between", {}, element("span", {}, "endpoint ", element("code", {}, endpoint.name)), element("span.note", {}, endpoint.silent ? `as it was at ${endpoint.seen.toLocaleTimeString("en-GB")}: the worker does not answer` : "as configured now")),
      element("div.tracked", {}, svg, element("ul", {}, ...names)),
    );
  };
  let silent;
  endpoint.addEventListener("change", paint);
  endpoint.addEventListener("looked", () => {
    if (endpoint.silent !== silent) paint();
    silent = endpoint.silent;
  });
  paint();
}

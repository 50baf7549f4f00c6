// Elements and figures. Texts become text nodes: names and messages come from documents that someone wrote.

/** `element("button.primary", { type: "button" }, "Ask")`: a tag with classes, its attributes, its children. */
export function element(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const made = document.createElement(tag);
  made.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

export const find = (selector) => document.querySelector(selector);

const whole = new Intl.NumberFormat("en");
export const count = (number) => whole.format(number);
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)}\u00a0%`;
export const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}\u00a0ms`;
export const list = (words) => new Intl.ListFormat("en").format(words);

/** A table with a caption for those who cannot see the chart above it. Cells are texts or elements; each row's first is its head. */
export function table(caption, head, rows) {
  const scroll = element(
    "div.scroll",
    { role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption.unseen", {}, caption),
      element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", { scope: "col" }, cell)))),
      element(
        "tbody",
        {},
        ...rows.map(([first, ...rest]) =>
          element("tr", {}, element("th", { scope: "row" }, first), ...rest.map((cell) => element("td", {}, cell))),
        ),
      ),
    ),
  );
  // Only one that has to be scrolled is a stop for Tab.
  new ResizeObserver(() => {
    if (scroll.scrollWidth > scroll.clientWidth) scroll.tabIndex = 0;
    else scroll.removeAttribute("tabindex");
  }).observe(scroll);
  return scroll;
}

/** A variant's name with its colour. */
export const variantName = (name, position) =>
  element(`span.variant.v${position % 6}`, {}, element("span.dot", { "aria-hidden": "true" }), name);

/** A bar of a share, 0 to 1, for the eye; the figure stands beside it. */
export function bar(share) {
  const fill = element("span.fill");
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return element("span.bar", { "aria-hidden": "true" }, fill);
}

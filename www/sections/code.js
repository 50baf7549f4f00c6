// The last request as curl, Python and JavaScript.

import { eachFrame } from "../lib/crew.js";
import { element, find } from "../lib/dom.js";
import { curl, javascript, python } from "../lib/snippets.js";
import { asked } from "../lib/worker.js";

const LANGUAGES = [
  ["curl", curl],
  ["Python", python],
  ["JavaScript", javascript],
];

/** What stands here before anything has been done: a handwritten 6. */
const FIRST = {
  title: "a handwritten 6, asked of whichever variant is chosen",
  method: "POST",
  path: "/endpoints/digits/invocations",
  headers: { "content-type": "text/csv" },
  body: "0,0,0,6,14,1,0,0,0,0,1,16,10,0,0,0,0,0,13,14,1,0,0,0,0,2,16,12,10,3,0,0,0,5,16,15,14,16,1,0,0,3,16,12,0,15,8,0,0,0,11,16,9,16,8,0,0,0,0,11,15,11,1,0",
};

export function code() {
  let last = FIRST;
  let shown = 0;
  const tabs = LANGUAGES.map(([name], i) =>
    element("button", { type: "button", role: "tab", id: `tab-${i}`, "aria-controls": `panel-${i}`, onclick: () => choose(i) }, name),
  );
  const panels = LANGUAGES.map((_, i) => element("pre", { role: "tabpanel", id: `panel-${i}`, "aria-labelledby": `tab-${i}`, tabindex: "0" }));
  find("#tabs").append(...tabs);
  find("#panels").append(...panels);

  function choose(next) {
    shown = next;
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === next));
      tab.setAttribute("tabindex", i === next ? "0" : "-1");
    });
    panels.forEach((panel, i) => (panel.hidden = i !== next));
    find("#copy").setAttribute("aria-label", `Copy ${LANGUAGES[next][0]}`);
    find("#copied").textContent = "";
  }

  const write = eachFrame(() => {
    LANGUAGES.forEach(([, say], i) => (panels[i].textContent = say(last, location.origin)));
    find("#code-what").textContent = `${last === FIRST ? "To begin with" : "What you did last"}: ${last.title}.`;
    find("#copied").textContent = "";
  });

  find("#tabs").addEventListener("keydown", (event) => {
    const to = { ArrowRight: (shown + 1) % tabs.length, ArrowLeft: (shown + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
    tabs[to].focus();
  });
  find("#copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(panels[shown].textContent);
      find("#copied").textContent = `Copied the ${LANGUAGES[shown][0]} lines.`;
    } catch {
      // Not every browser lets a page write to the clipboard; the lines can be copied by hand.
      getSelection().selectAllChildren(panels[shown]);
      find("#copied").textContent = "The browser does not let this page copy; the lines are selected, copy them by keyboard.";
    }
  });
  asked.addEventListener("asked", ({ detail }) => {
    last = detail;
    write();
  });
  choose(0);
  write();
}

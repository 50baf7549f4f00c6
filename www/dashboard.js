// The dashboard: one endpoint, looked at every few seconds, each section of it with its own part of what is known.

import { element, find } from "./lib/dom.js";
import { Evidence } from "./lib/evidence.js";
import { Experiment } from "./lib/experiment.js";
import { folds } from "./lib/folds.js";
import { Shadows, shadowsOf } from "./lib/shadows.js";
import { Steering } from "./lib/steering.js";
import { keptBy, token } from "./lib/token.js";
import { clear, show } from "./lib/trouble.js";
import { endpoints } from "./lib/worker.js";
import { adding } from "./sections/adding.js";
import { history } from "./sections/history.js";
import { policy } from "./sections/policy.js";
import { quality } from "./sections/quality.js";
import { scorecard } from "./sections/scorecard.js";
import { segments } from "./sections/segments.js";
import { shadows } from "./sections/shadows.js";
import { split } from "./sections/split.js";
import { verdict } from "./sections/verdict.js";

const LOOK_EVERY_MS = 2_000;

const choice = find("#endpoint");
const experiment = new Experiment();
const evidence = new Evidence();
const steering = new Steering();
const shadowed = new Shadows();

/** Says how old the figures are. */
function stamp() {
  const place = find("#seen");
  if (!experiment.seen) return (place.textContent = "Loading …");
  const age = Math.round((Date.now() - experiment.seen) / 1000);
  place.textContent = experiment.trouble ? `As of ${age} s ago: the worker does not answer.` : `Live, as of ${age < 3 ? "now" : `${age} s ago`}.`;
}

const told = (place, trouble) => (trouble ? show(place, trouble) : clear(place));

async function look() {
  if (document.hidden || !experiment.name) return;
  await Promise.all([experiment.look(), evidence.look(), steering.look()]);
  // Of a shadow that is one no more there still are figures.
  await shadowed.look(shadowsOf(evidence.description).length > 0 || experiment.total?.pairs?.length > 0);
  told(find("#trouble"), experiment.trouble);
  // What ails both is told once.
  told(find("#verdict-trouble"), experiment.trouble ? null : evidence.trouble);
  told(find("#policy-trouble"), experiment.trouble || evidence.trouble ? null : steering.trouble);
  told(find("#shadows-trouble"), experiment.trouble || evidence.trouble ? null : shadowed.trouble);
  stamp();
}

function choose(name) {
  experiment.choose(name);
  evidence.choose(name);
  steering.choose(name);
  shadowed.choose(name);
  const url = new URL(location.href);
  url.searchParams.set("endpoint", name);
  window.history.replaceState(null, "", url);
  return look();
}

/** The endpoints that there are to choose from; the one that the address names, though it may not be listed for everybody. */
async function list() {
  const asked = new URL(location.href).searchParams.get("endpoint") ?? experiment.name;
  try {
    const names = await endpoints(experiment.token);
    const all = asked && !names.includes(asked) ? [asked, ...names] : names;
    choice.replaceChildren(...all.map((name) => element("option", { value: name, selected: name === asked }, name)));
    if (all.length === 0) return show(find("#trouble"), { message: "there is no endpoint that you may see", fix: "`make seed` puts the demo's there; others need their token above" });
    await choose(asked ?? all[0]);
  } catch (error) {
    show(find("#trouble"), error);
  }
}

const box = find("#token");
/** Asks for the token where it is: something cannot be done without it. */
function ask(trouble) {
  if (trouble) show(trouble, { message: "this needs the admin token", fix: "enter it at the top of the page" });
  box.focus();
  box.select();
}

verdict(evidence, find("#verdict"), steering);
policy(steering, evidence, find("#steered"), { controls: { token, ask, changed: look } });
segments(evidence, find("#segments"));
quality(evidence, find("#quality"));
shadows(shadowed, evidence, find("#shadows"));
adding(evidence, steering, find("#added"), {
  changed: () => {
    use();
    return look();
  },
});
folds();
keptBy(box);
const use = () => (experiment.token = evidence.token = steering.token = shadowed.token = token());
use();
for (const section of [split, scorecard, history]) section(experiment);
choice.addEventListener("change", () => choose(choice.value));
find("#who").addEventListener("submit", (event) => {
  event.preventDefault();
  use();
  list();
});
await list();
setInterval(look, LOOK_EVERY_MS);
setInterval(stamp, 1_000);
document.addEventListener("visibilitychange", look);
document.documentElement.dataset.ready = "";

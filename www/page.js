// Starts the core, reads the endpoints, and gives each section its own. One that cannot be read does not stop the other.

import init from "./core/turnout.js";
import { element, find } from "./lib/dom.js";
import { Endpoint } from "./lib/endpoint.js";
import { folds } from "./lib/folds.js";
import { clear, show } from "./lib/trouble.js";
import { Failure } from "./lib/worker.js";
import { track } from "./sections/track.js";
import { draw } from "./sections/draw.js";
import { experiment } from "./sections/experiment.js";
import { weights } from "./sections/weights.js";
import { users } from "./sections/users.js";
import { churn } from "./sections/churn.js";
import { code } from "./sections/code.js";

/** What is told of an endpoint as a whole: its problem, if it has one, and that its variants are others than the page's. */
function health(endpoint, place) {
  const laid = () => JSON.stringify([endpoint.variants, endpoint.shadows]);
  const variants = laid();
  let told = "";
  const tell = () => {
    const { status, problem } = endpoint.description;
    const others = laid() !== variants;
    const state = JSON.stringify([status, problem, others]);
    // An alert is read out each time it is put there.
    if (state === told) return;
    told = state;
    if (others) show(place, { message: `The endpoint ${endpoint.name} has other variants now`, fix: "Load the page again" });
    else if (problem) show(place, problem, status === "last_good" ? " Until it is fixed, the last good configuration serves on." : "");
    else clear(place);
  };
  for (const event of ["change", "looked"]) endpoint.addEventListener(event, tell);
  tell();
}

/** Reads an endpoint and hands it to its sections, whose controls work from then on; says what is wrong with it. Gives the endpoint. */
async function serve(name, sections, fields) {
  const place = element("div");
  find("#trouble").append(place);
  try {
    const endpoint = await new Endpoint(name).read();
    health(endpoint, place);
    await Promise.all(sections.map((section) => section(endpoint)));
    usable(fields);
    endpoint.watch();
    return endpoint;
  } catch (error) {
    show(place, error, ` The sections of ${name} below cannot work until then.`);
    unusable(fields);
    return null;
  }
}

function usable(fields) {
  for (const field of fields.map(find)) {
    field.disabled = false;
    field.querySelector("legend").remove();
  }
}

function unusable(fields) {
  for (const field of fields.map(find)) field.querySelector("legend").textContent = "Not to be used now: the reason is at the top of the page.";
}

async function main() {
  folds();
  code();
  const digits = ["#draw", "#weights", "#users"].map((section) => `${section} > fieldset`);
  const table = ["#churn > fieldset"];
  const both = ["#experiment > fieldset"];
  try {
    await init();
  } catch {
    unusable([...digits, ...table, ...both]);
    return show(find("#trouble"), new Failure({ message: "the page's core did not start", fix: "it needs a browser with WebAssembly; load the page again" }));
  }
  const served = await Promise.all([serve("digits", [track, draw, weights, users], digits), serve("churn", [churn], table)]);
  const endpoints = served.filter((endpoint) => endpoint !== null);
  if (endpoints.length === 0) unusable(both);
  else {
    // The one in which a challenger gets the traffic comes first.
    await experiment(endpoints.toReversed());
    usable(both);
  }
  document.documentElement.dataset.ready = "";
}

await main();

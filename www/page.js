// Starts the core, reads the endpoints, and gives each section its own. One that cannot be read does not stop the other.

import init from "./core/turnout.js";
import { element, find } from "./lib/dom.js";
import { Endpoint } from "./lib/endpoint.js";
import { show } from "./lib/trouble.js";
import { Failure } from "./lib/worker.js";
import { track } from "./sections/track.js";
import { draw } from "./sections/draw.js";
import { split } from "./sections/split.js";
import { weights } from "./sections/weights.js";
import { stick } from "./sections/stick.js";
import { churn } from "./sections/churn.js";
import { code } from "./sections/code.js";

/** Reads an endpoint and hands it to its sections; says what is wrong with it. */
async function serve(name, sections, places) {
  const place = element("div");
  find("#trouble").append(place);
  try {
    const endpoint = await new Endpoint(name).read();
    const { status, problem } = endpoint.description;
    if (problem) {
      const since = status === "last_good" ? " Until it is fixed, the last good configuration serves on." : "";
      show(place, problem, since);
    }
    const { variants } = endpoint;
    endpoint.addEventListener("change", () => {
      if (endpoint.variants.join() !== variants.join()) show(place, { message: `The endpoint ${name} has other variants now`, fix: "Load the page again" });
    });
    for (const section of sections) section(endpoint);
  } catch (error) {
    show(place, error, ` The sections of ${name} below cannot work until then.`);
    for (const section of places) for (const control of find(section).querySelectorAll("button, input")) control.disabled = true;
  }
}

async function main() {
  code();
  try {
    await init();
  } catch {
    return show(find("#trouble"), new Failure({ message: "the page's core did not start", fix: "it needs a browser with WebAssembly; load the page again" }));
  }
  await Promise.all([
    serve("digits", [track, draw, split, weights, stick], ["#draw", "#split", "#weights", "#stick"]),
    serve("churn", [churn], ["#churn"]),
  ]);
  document.documentElement.dataset.ready = "";
}

await main();

// Whether the traffic is divided as the weights say: one line that is valid at every look, and the last hour as a picture.

import { minutesPlot } from "../charts/minutes.js";
import { count, element, find, list, percent, plural, variantName } from "../lib/dom.js";

const UNITS = { requests: ["request", "requests"], units: ["user", "users"] };

export function split(experiment) {
  let plot = null;
  let drawn = "";
  let told = "";

  function verdict({ split, revision }) {
    const [one, many] = UNITS[split.segments.at(-1)?.counted ?? "requests"];
    if (split.segments.length === 0) return ["Nothing has been drawn yet: requests that name a variant do not count here."];
    if (split.alarm) {
      const rare = split.p_value > 0 ? `a chance of ${split.p_value.toExponential(0)}` : "no chance at all";
      return [element("b.odd", {}, "No. "), `Had the weights been followed, there would be ${rare} of counts like these. Are records lost when a variant fails, or does a cache answer in its place?`];
    }
    const last = split.segments.at(-1);
    const sum = last.variants.reduce((sum, { count }) => sum + count, 0);
    const since = last.revision === revision ? "since the last change" : `at revision ${last.revision}`;
    return [element("b.good", {}, "Yes, "), `as far as ${plural(sum, one, many)} ${since} can tell.`];
  }

  function counts({ split }) {
    const last = split.segments.at(-1);
    if (!last) return [];
    const sum = last.variants.reduce((sum, { count }) => sum + count, 0);
    const [, many] = UNITS[last.counted];
    // A shadow is not drawn. One that was counted all the same is a fault, and told.
    const { answering } = experiment;
    const drawn = last.variants.filter(({ variant, count }) => count > 0 || answering.includes(variant));
    return drawn.map(({ variant, count: seen, expected_share: share, low, high }) =>
      element("li", {}, variantName(variant, experiment.position(variant)), ` ${count(seen)} of ${count(sum)} ${many}, configured ${percent(share)}: expected ${count(low)}–${count(high)}`),
    );
  }

  function picture() {
    const { answering: variants, minutes } = experiment;
    // Of two variants the other one's line would be the same, upside down.
    const lines = variants.length === 2 ? variants.slice(1) : variants;
    const times = [...new Set(minutes.lines.map(({ since_ms: since }) => since))].sort((a, b) => a - b);
    if (plot === null || drawn !== variants.join()) {
      const place = element("div.plot", { id: "minutes-chart" });
      find("#minutes-chart").replaceWith(place);
      plot = minutesPlot(place, lines.map((name) => ({ name, position: experiment.position(name) })));
      drawn = variants.join();
      const of = lines.length < variants.length ? `Share of ${list(lines)}` : "Share of requests";
      find("#minutes-title").textContent = `${of}, minute by minute; the thin line is what was configured`;
    }
    const of = (variant, member) => times.map((time) => minutes.lines.find((line) => line.variant === variant && line.since_ms === time)?.[member] ?? (member === "share" ? 0 : null));
    plot.draw([times.map((time) => time / 1000), ...lines.flatMap((variant) => [of(variant, "share"), of(variant, "expected_share")])]);
    const now = experiment.total.lines.filter(({ variant, share }) => share !== null && variants.includes(variant)).map(({ variant, share }) => `${variant} ${percent(share)}`);
    plot.say(`Share of requests by minute, of ${plural(times.length, "minute")}. Over all: ${list(now)}.`);
    find("#minutes-note").textContent = times.length === 0 ? "No requests in the last hour." : "";
  }

  experiment.addEventListener("chosen", () => {
    find("#split-verdict").replaceChildren();
    find("#split-counts").replaceChildren();
    told = "";
  });
  experiment.addEventListener("looked", () => {
    if (!experiment.total) return;
    const said = verdict(experiment.total);
    // It is read out when it is another, not at each look.
    const words = said.map((part) => part.textContent ?? part).join("");
    if (words !== told) find("#split-verdict").replaceChildren(...said);
    told = words;
    find("#split-counts").replaceChildren(...counts(experiment.total));
    picture();
  });
}

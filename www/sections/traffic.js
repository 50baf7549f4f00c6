// Traffic, sent where the weights send it: shares against what is configured, times, errors.

import { legend } from "../charts/legend.js";
import { latencyPlot, quantile } from "../charts/curves.js";
import { sharesPlot } from "../charts/shares.js";
import { Asking, usable } from "../lib/asking.js";
import { crew, eachFrame } from "../lib/crew.js";
import { count, element, find, list, milliseconds, percent, plural, table, variantName } from "../lib/dom.js";
import { Errors } from "../lib/errors.js";
import { CONFIDENCE, Tally } from "../lib/tally.js";
import { invoke, table as rowsOf } from "../lib/worker.js";

const AT_ONCE = 8;

export function traffic(endpoint) {
  const { variants } = endpoint;
  const errors = new Errors(find("#traffic-trouble"));
  const progress = find("#traffic-progress");
  const reset = find("#traffic-reset");
  const few = [...document.querySelectorAll("[data-send]")];
  const asking = new Asking({ status: find("#traffic-status"), trouble: find("#traffic-trouble"), waiting: few });
  let tally = new Tally(endpoint);
  let run = { wanted: 1, done: 0 };
  let rows = null;

  const shares = sharesPlot(find("#traffic-chart"), variants, () => tally.changes());
  const latency = latencyPlot(find("#latency-chart"), variants);
  legend(find("#traffic-legend"), variants, ["dashed", "configured"], ["tinted", `${CONFIDENCE * 100} % band`]);
  legend(find("#latency-legend"), variants);

  function paint() {
    progress.value = run.done / run.wanted;
    usable([reset], tally.total > 0 || errors.total > 0);
    errors.show();
    const times = tally.times.map((each) => Float64Array.from(each).sort());
    shares.draw(tally.data());
    latency.show(times);
    const { now } = tally;
    const seen = variants.map((_, i) => (now.total > 0 ? now.counts[i] / now.total : null));
    const bands = variants.map((_, i) => now.band(i));
    const outside = variants.filter((_, i) => now.counts[i] < bands[i][0] || now.counts[i] > bands[i][1]);
    const lines = variants.map((name, i) => [
      variantName(name, i),
      count(now.counts[i]),
      now.total > 0 ? `${count(bands[i][0])}–${count(bands[i][1])}` : "–",
      now.total > 0 ? percent(seen[i]) : "–",
      percent(now.shares[i]),
    ]);
    const since = now.begins > 0 ? " since the weights changed" : "";
    find("#traffic-table").replaceChildren(
      table(`Requests by variant${since}`, ["variant", "requests", "should be", "share", "set"], lines),
      element("p.note", {}, ...(now.total > 0 ? [verdict(outside), " "] : []), foot(now, since)),
    );
    shares.say(
      now.total === 0
        ? "Chart of shares by variant; nothing sent yet."
        : `Chart of shares by variant after ${plural(now.total, "request")}${since}: ${variants.map((name, i) => `${name} ${percent(seen[i])}, configured ${percent(now.shares[i])}`).join("; ")}.`,
    );
    const quantiles = times.map((sorted) => [0.5, 0.9, 0.99].map((share) => (sorted.length > 0 ? milliseconds(quantile(sorted, share)) : "–")));
    find("#latency-table").replaceChildren(
      table("Time to an answer by variant", ["variant", "answers", "median", "90 %", "99 %"], variants.map((name, i) => [variantName(name, i), count(times[i].length), ...quantiles[i]])),
      element("p.note", {}, `Columns: the time within which half, 90 % and 99 % were answered. From here and back, ${AT_ONCE} requests at a time: the network and the browser's queue are in it.`),
    );
    latency.say(`Chart of the share of answers by time. ${variants.map((name, i) => `${name}: half within ${quantiles[i][0]}, 99 % within ${quantiles[i][2]}`).join("; ")}.`);
  }

  const verdict = (outside) =>
    outside.length === 0 ? element("b.good", {}, "Inside the band.") : element("b.odd", {}, `Outside the band: ${list(outside)}.`);

  function foot(now, since) {
    const parts = [];
    if (since) parts.push(`Counted anew from the mark at ${count(now.begins)} requests, where the weights changed.`);
    if (tally.fallbacks > 0) parts.push(`${plural(tally.fallbacks, "answer")} came from the fallback and ${tally.fallbacks === 1 ? "is" : "are"} not in the shares.`);
    parts.push("Look whenever you like: where all is right, a count ever leaves its band in one run of twenty at most.");
    return parts.join(" ");
  }

  const painting = eachFrame(paint);

  /** Revisions that have been asked about: an isolate that lags behind may not know one yet, and is not asked again. */
  const looked = new Set();
  let looking = null;

  /** When somebody else has changed the weights, what is expected from here on has to be asked first. */
  async function known(revision) {
    if (!tally.knows(revision) && !looked.has(revision)) {
      looked.add(revision);
      looking = endpoint.read().finally(() => (looking = null));
    }
    await looking;
  }

  function send(wanted) {
    const mine = (run = { wanted, done: 0 });
    return asking.run(`Sending ${plural(wanted, "request")} …`, async (signal) => {
      paint();
      rows ??= (await rowsOf(endpoint.name)).map(([, ...pixels]) => pixels.join(","));
      const task = async () => {
        const row = rows[Math.floor(Math.random() * rows.length)];
        const answer = await invoke(endpoint.name, [row], { title: "a digit, sent where the weights send it", signal });
        await known(answer.revision);
        if (signal.aborted) return;
        tally.add(answer);
        mine.done += 1;
        painting();
      };
      const failed = (error) => {
        errors.add(error);
        mine.done += 1;
        painting();
      };
      const { stopped, gaveUp } = await crew(new Array(wanted).fill(), AT_ONCE, signal, task, failed);
      if (run === mine) paint();
      const how = gaveUp ? "Gave up after many failures in a row" : stopped ? "Stopped" : "Done";
      const failures = errors.total > 0 ? `, ${count(errors.total)} failed` : "";
      return `${how}: ${plural(tally.total, "request")} answered in all${failures}.`;
    });
  }

  asking.startedBy(find("#traffic-send"), () => send(1000));
  for (const button of few) button.addEventListener("click", () => send(Number(button.dataset.send)));
  reset.addEventListener("click", () => {
    asking.drop();
    run = { wanted: 1, done: 0 };
    tally = new Tally(endpoint);
    errors.reset();
    paint();
    asking.status.textContent = "Nothing sent yet.";
  });
  endpoint.addEventListener("change", () => {
    // With other variants this is another page.
    if (endpoint.variants.join() !== variants.join()) return;
    tally.change(endpoint);
    paint();
  });
  paint();
}

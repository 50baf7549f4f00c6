// Who changed what, and the way back.

import { Asking } from "../lib/asking.js";
import { count, element, find, list, percent, table } from "../lib/dom.js";
import { clear, show } from "../lib/trouble.js";
import { history as ask, rollback } from "../lib/worker.js";

const who = (author) => (typeof author === "object" ? `key ${author.key}` : { token: "the admin token", hand: "by hand, in KV", policy: "the policy" }[author]);
const when = (ms) => new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** The shares of a version, in words. */
const shares = (version) => (version.shares ? list(version.shares.map(([name, share]) => `${name} ${percent(share)}`)) : version.revision === null ? "removed" : "not a valid document");

/** What a patch does, as short as it can be said. */
function difference({ patch, before }) {
  if (before === null) return "first seen";
  if (!patch) return "";
  const paths = patch.map(({ op, path }) => `${op} ${path === "" ? "everything" : path.slice(1).replaceAll("/", ".")}`);
  return paths.length > 3 ? `${paths.slice(0, 3).join(", ")} and ${paths.length - 3} more` : paths.join(", ");
}

/** What a policy looked at when it made a change. */
function figures({ number, figures }) {
  if (!figures?.counted?.length) return null;
  const rows = figures.counted.map(({ variant, share, invocations, errors, outcomes }) => [variant, percent(share ?? 0, 0), count(invocations), count(errors), count(outcomes)]);
  return element("details", {}, element("summary", {}, "What it looked at"), table(`What change ${number} was made by`, ["variant", "share until then", "requests", "failures", "outcomes"], rows));
}

/** The share of users that have another variant under other shares: half of what the shares differ by, over all variants. */
function moving(from, to) {
  const names = new Set([...from, ...to].map(([name]) => name));
  const of = (shares, name) => shares.find(([known]) => known === name)?.[1] ?? 0;
  return [...names].reduce((sum, name) => sum + Math.abs(of(from, name) - of(to, name)), 0) / 2;
}

export function history(experiment) {
  const asking = new Asking({ status: find("#history-status"), trouble: find("#history-trouble") });
  const confirming = find("#restore");
  const older = find("#older");
  let changes = [];
  let cursor = null;
  let shown = "";
  let unread = false;
  let known = null;

  async function read() {
    if (!experiment.token) {
      changes = [];
      find("#changes").replaceChildren(element("li.note", {}, "Enter the admin token above to see who changed what."));
      older.hidden = true;
      return;
    }
    const { name, token } = experiment;
    try {
      const page = await ask(name, token);
      if (experiment.name !== name) return;
      ({ changes, cursor } = page);
      // What went wrong with something else is not over.
      if (unread) clear(find("#history-trouble"));
      unread = false;
      paint();
    } catch (error) {
      unread = true;
      show(find("#history-trouble"), error);
    }
  }

  function paint() {
    const state = JSON.stringify([changes.map(({ number }) => number), cursor]);
    // What is focused stays so, unless there is something new.
    if (state === shown) return;
    shown = state;
    const now = changes[0];
    find("#changes").replaceChildren(
      ...changes.map((change) =>
        element(
          "li",
          {},
          element("p", {}, element("b", {}, shares(change)), change === now ? " · now" : ""),
          element("p.note", {}, `${when(change.at_ms)} · ${who(change.author)}`, change.reason ? ` · “${change.reason}”` : "", ` · ${difference(change)}`, change.revision ? ` · ${change.revision}` : ""),
          figures(change),
          change.revision && change.revision !== now.revision ? element("button", { type: "button", onclick: () => confirm(change) }, "Restore …") : null,
        ),
      ),
    );
    older.hidden = !cursor;
  }

  /** Says who would move, then asks. */
  function confirm(change) {
    asking.drop();
    const now = changes[0];
    const moved = now.shares && change.shares ? `${percent(moving(now.shares, change.shares))} of the users who keep a variant would get another one. ` : "";
    const yes = element("button.primary", { type: "button", onclick: () => restore(change, now) }, "Put it back");
    confirming.replaceChildren(
      element(
        "div.problem",
        { role: "group", "aria-label": "Put an earlier revision back" },
        element("strong", {}, `Back to ${change.revision}, of ${when(change.at_ms)}?`),
        ` ${moved}Now: ${shares(now)}. Then: ${shares(change)}.`,
        element("div.row", {}, yes, element("button", { type: "button", onclick: () => clear(confirming) }, "Leave it")),
      ),
    );
    yes.focus();
  }

  async function restore(change, now) {
    clear(confirming);
    const done = await asking.run("Putting it back …", async (signal) => {
      await rollback(experiment.name, change.revision, now.revision, experiment.token, signal);
      return `Revision ${change.revision} serves again. Busy isolates follow within about a second.`;
    });
    await read();
    if (done) find("#history").querySelector("button:not([hidden])")?.focus();
  }

  older.addEventListener("click", () =>
    asking.run("Reading …", async () => {
      const page = await ask(experiment.name, experiment.token, cursor);
      changes = [...changes, ...page.changes];
      cursor = page.cursor;
      paint();
    }),
  );
  experiment.addEventListener("chosen", () => {
    asking.drop();
    clear(confirming);
    shown = "";
    find("#changes").replaceChildren();
    known = null;
  });
  // Only what is new at the top: pages that were opened stay.
  experiment.addEventListener("looked", () => {
    const revision = `${experiment.name} ${experiment.total?.revision}`;
    if (revision === known) return;
    known = revision;
    read();
  });
}

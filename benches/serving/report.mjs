// What is told of the measurements: tables, the goals, the plot, and what has changed since the last run that was kept.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { here, root, work } from "./contestants.mjs";

const LAST = join(here, "last.json");
const PLOT = join(root, "docs/performance.svg");

/** What is wanted: the ratio of `of` to `to`, at least or at most. `less` is taken from both before. */
const GOALS = [
  { part: "requests", name: "decision", of: "turnout", to: "bare", least: 0.8 },
  { part: "requests", name: "decision", of: "turnout", to: "twin", least: 1 },
  { part: "requests", name: "origin", of: "turnout", to: "twin", least: 1 },
  ...["digits-logistic", "digits-cnn", "churn-logistic", "churn-xgboost"].flatMap((model) => [
    { part: "requests", name: `${model}, 1 row`, of: "turnout", to: "bare", least: 0.6 },
    { part: "requests", name: `${model}, 1 row`, of: "turnout", to: "onnxruntime", least: 1.5 },
  ]),
  ...["digits-cnn", "churn-xgboost"].flatMap((model) =>
    ["MLServer", "BentoML"].flatMap((server) => [
      { part: "servers", name: `${model}, 1 row`, unit: "requests/s", of: "turnout", to: server, least: 10 },
      { part: "servers", name: `${model}, 1 row`, unit: "ms, 99th percentile", of: "turnout", to: server, most: 1 },
    ]),
  ),
  ...["decision", "digits-cnn, 1 row"].flatMap((name) => ["bound", "signed"].map((of) => ({ part: "experiments", name, of, to: "turnout", least: 0.97 }))),
  { part: "start", name: "first answer", of: "turnout", to: "bare", most: 1.2 },
  { part: "start", name: "first answer", of: "turnout", to: "onnxruntime", most: 1 / 3 },
  { part: "start", name: "memory", of: "turnout", to: "onnxruntime", less: "bare", most: 1 / 3 },
  { part: "size", name: "wasm, raw", of: "turnout", to: "onnxruntime", most: 1 / 2 },
  ...["1 row", "100 rows"].flatMap((rows) => [
    { part: "run", name: `digits-cnn, ${rows}`, of: "turnout", to: "tract", most: 2 },
    { part: "run", name: `digits-cnn, ${rows}`, of: "turnout", to: "onnxruntime", most: 1 },
  ]),
];

export const summary = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, lowest: sorted[0], highest: sorted.at(-1) };
};

const shown = (number) => (number >= 1000 ? Math.round(number).toLocaleString("en") : number.toPrecision(3));
const spread = ({ median, lowest, highest }) => `${shown(median)} (${shown(lowest)} to ${shown(highest)})`;

function ratios(measured) {
  return GOALS.flatMap((goal) => {
    const found = measured.find(
      ({ part, name, unit }) => part === goal.part && name === goal.name && (goal.unit === undefined || unit === goal.unit),
    );
    if (found === undefined) return [];
    // A server's name comes with its version.
    const named = (row, wanted) => row[wanted] ?? row[Object.keys(row).find((name) => name.startsWith(`${wanted} `))];
    const less = (row) => (goal.less === undefined ? 0 : named(row, goal.less));
    const each = found.rounds.map((row) => (named(row, goal.of) - less(row)) / (named(row, goal.to) - less(row)));
    const ratio = summary(each);
    const met = goal.least === undefined ? ratio.median <= goal.most : ratio.median >= goal.least;
    return [{ ...goal, unit: found.unit, ratio, met }];
  });
}

const wanted = ({ least, most }) => (least === undefined ? `at most ${Number(most.toPrecision(2))}` : `at least ${least}`);
const titled = ({ part, name, unit, less }) =>
  [part === "requests" || part === "servers" ? name : `${part}: ${name}`, unit, less && `over ${less}`].filter(Boolean).join(", ");
const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The kept run's ratio, with an arrow where the spreads of both do not even touch. */
function change(goal, kept) {
  const before = kept?.ratios.find((other) => titled(other) === titled(goal) && other.of === goal.of && other.to === goal.to);
  if (before === undefined) return "";
  const apart = before.ratio.highest < goal.ratio.lowest || before.ratio.lowest > goal.ratio.highest;
  return `${shown(before.ratio.median)}${apart ? (goal.ratio.median > before.ratio.median ? " ↑" : " ↓") : ""}`;
}

async function plot(measured) {
  const load = async (name) => import(pathToFileURL(createRequire(join(work, "x.js")).resolve(name)));
  const [vega, vegaLite] = [await load("vega"), await load("vega-lite")];
  const chosen = measured.filter(({ part, unit, name }) => unit === "requests/s" && part !== "experiments" && !name.endsWith("100 rows"));
  const values = chosen.flatMap(({ part, name, rounds }) =>
    Object.keys(rounds[0]).map((contestant) => ({
      case: part === "servers" ? `${name}, against servers` : name,
      contestant,
      rate: summary(rounds.map((row) => row[contestant])).median,
      lowest: Math.min(...rounds.map((row) => row[contestant])),
      highest: Math.max(...rounds.map((row) => row[contestant])),
    })),
  );
  const x = { type: "quantitative", title: "requests a second: median, lowest and highest" };
  const y = { field: "contestant", type: "nominal", title: null, sort: { field: "rate", order: "descending" } };
  const color = { condition: { test: "datum.contestant === 'turnout'", value: "#c2410c" }, value: "#94a3b8" };
  const row = { labelAngle: 0, labelAlign: "left", labelAnchor: "start", labelOrient: "top", labelFontWeight: "bold" };
  const spec = {
    data: { values },
    background: "white",
    facet: { row: { field: "case", title: null, sort: values.map((value) => value.case), header: row } },
    spec: {
      width: 520,
      height: { step: 16 },
      layer: [
        { mark: "bar", encoding: { x: { ...x, field: "rate" }, y, color } },
        { mark: "rule", encoding: { x: { ...x, field: "lowest" }, x2: { field: "highest" }, y } },
      ],
    },
    resolve: { scale: { y: "independent" } },
    spacing: 8,
  };
  const view = new vega.View(vega.parse(vegaLite.compile(spec, { logger: vega.logger(vega.Error) }).spec), { renderer: "none" });
  writeFileSync(PLOT, await view.toSVG());
}

/** Prints all, and keeps it where the run was a whole one. */
export async function report(measured, { rounds, seconds, connections, whole }) {
  const kept = existsSync(LAST) ? JSON.parse(readFileSync(LAST, "utf8")) : undefined;
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus()[0].model}, ${cpus().length} cores`;
  const found = ratios(measured);
  const version = (command) => execFileSync(command, ["--version"]).toString().trim();
  console.log(`\n${date}; ${machine}; ${version("workerd")}; ${rounds} rounds, ${seconds} s a turn, ${connections} connections\n`);
  const rows = measured.flatMap((one) =>
    Object.keys(one.rounds[0]).map((name) => [titled(one), name, spread(summary(one.rounds.map((row) => row[name])))]),
  );
  console.log(table(["case", "contestant", "median (lowest to highest)"], rows));
  const goals = found.map((goal) => [
    titled(goal), `${goal.of} / ${goal.to}`, spread(goal.ratio), wanted(goal), goal.met ? "met" : "not met", change(goal, kept),
  ]);
  console.log(`\n${table(["case", "ratio", "median (lowest to highest)", "goal", "", `kept run${kept ? ` of ${kept.date}` : ""}`], goals)}`);
  if (!whole) return console.log("\na part of the whole: nothing is kept");
  const summaries = measured.map(({ rounds: each, ...one }) => ({
    ...one,
    contestants: Object.fromEntries(Object.keys(each[0]).map((name) => [name, summary(each.map((row) => row[name]))])),
  }));
  writeFileSync(LAST, `${JSON.stringify({ date, machine, workerd: version("workerd"), rounds, measured: summaries, ratios: found }, null, 1)}\n`);
  await plot(measured);
  console.log(`\nkept: ${LAST}, ${PLOT}`);
}

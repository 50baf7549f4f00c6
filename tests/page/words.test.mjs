// The page's words and figures, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cleared, decided, interval, measure, word } from "../../www/lib/measures.js";
import { disagreements, signTest, whoIsRight } from "../../www/lib/pairs.js";
import { differences, isUnnamed, rare, said } from "../../www/lib/predicted.js";

const goal = { baseline: "a", margin: 0.01 };
const compared = (verdict, interval) => ({ variant: "b", verdict, interval });

test("a verdict has four words, and says where one variant is known not to be worse", () => {
  for (const [verdict, bounds, said, over] of [
    ["undecided", null, "Too early", false],
    ["undecided", [-0.02, 0.03], "Too early", false],
    ["better", [0.001, 0.03], "b is better", true],
    ["worse", [-0.03, -0.001], "a is better", true],
    ["not_worse", [-0.009, 0.02], "b is not worse", false],
    ["not_worse", [-0.009, 0.009], "No difference that matters", true],
  ]) {
    assert.equal(word(compared(verdict, bounds), goal), said);
    assert.equal(decided(compared(verdict, bounds), goal), over);
  }
});

test("differences of shares are in points, others as they are; nothing is minus zero", () => {
  const { value, difference, unit } = measure("accuracy");
  assert.deepEqual([value(0.9333), difference(0.0191), difference(-0.003), difference(-0.0001), unit], ["93.3\u00a0%", "+1.9", "\u22120.3", "0.0", "points"]);
  assert.equal(interval([-0.003, 0.041], difference), "\u22120.3 to +4.1");
  const loss = measure("log_loss");
  assert.deepEqual([loss.name, loss.value(0.21), loss.difference(-0.0346)], ["log loss", "0.210", "\u22120.035"]);
  assert.deepEqual(measure("some_new_one").name, "some new one");
});

test("the picture's stamp stands where the interval first leaves zero, on either side", () => {
  const at = (outcomes, low, high) => ({ outcomes, low, high });
  assert.equal(cleared([at(200, -1, 1), at(300, -0.1, 0.5)]), null);
  assert.equal(cleared([at(200, -1, 1), at(300, 0.1, 0.5), at(400, -0.1, 0.4)]).outcomes, 300);
  assert.equal(cleared([at(200, -1, -0.1)]).outcomes, 200);
});

test("pairs: who is right where models disagree, and how probable that is of equals", () => {
  const labels = [[1, 2, 3, 4], [1, 2, 5, 6]];
  assert.deepEqual(disagreements(labels), [2, 3]);
  assert.equal(whoIsRight(["x", "y"], labels, [1, 9, 5, 4], [2, 3]), "x is right on 1 and y on 1; were they equally good, so uneven a result had a probability of 1.");
  assert.equal(whoIsRight(["x", "y", "z"], [[1], [2], [2]], [2], [0]), "y is right on 1, z on 1, and x on 0.");
  // The binomial's tails: scipy.stats.binomtest(14, 18).pvalue.
  assert.ok(Math.abs(signTest(14, 4) - 0.0308837890625) < 1e-12);
  assert.deepEqual([signTest(0, 0), signTest(5, 5)], [1, 1]);
  assert.ok(Math.abs(signTest(0, 10) - 2 / 1024) < 1e-12);
});

test("what two predicted, and how far they are apart, in as many digits as it takes", () => {
  assert.deepEqual([{ label: "yes", score: 0.9751 }, { label: "no", score: 0.0001 }, { label: "no" }, { label: "#0a1b2c3d" }, { value: -12.3456 }].map(said), ["yes, score 0.975", "no, score below 0.001", "no", "class #0a1b2c3d", "\u221212.35"]);
  assert.deepEqual([isUnnamed({ label: "#0a1b2c3d" }), isUnnamed({ label: "#1" }), isUnnamed({ value: 1 })], [true, false, false]);
  const written = (p5, p95, ...numbers) => numbers.map(differences({ p5, p95 }));
  assert.deepEqual(written(-0.3, 0.5, 0.57749, -0.0001, 0), ["+0.577", "0.000", "0.000"]);
  assert.deepEqual(written(-420, 130, -420.4, 7), ["\u2212420", "+7"]);
  assert.deepEqual(written(0, 0, 0, -0.25), ["0.000", "\u22120.250"]);
  assert.deepEqual([rare(0.0000123), rare(0.03088)], ["p below 0.0001", "p = 0.031"]);
});

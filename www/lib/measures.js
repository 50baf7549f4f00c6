// Metrics as people read them, and the verdict's words.

/** Of a metric that is no share: its name in words, and in how many digits after the point. */
const FIGURES = {
  log_loss: { name: "log loss", digits: 3 },
  brier: { name: "Brier score", digits: 3 },
  mae: { name: "absolute error", digits: 3 },
  mse: { name: "squared error", digits: 3 },
  reward: { name: "reward", digits: 3 },
  auc: { name: "area under the ROC curve", digits: 3 },
};
const SHARES = { accuracy: "accuracy", precision: "precision", recall: "recall", f1: "F1" };

const minus = (text) => text.replace("-", "\u2212");

/** How a metric is written: `{name, value(number), difference(number), unit}`. Differences of shares are in points. */
export function measure(metric) {
  if (metric in SHARES) return { name: SHARES[metric], unit: "points", value: (value) => `${(100 * value).toFixed(1)}\u00a0%`, difference: (by) => signed(100 * by, 1) };
  const { name, digits } = FIGURES[metric] ?? { name: metric.replaceAll("_", " "), digits: 3 };
  return { name, unit: "", value: (value) => minus(value.toFixed(digits)), difference: (by) => signed(by, digits) };
}

function signed(number, digits) {
  const text = Math.abs(number).toFixed(digits);
  return Number(text) === 0 ? text : `${number < 0 ? "\u2212" : "+"}${text}`;
}

export const interval = ([low, high], write) => `${write(low)} to ${write(high)}`;

/** Whether there is nothing more to find out: one is better, or all that is possible is within the margin. */
export const decided = ({ verdict, interval }, { margin }) => verdict === "better" || verdict === "worse" || (verdict === "not_worse" && interval[0] > -margin && interval[1] < margin);

/** The verdict of a comparison in a few words. */
export function word(comparison, told) {
  const { variant, verdict } = comparison;
  switch (verdict) {
    case "better":
      return `${variant} is better`;
    case "worse":
      return `${told.baseline} is better`;
    case "not_worse":
      return decided(comparison, told) ? "No difference that matters" : `${variant} is not worse`;
    default:
      return "Too early";
  }
}

/** The first point of a comparison's picture at which its interval lies on one side of zero. */
export const cleared = (points) => points.find(({ low, high }) => low > 0 || high < 0) ?? null;

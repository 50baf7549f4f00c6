// The ramps that the demo starts, made from the seeded document: all that a document needs to hand traffic over by itself.

/** Who gets the traffic from whom, in each endpoint that has such an experiment. */
export const CHALLENGERS = { churn: { from: "logistic", to: "xgboost" } };

/** Hours elsewhere, seconds here: somebody is watching. */
const STEP_MINUTES = 0.08;
const STEP_REQUESTS = 10;
/** A host that does not exist, and never will (RFC 2606). */
const NOBODY = "https://model-host.invalid/invocations";

const GUARDRAILS = [{ metric: "errors", at_most_times: 1.5 }, { metric: "goal" }, { metric: "mismatch" }, { metric: "no_traffic", minutes: 10 }];

const weigh = (seed, name, weight, more = {}) => ({ ...seed, variants: seed.variants.map((variant) => (variant.name === name ? { ...variant, weight, ...more } : { ...variant, weight: 100 - weight })) });

/** The document from before: all traffic goes to the one that is there already. */
export const atRest = (seed, { to }) => weigh(seed, to, 0);

/** With a ramp that hands over to the challenger once the verdict says that it is better. */
export function ramped(seed, challenger) {
  const { to } = challenger;
  const ramp = { to, percent: [10, 25, 50, 100], step_minutes: STEP_MINUTES, step_invocations: STEP_REQUESTS, step_outcomes: 0, promote_when: "better", alpha: 0.05 };
  return { ...atRest(seed, challenger), guardrails: GUARDRAILS, policy: { ramp } };
}

/** The same with a challenger whose host does not answer. Its callers get the fallback's answers. */
export function broken(seed, challenger) {
  const document = ramped(seed, challenger);
  const variants = document.variants.map(({ model, ...variant }) => (variant.name === challenger.to ? { ...variant, origin: { url: NOBODY } } : { ...variant, model }));
  return { ...document, variants };
}

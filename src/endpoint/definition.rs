//! An endpoint: a document that has been checked.
//!
//! Only [`Endpoint::parse`] makes one, so whoever has an [`Endpoint`] can rely on what it checks: at least one variant,
//! unique names, weights whose sum is finite, no share between 0 and [`Endpoint::LEAST_SHARE`], and a fallback that
//! exists.

use std::borrow::Cow;
use std::collections::HashSet;

use super::access::Access;
use super::capture::Capture;
use super::document::{DocumentError, EndpointDocument, MAX_VARIANTS, parse_json};
use super::goal::{Failures, Goal, GoalError, Metric};
use super::guardrail::{Guardrail, GuardrailError, Watch};
use super::limits::RequestLimits;
use super::name::Name;
use super::notify::Notify;
use super::object::Object;
use super::outcome::Outcome;
use super::policy::Policy;
use super::revision::Revision;
use super::shadow::ShadowShare;
use super::stickiness::Stickiness;
use super::variant::Variant;

/// A named prediction service.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    revision: Revision,
    variants: Vec<Variant>,
    total_weight: f64,
    stickiness: Option<Stickiness>,
    fallback: Option<usize>,
    access: Access,
    limits: RequestLimits,
    outcome: Option<Outcome>,
    goal: Option<Goal>,
    guardrails: Option<Vec<Guardrail>>,
    policy: Option<Policy>,
    notify: Option<Notify>,
    capture: Option<Capture>,
    config: Option<Name>,
}

impl Endpoint {
    /// The smallest share above 0. A draw is a multiple of 2^-53, about 10^-16, so the share of a smaller weight would
    /// be wrong or could not be drawn at all, and the propensity on its records would be wrong or 0.
    pub const LEAST_SHARE: f64 = 1e-12;

    /// Which version of the document this is.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The variants in the document's order; at least one.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The variants that answer callers: those that are no shadows. At least one.
    pub fn answering(&self) -> impl Iterator<Item = &Variant> {
        self.variants.iter().filter(|variant| !variant.is_shadow())
    }

    /// The variants that are asked as well, with the share of requests that each is asked about.
    pub fn shadows(&self) -> impl Iterator<Item = (&Variant, ShadowShare)> {
        self.variants.iter().filter_map(|variant| Some((variant, variant.shadow?)))
    }

    /// The variant of that name.
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name.as_str() == name)
    }

    /// The variants' names, for messages.
    pub fn known_names(&self) -> Vec<String> {
        self.variants.iter().map(|variant| variant.name.to_string()).collect()
    }

    /// The sum of the weights: finite, at least 0.
    pub fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// The share of the traffic that the weights give to `variant`: 0 where its weight is 0, else from
    /// [`Endpoint::LEAST_SHARE`] to 1.
    pub fn share(&self, variant: &Variant) -> f64 {
        if self.total_weight > 0.0 { variant.weight.get() / self.total_weight } else { 0.0 }
    }

    /// All shares, by name, in the document's order.
    pub fn shares(&self) -> Vec<(String, f64)> {
        self.variants.iter().map(|variant| (variant.name.to_string(), self.share(variant))).collect()
    }

    /// The share of the variant of that name; 0 where there is none.
    pub fn share_of(&self, name: &str) -> f64 {
        self.variant(name).map_or(0.0, |variant| self.share(variant))
    }

    /// Sticky assignment, where the endpoint has it.
    pub fn stickiness(&self) -> Option<&Stickiness> {
        self.stickiness.as_ref()
    }

    /// How its invocations are authorized.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// What one request to its models may take.
    pub fn limits(&self) -> RequestLimits {
        self.limits
    }

    /// What becomes of its predictions, where that is told.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// What is compared, against which variant and with which certainty; what an endpoint has that does not say, else.
    pub fn goal(&self) -> Cow<'_, Goal> {
        self.goal.as_ref().map_or_else(|| Cow::Owned(Goal::default()), Cow::Borrowed)
    }

    /// What variants are compared by: the goal's metric, or what is usual of such outcomes; `None` where nothing is said of
    /// outcomes.
    pub fn metric(&self) -> Option<Metric> {
        let usual = *Metric::of(&self.outcome()?.kind).first()?;
        Some(self.goal.as_ref().and_then(|goal| goal.metric).unwrap_or(usual))
    }

    /// What counts for a variant where it failed: as the goal says, or what is usual of such a metric; `None` where nothing is
    /// said of outcomes.
    pub fn failures(&self) -> Option<Failures> {
        let usual = self.metric()?.usual_failures();
        Some(self.goal.as_ref().and_then(|goal| goal.failures).unwrap_or(usual))
    }

    /// The variant that the others are compared with.
    pub fn baseline(&self) -> Option<&Name> {
        match &self.goal {
            Some(goal) => goal.baseline_of(&self.variants),
            None => self.answering().next().map(|variant| &variant.name),
        }
    }

    /// Each comparison's part of the goal's alpha.
    pub fn alpha_each(&self) -> f64 {
        self.goal().alpha.get() / self.variants.len().saturating_sub(1).max(1) as f64
    }

    /// The goal, as far as the document says it.
    pub fn written_goal(&self) -> Option<&Goal> {
        self.goal.as_ref()
    }

    /// Who moves the weights, where somebody does.
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// What is watched while a policy runs; what is usual, where the document does not say.
    pub fn guardrails(&self) -> Cow<'_, [Guardrail]> {
        self.guardrails.as_ref().map_or_else(|| Cow::Owned(Guardrail::usual()), Cow::from)
    }

    /// The guardrails that the document itself has.
    pub fn own_guardrails(&self) -> &[Guardrail] {
        self.guardrails.as_deref().unwrap_or_default()
    }

    /// Whether somebody may be watching while its weights are moved.
    pub fn is_watched(&self) -> bool {
        self.policy.is_some() || self.guardrails.is_some()
    }

    /// From how many milliseconds on an origin's answer is slow, where that is watched.
    pub fn slow_ms(&self) -> Option<f64> {
        self.guardrails.iter().flatten().find_map(|guardrail| match guardrail.watch {
            Watch::Slow { origin_ms, .. } => Some(origin_ms),
            _ => None,
        })
    }

    /// Who is told of what the policy does.
    pub fn notify(&self) -> Option<&Notify> {
        self.notify.as_ref()
    }

    /// What is captured of its requests and answers, as the document says it, also where that is nothing for now.
    pub fn capture(&self) -> Option<&Capture> {
        self.capture.as_ref()
    }

    /// The endpoint configuration that a SageMaker client made it from, if one did.
    pub fn config(&self) -> Option<&Name> {
        self.config.as_ref()
    }

    /// The variant that answers if the chosen one fails.
    pub fn fallback(&self) -> Option<&Variant> {
        self.fallback.and_then(|position| self.variants.get(position))
    }

    /// Parses and checks a document.
    ///
    /// ```
    /// use turnout::endpoint::Endpoint;
    ///
    /// let document = br#"{"variants": [
    ///     {"name": "baseline", "weight": 90, "origin": {"url": "https://models.example.com/churn"}},
    ///     {"name": "challenger", "weight": 10, "origin": {"url": "https://models.example.com/churn-2"}}]}"#;
    /// let endpoint = Endpoint::parse(document)?;
    /// assert_eq!(endpoint.share(&endpoint.variants()[1]), 0.1);
    ///
    /// let mistake = Endpoint::parse(br#"{"variants": [{"name": "a", "wieght": 1}]}"#).unwrap_err();
    /// assert!(mistake.to_string().starts_with("at `variants[0]"));
    /// # Ok::<(), turnout::endpoint::DocumentError>(())
    /// ```
    ///
    /// # Errors
    /// The first mistake in it, with its path and the fix.
    pub fn parse(document: &[u8]) -> Result<Endpoint, DocumentError> {
        let Object(written): Object<EndpointDocument> = parse_json(document)?;
        let variants = written.variants;
        match variants.len() {
            0 => return Err(DocumentError::NoVariants),
            1..=MAX_VARIANTS => {}
            count => return Err(DocumentError::TooManyVariants(count)),
        }
        let mut seen = HashSet::new();
        if let Some((position, variant)) = variants.iter().enumerate().find(|(_, v)| !seen.insert(&v.name)) {
            return Err(DocumentError::RepeatedName { position, name: variant.name.clone() });
        }
        let total_weight: f64 = variants.iter().map(|variant| variant.weight.get()).sum();
        if !total_weight.is_finite() {
            return Err(DocumentError::InfiniteTotal);
        }
        let tiny = |variant: &Variant| {
            let weight = variant.weight.get();
            weight > 0.0 && weight / total_weight < Endpoint::LEAST_SHARE
        };
        if let Some(position) = variants.iter().position(tiny) {
            return Err(DocumentError::TinyShare { position });
        }
        if variants.iter().all(Variant::is_shadow) {
            return Err(DocumentError::OnlyShadows);
        }
        let is_shadow = |name: &Name| variants.iter().any(|variant| variant.name == *name && variant.is_shadow());
        let fallback = match written.fallback {
            None => None,
            Some(name) if is_shadow(&name) => return Err(DocumentError::ShadowFallback(name)),
            Some(name) => match variants.iter().position(|variant| variant.name == name) {
                Some(position) => Some(position),
                None => {
                    let known = variants.iter().map(|variant| variant.name.to_string()).collect();
                    return Err(DocumentError::UnknownFallback(name, known));
                }
            },
        };
        let outcome = written.outcome.map(|Object(outcome)| outcome);
        let goal = written.goal.map(|Object(goal)| goal);
        if let Some(goal) = &goal {
            let Some(outcome) = &outcome else { return Err(DocumentError::Goal(GoalError::NoOutcome)) };
            let metrics = Metric::of(&outcome.kind);
            if let Some(metric) = goal.metric.filter(|metric| !metrics.contains(metric)) {
                let (kind, metrics) = (outcome.kind.as_str(), metrics.iter().map(|metric| metric.as_str()).collect());
                return Err(DocumentError::Goal(GoalError::Metric { metric, kind, metrics }));
            }
            let metric = goal.metric.or(metrics.first().copied());
            if goal.failures == Some(Failures::Wrong)
                && let Some(metric) = metric.filter(|metric| metric.worst().is_none())
            {
                return Err(DocumentError::Goal(GoalError::Failures(metric)));
            }
            if let Some(name) = goal.baseline.clone().filter(|name| !variants.iter().any(|each| each.name == *name)) {
                let known = variants.iter().map(|variant| variant.name.to_string()).collect();
                return Err(DocumentError::UnknownBaseline(name, known));
            }
            if let Some(name) = goal.baseline.clone().filter(is_shadow) {
                return Err(DocumentError::ShadowBaseline(name));
            }
        }
        let guardrails: Option<Vec<Guardrail>> =
            written.guardrails.map(|guardrails| guardrails.into_iter().map(|Object(guardrail)| guardrail).collect());
        let policy = written.policy.map(|Object(policy)| policy);
        let default = Goal::default();
        let compared = goal.as_ref().unwrap_or(&default);
        if let Some(policy) = &policy {
            policy.check(&variants, outcome.is_some(), compared).map_err(DocumentError::Policy)?;
        }
        let mut watched = HashSet::new();
        for (position, guardrail) in guardrails.iter().flatten().enumerate() {
            let name = guardrail.watch.as_str();
            let checked = match watched.insert(name) {
                true => guardrail.check(policy.as_ref(), &variants, outcome.is_some(), compared),
                false => Err(GuardrailError::Repeated(name)),
            };
            checked.map_err(|error| DocumentError::Guardrail { position, error })?;
        }
        Ok(Endpoint {
            revision: Revision::of(document),
            variants,
            total_weight,
            stickiness: written.stickiness.map(|Object(stickiness)| stickiness),
            fallback,
            access: written.access,
            limits: written.limits.map(|Object(limits)| limits).unwrap_or_default(),
            outcome,
            goal,
            guardrails,
            policy,
            notify: written.notify.map(|Object(notify)| notify),
            capture: written.capture.map(|Object(capture)| capture),
            config: written.config,
        })
    }

    /// The document of an endpoint that a SageMaker client makes from the endpoint configuration `config`. Sticky
    /// assignment, the fallback, the limits, the outcome, the goal, the guardrails and who is told, which a configuration does
    /// not have, are kept from the endpoint `before` it; not the policy. Of `capture` the caller says what it is to be.
    ///
    /// # Errors
    /// If the document is not valid, as when the fallback is not among the new variants.
    pub fn compose(
        config: Name,
        variants: Vec<Variant>,
        access: Access,
        capture: Option<Capture>,
        before: Option<&Endpoint>,
    ) -> Result<String, DocumentError> {
        let mut goal = before.and_then(Endpoint::written_goal).cloned();
        if let Some(goal) = &mut goal {
            // A comparison with a variant that is gone has ended.
            goal.baseline.take_if(|name| !variants.iter().any(|variant| variant.name == *name));
        }
        let written = EndpointDocument {
            variants,
            stickiness: before.and_then(Endpoint::stickiness).cloned().map(Object),
            fallback: before.and_then(Endpoint::fallback).map(|variant| variant.name.clone()),
            access,
            limits: before.and_then(Endpoint::written_limits),
            outcome: before.and_then(Endpoint::outcome).cloned().map(Object),
            goal: goal.map(Object),
            guardrails: before.and_then(Endpoint::written_guardrails),
            // It is about other variants.
            policy: None,
            notify: before.and_then(Endpoint::notify).cloned().map(Object),
            capture: capture.map(Object),
            config: Some(config),
        };
        let document = written.to_json();
        Endpoint::parse(document.as_bytes())?;
        Ok(document)
    }

    /// The document of this endpoint with other variants in place of its own, and without the policy, which is about those.
    ///
    /// # Errors
    /// If the document is not valid, as when the fallback is not among them.
    pub fn with_variants(&self, variants: Vec<Variant>) -> Result<String, DocumentError> {
        let document = EndpointDocument { variants, policy: None, ..self.written() }.to_json();
        Endpoint::parse(document.as_bytes())?;
        Ok(document)
    }

    /// The document of this endpoint, indented for people. It parses back to the same endpoint, but for the revision,
    /// which depends on the bytes.
    pub fn to_json(&self) -> String {
        self.written().to_json()
    }

    fn written(&self) -> EndpointDocument {
        EndpointDocument {
            variants: self.variants.clone(),
            stickiness: self.stickiness.clone().map(Object),
            fallback: self.fallback().map(|variant| variant.name.clone()),
            access: self.access.clone(),
            limits: self.written_limits(),
            outcome: self.outcome.clone().map(Object),
            goal: self.goal.clone().map(Object),
            guardrails: self.written_guardrails(),
            policy: self.policy.clone().map(Object),
            notify: self.notify.clone().map(Object),
            capture: self.capture.clone().map(Object),
            config: self.config.clone(),
        }
    }

    fn written_guardrails(&self) -> Option<Vec<Object<Guardrail>>> {
        Some(self.guardrails.as_ref()?.iter().cloned().map(Object).collect())
    }

    /// The limits, where they are not those of an endpoint that says nothing of them.
    fn written_limits(&self) -> Option<Object<RequestLimits>> {
        (self.limits != RequestLimits::default()).then_some(Object(self.limits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Sha256;
    use proptest::prelude::*;

    const SHA: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn refusal(document: &str) -> String {
        Endpoint::parse(document.as_bytes()).expect_err("should be refused").to_string()
    }

    fn one_variant(rest: &str) -> String {
        format!(r#"{{"variants": [{{"name": "a", {rest}}}]}}"#)
    }

    #[test]
    fn reads_the_documented_example() {
        let document = format!(
            r#"{{
              "variants": [
                {{"name": "baseline", "weight": 90, "model": {{"key": "churn-logistic.onnx", "sha256": "{SHA}"}}}},
                {{"name": "challenger", "weight": 10, "origin": {{"url": "https://models.example.com/churn/invocations", "timeout_ms": 800, "token": "CHURN_TOKEN"}}}}
              ],
              "assignment": {{"unit": {{"header": "x-user-id"}}, "salt": "churn-2026-11"}},
              "fallback": "baseline"
            }}"#
        );
        let endpoint = Endpoint::parse(document.as_bytes()).unwrap();
        assert_eq!(endpoint.variants().len(), 2);
        assert_eq!(endpoint.total_weight(), 100.0);
        assert_eq!(endpoint.fallback(), endpoint.variant("baseline"));
        assert_eq!(endpoint.revision().as_str().len(), 12);
    }

    #[test]
    fn refuses_with_the_path_and_the_fix() {
        let model = format!(r#""model": {{"key": "m", "sha256": "{SHA}"}}"#);
        let cases = [
            ("", "not JSON"),
            ("{}", "missing field `variants`"),
            ("[]", "invalid type: sequence, expected an object"),
            (r#"{"variants": [["a", 1]]}"#, "at `variants[0]`: invalid type: sequence, expected an object"),
            (&one_variant(r#""model": ["m"]"#), "at `variants[0].model`: invalid type: sequence"),
            (r#"{"variants": []}"#, "at `variants`: the list is empty"),
            (r#"{"variants": [], "extra": 1}"#, "at `extra`: unknown field `extra`, expected one of"),
            (&one_variant(r#""weight": 1"#), "at `variants[0]`: variant `a` has no backend"),
            (&one_variant(&format!(r#"{model}, "wieght": 1"#)), "at `variants[0].wieght`: unknown field"),
            (&one_variant(&format!(r#"{model}, "weight": -1"#)), "at `variants[0].weight`: weight -1 is not"),
            (&one_variant(&format!(r#"{model}, "weight": 1e999"#)), "number out of range"),
            (&one_variant(&format!(r#"{model}, "weight": "1""#)), "at `variants[0].weight`: invalid type: string"),
            (&one_variant(&format!(r#"{model}, "weight": 1, "weight": 2"#)), "duplicate field `weight`"),
            (
                &one_variant(&format!(r#"{model}, "origin": {{"url": "https://a.example"}}"#)),
                "has both `model` and `origin`",
            ),
            (&one_variant(r#""model": {"key": "m", "sha256": "xyz"}"#), "at `variants[0].model.sha256`: `xyz` is not"),
            (
                &one_variant(&format!(r#""model": {{"key": "m", "sha256": "{SHA}", "check": ""}}"#)),
                "at `variants[0].model.check`: a key in MODELS has 1 to 512 bytes",
            ),
            (&one_variant(r#""origin": {"url": "models.example.com"}"#), "at `variants[0].origin.url`"),
            (&one_variant(r#""origin": {"url": "ftp://models.example.com"}"#), "only http and https"),
            (
                &one_variant(r#""origin": {"url": "https://a.example", "token": "LOG_RECORDS"}"#),
                "at `variants[0].origin.token`: `LOG_RECORDS` is a setting of this worker and no secret",
            ),
            (
                &one_variant(r#""origin": {"url": "https://a.example", "timeout_ms": 0}"#),
                "at `variants[0].origin.timeout_ms`",
            ),
            (
                &format!(r#"{{"variants": [{{"name": "a", {model}}}, {{"name": "a", {model}}}]}}"#),
                "at `variants[1].name`: `a` is used twice",
            ),
            (
                &format!(
                    r#"{{"variants": [{{"name": "a", "weight": 1.7e308, {model}}}, {{"name": "b", "weight": 1.7e308, {model}}}]}}"#
                ),
                "sum of the weights",
            ),
            (&one_variant(&format!(r#"{model}, "weight": 1e-300"#)), "at `variants[0].weight`: weight 1e-300 is below"),
            (
                &format!(
                    r#"{{"variants": [{{"name": "a", "weight": 1e300, {model}}}, {{"name": "b", "weight": 1e-100, {model}}}]}}"#
                ),
                "at `variants[1].weight`: the share is below one in 10^12",
            ),
            (
                &format!(r#"{{"variants": [{{"name": "a", {model}}}], "fallback": "b"}}"#),
                "at `fallback`: there is no variant `b`; name one of: a",
            ),
            (
                &format!(
                    r#"{{"variants": [{{"name": "a", {model}}}], "assignment": {{"unit": {{"header": "x y"}}, "salt": "s"}}}}"#
                ),
                "at `assignment.unit.header`",
            ),
            (
                &format!(
                    r#"{{"variants": [{{"name": "a", {model}}}], "assignment": {{"unit": {{"header": "x"}}, "salt": "a\nb"}}}}"#
                ),
                "at `assignment.salt`",
            ),
            (
                &format!(
                    r#"{{"variants": [{{"name": "a", {model}}}], "assignment": {{"unit": {{"header": "x"}}, "salt": "s", "issue": true}}}}"#
                ),
                "at `assignment`: `issue` gives callers a cookie, and the unit is a header",
            ),
            (&format!(r#"{{"variants": [{{"name": "a", {model}}}]}} trailing"#), "not JSON"),
        ];
        for (document, expected) in cases {
            let message = refusal(document);
            assert!(message.contains(expected), "{document}\n  gave: {message}\n  expected: {expected}");
        }
    }

    /// A document of two variants with these members.
    fn with(members: &str) -> String {
        let origin = |name: &str| format!(r#"{{"name": "{name}", "origin": {{"url": "https://a.example"}}}}"#);
        format!(r#"{{"variants": [{}, {}], {members}}}"#, origin("a"), origin("b"))
    }

    #[test]
    fn refuses_outcomes_and_goals_with_the_path_and_the_fix() {
        let label = r#""outcome": {"kind": "label", "score": {"output": "p"}, "positive": "yes"}"#;
        let goal = |members: &str| format!(r#"{label}, "goal": {{{members}}}"#);
        let cases = [
            (r#""outcome": {}"#.to_owned(), "at `outcome`: missing field `kind`"),
            (r#""outcome": []"#.to_owned(), "at `outcome`: invalid type: sequence"),
            (r#""outcome": {"kind": "rank"}"#.to_owned(), "at `outcome.kind`: unknown variant `rank`"),
            (
                r#""outcome": {"kind": "label", "value": {}}"#.to_owned(),
                "`value` is nothing for outcomes of kind `label`",
            ),
            (
                r#""outcome": {"kind": "value", "score": {}}"#.to_owned(),
                "`score` is nothing for outcomes of kind `value`",
            ),
            (
                r#""outcome": {"kind": "reward", "label": {}}"#.to_owned(),
                "`label` is nothing for outcomes of kind `reward`",
            ),
            (r#""outcome": {"kind": "label", "score": {}}"#.to_owned(), "name it in `positive`"),
            (r#""outcome": {"kind": "label", "threshold": 2}"#.to_owned(), "`threshold` is a number from 0 to 1"),
            (r#""outcome": {"kind": "label", "positive": 0.5}"#.to_owned(), "at `outcome.positive`: a label is a text"),
            (r#""outcome": {"kind": "label", "label": {"ouput": "x"}}"#.to_owned(), "unknown field `ouput`"),
            (r#""outcome": {"kind": "value", "value": {"pointer": "x"}}"#.to_owned(), "`pointer` begins with a slash"),
            (r#""outcome": {"kind": "reward", "within_hours": 0}"#.to_owned(), "0 is not a number above 0"),
            (r#""outcome": {"kind": "reward", "keep": 1e9}"#.to_owned(), "1000000000 is not a number above 0"),
            (r#""outcome": {"kind": "reward", "absent": "no"}"#.to_owned(), "a number is at least -1e12"),
            (r#""outcome": {"kind": "label", "absent": [1]}"#.to_owned(), "a label is a text"),
            (r#""outcome": {"kind": "reward", "token": "INFERENCE_KEY"}"#.to_owned(), "is the key that inference ids"),
            (r#""goal": {"metric": "accuracy"}"#.to_owned(), "at `goal`: a goal is about outcomes"),
            (
                goal(r#""metric": "mae""#),
                "`mae` is nothing for outcomes of kind `label`: use accuracy, log_loss, brier",
            ),
            (goal(r#""metric": "auc""#), "at `goal.metric`: unknown variant `auc`"),
            (goal(r#""baseline": "c""#), "at `goal.baseline`: there is no variant `c`; name one of: a, b"),
            (goal(r#""alpha": 0.9"#), "at `goal.alpha`: `alpha` is a number from 0.000001 to 0.5"),
            (goal(r#""margin": -1"#), "at `goal.margin`: `margin` is a number of at least 0"),
            (
                goal(r#""failures": "right""#),
                "at `goal.failures`: unknown variant `right`, expected `wrong` or `as_answered`",
            ),
            (
                goal(r#""metric": "log_loss", "failures": "wrong""#),
                "at `goal`: `failures` cannot be `wrong` for the metric `log_loss`, which has no worst value",
            ),
            (
                r#""outcome": {"kind": "reward"}, "goal": {"failures": "wrong"}"#.to_owned(),
                "for the metric `reward`, which has no worst value that a failure could count as: use `as_answered`",
            ),
            (goal(r#""segment": {"values": ["x"]}"#), "`segment` has `header` or `column`, one of them"),
            (goal(r#""segment": {"header": "x", "values": []}"#), "`segment.values` has 1 to 20 texts"),
            (goal(r#""segment": {"header": "x", "values": ["a", "a"]}"#), "each once"),
            (goal(r#""segment": {"header": "x y", "values": ["a"]}"#), "is not the name of a header"),
        ];
        for (members, expected) in cases {
            let message = refusal(&with(&members));
            assert!(message.contains(expected), "{members}\n  gave: {message}\n  expected: {expected}");
        }
        // The second kind is without scores.
        let plain = r#""outcome": {"kind": "label"}, "goal": {"metric": "log_loss"}"#;
        assert!(refusal(&with(plain)).contains("use accuracy"));
    }

    #[test]
    fn a_shadow_has_no_weight_and_answers_nobody() {
        let document = |shadow: &str, rest: &str| {
            format!(
                r#"{{"variants": [{{"name": "s", {shadow}, "origin": {{"url": "https://s.example"}}}},
                    {{"name": "a", "origin": {{"url": "https://a.example"}}}}] {rest}}}"#
            )
        };
        for written in [r#""shadow": 0.25"#, r#""shadow": 0.25, "weight": 0"#] {
            let endpoint = Endpoint::parse(document(written, "").as_bytes()).unwrap();
            assert_eq!((endpoint.share_of("s"), endpoint.share_of("a")), (0.0, 1.0));
            let shadows: Vec<_> =
                endpoint.shadows().map(|(variant, share)| (variant.name.as_str(), share.get())).collect();
            assert_eq!(shadows, [("s", 0.25)]);
            assert_eq!(endpoint.answering().count(), 1);
            // The first that answers.
            assert_eq!(endpoint.baseline().map(Name::as_str), Some("a"));
            let again = Endpoint::parse(endpoint.to_json().as_bytes()).unwrap();
            assert_eq!(again.variants(), endpoint.variants());
        }
        let label = r#", "outcome": {"kind": "label"}"#;
        for (shadow, rest, expected) in [
            (r#""shadow": 0"#, String::new(), "above 0, at most 1"),
            (r#""shadow": 1.5"#, String::new(), "above 0, at most 1"),
            (r#""shadow": true"#, String::new(), "invalid type: boolean"),
            (r#""shadow": 1, "weight": 1"#, String::new(), "variant `s` is a shadow, which answers nobody, and has a weight"),
            (r#""shadow": 1"#, r#", "fallback": "s""#.to_owned(), "at `fallback`: `s` is a shadow"),
            (r#""shadow": 1"#, format!(r#"{label}, "goal": {{"baseline": "s"}}"#), "at `goal.baseline`: `s` is a shadow"),
            (r#""shadow": 1"#, r#", "policy": {"ramp": {"to": "s", "percent": [100], "step_minutes": 1, "promote_when": "no_breach"}}"#.to_owned(), "variant `s` is a shadow"),
        ] {
            let message = refusal(&document(shadow, &rest));
            assert!(message.contains(expected), "{shadow} {rest}\n  gave: {message}\n  expected: {expected}");
        }
        assert!(
            refusal(&one_variant(r#""shadow": 1, "origin": {"url": "https://s.example"}"#))
                .contains("all of them are shadows")
        );
    }

    #[test]
    fn outcomes_and_goals_print_and_parse_back() {
        for members in [
            r#""outcome": {"kind": "reward"}"#,
            r#""outcome": {"kind": "reward", "absent": 0, "within_hours": 0.5, "keep": 30, "token": "TRUTH"}"#,
            r#""outcome": {"kind": "value", "value": {"output": "y", "class": 1}}, "goal": {"metric": "mse", "margin": 0.5}"#,
            r#""outcome": {"kind": "label"}, "goal": {"failures": "as_answered"}"#,
            r#""outcome": {"kind": "label", "score": {}, "positive": 1}, "goal": {"metric": "brier", "failures": "wrong"}"#,
            r#""outcome": {"kind": "value", "value": {"pointer": "/a/0"}}, "goal": {"alpha": 0.01, "baseline": "b"}"#,
            r#""outcome": {"kind": "label"}, "goal": {"segment": {"column": "country", "values": ["de", "fr"]}}"#,
            r#""outcome": {"kind": "label", "score": {"output": "p"}, "positive": 1, "threshold": 0.2, "absent": false}"#,
            r#""outcome": {"kind": "label", "label": {}, "positive": "yes"}, "goal": {"segment": {"header": "x", "values": ["de"]}}"#,
        ] {
            let endpoint = Endpoint::parse(with(members).as_bytes()).unwrap();
            let again = Endpoint::parse(endpoint.to_json().as_bytes()).unwrap();
            assert_eq!(
                (again.outcome(), again.written_goal()),
                (endpoint.outcome(), endpoint.written_goal()),
                "{members}"
            );
        }
    }

    #[test]
    fn a_failure_counts_as_wrong_where_the_metric_has_a_worst_value_unless_the_goal_says_otherwise() {
        let failures = |members: &str| Endpoint::parse(with(members).as_bytes()).unwrap().failures();
        let scored = |goal: &str| {
            format!(r#""outcome": {{"kind": "label", "score": {{"output": "p"}}, "positive": 1}}, "goal": {{{goal}}}"#)
        };
        let (wrong, as_answered) = (Some(Failures::Wrong), Some(Failures::AsAnswered));
        assert_eq!(failures(r#""limits": {}"#), None);
        assert_eq!(failures(r#""outcome": {"kind": "label"}"#), wrong);
        assert_eq!(failures(r#""outcome": {"kind": "value"}"#), as_answered);
        assert_eq!(failures(r#""outcome": {"kind": "reward"}"#), as_answered);
        assert_eq!(failures(&scored(r#""metric": "brier""#)), wrong);
        assert_eq!(failures(&scored(r#""metric": "log_loss""#)), as_answered);
        assert_eq!(failures(&scored(r#""failures": "as_answered""#)), as_answered);
        assert_eq!(failures(&scored(r#""metric": "log_loss", "failures": "as_answered""#)), as_answered);
    }

    #[test]
    fn never_repeats_a_password() {
        let message = refusal(&one_variant(r#""origin": {"url": "https://user:hunter2@models.example.com"}"#));
        assert!(message.contains("credentials") && !message.contains("hunter2"), "{message}");
        let message = refusal(&one_variant(r#""origin": {"url": "https://a.example", "token": "s3cr3t value"}"#));
        assert!(!message.contains("value"), "{message}");
    }

    fn name() -> impl Strategy<Value = String> {
        "[a-zA-Z0-9]([a-zA-Z0-9-]{0,20}[a-zA-Z0-9])?"
    }

    fn backend() -> impl Strategy<Value = String> {
        prop_oneof![
            ("[a-zA-Z0-9/._ é]{1,40}", any::<[u8; 8]>(), any::<bool>()).prop_map(|(key, bytes, is_checked)| {
                let (key, sha256) = (serde_json::Value::from(key), Sha256::of(&bytes));
                let check = if is_checked { format!(r#", "check": {key}"#) } else { String::new() };
                format!(r#""model": {{"key": {key}, "sha256": "{sha256}"{check}}}"#)
            }),
            ("[a-z]{1,10}", proptest::option::of(1u32..), proptest::option::of("[A-Z_]{1,10}")).prop_map(
                |(host, timeout, token)| {
                    let timeout = timeout.map_or_else(String::new, |t| format!(r#", "timeout_ms": {t}"#));
                    let token = token.map_or_else(String::new, |t| format!(r#", "token": "{t}""#));
                    format!(r#""origin": {{"url": "https://{host}.example/x?y=1"{timeout}{token}}}"#)
                }
            ),
        ]
    }

    fn document() -> impl Strategy<Value = String> {
        let variants = proptest::collection::btree_map(name(), (0.0..1e300f64, backend()), 1..8);
        let unit = prop_oneof![Just("header"), Just("cookie")];
        let stickiness = proptest::option::of((unit, "[a-z-]{1,12}", "[^\\p{Cc}]{1,30}"));
        (variants, stickiness, any::<proptest::sample::Index>(), any::<bool>()).prop_map(
            |(variants, stickiness, pick, has_fallback)| {
                let names: Vec<String> = variants.keys().cloned().collect();
                let list: Vec<String> = variants
                    .into_iter()
                    .map(|(name, (weight, backend))| format!(r#"{{"name": "{name}", "weight": {weight}, {backend}}}"#))
                    .collect();
                let stickiness = stickiness.map_or_else(String::new, |(kind, token, salt)| {
                    let salt = serde_json::Value::from(salt);
                    format!(r#", "assignment": {{"unit": {{"{kind}": "{token}"}}, "salt": {salt}}}"#)
                });
                let fallback =
                    if has_fallback { format!(r#", "fallback": "{}""#, pick.get(&names)) } else { String::new() };
                format!(r#"{{"variants": [{}]{stickiness}{fallback}}}"#, list.join(", "))
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_accepted_prints_and_parses_back(document in document()) {
            let endpoint = Endpoint::parse(document.as_bytes()).unwrap();
            let printed = endpoint.to_json();
            let again = Endpoint::parse(printed.as_bytes()).unwrap();
            prop_assert_eq!(again.variants(), endpoint.variants());
            prop_assert_eq!(again.stickiness(), endpoint.stickiness());
            prop_assert_eq!(again.fallback(), endpoint.fallback());
            prop_assert_eq!(again.to_json(), printed);
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Endpoint::parse(&bytes);
        }

        #[test]
        fn nothing_panics_on_broken_documents(document in document(), at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = document.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(endpoint) = Endpoint::parse(&bytes) {
                prop_assert!(endpoint.total_weight().is_finite());
                prop_assert!(Endpoint::parse(endpoint.to_json().as_bytes()).is_ok());
            }
            bytes.truncate(at);
            prop_assert!(Endpoint::parse(&bytes).is_err());
        }
    }
}

//! Deployments: ramps from one endpoint configuration to another, as SageMaker's clients ask for them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoint::{Name, Variant};
use crate::experiment::alarm::Alarm;
use crate::experiment::fleets::Fleets;

/// What a deployment is besides a ramp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// The configuration that gets the traffic.
    pub config: Name,
    /// Its variants.
    pub variants: Vec<DeployedVariant>,
    /// How long it has all of the traffic, beyond the time of a step, before the other configuration is gone; in milliseconds.
    pub bake_ms: f64,
    /// How long all of it may last before it is rolled back, in milliseconds.
    pub most_ms: Option<f64>,
    /// What rolls it back.
    pub alarms: Vec<Alarm>,
    /// What was asked for, in the words of the protocol that it was asked in.
    pub terms: Value,
}

/// A variant of the configuration that gets the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeployedVariant {
    /// Its name.
    pub name: Name,
    /// The name that it has as long as the other configuration is there.
    pub meanwhile: Name,
    /// Whether the other configuration has it as well, with the same backend.
    pub is_shared: bool,
    /// The share of the traffic that it ends with, 0 to 1.
    pub share: f64,
}

impl Deployment {
    /// Whose requests are whose under these revisions.
    pub(in crate::experiment) fn fleets(&self, revisions: Vec<String>) -> Fleets {
        let names = self.variants.iter().map(|variant| (variant.name.to_string(), variant.meanwhile.to_string()));
        Fleets { config: self.config.to_string(), names: names.collect(), revisions }
    }
}

/// The variants of two configurations beside each other, and which of them are those of `after`. One that is the same in both
/// is there once, unless it is a shadow of other requests in one of them; another whose name is taken gets one that is free.
pub(super) fn merged(before: &[Variant], after: &[Variant]) -> (Vec<Variant>, Vec<DeployedVariant>) {
    let total: f64 = after.iter().map(|variant| variant.weight.get()).sum();
    let (mut variants, mut deployed) = (before.to_vec(), Vec::new());
    for variant in after {
        let namesake = before.iter().find(|known| known.name == variant.name);
        let is_shared =
            namesake.is_some_and(|known| known.backend == variant.backend && known.shadow == variant.shadow);
        let meanwhile = match namesake {
            Some(_) if !is_shared => {
                free_name(&variant.name, |name| variants.iter().chain(after).any(|known| known.name == *name))
            }
            _ => variant.name.clone(),
        };
        if !is_shared {
            variants.push(Variant { name: meanwhile.clone(), ..variant.clone() });
        }
        let share = variant.weight.get() / total;
        deployed.push(DeployedVariant { name: variant.name.clone(), meanwhile, is_shared, share });
    }
    (variants, deployed)
}

/// NAME-2, or the next that nobody has.
fn free_name(name: &Name, is_taken: impl Fn(&Name) -> bool) -> Name {
    let names = (2u32..).filter_map(|number| {
        let end = format!("-{number}");
        let room = Name::MAX_LEN.saturating_sub(end.len());
        let begin: String = name.as_str().chars().take(room).collect();
        Name::try_from(format!("{begin}{end}")).ok()
    });
    names.into_iter().find(|name| !is_taken(name)).unwrap_or_else(|| name.clone())
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;

    fn variants(of: &[(&str, &str)]) -> Vec<Variant> {
        let written = of.iter().map(|(name, host)| {
            format!(r#"{{"name": "{name}", "weight": 1, "origin": {{"url": "https://{host}.example"}}}}"#)
        });
        let document = format!(r#"{{"variants": [{}]}}"#, written.collect::<Vec<_>>().join(", "));
        Endpoint::parse(document.as_bytes()).unwrap().variants().to_vec()
    }

    fn names(variants: &[Variant]) -> Vec<&str> {
        variants.iter().map(|variant| variant.name.as_str()).collect()
    }

    #[test]
    fn what_is_the_same_is_there_once_and_other_namesakes_get_a_free_name() {
        let before = variants(&[("a", "x"), ("b", "y"), ("b-2", "z")]);
        let after = variants(&[("a", "x"), ("b", "new"), ("c", "y"), ("b-3", "w")]);
        let (merged, deployed) = merged(&before, &after);
        assert_eq!(names(&merged), ["a", "b", "b-2", "b-4", "c", "b-3"]);
        let meanwhile: Vec<_> = deployed.iter().map(|each| (each.meanwhile.as_str(), each.is_shared)).collect();
        assert_eq!(meanwhile, [("a", true), ("b-4", false), ("c", false), ("b-3", false)]);
        assert_eq!(deployed[0].share, 0.25);
    }

    #[test]
    fn the_longest_name_has_room_for_a_number() {
        let long = "x".repeat(Name::MAX_LEN);
        let (merged, _) = merged(&variants(&[(&long, "a")]), &variants(&[(&long, "b")]));
        assert_eq!(names(&merged)[1], format!("{}-2", "x".repeat(Name::MAX_LEN - 2)));
    }
}

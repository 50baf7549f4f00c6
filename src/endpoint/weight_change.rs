//! Changing weights through the API. The document is edited in place, so that everything else a person wrote in it
//! stays as it was.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer};

use super::definition::Endpoint;
use super::document::{DocumentError, parse_json};
use super::name::Name;
use super::object::distinct_members;
use super::weight::Weight;

/// New weights for some of an endpoint's variants: `{"baseline": 50, "challenger": 50}`. Variants that are not
/// named keep theirs.
#[derive(Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct WeightChange(HashMap<Name, Weight>);

/// Why a change of weights is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// The body is not an object of weights.
    #[error("the weights cannot be read: {0}")]
    Malformed(DocumentError),
    /// A variant is named twice.
    #[error("`{0}` is named twice")]
    Repeated(Name),
    /// No variant is named.
    #[error("no weights are given")]
    Empty,
    /// A name that no variant has.
    #[error("there is no variant `{unknown}`; the variants are: {known}", known = .known.join(", "))]
    UnknownVariant {
        /// The name.
        unknown: Name,
        /// The names there are.
        known: Vec<String>,
    },
    /// The document in the store is not a valid configuration, whatever the weights.
    #[error("the document in the store is invalid: {0}")]
    Document(DocumentError),
    /// The document is valid, but would not be with these weights.
    #[error("the weights cannot be taken: {0}")]
    Refused(DocumentError),
}

impl WeightChange {
    /// Weights by name.
    ///
    /// # Errors
    /// If a variant is named twice, or none is.
    pub fn new(weights: impl IntoIterator<Item = (Name, Weight)>) -> Result<Self, WeightsError> {
        let mut change = HashMap::new();
        for (name, weight) in weights {
            if change.insert(name.clone(), weight).is_some() {
                return Err(WeightsError::Repeated(name));
            }
        }
        if change.is_empty() { Err(WeightsError::Empty) } else { Ok(WeightChange(change)) }
    }

    /// As [`WeightChange::parse`] reads it.
    pub fn to_json(&self) -> String {
        // Serialising names and finite numbers into memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// If it is not an object of variant names and weights, names a variant twice, or is empty.
    pub fn parse(body: &[u8]) -> Result<Self, WeightsError> {
        let change: WeightChange = parse_json(body).map_err(WeightsError::Malformed)?;
        if change.0.is_empty() { Err(WeightsError::Empty) } else { Ok(change) }
    }

    /// The document with these weights; its other members, and the order of all, stay as they are.
    ///
    /// ```
    /// use turnout::endpoint::{Endpoint, WeightChange};
    ///
    /// let document = br#"{"variants": [{"name": "a", "weight": 1, "origin": {"url": "https://a.example"}}]}"#;
    /// let changed = WeightChange::parse(br#"{"a": 50}"#)?.apply(document)?;
    /// assert_eq!(Endpoint::parse(changed.as_bytes())?.total_weight(), 50.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the document is not valid, before or after the change, or does not have a named variant.
    pub fn apply(&self, document: &[u8]) -> Result<String, WeightsError> {
        let endpoint = Endpoint::parse(document).map_err(WeightsError::Document)?;
        if let Some(unknown) = self.0.keys().find(|name| endpoint.variant(name.as_str()).is_none()) {
            return Err(WeightsError::UnknownVariant { unknown: unknown.clone(), known: endpoint.known_names() });
        }
        let mut edited: serde_json::Value = parse_json(document).map_err(WeightsError::Document)?;
        let written = edited.get_mut("variants").and_then(serde_json::Value::as_array_mut).into_iter().flatten();
        for (variant, written) in endpoint.variants().iter().zip(written) {
            if let (Some(weight), Some(members)) = (self.0.get(&variant.name), written.as_object_mut()) {
                members.insert("weight".to_owned(), json_number(*weight));
            }
        }
        let edited = format!("{edited:#}\n");
        Endpoint::parse(edited.as_bytes()).map_err(WeightsError::Refused)?;
        Ok(edited)
    }
}

/// 50 rather than 50.0 where the weight is whole, as a person would write it.
fn json_number(weight: Weight) -> serde_json::Value {
    let number = weight.get();
    // Exact: whole numbers below 2^53 are the same as f64 and as u64.
    if number.fract() == 0.0 && number < 9_007_199_254_740_992.0 { (number as u64).into() } else { number.into() }
}

impl<'de> Deserialize<'de> for WeightChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "an object of variant names and weights, as in {\"baseline\": 50, \"challenger\": 50}";
        let repeated = |name: &Name| format!("`{name}` is named twice");
        let weights = distinct_members(deserializer, expecting, repeated)?;
        Ok(WeightChange(weights.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{
  "fallback": "b",
  "variants": [
    {"weight": 90, "name": "a", "origin": {"url": "https://a.example/"}},
    {"name": "b", "origin": {"timeout_ms": 5, "url": "https://b.example"}}
  ]
}"#;

    fn apply(body: &str) -> Result<String, WeightsError> {
        WeightChange::parse(body.as_bytes())?.apply(DOCUMENT.as_bytes())
    }

    #[test]
    fn changes_the_named_weights_and_nothing_else() {
        let edited = apply(r#"{"b": 12.5}"#).unwrap();
        let expected = r#"{"fallback":"b","variants":[{"weight":90,"name":"a","origin":{"url":"https://a.example/"}},{"name":"b","origin":{"timeout_ms":5,"url":"https://b.example"},"weight":12.5}]}"#;
        assert_eq!(serde_json::from_str::<serde_json::Value>(&edited).unwrap().to_string(), expected);
        let edited = apply(r#"{"a": 50.0, "b": 0}"#).unwrap();
        assert!(edited.contains("\"weight\": 50,") && edited.contains("\"weight\": 0"), "{edited}");
    }

    #[test]
    fn refuses_what_it_cannot_take() {
        for (body, expected) in [
            ("", "cannot be read"),
            ("[]", "an object of variant names and weights"),
            ("{}", "no weights are given"),
            (r#"{"a": 1, "a": 2}"#, "`a` is named twice"),
            (r#"{"a": -1}"#, "at `a`: weight -1"),
            (r#"{"a": "1"}"#, "at `a`: invalid type"),
            (r#"{"c": 1}"#, "there is no variant `c`; the variants are: a, b"),
            (r#"{"a": 1e-300}"#, "at `a`: weight 1e-300 is below 1e-100"),
            (r#"{"a": 1.7e308, "b": 1.7e308}"#, "the weights cannot be taken: at `variants`: the sum of the weights"),
            (r#"{"a": 1e20}"#, "the weights cannot be taken: at `variants[1].weight`: the share is below"),
        ] {
            let message = apply(body).expect_err(body).to_string();
            assert!(message.contains(expected), "{body} gave: {message}");
        }
        let broken = WeightChange::parse(br#"{"a": 1}"#).unwrap().apply(b"{").unwrap_err();
        assert!(matches!(broken, WeightsError::Document(_)), "{broken}");
    }
}

//! The document that stands in KV, and how it becomes an [`Endpoint`].
//!
//! A person writes it by hand: whatever is unknown, twice or out of range is refused with its JSON path and
//! the mend, never guessed at.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::object::Object;
use super::{Access, Endpoint, Name, Revision, Stickiness, Variant};

/// Why a document is not an endpoint's configuration.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DocumentError {
    /// The bytes are not JSON.
    #[error("the document is not JSON: {0}")]
    Syntax(String),
    /// A value is missing, unknown, repeated, of the wrong type or out of range.
    #[error("at `{path}`: {problem}")]
    Value {
        /// Where, as in `variants[1].weight`.
        path: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// There is nothing to choose from.
    #[error("at `variants`: the list is empty; add at least one variant")]
    NoVariants,
    /// There are more variants than [`Endpoint::MAX_VARIANTS`].
    #[error("at `variants`: {0} variants; keep at most {max}", max = Endpoint::MAX_VARIANTS)]
    TooManyVariants(usize),
    /// Two variants have one name.
    #[error("at `variants[{position}].name`: `{name}` is used twice; give each variant a name of its own")]
    RepeatedName {
        /// The second variant of that name.
        position: usize,
        /// The name.
        name: Name,
    },
    /// Each weight is finite, but their sum is not.
    #[error("at `variants`: the sum of the weights is not finite; make them smaller, only their ratios count")]
    InfiniteTotal,
    /// The fallback is not one of the variants.
    #[error("at `fallback`: there is no variant `{0}`; name one of: {known}", known = .1.join(", "))]
    UnknownFallback(Name, Vec<String>),
}

/// An endpoint as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "endpoint")]
struct EndpointDocument {
    variants: Vec<Variant>,
    #[serde(default, rename = "assignment", skip_serializing_if = "Option::is_none")]
    stickiness: Option<Object<Stickiness>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fallback: Option<Name>,
    #[serde(default, skip_serializing_if = "Access::is_open")]
    access: Access,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<Name>,
}

impl Endpoint {
    /// Parses and checks a document.
    ///
    /// # Errors
    /// The first thing that is wrong, with its path and its mend.
    pub fn parse(document: &[u8]) -> Result<Endpoint, DocumentError> {
        let Object(written): Object<EndpointDocument> = parse_json(document)?;
        let variants = written.variants;
        match variants.len() {
            0 => return Err(DocumentError::NoVariants),
            1..=Endpoint::MAX_VARIANTS => {}
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
        let fallback = match written.fallback {
            None => None,
            Some(name) => match variants.iter().position(|variant| variant.name == name) {
                Some(position) => Some(position),
                None => {
                    let known = variants.iter().map(|variant| variant.name.to_string()).collect();
                    return Err(DocumentError::UnknownFallback(name, known));
                }
            },
        };
        Ok(Endpoint {
            revision: Revision::of(document),
            variants,
            total_weight,
            stickiness: written.stickiness.map(|Object(stickiness)| stickiness),
            fallback,
            access: written.access,
            config: written.config,
        })
    }

    /// The document of an endpoint that the control plane makes of the configuration `config`. What a configuration
    /// does not say is taken from the endpoint in whose place it is put.
    ///
    /// # Errors
    /// If the whole is not a valid configuration: the fallback may be gone, say.
    pub fn compose(
        config: Name,
        variants: Vec<Variant>,
        access: Access,
        before: Option<&Endpoint>,
    ) -> Result<String, DocumentError> {
        let written = EndpointDocument {
            variants,
            stickiness: before.and_then(Endpoint::stickiness).cloned().map(Object),
            fallback: before.and_then(Endpoint::fallback).map(|variant| variant.name.clone()),
            access,
            config: Some(config),
        };
        let document = written.to_json();
        Endpoint::parse(document.as_bytes())?;
        Ok(document)
    }

    /// The document that says this, indented for people. It parses back to the same endpoint, but for the
    /// revision, which follows the bytes.
    pub fn to_json(&self) -> String {
        let written = EndpointDocument {
            variants: self.variants.clone(),
            stickiness: self.stickiness.clone().map(Object),
            fallback: self.fallback().map(|variant| variant.name.clone()),
            access: self.access.clone(),
            config: self.config.clone(),
        };
        written.to_json()
    }
}

impl EndpointDocument {
    fn to_json(&self) -> String {
        // Serialising strings, finite numbers and lists into memory has no way to fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Parses JSON into `T`, refusing what stands behind it, and naming the path of what is wrong.
pub(super) fn parse_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            DocumentError::Value { path, problem: inner.to_string() }
        } else {
            DocumentError::Syntax(inner.to_string())
        }
    })?;
    deserializer.end().map_err(|error| DocumentError::Syntax(error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn refuses_with_the_path_and_the_mend() {
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
            (&one_variant(r#""origin": {"url": "models.example.com"}"#), "at `variants[0].origin.url`"),
            (&one_variant(r#""origin": {"url": "ftp://models.example.com"}"#), "only http and https"),
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
            (&format!(r#"{{"variants": [{{"name": "a", {model}}}]}} trailing"#), "not JSON"),
        ];
        for (document, expected) in cases {
            let message = refusal(document);
            assert!(message.contains(expected), "{document}\n  gave: {message}\n  expected: {expected}");
        }
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
            ("[a-zA-Z0-9/._ é]{1,40}", proptest::array::uniform32(any::<u8>())).prop_map(|(key, sha)| format!(
                r#""model": {{"key": {}, "sha256": "{}"}}"#,
                serde_json::Value::from(key),
                super::super::Sha256(sha)
            )),
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

//! Beginning and ending a shadow through the API. As with weights, the document is edited in place, so that everything else a
//! person wrote in it stays as it was.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::definition::Endpoint;
use super::document::{DocumentError, parse_json};
use super::name::Name;
use super::variant::Variant;

/// A change of an endpoint's shadows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShadowChange {
    /// This variant is a shadow from then on. It is added; one that answers nobody and has the same backend becomes it.
    Begin(Variant),
    /// A shadow is one no more.
    End {
        /// The shadow.
        shadow: Name,
        /// What becomes of it.
        fate: ShadowFate,
        /// The variant that answers.
        source: Name,
        /// Whether that one stays.
        keeps_source: bool,
    },
}

/// What becomes of a shadow at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShadowFate {
    /// It is gone.
    Removed,
    /// It is a variant of the weight 0, which only targeted requests reach.
    Retained,
    /// It gets the weight of the variant that answered.
    Promoted,
}

/// Why a change of the shadows is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ShadowChangeError {
    /// The document that is there is not a valid configuration.
    #[error("the document in the store is invalid: {0}")]
    Document(DocumentError),
    /// The name is taken by another variant.
    #[error("there is a variant `{0}` that answers, or has another backend: give the shadow another name")]
    Taken(Name),
    /// There is no shadow of that name.
    #[error("the endpoint has no shadow `{0}`")]
    NoShadow(Name),
    /// There is no variant of that name which answers.
    #[error("the endpoint has no variant `{0}` that answers")]
    NoSource(Name),
    /// All traffic would be without a variant.
    #[error("nobody would answer: the other variants have no weight")]
    NoTraffic,
    /// The document would not be valid.
    #[error("the endpoint cannot be changed so: {0}")]
    Refused(DocumentError),
}

impl ShadowChange {
    /// The document after the change; its other members, and the order of all, stay as they are. The fallback and the
    /// baseline, where a promoted shadow takes the place of that variant, are the shadow from then on.
    ///
    /// # Errors
    /// If the document is not valid, before or after the change, or does not have what is changed.
    pub fn apply(&self, document: &[u8]) -> Result<String, ShadowChangeError> {
        let before = Endpoint::parse(document).map_err(ShadowChangeError::Document)?;
        let mut edited: Value = parse_json(document).map_err(ShadowChangeError::Document)?;
        match self {
            ShadowChange::Begin(variant) => begin(variant, &before, &mut edited)?,
            ShadowChange::End { shadow, fate, source, keeps_source } => {
                if !before.variant(shadow.as_str()).is_some_and(Variant::is_shadow) {
                    return Err(ShadowChangeError::NoShadow(shadow.clone()));
                }
                end((shadow, *fate), (source, *keeps_source), &before, &mut edited)?;
            }
        }
        let edited = format!("{edited:#}\n");
        let after = Endpoint::parse(edited.as_bytes()).map_err(ShadowChangeError::Refused)?;
        if before.total_weight() > 0.0 && after.total_weight() <= 0.0 {
            return Err(ShadowChangeError::NoTraffic);
        }
        Ok(edited)
    }
}

fn begin(variant: &Variant, before: &Endpoint, edited: &mut Value) -> Result<(), ShadowChangeError> {
    match before.variant(variant.name.as_str()) {
        None => {
            let variants = edited.get_mut("variants").and_then(Value::as_array_mut);
            // Serialising a variant into memory cannot fail.
            variants.into_iter().for_each(|variants| variants.push(serde_json::to_value(variant).unwrap_or_default()));
            Ok(())
        }
        Some(known) if known.weight.get() <= 0.0 && known.backend == variant.backend => {
            change(edited, &variant.name, |members| {
                members.insert("weight".to_owned(), json!(0));
                members.insert("shadow".to_owned(), json!(variant.shadow));
            });
            Ok(())
        }
        Some(_) => Err(ShadowChangeError::Taken(variant.name.clone())),
    }
}

fn end(
    (shadow, fate): (&Name, ShadowFate),
    (source, keeps_source): (&Name, bool),
    before: &Endpoint,
    edited: &mut Value,
) -> Result<(), ShadowChangeError> {
    let answering = before.answering().find(|variant| variant.name == *source);
    let mut weight = json!(0);
    if fate == ShadowFate::Promoted {
        answering.ok_or_else(|| ShadowChangeError::NoSource(source.clone()))?;
        change(edited, source, |members| {
            // As it is written: 1 where it is not.
            weight = members.insert("weight".to_owned(), json!(0)).unwrap_or(json!(1));
        });
    }
    match fate {
        ShadowFate::Removed => remove(edited, shadow),
        ShadowFate::Retained | ShadowFate::Promoted => change(edited, shadow, |members| {
            members.remove("shadow");
            members.insert("weight".to_owned(), weight);
        }),
    }
    if !keeps_source && answering.is_some() {
        remove(edited, source);
        if fate == ShadowFate::Promoted {
            let baseline = edited.get_mut("goal").and_then(|goal| goal.get_mut("baseline"));
            baseline.into_iter().for_each(|place| replace(place, source, shadow));
            edited.get_mut("fallback").into_iter().for_each(|place| replace(place, source, shadow));
        }
    }
    Ok(())
}

fn replace(place: &mut Value, source: &Name, shadow: &Name) {
    if place.as_str() == Some(source.as_str()) {
        *place = shadow.as_str().into();
    }
}

fn is(variant: &Value, name: &Name) -> bool {
    variant.get("name").and_then(Value::as_str) == Some(name.as_str())
}

fn remove(edited: &mut Value, name: &Name) {
    let variants = edited.get_mut("variants").and_then(Value::as_array_mut);
    variants.into_iter().for_each(|variants| variants.retain(|variant| !is(variant, name)));
}

fn change(edited: &mut Value, name: &Name, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    let mut variants = edited.get_mut("variants").and_then(Value::as_array_mut).into_iter().flatten();
    if let Some(members) = variants.find(|variant| is(variant, name)).and_then(Value::as_object_mut) {
        change(members);
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn document(more: &str, shadow: &str) -> String {
        format!(
            r#"{{"variants": [{{"weight": 3, "name": "a", "origin": {{"url": "https://a.example"}}}},
                {{"name": "b", "origin": {{"url": "https://b.example"}}{shadow}}}]{more}}}"#
        )
    }

    fn variant(name: &str, host: &str, share: f64) -> Variant {
        let text = format!(r#"{{"name": "{name}", "shadow": {share}, "origin": {{"url": "https://{host}.example"}}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    /// The variants' names, weights and shares after a change, with what else stands there; or why it is refused.
    fn after(document: &str, change: &ShadowChange) -> Result<(String, Value), String> {
        let edited = change.apply(document.as_bytes()).map_err(|error| error.to_string())?;
        let endpoint = Endpoint::parse(edited.as_bytes()).unwrap();
        let told = endpoint.variants().iter().map(|each| {
            let share = each.shadow.map(|share| format!("/{}", share.get())).unwrap_or_default();
            format!("{} {}{share}", each.name, each.weight.get())
        });
        Ok((told.collect::<Vec<_>>().join(", "), serde_json::from_str(&edited).unwrap()))
    }

    fn end(fate: ShadowFate, keeps_source: bool) -> ShadowChange {
        let name = |name: &str| Name::try_from(name).unwrap();
        ShadowChange::End { shadow: name("b"), fate, source: name("a"), keeps_source }
    }

    #[test]
    fn a_shadow_is_added_and_one_that_answers_nobody_becomes_it() {
        let told = |document: &str, variant: Variant| after(document, &ShadowChange::Begin(variant)).map(|told| told.0);
        let whole = document(r#", "fallback": "a""#, "");
        assert_eq!(told(&whole, variant("c", "b", 0.5)).as_deref(), Ok("a 3, b 1, c 0/0.5"));
        for shadow in [r#", "weight": 0"#, r#", "shadow": 0.1"#] {
            let whole = document("", shadow);
            assert_eq!(told(&whole, variant("b", "b", 0.25)).as_deref(), Ok("a 3, b 0/0.25"));
            assert!(told(&whole, variant("b", "c", 0.25)).unwrap_err().contains("another name"));
        }
        assert!(told(&whole, variant("b", "b", 1.0)).unwrap_err().contains("another name"));
        assert!(told("{", variant("b", "b", 1.0)).unwrap_err().contains("invalid"));
    }

    #[test]
    fn a_shadow_ends_as_it_is_said() {
        let whole = document(
            r#", "fallback": "a", "outcome": {"kind": "label"}, "goal": {"baseline": "a"}"#,
            r#", "shadow": 1"#,
        );
        for (fate, keeps_source, expected, fallback) in [
            (ShadowFate::Removed, true, "a 3", "a"),
            (ShadowFate::Retained, true, "a 3, b 0", "a"),
            (ShadowFate::Promoted, true, "a 0, b 3", "a"),
            (ShadowFate::Promoted, false, "b 3", "b"),
        ] {
            let (told, edited) = after(&whole, &end(fate, keeps_source)).unwrap();
            assert_eq!(
                (told.as_str(), &edited["fallback"], &edited["goal"]["baseline"]),
                (expected, &json!(fallback), &json!(fallback))
            );
        }
        for fate in [ShadowFate::Removed, ShadowFate::Retained] {
            assert!(after(&whole, &end(fate, false)).is_err(), "{fate:?}");
        }
        let refused = after(&document("", r#", "shadow": 1"#), &end(ShadowFate::Retained, false)).unwrap_err();
        assert!(refused.contains("nobody would answer"), "{refused}");
        assert!(after(&document("", ""), &end(ShadowFate::Removed, true)).unwrap_err().contains("no shadow `b`"));
    }

    #[test]
    fn a_change_crosses_as_json() {
        for change in [ShadowChange::Begin(variant("b", "b", 0.5)), end(ShadowFate::Promoted, true)] {
            let text = serde_json::to_string(&change).unwrap();
            assert_eq!(serde_json::from_str::<ShadowChange>(&text).unwrap(), change);
        }
    }
}

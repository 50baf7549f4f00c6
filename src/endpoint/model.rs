//! References to models.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::digest::Sha256;

/// Which model, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelReference {
    /// Key in the store of models.
    pub key: ModelKey,
    /// Digest of the bytes. With it, a loaded model can be kept for the life of the isolate, and a wrong upload is
    /// noticed.
    pub sha256: Sha256,
    /// The output to answer with; all of them unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// In which form answers are written.
    #[serde(default, skip_serializing_if = "AnswerForm::is_plain")]
    pub answers: AnswerForm,
    /// Shapes of rows by input, for a file that leaves more open than the number of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<ModelShape>,
    /// Key of its check rows in the same store: without having reproduced them, it answers nobody. They say themselves of
    /// which bytes they are, so they need no digest here: others than meant can refuse the model, and change no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<ModelKey>,
}

/// In which form a model's answers are written as JSON, JSON lines or CSV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerForm {
    /// The bare value of a model with one output, else an object by output name.
    #[default]
    #[serde(rename = "plain")]
    Plain,
    /// As SageMaker's XGBoost container writes them: `{"score": ...}` in JSON, and CSV where a caller asks for no format.
    #[serde(rename = "sagemaker-xgboost")]
    SageMakerXGBoost,
}

impl AnswerForm {
    /// Both.
    pub const ALL: [AnswerForm; 2] = [AnswerForm::Plain, AnswerForm::SageMakerXGBoost];

    /// As it is written in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            AnswerForm::Plain => "plain",
            AnswerForm::SageMakerXGBoost => "sagemaker-xgboost",
        }
    }

    /// Whether it is the one that holds unless another is named.
    pub fn is_plain(&self) -> bool {
        *self == AnswerForm::Plain
    }
}

/// Shapes of rows by input, without the number of rows: each of 1 to 8 sizes from 1 to 65,536, and of 4,194,304 values at
/// most.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ModelShape(BTreeMap<String, Vec<usize>>);

/// Why a text is not a [`ModelShape`].
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ModelShapeError {
    /// There is no input, or there are far too many.
    #[error("it names {0} inputs; name 1 to 64, or leave `shape` out")]
    Inputs(usize),
    /// An input's name is none.
    #[error("an input's name has 1 to 512 bytes, this one has {0}")]
    Name(usize),
    /// An input is named twice.
    #[error("`{0}` is named twice; name each input once")]
    Repeated(String),
    /// There is no size, or there are too many.
    #[error("`{0}` has {1} sizes; say 1 to 8, without the number of rows")]
    Rank(String, usize),
    /// A size is out of range.
    #[error("`{0}` has a size of {1}; sizes are from 1 to 65536")]
    Size(String, usize),
    /// The sizes make too many values.
    #[error("`{0}` has more than 4194304 values a row; use smaller sizes")]
    Values(String),
}

impl ModelShape {
    /// Shapes by input.
    ///
    /// # Errors
    /// If there are none, a name is none or stands twice, or a size is out of range.
    pub fn new(shapes: Vec<(String, Vec<usize>)>) -> Result<ModelShape, ModelShapeError> {
        if shapes.is_empty() || shapes.len() > 64 {
            return Err(ModelShapeError::Inputs(shapes.len()));
        }
        let mut found = BTreeMap::new();
        for (name, sizes) in shapes {
            if !(1..=512).contains(&name.len()) {
                return Err(ModelShapeError::Name(name.len()));
            }
            if !(1..=8).contains(&sizes.len()) {
                return Err(ModelShapeError::Rank(name, sizes.len()));
            }
            if let Some(size) = sizes.iter().find(|size| !(1..=65_536).contains(*size)) {
                return Err(ModelShapeError::Size(name, *size));
            }
            let values = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
            if values.is_none_or(|values| values > 1 << 22) {
                return Err(ModelShapeError::Values(name));
            }
            if found.insert(name.clone(), sizes).is_some() {
                return Err(ModelShapeError::Repeated(name));
            }
        }
        Ok(ModelShape(found))
    }

    /// The shapes by input.
    pub fn shapes(&self) -> &BTreeMap<String, Vec<usize>> {
        &self.0
    }
}

// Written out because a map keeps the last of repeated keys without a word.
impl<'de> Deserialize<'de> for ModelShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;

        impl<'de> Visitor<'de> for Shapes {
            type Value = ModelShape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of lists of sizes by input, as in {\"x\": [3, 48, 320]}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ModelShape, A::Error> {
                let mut shapes = Vec::new();
                while let Some(member) = members.next_entry()? {
                    shapes.push(member);
                }
                ModelShape::new(shapes).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_map(Shapes)
    }
}

/// Key of a model, or of its check rows, in the store: 1 to 512 bytes, as Workers KV takes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelKey(String);

/// Why a text is not a [`ModelKey`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a key in MODELS has 1 to 512 bytes, this one has {0}")]
pub struct ModelKeyError(usize);

impl ModelKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ModelKey {
    type Error = ModelKeyError;

    fn try_from(key: String) -> Result<Self, ModelKeyError> {
        match key.len() {
            1..=512 => Ok(ModelKey(key)),
            length => Err(ModelKeyError(length)),
        }
    }
}

impl From<ModelKey> for String {
    fn from(key: ModelKey) -> String {
        key.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_answers_is_one_of_two_words() {
        let zeros = "0".repeat(64);
        let read = |answers: &str| {
            serde_json::from_str::<ModelReference>(&format!(r#"{{"key": "m", "sha256": "{zeros}"{answers}}}"#))
        };
        for form in AnswerForm::ALL {
            let named = read(&format!(r#", "answers": "{}""#, form.as_str())).unwrap();
            assert_eq!(named.answers, form);
        }
        let plain = read("").unwrap();
        assert!(plain.answers.is_plain());
        // A document that never named it keeps its bytes, and so its revision.
        assert!(!serde_json::to_string(&plain).unwrap().contains("answers"));
        let error = read(r#", "answers": "container""#).unwrap_err().to_string();
        assert!(error.contains("expected `plain` or `sagemaker-xgboost`"), "{error}");
    }

    #[test]
    fn a_shape_is_sizes_by_input() {
        let shape = serde_json::from_str::<ModelShape>(r#"{"x": [3, 48, 320], "state": [2, 128]}"#).unwrap();
        assert_eq!(shape.shapes()["x"], [3, 48, 320]);
        assert_eq!(serde_json::to_string(&shape).unwrap(), r#"{"state":[2,128],"x":[3,48,320]}"#);
        for (written, problem) in [
            ("{}", "it names 0 inputs"),
            (r#"{"": [1]}"#, "an input's name has 1 to 512 bytes"),
            (r#"{"x": [1], "x": [2]}"#, "`x` is named twice"),
            (r#"{"x": []}"#, "`x` has 0 sizes"),
            (r#"{"x": [1, 1, 1, 1, 1, 1, 1, 1, 1]}"#, "`x` has 9 sizes"),
            (r#"{"x": [3, 0]}"#, "`x` has a size of 0"),
            (r#"{"x": [65537]}"#, "`x` has a size of 65537"),
            (r#"{"x": [-1]}"#, "invalid value"),
            (r#"{"x": [65536, 65]}"#, "`x` has more than 4194304 values a row"),
            (r#"{"x": 3}"#, "invalid type"),
            ("[3]", "an object of lists of sizes by input"),
        ] {
            let error = serde_json::from_str::<ModelShape>(written).unwrap_err().to_string();
            assert!(error.contains(problem), "{written}: {error}");
        }
    }
}

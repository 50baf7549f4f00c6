//! Where a model comes as SageMaker's XGBoost container takes it, and what of that container's answers is served.
//!
//! Such a model is answered as the container answers unless `TURNOUT_OUTPUT` says otherwise: it names the output to answer
//! with, the form of answers before a colon, or both (`probabilities`, `plain:`, `plain:probabilities`). What stands before
//! the first colon is a form only if it is one's name, as there are outputs whose names have colons.

use std::collections::HashMap;

use super::error::refuse;
use crate::endpoint::{AnswerForm, ModelKey};
use crate::request::RequestError;

/// The variable that says how a model answers.
pub(super) const OUTPUT: &str = "TURNOUT_OUTPUT";

/// How a model answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answering {
    /// In which form.
    pub form: AnswerForm,
    /// With which output.
    pub output: Option<String>,
}

impl Answering {
    /// As the container's image, the model's key and the environment say.
    pub fn of(image: Option<&str>, key: &str, environment: &HashMap<String, String>) -> Result<Self, RequestError> {
        let usual = if image.is_some_and(is_xgboosts) { AnswerForm::SageMakerXGBoost } else { usual_form(key) };
        let said = environment.get(OUTPUT).map(String::as_str);
        let (form, output) = match said {
            None => (usual, None),
            Some(said) => match named_form(said) {
                Some((form, "")) => (form, None),
                Some((form, output)) => (form, Some(output)),
                None => (usual, Some(said)),
            },
        };
        if form == AnswerForm::SageMakerXGBoost {
            check(environment)?;
        }
        Ok(Answering { form, output: output.map(str::to_owned) })
    }

    /// What `TURNOUT_OUTPUT` would have to say for a model under that key, if no image is named.
    pub fn told(self, key: &ModelKey) -> Option<String> {
        let Answering { form, output } = self;
        match output {
            Some(output) if form == usual_form(key.as_str()) && named_form(&output).is_none() => Some(output),
            None if form == usual_form(key.as_str()) => None,
            output => Some(format!("{}:{}", form.as_str(), output.unwrap_or_default())),
        }
    }
}

/// Whether an image is that container's, whatever its registry and version.
fn is_xgboosts(image: &str) -> bool {
    let repository = image.rsplit('/').next().unwrap_or_default();
    let name = repository.split([':', '@']).next().unwrap_or_default();
    matches!(name, "sagemaker-xgboost" | "xgboost")
}

/// The form of a model under that key where nothing else is said.
fn usual_form(key: &str) -> AnswerForm {
    if key.ends_with(".tar.gz") { AnswerForm::SageMakerXGBoost } else { AnswerForm::Plain }
}

/// The form that a text begins with, and what is behind it.
fn named_form(said: &str) -> Option<(AnswerForm, &str)> {
    let (before, behind) = said.split_once(':')?;
    let form = AnswerForm::ALL.into_iter().find(|form| form.as_str() == before)?;
    Some((form, behind))
}

/// Whether the environment asks that container for nothing that is not served.
fn check(environment: &HashMap<String, String>) -> Result<(), RequestError> {
    if environment.contains_key("SAGEMAKER_INFERENCE_OUTPUT") {
        let instead = "an answer is the prediction alone; name another output of the model in TURNOUT_OUTPUT";
        return Err(refuse("SAGEMAKER_INFERENCE_OUTPUT", instead));
    }
    if environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT").is_some_and(|accept| accept != "text/csv") {
        let instead = "text/csv is what is answered; name another type in Accept";
        return Err(refuse("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", instead));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const CONTAINER: AnswerForm = AnswerForm::SageMakerXGBoost;

    fn answering(image: &str, key: &str, variables: &[(&str, &str)]) -> Result<Answering, RequestError> {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answering::of(Some(image), key, &environment)
    }

    #[test]
    fn a_model_that_comes_as_the_container_takes_it_is_answered_as_the_container_answers() {
        for (image, key, form) in [
            ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "m.json", CONTAINER),
            ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost@sha256:0", "m.json", CONTAINER),
            ("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", "m.json", CONTAINER),
            ("sagemaker-xgboost", "m.json", CONTAINER),
            ("registry.example/my-sagemaker-xgboost:1", "m.json", AnswerForm::Plain),
            ("registry.example/xgboost/serve:1", "m.json", AnswerForm::Plain),
            ("", "m.json", AnswerForm::Plain),
            ("", "churn/model.tar.gz", CONTAINER),
            ("", "model.tar.gz.onnx", AnswerForm::Plain),
        ] {
            assert_eq!(answering(image, key, &[]), Ok(Answering { form, output: None }), "{image} {key}");
        }
    }

    #[test]
    fn the_form_and_the_output_are_named_in_one_variable() {
        for (said, key, form, output) in [
            ("probabilities", "model.tar.gz", CONTAINER, Some("probabilities")),
            ("probabilities", "m.onnx", AnswerForm::Plain, Some("probabilities")),
            ("plain:", "model.tar.gz", AnswerForm::Plain, None),
            ("plain:probabilities", "model.tar.gz", AnswerForm::Plain, Some("probabilities")),
            ("sagemaker-xgboost:", "m.onnx", CONTAINER, None),
            ("sagemaker-xgboost:a:b", "m.onnx", CONTAINER, Some("a:b")),
            ("plain", "model.tar.gz", CONTAINER, Some("plain")),
            ("Identity:0", "m.onnx", AnswerForm::Plain, Some("Identity:0")),
            ("plain:plain:0", "m.onnx", AnswerForm::Plain, Some("plain:0")),
        ] {
            let answering = answering("", key, &[(OUTPUT, said)]).unwrap();
            assert_eq!(answering, Answering { form, output: output.map(str::to_owned) }, "{said}");
            // What is told makes the same model again.
            let key = ModelKey::try_from(key.to_owned()).unwrap();
            assert_eq!(answering.told(&key), Some(said.to_owned()));
        }
        let (tar, onnx) = ("model.tar.gz", "m.onnx");
        for (form, key, told) in [
            (CONTAINER, tar, None),
            (AnswerForm::Plain, tar, Some("plain:")),
            (CONTAINER, onnx, Some("sagemaker-xgboost:")),
            (AnswerForm::Plain, onnx, None),
        ] {
            let key = ModelKey::try_from(key.to_owned()).unwrap();
            assert_eq!(Answering { form, output: None }.told(&key).as_deref(), told);
        }
    }

    #[test]
    fn what_the_container_would_answer_and_is_not_answered_here_is_refused() {
        for (variable, value, refused) in [
            ("SAGEMAKER_INFERENCE_OUTPUT", "predicted_label,probability", true),
            ("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json", true),
            ("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv", false),
            ("SAGEMAKER_CONTAINER_LOG_LEVEL", "20", false),
        ] {
            assert_eq!(answering("", "model.tar.gz", &[(variable, value)]).is_err(), refused, "{variable}");
            // It means nothing to another container.
            assert!(answering("", "m.onnx", &[(variable, value)]).is_ok(), "{variable}");
        }
    }
}

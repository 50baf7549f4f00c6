//! Making, changing and removing endpoints, and the models and configurations that they are made of.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::RevisionError;
use super::experiment::misunderstood;
use super::registry::{Configuration, Kind, RegistryError, Stored};
use super::{Error, Service};
use crate::access;
use crate::endpoint::{
    Access, AnswerForm, Backend, Capture, DocumentError, Endpoint, ModelKey, ModelReference, Name, OriginReference,
    Revision, Variant, Weight, WeightChange,
};
use crate::experiment::{Answer, Author, Cause, Change, Command, Condition, Edit, LastDeployment, Newest, Refusal};
use crate::isolate::{EndpointError, ModelError, Served};
use crate::platform::{Entry, Namespace, Platform, Times};
use crate::request::Request;

/// The most endpoints of a listing that are described at once: each is one read, and a request on the free plan may make
/// 50, of which the listing itself takes some.
pub const MOST_DESCRIBED: usize = 40;

/// So often an update is tried again that others overtook.
pub(super) const MOST_TRIES: usize = 5;

/// What stays as it is where another configuration is put into an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// The weights of variants that stay.
    pub weights: bool,
    /// What is captured.
    pub capture: bool,
}

/// What a model is made of.
#[derive(Debug)]
pub enum ModelSource {
    /// A file in the store of models.
    Key {
        /// Its key.
        key: ModelKey,
        /// The one output to answer with.
        output: Option<String>,
        /// In which form answers are written.
        answers: AnswerForm,
        /// The key of its check rows.
        check: Option<ModelKey>,
    },
    /// A model host.
    Origin(OriginReference),
}

/// An endpoint as the store has it.
#[derive(Debug)]
pub struct Configured {
    /// What is configured, or what is wrong with it.
    pub endpoint: Result<Endpoint, EndpointError>,
    /// Absent where somebody else wrote it.
    pub times: Option<Times>,
    /// The last deployment, where there has been one.
    pub deployment: Option<Box<LastDeployment>>,
}

impl<P: Platform> Service<'_, P> {
    /// The administrator that the request comes from, as the history names it.
    ///
    /// # Errors
    /// If it does not.
    pub fn allow_admin(&self, request: &Request) -> Result<Author, Error> {
        Ok(access::allow_admin(&*self.platform, request)?)
    }

    /// Whether a change that was made then has reached every isolate.
    pub fn is_settled(&self, times: Option<Times>) -> bool {
        times.is_none_or(|times| self.platform.now_ms() - times.modified_ms >= self.isolate.settle_ms)
    }

    /// Changes an endpoint's document, if it is still one that the caller means, and serves it in this isolate at once; the
    /// inner result is what is served then. With experiments, of many changes at once one wins, and busy isolates follow
    /// within about a second. Without, the store has no compare-and-set: of two changes within its delay of each other, the
    /// later one stays, and others follow within their time to live, their grace and that delay.
    ///
    /// # Errors
    /// If it cannot be made, or the store or the experiment fails.
    pub async fn change(
        &self,
        name: &Name,
        change: Change,
        cause: Cause,
    ) -> Result<Result<Served, EndpointError>, Error> {
        let refused = |refusal| match refusal {
            Refusal::NotFound => Error::Endpoint(name.clone(), EndpointError::NotFound),
            Refusal::Conflict { current } => {
                let given = match &change.condition {
                    Condition::OneOf(revisions) => revisions.join(", ").chars().take(100).collect(),
                    Condition::Any | Condition::Absent => "none".to_owned(),
                };
                RevisionError::Conflict { given, current: current.unwrap_or_else(|| "none".to_owned()) }.into()
            }
            refusal => Error::Refused(refusal),
        };
        let served = if self.platform.has_experiments() {
            match self.ask(name, &Command::Change { change: change.clone(), cause }).await? {
                Answer::Document(newest) => {
                    self.isolate.endpoints.borrow_mut().told(name, newest, self.platform.now_ms())
                }
                Answer::Refused(refusal) => return Err(refused(refusal)),
                other => return Err(misunderstood(&other)),
            }
        } else {
            let entry = self.platform.read_entry(Namespace::Endpoints, name.as_str()).await?;
            let times = entry.as_ref().and_then(|entry| entry.times);
            let made = entry.is_none();
            let document = entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned());
            let document = change.applied_to(document.as_deref(), None).map_err(refused)?;
            let now_ms = self.platform.now_ms();
            match &document {
                Some(document) => {
                    let times = if made { Times::created(now_ms) } else { Times::modified(now_ms, times) };
                    self.platform.write(Namespace::Endpoints, name.as_str(), document, times).await?;
                }
                None => self.platform.delete(Namespace::Endpoints, name.as_str()).await?,
            }
            self.isolate.endpoints.borrow_mut().written(name, document, self.platform.now_ms())
        };
        self.isolate.names.borrow_mut().forget();
        Ok(served)
    }

    /// Makes an endpoint of a configuration.
    ///
    /// # Errors
    /// If there is one of that name, or the configuration or one of its models is missing or broken.
    pub async fn create_endpoint(&self, name: &Name, config: &Name, access: Access, cause: Cause) -> Result<(), Error> {
        let exists = || RegistryError::Exists(Kind::Endpoint, name.clone());
        match self.document(name).await {
            Err(Error::Endpoint(_, EndpointError::NotFound)) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(exists().into()),
        }
        let (variants, capture) = self.variants_of(config).await?;
        let document = Endpoint::compose(config.clone(), variants, access, capture, None)
            .map_err(|error| RegistryError::Broken(Kind::Configuration, config.clone(), error.to_string()))?;
        let change = Change { edit: Edit::Document(document), condition: Condition::Absent };
        match self.change(name, change, cause).await {
            Ok(_) => Ok(()),
            // Somebody was faster.
            Err(Error::Revision(RevisionError::Conflict { .. })) => Err(exists().into()),
            Err(error) => Err(error),
        }
    }

    /// Puts another configuration in place of the endpoint's. Units, fallback and access stay; so do the weights of
    /// variants that stay, the shares of shadows, and what is captured, where that is asked for.
    ///
    /// # Errors
    /// If there is no such endpoint, it is in a deployment, or the configuration or one of its models is missing or broken.
    pub async fn update_endpoint(
        &self,
        name: &Name,
        config: &Name,
        retained: Retained,
        cause: Cause,
    ) -> Result<(), Error> {
        let resolved = self.variants_of(config).await?;
        let edit = |before: &[u8]| {
            let document = composed(name, config, resolved.clone(), retained, before)?;
            Ok(Edit::Document(document))
        };
        self.update(name, edit, cause).await.map(|_| ())
    }

    /// Gives variants of an endpoint other weights.
    ///
    /// # Errors
    /// If there is no such endpoint or variant, it is in a deployment, or it cannot be served with these weights.
    pub async fn update_weights(&self, name: &Name, weights: &WeightChange, cause: Cause) -> Result<(), Error> {
        let served = self.update(name, |_| Ok(Edit::Weights(weights.to_json())), cause).await?;
        served.map(|_| ()).map_err(|error| Error::Endpoint(name.clone(), error))
    }

    /// Changes an endpoint that is in no deployment. Its clients have no terms to name: what somebody changes meanwhile is
    /// taken into account instead.
    async fn update(
        &self,
        name: &Name,
        edit: impl Fn(&[u8]) -> Result<Edit, RegistryError>,
        cause: Cause,
    ) -> Result<Result<Served, EndpointError>, Error> {
        for _ in 0..MOST_TRIES {
            let entry = self.idle_document(name).await?;
            let condition = Condition::OneOf(vec![Revision::of(&entry.value).as_str().to_owned()]);
            let change = Change { edit: edit(&entry.value)?, condition };
            match self.change(name, change, cause.clone()).await {
                Err(Error::Revision(RevisionError::Conflict { .. })) => {}
                other => return other,
            }
        }
        Err(Error::Refused(Refusal::Conflict { current: None }))
    }

    /// Removes an endpoint.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn delete_endpoint(&self, name: &Name, cause: Cause) -> Result<(), Error> {
        // That there is nothing to serve any more is what is wanted.
        self.change(name, Change { edit: Edit::Remove, condition: Condition::Any }, cause).await.map(|_| ())
    }

    /// An endpoint as the store has it: what is configured, or what is wrong with it.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn configured(&self, name: &Name) -> Result<Configured, Error> {
        let (entry, deployment) = self.document(name).await?;
        let endpoint = Endpoint::parse(&entry.value).map_err(EndpointError::Invalid);
        Ok(Configured { endpoint, times: entry.times, deployment })
    }

    /// An endpoint's document as it was written, valid or not.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn written(&self, name: &Name) -> Result<Vec<u8>, Error> {
        Ok(self.document(name).await?.0.value)
    }

    /// Gives a backend a name. A model is read and loaded, so that one that cannot be run is found out now.
    ///
    /// # Errors
    /// If there is one of that name, or the model is missing, cannot be run or does not reproduce its check rows.
    pub async fn create_model(&self, name: &Name, source: ModelSource) -> Result<(), Error> {
        let backend = match source {
            ModelSource::Origin(origin) => Backend::Origin(origin),
            ModelSource::Key { key, output, answers, check } => {
                Backend::Model(ModelReference { answers, ..self.reference(key, output, check).await? })
            }
        };
        self.create(Kind::Model, name, &backend).await
    }

    /// What a variant would say to mean the bytes that are under the key now.
    async fn reference(
        &self,
        key: ModelKey,
        output: Option<String>,
        check: Option<ModelKey>,
    ) -> Result<ModelReference, Error> {
        let unusable = |problem: String| RegistryError::Unusable(Kind::Model, problem);
        let (model, _) = match self.model_under(&key, check.as_ref()).await {
            Ok(found) => found,
            Err(ModelError::Unavailable { problem, .. }) => return Err(problem.into()),
            Err(ModelError::Missing(key)) => {
                return Err(unusable(format!("there is nothing under `{key}` in MODELS")).into());
            }
            Err(error) => return Err(unusable(error.to_string()).into()),
        };
        if let Some(output) = &output {
            model.description.output_named(output).map_err(|error| unusable(error.to_string()))?;
        }
        Ok(ModelReference { sha256: model.digest(), key, output, answers: AnswerForm::default(), shape: None, check })
    }

    /// Gives a list of variants a name. It is checked as the endpoint that it would make, so that it cannot fail later
    /// for what is in it.
    ///
    /// # Errors
    /// If there is one of that name, or a model is missing, or the variants cannot stand beside each other.
    pub async fn create_config(&self, name: &Name, config: &Configuration) -> Result<(), Error> {
        let variants = self.resolve(config).await?;
        Endpoint::compose(name.clone(), variants, Access::Open, None, None)
            .map_err(|error| RegistryError::Unusable(Kind::Configuration, error.to_string()))?;
        self.create(Kind::Configuration, name, config).await
    }

    /// Keeps something under a name that nothing has yet.
    async fn create(&self, kind: Kind, name: &Name, value: &impl Serialize) -> Result<(), Error> {
        let (namespace, key) = place(kind, name);
        if self.platform.read(namespace, &key).await?.is_some() {
            return Err(RegistryError::Exists(kind, name.clone()).into());
        }
        let text = serde_json::to_string(value)
            .map_err(|error| RegistryError::Broken(kind, name.clone(), error.to_string()))?;
        Ok(self.platform.write(namespace, &key, &text, Times::created(self.platform.now_ms())).await?)
    }

    /// What is kept under a name.
    ///
    /// # Errors
    /// If there is none, it cannot be read, or the store fails.
    pub async fn stored<T: DeserializeOwned>(&self, kind: Kind, name: &Name) -> Result<Stored<T>, Error> {
        let (namespace, key) = place(kind, name);
        let entry = self.platform.read_entry(namespace, &key).await?;
        let entry = entry.ok_or_else(|| RegistryError::NotFound(kind, name.clone()))?;
        let value = serde_json::from_slice(&entry.value)
            .map_err(|error| RegistryError::Broken(kind, name.clone(), error.to_string()))?;
        Ok(Stored { value, times: entry.times })
    }

    /// Removes what is kept under a name. Endpoints that were made of it stay.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn remove(&self, kind: Kind, name: &Name) -> Result<(), Error> {
        let (namespace, key) = place(kind, name);
        if self.platform.read(namespace, &key).await?.is_none() {
            return Err(RegistryError::NotFound(kind, name.clone()).into());
        }
        Ok(self.platform.delete(namespace, &key).await?)
    }

    /// The names of all things of a kind, and since when there are.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn all(&self, kind: Kind) -> Result<Vec<(Name, Option<Times>)>, Error> {
        let (namespace, prefix) = kind.place();
        let keys = self.keys(namespace, prefix).await?;
        // A key that is no name cannot be asked for either.
        let named = |key: &str| Name::try_from(key.strip_prefix(prefix)?).ok();
        Ok(keys.into_iter().filter_map(|(key, times)| Some((named(&key)?, times))).collect())
    }

    /// All keys with a prefix, and since when there are.
    pub(super) async fn keys(&self, namespace: Namespace, prefix: &str) -> Result<Vec<(String, Option<Times>)>, Error> {
        /// As many as KV gives at once.
        const PAGE: u16 = 1000;
        /// More than anyone has. With [`MOST_DESCRIBED`] reads they stay within what a request may ask of the store.
        const MAX_PAGES: usize = 9;
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = self.platform.list(namespace, prefix, cursor, PAGE).await?;
            found.extend(page.keys);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The variants of the configuration of a name, and what it says is to be captured.
    pub(super) async fn variants_of(&self, config: &Name) -> Result<(Vec<Variant>, Option<Capture>), Error> {
        let Stored { value, .. } = self.stored::<Configuration>(Kind::Configuration, config).await?;
        Ok((self.resolve(&value).await?, value.capture.map(|configured| configured.capture)))
    }

    /// The variants of a configuration, with the backends that its models name.
    async fn resolve(&self, config: &Configuration) -> Result<Vec<Variant>, Error> {
        let mut resolved = Vec::new();
        for variant in &config.variants {
            let backend = self.stored::<Backend>(Kind::Model, &variant.model).await?.value;
            resolved.push(Variant { name: variant.name.clone(), weight: variant.weight, backend, shadow: None });
        }
        let shares = config.shadow_shares();
        let shares = shares.map_err(|error| RegistryError::Unusable(Kind::Configuration, error.to_string()))?;
        for (shadow, share) in shares {
            let backend = self.stored::<Backend>(Kind::Model, &shadow.model).await?.value;
            let (name, weight) = (shadow.name.clone(), Weight::ZERO);
            resolved.push(Variant { name, weight, backend, shadow: Some(share) });
        }
        Ok(resolved)
    }

    /// An endpoint's document, its experiment's, else the store's; and its last deployment.
    async fn document(&self, name: &Name) -> Result<(Entry, Option<Box<LastDeployment>>), Error> {
        let (entry, deployment) = if self.platform.has_experiments() {
            match self.ask(name, &Command::Read).await? {
                Answer::Kept { newest: Newest { document, times, .. }, deployment } => {
                    (document.map(|document| Entry { value: document.into_bytes(), times }), deployment)
                }
                other => return Err(misunderstood(&other)),
            }
        } else {
            (self.platform.read_entry(Namespace::Endpoints, name.as_str()).await?, None)
        };
        let entry = entry.ok_or_else(|| Error::Endpoint(name.clone(), EndpointError::NotFound))?;
        Ok((entry, deployment))
    }

    /// The document of an endpoint that is in no deployment.
    pub(super) async fn idle_document(&self, name: &Name) -> Result<Entry, Error> {
        let (entry, deployment) = self.document(name).await?;
        match deployment {
            Some(open) if open.status.is_open() => {
                Err(RegistryError::InProgress(name.clone(), open.status.as_str(), open.says).into())
            }
            _ => Ok(entry),
        }
    }
}

/// The document of an endpoint that another configuration is put into.
pub(super) fn composed(
    name: &Name,
    config: &Name,
    (mut variants, capture): (Vec<Variant>, Option<Capture>),
    retained: Retained,
    before: &[u8],
) -> Result<String, RegistryError> {
    let before = Endpoint::parse(before).ok();
    if let (Some(before), true) = (&before, retained.weights) {
        for variant in &mut variants {
            match before.variant(variant.name.as_str()) {
                // What one that answers and a shadow of its name have of the traffic are different things.
                Some(known) if known.is_shadow() == variant.is_shadow() => {
                    variant.weight = known.weight;
                    variant.shadow = known.shadow;
                }
                _ => {}
            }
        }
    }
    // Of a document that cannot be read nobody knows who may invoke it.
    let access = match &before {
        Some(before) => before.access().clone(),
        None => access::administrators(),
    };
    let capture = captured(capture, retained, before.as_ref().and_then(Endpoint::capture));
    Endpoint::compose(config.clone(), variants, access, capture, before.as_ref()).map_err(|error| match error {
        // The configuration is in order: it is the endpoint that asks for one more variant.
        DocumentError::UnknownFallback(fallback, known) => {
            RegistryError::Fallback { endpoint: name.clone(), fallback, config: config.clone(), known }
        }
        error => RegistryError::Broken(Kind::Configuration, config.clone(), error.to_string()),
    })
}

/// What is captured of an endpoint that another configuration is put into. Columns that its document leaves out stay out, and
/// a configuration that says nothing of capture ends it.
fn captured(configured: Option<Capture>, retained: Retained, before: Option<&Capture>) -> Option<Capture> {
    match (configured, before) {
        (_, before) if retained.capture => before.cloned(),
        (Some(configured), Some(before)) => Some(Capture { leave_out: before.leave_out.clone(), ..configured }),
        (Some(configured), None) => Some(configured),
        (None, before) => before.map(Capture::stopped),
    }
}

fn place(kind: Kind, name: &Name) -> (Namespace, String) {
    let (namespace, prefix) = kind.place();
    (namespace, format!("{prefix}{name}"))
}

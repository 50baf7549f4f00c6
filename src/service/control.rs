//! Making, changing and removing endpoints, and the models and configurations that they are made of.
//!
//! The store has no compare-and-set: of two changes within its delay of each other, the later one stays.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::RevisionError;
use super::registry::{Configuration, Kind, RegistryError, Stored};
use super::{Error, Service};
use crate::access;
use crate::endpoint::{
    Access, Backend, DocumentError, Endpoint, ModelKey, ModelReference, Name, OriginReference, Revision, Variant,
    WeightChange,
};
use crate::isolate::{EndpointError, Served, Wanted};
use crate::platform::{Entry, Namespace, Platform, Times};
use crate::request::Request;

/// The most endpoints of a listing that are described at once: each is one read, and a request on the free plan may make
/// 50, of which the listing itself takes some.
pub const MOST_DESCRIBED: usize = 40;

/// Which revision a change is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Whatever there is.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

impl Condition {
    fn check(&self, current: &Revision) -> Result<(), RevisionError> {
        match self {
            Condition::OneOf(revisions) if !revisions.iter().any(|revision| revision == current.as_str()) => {
                let given = revisions.join(", ").chars().take(100).collect();
                Err(RevisionError::Conflict { given, current: current.as_str().to_owned() })
            }
            Condition::OneOf(_) | Condition::Any => Ok(()),
        }
    }
}

/// What a model is made of.
#[derive(Debug)]
pub enum ModelSource {
    /// ONNX bytes in the store of models.
    Key {
        /// Their key.
        key: ModelKey,
        /// The one output to answer with.
        output: Option<String>,
        /// The key of its check rows.
        check: Option<ModelKey>,
    },
    /// A model host.
    Origin(OriginReference),
}

impl<P: Platform> Service<'_, P> {
    /// Whether the request comes from the administrator.
    ///
    /// # Errors
    /// If it does not.
    pub fn allow_admin(&self, request: &Request) -> Result<(), Error> {
        Ok(access::allow_admin(&*self.platform, request)?)
    }

    /// Whether a change that was made then has reached every isolate.
    pub fn is_settled(&self, times: Option<Times>) -> bool {
        times.is_none_or(|times| self.platform.now_ms() - times.modified_ms >= self.isolate.settle_ms)
    }

    /// Writes new weights into the endpoint's document, if it is still the one that the caller means, and serves it in
    /// this isolate at once; others follow within their time to live, their grace and the store's own delay.
    ///
    /// # Errors
    /// If there is none or it is another, the weights cannot be put into it, or the store fails.
    pub async fn set_weights(
        &self,
        name: &Name,
        condition: &Condition,
        change: &WeightChange,
    ) -> Result<Served, Error> {
        let entry = self.document(name).await?;
        condition.check(&Revision::of(&entry.value))?;
        let edited = change.apply(&entry.value)?;
        self.put_document(name, edited, Times::modified(self.platform.now_ms(), entry.times)).await
    }

    /// Makes an endpoint of a configuration.
    ///
    /// # Errors
    /// If there is one of that name, or the configuration or one of its models is missing or broken.
    pub async fn create_endpoint(&self, name: &Name, config: &Name, access: Access) -> Result<(), Error> {
        if self.platform.read(Namespace::Endpoints, name.as_str()).await?.is_some() {
            return Err(RegistryError::Exists(Kind::Endpoint, name.clone()).into());
        }
        let Stored { value, .. } = self.stored::<Configuration>(Kind::Configuration, config).await?;
        let variants = self.resolve(&value).await?;
        let document = Endpoint::compose(config.clone(), variants, access, None)
            .map_err(|error| RegistryError::Broken(Kind::Configuration, config.clone(), error.to_string()))?;
        self.put_document(name, document, Times::created(self.platform.now_ms())).await?;
        Ok(())
    }

    /// Puts another configuration in place of the endpoint's. Units, fallback and access stay; so do the weights of
    /// variants that stay, where that is asked for.
    ///
    /// # Errors
    /// If there is no such endpoint, or the configuration or one of its models is missing or broken.
    pub async fn update_endpoint(&self, name: &Name, config: &Name, keep_weights: bool) -> Result<(), Error> {
        let entry = self.document(name).await?;
        let before = Endpoint::parse(&entry.value).ok();
        let Stored { value, .. } = self.stored::<Configuration>(Kind::Configuration, config).await?;
        let mut variants = self.resolve(&value).await?;
        if let (Some(before), true) = (&before, keep_weights) {
            for variant in &mut variants {
                if let Some(known) = before.variant(variant.name.as_str()) {
                    variant.weight = known.weight;
                }
            }
        }
        // Of a document that cannot be read nobody knows who may invoke it.
        let access = match &before {
            Some(before) => before.access().clone(),
            None => access::administrators(),
        };
        let document =
            Endpoint::compose(config.clone(), variants, access, before.as_ref()).map_err(|error| match error {
                // The configuration is in order: it is the endpoint that asks for one more variant.
                DocumentError::UnknownFallback(fallback, known) => {
                    RegistryError::Fallback { endpoint: name.clone(), fallback, config: config.clone(), known }
                }
                error => RegistryError::Broken(Kind::Configuration, config.clone(), error.to_string()),
            })?;
        self.put_document(name, document, Times::modified(self.platform.now_ms(), entry.times)).await?;
        Ok(())
    }

    /// Removes an endpoint.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn delete_endpoint(&self, name: &Name) -> Result<(), Error> {
        self.document(name).await?;
        self.platform.delete(Namespace::Endpoints, name.as_str()).await?;
        let now_ms = self.platform.now_ms();
        self.isolate.names.borrow_mut().forget();
        // It says that there is none, which is what is wanted.
        let _ = self.isolate.endpoints.borrow_mut().written(name, None, now_ms);
        Ok(())
    }

    /// An endpoint as the store has it: what is configured, or what is wrong with it.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn configured(&self, name: &Name) -> Result<Stored<Result<Endpoint, EndpointError>>, Error> {
        let entry = self.document(name).await?;
        let value = Endpoint::parse(&entry.value).map_err(EndpointError::Invalid);
        Ok(Stored { value, times: entry.times })
    }

    /// Gives a backend a name. A model is read and loaded, so that one that cannot be run is found out now.
    ///
    /// # Errors
    /// If there is one of that name, or the model is missing, cannot be run or does not reproduce its check rows.
    pub async fn create_model(&self, name: &Name, source: ModelSource) -> Result<(), Error> {
        let backend = match source {
            ModelSource::Origin(origin) => Backend::Origin(origin),
            ModelSource::Key { key, output, check } => Backend::Model(self.reference(key, output, check).await?),
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
        let (file, rows) = self.read_model_and_check(&key, check.as_ref()).await;
        let file = file?.ok_or_else(|| unusable(format!("there is nothing under `{}` in MODELS", key.as_str())))?;
        let rows = rows?;
        let now_ms = self.platform.now_ms();
        let wanted = Wanted { key: &key, sha256: None, shape: None, check: check.as_ref() };
        let loaded = self.isolate.models.borrow_mut().load(&*self.platform, wanted, file, rows.as_deref(), now_ms);
        let model = loaded.map_err(|error| unusable(error.to_string()))?;
        if let Some(output) = &output {
            model.description.output_named(output).map_err(|error| unusable(error.to_string()))?;
        }
        Ok(ModelReference { sha256: model.digest(), key, output, shape: None, check })
    }

    /// Gives a list of variants a name. It is checked as the endpoint that it would make, so that it cannot fail later
    /// for what is in it.
    ///
    /// # Errors
    /// If there is one of that name, or a model is missing, or the variants cannot stand beside each other.
    pub async fn create_config(&self, name: &Name, config: &Configuration) -> Result<(), Error> {
        let variants = self.resolve(config).await?;
        Endpoint::compose(name.clone(), variants, Access::Open, None)
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
        /// As many as KV gives at once.
        const PAGE: u16 = 1000;
        /// More than anyone has. With [`MOST_DESCRIBED`] reads they stay within what a request may ask of the store.
        const MAX_PAGES: usize = 9;
        let (namespace, prefix) = kind.place();
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = self.platform.list(namespace, prefix, cursor, PAGE).await?;
            found.extend(page.keys.into_iter().filter_map(|(key, times)| {
                // A key that is no name cannot be asked for either.
                Some((Name::try_from(key.strip_prefix(prefix)?).ok()?, times))
            }));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The variants of a configuration, with the backends that its models name.
    async fn resolve(&self, config: &Configuration) -> Result<Vec<Variant>, Error> {
        let mut resolved = Vec::new();
        for variant in &config.variants {
            let backend = self.stored::<Backend>(Kind::Model, &variant.model).await?.value;
            resolved.push(Variant { name: variant.name.clone(), weight: variant.weight, backend });
        }
        Ok(resolved)
    }

    /// An endpoint's document, from the store.
    async fn document(&self, name: &Name) -> Result<Entry, Error> {
        let entry = self.platform.read_entry(Namespace::Endpoints, name.as_str()).await?;
        entry.ok_or_else(|| Error::Endpoint(name.clone(), EndpointError::NotFound))
    }

    /// Puts a document into the store, and serves it in this isolate at once.
    async fn put_document(&self, name: &Name, document: String, times: Times) -> Result<Served, Error> {
        self.platform.write(Namespace::Endpoints, name.as_str(), &document, times).await?;
        self.isolate.names.borrow_mut().forget();
        let now_ms = self.platform.now_ms();
        let served = self.isolate.endpoints.borrow_mut().written(name, Some(document), now_ms);
        served.map_err(|error| Error::Endpoint(name.clone(), error))
    }
}

fn place(kind: Kind, name: &Name) -> (Namespace, String) {
    let (namespace, prefix) = kind.place();
    (namespace, format!("{prefix}{name}"))
}

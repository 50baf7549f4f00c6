//! Making, changing and removing endpoints, and the models and configurations that they are made of.
//!
//! The store has no compare-and-set: of two changes within its delay of each other, the later one stays.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Service;
use crate::access;
use crate::endpoint::{
    Access, Backend, Endpoint, EndpointError, ModelKey, ModelReference, Name, OriginReference, Revision, Served,
    Sha256, Variant, WeightChange, WeightsError,
};
use crate::error::{Error, RevisionError};
use crate::platform::{Entry, Platform, Store, Times};
use crate::protocol::Request;
use crate::registry::{Configuration, Kept, Kind, RegistryError};

/// What a model is made of.
#[derive(Debug)]
pub enum ModelSource {
    /// ONNX bytes in the store of models.
    Key {
        /// Their key.
        key: ModelKey,
        /// The one output to answer with.
        output: Option<String>,
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
        Ok(access::allow_admin(&self.platform, request)?)
    }

    /// Whether a change that was made then has reached every isolate.
    pub fn is_settled(&self, times: Option<Times>) -> bool {
        times.is_none_or(|times| self.platform.now_ms() - times.modified_ms >= self.isolate.settle_ms)
    }

    /// Writes new weights into the endpoint's document, if it is still the one that the caller means, and serves it in
    /// this isolate at once; others follow within their time to live and the store's own delay.
    ///
    /// # Errors
    /// If the document is another, the weights cannot be put into it, or the store fails.
    pub async fn set_weights_of_revision(
        &self,
        name: &Name,
        if_match: Option<&str>,
        change: impl FnOnce() -> Result<WeightChange, WeightsError>,
    ) -> Result<Served, Error> {
        let if_match = if_match.ok_or(RevisionError::Missing)?;
        let change = change()?;
        let entry = self.document(name).await?;
        let current = Revision::of(&entry.value);
        if !matches(if_match, &current) {
            let given = if_match.chars().take(100).collect();
            return Err(RevisionError::Conflict { given, current: current.as_str().to_owned() }.into());
        }
        self.put_weights(name, &change, entry).await
    }

    /// The same, whatever the document is.
    ///
    /// # Errors
    /// If the weights cannot be put into it, or the store fails.
    pub async fn set_weights(&self, name: &Name, change: &WeightChange) -> Result<Served, Error> {
        let entry = self.document(name).await.map_err(|error| unknown(name, error))?;
        self.put_weights(name, change, entry).await
    }

    async fn put_weights(&self, name: &Name, change: &WeightChange, entry: Entry) -> Result<Served, Error> {
        let edited = change.apply(&entry.value)?;
        self.put_document(name, edited, entry.times).await
    }

    /// Makes an endpoint of a configuration.
    ///
    /// # Errors
    /// If there is one of that name, or the configuration or one of its models is missing or broken.
    pub async fn create_endpoint(&self, name: &Name, config: &Name, access: Access) -> Result<(), Error> {
        if self.platform.read(Store::Endpoints, name.as_str()).await?.is_some() {
            return Err(RegistryError::Exists(Kind::Endpoint, name.clone()).into());
        }
        let Kept { value, .. } = self.kept::<Configuration>(Kind::Configuration, config).await?;
        let variants = self.resolve(&value).await?;
        let document = Endpoint::compose(config.clone(), variants, access, None)
            .map_err(|error| RegistryError::Broken(Kind::Configuration, config.clone(), error.to_string()))?;
        self.put_document(name, document, None).await?;
        Ok(())
    }

    /// Puts another configuration in place of the endpoint's. Units, fallback and access stay; so do the weights of
    /// variants that stay, where that is asked for.
    ///
    /// # Errors
    /// If there is no such endpoint, or the configuration or one of its models is missing or broken.
    pub async fn update_endpoint(&self, name: &Name, config: &Name, keep_weights: bool) -> Result<(), Error> {
        let entry = self.document(name).await.map_err(|error| unknown(name, error))?;
        let before = Endpoint::parse(&entry.value).ok();
        let Kept { value, .. } = self.kept::<Configuration>(Kind::Configuration, config).await?;
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
        let document = Endpoint::compose(config.clone(), variants, access, before.as_ref())
            .map_err(|error| RegistryError::Broken(Kind::Configuration, config.clone(), error.to_string()))?;
        self.put_document(name, document, entry.times).await?;
        Ok(())
    }

    /// Removes an endpoint.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn delete_endpoint(&self, name: &Name) -> Result<(), Error> {
        self.document(name).await.map_err(|error| unknown(name, error))?;
        self.platform.delete(Store::Endpoints, name.as_str()).await?;
        let now_ms = self.platform.now_ms();
        // It says that there is none, which is what is wanted.
        let _ = self.isolate.endpoints.borrow_mut().store(name, Ok(None), now_ms);
        Ok(())
    }

    /// An endpoint as the store has it: what is configured, or what is wrong with it.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn configured(&self, name: &Name) -> Result<Kept<Result<Endpoint, EndpointError>>, Error> {
        let entry = self.document(name).await.map_err(|error| unknown(name, error))?;
        let value = Endpoint::parse(&entry.value).map_err(EndpointError::Invalid);
        Ok(Kept { value, times: entry.times })
    }

    /// Gives a backend a name. A model is read and loaded, so that one that cannot be run is found out now.
    ///
    /// # Errors
    /// If there is one of that name, or the model is missing or cannot be run.
    pub async fn create_model(&self, name: &Name, source: ModelSource) -> Result<(), Error> {
        let backend = match source {
            ModelSource::Origin(origin) => Backend::Origin(origin),
            ModelSource::Key { key, output } => Backend::Model(self.reference(key, output).await?),
        };
        self.create(Kind::Model, name, &backend).await
    }

    /// What a variant would say to mean the bytes that are under the key now.
    async fn reference(&self, key: ModelKey, output: Option<String>) -> Result<ModelReference, Error> {
        let unusable = |problem: String| RegistryError::Unusable(Kind::Model, problem);
        let bytes = self.platform.read(Store::Models, key.as_str()).await?;
        let bytes = bytes.ok_or_else(|| unusable(format!("there is nothing under `{}` in MODELS", key.as_str())))?;
        let reference = ModelReference { sha256: Sha256::of(&bytes), key, output };
        let now_ms = self.platform.now_ms();
        let loaded = self.isolate.models.borrow_mut().store(&reference, Ok(Some(bytes)), now_ms);
        let model = loaded.map_err(|error| unusable(error.to_string()))?;
        match &reference.output {
            Some(output) if !model.outputs().iter().any(|known| known.name == *output) => {
                Err(unusable(format!("it has no output `{output}`")).into())
            }
            _ => Ok(reference),
        }
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
        let (store, key) = place(kind, name);
        if self.platform.read(store, &key).await?.is_some() {
            return Err(RegistryError::Exists(kind, name.clone()).into());
        }
        let text = serde_json::to_string(value)
            .map_err(|error| RegistryError::Broken(kind, name.clone(), error.to_string()))?;
        Ok(self.platform.write(store, &key, &text, Times::now(self.platform.now_ms(), None)).await?)
    }

    /// What is kept under a name.
    ///
    /// # Errors
    /// If there is none, it cannot be read, or the store fails.
    pub async fn kept<T: DeserializeOwned>(&self, kind: Kind, name: &Name) -> Result<Kept<T>, Error> {
        let (store, key) = place(kind, name);
        let entry = self.platform.read_entry(store, &key).await?;
        let entry = entry.ok_or_else(|| RegistryError::NotFound(kind, name.clone()))?;
        let value = serde_json::from_slice(&entry.value)
            .map_err(|error| RegistryError::Broken(kind, name.clone(), error.to_string()))?;
        Ok(Kept { value, times: entry.times })
    }

    /// Removes what is kept under a name. Endpoints that were made of it stay.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn remove(&self, kind: Kind, name: &Name) -> Result<(), Error> {
        let (store, key) = place(kind, name);
        if self.platform.read(store, &key).await?.is_none() {
            return Err(RegistryError::NotFound(kind, name.clone()).into());
        }
        Ok(self.platform.delete(store, &key).await?)
    }

    /// The names of all things of a kind, and since when there are.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn all(&self, kind: Kind) -> Result<Vec<(Name, Option<Times>)>, Error> {
        /// As many as KV gives at once.
        const PAGE: u16 = 1000;
        /// More than anyone has, and fewer than would use up what a request may ask of the store.
        const MAX_PAGES: usize = 20;
        let (store, prefix) = kind.place();
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = self.platform.list(store, prefix, cursor, PAGE).await?;
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
            let backend = self.kept::<Backend>(Kind::Model, &variant.model).await?.value;
            resolved.push(Variant { name: variant.name.clone(), weight: variant.weight, backend });
        }
        Ok(resolved)
    }

    /// An endpoint's document, from the store.
    async fn document(&self, name: &Name) -> Result<Entry, Error> {
        let entry = self.platform.read_entry(Store::Endpoints, name.as_str()).await?;
        entry.ok_or_else(|| Error::Endpoint(name.clone(), EndpointError::NotFound))
    }

    /// Puts a document into the store, and serves it in this isolate at once.
    async fn put_document(&self, name: &Name, document: String, before: Option<Times>) -> Result<Served, Error> {
        let times = Times::now(self.platform.now_ms(), before);
        self.platform.write(Store::Endpoints, name.as_str(), &document, times).await?;
        let now_ms = self.platform.now_ms();
        let served = self.isolate.endpoints.borrow_mut().store(name, Ok(Some(document.into_bytes())), now_ms);
        served.map_err(|error| Error::Endpoint(name.clone(), error))
    }
}

/// As the control plane says it.
fn unknown(name: &Name, error: Error) -> Error {
    match error {
        Error::Endpoint(_, EndpointError::NotFound) => RegistryError::NotFound(Kind::Endpoint, name.clone()).into(),
        other => other,
    }
}

fn place(kind: Kind, name: &Name) -> (Store, String) {
    let (store, prefix) = kind.place();
    (store, format!("{prefix}{name}"))
}

/// Whether `If-Match` names the revision: an entity tag among others, or the star (RFC 9110, section 13.1.1).
fn matches(if_match: &str, current: &Revision) -> bool {
    if_match.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_matches('"') == current.as_str())
}

//! What a variant takes and gives, and whether it can be had, without invoking it.

use std::rc::Rc;

use futures_util::future::join_all;
use turnout_tables::Description;

use super::error::{BackendError, Failure};
use super::invocation::UnitIn;
use super::invoke::unit_of;
use super::{Error, Service};
use crate::access;
use crate::assignment::{AssignmentError, UnitHash};
use crate::endpoint::{Backend, Endpoint, ModelKey, ModelReference, Name, Sha256, Variant};
use crate::isolate::{Room, Served};
use crate::platform::Platform;
use crate::request::{Request, RequestError};

/// An endpoint or one of its variants, looked at.
#[derive(Debug)]
pub struct Inspected {
    /// The names of the endpoint's variants.
    pub variants: Vec<Name>,
    /// The model of the variant that was asked for, else of the first that has one; `None` of an origin.
    pub model: Option<Rc<Description>>,
    /// The one output that it answers with, where it is one.
    pub output: Option<String>,
}

/// What a model takes and gives, or why it cannot be had.
pub type Described = Result<Rc<Description>, Failure>;

/// A model's file, looked at by itself.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// How many they are.
    pub bytes: usize,
    /// What it takes and gives.
    pub description: Rc<Description>,
}

/// Who reads of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Is told what is wrong with a document.
    Administrator,
    /// Is told where it is wrong.
    Invoker,
}

impl<P: Platform> Service<'_, P> {
    /// As whom the request's sender may read of an endpoint.
    ///
    /// # Errors
    /// If it may neither invoke nor administer it, and descriptions are not for everybody.
    pub fn reader(&self, endpoint: &Endpoint, proof: &Request) -> Result<Reader, Error> {
        if self.allow_admin(proof).is_ok() {
            return Ok(Reader::Administrator);
        }
        if !self.isolate.open_descriptions {
            self.allow(endpoint, proof)?;
        }
        Ok(Reader::Invoker)
    }

    /// Whether who sent the request may invoke the endpoint.
    ///
    /// # Errors
    /// If not.
    pub fn allow(&self, endpoint: &Endpoint, proof: &Request) -> Result<(), Error> {
        Ok(access::allow(&*self.platform, endpoint.access(), proof)?)
    }

    /// Looks at an endpoint, or one of its variants, if the caller may invoke it.
    ///
    /// # Errors
    /// If there is no such endpoint or variant, or its model cannot be had.
    pub async fn inspect(
        &self,
        name: &Name,
        variant: Option<&str>,
        proof: &Request,
        refresh: &mut Vec<Name>,
    ) -> Result<Inspected, Error> {
        let served = self.look_up(name, refresh).await?;
        let endpoint = &served.endpoint;
        self.allow(endpoint, proof)?;
        let looked_at = match variant {
            Some(asked) => Some(find(endpoint, asked)?),
            None => endpoint.variants().iter().find(|variant| matches!(variant.backend, Backend::Model(_))),
        };
        let variants = endpoint.variants().iter().map(|variant| variant.name.clone()).collect();
        let Some(Variant { name, backend: Backend::Model(reference), .. }) = looked_at else {
            return Ok(Inspected { variants, model: None, output: None });
        };
        let model = self.describe(reference).await;
        let model = model.map_err(|failure| BackendError::Chosen(name.clone(), failure))?;
        Ok(Inspected { variants, model: Some(model), output: reference.output.clone() })
    }

    /// An endpoint and the unit of who asks, if that may invoke it.
    ///
    /// # Errors
    /// If not, or there is no such endpoint, or no unit.
    pub async fn unit(
        &self,
        name: &Name,
        unit: UnitIn<'_>,
        proof: &Request,
        refresh: &mut Vec<Name>,
    ) -> Result<(Rc<Endpoint>, UnitHash), Error> {
        let Served { endpoint, .. } = self.look_up(name, refresh).await?;
        self.allow(&endpoint, proof)?;
        if endpoint.stickiness().is_none() {
            return Err(RequestError::NoUnits.into());
        }
        let unit = unit_of(&endpoint, unit)?.ok_or(RequestError::UnitMissing)?;
        Ok((endpoint, unit))
    }

    /// What a model takes and gives. No hold is kept of its instance: those of all variants may not fit beside each other.
    async fn describe(&self, reference: &ModelReference) -> Described {
        Ok(Rc::clone(&self.model(reference, Room::Made).await?.description))
    }

    /// What the file under a key is, whether a document names it or not. It is loaded for this, and has to reproduce its check
    /// rows, where their key is given.
    ///
    /// # Errors
    /// If there is none, it cannot be run, or does not reproduce the rows.
    pub async fn model_file(&self, key: &ModelKey, check: Option<&ModelKey>) -> Result<ModelFile, Failure> {
        let (model, bytes) = self.model_under(key, check).await?;
        Ok(ModelFile { sha256: model.digest(), bytes, description: Rc::clone(&model.description) })
    }

    /// What the models of an endpoint's variants take and give, in order; `None` of an origin.
    pub async fn models(&self, endpoint: &Endpoint) -> Vec<Option<Described>> {
        let models = endpoint.variants().iter().map(|variant| async {
            match &variant.backend {
                Backend::Model(reference) => Some(self.describe(reference).await),
                Backend::Origin(_) => None,
            }
        });
        join_all(models).await
    }

    /// Whether the variant that is asked for can answer, else each that gets traffic. An origin is assumed ready.
    ///
    /// # Errors
    /// If there is no such endpoint or variant, or a model cannot be had.
    pub async fn ready_to_answer(
        &self,
        name: &Name,
        variant: Option<&str>,
        proof: &Request,
        refresh: &mut Vec<Name>,
    ) -> Result<(), Error> {
        let served = self.look_up(name, refresh).await?;
        let endpoint = &served.endpoint;
        self.allow(endpoint, proof)?;
        let asked: Vec<&Variant> = match variant {
            Some(asked) => vec![find(endpoint, asked)?],
            None => endpoint.variants().iter().filter(|variant| variant.weight.get() > 0.0).collect(),
        };
        let checks = join_all(asked.iter().map(|variant| async move {
            match &variant.backend {
                Backend::Model(reference) => {
                    self.describe(reference).await.map(|_| ()).map_err(|failure| (variant, failure))
                }
                Backend::Origin(_) => Ok(()),
            }
        }));
        match checks.await.into_iter().find_map(Result::err) {
            Some((variant, failure)) => Err(BackendError::Chosen(variant.name.clone(), failure).into()),
            None => Ok(()),
        }
    }
}

fn find<'e>(endpoint: &'e Endpoint, asked: &str) -> Result<&'e Variant, AssignmentError> {
    endpoint.variant(asked).ok_or_else(|| AssignmentError::UnknownTarget {
        asked: asked.chars().take(100).collect(),
        known: endpoint.known_names(),
    })
}

//! What `tract-onnx-opl` and `tract-extra` name of `tract-nnef`, in place of it. They tell it how their operators are read from
//! NNEF and written to it, which nobody asks for here; but as it registers itself before anything runs, all of it would be
//! linked, a fifteenth of the engine's WebAssembly. What only an import or an export could make cannot be made here
//! ([`Nothing`]), so that none of it can be called.

use std::collections::HashMap;
use std::marker::PhantomData;

pub use tract_core;
pub use tract_core::prelude::{tract_ndarray, tract_num_traits};

use tract_core::internal::*;

/// What tract's crates take at once.
pub mod internal {
    pub use tract_core::internal::*;

    pub use crate::framework::Nnef;
    pub use crate::ser::{invocation, logical, numeric, string};
    pub use crate::{
        Identifier, IntoAst, ModelBuilder, Parameter, RValue, Registry, ResolvedInvocation, TypeName, TypeSpec, Value,
    };
}

/// The framework.
pub mod framework {
    /// Would read and write models.
    #[derive(Debug)]
    pub struct Nnef {
        /// Operators that it would know.
        pub registries: Vec<crate::Registry>,
    }
}

/// Parts of what would be written.
pub mod ser {
    use std::fmt::Debug;

    use super::RValue;
    use tract_core::internal::{Arc, TDim};

    /// A number.
    pub fn numeric<D: Debug>(_: D) -> RValue {
        RValue
    }

    /// A truth value.
    pub fn logical(_: bool) -> RValue {
        RValue
    }

    /// A text.
    pub fn string(_: impl AsRef<str>) -> RValue {
        RValue
    }

    /// A list.
    pub fn array(_: impl AsRef<[RValue]>) -> RValue {
        RValue
    }

    /// Sizes.
    pub fn tdims(_: &[TDim]) -> RValue {
        RValue
    }

    /// An operator, with what it takes.
    pub fn invocation(_: impl AsRef<str>, _: &[Arc<RValue>], _: &[(&str, RValue)]) -> Arc<RValue> {
        Arc::new(RValue)
    }
}

/// There is none.
#[derive(Clone, Copy, Debug)]
pub enum Nothing {}

/// A name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identifier;

impl From<&str> for Identifier {
    fn from(_: &str) -> Self {
        Identifier
    }
}

/// An expression.
#[derive(Clone, Copy, Debug)]
pub struct RValue;

/// A value while a model is read.
#[derive(Clone, Copy, Debug)]
pub struct Value(Nothing);

/// The type of a parameter.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "NNEF's own names")]
pub enum TypeName {
    Integer,
    Scalar,
    Logical,
    String,
    Any,
}

/// The same, of lists and tensors as well.
#[derive(Clone, Copy, Debug)]
pub struct TypeSpec;

/// A parameter of an operator.
#[derive(Clone, Copy, Debug)]
pub struct Parameter;

impl TypeName {
    /// A tensor of it.
    pub fn tensor(self) -> TypeSpec {
        TypeSpec
    }

    /// A list of it.
    pub fn array(self) -> TypeSpec {
        TypeSpec
    }

    /// A parameter of that name.
    pub fn named(self, _: impl AsRef<str>) -> Parameter {
        Parameter
    }
}

impl TypeSpec {
    /// A parameter of that name.
    pub fn named(self, _: impl AsRef<str>) -> Parameter {
        Parameter
    }
}

impl Parameter {
    /// The same, with a default.
    pub fn default<T>(self, _: T) -> Parameter {
        Parameter
    }
}

/// Would know how operators are read and written.
#[derive(Clone, Copy, Debug)]
pub struct Registry;

/// How an operator would be read.
pub type ToTract = fn(&mut ModelBuilder, &ResolvedInvocation) -> TractResult<Value>;
/// How an operator would be written.
pub type FromTractWithOp<O> = fn(&mut IntoAst, &TypedNode, &O) -> TractResult<Option<Arc<RValue>>>;

impl Registry {
    /// One of that name.
    pub fn new(_: impl AsRef<str>) -> Registry {
        Registry
    }

    /// The same, with a description.
    pub fn with_doc(self, _: impl Into<String>) -> Registry {
        self
    }

    /// Would learn to write an operator.
    pub fn register_dumper<O: TypedOp>(&mut self, _: FromTractWithOp<O>) {}

    /// Would learn to read one.
    pub fn register_primitive(&mut self, _: impl AsRef<str>, _: &[Parameter], _: &[(&str, TypeSpec)], _: ToTract) {}
}

/// A model that is being written.
#[derive(Debug)]
pub struct IntoAst<'a> {
    /// The model.
    pub model: &'a TypedModel,
    /// What stands for its values.
    pub mapping: HashMap<OutletId, Arc<RValue>>,
    nothing: Nothing,
}

impl IntoAst<'_> {
    /// A constant.
    pub fn konst_variable(&mut self, _: impl AsRef<str>, _: &Arc<Tensor>) -> TractResult<Arc<RValue>> {
        match self.nothing {}
    }
}

/// A model that is being read.
#[derive(Debug)]
pub struct ModelBuilder<'a> {
    /// The model.
    pub model: TypedModel,
    nothing: Nothing,
    of: PhantomData<&'a ()>,
}

impl ModelBuilder<'_> {
    /// Adds an operator.
    pub fn wire(&mut self, _: impl Into<Box<dyn TypedOp>>, _: &[OutletId]) -> TractResult<Value> {
        match self.nothing {}
    }
}

/// An operator that is being read.
#[derive(Debug)]
pub struct ResolvedInvocation<'a> {
    /// Which.
    pub invocation: &'a Invocation,
    nothing: Nothing,
}

/// An operator, with what it takes.
#[derive(Debug)]
pub struct Invocation {
    /// Its name.
    pub id: Identifier,
}

impl ResolvedInvocation<'_> {
    /// An argument.
    pub fn named_arg_as<T>(&self, _: &mut ModelBuilder, _: &str) -> TractResult<T> {
        match self.nothing {}
    }

    /// One that may be left out.
    pub fn optional_named_arg_as<T>(&self, _: &mut ModelBuilder, _: &str) -> TractResult<Option<T>> {
        match self.nothing {}
    }

    /// The same.
    pub fn get_named_arg_as<T>(&self, _: &mut ModelBuilder, _: &str) -> TractResult<Option<T>> {
        match self.nothing {}
    }
}

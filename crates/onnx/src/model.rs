//! One model, whatever saved it: loading it, and running it on tables.

use std::borrow::Cow;

use turnout_tables::{Description, LoadOptions, OutputSignature, Outputs, RunError, Schema, Table};

use crate::archive;
use crate::boosters::{self, Booster, Kind};
use crate::engine::{Prepare, interpreter, plan};
use crate::error::LoadError;
use crate::graph::Graph;

/// A model, ready to run.
#[derive(Debug)]
pub struct Model(Form);

#[derive(Debug)]
enum Form {
    /// ONNX.
    Graph(Box<Graph>),
    /// As a booster's library saves it.
    Booster(Box<Booster>),
}

impl Model {
    /// Loads a model and prepares it for batches of any number of rows: ONNX, what XGBoost and LightGBM save, or a
    /// `model.tar.gz` with one of these.
    ///
    /// # Errors
    /// If it is none of these, has something that is not supported, or does not take batches of rows.
    pub fn load(file: &[u8]) -> Result<Model, LoadError> {
        Self::load_with(file, &LoadOptions::default())
    }

    /// The same, with shapes that the file leaves open, and within other limits than those by default. A file that is given
    /// away is dropped as soon as it has been parsed.
    ///
    /// # Errors
    /// As [`Model::load`] has them, or if a shape is none that its input may have.
    pub fn load_with<'a>(file: impl Into<Cow<'a, [u8]>>, options: &LoadOptions) -> Result<Model, LoadError> {
        Self::load_in(file.into(), options, &[interpreter, plan])
    }

    /// The same, of ONNX always by tract: what [`Model::load`] does with models that the interpreter does not know whole.
    ///
    /// # Errors
    /// As [`Model::load`] has them.
    pub fn load_in_tract(file: &[u8]) -> Result<Model, LoadError> {
        Self::load_in(file.into(), &LoadOptions::default(), &[plan])
    }

    fn load_in(file: Cow<'_, [u8]>, options: &LoadOptions, engines: &[Prepare]) -> Result<Model, LoadError> {
        let mut file = file;
        let mut kind = Kind::of(&file).checked()?;
        if kind == Kind::Gzip {
            file = Cow::Owned(archive::unpacked(&file)?);
            kind = Kind::of(&file).checked()?;
        }
        let form = match boosters::read(kind, &file) {
            Some(saved) => {
                drop(file);
                Form::Booster(Box::new(Booster::new(saved?, options)?))
            }
            None => Form::Graph(Box::new(Graph::load_in(file, options, engines)?)),
        };
        Ok(Model(form))
    }

    /// Whether it is run without tract.
    pub fn is_interpreted(&self) -> bool {
        match &self.0 {
            Form::Graph(graph) => graph.is_interpreted(),
            Form::Booster(_) => true,
        }
    }

    /// Whether each row is answered by itself, so that many are run in turns.
    pub fn is_run_in_turns(&self) -> bool {
        match &self.0 {
            Form::Graph(graph) => graph.is_run_in_turns(),
            Form::Booster(_) => true,
        }
    }

    /// What it takes and gives.
    pub fn description(&self) -> &Description {
        match &self.0 {
            Form::Graph(graph) => graph.description(),
            Form::Booster(booster) => booster.description(),
        }
    }

    /// What the model takes.
    pub fn schema(&self) -> &Schema {
        &self.description().schema
    }

    /// What the model answers.
    pub fn outputs(&self) -> &[OutputSignature] {
        &self.description().outputs
    }

    /// Runs all rows as one batch, or in a few where their intermediate values would not fit into memory and rows do not
    /// depend on each other. Answers all outputs, or the one of that name.
    ///
    /// # Errors
    /// If the model fails or has no such output, the table was not decoded for it, or has another number of rows than
    /// [`RowsRule::check`](turnout_tables::RowsRule::check) takes.
    pub fn run(&self, table: &Table, output: Option<&str>) -> Result<Outputs, RunError> {
        self.description().rows.check(table.rows())?;
        let outputs = match &self.0 {
            Form::Graph(graph) => graph.run(table)?,
            Form::Booster(booster) => booster.run(table)?,
        };
        match output {
            None => Ok(outputs),
            Some(name) => outputs.select(name).ok_or_else(|| self.description().no_such_output(name)),
        }
    }
}

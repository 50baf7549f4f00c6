//! Which columns are left out of what is kept of a body, by name.

use std::collections::HashSet;

use turnout_tables::Schema;

/// LeftOut that are left out, and what is known of the others.
pub(super) struct LeftOut<'a> {
    names: HashSet<String>,
    pub schema: Option<&'a Schema>,
    /// Whether each of the model's columns is left out; `None` where that cannot be told: there is no model, or a name is none
    /// of its inputs' and may be of a column in one that has several.
    pub marks: Option<Vec<bool>>,
}

/// Names that differ in case or spaces alone are the same: better one column too few than one too many.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

impl<'a> LeftOut<'a> {
    /// LeftOut of these names, of the model that has this schema.
    pub fn new(names: &[String], schema: Option<&'a Schema>) -> Self {
        let mut columns = LeftOut { names: names.iter().map(|name| folded(name)).collect(), schema, marks: None };
        columns.marks = schema.and_then(|schema| columns.marks_of(schema));
        columns
    }

    fn marks_of(&self, schema: &Schema) -> Option<Vec<bool>> {
        let inputs: HashSet<String> = schema.inputs().iter().map(|input| folded(&input.name)).collect();
        let is_open = schema.inputs().iter().any(|input| input.width() != 1 && !self.has(&input.name));
        if is_open && !self.names.is_subset(&inputs) {
            return None;
        }
        let marks = schema.inputs().iter().flat_map(|input| std::iter::repeat_n(self.has(&input.name), input.width()));
        Some(marks.collect())
    }

    /// Whether a column of that name is left out.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(&folded(name))
    }

    /// Whether each column under a header is left out. The names over a model's only input say nothing to the model, and
    /// its own may say more.
    pub fn marks_under<S: AsRef<str>>(&self, header: &[S]) -> Option<Vec<bool>> {
        let mut marks: Vec<bool> = header.iter().map(|name| self.has(name.as_ref())).collect();
        if let (Some(own), Some(1)) = (&self.marks, self.schema.map(|schema| schema.inputs().len())) {
            if own.len() != marks.len() {
                return None;
            }
            marks.iter_mut().zip(own).for_each(|(mark, own)| *mark |= own);
        }
        Some(marks)
    }
}

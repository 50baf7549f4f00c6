//! `application/json` as `{"instances": [...]}`, and `application/jsonlines` with an instance a line.
//!
//! An instance is a list of cells in the order of the columns, the same as `{"features": [...]}`, or an object with a
//! member for each input of the model: a cell, or a list where the input has several columns. Cells go straight into the
//! table: no tree of JSON values is built on the way.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use turnout_tables::{Datatype, Input, Schema, Table, Values};

use super::builder::{Builder, Cell, put, put_any_number};
use super::error::PayloadError;

/// Any body, at the pace that good errors take.
pub(super) fn decode(body: &[u8], schema: &Schema, most_rows: usize) -> Result<Table, PayloadError> {
    let mut reader = Reader::new(schema, most_rows);
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_any(Document(&mut reader)).and_then(|()| json.end());
    reader.check(read, PayloadError::Malformed)?;
    reader.table.finish()
}

pub(super) fn decode_lines(body: &[u8], schema: &Schema, most_rows: usize) -> Result<Table, PayloadError> {
    let mut reader = Reader::new(schema, most_rows);
    for (number, line) in body.split(|b| *b == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut json = serde_json::Deserializer::from_slice(line);
        let read = Instance(&mut reader).deserialize(&mut json).and_then(|()| json.end());
        reader.check(read, |problem| PayloadError::MalformedLine { line: number.saturating_add(1), problem })?;
    }
    reader.table.finish()
}

pub(super) fn count(body: &[u8]) -> Option<usize> {
    #[derive(serde::Deserialize)]
    struct Counted {
        instances: Vec<IgnoredAny>,
    }
    serde_json::from_slice(body).ok().map(|counted: Counted| counted.instances.len())
}

/// The table, and an error of ours that serde's error type could carry only as text.
struct Reader<'s> {
    table: Builder<'s>,
    error: Option<PayloadError>,
}

impl<'s> Reader<'s> {
    fn new(schema: &'s Schema, most_rows: usize) -> Self {
        Reader { table: Builder::new(schema, most_rows), error: None }
    }

    fn check(
        &mut self,
        read: serde_json::Result<()>,
        wrap: impl FnOnce(String) -> PayloadError,
    ) -> Result<(), PayloadError> {
        read.map_err(|error| self.error.take().unwrap_or_else(|| wrap(error.to_string())))
    }

    /// Hands an error of ours through serde.
    fn carry<E: serde::de::Error>(&mut self, result: Result<(), PayloadError>) -> Result<(), E> {
        result.map_err(|error| {
            let carried = E::custom(&error);
            self.error = Some(error);
            carried
        })
    }
}

/// `{"instances": [instance, ...]}`
struct Document<'a, 's>(&'a mut Reader<'s>);

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object {\"instances\": [...]}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(member) = members.next_key::<String>()? {
            match member.as_str() {
                "instances" if found => return Err(A::Error::custom("`instances` stands twice")),
                "instances" => members.next_value_seed(Instances(self.0))?,
                other => {
                    let other: String = other.chars().take(40).collect();
                    return Err(A::Error::custom(format!("unknown member `{other}`; send {{\"instances\": [...]}}")));
                }
            }
            found = true;
        }
        if found { Ok(()) } else { Err(A::Error::custom("`instances` is missing; send {\"instances\": [...]}")) }
    }
}

/// A seed that is its own visitor.
macro_rules! seed {
    ($seed:ident) => {
        impl<'de> DeserializeSeed<'de> for $seed<'_, '_> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_any(self)
            }
        }
    };
}

/// `[instance, ...]`
struct Instances<'a, 's>(&'a mut Reader<'s>);
seed!(Instances);

impl<'de> Visitor<'de> for Instances<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Instance(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// One row: `[cell, ...]`, `{"features": [cell, ...]}` or `{"input": cell, ...}`.
struct Instance<'a, 's>(&'a mut Reader<'s>);
seed!(Instance);

impl<'de> Visitor<'de> for Instance<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at row {}: a list of values, {{\"features\": [...]}}, or an object by column", self.0.table.row())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        Features(self.0).visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let row = self.0.table.row();
        let schema = self.0.table.schema();
        let mut filled = vec![false; schema.inputs().len()];
        let mut features = false;
        while let Some(member) = members.next_key::<String>()? {
            let named = schema.named(&member);
            let cut = || member.chars().take(40).collect::<String>();
            let Some((input, column, filled)) =
                named.and_then(|(input, column)| Some((schema.inputs().get(input)?, column, filled.get_mut(input)?)))
            else {
                if member == "features" && !features && !filled.contains(&true) {
                    members.next_value_seed(Features(&mut *self.0))?;
                    features = true;
                    continue;
                }
                let known =
                    schema.inputs().iter().take(20).map(|input| input.name.as_str()).collect::<Vec<_>>().join(", ");
                return self.0.carry(Err(PayloadError::UnknownColumn { row, column: cut(), known }));
            };
            if std::mem::replace(filled, true) || features {
                return self.0.carry(Err(PayloadError::RepeatedColumn { row, column: cut() }));
            }
            members.next_value_seed(Member { reader: &mut *self.0, input, column })?;
        }
        if features {
            return Ok(());
        }
        if let Some((_, input)) = filled.iter().zip(schema.inputs()).find(|(filled, _)| !**filled) {
            return self.0.carry(Err(PayloadError::MissingColumn { row, column: input.name.clone() }));
        }
        let ended = self.0.table.end_named_row();
        self.0.carry(ended)
    }
}

/// `[cell, ...]`: one row, in the order of the columns.
struct Features<'a, 's>(&'a mut Reader<'s>);
seed!(Features);

impl<'de> Visitor<'de> for Features<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at row {}: a list of values", self.0.table.row())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut column = 0usize;
        while items.next_element_seed(Next { reader: &mut *self.0, column })?.is_some() {
            column = column.saturating_add(1);
        }
        let ended = self.0.table.end_row();
        self.0.carry(ended)
    }
}

/// The value of an input: a cell, or a list of as many cells as it has columns.
struct Member<'a, 's> {
    reader: &'a mut Reader<'s>,
    input: &'s Input,
    /// Its first.
    column: usize,
}
seed!(Member);

impl Member<'_, '_> {
    fn put<E: serde::de::Error>(self, cell: Cell<'_>) -> Result<(), E> {
        if self.input.width() != 1 {
            return self.wrong_width(1);
        }
        let put = self.reader.table.put(self.column, cell);
        self.reader.carry(put)
    }

    fn wrong_width<E: serde::de::Error>(self, given: usize) -> Result<(), E> {
        let (row, column, expected) = (self.reader.table.row(), self.input.name.clone(), self.input.width());
        self.reader.carry(Err(PayloadError::InputWidth { row, column, given, expected }))
    }
}

/// A cell, where the next one of a row belongs.
struct Next<'a, 's> {
    reader: &'a mut Reader<'s>,
    column: usize,
}
seed!(Next);

impl Next<'_, '_> {
    fn put<E: serde::de::Error>(self, cell: Cell<'_>) -> Result<(), E> {
        let put = self.reader.table.push(cell);
        self.reader.carry(put)
    }

    fn column(&self) -> usize {
        self.column
    }
}

/// A cell of an input that has several columns.
struct Part<'a, 's> {
    reader: &'a mut Reader<'s>,
    column: usize,
}
seed!(Part);

impl Part<'_, '_> {
    fn put<E: serde::de::Error>(self, cell: Cell<'_>) -> Result<(), E> {
        let put = self.reader.table.put(self.column, cell);
        self.reader.carry(put)
    }

    fn column(&self) -> usize {
        self.column
    }
}

/// The methods of a visitor of cells, which `put` takes.
macro_rules! cells {
    () => {
        fn visit_f64<E: serde::de::Error>(self, x: f64) -> Result<(), E> {
            self.put(Cell::Number(x))
        }

        fn visit_i64<E: serde::de::Error>(self, x: i64) -> Result<(), E> {
            self.put(Cell::Integer(x))
        }

        fn visit_u64<E: serde::de::Error>(self, x: u64) -> Result<(), E> {
            self.put(i64::try_from(x).map_or(Cell::Number(x as f64), Cell::Integer))
        }

        fn visit_bool<E: serde::de::Error>(self, x: bool) -> Result<(), E> {
            self.put(Cell::Bool(x))
        }

        fn visit_str<E: serde::de::Error>(self, x: &str) -> Result<(), E> {
            self.put(Cell::Text(x))
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
            self.put(Cell::Missing)
        }
    };
}

/// Says where a cell stands that is none.
macro_rules! cell_visitor {
    ($seed:ident) => {
        impl<'de> Visitor<'de> for $seed<'_, '_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let table = &self.reader.table;
                write!(f, "at row {}, {}: a value", table.row(), table.schema().describe(self.column()))
            }

            cells!();
        }
    };
}

cell_visitor!(Next);
cell_visitor!(Part);

impl<'de> Visitor<'de> for Member<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.reader.table;
        write!(f, "at row {}, {}: a value or a list of values", table.row(), table.schema().describe(self.column))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let width = self.input.width();
        let mut given = 0usize;
        loop {
            let column = self.column.saturating_add(given);
            let more = if given < width {
                items.next_element_seed(Part { reader: &mut *self.reader, column })?.is_some()
            } else {
                items.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
            given = given.saturating_add(1);
        }
        if given == width { Ok(()) } else { self.wrong_width(given) }
    }

    cells!();
}

/// The values of a tensor of that shape, from a list in row-major order: flat, or nested as the shape is.
///
/// # Errors
/// If there are more or fewer values than the shape has, or one is not of the type. Values are counted from 1.
pub fn flat(datatype: Datatype, shape: &[usize], json: &str) -> Result<Values, String> {
    nested(datatype, shape, json, put)
}

/// The same, where a floating-point number may also be one that JSON has not: `"NaN"`, `"Infinity"` or `"-Infinity"`.
///
/// # Errors
/// As [`flat`] has them.
pub fn flat_of_any_numbers(datatype: Datatype, shape: &[usize], json: &str) -> Result<Values, String> {
    nested(datatype, shape, json, put_any_number)
}

/// Puts a cell behind values of a type.
type Put = fn(&mut Values, Datatype, Cell<'_>) -> Result<(), String>;

fn nested(datatype: Datatype, shape: &[usize], json: &str, put: Put) -> Result<Values, String> {
    let mut values = datatype.values();
    let mut error = None;
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let list = Nested { datatype, shape, put, values: &mut values, error: &mut error };
    match list.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
        // A value alone is a list of one.
        Ok(()) if shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size)) == Some(values.len()) => {
            Ok(values)
        }
        Ok(()) => Err("one value stands where a list belongs".to_owned()),
        Err(problem) => Err(error.unwrap_or_else(|| problem.to_string())),
    }
}

/// A list that is a part of a tensor, or a value at the end of its shape.
struct Nested<'a> {
    datatype: Datatype,
    /// Of this part.
    shape: &'a [usize],
    put: Put,
    values: &'a mut Values,
    /// An error of ours that serde's could carry only with a place in the text.
    error: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Nested<'_> {
    fn put<E: serde::de::Error>(self, cell: Cell<'_>) -> Result<(), E> {
        let number = self.values.len().saturating_add(1);
        (self.put)(self.values, self.datatype, cell).map_err(|problem| {
            *self.error = Some(format!("value {number}: {problem}"));
            E::custom("a value is wrong")
        })
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values, flat or nested as the shape is")
    }

    /// Its items are lists of the inner shape, or all the values that it holds.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((size, inner)) = self.shape.split_first() else {
            return Err(A::Error::custom("it is nested deeper than the shape"));
        };
        let before = self.values.len();
        let width = inner.iter().fold(1usize, |product, size| product.saturating_mul(*size));
        let expected = size.saturating_mul(width);
        loop {
            let part = Nested { shape: inner, values: &mut *self.values, error: &mut *self.error, ..self };
            if items.next_element_seed(part)?.is_none() {
                break;
            }
            if self.values.len().saturating_sub(before) > expected {
                return Err(A::Error::custom(format!("there are more values than the {expected} of its shape")));
            }
        }
        let given = self.values.len().saturating_sub(before);
        if given == expected {
            Ok(())
        } else {
            Err(A::Error::custom(format!("there are {given} values where its shape has {expected}")))
        }
    }

    cells!();
}

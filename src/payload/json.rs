//! `application/json` as `{"instances": [...]}`, and `application/jsonlines` with an instance a line.
//!
//! An instance is a list of cells in the order of the columns, the same as `{"features": [...]}`, or an object with a
//! member for each input of the model: a cell, or a list where the input has several columns. Cells go straight into the
//! table: no tree of JSON values is built on the way.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use turnout_tables::{Datatype, Input, Schema, Table, Values};

use super::builder::{Builder, Cell, order_of, put, put_any_number};
use super::error::{PayloadError, cut};
use super::lists::{ListsError, table_of_lists};
use crate::endpoint::distinct_members;

/// Any body, at the pace that good errors take.
pub(super) fn decode(body: &[u8], schema: &Schema, most_rows: usize) -> Result<Table, PayloadError> {
    let body = without_mark(body);
    let mut reader = Reader::new(schema, most_rows);
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_any(Document(&mut reader)).and_then(|columns| json.end().map(|()| columns));
    match reader.check(read, |error| PayloadError::Malformed(told(&error, body)))? {
        Some(columns) => columns.table(schema, most_rows),
        None => reader.table.finish(),
    }
}

pub(super) fn decode_lines(body: &[u8], schema: &Schema, most_rows: usize) -> Result<Table, PayloadError> {
    let mut reader = Reader::new(schema, most_rows);
    for (number, line) in without_mark(body).split(|b| *b == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let number = number.saturating_add(1);
        reader.table.set_line(number);
        let mut json = serde_json::Deserializer::from_slice(line);
        let read = Instance(&mut reader).deserialize(&mut json).and_then(|()| json.end());
        reader.check(read, |error| PayloadError::MalformedLine { line: number, problem: told(&error, line) })?;
    }
    reader.table.finish()
}

/// A body without the byte order mark that some put before it (RFC 8259, section 8.1: it may be passed over).
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// An error, with its place said once, and what is meant where a number is none of JSON's.
fn told(error: &serde_json::Error, json: &[u8]) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = text.strip_suffix(place.as_str()).unwrap_or(&text);
    // What names its row needs no other place.
    if error.is_data() {
        return said.to_owned();
    }
    let line = json.split(|b| *b == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let near = line.get(error.column().saturating_sub(3)..).unwrap_or_default();
    let near = near.get(..near.len().min(14)).unwrap_or_default();
    let is_near = |word: &str| near.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    let word = ["NaN", "Infinity"].into_iter().find(|word| is_near(word));
    let hint = word.map(|word| format!("; {word} is not JSON: send null for a number that is missing"));
    format!("{said} at line {} column {}{}", error.line(), error.column(), hint.unwrap_or_default())
}

/// How many rows a body holds, in whichever form.
pub(super) fn count(body: &[u8]) -> Option<usize> {
    #[derive(serde::Deserialize)]
    struct Counted<'a> {
        #[serde(borrow, alias = "inputs", alias = "dataframe_records")]
        instances: Option<&'a RawValue>,
        #[serde(borrow)]
        dataframe_split: Option<CountedSplit<'a>>,
    }
    #[derive(serde::Deserialize)]
    struct CountedSplit<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let items = |json: &RawValue| serde_json::from_str(json.get()).ok().map(|items: Vec<IgnoredAny>| items.len());
    let body = without_mark(body);
    if body.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice(body).ok().map(|items: Vec<IgnoredAny>| items.len());
    }
    let counted: Counted<'_> = serde_json::from_slice(body).ok()?;
    items(counted.instances.or(counted.dataframe_split.map(|split| split.data))?)
}

/// A list for each input, as TensorFlow Serving and MLflow take them: `{"inputs": {"age": [36, 40], ...}}`.
struct Columns<'a>(Vec<(String, &'a RawValue)>);

impl Columns<'_> {
    fn table(&self, schema: &Schema, most_rows: usize) -> Result<Table, PayloadError> {
        table_of_lists(&self.0, schema, most_rows, flat).map_err(|error| match error {
            ListsError::Input { name, problem } => PayloadError::Column { column: cut(&name), problem },
            ListsError::TooMany(most) => PayloadError::TooManyRows { most },
            ListsError::NoRows => PayloadError::Empty,
        })
    }
}

/// The table, and an error of ours that serde's error type could carry only as text.
struct Reader<'s> {
    table: Builder<'s>,
    error: Option<PayloadError>,
    /// Which column each cell of a list is of, where the body says so.
    order: Option<Vec<usize>>,
    /// Whether a row may have lists in its list, as an input has several dimensions.
    has_lists: bool,
}

impl<'s> Reader<'s> {
    fn new(schema: &'s Schema, most_rows: usize) -> Self {
        let has_lists = schema.inputs().iter().any(|input| input.row_shape.len() > 1);
        Reader { table: Builder::new(schema, most_rows), error: None, order: None, has_lists }
    }

    fn check<T>(
        &mut self,
        read: serde_json::Result<T>,
        wrap: impl FnOnce(serde_json::Error) -> PayloadError,
    ) -> Result<T, PayloadError> {
        read.map_err(|error| self.error.take().unwrap_or_else(|| wrap(error)))
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

/// A list of rows, alone or as the member of an object that says how they are written. Columns are given back, as they are
/// read once all of them are there.
struct Document<'a, 's>(&'a mut Reader<'s>);

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = Option<Columns<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object {\"instances\": [...]} or a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Instances(self.0).visit_seq(items).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found: Option<String> = None;
        let mut columns = None;
        while let Some(member) = members.next_key::<String>()? {
            if member == "signature_name" {
                // TensorFlow Serving's name of what a model does. A model here does one thing.
                match members.next_value::<Option<String>>()?.as_deref() {
                    None | Some("serving_default") => continue,
                    Some(other) => {
                        let other = cut(other);
                        let problem =
                            format!("there is no signature `{other}`; a model here has `serving_default` alone");
                        return Err(A::Error::custom(problem));
                    }
                }
            }
            if let Some(other) = &found {
                let problem =
                    if *other == member { "stands twice".to_owned() } else { format!("stands beside `{other}`") };
                return Err(A::Error::custom(format!("`{}` {problem}; send the rows once", cut(&member))));
            }
            match member.as_str() {
                "instances" | "dataframe_records" => members.next_value_seed(Instances(self.0))?,
                "inputs" => columns = members.next_value_seed(Inputs(self.0))?,
                "dataframe_split" => {
                    let split = members.next_value::<Split<'de>>()?;
                    let read = split.read(self.0);
                    self.0.carry(read)?;
                }
                other => {
                    let other = cut(other);
                    return Err(A::Error::custom(format!("unknown member `{other}`; send {{\"instances\": [...]}}")));
                }
            }
            found = Some(member);
        }
        match found {
            Some(_) => Ok(columns),
            None => Err(A::Error::custom("`instances` is missing; send {\"instances\": [...]}")),
        }
    }
}

/// What pandas' `to_dict(orient="split")` gives, as MLflow takes it. The index says nothing of the rows.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Split<'a> {
    /// Names, or numbers where they have none.
    columns: Option<Vec<Value>>,
    #[serde(default, rename = "index")]
    _index: IgnoredAny,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Split<'_> {
    fn read(&self, reader: &mut Reader<'_>) -> Result<(), PayloadError> {
        if let Some(names) = &self.columns {
            let names = names.iter().map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned));
            let names: Vec<String> = names.collect();
            reader.order = order_of(&names, reader.table.schema())?;
        }
        let mut json = serde_json::Deserializer::from_str(self.data.get());
        let read = Instances(&mut *reader).deserialize(&mut json);
        reader.check(read, |error| PayloadError::Malformed(told(&error, self.data.get().as_bytes())))
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

/// Rows as a list, or columns by name.
struct Inputs<'a, 's>(&'a mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for Inputs<'_, '_> {
    type Value = Option<Columns<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inputs<'_, '_> {
    type Value = Option<Columns<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows, or an object with a list for each input")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Instances(self.0).visit_seq(items).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let repeated = |name: &String| format!("`{}` stands twice", cut(name));
        let members = MapAccessDeserializer::new(members);
        Ok(Some(Columns(distinct_members(members, "an object with a list for each input", repeated)?)))
    }
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
        write!(f, "at {}: a list of values, {{\"features\": [...]}}, or an object by column", self.0.table.row())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        Features(self.0).visit_seq(items)
    }

    cells!();

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let row = self.0.table.row();
        let schema = self.0.table.schema();
        let mut filled = vec![false; schema.inputs().len()];
        let mut features = false;
        while let Some(member) = members.next_key::<String>()? {
            let named = schema.named(&member);
            let Some((input, column, filled)) =
                named.and_then(|(input, column)| Some((schema.inputs().get(input)?, column, filled.get_mut(input)?)))
            else {
                if matches!(member.as_str(), "features" | "data") && !features && !filled.contains(&true) {
                    members.next_value_seed(Wrapped(&mut *self.0))?;
                    features = true;
                    continue;
                }
                let known = schema.some_names();
                return self.0.carry(Err(PayloadError::UnknownColumn { row, column: cut(&member), known }));
            };
            if std::mem::replace(filled, true) || features {
                return self.0.carry(Err(PayloadError::RepeatedColumn { row, column: cut(&member) }));
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

impl Instance<'_, '_> {
    /// A value alone is a row of a model of one column.
    fn put<E: serde::de::Error>(self, cell: Cell<'_>) -> Result<(), E> {
        let table = &mut self.0.table;
        let width = table.schema().width();
        let put = if width == 1 {
            table.push(cell).and_then(|()| table.end_row())
        } else {
            Err(PayloadError::Bare { row: table.row(), width })
        };
        self.0.carry(put)
    }
}

/// `[cell, ...]`, or what AWS's forms put around it: `{"values": [...]}`, `{"features": {"values": [...]}}`.
struct Wrapped<'a, 's>(&'a mut Reader<'s>);
seed!(Wrapped);

impl<'de> Visitor<'de> for Wrapped<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: a list of values", self.0.table.row())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        Features(self.0).visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let row = self.0.table.row();
        let wrong = || {
            A::Error::custom(format!(
                "at {row}: {{\"features\": {{\"values\": [...]}}}} and nothing beside it is meant"
            ))
        };
        match members.next_key::<String>()?.as_deref() {
            Some("values") => members.next_value_seed(Features(&mut *self.0))?,
            Some("features") => members.next_value_seed(Wrapped(&mut *self.0))?,
            _ => return Err(wrong()),
        }
        if members.next_key::<IgnoredAny>()?.is_none() { Ok(()) } else { Err(wrong()) }
    }
}

/// `[cell, ...]`: one row, in the order of the columns, or in the one that the body names.
struct Features<'a, 's>(&'a mut Reader<'s>);
seed!(Features);

impl<'de> Visitor<'de> for Features<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: a list of values", self.0.table.row())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some(order) = self.0.order.take() else {
            while items.next_element_seed(Item::next(&mut *self.0))?.is_some() {}
            let ended = self.0.table.end_row();
            return self.0.carry(ended);
        };
        let mut given = 0usize;
        loop {
            // What is too much is put nowhere, and counted.
            let mut column = order.get(given).copied().unwrap_or(usize::MAX);
            let part = Item { reader: &mut *self.0, shape: &[], is_nested: false, column: Some(&mut column) };
            if items.next_element_seed(part)?.is_none() {
                break;
            }
            given = given.saturating_add(1);
        }
        let table = &mut self.0.table;
        let ended = if given == order.len() { table.end_named_row() } else { Err(table.wrong_width(given)) };
        self.0.order = Some(order);
        self.0.carry(ended)
    }
}

/// The value of an input: a cell, or a list of as many cells as it has columns, nested as its shape is or flat.
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

/// A cell, or a list that is a part of an input's shape.
struct Item<'a, 's> {
    reader: &'a mut Reader<'s>,
    /// Of the list, if it is one.
    shape: &'s [usize],
    /// Whether it stands in a list that follows the shape, so that it has to.
    is_nested: bool,
    /// Of the cell, or of the list's first; where there is none, it is the next of the row.
    column: Option<&'a mut usize>,
}
seed!(Item);

impl<'a, 's> Item<'a, 's> {
    /// The next of a row.
    fn next(reader: &'a mut Reader<'s>) -> Self {
        if !reader.has_lists {
            return Item { reader, shape: &[], is_nested: false, column: None };
        }
        let (schema, column) = (reader.table.schema(), reader.table.column());
        let input = schema.input_of(column).and_then(|input| schema.inputs().get(input));
        let shape = input.and_then(|input| input.row_shape.get(1..)).unwrap_or_default();
        // A list begins where one of its rows does.
        let size = shape.iter().fold(1usize, |product, size| product.saturating_mul(*size));
        let first = input.and_then(|input| schema.named(&input.name)).map_or(0, |(_, first)| first);
        let begins = column.saturating_sub(first).checked_rem(size) == Some(0);
        Item { reader, shape: if begins { shape } else { &[] }, is_nested: false, column: None }
    }

    fn put<E: serde::de::Error>(self, cell: Cell<'_>) -> Result<(), E> {
        let table = &mut self.reader.table;
        if self.is_nested && !self.shape.is_empty() {
            let problem = format!("a value stands where a list of the shape {:?} belongs", self.shape);
            let column = table.schema().describe(self.column.map_or(table.column(), |column| *column));
            return self.reader.carry(Err(PayloadError::Cell { row: self.reader.table.row(), column, problem }));
        }
        let put = match self.column {
            None => table.push(cell),
            Some(column) => {
                let put = table.put(*column, cell);
                *column = column.saturating_add(1);
                put
            }
        };
        self.reader.carry(put)
    }
}

impl<'de> Visitor<'de> for Item<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.reader.table;
        let column = self.column.as_deref().copied().unwrap_or(table.column());
        let what = if self.shape.is_empty() { "a value" } else { "a value, or a list as the input's shape has it" };
        write!(f, "at {}, {}: {what}", table.row(), table.schema().describe(column))
    }

    cells!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((size, inner)) = self.shape.split_first() else {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        };
        let Item { reader, mut column, .. } = self;
        let mut given = 0usize;
        loop {
            let column = column.as_deref_mut();
            let more = if given < *size {
                items.next_element_seed(Item { reader: &mut *reader, shape: inner, is_nested: true, column })?.is_some()
            } else {
                items.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
            given = given.saturating_add(1);
        }
        if given == *size {
            return Ok(());
        }
        let problem = format!("a list of {given} stands where the input's shape has {size}");
        let (row, at) = (reader.table.row(), column.map_or(reader.table.column(), |column| *column));
        let column = reader.table.schema().describe(at);
        reader.carry(Err(PayloadError::Cell { row, column, problem }))
    }
}

impl<'de> Visitor<'de> for Member<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.reader.table;
        write!(f, "at {}, {}: a value or a list of values", table.row(), table.schema().describe(self.column))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let end = self.column.saturating_add(self.input.width());
        let shape = self.input.row_shape.get(1..).unwrap_or_default();
        let mut column = self.column;
        loop {
            let more = if column < end {
                let part = Item { reader: &mut *self.reader, shape, is_nested: false, column: Some(&mut column) };
                items.next_element_seed(part)?.is_some()
            } else {
                let more = items.next_element::<IgnoredAny>()?.is_some();
                column = column.saturating_add(usize::from(more));
                more
            };
            if !more {
                break;
            }
        }
        if column == end {
            Ok(())
        } else {
            let given = column.saturating_sub(self.column);
            self.wrong_width(given)
        }
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

//! `application/json` as `{"instances": [...]}`, and `application/jsonlines` with an instance a line. An instance
//! is a list of numbers or `{"features": [...]}`. Numbers go straight into the table: no tree of JSON values is
//! built on the way.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{PayloadError, Rows, RowsBuilder};

pub(super) fn decode(body: &[u8]) -> Result<Rows, PayloadError> {
    let mut rows = Collector::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_any(Document(&mut rows)).and_then(|()| json.end());
    rows.finish(read, PayloadError::Malformed)
}

pub(super) fn decode_lines(body: &[u8]) -> Result<Rows, PayloadError> {
    let mut rows = Collector::default();
    for (number, line) in body.split(|b| *b == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut json = serde_json::Deserializer::from_slice(line);
        let read = Instance(&mut rows).deserialize(&mut json).and_then(|()| json.end());
        rows.check(read, |problem| PayloadError::MalformedLine { line: number.saturating_add(1), problem })?;
    }
    rows.rows.finish()
}

pub(super) fn count(body: &[u8]) -> Option<usize> {
    #[derive(serde::Deserialize)]
    struct Counted {
        instances: Vec<IgnoredAny>,
    }
    serde_json::from_slice(body).ok().map(|counted: Counted| counted.instances.len())
}

/// Rows, and an error of ours that serde's error type could carry only as text.
#[derive(Default)]
struct Collector {
    rows: RowsBuilder,
    error: Option<PayloadError>,
}

impl Collector {
    fn check(
        &mut self,
        read: serde_json::Result<()>,
        wrap: impl FnOnce(String) -> PayloadError,
    ) -> Result<(), PayloadError> {
        read.map_err(|error| self.error.take().unwrap_or_else(|| wrap(error.to_string())))
    }

    fn finish(
        mut self,
        read: serde_json::Result<()>,
        wrap: impl FnOnce(String) -> PayloadError,
    ) -> Result<Rows, PayloadError> {
        self.check(read, wrap)?;
        self.rows.finish()
    }

    fn row(&self) -> usize {
        self.rows.rows.saturating_add(1)
    }

    fn end_row<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.rows.end_row().map_err(|error| {
            let carried = E::custom(&error);
            self.error = Some(error);
            carried
        })
    }
}

/// `{"instances": [instance, ...]}`
struct Document<'a>(&'a mut Collector);

impl<'de> Visitor<'de> for Document<'_> {
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

/// `[instance, ...]`
struct Instances<'a>(&'a mut Collector);

impl<'de> DeserializeSeed<'de> for Instances<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Instances<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Instance(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// `[number, ...]` or `{"features": [number, ...]}`
struct Instance<'a>(&'a mut Collector);

impl<'de> DeserializeSeed<'de> for Instance<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Instance<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at row {}: a list of numbers or {{\"features\": [...]}}", self.0.row())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        Features(self.0).visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let row = self.0.row();
        let mut found = false;
        while let Some(member) = members.next_key::<String>()? {
            if member != "features" || found {
                let member: String = member.chars().take(40).collect();
                let what = if found { "stands twice or beside `features`" } else { "is unknown" };
                return Err(A::Error::custom(format!(
                    "row {row}: member `{member}` {what}; send {{\"features\": [...]}}"
                )));
            }
            members.next_value_seed(Features(&mut *self.0))?;
            found = true;
        }
        if found { Ok(()) } else { Err(A::Error::custom(format!("row {row}: `features` is missing"))) }
    }
}

/// `[number, ...]`: one row.
struct Features<'a>(&'a mut Collector);

impl<'de> DeserializeSeed<'de> for Features<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Features<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at row {}: a list of numbers", self.0.row())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let row = self.0.row();
        let mut column: usize = 1;
        while let Some(number) = items.next_element_seed(Number { row, column })? {
            self.0.rows.push(number);
            column = column.saturating_add(1);
        }
        self.0.end_row()
    }
}

/// One number of a row; it knows where it stands so that an error can say so.
struct Number {
    row: usize,
    column: usize,
}

impl<'de> DeserializeSeed<'de> for Number {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at row {}, column {}: a number", self.row, self.column)
    }

    fn visit_f64<E>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_i64<E>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_u64<E>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }
}

//! UBJSON, as far as XGBoost writes it, for [`serde`].
//!
//! What is in scope: all values of the format's draft 12 but the high-precision number, which XGBoost neither writes nor
//! reads. Typed arrays are read element by element into what the document has, so nothing is held twice. Nothing is made
//! larger than the bytes that are there, and nesting is bounded.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// Lists and objects within each other: XGBoost has seven.
const MOST_DEPTH: u32 = 64;

/// Why bytes are no such file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is cut off.
    #[error("it ends too early")]
    End,
    /// A byte is none that may be there.
    #[error("the byte {byte:#04x} at {at} is no type that XGBoost writes")]
    Marker {
        /// Which.
        byte: u8,
        /// Where.
        at: usize,
    },
    /// A length is none.
    #[error("the length at {0} is none")]
    Length(usize),
    /// A text is no UTF-8.
    #[error("the text at {0} is not UTF-8")]
    Text(usize),
    /// Lists in lists in lists.
    #[error("it is nested too deeply")]
    Depth,
    /// More follows.
    #[error("bytes follow behind its end, at {0}")]
    Rest(usize),
    /// It is not what the document has there.
    #[error("{0}")]
    Other(String),
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error::Other(message.to_string().chars().take(300).collect())
    }
}

/// Reads a whole file.
///
/// # Errors
/// If it is none, or not of that form.
pub fn from_slice<'de, T: de::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    let mut reader = Reader { bytes, at: 0, depth: 0 };
    let value = T::deserialize(&mut reader)?;
    if reader.at == bytes.len() { Ok(value) } else { Err(Error::Rest(reader.at)) }
}

struct Reader<'de> {
    bytes: &'de [u8],
    at: usize,
    depth: u32,
}

impl<'de> Reader<'de> {
    fn take(&mut self, count: usize) -> Result<&'de [u8], Error> {
        let end = self.at.checked_add(count).ok_or(Error::End)?;
        let taken = self.bytes.get(self.at..end).ok_or(Error::End)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.first_chunk().copied().ok_or(Error::End)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
    }

    fn peek(&self) -> Result<u8, Error> {
        self.bytes.get(self.at).copied().ok_or(Error::End)
    }

    /// Passes over a byte if it is there.
    fn passes(&mut self, byte: u8) -> Result<bool, Error> {
        let is_there = self.peek()? == byte;
        if is_there {
            self.byte()?;
        }
        Ok(is_there)
    }

    fn marker(&self, byte: u8) -> Error {
        Error::Marker { byte, at: self.at.saturating_sub(1) }
    }

    /// An integer of that type; `None` if the type is another.
    fn integer(&mut self, marker: u8) -> Result<Option<i64>, Error> {
        Ok(Some(match marker {
            b'i' => i8::from_be_bytes(self.array()?).into(),
            b'U' => u8::from_be_bytes(self.array()?).into(),
            b'I' => i16::from_be_bytes(self.array()?).into(),
            b'l' => i32::from_be_bytes(self.array()?).into(),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Ok(None),
        }))
    }

    /// A number of elements or bytes.
    fn length(&mut self) -> Result<usize, Error> {
        let at = self.at;
        let marker = self.byte()?;
        let length = self.integer(marker)?.ok_or(Error::Length(at))?;
        usize::try_from(length).map_err(|_| Error::Length(at))
    }

    fn text(&mut self) -> Result<&'de str, Error> {
        let length = self.length()?;
        let at = self.at;
        std::str::from_utf8(self.take(length)?).map_err(|_| Error::Text(at))
    }

    /// What the members or elements of a list or object are announced to be.
    fn announced(&mut self) -> Result<Announced, Error> {
        let mut announced = Announced::default();
        if self.passes(b'$')? {
            let element = self.byte()?;
            // One without bytes would be there as often as a length says.
            if matches!(element, b'Z' | b'N' | b'T' | b'F') {
                return Err(self.marker(element));
            }
            announced.element = Some(element);
            if self.peek()? != b'#' {
                return Err(Error::Length(self.at));
            }
        }
        if self.passes(b'#')? {
            announced.left = Some(self.length()?);
        }
        Ok(announced)
    }

    /// The value whose type is that.
    fn value<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, Error> {
        if let Some(integer) = self.integer(marker)? {
            return match u64::try_from(integer) {
                Ok(integer) => visitor.visit_u64(integer),
                Err(_) => visitor.visit_i64(integer),
            };
        }
        match marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f32(f32::from_be_bytes(self.array()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(self.array()?)),
            b'S' => visitor.visit_borrowed_str(self.text()?),
            b'C' => visitor.visit_char(self.byte()?.into()),
            b'[' | b'{' => {
                if self.depth >= MOST_DEPTH {
                    return Err(Error::Depth);
                }
                self.depth = self.depth.saturating_add(1);
                let announced = self.announced()?;
                let mut members = Members { reader: self, announced };
                let value = if marker == b'[' {
                    let value = visitor.visit_seq(&mut members)?;
                    members.end(b']')?;
                    value
                } else {
                    let value = visitor.visit_map(&mut members)?;
                    members.end(b'}')?;
                    value
                };
                self.depth = self.depth.saturating_sub(1);
                Ok(value)
            }
            other => Err(self.marker(other)),
        }
    }
}

/// How many members there are left, where their number is said, and of what type all of them are.
#[derive(Default)]
struct Announced {
    element: Option<u8>,
    left: Option<usize>,
}

/// A list or an object that is being read.
struct Members<'a, 'de> {
    reader: &'a mut Reader<'de>,
    announced: Announced,
}

impl<'de> Members<'_, 'de> {
    /// Whether another member follows. One that is announced is counted.
    fn follows(&mut self, end: u8) -> Result<bool, Error> {
        match &mut self.announced.left {
            None => Ok(self.reader.peek()? != end),
            Some(0) => Ok(false),
            Some(left) => {
                *left = left.saturating_sub(1);
                Ok(true)
            }
        }
    }

    /// Passes over the end, behind the last member.
    fn end(&mut self, end: u8) -> Result<(), Error> {
        match self.announced.left {
            None => match self.reader.byte()? {
                byte if byte == end => Ok(()),
                byte => Err(self.reader.marker(byte)),
            },
            Some(0) => Ok(()),
            Some(_) => Err(Error::Length(self.reader.at)),
        }
    }

    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let marker = match self.announced.element {
            Some(marker) => marker,
            None => self.reader.byte()?,
        };
        seed.deserialize(Element { reader: self.reader, marker })
    }
}

impl<'de> SeqAccess<'de> for &mut Members<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.follows(b']')? { self.next(seed).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        // What is said may be wrong; each element has a byte at least.
        self.announced.left.map(|left| left.min(self.reader.bytes.len().saturating_sub(self.reader.at)))
    }
}

impl<'de> MapAccess<'de> for &mut Members<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if !self.follows(b'}')? {
            return Ok(None);
        }
        let name = self.reader.text()?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.next(seed)
    }
}

/// A value whose type is known.
struct Element<'a, 'de> {
    reader: &'a mut Reader<'de>,
    marker: u8,
}

impl<'de> de::Deserializer<'de> for Element<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.reader.value(self.marker, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.marker == b'Z' { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let marker = self.byte()?;
        self.value(marker, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.passes(b'Z')? { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Found {
        numbers: Vec<f32>,
        places: Vec<i64>,
        name: Option<String>,
    }

    /// A name, as the key of a member.
    fn key(name: &str) -> Vec<u8> {
        [&b"L"[..], &(name.len() as u64).to_be_bytes(), name.as_bytes()].concat()
    }

    fn document() -> Vec<u8> {
        let numbers = [&b"[$d#L"[..], &2u64.to_be_bytes(), &1.5f32.to_be_bytes(), &f32::NAN.to_be_bytes()].concat();
        let unknown = b"{i\x01a[[Z]TF]}".to_vec();
        let places = b"[i\xffU\x02I\x01\x00]".to_vec();
        let name = [&b"S"[..], &key("x")].concat();
        let members =
            [key("numbers"), numbers, key("other"), unknown, key("places"), places, key("name"), name].concat();
        [&b"{"[..], &members, b"}"].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        let found: Found = from_slice(&document()).unwrap();
        assert_eq!((found.places, found.name.as_deref()), (vec![-1, 2, 256], Some("x")));
        let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found.numbers), bits(&[1.5, f32::NAN]));
    }

    #[test]
    fn what_is_cut_short_or_goes_on_is_refused() {
        let whole = document();
        for end in 0..whole.len() {
            assert!(from_slice::<Found>(whole.get(..end).unwrap()).is_err(), "{end}");
        }
        let longer = [&whole[..], b"Z"].concat();
        assert!(matches!(from_slice::<Found>(&longer), Err(Error::Rest(_))));
    }

    #[test]
    fn lengths_and_depths_are_bounded() {
        let long = [&b"[$d#L"[..], &i64::MAX.to_be_bytes()].concat();
        assert!(matches!(from_slice::<Vec<f32>>(&long), Err(Error::End)));
        let negative = [&b"[$d#L"[..], &(-1i64).to_be_bytes()].concat();
        assert!(matches!(from_slice::<Vec<f32>>(&negative), Err(Error::Length(_))));
        let empty = [&b"[$Z#L"[..], &i64::MAX.to_be_bytes()].concat();
        assert!(matches!(from_slice::<de::IgnoredAny>(&empty), Err(Error::Marker { byte: b'Z', .. })));
        let deep = vec![b'['; 1 << 20];
        assert!(matches!(from_slice::<de::IgnoredAny>(&deep), Err(Error::Depth)));
    }
}

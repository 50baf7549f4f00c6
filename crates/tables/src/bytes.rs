//! Flat bytes, written and read: little endian, without padding. Lengths stand before what they count.

use super::datatype::Datatype;
use super::values::Values;

/// Bytes that are being written.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Nothing so far, with room for so many.
    pub fn with_capacity(bytes: usize) -> Self {
        Writer(Vec::with_capacity(bytes))
    }

    /// All that was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// As it is, without its length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    /// A length or a place. What does not fit into 32 bits is in no WebAssembly memory either; whoever reads it will find
    /// the message too short.
    pub fn count(&mut self, count: usize) {
        self.raw(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    pub fn sizes(&mut self, sizes: &[usize]) {
        self.count(sizes.len());
        sizes.iter().for_each(|size| self.number(*size as u64));
    }

    pub fn values(&mut self, values: &Values) {
        self.count(values.len());
        match values {
            Values::F32(values) => self.each(values, f32::to_le_bytes),
            Values::F64(values) => self.each(values, f64::to_le_bytes),
            Values::I64(values) => self.each(values, i64::to_le_bytes),
            Values::Bool(values) => self.0.extend(values.iter().map(|value| u8::from(*value))),
            Values::Text(values) => values.iter().for_each(|text| self.text(text)),
        }
    }

    fn each<T: Copy, const N: usize>(&mut self, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
        let start = self.0.len();
        // Room first, so that the loop is a plain copy.
        self.0.resize(start.saturating_add(values.len().saturating_mul(N)), 0);
        let (places, _) = self.0.get_mut(start..).unwrap_or_default().as_chunks_mut::<N>();
        for (place, value) in places.iter_mut().zip(values) {
            *place = bytes(*value);
        }
    }
}

/// How many bytes [`Writer::values`] writes.
pub fn bytes_of(values: &Values) -> usize {
    let bytes = match values {
        Values::F32(values) => values.len().saturating_mul(4),
        Values::F64(values) => values.len().saturating_mul(8),
        Values::I64(values) => values.len().saturating_mul(8),
        Values::Bool(values) => values.len(),
        Values::Text(values) => values.iter().map(|text| text.len().saturating_add(4)).fold(0, usize::saturating_add),
    };
    bytes.saturating_add(4)
}

/// Bytes that are being read. All is `None` from where they are not as they should be.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub fn raw(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub fn sizes(&mut self) -> Option<Vec<usize>> {
        self.several(Self::size)
    }

    pub fn count(&mut self) -> Option<usize> {
        self.array().map(u32::from_le_bytes).and_then(|count| usize::try_from(count).ok())
    }

    /// Several things, each of a byte at least, so that a length that is wrong makes nothing large.
    pub fn several<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count().filter(|count| *count <= self.0.len())?;
        (0..count).map(|_| read(self)).collect()
    }

    pub fn text(&mut self) -> Option<String> {
        let bytes = self.count()?;
        std::str::from_utf8(self.raw(bytes)?).ok().map(str::to_owned)
    }

    /// Values, of the kind that holds those of that type.
    pub fn values(&mut self, datatype: Datatype) -> Option<Values> {
        Some(match datatype.values() {
            Values::F32(_) => Values::F32(self.each(f32::from_le_bytes)?),
            Values::F64(_) => Values::F64(self.each(f64::from_le_bytes)?),
            Values::I64(_) => Values::I64(self.each(i64::from_le_bytes)?),
            Values::Bool(_) => Values::Bool(self.each(|[byte]| byte != 0)?),
            Values::Text(_) => Values::Text(self.several(Self::text)?),
        })
    }

    fn each<T, const N: usize>(&mut self, value: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
        let bytes = self.count()?.checked_mul(N)?;
        let (chunks, _) = self.raw(bytes)?.as_chunks::<N>();
        Some(chunks.iter().map(|chunk| value(*chunk)).collect())
    }
}

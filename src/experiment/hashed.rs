//! Ids, as short as tables need them.

use crate::endpoint::Sha256;

/// 80 bits of an id's hash: the first 48, and the next 32.
pub fn hashed(id: &str) -> (u64, u64) {
    let first = Sha256::of(id.as_bytes()).as_bytes().first_chunk().map_or(0, |first| u128::from_be_bytes(*first));
    ((first >> 80) as u64, (first >> 48) as u64 & 0xffff_ffff)
}

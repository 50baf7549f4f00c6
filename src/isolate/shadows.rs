//! How much an isolate does for shadows at once. What is beyond it is not done, and told.

use std::cell::RefCell;

/// Who is being asked as well.
#[derive(Debug, Default)]
pub struct Shadows {
    number: u64,
    asked: Vec<Asking>,
}

#[derive(Debug)]
struct Asking {
    number: u64,
    began_ms: f64,
    bytes: usize,
}

/// Leave to ask shadows about one request. It ends when it is dropped.
#[derive(Debug)]
pub struct Leave<'a> {
    shadows: &'a RefCell<Shadows>,
    number: u64,
}

impl Shadows {
    /// The most requests that shadows are asked about at once.
    const MOST: usize = 16;
    /// The most bytes that the bodies of these requests have together.
    const MOST_BYTES: usize = 8 << 20;
    /// What is done after a response ends after 30 s, and what ended so has given nothing back.
    const LIMIT_MS: f64 = 35_000.0;

    /// Leave to ask about a request with a body of so many bytes; `None` where too much is asked already.
    pub fn begin(shadows: &RefCell<Self>, bytes: usize, now_ms: f64) -> Option<Leave<'_>> {
        let mut kept = shadows.borrow_mut();
        kept.asked.retain(|asking| now_ms - asking.began_ms < Self::LIMIT_MS);
        let all = kept.asked.iter().map(|asking| asking.bytes).fold(bytes, usize::saturating_add);
        if kept.asked.len() >= Self::MOST || all > Self::MOST_BYTES {
            return None;
        }
        kept.number = kept.number.wrapping_add(1);
        let number = kept.number;
        kept.asked.push(Asking { number, began_ms: now_ms, bytes });
        Some(Leave { shadows, number })
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if let Ok(mut kept) = self.shadows.try_borrow_mut() {
            kept.asked.retain(|asking| asking.number != self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_at_once_is_bounded_in_number_and_bytes() {
        let shadows = RefCell::default();
        let mut held: Vec<_> = (0..16).map(|_| Shadows::begin(&shadows, 1 << 10, 0.0)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(Shadows::begin(&shadows, 1, 0.0).is_none());
        held.pop();
        assert!(Shadows::begin(&shadows, 8 << 20, 0.0).is_none(), "too many bytes");
        held.push(Shadows::begin(&shadows, 1 << 20, 0.0));
        // What the platform has ended without a word is forgotten.
        assert!(Shadows::begin(&shadows, 1, 34_999.0).is_none());
        assert!(Shadows::begin(&shadows, 1, 35_000.0).is_some());
    }
}

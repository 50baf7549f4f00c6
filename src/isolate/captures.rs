//! Captured lines of this isolate, in batches, until they are in the bucket.
//!
//! A batch is an object of the bucket: lines of one endpoint, variant and hour. It is written once it is old or large enough,
//! and again under the same key if that fails. Whatever is down, the memory that this takes is bounded: lines for which there
//! is no room are dropped, and so are batches that could not be written for some time.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::endpoint::Name;

/// Batches that are gathered, or wait to be written.
#[derive(Debug, Default)]
pub struct Captures {
    /// One for each place, to which lines are added.
    open: HashMap<Place, Batch>,
    /// Those that have no room for more, or have failed.
    ready: Vec<Rc<Batch>>,
    /// Those that somebody is writing, unless the platform has ended that.
    flying: Vec<Rc<Batch>>,
    /// Bytes of all batches.
    bytes: usize,
    /// When somebody began to send them, in milliseconds of the platform's clock.
    sending_since_ms: Option<f64>,
}

/// Where a line goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The endpoint.
    pub endpoint: Name,
    /// What the keys of the endpoint's objects, of the variant and of the hour begin with.
    pub prefix: String,
}

/// Lines that are one object.
#[derive(Debug)]
pub struct Batch {
    /// Where they go.
    pub place: Place,
    /// The lines.
    pub lines: Vec<u8>,
    /// How many they are.
    pub count: u64,
    /// When the first request came in.
    pub first_ms: f64,
    /// The object's key, once somebody has begun to write it.
    pub key: OnceCell<String>,
    /// When it is to be written, in milliseconds of the platform's clock.
    due_ms: Cell<f64>,
    failures: Cell<i32>,
}

impl Captures {
    /// From this size on, a batch is written at once. What is in hand may be three times as much as its lines.
    const BATCH_BYTES: usize = 1 << 20;
    /// So long lines are gathered.
    pub const GATHER_MS: f64 = 5_000.0;
    /// The most bytes of lines in all.
    const MOST_BYTES: usize = 8 << 20;
    /// So often a batch is tried.
    const MOST_TRIES: i32 = 5;
    /// The first wait after a failure; each is twice the one before.
    const WAIT_MS: f64 = 1_000.0;
    /// Work after a response ends after 30 s; whoever began to send by then has ended.
    const SENDING_LIMIT_MS: f64 = 35_000.0;

    /// Adds a line; `false` where there is no room. `time_ms` is when its request came in.
    pub fn add(&mut self, place: Place, line: &str, time_ms: f64, now_ms: f64) -> bool {
        let bytes = self.bytes.saturating_add(line.len());
        if bytes > Self::MOST_BYTES {
            return false;
        }
        self.bytes = bytes;
        let batch = self.open.entry(place.clone()).or_insert_with(|| Batch {
            place,
            lines: Vec::new(),
            count: 0,
            first_ms: time_ms,
            key: OnceCell::new(),
            due_ms: Cell::new(now_ms + Self::GATHER_MS),
            failures: Cell::new(0),
        });
        batch.lines.extend_from_slice(line.as_bytes());
        batch.count = batch.count.saturating_add(1);
        if batch.lines.len() >= Self::BATCH_BYTES {
            let full = batch.place.clone();
            self.close(&full, now_ms);
        }
        true
    }

    /// Whether nothing waits to be written.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.ready.is_empty() && self.flying.is_empty()
    }

    /// Whether who asks is to write what there is, as nobody does.
    pub fn begin_sending(&mut self, now_ms: f64) -> bool {
        let is_sent = self.sending_since_ms.is_some_and(|since| now_ms - since < Self::SENDING_LIMIT_MS);
        if is_sent || self.is_empty() {
            return false;
        }
        self.sending_since_ms = Some(now_ms);
        // Whoever wrote these has ended without a word. Under the same keys they do not stand there twice.
        self.ready.append(&mut self.flying);
        true
    }

    /// Nobody writes them any more.
    pub fn end_sending(&mut self) {
        self.sending_since_ms = None;
    }

    /// Takes batches that are due, so many at most; those that are gathered as well, where `all` are wanted.
    pub fn take_due(&mut self, now_ms: f64, most: usize, all: bool) -> Vec<Rc<Batch>> {
        let is_old = |batch: &&Batch| all || batch.due_ms.get() <= now_ms;
        let old: Vec<Place> = self.open.values().filter(is_old).map(|batch| batch.place.clone()).collect();
        for place in old {
            self.close(&place, now_ms);
        }
        let (mut due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ready).into_iter().partition(|batch| batch.due_ms.get() <= now_ms);
        self.ready = waiting;
        self.ready.extend(due.split_off(due.len().min(most)));
        self.flying.extend_from_slice(&due);
        due
    }

    /// Adds no more lines to a batch.
    fn close(&mut self, place: &Place, now_ms: f64) {
        if let Some(batch) = self.open.remove(place) {
            batch.due_ms.set(now_ms);
            self.ready.push(Rc::new(batch));
        }
    }

    /// A batch has been written.
    pub fn written(&mut self, batch: &Rc<Batch>) {
        if self.land(batch) {
            self.bytes = self.bytes.saturating_sub(batch.lines.len());
        }
    }

    /// A batch could not be written: it is tried again later, and dropped, which the answer says, after the last try.
    pub fn failed(&mut self, batch: &Rc<Batch>, now_ms: f64) -> bool {
        if !self.land(batch) {
            return false;
        }
        let failures = batch.failures.get();
        batch.failures.set(failures.saturating_add(1));
        if batch.failures.get() >= Self::MOST_TRIES {
            self.bytes = self.bytes.saturating_sub(batch.lines.len());
            return true;
        }
        batch.due_ms.set(now_ms + Self::WAIT_MS * f64::from(failures).exp2());
        self.ready.push(Rc::clone(batch));
        false
    }

    /// Whether a batch was on its way, which has ended.
    fn land(&mut self, batch: &Rc<Batch>) -> bool {
        let at = self.flying.iter().position(|flying| Rc::ptr_eq(flying, batch));
        at.map(|at| self.flying.swap_remove(at)).is_some()
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn place(variant: &str) -> Place {
        Place { endpoint: Name::try_from("e").unwrap(), prefix: format!("e/{variant}/2026/11/29/18/") }
    }

    #[test]
    fn lines_are_gathered_by_place_for_five_seconds() {
        let mut captures = Captures::default();
        assert!(!captures.begin_sending(0.0) && captures.is_empty());
        assert!(captures.add(place("a"), "1\n", 10.0, 100.0) && captures.add(place("b"), "2\n", 20.0, 1_000.0));
        assert!(captures.add(place("a"), "3\n", 30.0, 4_000.0));
        assert!(captures.begin_sending(100.0) && !captures.begin_sending(35_099.0) && captures.begin_sending(35_100.0));
        captures.end_sending();
        assert!(captures.take_due(5_099.0, 9, false).is_empty());
        let due = captures.take_due(5_100.0, 9, false);
        assert_eq!(
            (due.len(), due[0].lines.as_slice(), due[0].count, due[0].first_ms),
            (1, b"1\n3\n".as_slice(), 2, 10.0)
        );
        // At the end nothing is left behind.
        let rest = captures.take_due(5_100.0, 9, true);
        assert_eq!(rest.len(), 1);
        due.iter().chain(&rest).for_each(|batch| captures.written(batch));
        assert!(captures.is_empty() && !captures.begin_sending(90_000.0));
    }

    #[test]
    fn a_large_batch_is_due_at_once_and_no_more_than_asked_for_are_given() {
        let mut captures = Captures::default();
        let line = "x".repeat(600_000);
        for _ in 0..4 {
            assert!(captures.add(place("a"), &line, 0.0, 0.0));
        }
        assert_eq!(captures.take_due(0.0, 1, false).len(), 1);
        let next = captures.take_due(0.0, 9, false);
        assert_eq!((next.len(), next[0].lines.len()), (1, 1_200_000));
    }

    #[test]
    fn what_somebody_began_to_write_who_has_ended_is_written_again() {
        let mut captures = Captures::default();
        captures.add(place("a"), "1\n", 0.0, 0.0);
        assert!(captures.begin_sending(0.0));
        let lost = captures.take_due(5_000.0, 9, false);
        lost[0].key.set("key".to_owned()).unwrap();
        assert!(!captures.begin_sending(34_000.0) && captures.begin_sending(35_000.0));
        let again = captures.take_due(35_000.0, 9, false);
        assert_eq!(again[0].key.get().unwrap(), "key");
        captures.written(&again[0]);
        // The first one comes late: what is over is over.
        captures.written(&lost[0]);
        assert!(!captures.failed(&lost[0], 36_000.0) && captures.is_empty() && captures.bytes == 0);
    }

    #[test]
    fn memory_is_bounded_until_a_batch_is_written_or_dropped() {
        let mut captures = Captures::default();
        let line = "x".repeat(1 << 20);
        let added = (0..20).filter(|_| captures.add(place("a"), &line, 0.0, 0.0)).count();
        assert_eq!(added, 8);
        let mut batches = captures.take_due(0.0, 9, true);
        assert!(batches.len() == 8 && !captures.add(place("a"), "1\n", 0.0, 0.0), "those on their way count");
        captures.written(&batches.pop().unwrap());
        assert!(captures.add(place("a"), "1\n", 0.0, 0.0));
        batches.extend(captures.take_due(0.0, 9, true));
        let mut failing = batches.swap_remove(0);
        let mut waits = Vec::new();
        let mut now_ms = 0.0;
        while !captures.failed(&failing, now_ms) {
            let before_ms = now_ms;
            failing = loop {
                now_ms += 500.0;
                if let Some(batch) = captures.take_due(now_ms, 1, true).pop() {
                    break batch;
                }
            };
            waits.push(now_ms - before_ms);
        }
        assert_eq!(waits, [1_000.0, 2_000.0, 4_000.0, 8_000.0]);
        batches.iter().for_each(|batch| captures.written(batch));
        assert!(captures.is_empty() && captures.bytes == 0);
    }
}

//! Sums of this isolate's records, until the endpoints' experiments have acknowledged them.
//!
//! Messages to an experiment are numbered, and the next is not sent before the last is acknowledged. Whatever is down, the memory
//! that this takes is bounded: sums for which there is no room are dropped, and how many requests they were is told.

use std::collections::{HashMap, HashSet};

use crate::endpoint::Name;
use crate::experiment::{Counted, Newest, Share, Sums, Tally, unit_number};

/// Sums by endpoint.
#[derive(Debug, Default)]
pub struct Tallies {
    endpoints: HashMap<Name, Pending>,
    /// When somebody began to send them, in milliseconds of the platform's clock.
    sending_since_ms: Option<f64>,
    /// How many sums are kept, of all endpoints together.
    kept: usize,
}

/// An endpoint's.
#[derive(Debug)]
struct Pending {
    sums: HashMap<Counted, Sums>,
    units: Vec<(String, String, String)>,
    lost: u64,
    /// The message that is on its way, or was lost on it.
    sent: Option<Tally>,
    sequence: u64,
    /// Units that have been sent, by their number, of this revision.
    known: (String, HashSet<u64>),
    units_below: u64,
}

impl Default for Pending {
    fn default() -> Self {
        Pending {
            sums: HashMap::new(),
            units: Vec::new(),
            lost: 0,
            sent: None,
            sequence: 0,
            known: Default::default(),
            units_below: u64::MAX,
        }
    }
}

/// A unit whose variant was chosen by its hash.
#[derive(Clone, Copy, Debug)]
pub struct SeenUnit<'a> {
    /// The unit's hash.
    pub hash: &'a str,
    /// Of the configuration that decided.
    pub revision: &'a str,
    /// The variant that was chosen.
    pub variant: &'a str,
}

impl Tallies {
    /// The most sums that are kept: an endpoint of two variants has six a minute.
    const MOST_SUMS: usize = 2_000;
    /// The most units that one message has.
    const MOST_UNITS: usize = 2_000;
    /// The most units that are remembered as sent, of an endpoint.
    const MOST_KNOWN: usize = 20_000;
    /// Work after a response ends after 30 s; whoever began to send by then has ended.
    const SENDING_LIMIT_MS: f64 = 35_000.0;

    /// Adds to the sums of an endpoint.
    pub fn add(&mut self, endpoint: &Name, share: Share) {
        let pending = self.endpoint(endpoint);
        let Share { of, sums } = share;
        if let Some(known) = pending.sums.get_mut(&of) {
            known.add(&sums);
            return;
        }
        if self.kept >= Self::MOST_SUMS {
            let pending = self.endpoint(endpoint);
            pending.lost = pending.lost.saturating_add(sums.invocations);
            return;
        }
        self.kept = self.kept.saturating_add(1);
        self.endpoint(endpoint).sums.insert(of, sums);
    }

    /// Notes a unit, unless it has been sent.
    pub fn see(&mut self, endpoint: &Name, unit: SeenUnit<'_>) {
        let pending = self.endpoint(endpoint);
        let Some(number) = unit_number(unit.hash).filter(|number| *number < pending.units_below) else { return };
        if pending.units.len() >= Self::MOST_UNITS {
            return;
        }
        let (revision, known) = &mut pending.known;
        if revision != unit.revision || known.len() >= Self::MOST_KNOWN {
            known.clear();
            unit.revision.clone_into(revision);
        }
        if known.insert(number) {
            pending.units.push((unit.revision.to_owned(), unit.variant.to_owned(), unit.hash.to_owned()));
        }
    }

    fn endpoint(&mut self, endpoint: &Name) -> &mut Pending {
        if !self.endpoints.contains_key(endpoint) {
            self.endpoints.insert(endpoint.clone(), Pending::default());
        }
        self.endpoints.entry(endpoint.clone()).or_default()
    }

    /// Whether who asks is to send them, as nobody is.
    pub fn begin_sending(&mut self, now_ms: f64) -> bool {
        if self.is_empty() || self.sending_since_ms.is_some_and(|since| now_ms - since < Self::SENDING_LIMIT_MS) {
            return false;
        }
        self.sending_since_ms = Some(now_ms);
        true
    }

    /// Nobody sends them any more.
    pub fn end_sending(&mut self) {
        self.sending_since_ms = None;
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.endpoints.values().all(Pending::is_empty)
    }

    /// A message for each endpoint that has something to say: the one that was not acknowledged, else a new one. `known` tells
    /// which revision this isolate serves, and which change it was told that is.
    pub fn messages(
        &mut self,
        isolate: &str,
        known: impl Fn(&Name) -> (Option<String>, Option<u64>),
    ) -> Vec<(Name, Tally)> {
        let mut messages = Vec::new();
        for (name, pending) in &mut self.endpoints {
            if pending.is_empty() {
                continue;
            }
            let (revision, number) = known(name);
            let sent = match &pending.sent {
                Some(sent) => Tally { revision, number, ..sent.clone() },
                None => {
                    self.kept = self.kept.saturating_sub(pending.sums.len());
                    Tally {
                        isolate: isolate.to_owned(),
                        sequence: pending.sequence,
                        settled: pending.sequence,
                        shares: pending.sums.drain().map(|(of, sums)| Share { of, sums }).collect(),
                        units: std::mem::take(&mut pending.units),
                        revision,
                        number,
                        lost: std::mem::take(&mut pending.lost),
                    }
                }
            };
            pending.sent = Some(sent.clone());
            messages.push((name.clone(), sent));
        }
        messages
    }

    /// The message with that number has been counted.
    pub fn acknowledged(&mut self, endpoint: &Name, sequence: u64, newest: &Newest) {
        let Some(pending) = self.endpoints.get_mut(endpoint) else { return };
        pending.units_below = newest.units_below;
        if pending.sent.as_ref().is_some_and(|sent| sent.sequence == sequence) {
            pending.sent = None;
            pending.sequence = sequence.saturating_add(1);
        }
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.sent.is_none() && self.sums.is_empty() && self.units.is_empty() && self.lost == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(minute: u64, invocations: u64) -> Share {
        let of = Counted { minute, revision: "r".to_owned(), variant: None, reason: None };
        Share { of, sums: Sums { invocations, ..Sums::default() } }
    }

    fn name() -> Name {
        Name::try_from("e").unwrap()
    }

    fn newest() -> Newest {
        Newest { number: 1, revision: None, document: None, times: None, units_below: 1 << 51 }
    }

    fn only(tallies: &mut Tallies) -> Tally {
        let mut messages = tallies.messages("i", |_| (None, None));
        assert_eq!(messages.len(), 1);
        messages.remove(0).1
    }

    fn sum(tally: &Tally) -> u64 {
        tally.shares.iter().map(|share| share.sums.invocations).sum()
    }

    #[test]
    fn a_message_is_sent_again_as_it_was_until_it_is_acknowledged() {
        let mut tallies = Tallies::default();
        assert!(!tallies.begin_sending(0.0));
        tallies.add(&name(), share(1, 2));
        tallies.add(&name(), share(1, 3));
        let first = only(&mut tallies);
        assert_eq!((first.sequence, sum(&first)), (0, 5));
        tallies.add(&name(), share(1, 7));
        assert_eq!(only(&mut tallies), first);
        tallies.acknowledged(&name(), 0, &newest());
        tallies.acknowledged(&name(), 0, &newest());
        let second = only(&mut tallies);
        assert_eq!((second.sequence, second.settled, sum(&second)), (1, 1, 7));
        tallies.acknowledged(&name(), 1, &newest());
        assert!(tallies.is_empty() && tallies.messages("i", |_| (None, None)).is_empty());
    }

    #[test]
    fn one_sends_at_a_time_and_one_that_has_ended_is_replaced() {
        let mut tallies = Tallies::default();
        tallies.add(&name(), share(1, 1));
        assert!(tallies.begin_sending(0.0));
        assert!(!tallies.begin_sending(34_000.0));
        assert!(tallies.begin_sending(35_000.0));
        tallies.end_sending();
        assert!(tallies.begin_sending(35_001.0));
    }

    #[test]
    fn memory_is_bounded_and_what_is_dropped_is_told() {
        let mut tallies = Tallies::default();
        for minute in 0..5_000 {
            tallies.add(&name(), share(minute, 1));
        }
        let told = only(&mut tallies);
        assert_eq!((told.shares.len(), sum(&told), told.lost), (2_000, 2_000, 3_000));
        // What is on its way is bounded as well: there is no second one before it is acknowledged.
        for minute in 0..5_000 {
            tallies.add(&name(), share(minute, 1));
        }
        tallies.acknowledged(&name(), 0, &newest());
        assert_eq!(sum(&only(&mut tallies)), 2_000);
    }

    #[test]
    fn a_unit_is_sent_once_a_revision() {
        let mut tallies = Tallies::default();
        let hash = |at: u64| format!("{at:013x}0000000000000000000");
        let see = |tallies: &mut Tallies, revision: &str, at: u64| {
            tallies.see(&name(), SeenUnit { hash: &hash(at), revision, variant: "a" });
        };
        for _ in 0..3 {
            see(&mut tallies, "r", 1);
            see(&mut tallies, "r", 2);
        }
        assert_eq!(only(&mut tallies).units.len(), 2);
        tallies.acknowledged(&name(), 0, &newest());
        see(&mut tallies, "r", 1);
        // The half of them that are counted no longer.
        see(&mut tallies, "r", 1 << 51);
        assert!(tallies.is_empty());
        see(&mut tallies, "s", 1);
        assert_eq!(only(&mut tallies).units, [("s".to_owned(), "a".to_owned(), hash(1))]);
    }
}

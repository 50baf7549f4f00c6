//! Sums of this isolate's records, until the endpoints' experiments have acknowledged them.
//!
//! Messages to an experiment are numbered, and the next is not sent before the last is acknowledged. Whatever is down, the memory
//! that this takes is bounded: sums for which there is no room are dropped, and how many requests they were is told.

use std::collections::{HashMap, HashSet};

use crate::assignment::Reason;
use crate::endpoint::Name;
use crate::experiment::{
    CaptureCounts, Counted, Disagreement, KeptPrediction, Newest, PairShare, PairSums, Shadowed, Share, Sums, Tally,
    Wronged, unit_number,
};

/// Sums by endpoint.
#[derive(Debug, Default)]
pub struct Tallies {
    endpoints: HashMap<String, Pending>,
    /// How many sums are kept, of all endpoints together.
    kept: usize,
    /// How many rows of predictions, of all endpoints together.
    rows: usize,
}

/// An endpoint's.
#[derive(Debug)]
struct Pending {
    sums: Vec<Share>,
    units: Vec<(String, String, String)>,
    wronged: HashSet<Wronged>,
    predictions: Vec<KeptPrediction>,
    pairs: Vec<PairShare>,
    shadowed: Vec<Shadowed>,
    lost: u64,
    captured: CaptureCounts,
    /// The message that is on its way, or was lost on it.
    sent: Option<Tally>,
    sequence: u64,
    /// When somebody began to send them, in milliseconds of the platform's clock.
    sending_since_ms: Option<f64>,
    /// Units that have been sent, by their number, of this revision.
    known: (String, HashSet<u64>),
    units_below: u64,
}

impl Default for Pending {
    fn default() -> Self {
        Pending {
            sums: Vec::new(),
            units: Vec::new(),
            wronged: HashSet::new(),
            predictions: Vec::new(),
            pairs: Vec::new(),
            shadowed: Vec::new(),
            lost: 0,
            captured: CaptureCounts::default(),
            sent: None,
            sequence: 0,
            sending_since_ms: None,
            known: Default::default(),
            units_below: u64::MAX,
        }
    }
}

/// What a prediction takes: at least as much as one row.
fn rows_of(prediction: &KeptPrediction) -> usize {
    prediction.predicted.len().max(1)
}

/// What a request takes that several variants predicted.
fn rows_of_all(shadowed: &Shadowed) -> usize {
    shadowed.rows().saturating_mul(shadowed.shadows.len().saturating_add(1))
}

/// What a request is counted as: a [`Counted`] whose texts are elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The minute, since the Unix epoch.
    pub minute: u64,
    /// The configuration that decided.
    pub revision: &'a str,
    /// The variant.
    pub variant: Option<&'a str>,
    /// Why that one.
    pub reason: Option<Reason>,
}

impl Seen<'_> {
    fn is(&self, of: &Counted) -> bool {
        self.minute == of.minute
            && self.reason == of.reason
            && self.variant == of.variant.as_deref()
            && self.revision == of.revision
    }

    fn to_owned(self) -> Counted {
        Counted {
            minute: self.minute,
            revision: self.revision.to_owned(),
            variant: self.variant.map(str::to_owned),
            reason: self.reason,
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
    /// The most predictions that one message has, and the most rows of those that are kept.
    const MOST_PREDICTIONS: usize = 2_000;
    const MOST_ROWS: usize = 20_000;
    /// The most disagreements of a variant and a shadow that one message has.
    const MOST_DISAGREEMENTS: usize = 100;
    /// The most variants and shadows of an endpoint that are compared in one message.
    const MOST_PAIRS: usize = 500;
    /// The most units that one message has.
    const MOST_UNITS: usize = 2_000;
    /// The most units that are remembered as sent, of an endpoint.
    const MOST_KNOWN: usize = 20_000;
    /// Work after a response ends after 30 s; whoever began to send by then has ended.
    const SENDING_LIMIT_MS: f64 = 35_000.0;

    /// The sums of an endpoint to add one request to; `None` where there is no room for them, which is noted. This is done
    /// for each request: nothing is made that is there already.
    pub fn sums(&mut self, endpoint: &str, of: Seen<'_>) -> Option<&mut Sums> {
        let has_room = self.kept < Self::MOST_SUMS;
        if !self.endpoints.contains_key(endpoint) {
            self.endpoints.insert(endpoint.to_owned(), Pending::default());
        }
        let pending = self.endpoints.get_mut(endpoint)?;
        // The newest come last, and are those that are added to.
        let known = pending.sums.iter().rposition(|share| of.is(&share.of));
        match known {
            Some(at) => pending.sums.get_mut(at).map(|share| &mut share.sums),
            None if has_room => {
                self.kept = self.kept.saturating_add(1);
                pending.sums.push(Share { of: of.to_owned(), sums: Sums::default() });
                pending.sums.last_mut().map(|share| &mut share.sums)
            }
            None => {
                pending.lost = pending.lost.saturating_add(1);
                None
            }
        }
    }

    /// Notes a unit, unless it has been sent.
    pub fn see(&mut self, endpoint: &str, unit: SeenUnit<'_>) {
        let Some(pending) = self.endpoints.get_mut(endpoint) else { return };
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

    /// Notes that a request of a unit went wrong.
    pub fn wrong(&mut self, endpoint: &str, wronged: Wronged) {
        if let Some(pending) =
            self.endpoints.get_mut(endpoint).filter(|pending| pending.wronged.len() < Self::MOST_UNITS)
        {
            pending.wronged.insert(wronged);
        }
    }

    /// Notes a prediction that is kept for its outcomes; `false` where there is no room.
    pub fn keep(&mut self, endpoint: &str, prediction: KeptPrediction) -> bool {
        let Some(pending) = self.endpoints.get_mut(endpoint) else { return false };
        let rows = self.rows.saturating_add(rows_of(&prediction));
        let has_room = pending.predictions.len() < Self::MOST_PREDICTIONS && rows <= Self::MOST_ROWS;
        if has_room {
            self.rows = rows;
            pending.predictions.push(prediction);
        }
        has_room
    }

    /// Notes what shadows made of a request; `keep` where outcomes may come of it.
    pub fn pair(&mut self, endpoint: &str, shadowed: Shadowed, keep: bool) {
        let Some(pending) = self.endpoints.get_mut(endpoint) else { return };
        let rows = self.rows.saturating_add(rows_of_all(&shadowed));
        let has_room = pending.shadowed.len() < Self::MOST_PREDICTIONS && rows <= Self::MOST_ROWS;
        for (shadow, answered) in &shadowed.shadows {
            let Some(share) = pending.pair(&shadowed.variant, shadow) else { continue };
            share.sums.add(&shadowed.answered, answered);
            if keep && !has_room {
                share.sums.unkept = share.sums.unkept.saturating_add(1);
            }
            share.disagreements.extend(Disagreement::all(&shadowed, answered));
            if share.disagreements.len() > Self::MOST_DISAGREEMENTS {
                share.disagreements.sort_by(|a, b| b.size.total_cmp(&a.size));
                share.disagreements.truncate(Self::MOST_DISAGREEMENTS);
            }
        }
        if keep && has_room {
            self.rows = rows;
            pending.shadowed.push(shadowed);
        }
    }

    /// Notes that a shadow was to be asked about a request of a variant, and was not.
    pub fn skip(&mut self, endpoint: &str, variant: &str, shadow: &str) {
        let pending = self.endpoints.get_mut(endpoint);
        if let Some(share) = pending.and_then(|pending| pending.pair(variant, shadow)) {
            share.sums.skipped = share.sums.skipped.saturating_add(1);
        }
    }

    /// Notes what became of captured lines.
    pub fn captured(&mut self, endpoint: &Name, counts: CaptureCounts) {
        let pending = match self.endpoints.get_mut(endpoint.as_str()) {
            Some(pending) => pending,
            None => self.endpoints.entry(endpoint.to_string()).or_default(),
        };
        pending.captured.add(counts);
    }

    /// Whether who asks is to send an endpoint's, as nobody is. Each endpoint's are sent by themselves: an experiment that hangs
    /// keeps no other from hearing anything.
    pub fn begin_sending(&mut self, endpoint: &str, now_ms: f64) -> bool {
        let Some(pending) = self.endpoints.get_mut(endpoint) else { return false };
        let is_sent = pending.sending_since_ms.is_some_and(|since| now_ms - since < Self::SENDING_LIMIT_MS);
        if is_sent || pending.is_empty() {
            return false;
        }
        pending.sending_since_ms = Some(now_ms);
        true
    }

    /// Nobody sends an endpoint's any more.
    pub fn end_sending(&mut self, endpoint: &Name) {
        if let Some(pending) = self.endpoints.get_mut(endpoint.as_str()) {
            pending.sending_since_ms = None;
        }
    }

    /// The message for an endpoint's experiment: the one that was not acknowledged, else a new one; `None` where there is
    /// nothing to say. `known` is which revision this isolate serves, and which change it was told that is.
    pub fn message(&mut self, endpoint: &Name, isolate: &str, known: (Option<String>, Option<u64>)) -> Option<Tally> {
        let pending = self.endpoints.get_mut(endpoint.as_str()).filter(|pending| !pending.is_empty())?;
        let (revision, number) = known;
        let sent = match &pending.sent {
            Some(sent) => Tally { revision, number, ..sent.clone() },
            None => {
                self.kept = self.kept.saturating_sub(pending.sums.len());
                let shadowed = pending.shadowed.iter().map(rows_of_all);
                let rows = pending.predictions.iter().map(rows_of).chain(shadowed).fold(0, usize::saturating_add);
                self.rows = self.rows.saturating_sub(rows);
                Tally {
                    isolate: isolate.to_owned(),
                    sequence: pending.sequence,
                    settled: pending.sequence,
                    shares: std::mem::take(&mut pending.sums),
                    units: std::mem::take(&mut pending.units),
                    wronged: pending.wronged.drain().collect(),
                    predictions: std::mem::take(&mut pending.predictions),
                    pairs: std::mem::take(&mut pending.pairs),
                    shadowed: std::mem::take(&mut pending.shadowed),
                    revision,
                    number,
                    lost: std::mem::take(&mut pending.lost),
                    captured: std::mem::take(&mut pending.captured),
                }
            }
        };
        pending.sent = Some(sent.clone());
        Some(sent)
    }

    /// Whether an endpoint has nothing to say.
    pub fn is_empty(&self, endpoint: &Name) -> bool {
        self.endpoints.get(endpoint.as_str()).is_none_or(Pending::is_empty)
    }

    /// The message with that number has been counted.
    pub fn acknowledged(&mut self, endpoint: &Name, sequence: u64, newest: &Newest) {
        let Some(pending) = self.endpoints.get_mut(endpoint.as_str()) else { return };
        pending.units_below = newest.units_below;
        if pending.sent.as_ref().is_some_and(|sent| sent.sequence == sequence) {
            pending.sent = None;
            pending.sequence = sequence.saturating_add(1);
        }
    }
}

impl Pending {
    /// The sums of a variant and a shadow; `None` where there is no room.
    fn pair(&mut self, variant: &str, shadow: &str) -> Option<&mut PairShare> {
        let known = self.pairs.iter().position(|share| share.variant == variant && share.shadow == shadow);
        let at = match known {
            Some(at) => at,
            None if self.pairs.len() < Tallies::MOST_PAIRS => {
                self.pairs.push(PairShare {
                    variant: variant.to_owned(),
                    shadow: shadow.to_owned(),
                    sums: PairSums::default(),
                    disagreements: Vec::new(),
                });
                self.pairs.len().saturating_sub(1)
            }
            None => return None,
        };
        self.pairs.get_mut(at)
    }

    fn is_empty(&self) -> bool {
        self.sent.is_none()
            && self.sums.is_empty()
            && self.units.is_empty()
            && self.pairs.is_empty()
            && self.lost == 0
            && self.captured.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn add(tallies: &mut Tallies, minute: u64, invocations: u64) {
        let of = Seen { minute, revision: "r", variant: None, reason: None };
        if let Some(sums) = tallies.sums("e", of) {
            sums.invocations += invocations;
        }
    }

    fn name() -> Name {
        Name::try_from("e").unwrap()
    }

    fn newest() -> Newest {
        Newest { number: 1, revision: None, document: None, times: None, units_below: 1 << 51 }
    }

    fn only(tallies: &mut Tallies) -> Tally {
        tallies.message(&name(), "i", (None, None)).unwrap()
    }

    fn sum(tally: &Tally) -> u64 {
        tally.shares.iter().map(|share| share.sums.invocations).sum()
    }

    #[test]
    fn a_message_is_sent_again_as_it_was_until_it_is_acknowledged() {
        let mut tallies = Tallies::default();
        assert!(!tallies.begin_sending("e", 0.0));
        add(&mut tallies, 1, 2);
        add(&mut tallies, 1, 3);
        let first = only(&mut tallies);
        assert_eq!((first.sequence, sum(&first)), (0, 5));
        add(&mut tallies, 1, 7);
        assert_eq!(only(&mut tallies), first);
        tallies.acknowledged(&name(), 0, &newest());
        tallies.acknowledged(&name(), 0, &newest());
        let second = only(&mut tallies);
        assert_eq!((second.sequence, second.settled, sum(&second)), (1, 1, 7));
        tallies.acknowledged(&name(), 1, &newest());
        assert!(tallies.is_empty(&name()) && tallies.message(&name(), "i", (None, None)).is_none());
    }

    #[test]
    fn one_sends_at_a_time_and_one_that_has_ended_is_replaced() {
        let mut tallies = Tallies::default();
        add(&mut tallies, 1, 1);
        assert!(tallies.begin_sending("e", 0.0));
        assert!(!tallies.begin_sending("e", 34_000.0));
        assert!(tallies.begin_sending("e", 35_000.0));
        tallies.end_sending(&name());
        assert!(tallies.begin_sending("e", 35_001.0));
        // Another endpoint's are sent meanwhile.
        tallies.sums("f", Seen { minute: 1, revision: "r", variant: None, reason: None });
        assert!(tallies.begin_sending("f", 35_002.0));
    }

    #[test]
    fn memory_is_bounded_and_what_is_dropped_is_told() {
        let mut tallies = Tallies::default();
        for minute in 0..5_000 {
            add(&mut tallies, minute, 1);
        }
        let told = only(&mut tallies);
        assert_eq!((told.shares.len(), sum(&told), told.lost), (2_000, 2_000, 3_000));
        // What is on its way is bounded as well: there is no second one before it is acknowledged.
        for minute in 0..5_000 {
            add(&mut tallies, minute, 1);
        }
        tallies.acknowledged(&name(), 0, &newest());
        assert_eq!(sum(&only(&mut tallies)), 2_000);
    }

    #[test]
    fn predictions_are_kept_as_far_as_there_is_room() {
        let prediction = |rows: usize| KeptPrediction {
            id: "id".to_owned(),
            time_ms: 0.0,
            variant: "a".to_owned(),
            segment: 0,
            propensity: 1.0,
            reason: Reason::Weighted,
            unit: None,
            rows: 1,
            predicted: vec![None; rows],
            stood_in: false,
            unanswered: false,
        };
        let mut tallies = Tallies::default();
        assert!(!tallies.keep("e", prediction(1)), "of an endpoint that nothing is known of");
        add(&mut tallies, 1, 1);
        let kept = (0..3_000).filter(|_| tallies.keep("e", prediction(1))).count();
        assert_eq!((kept, only(&mut tallies).predictions.len()), (2_000, 2_000));
        tallies.acknowledged(&name(), 0, &newest());
        add(&mut tallies, 1, 1);
        let kept = (0..100).filter(|_| tallies.keep("e", prediction(1_000))).count();
        assert_eq!((kept, only(&mut tallies).predictions.len()), (20, 20));
    }

    #[test]
    fn a_unit_is_sent_once_a_revision() {
        let mut tallies = Tallies::default();
        let hash = |at: u64| format!("{at:013x}0000000000000000000");
        add(&mut tallies, 1, 1);
        let see = |tallies: &mut Tallies, revision: &str, at: u64| {
            tallies.see("e", SeenUnit { hash: &hash(at), revision, variant: "a" });
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
        assert!(tallies.is_empty(&name()));
        // A new revision: what is there already is passed over where it arrives.
        see(&mut tallies, "s", 1);
        assert_eq!(only(&mut tallies).units, [("s".to_owned(), "a".to_owned(), hash(1))]);
    }
}

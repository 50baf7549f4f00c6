//! Outcomes, counted in whatever order and batches they come.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::{Bench, bench};
use crate::assignment::Reason;
use crate::endpoint::{Label, Revision, Truth};
use crate::experiment::{Answer, CheckedOutcome, Claims, Command, KeptPrediction, Verdict};
use crate::payload::Predicted;
use crate::platform::Database;
use crate::statistics::{Effects, Sums};

fn document() -> String {
    let variant = |name| json!({"name": name, "origin": {"url": "https://a.example"}});
    json!({"variants": [variant("a"), variant("b")], "outcome": {"kind": "label", "label": {}, "score": {}, "positive": "yes"}}).to_string()
}

fn told(at: u32, now_ms: f64) -> CheckedOutcome {
    let label = if at.is_multiple_of(3) { "yes" } else { "no" };
    let guess = Label::of_text(if at.is_multiple_of(4) { "yes" } else { "no" }).unwrap();
    CheckedOutcome {
        id: format!("id-{at}"),
        claims: Some(Claims {
            time_ms: now_ms as u64,
            nonce: at,
            revision: Revision::of(document().as_bytes()).as_str().to_owned(),
            variant: u8::from(at.is_multiple_of(2)),
            segment: 0,
            propensity: f64::from(1 + at % 7) / 8.0,
            reason: Reason::Weighted,
            stood_in: false,
            unanswered: false,
            unit: (!at.is_multiple_of(5)).then_some(u64::from(at % 40)),
            predicted: Some(Predicted::Class { class: guess.class(), score: Some(f64::from(at % 11) / 11.0) }),
        }),
        row: 0,
        truth: Truth::Label(Label::of_text(label).unwrap()),
    }
}

impl Bench {
    /// How many are refused.
    pub(super) fn tell_all(&self, outcomes: Vec<CheckedOutcome>) -> usize {
        match self.ask(Command::Outcomes(outcomes)) {
            Answer::Outcomes(taken) => taken.refused.len(),
            other => panic!("{other:?}"),
        }
    }

    fn tell(&self, outcomes: Vec<CheckedOutcome>) -> (u64, u64) {
        match self.ask(Command::Outcomes(outcomes)) {
            Answer::Outcomes(taken) => {
                assert_eq!(taken.refused, []);
                (taken.taken, taken.repeated)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.ask(Command::Verdict) {
            Answer::Verdict(verdict) => *verdict,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn near(given: f64, expected: f64) -> bool {
    (given - expected).abs() <= 1e-9 * expected.abs().max(1e-9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn each_counts_once_however_they_come(order in Just((0..300u32).collect::<Vec<_>>()).prop_shuffle(), batch in 1..90usize) {
        let bench = bench();
        bench.world.put_by_hand(&document());
        let now_ms = 1_800_000_000_000.0;
        let (mut taken, mut repeated) = (0, 0);
        for batch in order.chunks(batch) {
            // Each comes twice, the second time with the batch after it.
            let again = batch.iter().chain(&order[..batch.len()]).map(|at| told(*at, now_ms)).collect();
            let counts = bench.tell(again);
            (taken, repeated) = (taken + counts.0, repeated + counts.1);
        }
        prop_assert_eq!((taken, repeated > 0), (300, true));
        let verdict = bench.verdict();
        // The same, one after another, without a database.
        let mut units: BTreeMap<u64, BTreeMap<String, Sums>> = BTreeMap::new();
        let mut effects = Effects::default();
        for at in 0..300u32 {
            let claims = told(at, now_ms).claims.unwrap();
            let variant = if claims.variant == 0 { "a" } else { "b" };
            let right = at.is_multiple_of(3) == at.is_multiple_of(4);
            let new = effects.outcome(f64::from(u8::from(right)), claims.propensity);
            let unit = units.entry(claims.unit.unwrap_or(u64::from(1_000 + at))).or_default();
            effects.add(variant, new, unit);
            unit.entry(variant.to_owned()).or_default().add(new);
        }
        for scored in &verdict.variants {
            let name = scored.variant.as_str();
            prop_assert!(near(scored.mean.unwrap(), effects.mean(name).unwrap().value));
            prop_assert_eq!(scored.units as f64, effects.units_of(name));
            prop_assert_eq!(scored.outcomes as f64, effects.outcomes_of(name));
        }
        let difference = effects.difference("a", "b").unwrap();
        prop_assert!(near(verdict.comparisons[0].difference.unwrap(), difference.value));
    }
}

#[test]
fn another_definition_begins_anew_and_ids_still_count_once() {
    let bench = bench();
    bench.world.put_by_hand(&document());
    let now_ms = 1_800_000_000_000.0;
    assert_eq!(bench.tell((0..50).map(|at| told(at, now_ms)).collect()), (50, 0));
    let outcomes = |bench: &Bench| bench.verdict().variants.iter().map(|each| each.outcomes).sum::<u64>();
    assert_eq!(outcomes(&bench), 50);
    // Terms change nothing about what is measured.
    bench.wait(2.0 * super::DELAY_MS);
    bench.world.put_by_hand(&document().replace(r#""positive""#, r#""within_hours": 5, "positive""#));
    assert_eq!(bench.tell(vec![told(60, now_ms)]), (1, 0));
    assert_eq!(outcomes(&bench), 51);
    bench.wait(2.0 * super::DELAY_MS);
    bench.world.put_by_hand(&document().replace(r#""positive":"yes""#, r#""positive":"no""#));
    assert_eq!(bench.tell(vec![told(61, now_ms), told(3, now_ms)]), (1, 1));
    assert_eq!(outcomes(&bench), 1);
}

#[test]
fn none_is_forgotten_before_it_is_counted_however_many_close_at_once() {
    let bench = bench();
    let variant = |name| json!({"name": name, "origin": {"url": "https://a.example"}});
    let outcome = json!({"kind": "reward", "within_hours": 1, "absent": 0});
    bench.world.put_by_hand(&json!({"variants": [variant("a"), variant("b")], "outcome": outcome}).to_string());
    let kept = |at: u32| KeptPrediction {
        id: format!("id-{at}"),
        time_ms: bench.world.now_ms.get(),
        variant: if at.is_multiple_of(2) { "a" } else { "b" }.to_owned(),
        segment: 0,
        propensity: 0.5,
        reason: Reason::Weighted,
        unit: None,
        rows: 1,
        predicted: Vec::new(),
        stood_in: false,
        unanswered: false,
    };
    let mut tally = super::tallies::tally("i", 0, Vec::new());
    tally.predictions = (0..2_500).map(kept).collect();
    bench.count(&tally);
    // A hundred came, to one of the variants.
    let came = (0..100).map(|at| {
        let id = format!("id-{}", 2 * at);
        CheckedOutcome { id, claims: None, row: 0, truth: Truth::Number(1.0) }
    });
    assert_eq!(bench.tell(came.collect()), (100, 0));
    assert_eq!(bench.verdict().variants[0].outcomes, 0);
    bench.wait(3_700_000.0);
    // As the alarm does it, a part at a time.
    for _ in 0..4 {
        bench.controller().clean().unwrap();
    }
    let verdict = bench.verdict();
    assert_eq!([0, 1].map(|at| verdict.variants[at].outcomes), [1_250, 1_250]);
    let [a, b] = [0, 1].map(|at| verdict.variants[at].metrics["reward"]);
    assert!(near(a, 0.08) && b == 0.0, "{a} {b}");
    // And then it is.
    bench.wait(2.0 * 86_400_000.0);
    bench.controller().clean().unwrap();
    let left = bench.database.execute("SELECT COUNT(*) FROM predictions", &[]).unwrap();
    assert_eq!(left[0][0].as_count(), Some(0));
}

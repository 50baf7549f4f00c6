//! Variants that fail: in the verdict they are no better for it.

use serde_json::{Value, json};

use super::outcomes::near;
use super::{Bench, bench};
use crate::assignment::Reason;
use crate::endpoint::{Label, Revision, Truth};
use crate::experiment::{
    Act, Answer, Author, Cause, CheckedOutcome, Claims, Command, Compared, Condition, KeptPrediction, Scored, Start,
    Status, Verdict, Word,
};
use crate::payload::Predicted;

const CASES: u32 = 2_000;
const NOW_MS: f64 = 1_800_000_000_000.0;

/// What becomes of a request whose variant fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// The fallback answers, and is right.
    FallbackIsRight,
    /// Nobody answers.
    Nothing,
}

fn document(goal: &Value) -> String {
    let variant = |name| json!({"name": name, "origin": {"url": "https://a.example"}});
    let outcome = json!({"kind": "label", "label": {}, "score": {}, "positive": "yes"});
    json!({"variants": [variant("a"), variant("b")], "outcome": outcome, "goal": goal}).to_string()
}

/// A quarter of the cases are hard.
fn is_hard(case: u32) -> bool {
    case.is_multiple_of(4)
}

fn class(is_yes: bool, score: f64) -> Option<Predicted> {
    let label = Label::of_text(if is_yes { "yes" } else { "no" }).unwrap();
    Some(Predicted::Class { class: label.class(), score: Some(score) })
}

/// Each case comes to both variants, which would answer it alike: right where it is easy, wrong where it is hard. But `b` fails
/// on the hard ones.
fn told(document: &str, at: u32, then: Then) -> CheckedOutcome {
    let (case, variant) = (at / 2, at % 2);
    let is_yes = (case / 4).is_multiple_of(2);
    let fails = variant == 1 && is_hard(case);
    let says_yes = is_yes != (is_hard(case) && !fails);
    CheckedOutcome {
        id: format!("id-{at}"),
        claims: Some(Claims {
            time_ms: NOW_MS as u64,
            nonce: at,
            revision: Revision::of(document.as_bytes()).as_str().to_owned(),
            variant: u8::try_from(variant).unwrap(),
            segment: 0,
            propensity: 0.5,
            reason: Reason::Weighted,
            stood_in: fails && then == Then::FallbackIsRight,
            unanswered: fails && then == Then::Nothing,
            unit: None,
            predicted: class(says_yes, if says_yes { 0.75 } else { 0.25 }).filter(|_| !fails || then != Then::Nothing),
        }),
        row: 0,
        truth: Truth::Label(Label::of_text(if is_yes { "yes" } else { "no" }).unwrap()),
    }
}

/// The verdict on all cases, and how many of their outcomes were refused.
fn judged(goal: &Value, then: Then) -> (Verdict, usize) {
    let document = document(goal);
    let bench = bench();
    bench.world.put_by_hand(&document);
    let refused = bench.tell_all((0..2 * CASES).map(|at| told(&document, at, then)).collect());
    (bench.verdict(), refused)
}

fn both(verdict: &Verdict) -> (&Scored, &Scored, &Compared) {
    (&verdict.variants[0], &verdict.variants[1], &verdict.comparisons[0])
}

#[test]
fn a_variant_that_fails_on_the_hard_cases_does_not_look_better_than_its_equal() {
    for goal in [json!({}), json!({"metric": "accuracy", "failures": "wrong"})] {
        for then in [Then::FallbackIsRight, Then::Nothing] {
            let (verdict, refused) = judged(&goal, then);
            let (a, b, compared) = both(&verdict);
            assert_eq!((a.outcomes, b.outcomes, refused), (2_000, 2_000, 0), "{then:?}");
            assert_eq!((a.mean, b.mean), (Some(0.75), Some(0.75)), "{then:?}");
            assert_eq!((compared.verdict, a.failed, b.failed), (Word::Undecided, 0, 500), "{then:?}");
            assert!(compared.difference.unwrap().abs() < 0.01, "{compared:?}");
            // What is told beside the mean is of the same outcomes.
            assert_eq!((a.metrics["accuracy"], b.metrics["accuracy"]), (0.75, 0.75), "{then:?}");
            // Of the positive cases half are hard here; what fails is not found, and it is no false alarm.
            let of_yes = (0..CASES).filter(|case| (case / 4).is_multiple_of(2));
            let hard = of_yes.clone().filter(|case| is_hard(*case)).count() as f64 / of_yes.count() as f64;
            assert!(near(b.metrics["recall"], 1.0 - hard) && near(b.metrics["precision"], 1.0), "{:?}", b.metrics);
            let unpredicted: u64 = b.confusion.iter().filter(|(name, ..)| name.is_none()).map(|(.., n)| n).sum();
            assert_eq!((unpredicted, b.confusion.iter().map(|(.., n)| n).sum::<u64>()), (500, 2_000), "{then:?}");
            // Scores are those that there are.
            assert!(near(b.metrics["auc"], 1.0) && near(b.calibration[0].count as f64 * 2.0, 1_500.0), "{b:?}");
            let says = "b failed 500 of its outcomes' requests and a 0, which count as wrong.";
            assert!(compared.says.ends_with(says), "{}", compared.says);
        }
    }
}

#[test]
fn together_with_its_fallback_it_is_as_good_as_what_callers_got() {
    let goal = json!({"failures": "as_answered"});
    let (verdict, _) = judged(&goal, Then::FallbackIsRight);
    let (a, b, compared) = both(&verdict);
    assert_eq!((a.mean, b.mean, b.failed, compared.verdict), (Some(0.75), Some(1.0), 500, Word::Better));
    assert!(compared.says.ends_with("and a 0, where what the caller got counts."), "{}", compared.says);
    // Who got nothing got nothing right.
    let (verdict, refused) = judged(&goal, Then::Nothing);
    let (a, b, _) = both(&verdict);
    assert_eq!((a.mean, b.mean, b.failed, refused), (Some(0.75), Some(0.75), 500, 0));
}

#[test]
fn a_failure_has_the_worst_brier_score() {
    for then in [Then::FallbackIsRight, Then::Nothing] {
        let (verdict, _) = judged(&json!({"metric": "brier"}), then);
        let (a, b, compared) = both(&verdict);
        let (right, wrong) = (0.25f64.powi(2), 0.75f64.powi(2));
        assert!(near(a.mean.unwrap(), 0.75 * right + 0.25 * wrong), "{a:?}");
        assert!(near(b.mean.unwrap(), 0.75 * right + 0.25), "{b:?}");
        assert!(near(b.metrics["brier"], b.mean.unwrap()), "{b:?}");
        assert_eq!(compared.verdict, Word::Worse);
    }
}

#[test]
fn where_no_value_is_the_worst_failures_without_an_answer_are_left_out_and_told() {
    let (verdict, refused) = judged(&json!({"metric": "log_loss"}), Then::Nothing);
    let (a, b, compared) = both(&verdict);
    assert_eq!((a.outcomes, b.outcomes, refused), (2_000, 1_500, 500));
    assert_eq!((b.failed, b.left_out, a.left_out), (500, 500, 0));
    assert!(compared.says.ends_with("Left out, as no prediction is known: 500 outcomes of b and 0 of a."));
    // Where the fallback answered, its answer counts.
    let (verdict, _) = judged(&json!({"metric": "log_loss"}), Then::FallbackIsRight);
    let (_, b, compared) = both(&verdict);
    assert_eq!((b.outcomes, b.failed, b.left_out, compared.verdict), (2_000, 500, 0, Word::Better));
    assert!(compared.says.contains("b failed 500 of its outcomes' requests"), "{}", compared.says);
}

/// A prediction as an experiment keeps it, of so many rows.
fn kept(bench: &Bench, id: &str, predicted: Vec<Option<Predicted>>) -> KeptPrediction {
    KeptPrediction {
        id: id.to_owned(),
        time_ms: bench.world.now_ms.get(),
        variant: "b".to_owned(),
        segment: 0,
        propensity: 0.5,
        reason: Reason::Weighted,
        unit: None,
        rows: 3,
        predicted,
        stood_in: false,
        unanswered: false,
    }
}

impl Bench {
    fn keep(&self, predictions: Vec<KeptPrediction>) {
        let mut tally = super::tallies::tally("i", 0, Vec::new());
        tally.predictions = predictions;
        self.count(&tally);
    }
}

#[test]
fn predictions_that_are_kept_tell_of_failures_and_those_of_an_earlier_version_of_none() {
    let outcome = json!({"kind": "label", "label": {}, "keep": 1});
    let variant = |name| json!({"name": name, "origin": {"url": "https://a.example"}});
    let document = json!({"variants": [variant("a"), variant("b")], "outcome": outcome});
    let bench = bench();
    bench.world.put_by_hand(&document.to_string());
    let yes = vec![class(true, 1.0); 3];
    let mut before = serde_json::to_value(kept(&bench, "before", yes.clone())).unwrap();
    before.as_object_mut().unwrap().retain(|name, _| name != "stood_in" && name != "unanswered");
    let before: KeptPrediction = serde_json::from_value(before).unwrap();
    let stood_in = KeptPrediction { stood_in: true, ..kept(&bench, "stood-in", yes) };
    let unanswered = KeptPrediction { unanswered: true, ..kept(&bench, "unanswered", Vec::new()) };
    // One that comes first waits for the failure as it does for an answer.
    let row = |id: &str, row| CheckedOutcome {
        id: id.to_owned(),
        claims: None,
        row,
        truth: Truth::Label(Label::of_text("yes").unwrap()),
    };
    assert_eq!(bench.tell_all(vec![row("unanswered", 0)]), 0);
    bench.keep(vec![before, stood_in, unanswered]);
    let rows = ["before", "stood-in", "unanswered"].map(|id| (0..3).map(move |at| row(id, at)));
    assert_eq!(bench.tell_all(rows.into_iter().flatten().collect()), 0);
    let verdict = bench.verdict();
    let (_, b, _) = both(&verdict);
    assert_eq!((b.outcomes, b.failed, b.units), (9, 6, 3));
    assert!(near(b.mean.unwrap(), 1.0 / 3.0), "{b:?}");
    assert_eq!(bench.tell_all(vec![row("unanswered", 3)]), 1);
}

#[test]
fn what_nobody_could_read_is_left_out_once() {
    let document = document(&json!({}));
    let bench = bench();
    bench.world.put_by_hand(&document);
    let unread = |at| {
        let told = told(&document, at, Then::Nothing);
        let claims = Claims { predicted: None, unanswered: false, ..told.claims.unwrap() };
        CheckedOutcome { claims: Some(claims), ..told }
    };
    assert_eq!(bench.tell_all((0..10).map(unread).collect()), 10);
    assert_eq!(bench.tell_all((0..10).map(unread).collect()), 10);
    let verdict = bench.verdict();
    let (a, b, _) = both(&verdict);
    assert_eq!((a.left_out, b.left_out, b.failed, b.outcomes), (5, 5, 0, 0));
}

#[test]
fn another_word_on_failures_begins_anew() {
    let bench = bench();
    let wrong = document(&json!({}));
    bench.world.put_by_hand(&wrong);
    assert_eq!(bench.tell_all((0..40).map(|at| told(&wrong, at, Then::Nothing)).collect()), 0);
    let outcomes = |bench: &Bench| bench.verdict().variants.iter().map(|each| each.outcomes).sum::<u64>();
    assert_eq!(outcomes(&bench), 40);
    let said = |goal: Value, at| {
        bench.wait(2.0 * super::DELAY_MS);
        let document = document(&goal);
        bench.world.put_by_hand(&document);
        assert_eq!(bench.tell_all(vec![told(&document, at, Then::Nothing)]), 0);
        outcomes(&bench)
    };
    // To say what is usual changes nothing.
    assert_eq!(said(json!({"failures": "wrong"}), 50), 41);
    assert_eq!(said(json!({"failures": "as_answered"}), 51), 1);
}

#[test]
fn a_policy_takes_failures_as_its_goal_does() {
    for (failures, status) in [("wrong", Status::RolledBack), ("as_answered", Status::Running)] {
        let mut document: Value = serde_json::from_str(&document(&json!({"failures": failures}))).unwrap();
        document["policy"] = json!({"ramp": {"to": "b", "percent": [10, 60], "step_minutes": 600}});
        document["guardrails"] = json!([{"metric": "goal"}]);
        let document = document.to_string();
        let bench = bench();
        bench.world.put_by_hand(&document);
        let start = Start { document: None, condition: Condition::Any, plan: None, finish: None };
        let started = bench.ask(Command::Act { act: Act::Start(start), cause: Cause::of(Author::Token, None) });
        assert!(matches!(started, Answer::Moved { .. }), "{started:?}");
        bench.publish();
        // Both answer easy cases, but for some of them `b`'s fallback does.
        let easy = (0..CASES).filter(|case| !is_hard(*case)).flat_map(|case| [2 * case, 2 * case + 1]);
        let outcomes = easy.map(|at| {
            let told = told(&document, at, Then::FallbackIsRight);
            let stood_in = at % 2 == 1 && at.is_multiple_of(5);
            let claims = told.claims.map(|claims| Claims { stood_in, ..claims });
            CheckedOutcome { claims, ..told }
        });
        assert_eq!(bench.tell_all(outcomes.collect()), 0);
        bench.wait(60_000.0);
        let woken = futures_util::FutureExt::now_or_never(bench.controller().wake()).expect("nothing waits");
        woken.unwrap();
        bench.publish();
        let Answer::Policy(report) = bench.ask(Command::Policy) else { panic!("no report") };
        assert_eq!(report.status, Some(status), "{failures}: {:?}", report.says);
    }
}

//! Policies, with a clock that the tests move on.

use std::cell::Cell;

use super::tallies::tally;
use super::{Bench, bench};
use crate::assignment::Reason;
use crate::endpoint::Endpoint;
use crate::experiment::{
    Act, ActError, Answer, Author, Cause, Change, Command, Condition, Counted, Deed, Edit, Event, Later, Past, Plan,
    PlanError, Report, Rollout, Share, Start, Status, Sums, Tally, Wronged,
};

const MINUTE_MS: f64 = 60_000.0;

fn document(rest: &str) -> String {
    format!(
        r#"{{"variants": [{{"name": "a", "weight": 3, "origin": {{"url": "https://a.example"}}}},
            {{"name": "b", "weight": 1, "origin": {{"url": "https://b.example"}}}},
            {{"name": "c", "weight": 0, "origin": {{"url": "https://c.example"}}}}], {rest}}}"#
    )
}

fn ramp(guardrails: &str) -> String {
    let policy =
        r#""policy": {"ramp": {"to": "c", "percent": [10, 50, 100], "step_minutes": 10, "step_invocations": 50}}"#;
    document(&format!(r#""guardrails": [{guardrails}], {policy}"#))
}

struct Ramped {
    bench: Bench,
    sequence: Cell<u64>,
}

impl Ramped {
    fn new(document: &str) -> Self {
        let bench = bench();
        bench.world.put_by_hand(document);
        Ramped { bench, sequence: Cell::new(0) }
    }

    fn act(&self, act: Act) -> Answer {
        let cause = Cause::of(Author::Token, None);
        let answer = self.bench.ask(Command::Act { act, cause });
        self.bench.publish();
        answer
    }

    fn start(&self) -> Report {
        let start = Start { document: None, condition: Condition::Any, plan: None, finish: None };
        match self.act(Act::Start(start)) {
            Answer::Moved { report, .. } => *report,
            other => panic!("{other:?}"),
        }
    }

    fn report(&self) -> Report {
        let answer = self.bench.ask(Command::Policy);
        self.bench.publish();
        match answer {
            Answer::Policy(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    fn share(&self, variant: &str) -> f64 {
        self.report().shares.iter().find(|(name, _)| name == variant).unwrap().1
    }

    fn history(&self) -> Vec<Past> {
        match self.bench.ask(Command::History { before: None }) {
            Answer::History { changes, .. } => changes,
            other => panic!("{other:?}"),
        }
    }

    /// Requests of a variant under the newest revision, so many of which it failed.
    fn serve(&self, variant: &str, invocations: u64, errors: u64) {
        let revision = self.report().revision.unwrap();
        self.send(vec![share(&revision, variant, Reason::Weighted, invocations, errors)], Vec::new());
    }

    /// Requests by the shares as they are.
    fn serve_all(&self, invocations: f64) {
        for (name, share) in self.report().shares {
            self.serve(&name, (share * invocations).round() as u64, 0);
        }
    }

    fn send(&self, shares: Vec<Share>, wronged: Vec<Wronged>) {
        let sequence = self.sequence.replace(self.sequence.get() + 1);
        let sent = Tally { settled: sequence, wronged, ..tally("i", sequence, shares) };
        assert!(matches!(self.bench.ask(Command::Tally(sent)), Answer::Counted(_)));
        self.bench.publish();
    }

    fn wait(&self, minutes: f64) {
        self.bench.wait(minutes * MINUTE_MS);
        self.wake();
    }

    fn wake(&self) -> f64 {
        let woken = futures_util::FutureExt::now_or_never(self.bench.controller().wake()).expect("nothing waits");
        self.bench.publish();
        match woken.unwrap() {
            Later::WakeAt(ms) => ms,
            Later::Drop => panic!("dropped"),
        }
    }
}

fn share(revision: &str, variant: &str, reason: Reason, invocations: u64, errors: u64) -> Share {
    Share {
        of: Counted {
            minute: 30_000_000,
            revision: revision.to_owned(),
            variant: Some(variant.to_owned()),
            reason: Some(reason),
        },
        sums: Sums { invocations, variant_errors: errors, ..Sums::default() },
    }
}

#[test]
fn a_whole_ramp() {
    let ramped = Ramped::new(&ramp(r#"{"metric": "errors"}, {"metric": "mismatch"}"#));
    let report = ramped.start();
    assert_eq!((report.status, report.step.as_ref().unwrap().number), (Some(Status::Running), 1));
    assert_eq!(report.shares, [("a".to_owned(), 0.675), ("b".to_owned(), 0.225), ("c".to_owned(), 0.1)]);
    // Its time has come, its requests have not.
    ramped.wait(11.0);
    let report = ramped.report();
    assert_eq!(report.step.as_ref().unwrap().number, 1);
    assert!(report.waiting_for.as_ref().unwrap().contains("50 more requests of c"), "{report:?}");
    ramped.serve_all(400.0);
    assert_eq!(ramped.report().about_seconds, Some(165.0), "40 of 50 in 11 minutes");
    ramped.serve_all(400.0);
    ramped.wait(0.1);
    let report = ramped.report();
    assert_eq!((report.step.as_ref().unwrap().number, ramped.share("c")), (2, 0.5), "{report:?}");
    assert_eq!(report.step.unwrap().invocations, 0);
    // Requests alone are not enough either.
    ramped.serve_all(400.0);
    ramped.wait(1.0);
    assert_eq!(ramped.report().about_seconds, Some(540.0));
    ramped.wait(9.5);
    assert_eq!(ramped.share("c"), 1.0);
    ramped.wait(9.0);
    assert_eq!(ramped.report().status, Some(Status::Running));
    ramped.wait(1.5);
    let report = ramped.report();
    assert_eq!((report.status, ramped.share("c")), (Some(Status::Done), 1.0));
    let deeds: Vec<Deed> = report.deeds.iter().rev().map(|told| told.deed).collect();
    assert_eq!(deeds, [Deed::Start, Deed::Step, Deed::Step, Deed::End]);
    let history = ramped.history();
    let authors: Vec<_> = history.iter().map(|past| past.author.clone()).collect();
    assert_eq!(authors, [Author::Policy, Author::Policy, Author::Token, Author::Hand]);
    let step = &history[0];
    assert_eq!(
        step.reason.as_deref(),
        Some("c gets 100 % of the traffic: no guardrail is breached after 200 requests and 0 outcomes of it.")
    );
    assert_eq!(step.figures.as_ref().unwrap()["counted"][2]["invocations"], 280);
    assert_eq!(step.figures.as_ref().unwrap()["guardrails"][0]["metric"], "errors");
    // Waking an ended one does nothing, nor does waking it twice.
    ramped.wait(100.0);
    ramped.wake();
    assert_eq!(ramped.history().len(), 4);
}

#[test]
fn a_breach_at_each_step_puts_back_what_was_before() {
    for step in 0..3 {
        let ramped = Ramped::new(&ramp(r#"{"metric": "errors"}, {"metric": "absolute", "at_most": 0.05}"#));
        let before = ramped.report().revision;
        ramped.start();
        for _ in 0..step {
            ramped.serve_all(1_000.0);
            ramped.wait(11.0);
        }
        ramped.serve("a", 60, 1);
        ramped.serve("c", 60, 30);
        ramped.wait(0.1);
        let report = ramped.report();
        assert_eq!((report.status, &report.revision), (Some(Status::RolledBack), &before), "{step}");
        // Where nobody else is left, the absolute rate alone can tell.
        let wanted = if step < 2 { "c fails " } else { "c has failed 30 of" };
        assert!(report.says.as_ref().unwrap().contains(wanted), "{report:?}");
        assert_eq!(ramped.history()[0].author, Author::Policy);
        // It does not begin again by itself.
        ramped.wait(1_000.0);
        assert_eq!(ramped.report().status, Some(Status::RolledBack));
    }
}

#[test]
fn errors_of_all_variants_alike_turn_nothing_back() {
    let ramped = Ramped::new(&ramp(r#"{"metric": "errors"}"#));
    ramped.start();
    for _ in 0..20 {
        ramped.serve("a", 675, 338);
        ramped.serve("b", 225, 112);
        ramped.serve("c", 100, 50);
    }
    ramped.wait(0.1);
    assert_eq!(ramped.report().status, Some(Status::Running));
}

#[test]
fn a_unit_that_fails_again_and_again_counts_once_and_those_that_move_count_again() {
    let sticky = r#""assignment": {"unit": {"header": "x-user"}, "salt": "s"},"#;
    let policy =
        r#""policy": {"ramp": {"to": "c", "percent": [10, 50, 100], "step_minutes": 10, "step_invocations": 50}}"#;
    let ramped = Ramped::new(&document(&format!(r#"{sticky} "guardrails": [{{"metric": "errors"}}], {policy}"#)));
    ramped.start();
    let wronged = |revision: &str, variant: &str, unit: u64| Wronged {
        event: Event::Error,
        revision: revision.to_owned(),
        variant: variant.to_owned(),
        unit,
    };
    let errors = |report: &Report| report.guardrails[0].says.clone();
    let first = ramped.report().revision.unwrap();
    for _ in 0..100 {
        ramped.send(vec![share(&first, "c", Reason::Sticky, 10, 10)], vec![wronged(&first, "c", 1)]);
    }
    ramped.send(Vec::new(), (10..20).map(|unit| wronged(&first, "a", unit)).collect());
    ramped.wait(0.1);
    let report = ramped.report();
    assert_eq!(report.status, Some(Status::Running));
    assert!(errors(&report).contains("(1 of 11 failures were its"), "{}", errors(&report));
    ramped.wait(11.0);
    let second = ramped.report().revision.unwrap();
    assert_ne!(first, second);
    // What is known of unit 1 says nothing more; of the ten others, each may have moved with a probability of 4 in 9.
    let moved = (1..15).map(|unit| wronged(&second, if unit < 15 { "c" } else { "a" }, unit));
    ramped.send(Vec::new(), moved.chain((15..20).map(|unit| wronged(&second, "a", unit))).collect());
    ramped.wait(0.1);
    let report = ramped.report();
    // Units 2 to 9 are new.
    assert!(errors(&report).contains("(14 of 29 failures were its"), "{}", errors(&report));
}

#[test]
fn no_data_pauses_and_moves_nothing() {
    let ramped = Ramped::new(&ramp(r#"{"metric": "no_traffic", "minutes": 30}"#));
    ramped.start();
    ramped.serve_all(100.0);
    ramped.wait(29.0);
    assert_eq!(ramped.report().status, Some(Status::Running));
    ramped.wait(2.0);
    let report = ramped.report();
    assert_eq!((report.status, ramped.share("c")), (Some(Status::Paused), 0.1));
    assert!(report.says.unwrap().starts_with("no request has come for 31"));
    assert!(matches!(ramped.act(Act::Resume), Answer::Moved { .. }));
    ramped.wait(29.0);
    assert_eq!(ramped.report().status, Some(Status::Running));
}

#[test]
fn without_a_guardrail_that_says_so_no_data_just_waits() {
    let ramped = Ramped::new(&ramp(""));
    ramped.start();
    ramped.wait(100_000.0);
    let report = ramped.report();
    assert_eq!((report.status, report.step.unwrap().number), (Some(Status::Running), 1));
}

#[test]
fn a_change_by_hand_or_by_api_pauses_and_resuming_goes_on_from_there() {
    let ramped = Ramped::new(&ramp(""));
    ramped.start();
    ramped.bench.wait(10.0);
    let by_hand = ramp("").replace("\"weight\": 3", "\"weight\": 1").replace("\"weight\": 0", "\"weight\": 7");
    ramped.bench.world.put_by_hand(&by_hand);
    ramped.wait(2.0);
    let report = ramped.report();
    assert_eq!((report.status, report.revision.as_deref()), (Some(Status::Paused), Some(revision(&by_hand).as_str())));
    assert!(report.says.as_ref().unwrap().starts_with("somebody put a document into KV by hand"), "{report:?}");
    ramped.serve_all(10_000.0);
    ramped.wait(30.0);
    assert_eq!(ramped.report().status, Some(Status::Paused));
    // The step that it was in, of the document as it is now.
    assert!(matches!(ramped.act(Act::Resume), Answer::Moved { .. }));
    assert_eq!(ramped.report().shares, [("a".to_owned(), 0.45), ("b".to_owned(), 0.45), ("c".to_owned(), 0.1)]);
    assert_eq!(ramped.report().step.unwrap().number, 1);
    let change = Change { edit: Edit::Weights(r#"{"c": 0}"#.to_owned()), condition: Condition::Any };
    let cause = Cause::of(Author::Token, Some("a look at c".to_owned()));
    ramped.bench.ask(Command::Change { change, cause });
    let report = ramped.report();
    assert_eq!(report.status, Some(Status::Paused));
    assert!(report.says.unwrap().contains("the administrator changed the document (a look at c)"));
    // From there it can be rolled back, or left alone.
    assert!(matches!(ramped.act(Act::RollBack), Answer::Moved { .. }));
    assert_eq!(ramped.history()[0].author, Author::Token);
    assert_eq!(ramped.report().revision, Some(revision(&ramp(""))));
}

fn revision(document: &str) -> String {
    Endpoint::parse(document.as_bytes()).unwrap().revision().as_str().to_owned()
}

#[test]
fn two_policies_at_once_are_refused() {
    let ramped = Ramped::new(&ramp(""));
    ramped.start();
    let again = Act::Start(Start { document: None, condition: Condition::Any, plan: None, finish: None });
    assert_eq!(ramped.act(again.clone()), Answer::Unmoved(ActError::Open(Status::Running)));
    ramped.act(Act::Pause);
    assert_eq!(ramped.act(again.clone()), Answer::Unmoved(ActError::Open(Status::Paused)));
    assert!(matches!(ramped.act(Act::Stop), Answer::Moved { .. }));
    assert_eq!(ramped.act(Act::Stop), Answer::Unmoved(ActError::NotSo("running or paused".to_owned())));
    // What is there already is not done again.
    assert!(matches!(ramped.act(again), Answer::Moved { report, .. } if report.step.as_ref().unwrap().of == Some(2)));
    let both = document(
        r#""policy": {"ramp": {"to": "c", "percent": [1], "step_minutes": 1}, "bandit": {"method": "thompson"}}"#,
    );
    assert!(Endpoint::parse(both.as_bytes()).unwrap_err().to_string().contains("`ramp` or `bandit`, one of them"));
}

#[test]
fn there_has_to_be_a_policy_with_something_to_do() {
    let none = Ramped::new(&document(r#""fallback": "a""#));
    let start =
        |document: Option<String>| Act::Start(Start { document, condition: Condition::Any, plan: None, finish: None });
    assert_eq!(none.act(start(None)), Answer::Unmoved(PlanError::NoPolicy.into()));
    let there = ramp("")
        .replace("\"weight\": 0", "\"weight\": 1")
        .replace("\"weight\": 3", "\"weight\": 0")
        .replace("\"b\", \"weight\": 1", "\"b\", \"weight\": 0");
    assert_eq!(none.act(start(Some(there))), Answer::Unmoved(PlanError::Arrived("c".to_owned()).into()));
    assert_eq!(none.report().status, None);
    // With a document, both are one change, and a rollback undoes both.
    let before = none.report().revision;
    assert!(matches!(none.act(start(Some(ramp("")))), Answer::Moved { .. }));
    assert_eq!(none.history().len(), 2);
    none.act(Act::RollBack);
    assert_eq!(none.report().revision, before);
}

#[test]
fn while_the_store_cannot_be_told_no_step_is_taken_but_one_back_is() {
    let ramped = Ramped::new(&ramp(r#"{"metric": "errors"}"#));
    let before = ramped.report().revision;
    ramped.start();
    ramped.serve_all(1_000.0);
    ramped.bench.world.down.set(true);
    ramped.wait(11.0);
    assert_eq!(ramped.share("c"), 0.5, "what it had was published");
    ramped.serve_all(1_000.0);
    ramped.wait(11.0);
    assert_eq!(ramped.share("c"), 0.5, "what it has now was not");
    ramped.serve("c", 100, 90);
    ramped.wait(0.1);
    let report = ramped.report();
    assert_eq!((report.status, report.revision), (Some(Status::RolledBack), before));
    ramped.bench.world.down.set(false);
    ramped.bench.publish();
    assert_eq!(ramped.bench.world.has(), Some(ramp(r#"{"metric": "errors"}"#)));
}

#[test]
fn it_is_looked_at_when_something_may_have_to_be_done() {
    let ramped = Ramped::new(&ramp(""));
    ramped.start();
    let in_ms = |at: f64| at - ramped.bench.world.now_ms.get();
    ramped.wait(0.1);
    assert_eq!(in_ms(ramped.wake()), 30_000.0, "something may happen");
    ramped.serve_all(1_000.0);
    ramped.wait(9.8);
    let left = in_ms(ramped.wake());
    assert!((left - 6_000.0).abs() < 1.0, "{left}");
    // However late.
    ramped.wait(500.0);
    assert_eq!(ramped.share("c"), 0.5);
    ramped.act(Act::Pause);
    ramped.wait(20.0);
    assert_eq!(in_ms(ramped.wake()), 30_000.0, "its guardrails are looked at, however long the step has lasted");
    ramped.bench.ask(Command::Change {
        change: Change { edit: Edit::Weights(r#"{"c": 1}"#.to_owned()), condition: Condition::Any },
        cause: Cause::of(Author::Token, None),
    });
    ramped.wait(1.0);
    assert!(in_ms(ramped.wake()) > 60_000.0, "somebody else has the weights");
    ramped.act(Act::Stop);
    assert!(in_ms(ramped.wake()) > 60_000.0, "nothing is to be done");
}

#[test]
fn it_is_hurried_on_but_not_past_a_breach() {
    let ramped = Ramped::new(&ramp(r#"{"metric": "errors", "then": "pause"}"#));
    ramped.start();
    ramped.act(Act::Hurry);
    assert_eq!(ramped.share("c"), 0.5);
    ramped.act(Act::Hurry);
    assert_eq!(ramped.share("c"), 1.0);
    ramped.act(Act::Hurry);
    assert_eq!(ramped.report().status, Some(Status::Done));
    let ramped = Ramped::new(&ramp(r#"{"metric": "errors", "then": "pause"}"#));
    ramped.start();
    ramped.serve("c", 30, 30);
    ramped.wait(0.1);
    let report = ramped.report();
    assert_eq!((report.status, ramped.share("c")), (Some(Status::Paused), 0.1));
    ramped.act(Act::Resume);
    ramped.wait(0.1);
    assert_eq!(ramped.report().status, Some(Status::Paused), "it is still so");
}

#[test]
fn a_pause_holds_the_steps_and_not_the_guard() {
    let ramped = Ramped::new(&ramp(r#"{"metric": "errors"}"#));
    ramped.start();
    ramped.act(Act::Pause);
    ramped.serve_all(1_000.0);
    ramped.wait(11.0);
    assert_eq!((ramped.report().status, ramped.share("c")), (Some(Status::Paused), 0.1));
    ramped.serve("c", 30, 30);
    ramped.wait(0.6);
    assert_eq!(ramped.report().status, Some(Status::RolledBack));
}

#[test]
fn a_document_that_goes_bad_pauses_it_and_a_removed_one_ends_it() {
    let ramped = Ramped::new(&ramp(""));
    ramped.start();
    ramped.bench.wait(10.0);
    ramped.bench.world.put_by_hand("{");
    ramped.wait(2.0);
    let answer = ramped.bench.ask(Command::Policy);
    assert!(matches!(&answer, Answer::Policy(report) if report.status == Some(Status::Paused)), "{answer:?}");
    ramped.bench.wait(10.0);
    ramped.bench.world.put_by_hand(&ramp(""));
    ramped.wait(2.0);
    assert!(matches!(ramped.act(Act::Resume), Answer::Moved { .. }));
    assert_eq!(ramped.share("c"), 0.1);
    ramped.bench.ask(Command::Change {
        change: Change { edit: Edit::Remove, condition: Condition::Any },
        cause: Cause::of(Author::Token, None),
    });
    let answer = ramped.bench.ask(Command::Policy);
    assert!(matches!(&answer, Answer::Policy(report) if report.status == Some(Status::Stopped)), "{answer:?}");
}

#[test]
fn the_last_step_waits_for_its_verdict_though_the_variant_is_there_already() {
    let there =
        ramp("").replace("\"weight\": 0", "\"weight\": 4").replace("100],", "100], \"promote_when\": \"better\",");
    let there = there.replace("\"guardrails\"", "\"outcome\": {\"kind\": \"reward\"}, \"guardrails\"");
    let ramped = Ramped::new(&there);
    let report = ramped.start();
    assert_eq!(report.step.unwrap().percents, [50.0, 100.0]);
    ramped.serve_all(1_000.0);
    ramped.wait(11.0);
    assert_eq!(ramped.share("c"), 0.5);
    let one = there.replace("[10, 50, 100]", "[100]");
    assert!(Endpoint::parse(one.as_bytes()).unwrap_err().to_string().contains("name one before it"));
}

#[test]
fn alpha_is_shared_out() {
    let all = r#"{"metric": "errors"}, {"metric": "slow", "origin_ms": 100}, {"metric": "absolute", "at_most": 0.5}, {"metric": "mismatch"}, {"metric": "no_traffic"}"#;
    let report = Ramped::new(&ramp(all)).start();
    let alphas: Vec<_> = report.guardrails.iter().map(|guarded| guarded.alpha).collect();
    assert_eq!(alphas, [Some(0.0125), Some(0.0125), Some(0.0125), Some(0.0125), None]);
    let endpoint = Endpoint::parse(ramp(all).as_bytes()).unwrap();
    assert_eq!(Plan::of(&endpoint).unwrap().alpha_each(), 0.0125);
}

#[test]
fn a_traffic_that_is_not_split_as_it_should_be_pauses() {
    let ramped = Ramped::new(&ramp(r#"{"metric": "mismatch"}"#));
    ramped.start();
    ramped.serve("a", 675, 0);
    ramped.serve("b", 225, 0);
    ramped.wait(0.1);
    let report = ramped.report();
    assert_eq!(report.status, Some(Status::Paused));
    assert!(report.says.unwrap().starts_with("the traffic is not divided as the weights say"));
}

#[test]
fn a_ramp_that_was_rolled_back_starts_anew_and_counts_anew() {
    let ramped = Ramped::new(&ramp(r#"{"metric": "errors"}"#));
    ramped.start();
    ramped.serve("c", 30, 30);
    ramped.wait(0.1);
    assert_eq!(ramped.report().status, Some(Status::RolledBack));
    let report = ramped.start();
    assert_eq!((report.status, report.guardrails[0].value), (Some(Status::Running), None));
    ramped.wait(0.1);
    assert_eq!(ramped.report().status, Some(Status::Running));
}

#[test]
fn a_step_that_changes_no_weights_lasts_its_time_all_the_same() {
    let before = document(r#""fallback": "a""#);
    let ramped = Ramped::new(&before);
    let endpoint = Endpoint::parse(before.as_bytes()).unwrap();
    let rollout = Rollout {
        percent: vec![50.0, 100.0],
        step_ms: 10.0 * MINUTE_MS,
        bake_ms: 5.0 * MINUTE_MS,
        most_ms: None,
        terms: serde_json::Value::Null,
    };
    // The same variants with the same shares, in another configuration.
    let finish = before.replace(r#""fallback""#, r#""config": "again", "fallback""#);
    let again = crate::endpoint::Name::try_from("again").unwrap();
    let start = rollout.start(&endpoint, (again, finish.clone()), Vec::new()).unwrap();
    assert!(matches!(ramped.act(Act::Start(start)), Answer::Moved { .. }));
    ramped.wait(10.0);
    ramped.wait(9.0);
    let report = ramped.report();
    assert_eq!((report.status, report.step.unwrap().number), (Some(Status::Running), 2));
    ramped.wait(5.9);
    assert_eq!(ramped.report().about_seconds, Some(6.0));
    ramped.wait(0.1);
    let report = ramped.report();
    assert_eq!((report.status, report.revision), (Some(Status::Done), Some(revision(&finish))));
}

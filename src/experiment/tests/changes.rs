//! Changes: one at a time, whoever makes them, and the store follows.

use super::{Bench, DELAY_MS, bench, document};
use crate::endpoint::Revision;
use crate::experiment::{Answer, Author, Cause, Change, Command, Condition, Edit, Past, Refusal};
use crate::platform::Entry;

fn revision(document: &str) -> String {
    Revision::of(document.as_bytes()).as_str().to_owned()
}

impl Bench {
    fn change(&self, edit: Edit, condition: Condition) -> Answer {
        let change = Change { edit, condition };
        let cause = Cause::of(Author::Token, Some("why not".to_owned()));
        self.ask(Command::Change { change, cause })
    }

    fn put(&self, document: &str) -> Answer {
        self.change(Edit::Document(document.to_owned()), Condition::Any)
    }

    fn read(&self) -> (u64, Option<String>) {
        match self.ask(Command::Read) {
            Answer::Kept { newest, .. } => (newest.number, newest.revision),
            other => panic!("{other:?}"),
        }
    }

    fn history(&self) -> Vec<Past> {
        match self.ask(Command::History { before: None }) {
            Answer::History { changes, .. } => changes,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn of_many_changes_at_once_one_wins() {
    let bench = bench();
    let first = document(1, 1);
    bench.world.put_by_hand(&first);
    for round in 1..=50u32 {
        let (number, current) = bench.read();
        let condition = Condition::OneOf(vec![current.clone().unwrap()]);
        let answers: Vec<Answer> = (0..5)
            .map(|at| bench.change(Edit::Weights(format!(r#"{{"a": {}}}"#, round * 10 + at)), condition.clone()))
            .collect();
        assert!(matches!(&answers[0], Answer::Document(newest) if newest.number == number + 1), "{answers:?}");
        for other in &answers[1..] {
            assert!(
                matches!(other, Answer::Refused(Refusal::Conflict { current: Some(now) }) if Some(now) != current.as_ref())
            );
        }
        bench.publish();
    }
    assert_eq!((bench.history().len(), bench.history()[0].number), (50, 51));
    assert_eq!(bench.world.writes.get(), 50);
}

#[test]
fn the_history_tells_who_what_for_and_what_was_different() {
    let bench = bench();
    bench.world.put_by_hand(&document(1, 1));
    bench.change(Edit::Weights(r#"{"a": 3}"#.to_owned()), Condition::Any);
    let changes = bench.history();
    assert_eq!(
        (changes[0].number, &changes[0].author, changes[0].reason.as_deref()),
        (2, &Author::Token, Some("why not"))
    );
    assert_eq!((changes[1].number, &changes[1].author, changes[1].before.as_deref()), (1, &Author::Hand, None));
    assert_eq!(changes[0].before, changes[1].revision);
    let patch = serde_json::json!([{"op": "replace", "path": "/variants/0/weight", "value": 3}]);
    assert_eq!(changes[0].patch, Some(patch));
}

#[test]
fn a_change_back_is_one_more_change() {
    let bench = bench();
    let first = document(1, 1);
    bench.put(&first);
    bench.put(&document(2, 1));
    let restored = bench.change(Edit::Restore(revision(&first)), Condition::OneOf(vec![revision(&document(2, 1))]));
    assert!(matches!(restored, Answer::Document(newest) if newest.number == 3 && newest.document == Some(first)));
    let refused = bench.change(Edit::Restore("0123456789ab".to_owned()), Condition::Any);
    assert_eq!(refused, Answer::Refused(Refusal::UnknownRevision("0123456789ab".to_owned())));
}

#[test]
fn the_store_is_told_until_it_has_it() {
    let bench = bench();
    bench.put(&document(1, 1));
    bench.world.down.set(true);
    assert!(!bench.publish());
    bench.put(&document(2, 1));
    bench.world.down.set(false);
    assert!(bench.publish());
    // What was never published in between is not.
    assert_eq!((bench.world.has(), bench.world.writes.get()), (Some(document(2, 1)), 1));
    assert_eq!(bench.world.stored.borrow().as_ref().and_then(|entry| entry.times?.number), Some(2));
    assert!(bench.publish());
    assert_eq!(bench.world.writes.get(), 1);
}

#[test]
fn what_is_put_by_hand_is_taken_over_before_anything_is_changed() {
    let bench = bench();
    bench.put(&document(1, 1));
    bench.publish();
    bench.wait(1.0);
    let by_hand = document(1, 9);
    bench.world.put_by_hand(&by_hand);
    let refused =
        bench.change(Edit::Weights(r#"{"a": 5}"#.to_owned()), Condition::OneOf(vec![revision(&document(1, 1))]));
    assert_eq!(refused, Answer::Refused(Refusal::Conflict { current: Some(revision(&by_hand)) }));
    assert_eq!(bench.history()[0].author, Author::Hand);
}

#[test]
fn a_tally_with_a_revision_that_nobody_knows_has_the_store_looked_at() {
    let bench = bench();
    bench.put(&document(1, 1));
    bench.publish();
    bench.wait(2_000.0);
    let by_hand = document(1, 9);
    bench.world.put_by_hand(&by_hand);
    let tally = |sequence, served: &str| crate::experiment::Tally {
        revision: Some(revision(served)),
        ..super::tallies::tally("i", sequence, Vec::new())
    };
    assert_eq!(bench.count(&tally(0, &document(1, 1))).revision, Some(revision(&document(1, 1))));
    let newest = bench.count(&tally(1, &by_hand));
    assert_eq!((newest.revision, newest.document, newest.number), (Some(revision(&by_hand)), Some(by_hand), 2));
    // Without a hint, within a minute.
    bench.world.put_by_hand(&document(7, 7));
    bench.wait(60_000.0);
    assert_eq!(bench.count(&tally(2, &document(1, 9))).revision, Some(revision(&document(7, 7))));
}

#[test]
fn an_older_copy_of_the_store_is_no_change_by_hand() {
    let bench = bench();
    bench.put(&document(1, 1));
    bench.publish();
    let older = bench.world.stored.borrow().clone();
    bench.wait(120_000.0);
    bench.put(&document(2, 1));
    bench.publish();
    for lagging in [older, Some(Entry { value: document(1, 1).into(), times: None }), None] {
        bench.wait(10_000.0);
        bench.world.lag.borrow_mut().push_back(lagging);
        assert_eq!(bench.read(), (2, Some(revision(&document(2, 1)))));
    }
    // Once it has had its time, somebody has put the older one back, or removed it.
    bench.wait(DELAY_MS);
    bench.world.put_by_hand(&document(1, 1));
    assert_eq!(bench.read(), (3, Some(revision(&document(1, 1)))));
    bench.wait(DELAY_MS + 2_000.0);
    *bench.world.stored.borrow_mut() = None;
    assert_eq!(bench.read(), (4, None));
}

#[test]
fn a_store_that_has_lost_the_newest_version_is_told_again() {
    let bench = bench();
    bench.put(&document(1, 1));
    bench.publish();
    let older = bench.world.stored.borrow().clone();
    bench.put(&document(2, 1));
    bench.publish();
    bench.wait(3.0 * DELAY_MS);
    *bench.world.stored.borrow_mut() = older;
    assert_eq!(bench.read().0, 2);
    assert!(bench.publish());
    assert_eq!(bench.world.has(), Some(document(2, 1)));
}

#[test]
fn a_look_that_began_before_a_change_was_published_does_not_undo_it() {
    let bench = bench();
    bench.put(&document(1, 1));
    // The store still has nothing, and then the older one.
    bench.wait(DELAY_MS * 2.0);
    assert_eq!(bench.read().0, 1);
    bench.publish();
    bench.put(&document(2, 1));
    bench.wait(DELAY_MS * 2.0);
    assert_eq!(bench.read(), (2, Some(revision(&document(2, 1)))));
}

#[test]
fn a_removed_endpoint_keeps_its_history_and_can_be_made_anew() {
    let bench = bench();
    assert_eq!(bench.change(Edit::Remove, Condition::Any), Answer::Refused(Refusal::NotFound));
    assert_eq!(bench.ask(Command::History { before: None }), Answer::Refused(Refusal::NotFound));
    bench.put(&document(1, 1));
    let refused = bench.change(Edit::Document(document(2, 1)), Condition::Absent);
    assert!(matches!(refused, Answer::Refused(Refusal::Conflict { .. })));
    bench.change(Edit::Remove, Condition::Any);
    assert!(bench.publish());
    assert_eq!((bench.world.has(), bench.history().len()), (None, 2));
    assert!(matches!(bench.controller().clean().unwrap(), crate::experiment::Later::WakeAt(_)));
    assert!(
        matches!(bench.change(Edit::Document(document(2, 1)), Condition::Absent), Answer::Document(newest) if newest.number == 3)
    );
    bench.change(Edit::Remove, Condition::Any);
    bench.wait(31.0 * 86_400_000.0);
    assert_eq!(bench.controller().clean().unwrap(), crate::experiment::Later::Drop);
}

#[test]
fn a_bad_document_is_refused_with_its_words_and_changes_nothing() {
    let bench = bench();
    bench.put(&document(1, 1));
    let refused = bench.put(r#"{"variants": []}"#);
    assert!(matches!(&refused, Answer::Refused(Refusal::Document(words)) if words.contains("variants")), "{refused:?}");
    let refused = bench.change(Edit::Weights(r#"{"nobody": 1}"#.to_owned()), Condition::Any);
    assert!(matches!(&refused, Answer::Refused(Refusal::Weights(words)) if words.contains("nobody")), "{refused:?}");
    assert_eq!(bench.read().0, 1);
}

#[test]
fn pages_of_the_history_follow_each_other() {
    let bench = bench();
    for weight in 1..=120 {
        bench.put(&document(weight, 1));
    }
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let Answer::History { changes, more } = bench.ask(Command::History { before }) else { panic!() };
        before = changes.last().map(|last| last.number);
        seen.extend(changes);
        if !more {
            break;
        }
    }
    assert_eq!(seen.iter().map(|past| past.number).collect::<Vec<_>>(), (1..=120).rev().collect::<Vec<_>>());
    assert!(seen.iter().all(|past| past.patch.is_some() && (past.before.is_some() || past.number == 1)));
}

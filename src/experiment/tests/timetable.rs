//! Shadows that begin and end at their time, by the alarm alone.

use super::{Bench, bench, document};
use crate::endpoint::{Endpoint, Name, ShadowChange, ShadowFate, Variant};
use crate::experiment::{Answer, Author, Cause, Change, Command, Condition, Edit, Later, Refusal, Timed, Timetable};

const START_MS: f64 = 1_800_000_000_000.0;

fn cause(reason: &str) -> Cause {
    Cause::of(Author::Token, Some(reason.to_owned()))
}

fn name(name: &str) -> Name {
    Name::try_from(name).unwrap()
}

/// A timetable of the shadow `c`, from a minute on for another minute.
fn timetable(test: &str) -> Timetable {
    let variant = r#"{"name": "c", "shadow": 0.5, "origin": {"url": "https://c.example"}}"#;
    let begin = ShadowChange::Begin(serde_json::from_str::<Variant>(variant).unwrap());
    let end = ShadowChange::End { shadow: name("c"), fate: ShadowFate::Removed, source: name("a"), keeps_source: true };
    let timed =
        |minutes: f64, change, reason| Timed { at_ms: START_MS + minutes * 60_000.0, change, cause: cause(reason) };
    Timetable { test: test.to_owned(), entries: vec![timed(1.0, begin, "begins"), timed(2.0, end, "ends")] }
}

impl Bench {
    fn edited(&self, edit: Edit) {
        let change = Change { edit, condition: Condition::Any };
        assert!(matches!(self.ask(Command::Change { change, cause: cause("") }), Answer::Document(_)));
    }

    fn plan(&self, later: Timetable) -> Answer {
        self.ask(Command::Shadows { now: None, later })
    }

    fn shadows(&self) -> usize {
        Endpoint::parse(self.world.has().unwrap_or_default().as_bytes())
            .map_or(0, |endpoint| endpoint.shadows().count())
    }

    fn wake(&self) -> f64 {
        let later = futures_util::FutureExt::now_or_never(self.controller().wake()).expect("nothing waits").unwrap();
        assert!(self.publish());
        match later {
            Later::WakeAt(ms) => ms - START_MS,
            Later::Drop => panic!("nothing is left"),
        }
    }
}

#[test]
fn the_alarm_begins_and_ends_a_shadow() {
    let bench = bench();
    bench.edited(Edit::Document(document(1, 1)));
    assert!(matches!(bench.plan(timetable("t")), Answer::Document(_)));
    assert_eq!((bench.wake(), bench.shadows()), (60_000.0, 0));
    bench.wait(60_000.0);
    assert_eq!((bench.wake(), bench.shadows()), (120_000.0, 1));
    // As long as something is left to be done, the endpoint is this test's.
    assert_eq!(bench.plan(timetable("other")), Answer::Refused(Refusal::InTest("t".to_owned())));
    bench.wait(60_000.0);
    assert!(bench.wake() > 120_000.0);
    assert_eq!(bench.shadows(), 0);
    assert!(matches!(bench.plan(timetable("other")), Answer::Document(_)));
}

#[test]
fn what_cannot_be_done_at_its_time_ends_it_and_so_does_the_endpoint_s_end() {
    let bench = bench();
    bench.edited(Edit::Document(document(1, 1)));
    bench.plan(timetable("t"));
    bench.edited(Edit::Document(document(1, 1).replace("\"b\"", "\"c\"")));
    bench.wait(60_000.0);
    // Another variant has the name: nothing is begun, and nothing is left.
    assert!(bench.wake() > 120_000.0);
    assert_eq!(bench.shadows(), 0);
    bench.edited(Edit::Document(document(1, 1)));
    bench.plan(timetable("next"));
    bench.edited(Edit::Remove);
    bench.edited(Edit::Document(document(1, 1)));
    assert!(bench.wake() > 120_000.0);
    assert_eq!(bench.shadows(), 0);
}

//! Tallies: each counts once.

use proptest::prelude::*;

use super::{Bench, bench, document};
use crate::assignment::Reason;
use crate::endpoint::Revision;
use crate::experiment::{
    Answer, By, CaptureCounts, Command, Counted, Line, LostCaptures, Newest, Query, Scoreboard, Share, Sums, Tally,
};

pub(super) fn tally(isolate: &str, sequence: u64, shares: Vec<Share>) -> Tally {
    Tally {
        isolate: isolate.to_owned(),
        sequence,
        settled: 0,
        shares,
        units: Vec::new(),
        wronged: Vec::new(),
        predictions: Vec::new(),
        pairs: Vec::new(),
        shadowed: Vec::new(),
        revision: None,
        number: None,
        lost: 0,
        captured: CaptureCounts::default(),
    }
}

fn share(minute: u64, revision: &str, variant: &str, reason: Reason, invocations: u64) -> Share {
    let mut sums = Sums { invocations, rows: 3 * invocations, variant_errors: invocations / 10, ..Sums::default() };
    for at in 0..invocations {
        sums.origin_ms.record(10.0 + (at % 90) as f64);
    }
    let of = Counted { minute, revision: revision.to_owned(), variant: Some(variant.to_owned()), reason: Some(reason) };
    Share { of, sums }
}

impl Bench {
    pub(super) fn count(&self, tally: &Tally) -> Newest {
        match self.ask(Command::Tally(tally.clone())) {
            Answer::Counted(newest) => newest,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn scoreboard(&self, query: Query) -> Scoreboard {
        match self.ask(Command::Scoreboard(query)) {
            Answer::Scoreboard(scoreboard) => *scoreboard,
            other => panic!("{other:?}"),
        }
    }

    fn lines(&self, by: By) -> Vec<Line> {
        self.scoreboard(Query { by, ..Query::default() }).lines
    }
}

#[test]
fn a_scoreboard_says_who_answered_how_often_beside_what_the_weights_say() {
    let bench = bench();
    let document = document(3, 1);
    let revision = Revision::of(document.as_bytes()).as_str().to_owned();
    bench.world.put_by_hand(&document);
    let minute = 30_000_000;
    let shares = vec![
        share(minute, &revision, "a", Reason::Weighted, 70),
        share(minute, &revision, "b", Reason::Weighted, 30),
        share(minute, &revision, "b", Reason::Target, 5),
        share(minute + 1, &revision, "a", Reason::Fallback, 3),
    ];
    bench.count(&Tally { revision: Some(revision.clone()), ..tally("i", 0, shares) });
    let [a, b] = bench.lines(By::Variant).try_into().unwrap();
    assert_eq!((a.variant.as_deref(), a.invocations, a.rows, a.stood_in), (Some("a"), 70, 210, 3));
    assert_eq!((a.share, a.expected_share), (Some(0.7), Some(0.75)));
    assert_eq!((b.invocations, b.by_reason["weighted"], b.by_reason["target"]), (35, 30, 5));
    assert_eq!((b.share, b.expected_share), (Some(0.3), Some(0.25)));
    assert_eq!((b.errors.variant, b.error_rate), (3, Some(3.0 / 35.0)));
    let latency = a.origin_ms.as_ref().unwrap();
    assert_eq!((latency.count, latency.min, latency.max), (70, 10.0, 79.0));
    assert!((latency.p50 / 44.0 - 1.0).abs() < 0.02, "{latency:?}");
    let minutes = bench.lines(By::Minute);
    assert_eq!(minutes.iter().map(|line| line.invocations).collect::<Vec<_>>(), [70, 35, 0]);
    assert_eq!(minutes[2].since_ms, Some((minute + 1) * 60_000));
    // One variant's lines alone, with its share of all.
    let one = bench.scoreboard(Query { variant: Some("b".to_owned()), ..Query::default() });
    assert_eq!(one.lines, [b]);
    let of_none = bench.scoreboard(Query { config: Some("c".to_owned()), ..Query::default() });
    assert!(of_none.lines.is_empty());
    let at = |minute: u64| Some((minute * 60_000) as f64);
    let later = bench.scoreboard(Query { from_ms: at(minute + 1), ..Query::default() });
    assert_eq!((later.lines.len(), later.lines[0].stood_in, later.lines[0].share), (1, 3, None));
    assert_eq!(later.revision, Some(revision));
    let none = bench.scoreboard(Query { to_ms: at(minute), ..Query::default() });
    assert!(none.lines.is_empty());
}

#[test]
fn requests_of_a_revision_that_nobody_knows_have_no_expected_share() {
    let bench = bench();
    bench.count(&tally("i", 0, vec![share(1, "unknown", "a", Reason::Weighted, 7)]));
    let line = &bench.lines(By::Revision)[0];
    assert_eq!((line.revision.as_deref(), line.share, line.expected_share), (Some("unknown"), Some(1.0), None));
}

#[test]
fn old_minutes_become_hours_and_old_hours_days_and_nothing_is_lost() {
    let bench = bench();
    let now_minute = (bench.world.now_ms.get() / 60_000.0) as u64;
    let shares: Vec<Share> =
        (0..5_000).map(|at| share(now_minute - 29 * at, "r", "a", Reason::Weighted, 1 + at % 5)).collect();
    let sum: u64 = shares.iter().map(|share| share.sums.invocations).sum();
    bench.count(&tally("i", 0, shares));
    let minutes = bench.lines(By::Minute).len();
    let mut rounds = 0;
    while matches!(bench.controller().clean().unwrap(), crate::experiment::Later::WakeAt(at) if at < bench.world.now_ms.get() + 60_000.0)
    {
        rounds += 1;
        assert!(rounds < 20);
    }
    let lines = bench.lines(By::Minute);
    assert!(lines.len() < minutes / 2, "{} of {minutes}", lines.len());
    for span in [60_000, 3_600_000, 86_400_000] {
        assert!(lines.iter().any(|line| line.span_ms == Some(span)), "{span}");
    }
    assert_eq!(lines.iter().map(|line| line.invocations).sum::<u64>(), sum);
    assert_eq!(bench.lines(By::Variant)[0].invocations, sum);
    let latencies: u64 = lines.iter().filter_map(|line| line.origin_ms.as_ref()).map(|latency| latency.count).sum();
    assert_eq!(latencies, sum);
}

#[test]
fn units_beyond_what_is_kept_are_sampled_and_the_variants_keep_their_shares() {
    let bench = bench();
    let salt = crate::endpoint::Salt::try_from("s".to_owned()).unwrap();
    let endpoint = crate::endpoint::Endpoint::parse(document(3, 1).as_bytes()).unwrap();
    let mut told_below = u64::MAX;
    for message in 0..15 {
        let units = (0..10_000).map(|at| {
            let unit = crate::assignment::UnitHash::new(&salt, &format!("{message}-{at}"));
            let variant = unit.choose(endpoint.variants()).unwrap().name.to_string();
            ("r".to_owned(), variant, unit.to_string())
        });
        told_below = bench.count(&Tally { units: units.collect(), ..tally("i", message, Vec::new()) }).units_below;
    }
    assert_eq!(told_below, 1 << 51);
    let units = super::super::units::by_revision(&bench.database).unwrap();
    let (a, b) = (units[0].2, units[1].2);
    assert!((a + b).abs_diff(75_000) < 1_500, "{units:?}");
    assert!((a as f64 / (a + b) as f64 - 0.75).abs() < 0.01, "{units:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_order_of_repeated_messages_gives_the_same_scoreboard(
        order in proptest::collection::vec((0usize..3, 0u64..6), 18..80),
        amounts in proptest::collection::vec(1u64..50, 18)
    ) {
        let message = |isolate: usize, sequence: u64| {
            let amount = amounts[isolate * 6 + sequence as usize];
            let variant = if sequence.is_multiple_of(2) { "a" } else { "b" };
            tally(&format!("isolate-{isolate}"), sequence, vec![share(sequence / 2, "r", variant, Reason::Weighted, amount)])
        };
        let messy = bench();
        for (isolate, sequence) in &order {
            messy.count(&message(*isolate, *sequence));
        }
        let mut heard: Vec<_> = order.clone();
        heard.sort_unstable();
        heard.dedup();
        let neat = bench();
        for (isolate, sequence) in heard {
            neat.count(&message(isolate, sequence));
        }
        prop_assert_eq!(messy.lines(By::Minute), neat.lines(By::Minute));
        prop_assert_eq!(messy.lines(By::Revision), neat.lines(By::Revision));
    }
}

#[test]
fn a_message_counts_once_when_earlier_ones_are_settled_or_forgotten() {
    let bench = bench();
    let message =
        |sequence, settled| Tally { settled, ..tally("i", sequence, vec![share(1, "r", "a", Reason::Weighted, 1)]) };
    for tally in
        [message(5, 5), message(5, 5), message(6, 6), message(5, 5), message(9, 7), message(9, 9), message(8, 7)]
    {
        bench.count(&tally);
    }
    assert_eq!(bench.lines(By::Variant)[0].invocations, 3);
    bench.wait(2.0 * 86_400_000.0);
    bench.controller().clean().unwrap();
    bench.count(&message(10, 10));
    bench.count(&message(9, 9));
    assert_eq!(bench.lines(By::Variant)[0].invocations, 4);
}

#[test]
fn the_split_is_tested_by_revision_and_by_unit_where_assignment_sticks() {
    let bench = bench();
    let documents = [document(3, 1), document(1, 1)];
    let revisions: Vec<String> =
        documents.iter().map(|document| Revision::of(document.as_bytes()).as_str().to_owned()).collect();
    for document in &documents {
        bench.world.put_by_hand(document);
        bench.wait(120_000.0);
        bench.count(&Tally {
            revision: Some(Revision::of(document.as_bytes()).as_str().to_owned()),
            ..tally("x", 0, Vec::new())
        });
    }
    let requests = |a: u64, b: u64, revision: &str| {
        vec![share(1, revision, "a", Reason::Weighted, a), share(1, revision, "b", Reason::Weighted, b)]
    };
    bench.count(&tally("i", 0, requests(760, 240, &revisions[0])));
    bench.count(&tally("i", 1, requests(495, 505, &revisions[1])));
    // Pooled, 1255 of 2000 would be far from either.
    let split = bench.scoreboard(Query::default()).split;
    assert_eq!((split.segments.len(), split.alarm, split.p_value), (2, false, 1.0));
    assert_eq!(split.segments[0].revision, revisions[0]);
    let b = &split.segments[0].variants[1];
    assert_eq!((b.count, b.expected_share), (240, 0.25));
    assert!(b.low < 220 && b.low > 180 && b.high > 280 && b.high < 320, "{b:?}");
    // Sticky requests do not count, their units do; nor do targets.
    let mut shares =
        vec![share(1, &revisions[1], "a", Reason::Sticky, 5_000), share(1, &revisions[1], "b", Reason::Target, 5_000)];
    let unit = |at: u64, variant: &str| (revisions[1].clone(), variant.to_owned(), format!("{at:013x}0000"));
    let units: Vec<_> = (0..100).map(|at| unit(at * 1_000_003, if at % 2 == 0 { "a" } else { "b" })).collect();
    bench.count(&Tally { units: units.clone(), ..tally("i", 2, shares.clone()) });
    let split = bench.scoreboard(Query::default()).split;
    assert_eq!((split.segments.len(), split.alarm), (3, false));
    let counted = split.segments.iter().find(|segment| segment.counted == crate::experiment::CountedAs::Units).unwrap();
    assert_eq!(counted.variants.iter().map(|variant| variant.count).collect::<Vec<_>>(), [50, 50]);
    // A variant that loses a part of its records is found.
    shares = requests(10_000, 9_200, &revisions[1]);
    bench.count(&tally("i", 3, shares));
    let split = bench.scoreboard(Query::default()).split;
    assert!(split.alarm && split.p_value < 0.001, "{split:?}");
}

/// Units that come again under one revision after the other are the same people: counted anew each time, as many as 4 % of right
/// splits would raise an alarm after 16 revisions, at a promised 0.1 %.
#[test]
fn a_unit_counts_in_the_first_revision_that_sees_it() {
    let endpoint = crate::endpoint::Endpoint::parse(document(1, 1).as_bytes()).unwrap();
    let mut alarms = 0;
    for run in 0..40 {
        let bench = bench();
        let salt = crate::endpoint::Salt::try_from(format!("salt {run}")).unwrap();
        for revision in 0..8u64 {
            // The same weights, written otherwise.
            let text = format!("{}{}", document(1, 1), " ".repeat(revision as usize));
            let served = Revision::of(text.as_bytes()).as_str().to_owned();
            bench.world.put_by_hand(&text);
            bench.wait(120_000.0);
            let units = (0..500).map(|at| {
                let unit = crate::assignment::UnitHash::new(&salt, &format!("user-{at}"));
                (served.clone(), unit.choose(endpoint.variants()).unwrap().name.to_string(), unit.to_string())
            });
            let tally =
                Tally { units: units.collect(), revision: Some(served.clone()), ..tally("i", revision, Vec::new()) };
            bench.count(&tally);
        }
        let split = bench.scoreboard(Query::default()).split;
        assert_eq!(split.segments.len(), 1);
        alarms += usize::from(split.p_value < 0.05);
    }
    // Three standard errors above 5 %.
    assert!(alarms <= 6, "{alarms} of 40");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Where one object is not enough: each isolate sends to one of several by its hash, and a parent adds up what they say.
    #[test]
    fn objects_by_isolate_add_up_to_the_figures_of_one(amounts in proptest::collection::vec((0usize..12, 0u64..4, 1u64..50), 1..60)) {
        let (one, shards) = (bench(), [bench(), bench(), bench()]);
        let mut sequences = [0; 12];
        for (isolate, minute, amount) in amounts {
            let variant = if amount.is_multiple_of(3) { "a" } else { "b" };
            let tally = tally(&format!("i{isolate}"), sequences[isolate], vec![share(minute, "r", variant, Reason::Weighted, amount)]);
            sequences[isolate] += 1;
            one.count(&tally);
            shards[isolate % 3].count(&tally);
        }
        let mut parent = std::collections::BTreeMap::<_, Sums>::new();
        let sums = |bench: &Bench| {
            bench.controller();
            crate::experiment::scoreboard::all_time(&bench.database).unwrap()
        };
        for shard in &shards {
            for (of, more) in sums(shard) {
                parent.entry(of).or_default().add(&more);
            }
        }
        prop_assert_eq!(parent.into_iter().collect::<Vec<_>>(), sums(&one));
    }
}

#[test]
fn what_takes_too_much_room_is_forgotten_from_the_oldest_on() {
    let bench = bench();
    bench.count(&tally("i", 0, (0..3_000).map(|minute| share(minute, "r", "a", Reason::Weighted, 1)).collect()));
    assert!(crate::experiment::scoreboard::forget(&bench.database).unwrap());
    let lines = bench.lines(By::Minute);
    assert_eq!((lines.len(), lines[0].since_ms), (1_000, Some(2_000 * 60_000)));
    assert_eq!(bench.lines(By::Variant)[0].invocations, 3_000);
    assert!(crate::experiment::scoreboard::forget(&bench.database).unwrap());
    assert!(!crate::experiment::scoreboard::forget(&bench.database).unwrap());
}

#[test]
fn captured_lines_are_counted_once_and_told_by_the_scoreboard() {
    let bench = bench();
    bench.world.put_by_hand(&document(1, 1));
    let captured = CaptureCounts { lines: 5, lost: LostCaptures { unreadable: 2, ..LostCaptures::default() } };
    for (sequence, settled) in [(0, 0), (0, 0), (1, 1)] {
        bench.count(&Tally { captured, settled, ..tally("i", sequence, Vec::new()) });
    }
    let Answer::Scoreboard(board) = bench.ask(Command::Scoreboard(Query::default())) else { panic!("no scoreboard") };
    assert_eq!((board.capture.lines, board.capture.lost.unreadable, board.capture.lost.failed), (10, 4, 0));
    // A tally of an isolate that knows nothing of capture, and a scoreboard without, say nothing of it.
    let plain = serde_json::to_value(tally("i", 2, Vec::new())).unwrap();
    assert!(plain.get("captured").is_none() && serde_json::from_value::<Tally>(plain).unwrap().captured.is_empty());
}

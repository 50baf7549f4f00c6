//! What a policy does next: a pure function of what is known, and of the time.

use super::evidence::Evidence;
use super::guard::{Guarded, alone, guard, short};
use super::plan::{Climb, Course, Shares};
use super::run::Run;
use crate::endpoint::{Bandit, PromoteWhen, StopWhen, Then, Watch};
use crate::experiment::wording::Word;
use crate::statistics::{Arm, propose, with_floor};

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Nothing yet.
    Wait(Waiting),
    /// The next step, or new weights.
    Step {
        /// The variants' shares from now on.
        shares: Shares,
        /// Why.
        says: String,
    },
    /// It rests where it is, until somebody has looked.
    Pause {
        /// Why.
        says: String,
    },
    /// The document from before it is put back.
    RollBack {
        /// Why.
        says: String,
    },
    /// It has come to its end.
    End {
        /// The shares that it ends with, where these are others.
        shares: Option<Shares>,
        /// Why.
        says: String,
    },
}

/// What is waited for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waiting {
    /// In words.
    pub says: String,
    /// About how long, in milliseconds; absent where that cannot be told.
    pub about_ms: Option<f64>,
}

/// What a bandit moves at least, of all traffic: a revision for less would say nothing.
const LEAST_MOVE: f64 = 0.005;

/// What its guardrails say, and what a policy that is running does.
pub fn decide(run: &Run, evidence: &Evidence) -> (Vec<Guarded>, Decision) {
    let guarded = guard(&run.plan, evidence, run.since_ms);
    let breached = |then: Then| guarded.iter().find(|guarded| guarded.breached && guarded.then == then);
    let decision = if let Some(guarded) = breached(Then::RollBack) {
        Decision::RollBack { says: guarded.says.clone() }
    } else if let Some(guarded) = breached(Then::Pause) {
        Decision::Pause { says: guarded.says.clone() }
    } else if let Some(says) = too_long(run, evidence) {
        Decision::RollBack { says }
    } else {
        match &run.plan.course {
            Course::Ramp(climb) => ramp(run, climb, evidence),
            Course::Bandit { bandit, baseline, variants } => {
                choose(run, bandit, (baseline.as_str(), variants.as_slice()), evidence)
            }
        }
    };
    (guarded, decision)
}

/// Why a deployment is rolled back that lasts longer than it may; `None` of one that does not.
fn too_long(run: &Run, evidence: &Evidence) -> Option<String> {
    let most_ms = run.plan.deployment.as_ref()?.most_ms?;
    let is_over = evidence.now_ms - run.began_ms > most_ms;
    is_over.then(|| {
        format!("the deployment was to last {} seconds at most, and has not ended by then.", most_ms / 1_000.0)
    })
}

/// What is known of the step that a ramp is in.
struct Standing<'a> {
    climb: &'a Climb,
    spent_ms: f64,
    invocations: u64,
    outcomes: u64,
}

fn ramp(run: &Run, climb: &Climb, evidence: &Evidence) -> Decision {
    let to = climb.to_name.as_str();
    let variants = run.plan.watched().into_iter().next().map(|(_, variants)| variants).unwrap_or_default();
    let standing = Standing {
        climb,
        spent_ms: evidence.now_ms - run.since_ms,
        invocations: evidence.requests(&variants).invocations.saturating_sub(run.invocations_before),
        outcomes: evidence.outcomes(&variants).saturating_sub(run.outcomes_before),
    };
    if climb.is_last(run.step) {
        let percent = short(climb.percent.last().copied().unwrap_or(100.0));
        let kind = run.plan.kind();
        return match standing.time_left(run.plan.bake_ms()) {
            Some(left_ms) => Decision::Wait(Waiting {
                says: format!(
                    "{to} has {percent} % of the traffic; the {kind} ends when the last step has lasted its time"
                ),
                about_ms: Some(left_ms),
            }),
            None => Decision::End {
                shares: None,
                says: format!(
                    "{to} has {percent} % of the traffic, and no guardrail was breached: the {kind} has ended."
                ),
            },
        };
    }
    let next = run.step.saturating_add(1);
    let percent = short(climb.percent.get(next).copied().unwrap_or(100.0));
    let waits: Vec<Waiting> = standing.waits(&variants);
    if !waits.is_empty() {
        let about = waits.iter().map(|wait| wait.about_ms).collect::<Option<Vec<f64>>>();
        let says: Vec<_> = waits.into_iter().map(|wait| wait.says).collect();
        let says = format!("before {to} gets {percent} %: {}", says.join("; "));
        return Decision::Wait(Waiting { says, about_ms: about.map(|about| about.into_iter().fold(0.0, f64::max)) });
    }
    let quiet = "no guardrail is breached";
    let because = match (climb.is_last(next), climb.promote_when) {
        (false, _) | (true, PromoteWhen::NoBreach) => {
            format!("{quiet} after {} requests and {} outcomes of it", standing.invocations, standing.outcomes)
        }
        (true, wanted) => {
            let Some(judged) = evidence.judged.get(to) else {
                return Decision::Wait(Waiting {
                    says: format!("before {to} gets {percent} %: outcomes, to judge it by"),
                    about_ms: None,
                });
            };
            match (judged.verdict, wanted) {
                (Word::Better, _) | (Word::NotWorse, PromoteWhen::NotWorse) => {
                    judged.says.trim_end_matches('.').to_owned()
                }
                // The verdict may be sooner at it than the guardrail, whose alpha is a part: to rest here would leave the worse
                // variant what it has, as nothing is watched meanwhile.
                (Word::Worse, _) if watches_goal(run) => {
                    let says = format!("{to} is not promoted, and turned back once that is surer: {}", judged.says);
                    return Decision::Wait(Waiting { says, about_ms: None });
                }
                (Word::Worse, _) => {
                    return Decision::Pause { says: format!("{to} is not promoted: {}", judged.says) };
                }
                _ => {
                    let rate = standing.rate(standing.outcomes);
                    let share = evidence.share(&variants);
                    // What it takes is told in outcomes of all, of which these variants have a share.
                    let about_ms = judged.more_outcomes.zip(rate).map(|(more, rate)| more * share / rate);
                    return Decision::Wait(Waiting {
                        says: format!("before {to} gets {percent} %: {}", judged.says),
                        about_ms,
                    });
                }
            }
        }
    };
    Decision::Step { shares: climb.shares(next), says: format!("{to} gets {percent} % of the traffic: {because}.") }
}

fn watches_goal(run: &Run) -> bool {
    run.plan.guardrails.iter().any(|guardrail| matches!(guardrail.watch, Watch::Goal))
}

impl Standing<'_> {
    /// What is left of the time that a step lasts, or one that lasts so much longer.
    fn time_left(&self, longer_ms: f64) -> Option<f64> {
        Some(self.climb.step_ms + longer_ms - self.spent_ms).filter(|left| *left > 0.0)
    }

    /// How many of something come in a millisecond.
    fn rate(&self, count: u64) -> Option<f64> {
        Some(count as f64 / self.spent_ms).filter(|rate| *rate > 0.0 && rate.is_finite())
    }

    /// What the step does not have yet.
    fn waits(&self, variants: &[String]) -> Vec<Waiting> {
        let mut waits = Vec::new();
        if let Some(left_ms) = self.time_left(0.0) {
            waits.push(Waiting { says: "the step has to last its time".to_owned(), about_ms: Some(left_ms) });
        }
        let name = alone(&self.climb.to_name, variants);
        let counts = [
            (self.invocations, self.climb.step_invocations, "requests"),
            (self.outcomes, self.climb.step_outcomes, "outcomes"),
        ];
        for (had, wanted, what) in counts.into_iter().filter(|(had, wanted, _)| had < wanted) {
            let left = wanted.saturating_sub(had);
            waits.push(Waiting {
                says: format!("{left} more {what} of {name}"),
                about_ms: self.rate(had).map(|rate| left as f64 / rate),
            });
        }
        waits
    }
}

fn choose(run: &Run, bandit: &Bandit, (baseline, variants): (&str, &[String]), evidence: &Evidence) -> Decision {
    let outcomes = |name: &String| evidence.outcomes.get(name).copied().unwrap_or(0);
    let few: Vec<String> = variants
        .iter()
        .filter(|name| outcomes(name) < bandit.least_outcomes)
        .map(|name| format!("{} more outcomes of {name}", bandit.least_outcomes.saturating_sub(outcomes(name))))
        .collect();
    if !few.is_empty() {
        let says = format!("before weights are moved: {}", few.join("; "));
        return Decision::Wait(Waiting { says, about_ms: None });
    }
    if bandit.stop_when == Some(StopWhen::Verdict)
        && let Some((winner, says)) = winner(baseline, variants, evidence)
    {
        let only: Vec<f64> = variants.iter().map(|name| f64::from(u8::from(*name == winner))).collect();
        let shares = variants.iter().cloned().zip(with_floor(&only, bandit.floor)).collect();
        let says = format!("the verdict is in, and {winner} gets the traffic: {says}");
        return Decision::End { shares: Some(shares), says };
    }
    let left_ms = bandit.interval_minutes.ms() - (evidence.now_ms - run.since_ms);
    if left_ms > 0.0 {
        let says = "new weights are made once an interval".to_owned();
        return Decision::Wait(Waiting { says, about_ms: Some(left_ms) });
    }
    let shares = with_floor(&propose(bandit.method, &evidence.arms), bandit.floor);
    let shares: Shares = variants.iter().cloned().zip(shares).collect();
    let moved = shares.iter().map(|(name, share)| (share - evidence.share(std::slice::from_ref(name))).abs());
    if moved.fold(0.0, f64::max) < LEAST_MOVE {
        let says = "the weights are as the outcomes would have them".to_owned();
        return Decision::Wait(Waiting { says, about_ms: Some(bandit.interval_minutes.ms()) });
    }
    let sign = if evidence.lower_is_better { -1.0 } else { 1.0 };
    let parts: Vec<String> = shares
        .iter()
        .zip(&evidence.arms)
        .map(|((name, share), Arm { mean, outcomes, .. })| {
            format!("{name} gets {} % (mean {} of {outcomes} outcomes)", short(share * 100.0), short(mean * sign))
        })
        .collect();
    Decision::Step { says: format!("{}.", parts.join(", ")), shares }
}

/// Who has the traffic by the verdict, and why; `None` as long as it is not in.
fn winner(baseline: &str, variants: &[String], evidence: &Evidence) -> Option<(String, String)> {
    let others = || variants.iter().filter(|name| *name != baseline);
    let mean = |name: &String| {
        let at = variants.iter().position(|known| known == name)?;
        evidence.arms.get(at).map(|arm| arm.mean)
    };
    let verdict = |name: &String| evidence.judged.get(name).map(|judged| judged.verdict);
    let better = others().filter(|name| verdict(name) == Some(Word::Better));
    let best = better.max_by(|a, b| mean(a).unwrap_or(f64::MIN).total_cmp(&mean(b).unwrap_or(f64::MIN)));
    if let Some(best) = best {
        return Some((best.clone(), evidence.judged.get(best)?.says.clone()));
    }
    let all_worse = others().all(|name| verdict(name) == Some(Word::Worse));
    let says: Vec<_> = others().filter_map(|name| Some(evidence.judged.get(name)?.says.as_str())).collect();
    (all_worse && !says.is_empty()).then(|| (baseline.to_owned(), says.join(" ")))
}

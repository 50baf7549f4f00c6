//! How often what Turnout says and does by itself is wrong, and how soon it is right, on made-up traffic.
//!
//! `make simulate` prints the tables of docs/verdict.md and docs/policy.md, and draws their pictures. `simulate RUNS` does fewer
//! runs and draws nothing; `simulate RUNS verdict`, `simulate RUNS pairs` and `simulate RUNS policies` do one of the three, and a
//! third argument says in which directory the picture is drawn.
#![allow(missing_docs, clippy::disallowed_methods)]

mod bandits;
mod figures;
mod pairs;
mod picture;
mod policies;
mod random;
mod sticky;
mod verdict;

use std::time::Instant;

const RUNS: u64 = 2_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let asked = arguments.next().map(|runs| runs.parse::<u64>()).transpose()?;
    let part = arguments.next();
    let docs = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs").to_owned();
    let drawn = arguments.next().or_else(|| asked.is_none().then(docs));
    let count = asked.unwrap_or(RUNS).max(2);
    let began = Instant::now();
    let is_asked = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let keep = |name: &str, svg: &str| -> Result<(), std::io::Error> {
        let Some(path) = drawn.as_ref().map(|directory| format!("{directory}/{name}.svg")) else { return Ok(()) };
        std::fs::write(&path, svg)?;
        eprintln!("drew {path}");
        Ok(())
    };
    if is_asked("verdict") {
        keep("verdict", &verdict::simulate(count, began)?)?;
    }
    if is_asked("pairs") {
        pairs::simulate(count, began);
    }
    if is_asked("policies") {
        keep("policy", &policies::simulate(count, began)?)?;
    }
    Ok(())
}

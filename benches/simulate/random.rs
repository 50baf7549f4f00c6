//! Numbers by chance, and runs of them on all cores.

use std::f64::consts::PI;
use std::time::Instant;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub struct Random(pub Xoshiro256PlusPlus);

impl Random {
    pub fn of_run(run: u64) -> Self {
        Random(Xoshiro256PlusPlus::seed_from_u64(run))
    }

    /// In (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// By Box and Muller.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }

    /// Beta(1, 3), by its inverse.
    pub fn rate(&mut self) -> f64 {
        1.0 - (1.0 - self.uniform()).cbrt()
    }
}

/// All runs of something, in the runs' order, on all cores.
pub fn runs<T: Send>(title: &str, runs: u64, began: Instant, of: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let of = &of;
    let parts: Vec<Vec<T>> = std::thread::scope(|scope| {
        let part = |first: u64| scope.spawn(move || (first..runs).step_by(threads).map(of).collect());
        let parts: Vec<_> = (0u64..).take(threads).map(part).collect();
        parts.into_iter().map(|part| part.join().unwrap_or_default()).collect()
    });
    eprintln!("{:>5.0} s: {} runs of {}", began.elapsed().as_secs_f64(), runs, title);
    // Each core had every so manieth.
    let mut parts: Vec<_> = parts.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(parts.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            return all;
        }
    }
}

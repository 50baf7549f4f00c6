//! What tract calls of `rustfft`, in place of it: its kernels for each size and instruction set would be a sixth of the
//! worker's WebAssembly, for operators (DFT, STFT) that hardly any model at the edge has. Here every size goes by one
//! mixed-radix recursion (Cooley and Tukey 1965), in O(n times the sum of n's prime factors).

use std::fmt::Debug;
use std::marker::PhantomData;

pub use num_complex;
use num_complex::Complex;
pub use num_traits;
use num_traits::{FromPrimitive, Signed};

/// Numbers that can be transformed.
pub trait FftNum: Copy + FromPrimitive + Signed + Sync + Send + Debug + 'static {}

impl<T: Copy + FromPrimitive + Signed + Sync + Send + Debug + 'static> FftNum for T {}

/// The sign of the exponent: minus forward, plus inverse. Neither is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FftDirection {
    /// From values to frequencies.
    Forward,
    /// Back, times the length.
    Inverse,
}

/// Makes transforms.
#[derive(Debug)]
pub struct FftPlanner<T>(PhantomData<T>);

/// A transform of one length.
#[derive(Debug)]
pub struct Fft<T> {
    /// exp(∓2πi k / length), of each k below the length.
    roots: Vec<Complex<T>>,
}

impl<T: FftNum> FftPlanner<T> {
    #[allow(clippy::new_without_default)] // As rustfft has it.
    /// A planner.
    pub fn new() -> Self {
        FftPlanner(PhantomData)
    }

    /// A transform of `length` values.
    pub fn plan_fft(&mut self, length: usize, direction: FftDirection) -> Fft<T> {
        let sign = if direction == FftDirection::Forward { -1.0 } else { 1.0 };
        let number = |value: f64| T::from_f64(value).unwrap_or_else(T::zero);
        let root = |k: usize| {
            let (sin, cos) = (sign * std::f64::consts::TAU * k as f64 / length as f64).sin_cos();
            Complex::new(number(cos), number(sin))
        };
        Fft { roots: (0..length).map(root).collect() }
    }

    /// A transform of `length` values to frequencies.
    pub fn plan_fft_forward(&mut self, length: usize) -> Fft<T> {
        self.plan_fft(length, FftDirection::Forward)
    }
}

impl<T: FftNum> Fft<T> {
    /// Transforms each run of the length in place.
    ///
    /// # Panics
    /// If the buffer is not a whole number of lengths.
    pub fn process(&self, buffer: &mut [Complex<T>]) {
        let length = self.roots.len();
        if length == 0 {
            return;
        }
        assert!(buffer.len().is_multiple_of(length), "{} values do not make runs of {length}", buffer.len());
        for run in buffer.chunks_exact_mut(length) {
            let values = run.to_vec();
            self.transform(&values, 1, run);
        }
    }

    /// Transforms every `stride`-th value.
    fn transform(&self, values: &[Complex<T>], stride: usize, to: &mut [Complex<T>]) {
        if let [to] = to {
            *to = values[0];
            return;
        }
        let parts = smallest_factor(to.len());
        let each = to.len() / parts;
        for (part, to) in to.chunks_exact_mut(each).enumerate() {
            self.transform(&values[part * stride..], stride * parts, to);
        }
        let mut column = vec![Complex::new(T::zero(), T::zero()); parts];
        for at in 0..each {
            for (part, value) in column.iter_mut().enumerate() {
                *value = to[part * each + at];
            }
            for to_part in 0..parts {
                let frequency = to_part * each + at;
                let root = |part: usize| self.roots[part * frequency * stride % self.roots.len()];
                to[frequency] = column
                    .iter()
                    .enumerate()
                    .fold(Complex::new(T::zero(), T::zero()), |sum, (part, value)| sum + *value * root(part));
            }
        }
    }
}

fn smallest_factor(number: usize) -> usize {
    (2..).take_while(|factor| factor * factor <= number).find(|factor| number.is_multiple_of(*factor)).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition.
    fn slow(values: &[Complex<f64>], sign: f64) -> Vec<Complex<f64>> {
        let term = |frequency: usize, (k, value): (usize, &Complex<f64>)| {
            value * Complex::cis(sign * std::f64::consts::TAU * (frequency * k) as f64 / values.len() as f64)
        };
        (0..values.len()).map(|frequency| values.iter().enumerate().map(|pair| term(frequency, pair)).sum()).collect()
    }

    #[test]
    fn every_length_is_as_defined_and_goes_back() {
        for length in 1..=130 {
            let values: Vec<_> =
                (0..length).map(|k| Complex::new((k as f64 * 0.7).sin(), (k * k % 7) as f64)).collect();
            let mut twice = [values.clone(), values.clone()].concat();
            FftPlanner::new().plan_fft_forward(length).process(&mut twice);
            for (transformed, expected) in twice.iter().zip(slow(&values, -1.0).iter().cycle()) {
                assert!((transformed - expected).norm() < 1e-9 * length as f64, "{length}");
            }
            FftPlanner::new().plan_fft(length, FftDirection::Inverse).process(&mut twice);
            for (back, value) in twice.iter().zip(values.iter().cycle()) {
                assert!((back / length as f64 - value).norm() < 1e-9 * length as f64, "{length}");
            }
        }
    }
}

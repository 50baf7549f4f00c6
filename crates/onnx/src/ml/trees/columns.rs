//! The values that the branches look at.
//!
//! A branch of a [`Forest`](super::forest::Forest) knows one test, `x <= threshold`, which a missing value fails. All
//! else is put into the values before the trees see them: a column of a feature as it is, one in which missing values
//! are below everything, and, for tests that are no threshold, one that is 0 where the test holds and 1 where not. So the
//! loop has no cases, and what is rare costs only the models that have it.

use std::collections::{BTreeSet, HashMap};

use super::ensemble::{Ensemble, Node, Test};
use super::real::Real;

/// What the columns are made of, in their order.
#[derive(Debug)]
pub struct Columns {
    /// Features as they are.
    plain: Vec<usize>,
    /// Features whose missing values are below everything.
    low: Vec<usize>,
    /// Tests, each of a feature, with where missing values go.
    tests: Vec<(usize, Test, bool)>,
    /// Where a test stands among them.
    test_index: HashMap<(usize, String, bool), usize>,
}

/// A branch in the one form.
#[derive(Debug, PartialEq)]
pub struct Split<T> {
    /// Which column it looks at.
    pub column: usize,
    /// `x <= threshold` goes to the first child.
    pub threshold: T,
    /// Whether the first child is the one of a false test.
    pub swapped: bool,
}

/// Whether a threshold can do it: `x <= t`, with `x < t` as `x <=` the next smaller number, and the opposites swapped.
enum Form<T> {
    Threshold { threshold: T, swapped: bool },
    Test,
}

fn form<T: Real>(test: &Test) -> Form<T> {
    // Nothing is below minus infinity, and nothing compares with NaN: no threshold says so.
    let below = |value: f64, swapped| match T::from_f64(value) {
        value if value > T::NEG_INFINITY => Form::Threshold { threshold: value.next_down(), swapped },
        _ => Form::Test,
    };
    match *test {
        Test::AtMost(value) if !value.is_nan() => Form::Threshold { threshold: T::from_f64(value), swapped: false },
        Test::Above(value) if !value.is_nan() => Form::Threshold { threshold: T::from_f64(value), swapped: true },
        Test::Below(value) => below(value, false),
        Test::AtLeast(value) => below(value, true),
        _ => Form::Test,
    }
}

impl Columns {
    /// The columns that an ensemble needs.
    pub fn of<T: Real>(ensemble: &Ensemble) -> Self {
        let (mut plain, mut low) = (BTreeSet::new(), BTreeSet::new());
        let (mut tests, mut test_index) = (Vec::new(), HashMap::new());
        for node in &ensemble.nodes {
            let Node::Branch { feature, test, missing_is_true, .. } = node else { continue };
            match form::<T>(test) {
                Form::Threshold { swapped, .. } if swapped == *missing_is_true => _ = plain.insert(*feature),
                Form::Threshold { .. } => _ = low.insert(*feature),
                Form::Test => {
                    let next = test_index.len();
                    if *test_index.entry(key(*feature, test, *missing_is_true)).or_insert(next) == next {
                        tests.push((*feature, test.clone(), *missing_is_true));
                    }
                }
            }
        }
        Columns { plain: plain.into_iter().collect(), low: low.into_iter().collect(), tests, test_index }
    }

    /// How many, with the one behind all others that leaves look at: it is minus infinity, so that their test holds.
    pub fn width(&self) -> usize {
        self.leaf_column().saturating_add(1)
    }

    /// The last column.
    pub fn leaf_column(&self) -> usize {
        self.plain.len().saturating_add(self.low.len()).saturating_add(self.tests.len())
    }

    /// A branch's column and threshold; `None` if it is not of the ensemble that these columns were made of.
    pub fn split<T: Real>(&self, feature: usize, test: &Test, missing_is_true: bool) -> Option<Split<T>> {
        match form::<T>(test) {
            Form::Threshold { threshold, swapped } if swapped == missing_is_true => {
                let column = self.plain.binary_search(&feature).ok()?;
                Some(Split { column, threshold, swapped })
            }
            Form::Threshold { threshold, swapped } => {
                let column = self.plain.len().checked_add(self.low.binary_search(&feature).ok()?)?;
                Some(Split { column, threshold, swapped })
            }
            Form::Test => {
                let test = *self.test_index.get(&key(feature, test, missing_is_true))?;
                let column = self.plain.len().checked_add(self.low.len())?.checked_add(test)?;
                Some(Split { column, threshold: T::from_f64(0.5), swapped: false })
            }
        }
    }

    /// Puts one row's columns behind `values`. Features that the row lacks are left out, which the caller has ruled out.
    pub fn push_row<T: Real>(&self, row: &[T], values: &mut Vec<T>) {
        let at = |feature: &usize| row.get(*feature).copied().unwrap_or_default();
        values.extend(self.plain.iter().map(at));
        values.extend(self.low.iter().map(|feature| {
            let x = at(feature);
            if x.is_nan() { T::NEG_INFINITY } else { x }
        }));
        values.extend(self.tests.iter().map(|(feature, test, missing_is_true)| {
            let x = at(feature);
            let holds = test.holds(x.to_f64()) || (*missing_is_true && x.is_nan());
            T::from_f64(if holds { 0.0 } else { 1.0 })
        }));
        values.push(T::NEG_INFINITY);
    }
}

/// Tests hold floating-point numbers, which have no hash; their text is exact.
fn key(feature: usize, test: &Test, missing_is_true: bool) -> (usize, String, bool) {
    (feature, format!("{test:?}"), missing_is_true)
}

//! From scores to predictions, by the objective that a model was trained for.

use super::error::Error;

/// What becomes of the scores of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// The score itself: of most regressions, of rankings, and of objectives of one's own.
    Identity,
    /// The square with the score's sign: of regressions of the root (`reg_sqrt`).
    SignedSquare,
    /// Of poisson, gamma and tweedie.
    Exponential,
    /// The probability of the second of two classes.
    Binary {
        /// What scores are multiplied by.
        sigmoid: f64,
    },
    /// A probability that is no class's: `cross_entropy`.
    CrossEntropy,
    /// `cross_entropy_lambda`.
    CrossEntropyLambda,
    /// Probabilities of classes.
    Softmax,
    /// Probabilities of each class against all others, which need not add up to 1.
    OneAgainstAll {
        /// What scores are multiplied by.
        sigmoid: f64,
    },
}

impl Objective {
    /// Reads the value of `objective`, which a model trained for an objective of one's own lacks.
    ///
    /// # Errors
    /// If it is not known, or has no parameters that it needs.
    pub fn read(declared: Option<&str>, classes: usize) -> Result<Self, Error> {
        let unknown = || Error::Objective { name: declared.unwrap_or_default().chars().take(100).collect() };
        let mut words = declared.unwrap_or("custom").split(' ').filter(|word| !word.is_empty());
        let name = words.next().ok_or_else(unknown)?;
        let parameters: Vec<&str> = words.collect();
        let sigmoid = || {
            let value = parameters.iter().find_map(|word| word.strip_prefix("sigmoid:"));
            value.and_then(decimal).filter(|value| *value > 0.0).ok_or_else(unknown)
        };
        let objective = match name {
            "regression" | "regression_l1" | "quantile" | "mape" | "fair" if parameters.contains(&"sqrt") => {
                Objective::SignedSquare
            }
            "regression" | "regression_l1" | "quantile" | "mape" | "fair" | "huber" | "lambdarank" | "rank_xendcg"
            | "custom" => Objective::Identity,
            "poisson" | "gamma" | "tweedie" => Objective::Exponential,
            "binary" => Objective::Binary { sigmoid: sigmoid()? },
            "cross_entropy" => Objective::CrossEntropy,
            "cross_entropy_lambda" => Objective::CrossEntropyLambda,
            "multiclass" => Objective::Softmax,
            "multiclassova" => Objective::OneAgainstAll { sigmoid: sigmoid()? },
            _ => return Err(unknown()),
        };
        let fits = match objective {
            Objective::Softmax | Objective::OneAgainstAll { .. } => {
                let declared = parameters.iter().find_map(|word| word.strip_prefix("num_class:"));
                classes > 1 && declared.and_then(|count| count.parse().ok()) == Some(classes)
            }
            _ => classes == 1 || name == "custom",
        };
        if fits { Ok(objective) } else { Err(unknown()) }
    }

    /// Whether predictions are probabilities of classes.
    pub fn is_classifier(self) -> bool {
        matches!(self, Objective::Binary { .. } | Objective::Softmax | Objective::OneAgainstAll { .. })
    }

    /// Makes predictions of the scores of one row.
    pub fn convert(self, row: &mut [f64]) {
        match self {
            Objective::Identity => {}
            Objective::SignedSquare => each(row, |x| (f64::from(x > 0.0) - f64::from(x < 0.0)) * x * x),
            Objective::Exponential => each(row, f64::exp),
            Objective::Binary { sigmoid } | Objective::OneAgainstAll { sigmoid } => {
                each(row, |x| 1.0 / (1.0 + (-sigmoid * x).exp()));
            }
            Objective::CrossEntropy => each(row, |x| 1.0 / (1.0 + (-x).exp())),
            Objective::CrossEntropyLambda => each(row, |x| x.exp().ln_1p()),
            Objective::Softmax => softmax(row),
        }
    }
}

fn each(row: &mut [f64], convert: impl Fn(f64) -> f64) {
    row.iter_mut().for_each(|x| *x = convert(*x));
}

fn softmax(row: &mut [f64]) {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = (*x - most).exp();
        sum += *x;
    }
    each(row, |x| x / sum);
}

/// Reads a number as LightGBM reads those of objectives: what stands before the point plus what stands behind it, each
/// rounded for itself, which may differ from the nearest number in the last bit. It writes six digits.
fn decimal(word: &str) -> Option<f64> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = word.split_once('.').filter(|(whole, behind)| digits(whole) && digits(behind) && behind.len() < 16);
    let Some((whole, behind)) = parts else {
        return word.parse().ok().filter(|value: &f64| value.is_finite());
    };
    let number = |part: &str| if part.is_empty() { Some(0.0) } else { part.parse::<f64>().ok() };
    Some(number(whole)? + number(behind)? / 10f64.powi(i32::try_from(behind.len()).ok()?))
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_read_with_their_parameters() {
        let read = |declared: &str, classes| Objective::read(Some(declared), classes).ok();
        assert_eq!(Objective::read(None, 3), Ok(Objective::Identity));
        assert_eq!(read("regression sqrt", 1), Some(Objective::SignedSquare));
        // LightGBM turns the root off for these.
        assert_eq!(read("huber sqrt", 1), Some(Objective::Identity));
        assert_eq!(read("poisson sqrt", 1), Some(Objective::Exponential));
        assert_eq!(read("binary sigmoid:0.5", 1), Some(Objective::Binary { sigmoid: 0.5 }));
        assert_eq!(read("multiclass num_class:3", 3), Some(Objective::Softmax));
        for (declared, classes) in [
            ("", 1),
            ("banana", 1),
            ("binary", 1),
            ("binary sigmoid:0", 1),
            ("binary sigmoid:nan", 1),
            ("binary sigmoid:inf", 1),
            ("binary sigmoid:1", 2),
            ("regression", 2),
            ("multiclass", 3),
            ("multiclass num_class:3", 4),
            ("multiclass num_class:1", 1),
            ("multiclassova num_class:3", 3),
        ] {
            assert_eq!(read(declared, classes), None, "{declared}");
        }
    }

    #[test]
    fn a_sigmoid_has_the_bits_that_lightgbm_reads() {
        assert_eq!(decimal("1"), Some(1.0));
        assert_eq!(decimal("0.7"), Some(0.7));
        assert_eq!(decimal("1e-05"), Some(1e-5));
        // The nearest number to 2.119 is the one below.
        assert_eq!(decimal("2.119"), Some(2.0 + 119.0 / 1000.0));
        assert_eq!(decimal("12."), Some(12.0));
        assert_eq!(decimal("1.2.3"), None);
    }

    #[test]
    fn a_root_is_undone_with_its_sign() {
        let mut row = [-3.0];
        Objective::SignedSquare.convert(&mut row);
        assert_eq!(row, [-9.0]);
    }
}

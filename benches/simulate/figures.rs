//! Figures as they are printed.

pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Wilson's interval of a share.
pub fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z = 1.959_963_984_540_054_f64;
    let grown = 1.0 + z * z / n;
    let middle = (share + z * z / (2.0 * n)) / grown;
    let half = z / grown * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (middle - half, middle + half)
}

/// A share with its 95 % interval.
pub fn shown(share: f64, n: f64) -> String {
    let (low, high) = wilson(share, n);
    format!("{} ({:.1} to {:.1})", percent(share), 100.0 * low, 100.0 * high)
}

/// 12,345.
pub fn number(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (rest, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        text.push(digit);
        if rest > 0 && rest.is_multiple_of(3) {
            text.push(',');
        }
    }
    text
}

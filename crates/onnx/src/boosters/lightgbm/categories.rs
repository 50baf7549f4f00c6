//! The categories of the data frame that a model was trained on.
//!
//! LightGBM's Python package gives it codes in place of the values of columns of type `category`, and notes the values in the
//! last line of the file, a list a column. It does not note which columns those are. They are the features that LightGBM
//! took for categories, unless some were ordered or told apart by hand: then the numbers differ, and the model is refused.

use serde_json::Value;

use super::error::Error;
use super::fields::Reader;

/// The line of the parameters that lists features of categories, up to its value.
const FEATURES: &str = "[categorical_feature:";
/// What the line of values begins with.
const VALUES: &str = "pandas_categorical:";

/// The values of a column, in the order of their codes.
#[derive(Debug, PartialEq)]
pub enum Values {
    /// Of strings.
    Texts(Vec<String>),
    /// Of numbers and truth values.
    Numbers(Vec<f64>),
}

/// Reads what stands behind the trees. `infos` are what the head says of each feature.
///
/// # Errors
/// If it is not told which features the categories are of, or they are not alike.
pub fn read(reader: &mut Reader<'_>, infos: &[&str]) -> Result<Vec<(usize, Values)>, Error> {
    let (mut features, mut values) = ("", "");
    while let Some((_, line)) = reader.next_line() {
        if let Some(list) = line.strip_prefix(FEATURES) {
            features = list.trim_end_matches(']').trim();
        } else if let Some(json) = line.strip_prefix(VALUES) {
            values = json;
        }
    }
    let wrong = |problem: String| Error::Categories { problem };
    let columns: Option<Vec<Vec<Value>>> = match values.trim() {
        "" => None,
        json => serde_json::from_str(json).map_err(|error| wrong(format!("their values cannot be read: {error}")))?,
    };
    let columns = columns.unwrap_or_default();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let features: Option<Vec<usize>> = match features {
        "" => Some(Vec::new()),
        list => list.split(',').map(|feature| feature.trim().parse().ok()).collect(),
    };
    let features = features.ok_or_else(|| wrong("`categorical_feature` does not tell which they are".to_owned()))?;
    if features.len() != columns.len() {
        let (noted, taken) = (columns.len(), features.len());
        return Err(wrong(format!(
            "it notes the values of {noted} while it took {taken} for categories, so that which are which is unknown (those \
             that are ordered are not taken for categories)"
        )));
    }
    features.into_iter().zip(columns).map(|(feature, values)| column(feature, &values, infos)).collect()
}

fn column(feature: usize, values: &[Value], infos: &[&str]) -> Result<(usize, Values), Error> {
    let wrong = |problem: &str| Error::Categories { problem: format!("the values of feature {feature} {problem}") };
    let info = infos.get(feature).ok_or_else(|| wrong("are of none that it has"))?;
    if !fits(info, values.len()) {
        return Err(wrong("are not those that it was trained with"));
    }
    let texts: Option<Vec<String>> = values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    let numbers = || {
        let number = |value: &Value| value.as_bool().map(|value| f64::from(u8::from(value))).or_else(|| value.as_f64());
        values.iter().map(number).collect::<Option<Vec<f64>>>()
    };
    let values = match texts {
        Some(texts) => Values::Texts(texts),
        None => Values::Numbers(numbers().ok_or_else(|| wrong("are neither all strings nor all numbers"))?),
    };
    if !differ(&values) {
        return Err(wrong("are not all different"));
    }
    Ok((feature, values))
}

/// Whether what the head says of a feature is of so many codes: `none`, or codes with colons between them, of which -1 is
/// that of missing values.
fn fits(info: &str, count: usize) -> bool {
    let code = |code: &str| code == "-1" || code.parse::<usize>().is_ok_and(|code| code < count);
    info == "none" || info.split(':').all(code)
}

fn differ(values: &Values) -> bool {
    match values {
        Values::Texts(texts) => {
            let mut sorted: Vec<&String> = texts.iter().collect();
            sorted.sort();
            sorted.windows(2).all(|pair| !matches!(pair, [first, second] if first == second))
        }
        Values::Numbers(numbers) => {
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            sorted.windows(2).all(|pair| !matches!(pair, [first, second] if first == second))
        }
    }
}

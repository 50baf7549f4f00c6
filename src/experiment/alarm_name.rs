//! Names of alarms.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of an alarm, as CloudWatch takes it: 1 to 255 characters, none of them a control character. All of it stands in a
/// key of the store, which has at most 512 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AlarmName(Box<str>);

/// Why a text is not an [`AlarmName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name of an alarm: use 1 to 255 characters in at most 500 bytes, none of them a control character", .0.chars().take(80).collect::<String>().escape_debug())]
pub struct AlarmNameError(String);

impl AlarmName {
    /// What the keys of alarms begin with.
    pub const KEYS: &str = "alarm.";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key in [`Namespace::Registry`](crate::platform::Namespace::Registry) under which the alarm is kept.
    pub fn key(&self) -> String {
        format!("{}{self}", AlarmName::KEYS)
    }

    /// The name of a key; `None` of one that is no alarm's.
    pub fn of_key(key: &str) -> Option<Self> {
        AlarmName::try_from(key.strip_prefix(AlarmName::KEYS)?.to_owned()).ok()
    }
}

impl TryFrom<String> for AlarmName {
    type Error = AlarmNameError;

    fn try_from(text: String) -> Result<Self, AlarmNameError> {
        let is_short = (1..=255).contains(&text.chars().count()) && text.len() <= 500;
        if is_short && !text.contains(char::is_control) {
            Ok(AlarmName(text.into()))
        } else {
            Err(AlarmNameError(text))
        }
    }
}

impl From<AlarmName> for String {
    fn from(name: AlarmName) -> String {
        name.0.into()
    }
}

impl fmt::Display for AlarmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_cloudwatch_takes_and_a_key_has_room_for() {
        for good in ["a", "p99 of b/c: 50 %", "ä", &"x".repeat(255), &"ä".repeat(250)] {
            let name = AlarmName::try_from(good.to_owned()).unwrap();
            assert_eq!((name.as_str(), AlarmName::of_key(&name.key())), (good, Some(name.clone())));
            assert!(name.key().len() <= 512);
        }
        for bad in ["", "a\nb", "\u{7f}", &"x".repeat(256), &"ä".repeat(251)] {
            assert!(AlarmName::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!(AlarmName::of_key("model.a"), None);
    }
}

//! What is told to whoever runs this.

use std::borrow::Cow;

/// Tells whoever runs this of something that needs their attention.
pub trait Log {
    /// Writes one line. What hosts, stores and callers say may stand in it: see [`one_line`].
    fn warn(&self, message: &str);
}

/// A message that stays in its line: control characters, and those that end a line or turn the reading around, are escaped.
/// What others say would forge lines of the log otherwise, or hide them in a terminal.
///
/// ```
/// use turnout::platform::one_line;
///
/// assert_eq!(one_line("down\n2026-11-25 all is well\u{1b}[2J"), "down\\n2026-11-25 all is well\\u{1b}[2J");
/// assert_eq!(one_line("déjà vu"), "déjà vu");
/// ```
pub fn one_line(message: &str) -> Cow<'_, str> {
    let is_hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !message.chars().any(is_hostile) {
        return Cow::Borrowed(message);
    }
    let mut line = String::with_capacity(message.len());
    for c in message.chars() {
        if is_hostile(c) { line.extend(c.escape_default()) } else { line.push(c) }
    }
    Cow::Owned(line)
}

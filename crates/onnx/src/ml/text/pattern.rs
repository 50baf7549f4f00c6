//! Patterns of tokens: so many letters of one kind.

use tract_onnx::tract_hir::internal::*;

/// A token: as many letters of a kind as follow each other, in one bracket expression or `.`, once or repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    letters: Letters,
    least: usize,
    most: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct Letters {
    ranges: Vec<(char, char)>,
    /// Those that are not in the ranges.
    others: bool,
}

impl Pattern {
    /// Reads a regular expression of that form.
    ///
    /// # Errors
    /// If it is another.
    pub fn read(text: &str) -> TractResult<Pattern> {
        Self::parse(text).with_context(|| {
            format!("tokens by `{text}`: only one bracket expression, repeated or not, is taken, such as [a-zA-Z0-9_]+")
        })
    }

    fn parse(text: &str) -> Option<Pattern> {
        let (letters, rest) = Letters::parse(text)?;
        let (least, most) = match rest {
            "" => (1, 1),
            "+" => (1, usize::MAX),
            _ => {
                let (least, most) = rest.strip_prefix('{')?.strip_suffix('}')?.split_once(',')?;
                (least.parse().ok()?, if most.is_empty() { usize::MAX } else { most.parse().ok()? })
            }
        };
        (least >= 1 && least <= most).then_some(Pattern { letters, least, most })
    }

    /// The tokens of a text, from left to right.
    pub fn tokens<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let mut rest = text;
        std::iter::from_fn(move || {
            loop {
                let start = rest.find(|letter| self.letters.has(letter))?;
                let here = rest.get(start..)?;
                let fits = here.chars().take_while(|letter| self.letters.has(*letter)).take(self.most);
                let (count, length) = fits.fold((0usize, 0usize), |(count, length), letter| {
                    (count.saturating_add(1), length.saturating_add(letter.len_utf8()))
                });
                let (token, behind) = here.split_at_checked(length)?;
                rest = behind;
                if count >= self.least {
                    return Some(token);
                }
            }
        })
    }
}

impl Letters {
    /// The letters that a pattern begins with, and what follows.
    fn parse(text: &str) -> Option<(Letters, &str)> {
        if let Some(rest) = text.strip_prefix('.') {
            // Any but the end of a line.
            return Some((Letters { ranges: vec![('\n', '\n')], others: true }, rest));
        }
        if let Some(rest) = text.strip_prefix('\\') {
            let mut after = rest.chars();
            let (ranges, others) = class(after.next()?)?;
            return Some((Letters { ranges, others }, after.as_str()));
        }
        let (within, rest) = text.strip_prefix('[')?.split_once(']')?;
        let (within, others) = within.strip_prefix('^').map_or((within, false), |within| (within, true));
        let mut ranges = Vec::new();
        let mut letters = within.chars().peekable();
        while let Some(letter) = letters.next() {
            let first = match letter {
                '\\' => {
                    let escaped = letters.next()?;
                    match class(escaped) {
                        Some((some, false)) => {
                            ranges.extend(some);
                            continue;
                        }
                        Some(_) => return None,
                        None if escaped.is_alphanumeric() => return None,
                        None => escaped,
                    }
                }
                '[' => return None,
                letter => letter,
            };
            let mut ahead = letters.clone();
            match (ahead.next(), ahead.next()) {
                (Some('-'), Some(last)) if last != '\\' && last >= first => {
                    ranges.push((first, last));
                    letters = ahead;
                }
                _ => ranges.push((first, first)),
            }
        }
        (!ranges.is_empty()).then_some((Letters { ranges, others }, rest))
    }

    fn has(&self, letter: char) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter)) != self.others
    }
}

/// The letters that an escape stands for, and whether it stands for all others. In ONNX Runtime's expressions they are
/// ASCII.
fn class(escaped: char) -> Option<(Vec<(char, char)>, bool)> {
    let word = vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')];
    Some(match escaped {
        'w' => (word, false),
        'W' => (word, true),
        'd' => (vec![('0', '9')], false),
        's' => (vec![('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')], false),
        'S' => (vec![('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')], true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens<'t>(pattern: &str, text: &'t str) -> Vec<&'t str> {
        Pattern::read(pattern).unwrap().tokens(text).collect()
    }

    #[test]
    fn tokens_are_letters_of_one_kind() {
        assert_eq!(tokens("[a-zA-Z0-9_]+", "It's 2 o'clock_now"), ["It", "s", "2", "o", "clock_now"]);
        assert_eq!(tokens(r"[\w-]+", "a-b c"), ["a-b", "c"]);
        assert_eq!(tokens(r"\w+", "né 1"), ["n", "1"]);
        assert_eq!(tokens("[a-z]{2,}", "a bc def"), ["bc", "def"]);
        assert_eq!(tokens("[a-z]{2,3}", "abcdefg"), ["abc", "def"]);
        assert_eq!(tokens("[^ ]+", " é ab "), ["é", "ab"]);
        assert_eq!(tokens(".", "né\n!"), ["n", "é", "!"]);
        assert_eq!(tokens("[a]", ""), [""; 0]);
    }

    #[test]
    fn other_patterns_are_refused() {
        for pattern in
            ["", "a", "[a-z]*", "[a-z", "[]", "[a-z]+|b", r"\b\w+\b", "(?u)[a-z]+", "[[:alpha:]]+", "[a]{0,}"]
        {
            assert!(Pattern::read(pattern).is_err(), "{pattern}");
        }
    }
}

//! A part of the file: lines of `key=value`.

use std::collections::HashMap;
use std::iter::{Enumerate, Peekable};
use std::str::{FromStr, Lines};

use super::error::{Error, Place};

/// The lines of a file, with their numbers.
pub struct Reader<'a> {
    lines: Peekable<Enumerate<Lines<'a>>>,
}

impl<'a> Reader<'a> {
    /// Begins at the first line.
    pub fn new(text: &'a str) -> Self {
        Reader { lines: text.lines().enumerate().peekable() }
    }

    /// The next line, with its number from 1.
    pub fn next_line(&mut self) -> Option<(usize, &'a str)> {
        self.lines.next().map(|(at, line)| (at.saturating_add(1), line))
    }

    /// The next line that is not empty.
    pub fn next_filled(&mut self) -> Option<(usize, &'a str)> {
        while self.lines.next_if(|(_, line)| line.trim().is_empty()).is_some() {}
        self.next_line()
    }

    /// The lines up to an empty one, of one part. A line may be a key alone.
    pub fn fields(&mut self, place: Place) -> Result<Fields<'a>, Error> {
        let mut values = HashMap::new();
        while let Some((at, line)) = self.lines.next_if(|(_, line)| !line.trim().is_empty()) {
            let line_number = at.saturating_add(1);
            let (key, value) = line.trim_end().split_once('=').unwrap_or((line.trim_end(), ""));
            if values.insert(key, (line_number, value)).is_some() {
                return Err(Error::Twice { line: line_number, key: key.chars().take(100).collect(), place });
            }
        }
        Ok(Fields { place, values })
    }
}

/// Values by their keys.
pub struct Fields<'a> {
    place: Place,
    values: HashMap<&'a str, (usize, &'a str)>,
}

impl<'a> Fields<'a> {
    /// What part it is.
    pub fn place(&self) -> Place {
        self.place
    }

    /// A value, if it is there.
    pub fn find(&self, key: &'static str) -> Option<&'a str> {
        self.values.get(key).map(|(_, value)| *value)
    }

    /// A value that has to be there.
    pub fn get(&self, key: &'static str) -> Result<&'a str, Error> {
        self.find(key).ok_or(Error::Missing { place: self.place, key })
    }

    /// A number that has to be there.
    pub fn number<T: FromStr>(&self, key: &'static str) -> Result<T, Error> {
        let value = self.get(key)?;
        self.parse(key, value)
    }

    /// Words, of which there have to be so many.
    pub fn words(&self, key: &'static str, count: usize) -> Result<Vec<&'a str>, Error> {
        let words: Vec<&str> = self.get(key)?.split(' ').filter(|word| !word.is_empty()).collect();
        if words.len() == count {
            return Ok(words);
        }
        Err(self.wrong(key, format!("{} values where {count} belong", words.len())))
    }

    /// Numbers, of which there have to be so many.
    pub fn list<T: FromStr>(&self, key: &'static str, count: usize) -> Result<Vec<T>, Error> {
        self.words(key, count)?.into_iter().map(|word| self.parse(key, word)).collect()
    }

    /// That a value has something that it must not have.
    pub fn wrong(&self, key: &'static str, problem: impl Into<String>) -> Error {
        let line = self.values.get(key).map_or(0, |(line, _)| *line);
        Error::Value { line, key, place: self.place, problem: problem.into() }
    }

    fn parse<T: FromStr>(&self, key: &'static str, word: &str) -> Result<T, Error> {
        word.parse().map_err(|_| {
            let shown: String = word.chars().take(40).collect();
            self.wrong(key, format!("`{shown}`, which is no number that it may be"))
        })
    }
}

//! The endpoints' names, as the store listed them a moment ago. A list is the dearest thing to ask of KV, and strangers may
//! have it asked.

use std::rc::Rc;

use crate::endpoint::Name;

/// Milliseconds for which a list is as good as new. KV itself shows a new name only after up to a minute.
const KEEP_MS: f64 = 10_000.0;

/// The endpoints' names, in order, and when the store was asked for them.
#[derive(Debug, Default)]
pub struct KnownNames(Option<(Rc<[Name]>, f64)>);

impl KnownNames {
    /// The names, if they are new enough.
    pub fn get(&self, now_ms: f64) -> Option<Rc<[Name]>> {
        let (names, asked_ms) = self.0.as_ref()?;
        (now_ms - asked_ms < KEEP_MS).then(|| Rc::clone(names))
    }

    /// Takes in what the store said to a question asked then.
    pub fn learn(&mut self, mut names: Vec<Name>, asked_ms: f64) -> Rc<[Name]> {
        names.sort();
        let names = Rc::from(names);
        self.0 = Some((Rc::clone(&names), asked_ms));
        names
    }

    /// After a change that was made here.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}

//! Whose requests are whose while traffic is shifted from one endpoint configuration to another.
//!
//! All that time the document holds the variants of both, and says that it is made of the one from before. A variant of the
//! new one has another name where its own is taken.

/// The variants of the configuration that traffic is, or was, shifted to; none where nothing ever was.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fleets {
    /// The configuration.
    pub config: String,
    /// Of each of its variants its own name, and the name that it has for the time.
    pub names: Vec<(String, String)>,
    /// The revisions that hold both.
    pub revisions: Vec<String>,
}

impl Fleets {
    /// What the new configuration calls a variant of a revision; `None` where it is none of its variants.
    pub fn own_name(&self, revision: &str, variant: &str) -> Option<&str> {
        let (own, _) = self.names.iter().find(|(_, meanwhile)| meanwhile == variant)?;
        self.revisions.iter().any(|known| known == revision).then_some(own.as_str())
    }
}

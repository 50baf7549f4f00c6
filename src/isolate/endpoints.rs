//! The isolate's copy of the endpoints' configurations.
//!
//! Past its time to live a copy is still served for a while, and one request of the isolate is asked to read it anew in
//! the background. A copy older than that is not served unasked: after an idle hour, the first request waits for the store,
//! so that what was removed or closed meanwhile answers nobody. A document that has gone bad leaves the last good copy
//! serving, and so does a store that fails, for as long as is set. Time comes in as milliseconds of any clock that does not
//! run backwards.

use std::collections::HashMap;
use std::rc::Rc;

use crate::endpoint::{DocumentError, Endpoint, Name, Revision};
use crate::experiment::Newest;
use crate::platform::{Entry as Stored, StoreError};

/// Configurations by endpoint name.
#[derive(Debug)]
pub struct EndpointCache {
    freshness: Freshness,
    /// Milliseconds until the store shows a change everywhere.
    delay_ms: f64,
    entries: HashMap<Name, Entry>,
    told: HashMap<Name, Told>,
}

/// What the experiment of an endpoint has told of its document.
#[derive(Debug, Default)]
struct Told {
    /// Which of its changes the newest is, as far as it is known.
    number: u64,
    /// When it was told, by which the store's copies may be older for a while.
    at_ms: f64,
    /// Revisions from before it, the newest last.
    older: Vec<String>,
}

impl Told {
    /// Older revisions that are remembered. The store does not lag by more than a few changes.
    const MOST_OLDER: usize = 16;

    /// Whether what the store says may be an older copy.
    fn is_older(&self, read: &Copy, delay_ms: f64, now_ms: f64) -> bool {
        let is_lagging = now_ms < self.at_ms + delay_ms;
        match (read.number, &read.document) {
            (Some(number), _) => number < self.number,
            (None, None) => is_lagging,
            (None, Some(document)) => {
                is_lagging && self.older.iter().any(|older| older == Revision::of(document).as_str())
            }
        }
    }
}

/// An endpoint's document as the store has it, or a copy of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Copy {
    /// Its bytes; `None` where there is none.
    pub document: Option<Vec<u8>>,
    /// Which of the endpoint's changes this is, where an experiment wrote it.
    pub number: Option<u64>,
}

impl From<Option<Stored>> for Copy {
    fn from(entry: Option<Stored>) -> Self {
        let number = entry.as_ref().and_then(|entry| entry.times?.number);
        Copy { document: entry.map(|entry| entry.value), number }
    }
}

/// How old a copy may be, in milliseconds since it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Freshness {
    /// Until then it is as good as new.
    pub ttl_ms: f64,
    /// So much longer it is served while it is read anew in the background; then requests wait for the store.
    pub grace_ms: f64,
    /// So long the last good copy serves while the store fails, from the last answer of the store on.
    pub keep_ms: f64,
}

impl Freshness {
    /// As it is unless set otherwise: a grace of two times to live, and a day of failures.
    pub fn of_ttl(ttl_ms: f64) -> Self {
        Freshness { ttl_ms, grace_ms: 2.0 * ttl_ms, keep_ms: 86_400_000.0 }
    }

    /// The age that no copy has that is served without asking the store.
    pub fn oldest_ms(&self) -> f64 {
        self.ttl_ms + self.grace_ms
    }
}

/// An endpoint as it may be served now, and whether it is as the store has it.
#[derive(Clone, Debug)]
pub struct Served {
    /// The last good configuration.
    pub endpoint: Rc<Endpoint>,
    /// How the last read of the store went.
    pub health: Health,
}

/// How the last read of an endpoint's document went.
#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    /// The configuration served is the one last read.
    Good,
    /// The last good configuration is served, because something newer could not be had.
    Failing {
        /// What keeps it from being refreshed.
        problem: EndpointError,
        /// When this problem was first met.
        since_ms: f64,
    },
}

/// Why an endpoint cannot be served.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EndpointError {
    /// The store has no document of that name.
    #[error("there is no endpoint of that name")]
    NotFound,
    /// The document is wrong.
    #[error("the endpoint's configuration is invalid: {}", .0.outline())]
    Invalid(#[from] DocumentError),
    /// The store could not be read.
    #[error("the endpoint's configuration could not be read: {0}")]
    Unavailable(#[from] StoreError),
}

impl EndpointError {
    /// The message with what stands in the document, for the log and the administrator.
    pub fn in_full(&self) -> String {
        match self {
            EndpointError::Invalid(error) => format!("the endpoint's configuration is invalid: {error}"),
            EndpointError::NotFound | EndpointError::Unavailable(_) => self.to_string(),
        }
    }
}

/// What the cache has to say of a name.
#[derive(Debug)]
pub enum Lookup {
    /// Serve this.
    Fresh(Served),
    /// Serve this, and read the store in the background: no other request is doing so.
    Stale(Served),
    /// Known, a moment ago, to be absent or broken.
    Refused(EndpointError),
    /// Nothing is known, or it is too old: read the store, then [`EndpointCache::store`] what it says.
    Unknown,
}

#[derive(Debug)]
struct Entry {
    state: Result<Served, EndpointError>,
    read_at_ms: f64,
    /// When the read began to which the store last said anything.
    answered_at_ms: f64,
    refreshing_since_ms: Option<f64>,
}

impl EndpointCache {
    /// The most names that are remembered, so that requests for made-up names cannot fill the isolate.
    const MAX_ENTRIES: usize = 1024;

    /// After this long a background read counts as lost (the runtime ends `waitUntil` work after 30 s).
    const REFRESH_LIMIT_MS: f64 = 30_000.0;

    /// A cache whose copies may be so old, of a store that shows a change everywhere after so many milliseconds.
    pub fn new(freshness: Freshness, delay_ms: f64) -> Self {
        EndpointCache { freshness, delay_ms, entries: HashMap::new(), told: HashMap::new() }
    }

    /// What to do for a request at `name`. [`Lookup::Stale`] is a promise by the caller to read the store.
    pub fn lookup(&mut self, name: &Name, now_ms: f64) -> Lookup {
        let Some(entry) = self.entries.get_mut(name) else { return Lookup::Unknown };
        let age_ms = now_ms - entry.read_at_ms;
        let expired = age_ms >= self.freshness.ttl_ms;
        match &entry.state {
            // An error is not served beyond its time: to wait once for the store harms nobody then.
            Err(_) if expired => Lookup::Unknown,
            Err(error) => Lookup::Refused(error.clone()),
            Ok(_) if age_ms >= self.freshness.oldest_ms() => Lookup::Unknown,
            Ok(served) if expired => {
                let in_flight = entry.refreshing_since_ms.is_some_and(|since| now_ms - since < Self::REFRESH_LIMIT_MS);
                if in_flight {
                    return Lookup::Fresh(served.clone());
                }
                entry.refreshing_since_ms = Some(now_ms);
                Lookup::Stale(served.clone())
            }
            Ok(served) => Lookup::Fresh(served.clone()),
        }
    }

    /// Takes in what the store said to a read that began at `began_ms`, and answers what is to be served from now on.
    /// A read that was overtaken by a later one, or by a change made here, changes nothing. The clock may have stood still
    /// between them.
    ///
    /// # Errors
    /// If there is nothing to serve: the document is gone, or is bad or unreadable and no good one is known.
    pub fn store(
        &mut self,
        name: &Name,
        read: Result<Copy, StoreError>,
        began_ms: f64,
    ) -> Result<Served, EndpointError> {
        if let Some(entry) = self.entries.get_mut(name) {
            if entry.read_at_ms >= began_ms {
                return entry.state.clone();
            }
            // An older copy never undoes a newer revision.
            let told = self.told.get(name);
            if let (Ok(copy), Some(told)) = (&read, told)
                && told.is_older(copy, self.delay_ms, began_ms)
            {
                (entry.read_at_ms, entry.answered_at_ms, entry.refreshing_since_ms) = (began_ms, began_ms, None);
                return entry.state.clone();
            }
        }
        if let (Ok(Copy { number: Some(number), .. }), Some(told)) = (&read, self.told.get_mut(name)) {
            told.number = told.number.max(*number);
        }
        self.take(name, read.map(|copy| copy.document), began_ms)
    }

    /// What an isolate that serves this endpoint says of it to its experiment: the revision, and the number that it was told.
    pub fn known(&self, name: &Name) -> (Option<String>, Option<u64>) {
        let served = self.entries.get(name).and_then(|entry| entry.state.as_ref().ok());
        let revision = served.map(|served| served.endpoint.revision().as_str().to_owned());
        (revision, self.told.get(name).map(|told| told.number))
    }

    /// Takes in what the endpoint's experiment says of the newest version, and answers what is to be served from now on.
    ///
    /// # Errors
    /// As [`EndpointCache::store`] has them.
    pub fn told(&mut self, name: &Name, newest: Newest, now_ms: f64) -> Result<Served, EndpointError> {
        let Newest { number, revision, document, .. } = newest;
        let serves = self.known(name).0;
        let told = self.told.entry(name.clone()).or_default();
        let is_new = number > told.number;
        // An experiment that counts from the beginning again has lost what it had; the next answer brings the document.
        told.number = if number < told.number { number.saturating_sub(1) } else { number };
        if is_new {
            told.at_ms = now_ms;
            if let Some(older) = serves.clone().filter(|older| Some(older) != revision.as_ref()) {
                told.older.retain(|known| *known != older);
                told.older.push(older);
                let spare = told.older.len().saturating_sub(Told::MOST_OLDER);
                told.older.drain(..spare);
            }
            told.older.retain(|known| Some(known) != revision.as_ref());
            // The document of one that is known already was not sent.
            if revision != serves && document.is_some() == revision.is_some() {
                return self.written(name, document, now_ms);
            }
        }
        self.entries.get(name).map_or(Err(EndpointError::NotFound), |entry| entry.state.clone())
    }

    /// Takes in what has just been written to the store; `None` where the document was removed.
    ///
    /// # Errors
    /// As [`EndpointCache::store`] has them.
    pub fn written(&mut self, name: &Name, document: Option<String>, now_ms: f64) -> Result<Served, EndpointError> {
        self.take(name, Ok(document.map(String::into_bytes)), now_ms)
    }

    fn take(
        &mut self,
        name: &Name,
        read: Result<Option<Vec<u8>>, StoreError>,
        began_ms: f64,
    ) -> Result<Served, EndpointError> {
        let known = self.entries.get(name);
        let answered_at_ms = match &read {
            Ok(_) => began_ms,
            Err(_) => known.map_or(began_ms, |entry| entry.answered_at_ms),
        };
        let is_kept = began_ms - answered_at_ms < self.freshness.keep_ms;
        let last_good = known.and_then(|entry| entry.state.as_ref().ok()).filter(|_| read.is_ok() || is_kept);
        let parsed = match read {
            // Removing the document is how an endpoint is switched off, so the last good one goes as well.
            Ok(None) => Err(EndpointError::NotFound),
            Ok(Some(document)) => Endpoint::parse(&document).map_err(EndpointError::Invalid),
            Err(error) => Err(EndpointError::Unavailable(error)),
        };
        let state = match (parsed, last_good) {
            (Ok(endpoint), _) => Ok(Served { endpoint: Rc::new(endpoint), health: Health::Good }),
            (Err(EndpointError::NotFound), _) => Err(EndpointError::NotFound),
            (Err(problem), Some(good)) => {
                let since_ms = match &good.health {
                    Health::Failing { problem: known, since_ms } if *known == problem => *since_ms,
                    _ => began_ms,
                };
                let health = Health::Failing { problem, since_ms };
                Ok(Served { endpoint: Rc::clone(&good.endpoint), health })
            }
            (Err(problem), None) => Err(problem),
        };
        if let Err(EndpointError::Unavailable(_)) = state {
            // Nothing was learnt, so the next request may try again at once.
            self.entries.remove(name);
        } else {
            self.make_room(name);
            let entry = Entry { state: state.clone(), read_at_ms: began_ms, answered_at_ms, refreshing_since_ms: None };
            self.entries.insert(name.clone(), entry);
        }
        state
    }

    /// Forgets the least useful entry if a new one would be too many: errors before endpoints, old before new.
    fn make_room(&mut self, name: &Name) {
        if self.entries.len() < Self::MAX_ENTRIES || self.entries.contains_key(name) {
            return;
        }
        let rank = |entry: &Entry| (entry.state.is_ok(), entry.read_at_ms);
        let least = self.entries.iter().min_by(|(_, a), (_, b)| {
            let ((a_good, a_time), (b_good, b_time)) = (rank(a), rank(b));
            a_good.cmp(&b_good).then(a_time.total_cmp(&b_time))
        });
        if let Some(name) = least.map(|(name, _)| name.clone()) {
            self.entries.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: f64 = 30_000.0;
    const DELAY: f64 = 60_000.0;

    fn text(weight: u32) -> String {
        format!(r#"{{"variants": [{{"name": "a", "weight": {weight}, "origin": {{"url": "https://a.example"}}}}]}}"#)
    }

    fn copy(text: Option<&str>, number: Option<u64>) -> Result<Copy, StoreError> {
        Ok(Copy { document: text.map(|text| text.as_bytes().to_vec()), number })
    }

    fn document(weight: u32) -> Result<Copy, StoreError> {
        copy(Some(&text(weight)), None)
    }

    fn newest(number: u64, weight: Option<u32>) -> Newest {
        let document = weight.map(text);
        let revision = document.as_ref().map(|text| Revision::of(text.as_bytes()).as_str().to_owned());
        Newest { number, revision, document, times: None, units_below: 0 }
    }

    fn cache() -> EndpointCache {
        EndpointCache::new(Freshness { ttl_ms: TTL, grace_ms: 2.0 * TTL, keep_ms: 10.0 * TTL }, DELAY)
    }

    fn name() -> Name {
        Name::try_from("digits").unwrap()
    }

    fn down() -> Result<Copy, StoreError> {
        Err(StoreError("down".to_owned()))
    }

    fn weight(served: &Served) -> f64 {
        served.endpoint.total_weight()
    }

    #[test]
    fn one_request_refreshes_and_none_waits() {
        let mut cache = cache();
        assert!(matches!(cache.lookup(&name(), 0.0), Lookup::Unknown));
        cache.store(&name(), document(1), 0.0).unwrap();
        assert!(matches!(cache.lookup(&name(), TTL - 1.0), Lookup::Fresh(_)));
        assert!(matches!(cache.lookup(&name(), TTL), Lookup::Stale(served) if weight(&served) == 1.0));
        assert!(matches!(cache.lookup(&name(), TTL + 1.0), Lookup::Fresh(served) if weight(&served) == 1.0));
        cache.store(&name(), document(2), TTL + 2.0).unwrap();
        assert!(matches!(cache.lookup(&name(), TTL + 3.0), Lookup::Fresh(served) if weight(&served) == 2.0));
    }

    #[test]
    fn a_lost_refresh_is_taken_up_again() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        assert!(matches!(cache.lookup(&name(), TTL), Lookup::Stale(_)));
        assert!(matches!(cache.lookup(&name(), TTL + 29_999.0), Lookup::Fresh(_)));
        assert!(matches!(cache.lookup(&name(), TTL + 30_000.0), Lookup::Stale(_)));
    }

    #[test]
    fn a_copy_beyond_its_grace_is_not_served_unasked() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        assert!(matches!(cache.lookup(&name(), 3.0 * TTL - 1.0), Lookup::Stale(_)));
        assert!(matches!(cache.lookup(&name(), 3.0 * TTL), Lookup::Unknown));
        // A store that fails is no reason to stop serving.
        assert_eq!(weight(&cache.store(&name(), down(), 3.0 * TTL).unwrap()), 1.0);
        assert!(matches!(cache.lookup(&name(), 3.0 * TTL + 1.0), Lookup::Fresh(served) if weight(&served) == 1.0));
        assert!(matches!(cache.lookup(&name(), 6.0 * TTL), Lookup::Unknown));
    }

    #[test]
    fn the_last_good_one_serves_a_store_that_fails_only_so_long() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        // What counts is when the store last said anything, bad or good.
        cache.store(&name(), copy(Some("{"), None), TTL).unwrap();
        assert!(cache.store(&name(), down(), 5.0 * TTL).is_ok());
        assert!(cache.store(&name(), down(), 11.0 * TTL - 1.0).is_ok());
        assert!(matches!(cache.store(&name(), down(), 11.0 * TTL), Err(EndpointError::Unavailable(_))));
        assert!(matches!(cache.lookup(&name(), 11.0 * TTL), Lookup::Unknown));
    }

    #[test]
    fn the_last_good_one_serves_on_and_says_so() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        let served = cache.store(&name(), copy(Some("{"), None), 10.0).unwrap();
        assert_eq!(weight(&served), 1.0);
        assert!(
            matches!(&served.health, Health::Failing { problem: EndpointError::Invalid(_), since_ms } if *since_ms == 10.0)
        );
        let served = cache.store(&name(), copy(Some("{"), None), 20.0).unwrap();
        assert!(matches!(served.health, Health::Failing { since_ms, .. } if since_ms == 10.0));
        let served = cache.store(&name(), down(), 30.0).unwrap();
        assert!(
            matches!(served.health, Health::Failing { problem: EndpointError::Unavailable(_), since_ms } if since_ms == 30.0)
        );
        let served = cache.store(&name(), document(2), 40.0).unwrap();
        assert_eq!((weight(&served), served.health), (2.0, Health::Good));
    }

    #[test]
    fn without_a_good_one_the_error_is_kept_for_its_time() {
        let mut cache = cache();
        assert!(matches!(cache.store(&name(), copy(None, None), 0.0), Err(EndpointError::NotFound)));
        assert!(matches!(cache.lookup(&name(), 1.0), Lookup::Refused(EndpointError::NotFound)));
        assert!(matches!(cache.lookup(&name(), TTL), Lookup::Unknown));
        assert!(matches!(cache.store(&name(), down(), TTL), Err(EndpointError::Unavailable(_))));
        assert!(matches!(cache.lookup(&name(), TTL), Lookup::Unknown));
    }

    #[test]
    fn a_slow_read_does_not_undo_a_later_one() {
        let mut cache = cache();
        cache.store(&name(), document(2), 10.0).unwrap();
        assert_eq!(weight(&cache.store(&name(), document(1), 5.0).unwrap()), 2.0);
        assert_eq!(weight(&cache.store(&name(), document(1), 10.0).unwrap()), 2.0);
        assert!(matches!(cache.lookup(&name(), 11.0), Lookup::Fresh(served) if weight(&served) == 2.0));
    }

    #[test]
    fn a_change_made_here_is_served_though_the_clock_stands_still() {
        let mut cache = cache();
        cache.store(&name(), document(1), 10.0).unwrap();
        assert_eq!(weight(&cache.written(&name(), Some(text(2)), 10.0).unwrap()), 2.0);
        assert_eq!(weight(&cache.store(&name(), document(1), 10.0).unwrap()), 2.0);
        assert!(cache.written(&name(), None, 10.0).is_err());
        assert!(cache.store(&name(), document(1), 10.0).is_err());
    }

    #[test]
    fn a_removed_document_ends_the_endpoint() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        assert!(matches!(cache.store(&name(), copy(None, None), 1.0), Err(EndpointError::NotFound)));
    }

    #[test]
    fn made_up_names_neither_fill_it_nor_push_out_endpoints() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        for i in 0..3000 {
            let _ = cache.store(&Name::try_from(format!("x{i}")).unwrap(), copy(None, None), f64::from(i));
        }
        assert_eq!(cache.entries.len(), EndpointCache::MAX_ENTRIES);
        assert!(matches!(cache.lookup(&name(), 0.0), Lookup::Fresh(_)));
    }

    #[test]
    fn what_the_experiment_tells_is_served_and_no_older_copy_undoes_it() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        assert_eq!(weight(&cache.told(&name(), newest(7, Some(2)), 1_000.0).unwrap()), 2.0);
        assert_eq!(cache.known(&name()).1, Some(7));
        // By its number, or, without one, within the store's delay: a revision that was served before, or none.
        for (older, at_ms) in [
            (copy(Some(&text(9)), Some(6)), 40_000.0),
            (document(1), 50_000.0),
            (copy(None, None), 60_000.0),
            (copy(Some(&text(1)), Some(3)), 1e9),
        ] {
            assert_eq!(weight(&cache.store(&name(), older, at_ms).unwrap()), 2.0, "{at_ms}");
            assert!(matches!(cache.lookup(&name(), at_ms + 1.0), Lookup::Fresh(_)));
        }
        // A revision that nobody has told of was put there by hand.
        assert_eq!(weight(&cache.store(&name(), document(3), 1e9 + 1.0).unwrap()), 3.0);
        assert_eq!(weight(&cache.told(&name(), newest(7, None), 1e9 + 2.0).unwrap()), 3.0);
        assert_eq!(weight(&cache.told(&name(), newest(8, Some(3)), 1e9 + 3.0).unwrap()), 3.0);
        assert_eq!(weight(&cache.store(&name(), copy(Some(&text(4)), Some(9)), 1e9 + 4.0).unwrap()), 4.0);
        assert_eq!(cache.known(&name()).1, Some(9));
        assert!(cache.told(&name(), newest(10, None), 1e9 + 5.0).is_err());
    }

    #[test]
    fn an_older_revision_may_be_put_back_by_hand_once_the_store_has_had_its_time() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        cache.told(&name(), newest(2, Some(2)), 1.0).unwrap();
        assert_eq!(weight(&cache.store(&name(), document(1), DELAY).unwrap()), 2.0);
        assert_eq!(weight(&cache.store(&name(), document(1), DELAY + 2.0).unwrap()), 1.0);
    }

    #[test]
    fn an_experiment_that_has_lost_what_it_had_is_believed_in_the_end() {
        let mut cache = cache();
        cache.store(&name(), document(1), 0.0).unwrap();
        cache.told(&name(), newest(9, Some(2)), 1.0).unwrap();
        cache.told(&name(), newest(1, Some(3)), 2.0).unwrap();
        assert_eq!(weight(&cache.told(&name(), newest(1, Some(3)), 3.0).unwrap()), 3.0);
    }
}

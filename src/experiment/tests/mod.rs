//! Experiments on SQLite itself, with a store that lags and fails as it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod changes;
mod failures;
mod outcomes;
mod policies;
mod tallies;
mod timetable;

use std::cell::{Cell as Kept, RefCell};
use std::collections::VecDeque;

use crate::endpoint::Name;
use crate::experiment::{Answer, Command, Controller, Terms};
use crate::platform::in_process::InProcessEngines;
use crate::platform::sqlite::Sqlite;
use crate::platform::{Clock, Engines, Entry, Log, Namespace, Page, Store, StoreError, Timer, Times};

/// A store with one document, whose readers may see an older one.
#[derive(Default)]
struct World {
    now_ms: Kept<f64>,
    stored: RefCell<Option<Entry>>,
    /// What readers see in place of it, one each.
    lag: RefCell<VecDeque<Option<Entry>>>,
    down: Kept<bool>,
    writes: Kept<u32>,
    engines: InProcessEngines,
}

impl World {
    fn put_by_hand(&self, document: &str) {
        *self.stored.borrow_mut() = Some(Entry { value: document.into(), times: None });
    }

    fn has(&self) -> Option<String> {
        self.stored.borrow().as_ref().map(|entry| String::from_utf8(entry.value.clone()).unwrap())
    }
}

impl Store for &World {
    async fn read(&self, namespace: Namespace, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read_entry(namespace, key).await?.map(|entry| entry.value))
    }

    async fn read_entry(&self, _: Namespace, _: &str) -> Result<Option<Entry>, StoreError> {
        if self.down.get() {
            return Err(StoreError("down".to_owned()));
        }
        Ok(self.lag.borrow_mut().pop_front().unwrap_or_else(|| self.stored.borrow().clone()))
    }

    async fn write(&self, _: Namespace, _: &str, value: &str, times: Times) -> Result<(), StoreError> {
        if self.down.get() {
            return Err(StoreError("down".to_owned()));
        }
        self.writes.set(self.writes.get() + 1);
        *self.stored.borrow_mut() = Some(Entry { value: value.into(), times: Some(times) });
        Ok(())
    }

    async fn delete(&self, _: Namespace, _: &str) -> Result<(), StoreError> {
        *self.stored.borrow_mut() = None;
        Ok(())
    }

    async fn list(&self, _: Namespace, _: &str, _: Option<String>, _: u16) -> Result<Page, StoreError> {
        Ok(Page::default())
    }
}

impl Engines for &World {
    type File = Vec<u8>;

    async fn read_model(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn load(
        &self,
        file: &Vec<u8>,
        asked: &[u8],
        most_bytes: usize,
    ) -> Result<(std::rc::Rc<dyn crate::platform::Instance>, Vec<u8>), crate::platform::Death> {
        self.engines.load(file, asked, most_bytes)
    }
}

impl Clock for &World {
    fn now_ms(&self) -> f64 {
        self.now_ms.get()
    }
}

impl Timer for &World {
    async fn sleep(&self, _: f64) {
        std::future::pending().await
    }
}

impl Log for &World {
    fn warn(&self, _: &str) {}
}

/// Milliseconds that the store may lag.
const DELAY_MS: f64 = 60_000.0;

struct Bench {
    world: World,
    database: Sqlite,
    name: Name,
}

fn bench() -> Bench {
    let world = World::default();
    world.now_ms.set(1_800_000_000_000.0);
    Bench { world, database: Sqlite::default(), name: Name::try_from("e").unwrap() }
}

impl Bench {
    fn controller(&self) -> Controller<'_, &World, Sqlite> {
        Controller::new(&self.world, &self.database, &self.name, Terms { delay_ms: DELAY_MS, ..Terms::default() })
            .unwrap()
    }

    fn ask(&self, command: Command) -> Answer {
        // It crosses as JSON.
        let command = serde_json::from_str(&serde_json::to_string(&command).unwrap()).unwrap();
        let answer =
            futures_util::FutureExt::now_or_never(self.controller().ask(command)).expect("nothing waits").unwrap();
        serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap()
    }

    fn publish(&self) -> bool {
        futures_util::FutureExt::now_or_never(self.controller().publish()).expect("nothing waits").unwrap()
    }

    fn wait(&self, ms: f64) {
        self.world.now_ms.set(self.world.now_ms.get() + ms);
    }
}

fn document(a: u32, b: u32) -> String {
    format!(
        r#"{{"variants": [{{"name": "a", "weight": {a}, "origin": {{"url": "https://a.example"}}}}, {{"name": "b", "weight": {b}, "origin": {{"url": "https://b.example"}}}}]}}"#
    )
}

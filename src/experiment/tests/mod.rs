//! Experiments on SQLite itself, with a store that lags and fails as it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod changes;
mod tallies;

use std::cell::{Cell as Kept, RefCell};
use std::collections::VecDeque;

use rusqlite::types::{Value, ValueRef};

use crate::endpoint::Name;
use crate::experiment::{Answer, Command, Controller};
use crate::platform::in_process::InProcessEngines;
use crate::platform::{
    Cell, Clock, Database, DatabaseError, Engines, Entropy, EntropyError, Entry, Exchange, ExchangeError, HttpAnswer,
    HttpCall, Log, Namespace, Page, Secrets, Store, StoreError, Timer, Times,
};

/// SQLite in memory.
struct Sqlite(rusqlite::Connection);

impl Sqlite {
    fn new() -> Self {
        Sqlite(rusqlite::Connection::open_in_memory().unwrap())
    }
}

fn failed(error: rusqlite::Error) -> DatabaseError {
    DatabaseError(error.to_string())
}

impl Database for Sqlite {
    fn execute(&self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Cell>>, DatabaseError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let columns = statement.column_count();
        let values = parameters.iter().map(|cell| match cell {
            Cell::Null => Value::Null,
            Cell::Integer(integer) => Value::Integer(*integer),
            Cell::Real(real) => Value::Real(*real),
            Cell::Text(text) => Value::Text(text.clone()),
        });
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let cells = (0..columns).map(|at| match row.get_ref(at).unwrap() {
                // As a Durable Object has it.
                ValueRef::Integer(integer) if integer.abs() < 1 << 53 => Cell::Integer(integer),
                ValueRef::Integer(integer) => Cell::Real(integer as f64),
                ValueRef::Real(real) if real.fract() == 0.0 => Cell::Integer(real as i64),
                ValueRef::Real(real) => Cell::Real(real),
                ValueRef::Text(text) => Cell::Text(String::from_utf8(text.to_vec()).unwrap()),
                ValueRef::Null | ValueRef::Blob(_) => Cell::Null,
            });
            found.push(cells.collect());
        }
        Ok(found)
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        self.0.execute_batch("BEGIN").map_err(failed)?;
        let done = work();
        self.0.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).map_err(failed)?;
        done
    }

    fn bytes(&self) -> Result<u64, DatabaseError> {
        let pages = self.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", &[])?;
        Ok(pages[0][0].as_count().unwrap())
    }
}

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

impl Exchange for &World {
    async fn exchange(&self, _: HttpCall<'_>) -> Result<HttpAnswer, ExchangeError> {
        Err(ExchangeError::Unreachable("no hosts here".to_owned()))
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

impl Secrets for &World {
    fn secret(&self, _: &str) -> Option<String> {
        None
    }
}

impl Entropy for &World {
    fn entropy(&self) -> Result<[u8; 32], EntropyError> {
        Ok([7; 32])
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
    Bench { world, database: Sqlite::new(), name: Name::try_from("e").unwrap() }
}

impl Bench {
    fn controller(&self) -> Controller<'_, &World, Sqlite> {
        Controller::new(&self.world, &self.database, &self.name, DELAY_MS, 2_000.0).unwrap()
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

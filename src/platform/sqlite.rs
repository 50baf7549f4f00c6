//! SQLite itself, in place of a Durable Object's, for tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use rusqlite::types::{Value, ValueRef};

use super::database::{Cell, Database, DatabaseError};

/// SQLite in memory.
#[derive(Debug)]
pub struct Sqlite(rusqlite::Connection);

impl Default for Sqlite {
    fn default() -> Self {
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

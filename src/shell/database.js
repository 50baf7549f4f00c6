// The SQL of a Durable Object's storage, in as few crossings as it takes: parameters and rows cross as JSON.

export function execute(storage, sql, parameters) {
  return JSON.stringify([...storage.sql.exec(sql, ...JSON.parse(parameters)).raw()]);
}

const UNDONE = Symbol("undone");

// All of the work, or nothing of it: it is undone where it says so, and where it ends in an exception.
export function atomically(storage, work) {
  try {
    storage.transactionSync(() => {
      if (!work()) throw UNDONE;
    });
  } catch (error) {
    if (error !== UNDONE) throw error;
  }
}

export function size(storage) {
  return storage.sql.databaseSize;
}

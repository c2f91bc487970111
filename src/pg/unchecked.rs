//! Rows of a table, read without asking for anybody's rights: for the little that has to be known even where whoever owns the
//! table may not use its schema. No SQL is run, so nothing of the owner's is: no view, no policy, no function.

use super::catalog::Index;
use super::row::{Answer, FromRow, Row};
use crate::error::Error;
use pgrx::prelude::*;
use pgrx::{IntoDatum, pg_sys::Oid};

/// All rows of a table, of which there are few.
///
/// # Errors
/// [`Error::Statement`] when the table has other columns than the type.
pub fn rows_of<T: FromRow>(table: Oid) -> Result<Vec<T>, Error> {
    scan(table, None)
}

/// The row under a key of type bigint, which the first column of the index is, and the column of this number; `None` when
/// there is none.
///
/// # Errors
/// As [`rows_of`].
pub fn row_of<T: FromRow>(index: Index, column: i16, key: i64) -> Result<Option<T>, Error> {
    scan(index.table, Some((index.index, column, key))).map(|rows| rows.into_iter().next())
}

fn scan<T: FromRow>(table: Oid, by: Option<(Oid, i16, i64)>) -> Result<Vec<T>, Error> {
    let mut key = pg_sys::ScanKeyData::default();
    // SAFETY: everything is closed below, or by the abort after an error. The rows are read while the scan is open. The
    // snapshot is a constant of PostgreSQL's that sees what is committed or our own.
    unsafe {
        let relation = pg_sys::table_open(table, pg_sys::AccessShareLock as i32);
        let columns = (*relation).rd_att;
        let (index, keys) = match by {
            None => (pg_sys::InvalidOid, 0),
            Some((index, column, value)) => {
                let value = value.into_datum().unwrap_or(pg_sys::Datum::null());
                let equal = pg_sys::BTEqualStrategyNumber as u16;
                pg_sys::ScanKeyInit(&mut key, column, equal, pg_sys::F_INT8EQ.into(), value);
                (index, 1)
            }
        };
        let snapshot = &raw mut pg_sys::SnapshotSelfData;
        let scan = pg_sys::systable_beginscan(relation, index, keys == 1, snapshot, keys, &mut key);
        let rows = read(scan, columns);
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
        rows
    }
}

/// # Safety
/// The scan is open, over a table of these columns.
unsafe fn read<T: FromRow>(scan: pg_sys::SysScanDesc, columns: pg_sys::TupleDesc) -> Result<Vec<T>, Error> {
    // SAFETY: as the caller vouches; a row is valid until the next is fetched.
    unsafe {
        let found = T::find(&Answer::new(columns))?;
        let mut rows = Vec::new();
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                return Ok(rows);
            }
            rows.push(T::read(&Row { tuple, columns }, &found)?);
        }
    }
}

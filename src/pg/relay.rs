//! The answer of a statement as the rows that a function returns, without a copy in Rust.

use super::spi::{Mode, Session, execute_seeing};
use super::value::Param;
use crate::error::Error;
use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::prelude::*;
use std::ptr::null_mut;

/// A function that returns a set has put its rows where PostgreSQL takes them from.
pub struct Relayed(());

pgrx::impl_sql_translatable!(Relayed, "record");

// SAFETY: PostgreSQL does not look at the value of a function that has materialized its set.
unsafe impl BoxRet for Relayed {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        fcinfo.return_null()
    }
}

/// How PostgreSQL called a function.
pub type Call = pg_sys::FunctionCallInfo;

/// What a relayed statement sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// What the statement sees that calls the function: a report.
    ByTheCaller,
    /// The newest committed state, and our own writes.
    Newest,
}

/// Runs a statement that reads, and returns its rows from the function that was called by `call`.
///
/// # Errors
/// [`Error::Statement`] when the answer has other columns than the function returns. What PostgreSQL says unwinds.
pub fn relay(call: Call, sql: &str, args: &[Param], seen: Seen) -> Result<Relayed, Error> {
    // SAFETY: PostgreSQL called a function that returns a set with `call`, and keeps it until the function returns.
    unsafe { pg_sys::InitMaterializedSRF(call, 0) };
    let _session = Session::open()?;
    match seen {
        Seen::ByTheCaller => execute_seeing(null_mut(), sql, args, Mode::Read)?,
        // SAFETY: in a transaction; SPI copies the snapshot.
        Seen::Newest => execute_seeing(unsafe { pg_sys::GetLatestSnapshot() }, sql, args, Mode::Read)?,
    }
    // SAFETY: InitMaterializedSRF made the store and its description; the rows are those of the statement that just ran,
    // whose columns are compared with the description before any is stored.
    unsafe {
        let Some(answer) = pg_sys::SPI_tuptable.as_ref() else {
            return Err(Error::Server("a report returned no rows"));
        };
        let result = (*call).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        if !same_types((*result).setDesc, answer.tupdesc) {
            return Err(Error::Statement { column: "(all)", problem: "differ from what the function returns" });
        }
        for row in 0..usize::try_from(pg_sys::SPI_processed).unwrap_or(usize::MAX) {
            pg_sys::tuplestore_puttuple((*result).setResult, *answer.vals.add(row));
        }
    }
    Ok(Relayed(()))
}

/// # Safety
/// Both are descriptions of rows.
unsafe fn same_types(wanted: pg_sys::TupleDesc, found: pg_sys::TupleDesc) -> bool {
    // SAFETY: as the caller vouches.
    unsafe {
        let count = usize::try_from((*wanted).natts).unwrap_or(0);
        let type_of = |columns, i| super::catalog::base_type((*super::row::tuple_attribute(columns, i)).atttypid);
        (*wanted).natts == (*found).natts && (0..count).all(|i| type_of(wanted, i) == type_of(found, i))
    }
}

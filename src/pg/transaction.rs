//! Subtransactions, procedures that commit on their way, and locks that nobody queues behind.

use super::scope::{LockTimeout, in_own_memory, with_lock_timeout};
use crate::error::{Error, Failure};
use pgrx::PgTryBuilder;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use referral_core::time::Timestamp;
use std::cell::Cell;
use std::panic::AssertUnwindSafe;

/// Runs `f` in a subtransaction. When it fails, everything it did is undone and the failure is returned.
///
/// # Errors
/// What `f` returned, or what PostgreSQL said inside it.
pub fn subtransaction<T>(f: impl FnOnce() -> Result<T, Error>) -> Result<T, Failure> {
    // SAFETY: the pattern of PL/pgSQL's exception blocks: open, run, then release or roll back, and return to
    // the memory context and the resource owner of before.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let outcome = PgTryBuilder::new(AssertUnwindSafe(|| f().map_err(Failure::from)))
            .catch_others(|cause| Err(Failure::from(cause)))
            .execute();
        match &outcome {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        outcome
    }
}

impl From<CaughtError> for Failure {
    fn from(caught: CaughtError) -> Self {
        let (CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic { ereport: report, .. }) = caught;
        Self {
            code: report.sql_error_code(),
            message: report.message().to_owned(),
            detail: report.detail().map(str::to_owned),
            hint: report.hint().map(str::to_owned),
            transaction: None,
        }
    }
}

/// Runs `f` in a subtransaction and returns its failure, unless that has to reach the client.
///
/// # Errors
/// [`Error::Raised`] for a failure that [`must_reach_the_client`].
pub fn catch_failure<T>(f: impl FnOnce() -> Result<T, Error>) -> Result<Result<T, Failure>, Error> {
    match subtransaction(f) {
        Err(failure) if must_reach_the_client(failure.code) => Err(Error::Raised(Box::new(failure))),
        outcome => Ok(outcome),
    }
}

/// Does something for a batch or, when that fails, for each of it alone: one bad row must not cost the others their
/// credit. What fails alone is handed to `failed`.
///
/// # Errors
/// A failure that [`must_reach_the_client`], and what `failed` returns.
pub fn isolate_failures<T>(
    batch: &[T],
    mut f: impl FnMut(&[T]) -> Result<(), Error>,
    mut failed: impl FnMut(&T, Failure) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut attempt = |part: &[T]| catch_failure(|| in_own_memory(|| f(part)));
    match (attempt(batch)?, batch) {
        (Ok(()), _) => Ok(()),
        (Err(failure), [one]) => failed(one, failure),
        (Err(_), _) => batch.iter().try_for_each(|one| match attempt(std::slice::from_ref(one))? {
            Ok(()) => Ok(()),
            Err(failure) => failed(one, failure),
        }),
    }
}

/// A lock that was not to be had.
pub fn is_about_a_lock(code: PgSqlErrorCode) -> bool {
    matches!(code, PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED | PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE)
}

thread_local! {
    static RETURNING_LOCK_FAILURES: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` with little patience for locks, for a caller that tries again itself: a lock that was not to be had is
/// returned, and not treated as a failure of the row.
pub fn returning_lock_failures<R>(f: impl FnOnce() -> R) -> R {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            RETURNING_LOCK_FAILURES.set(false);
        }
    }
    RETURNING_LOCK_FAILURES.set(true);
    let _restore = Restore;
    with_lock_timeout(LockTimeout::Batch, f)
}

/// Whether an error says nothing about the referral program: the client asked for an end, or has to try again, or nothing
/// can be written at all.
pub fn must_reach_the_client(code: PgSqlErrorCode) -> bool {
    if RETURNING_LOCK_FAILURES.get() && is_about_a_lock(code) {
        return true;
    }
    matches!(
        code,
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED
            | PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN
            | PgSqlErrorCode::ERRCODE_CRASH_SHUTDOWN
            | PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE
            | PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION
    )
}

/// A call of a procedure, which may commit on its way.
pub struct Procedure {
    /// Whether it was called where it may: not inside a transaction block or a function.
    commits: bool,
}

impl Procedure {
    /// Begins; `call` is how PostgreSQL called the procedure.
    ///
    /// # Errors
    /// [`Error::Server`] when SPI cannot be reached.
    pub fn begin(call: pg_sys::FunctionCallInfo) -> Result<Self, Error> {
        // SAFETY: PostgreSQL hands a procedure the context of its CALL.
        let commits = unsafe {
            let context = (*call).context;
            !context.is_null()
                && (*context).type_ == pg_sys::NodeTag::T_CallContext
                && !(*context.cast::<pg_sys::CallContext>()).atomic
        };
        let options = if commits { pg_sys::SPI_OPT_NONATOMIC } else { 0 };
        // SAFETY: called inside a procedure, so in a transaction; closed by drop.
        let code = unsafe { pg_sys::SPI_connect_ext(options as i32) };
        if code < 0 { Err(Error::Server("SPI_connect failed")) } else { Ok(Self { commits }) }
    }

    /// Commits and goes on in a new transaction; in a transaction block nothing.
    ///
    /// # Errors
    /// None of its own; PostgreSQL's unwind.
    pub fn commit(&self) -> Result<(), Error> {
        pgrx::check_for_interrupts!();
        if self.commits {
            // SAFETY: the connection was opened for this and every other one is closed; no role or setting is in
            // force that belongs to the transaction.
            unsafe {
                pg_sys::SPI_commit();
                // What the session has as its default would only make batches fail.
                pg_sys::XactIsoLevel = pg_sys::XACT_READ_COMMITTED as i32;
            }
        }
        Ok(())
    }
}

impl Drop for Procedure {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `begin`.
            unsafe { pg_sys::SPI_finish() };
        }
    }
}

/// A lock of a table that [`lock_politely`] takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TableLock {
    /// ACCESS EXCLUSIVE: for dropping a trigger.
    AccessExclusive,
    /// SHARE ROW EXCLUSIVE: for creating a trigger or a foreign key.
    ShareRowExclusive,
    /// SHARE: nobody writes meanwhile.
    Share,
}

/// Takes a lock of a table for the rest of the transaction, without ever standing in the queue for it: tries,
/// lets others go first, and gives up after five seconds or the session's lock_timeout, if that is shorter. Returns whether
/// the lock was taken.
pub fn lock_politely(relation: pg_sys::Oid, lock: TableLock) -> bool {
    let mode = match lock {
        TableLock::AccessExclusive => pg_sys::AccessExclusiveLock,
        TableLock::ShareRowExclusive => pg_sys::ShareRowExclusiveLock,
        TableLock::Share => pg_sys::ShareLock,
    };
    // SAFETY: a plain read.
    let patience = match unsafe { pg_sys::LockTimeout } {
        timeout @ 1..5000 => timeout,
        _ => 5000,
    };
    for _ in 0..=patience / 50 {
        // SAFETY: a plain call; false means that the lock was not free.
        if unsafe { pg_sys::ConditionalLockRelationOid(relation, mode as i32) } {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        pgrx::check_for_interrupts!();
    }
    false
}

/// Whether this session restores a dump: it has the settings that pg_dump and pg_restore make and nobody else does.
pub fn is_restoring() -> bool {
    // SAFETY: plain reads of settings.
    unsafe {
        !pg_sys::check_function_bodies
            && !pg_sys::namespace_search_path.is_null()
            && *pg_sys::namespace_search_path == 0
    }
}

/// The start of this transaction, which is what now() returns.
pub fn now() -> Timestamp {
    // SAFETY: a plain read.
    Timestamp(unsafe { pg_sys::GetCurrentTransactionStartTimestamp() })
}

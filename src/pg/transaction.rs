//! Subtransactions, procedures that commit on their way, and locks that nobody queues behind.

use super::budget;
use super::read;
use super::scope::{LockTimeout, in_own_memory, with_lock_timeout};
use crate::error::{Error, Failure};
use pgrx::PgTryBuilder;
use pgrx::callbacks::{PgSubXactCallbackEvent, PgXactCallbackEvent, register_subxact_callback, register_xact_callback};
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use referral_core::time::Timestamp;
use std::cell::Cell;
use std::ffi::CStr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// Runs `f` in a subtransaction. When it fails, everything it did is undone and the failure is returned, also one that
/// has to reach the client: [`catch_failure`] is for everybody else.
///
/// # Errors
/// What `f` returned, or what PostgreSQL said inside it.
fn subtransaction<T>(f: impl FnOnce() -> Result<T, Error>) -> Result<T, Failure> {
    // SAFETY: the pattern of PL/pgSQL's exception blocks: open, run, then release or roll back, and return to
    // the memory context and the resource owner of before.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let callbacks = pg_sys::error_context_stack;
        let mut callback =
            pg_sys::ErrorContextCallback { previous: callbacks, callback: Some(note_code), arg: std::ptr::null_mut() };
        pg_sys::error_context_stack = &raw mut callback;
        let outcome = PgTryBuilder::new(AssertUnwindSafe(|| f().map_err(Failure::from)))
            .catch_others(|cause| Err(with_its_code(Failure::from(cause))))
            .execute();
        pg_sys::error_context_stack = callbacks;
        match &outcome {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        outcome
    }
}

thread_local! {
    /// The SQLSTATE of the last report, as PostgreSQL packs it.
    static CODE: Cell<i32> = const { Cell::new(0) };
}

/// Notes the SQLSTATE of what is reported. Of an error that is caught, codes that PostgreSQL does not know are lost.
unsafe extern "C-unwind" fn note_code(_: *mut std::ffi::c_void) {
    // SAFETY: called while an error is reported.
    CODE.set(unsafe { pg_sys::geterrcode() });
}

/// A failure with a code of the site's own is one of its functions, and says the code.
fn with_its_code(failure: Failure) -> Failure {
    let code = CODE.get();
    if failure.code != PgSqlErrorCode::ERRCODE_INTERNAL_ERROR || code == PgSqlErrorCode::ERRCODE_INTERNAL_ERROR as i32 {
        return failure;
    }
    let letter = |place: i32| char::from(b'0' + u8::try_from((code >> (6 * place)) & 0x3F).unwrap_or_default());
    let sqlstate: String = (0..5).map(letter).collect();
    let detail = failure.detail.map(|detail| format!("{detail} ")).unwrap_or_default();
    Failure {
        code: PgSqlErrorCode::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
        detail: Some(format!("{detail}It was raised with SQLSTATE {sqlstate}.")),
        ..failure
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

/// An outcome, or the failure that was caught and undone; or an error that goes on to the client.
pub type Caught<T> = Result<Result<T, Failure>, Error>;

/// Runs `f` in a subtransaction and returns its failure, unless that has to reach the client: a statement that is
/// cancelled ends.
///
/// # Errors
/// [`Error::Raised`] for a failure that [`must_reach_the_client`].
pub fn catch_failure<T>(f: impl FnOnce() -> Result<T, Error>) -> Caught<T> {
    match subtransaction(f) {
        Err(failure) if failure.code == PgSqlErrorCode::ERRCODE_QUERY_CANCELED => match budget::has_run_out() {
            Some(error) => Ok(Err(error.into())),
            None => Err(Error::Raised(Box::new(failure))),
        },
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
    let mut attempt = |part: &[T]| {
        catch_failure(|| {
            budget::check()?;
            in_own_memory(|| f(part))
        })
    };
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
fn must_reach_the_client(code: PgSqlErrorCode) -> bool {
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

/// How long [`lock_politely`] tries, and how many pauses of what length it makes after each attempt.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSES: usize = 8;
const PAUSE: Duration = Duration::from_millis(50);

/// The session's lock_timeout; `None` when it waits for ever.
pub fn session_lock_timeout() -> Option<Duration> {
    // SAFETY: a plain read.
    let milliseconds = unsafe { pg_sys::LockTimeout }.unsigned_abs();
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()))
}

/// Takes a lock of a table for the rest of the transaction, and lets nobody queue for long behind it: asks for a tenth of a
/// second, lets others go first for four, and gives up after five seconds or the session's lock_timeout, if that is
/// shorter.
///
/// # Errors
/// [`Error::TableBusy`] with the table's `name`; [`Error::Raised`] for a failure that is not about the lock.
pub fn lock_politely(relation: pg_sys::Oid, name: &str, lock: TableLock) -> Result<(), Error> {
    let mode = match lock {
        TableLock::AccessExclusive => pg_sys::AccessExclusiveLock,
        TableLock::ShareRowExclusive => pg_sys::ShareRowExclusiveLock,
        TableLock::Share => pg_sys::ShareLock,
    };
    let patience = session_lock_timeout().filter(|timeout| *timeout < PATIENCE).unwrap_or(PATIENCE);
    let begun = Instant::now();
    while !lock_soon(relation, mode as i32)? {
        for _ in 0..PAUSES {
            if begun.elapsed() >= patience {
                return Err(Error::TableBusy { relation: name.to_owned() });
            }
            std::thread::sleep(PAUSE);
            pgrx::check_for_interrupts!();
        }
    }
    Ok(())
}

/// Queues for a lock for a tenth of a second, or the session's lock_timeout, if that is shorter. Returns whether it was
/// taken.
fn lock_soon(relation: pg_sys::Oid, mode: pg_sys::LOCKMODE) -> Result<bool, Error> {
    // SAFETY: a plain call. The lock is the outer transaction's once the subtransaction ends.
    let lock = || unsafe { pg_sys::LockRelationOid(relation, mode) };
    let lock_in_time = || {
        match session_lock_timeout() {
            Some(timeout) if timeout < Duration::from_millis(100) => lock(),
            _ => with_lock_timeout(LockTimeout::Batch, lock),
        }
        Ok(())
    };
    match subtransaction(lock_in_time) {
        Ok(()) => Ok(true),
        Err(failure) if is_about_a_lock(failure.code) => Ok(false),
        Err(failure) => Err(Error::Raised(Box::new(failure))),
    }
}

/// Whether this session restores the dump of a table: it has the settings that pg_dump and pg_restore make, and whoever
/// logged in may have the role of the table's owner. Any role may make the settings; only such a role can restore the table,
/// and could as well drop its triggers.
pub fn is_restoring(table: pg_sys::Oid) -> bool {
    // SAFETY: plain reads of settings, and look-ups in the system caches.
    unsafe {
        !pg_sys::check_function_bodies
            && !pg_sys::namespace_search_path.is_null()
            && *pg_sys::namespace_search_path == 0
            && is_member_of_owner(pg_sys::GetSessionUserId(), table)
    }
}

/// Whether a role is the owner of a table, a member of its role, or a superuser.
///
/// # Safety
/// In a transaction.
unsafe fn is_member_of_owner(role: pg_sys::Oid, table: pg_sys::Oid) -> bool {
    // SAFETY: look-ups in the system caches; the tuple is released.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::RELOID as i32, pg_sys::Datum::from(table));
        if tuple.is_null() {
            return false;
        }
        let owner = (*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>()).relowner;
        pg_sys::ReleaseSysCache(tuple);
        pg_sys::is_member_of_role(role, owner)
    }
}

/// Refuses to go on where nothing can be written: on a standby, and in a transaction that is read-only. `what` is the
/// command for the message.
///
/// # Errors
/// PostgreSQL's 25006 unwinds.
pub fn require_read_write(what: &CStr) {
    // SAFETY: a check of the session's state; the text is copied into the error.
    unsafe {
        pg_sys::PreventCommandDuringRecovery(what.as_ptr());
        pg_sys::PreventCommandIfReadOnly(what.as_ptr());
    }
}

/// A transaction that has written, or a subtransaction of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionPart(pg_sys::TransactionId, pg_sys::SubTransactionId);

impl TransactionPart {
    /// Where this session is now.
    pub fn current() -> Self {
        // SAFETY: plain reads of the session's state.
        unsafe { Self(pg_sys::GetTopTransactionIdIfAny(), pg_sys::GetCurrentSubTransactionId()) }
    }
}

/// Whether this transaction, or a part of it, has a transaction id, as `xmin` of a row that it wrote has.
pub fn is_of_this_transaction(id: i64) -> bool {
    // SAFETY: looks the id up among those of this session's transaction.
    u32::try_from(id)
        .is_ok_and(|id| unsafe { pg_sys::TransactionIdIsCurrentTransactionId(pg_sys::TransactionId::from(id)) })
}

/// Another transaction, which is not over yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenTransaction(pub(super) pg_sys::TransactionId);

impl OpenTransaction {
    /// Waits until the transaction is over, as long as the settings allow to wait for a lock.
    pub fn wait(self) {
        // SAFETY: waits for the lock that a transaction holds on its own id; no row is named for the message.
        unsafe {
            pg_sys::XactLockTableWait(self.0, std::ptr::null_mut(), std::ptr::null_mut(), pg_sys::XLTW_Oper::XLTW_None);
        }
    }
}

/// The id that the next transaction will get: those that have one have a lower one.
pub fn next_transaction() -> i64 {
    // SAFETY: a read of the server's state.
    i64::try_from(unsafe { pg_sys::ReadNextFullTransactionId().value }).unwrap_or(i64::MAX)
}

/// Whether another transaction that is not over writes to a table, or has written to it.
pub fn others_write_to(table: pg_sys::Oid) -> bool {
    let tag = pg_sys::LOCKTAG {
        // SAFETY: a read of the session's state.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: table.to_u32(),
        locktag_field3: 0,
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_RELATION as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    let mut others = 0;
    // SAFETY: the tag is that of a relation. Who writes holds a lock that conflicts with this one until they end. The list
    // is allocated here, other than on a standby, where nobody writes.
    unsafe {
        let list = pg_sys::GetLockConflicts(&tag, pg_sys::ShareLock as i32, &mut others);
        pg_sys::pfree(list.cast());
    }
    others > 0
}

/// Whether this transaction has written anything, or locked a row.
pub fn has_written() -> bool {
    // SAFETY: a plain read of the session's state.
    unsafe { pg_sys::GetTopTransactionIdIfAny() != pg_sys::InvalidTransactionId }
}

/// Whether another session waits for the end of this transaction.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn is_waited_for() -> Result<bool, Error> {
    read::exists(
        "SELECT FROM pg_locks held JOIN pg_locks wanted USING (transactionid)
         WHERE held.locktype = 'transactionid' AND held.pid = pg_backend_pid() AND held.granted AND NOT wanted.granted",
        &[],
    )
}

/// Runs `f` right before this transaction is committed or prepared, after its deferred triggers; `undone` runs where it is
/// rolled back.
pub fn before_commit(f: fn() -> Result<(), Error>, undone: fn()) {
    let run = move || {
        // SAFETY: inside a transaction that is not over; statements need a snapshot, and none is active here.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
        f().unwrap_or_else(Error::raise);
        // SAFETY: the snapshot that was pushed above; an error never gets here, and the abort drops it.
        unsafe { pg_sys::PopActiveSnapshot() };
    };
    register_xact_callback(PgXactCallbackEvent::PreCommit, run);
    register_xact_callback(PgXactCallbackEvent::PrePrepare, run);
    register_xact_callback(PgXactCallbackEvent::Abort, undone);
}

/// A part of this transaction that a rollback to a savepoint may undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubTransaction(pg_sys::SubTransactionId);

impl SubTransaction {
    /// The part that runs now.
    pub fn current() -> Self {
        // SAFETY: a plain read of the session's state.
        Self(unsafe { pg_sys::GetCurrentSubTransactionId() })
    }

    /// Whether this part is another one, or began inside it. Numbers grow, so that while a part runs all later ones are its own.
    pub fn is_of(self, other: Self) -> bool {
        self.0 >= other.0
    }
}

/// Runs `f` for each part of this transaction that is rolled back, while it is the latest.
pub fn on_rollback_to_savepoint(f: fn(SubTransaction)) {
    register_subxact_callback(PgSubXactCallbackEvent::AbortSub, move |part, _| f(SubTransaction(part)));
}

/// The start of this transaction, which is what now() returns.
pub fn now() -> Timestamp {
    // SAFETY: a plain read.
    Timestamp(unsafe { pg_sys::GetCurrentTransactionStartTimestamp() })
}

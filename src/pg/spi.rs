//! Connections to SPI, kept plans and the snapshot rule.
//!
//! pgrx's own client takes its snapshot from the verb that is called, cannot be given a fresh one under REPEATABLE READ,
//! and reports "no row" as an error. Money needs the opposite of all three, so this module calls SPI itself.
//!
//! **The snapshot rule.** Every statement of this crate sees the newest committed state and our own writes, at any
//! isolation level. Reports read with the snapshot of the statement that asks for them ([`super::relay`]).

use super::c_string;
use super::memory;
use super::row::{Answer, FromRow, Row, Single};
use super::scope::{PLANNER, with_settings};
use super::transaction::{Caught, catch_failure};
use super::value::Param;
use crate::error::{Error, Failure};
use pgrx::PgTryBuilder;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::ptr::null_mut;

/// What a statement may do.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    /// Read: no transaction id is assigned and no row is locked.
    Read,
    /// Write and lock rows.
    Write,
}

/// Runs a statement with the newest snapshot. Returns its rows, and how many rows it was about.
pub(super) fn run<T: FromRow>(sql: &str, args: &[Param], mode: Mode) -> Result<(Vec<T>, u64), Error> {
    let _session = Session::open()?;
    execute(sql, args, mode)
}

/// Runs a statement of set-up, such as DDL, whose plan is not kept.
///
/// # Errors
/// Whatever PostgreSQL says of it, as an error that unwinds.
pub fn execute_ddl(sql: &str) -> Result<(), Error> {
    let sql = c_string(sql);
    let _session = Session::open()?;
    // SAFETY: SPI is connected and the text outlives the call.
    let code = unsafe { pg_sys::SPI_execute(sql.as_ptr(), false, 0) };
    if code < 0 { Err(Error::Server("SPI_execute failed")) } else { Ok(()) }
}

/// How PostgreSQL would run a statement with the settings that this crate plans with, line by line.
///
/// # Errors
/// As [`execute_ddl`].
pub fn explain(sql: &str) -> Result<Vec<String>, Error> {
    let sql = c_string(&format!("EXPLAIN (COSTS OFF) {sql}"));
    with_settings(PLANNER, || {
        let _session = Session::open()?;
        // SAFETY: SPI is connected and the text outlives the call.
        if unsafe { pg_sys::SPI_execute(sql.as_ptr(), false, 0) } < 0 {
            return Err(Error::Server("SPI_execute failed"));
        }
        answer::<Single<String>>().map(|(rows, _)| rows.into_iter().map(|Single(line)| line).collect())
    })
}

/// Parses and analyses a statement without running it; or returns what PostgreSQL says of it.
///
/// # Errors
/// As [`catch_failure`].
pub fn analyse(sql: &str) -> Caught<()> {
    catch_failure(|| {
        let sql = c_string(sql);
        let _session = Session::open()?;
        // SAFETY: SPI is connected, the text outlives the call, and the plan goes with the session.
        let plan = unsafe { pg_sys::SPI_prepare(sql.as_ptr(), 0, null_mut()) };
        if plan.is_null() { Err(Error::Server("SPI_prepare failed")) } else { Ok(()) }
    })
}

/// An SPI connection that is closed at the end of its scope. After an error PostgreSQL closes it.
pub(super) struct Session;

impl Session {
    pub(super) fn open() -> Result<Self, Error> {
        // SAFETY: called inside a function call or trigger, so in a transaction.
        let code = unsafe { pg_sys::SPI_connect() };
        if code < 0 { Err(Error::Server("SPI_connect failed")) } else { Ok(Self) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `open`; sessions nest like the scopes they live in.
            unsafe { pg_sys::SPI_finish() };
        }
    }
}

/// Runs a statement in the SPI connection that is open.
pub(super) fn execute<T: FromRow>(sql: &str, args: &[Param], mode: Mode) -> Result<(Vec<T>, u64), Error> {
    let _seen = NewestSnapshot::push();
    execute_seeing(newest_snapshot(), sql, args, mode)?;
    answer()
}

/// Runs a statement with a snapshot, or with the active one where it is null, in the SPI connection that is open. Its answer
/// is SPI's.
pub(super) fn execute_seeing(snapshot: pg_sys::Snapshot, sql: &str, args: &[Param], mode: Mode) -> Result<(), Error> {
    memory::check()?;
    let (plan, planned) = plan(sql, args)?;
    let mut values: Vec<pg_sys::Datum> = args.iter().map(|a| a.datum.unwrap_or(pg_sys::Datum::null())).collect();
    let nulls: Vec<i8> = args.iter().map(|a| if a.datum.is_some() { b' ' } else { b'n' } as i8).collect();
    // SAFETY: SPI is connected; plan, values and nulls agree in number and outlive the call; SPI copies the snapshot.
    let mut run = || unsafe {
        pg_sys::SPI_execute_snapshot(
            plan,
            values.as_mut_ptr(),
            nulls.as_ptr().cast(),
            snapshot,
            null_mut(),
            mode == Mode::Read,
            true,
            0,
        )
    };
    // A plan that is new, or whose tables changed, is made by this execution.
    let mut run = || if planned { run() } else { with_settings(PLANNER, &mut run) };
    let code = if mode == Mode::Read { run() } else { advising(run)? };
    if code < 0 { Err(Error::Server("SPI_execute_snapshot failed")) } else { Ok(()) }
}

/// The newest snapshot. A worker of a parallel query can take none: it has that of the query.
fn newest_snapshot() -> pg_sys::Snapshot {
    // SAFETY: in a transaction, with an active snapshot.
    unsafe { if pg_sys::IsInParallelMode() { pg_sys::GetActiveSnapshot() } else { pg_sys::GetLatestSnapshot() } }
}

/// Runs `f`, and adds advice to an error that PostgreSQL gives none for. The error unwinds, as it would have without.
fn advising<R>(f: impl FnOnce() -> R) -> Result<R, Error> {
    PgTryBuilder::new(AssertUnwindSafe(|| Ok(f())))
        .catch_when(PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION, |cause| {
            let error = Error::Raised(Box::new(Failure::from(cause).advised()));
            ErrorReport::from(error.clone()).report(PgLogLevel::ERROR);
            Err(error)
        })
        .execute()
}

/// The newest snapshot, active until the answer is read: after a COMMIT in a procedure there would be none to read values
/// with that are stored out of line.
struct NewestSnapshot;

impl NewestSnapshot {
    fn push() -> Self {
        // SAFETY: in a transaction; popped at the end of the scope, or by the abort.
        unsafe { pg_sys::PushActiveSnapshot(newest_snapshot()) };
        Self
    }
}

impl Drop for NewestSnapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: pushed by `push`; what was pushed after it is popped.
            unsafe { pg_sys::PopActiveSnapshot() };
        }
    }
}

/// What the statement that just ran returned, and how many rows it was about.
fn answer<T: FromRow>() -> Result<(Vec<T>, u64), Error> {
    // SAFETY: set by the statement that just ran; the table is null when the statement returns no rows.
    let (count, table) = unsafe { (pg_sys::SPI_processed, pg_sys::SPI_tuptable.as_ref()) };
    let found = usize::try_from(count).unwrap_or(usize::MAX);
    let Some(table) = table.filter(|_| found > 0) else { return Ok((Vec::new(), count)) };
    // SAFETY: the description is that of the table's rows.
    let columns = T::find(&unsafe { Answer::new(table.tupdesc) })?;
    memory::ensure_rows(found)?;
    let mut rows = Vec::with_capacity(found);
    for i in 0..found {
        memory::check()?;
        // SAFETY: SPI_processed rows are in the table.
        let row = Row { tuple: unsafe { *table.vals.add(i) }, columns: table.tupdesc };
        rows.push(T::read(&row, &columns)?);
    }
    Ok((rows, count))
}

struct Plan {
    types: Vec<pg_sys::Oid>,
    plan: pg_sys::SPIPlanPtr,
}

thread_local! {
    /// Plans by the text of their statement, and the types of its parameters. PostgreSQL revalidates them when a
    /// table changes, so that they live as long as the session.
    static PLANS: RefCell<HashMap<String, Vec<Plan>>> = RefCell::new(HashMap::new());
}

/// The kept plan of a statement, and whether it is ready to run.
fn plan(sql: &str, args: &[Param]) -> Result<(pg_sys::SPIPlanPtr, bool), Error> {
    let fits = |known: &&Plan| known.types.iter().copied().eq(args.iter().map(|a| a.oid));
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(sql)?.iter().find(fits).map(|known| known.plan)) {
        // SAFETY: kept plans are never freed.
        return Ok((plan, unsafe { pg_sys::SPI_plan_is_valid(plan) }));
    }
    let mut types: Vec<pg_sys::Oid> = args.iter().map(|a| a.oid).collect();
    let text = c_string(sql);
    // SAFETY: SPI is connected; text and types outlive the call. A kept plan is never freed: it serves the
    // whole session.
    unsafe {
        let plan = pg_sys::SPI_prepare_cursor(
            text.as_ptr(),
            args.len() as i32,
            types.as_mut_ptr(),
            pg_sys::CURSOR_OPT_GENERIC_PLAN as i32,
        );
        if plan.is_null() {
            return Err(Error::Server("SPI_prepare failed"));
        }
        pg_sys::SPI_keepplan(plan);
        PLANS.with_borrow_mut(|plans| plans.entry(sql.to_owned()).or_default().push(Plan { types, plan }));
        Ok((plan, false))
    }
}

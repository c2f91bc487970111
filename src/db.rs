//! The only file that speaks SPI: kept plans, the snapshot rule, the owner switch and subtransactions.
//!
//! pgrx's own client takes its snapshot from the verb that is called, cannot be given a fresh one under
//! REPEATABLE READ, and reports "no row" as an error. Money needs the opposite of all three, so this file
//! calls SPI itself.
//!
//! **The snapshot rule.** Every statement here sees the newest committed state and our own writes, at any
//! isolation level. Reports are views and SQL functions: they read with their statement's snapshot.

use crate::core::time::Instant;
use crate::engine::config::Key;
use crate::error::{Error, Failure};
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum, PgMemoryContexts, PgTryBuilder};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::panic::AssertUnwindSafe;
use std::ptr::null_mut;

/// A value for a placeholder.
pub struct Param {
    oid: pg_sys::Oid,
    datum: Option<pg_sys::Datum>,
}

/// Makes a value for a placeholder; `None` is null.
pub fn arg<T: IntoDatum>(value: T) -> Param {
    Param { oid: T::type_oid(), datum: value.into_datum() }
}

impl IntoDatum for Instant {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(pg_sys::Datum::from(self.0))
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TIMESTAMPTZOID
    }
}

impl FromDatum for Instant {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        // SAFETY: a timestamptz is an int8 that counts microseconds; the caller vouches for the type.
        unsafe { i64::from_polymorphic_datum(datum, is_null, oid) }.map(Self)
    }
}

/// A key of the users table, of whatever type that is, as text.
pub struct UserKey {
    /// The text of the value.
    pub text: String,
    /// Its type.
    pub type_oid: pg_sys::Oid,
}

pgrx::impl_sql_translatable!(UserKey, "text");

impl FromDatum for UserKey {
    const GET_TYPOID: bool = true;

    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches for the type; the look-up raises an error when there is none.
        unsafe {
            pg_sys::getTypeOutputInfo(oid, &mut output, &mut varlena);
            Some(Self { text: print(output, datum), type_oid: oid })
        }
    }
}

// SAFETY: converted by its type's own output function.
unsafe impl<'fcx> ArgAbi<'fcx> for UserKey {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as the caller vouches; a null argument is an Option's `None` before it gets here.
        unsafe { arg.unbox_arg_using_from_datum() }
            .unwrap_or(Self { text: String::new(), type_oid: pg_sys::InvalidOid })
    }
}

impl IntoDatum for UserKey {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let (mut input, mut parameter) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        let mut text = text(&self.text).into_bytes_with_nul();
        // SAFETY: converted by its type's own input function, which copies the text.
        unsafe {
            pg_sys::getTypeInputInfo(self.type_oid, &mut input, &mut parameter);
            Some(pg_sys::OidInputFunctionCall(input, text.as_mut_ptr().cast(), parameter, -1))
        }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::InvalidOid
    }
}

// SAFETY: as above, in the other direction.
unsafe impl BoxRet for UserKey {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: the value is of the type that the function returns.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

/// A table, as SQL's `regclass`. It is not opened.
pub struct Relation(pub pg_sys::Oid);

/// A role, as SQL's `regrole`.
pub struct Role(pub pg_sys::Oid);

/// A type, as SQL's `regtype`.
pub struct Type(pub pg_sys::Oid);

pgrx::impl_sql_translatable!(Type, arg_only = "regtype");
pgrx::impl_sql_translatable!(Relation, arg_only = "regclass");
pgrx::impl_sql_translatable!(Role, arg_only = "regrole");

// SAFETY: a regtype, a regclass and a regrole are Oids.
unsafe impl<'fcx> ArgAbi<'fcx> for Type {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { pg_sys::Oid::unbox_arg_unchecked(arg) })
    }
}

// SAFETY: as above.
unsafe impl<'fcx> ArgAbi<'fcx> for Relation {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { pg_sys::Oid::unbox_arg_unchecked(arg) })
    }
}

// SAFETY: as above.
unsafe impl<'fcx> ArgAbi<'fcx> for Role {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { pg_sys::Oid::unbox_arg_unchecked(arg) })
    }
}

/// A row of an answer, valid while the answer is read.
pub struct Row {
    tuple: pg_sys::HeapTuple,
    columns: pg_sys::TupleDesc,
}

impl Row {
    /// The value of a column, counted from 1; `None` is null.
    pub fn get<T: FromDatum>(&self, column: i32) -> Option<T> {
        let mut is_null = false;
        // SAFETY: tuple and columns belong to the SPI answer that is being read, and every statement of this
        // crate casts its columns to the type they are read with.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.columns, column, &mut is_null);
            T::from_datum(datum, is_null)
        }
    }

    /// The value of a column that is never null.
    pub fn need<T: FromDatum>(&self, column: i32) -> Result<T, Error> {
        self.get(column).ok_or(Error::Server("a column that is never null was null"))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Sight {
    /// The newest snapshot, writing nothing.
    Newest,
    /// The newest snapshot; rows may be locked and written.
    NewestToWrite,
}

/// Runs a statement that writes or locks, with the newest snapshot, and returns what `each` makes of its rows.
pub fn write<T>(sql: &str, args: &[Param], each: impl FnMut(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    run(sql, args, Sight::NewestToWrite, each).map(|(rows, _)| rows)
}

/// Runs a statement that writes and returns no rows; the answer is how many rows it wrote.
pub fn change(sql: &str, args: &[Param]) -> Result<u64, Error> {
    run(sql, args, Sight::NewestToWrite, |_| Ok(())).map(|(_, count)| count)
}

/// Reads with the newest snapshot; assigns no transaction id and takes no row lock.
pub fn look<T>(sql: &str, args: &[Param], each: impl FnMut(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    run(sql, args, Sight::Newest, each).map(|(rows, _)| rows)
}

/// The name under which statements read the rows that fired a trigger on this table.
pub fn changed_rows(relation: pg_sys::Oid) -> String {
    format!("referral_changed_{}", relation.to_u32())
}

/// The rows that fired a trigger, for statements to read under the name [`changed_rows`].
pub struct ChangedRows {
    relation: pg_sys::Oid,
    store: *mut pg_sys::Tuplestorestate,
    /// Whether the store was made here.
    ours: bool,
}

impl ChangedRows {
    /// The rows of a transition table.
    ///
    /// # Safety
    /// `store` is a transition table of a trigger on `relation`, which is running.
    pub unsafe fn of(relation: pg_sys::Relation, store: *mut pg_sys::Tuplestorestate) -> Self {
        // SAFETY: as the caller vouches.
        unsafe { Self { relation: (*relation).rd_id, store, ours: false } }
    }

    /// One row.
    ///
    /// # Safety
    /// `tuple` is a row of a trigger on `relation`, which is running.
    pub unsafe fn one(relation: pg_sys::Relation, tuple: pg_sys::HeapTuple) -> Self {
        // SAFETY: as the caller vouches; the store copies the row.
        unsafe {
            let store = pg_sys::tuplestore_begin_heap(true, false, pg_sys::work_mem);
            pg_sys::tuplestore_puttuple(store, tuple);
            Self { ours: true, ..Self::of(relation, store) }
        }
    }

    /// Reads the rows, and whatever else the statement names, with the newest snapshot.
    pub fn look<T>(
        &self,
        sql: &str,
        args: &[Param],
        each: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let _session = Session::open()?;
        let name = text(&changed_rows(self.relation));
        // SAFETY: SPI is connected; the description is allocated in its context and the name outlives the connection.
        let code = unsafe {
            let described = pg_sys::palloc0(size_of::<pg_sys::EphemeralNamedRelationData>());
            let described = described.cast::<pg_sys::EphemeralNamedRelationData>();
            (*described).md.name = name.as_ptr().cast_mut();
            (*described).md.reliddesc = self.relation;
            (*described).md.enrtype = pg_sys::EphemeralNameRelationType::ENR_NAMED_TUPLESTORE;
            (*described).md.enrtuples = pg_sys::tuplestore_tuple_count(self.store) as f64;
            (*described).reldata = self.store.cast();
            pg_sys::SPI_register_relation(described)
        };
        if code < 0 {
            return Err(Error::Server("SPI_register_relation failed"));
        }
        execute(sql, args, Sight::Newest, each).map(|(rows, _)| rows)
    }
}

impl Drop for ChangedRows {
    fn drop(&mut self) {
        if self.ours && !std::thread::panicking() {
            // SAFETY: made by `one`; no statement reads it any more.
            unsafe { pg_sys::tuplestore_end(self.store) };
        }
    }
}

/// Inserts rows and returns what `each` makes of them, or `None` when one has a key that is taken: asked so, and not by ON
/// CONFLICT, because that is a serialization failure under REPEATABLE READ when the key was taken meanwhile.
pub fn insert_unless_taken<T>(
    sql: &str,
    args: &[Param],
    each: impl FnMut(&Row) -> Result<T, Error>,
) -> Result<Option<Vec<T>>, Error> {
    match subtransaction(|| write(sql, args, each)) {
        Ok(rows) => Ok(Some(rows)),
        Err(failure) if failure.code == PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION => Ok(None),
        Err(failure) => Err(Error::Raised(Box::new(failure))),
    }
}

/// Runs a statement of set-up, such as DDL, whose plan is not kept.
pub fn set_up(sql: &str) -> Result<(), Error> {
    let sql = text(sql);
    let _session = Session::open()?;
    // SAFETY: SPI is connected and the text outlives the call.
    let code = unsafe { pg_sys::SPI_execute(sql.as_ptr(), false, 0) };
    if code < 0 { Err(Error::Server("SPI_execute failed")) } else { Ok(()) }
}

/// How PostgreSQL would run a statement with the settings that this crate plans with, line by line.
pub fn explain(sql: &str) -> Result<Vec<String>, Error> {
    let sql = text(&format!("EXPLAIN (COSTS OFF) {sql}"));
    under(PLANNER.into_iter(), || {
        let _session = Session::open()?;
        // SAFETY: SPI is connected and the text outlives the call.
        if unsafe { pg_sys::SPI_execute(sql.as_ptr(), false, 0) } < 0 {
            return Err(Error::Server("SPI_execute failed"));
        }
        answer(|row| row.need(1)).map(|(rows, _)| rows)
    })
}

/// Parses and analyses a statement without running it; the error is what PostgreSQL says of it.
pub fn analyse(sql: &str) -> Result<(), Failure> {
    subtransaction(|| {
        let sql = text(sql);
        let _session = Session::open()?;
        // SAFETY: SPI is connected, the text outlives the call, and the plan goes with the session.
        let plan = unsafe { pg_sys::SPI_prepare(sql.as_ptr(), 0, null_mut()) };
        if plan.is_null() { Err(Error::Server("SPI_prepare failed")) } else { Ok(()) }
    })
}

/// An SPI connection that is closed at the end of its scope. After an error PostgreSQL closes it.
struct Session;

impl Session {
    fn open() -> Result<Self, Error> {
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

/// A call of a procedure, which may commit on its way.
pub struct Procedure {
    /// Whether it was called where it may: not inside a transaction block or a function.
    commits: bool,
}

impl Procedure {
    /// Begins; `call` is how PostgreSQL called the procedure.
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

thread_local! {
    /// Plans by the text of their statement, and the types of its parameters. PostgreSQL revalidates them when a
    /// table changes, so that they live as long as the session.
    static PLANS: RefCell<HashMap<String, Vec<Plan>>> = RefCell::new(HashMap::new());
}

fn run<T>(
    sql: &str,
    args: &[Param],
    sight: Sight,
    each: impl FnMut(&Row) -> Result<T, Error>,
) -> Result<(Vec<T>, u64), Error> {
    let _session = Session::open()?;
    execute(sql, args, sight, each)
}

/// Runs a statement in the SPI connection that is open.
fn execute<T>(
    sql: &str,
    args: &[Param],
    sight: Sight,
    each: impl FnMut(&Row) -> Result<T, Error>,
) -> Result<(Vec<T>, u64), Error> {
    let _seen = Seen::newest();
    let (plan, planned) = plan(sql, args)?;
    let mut values: Vec<pg_sys::Datum> = args.iter().map(|a| a.datum.unwrap_or(pg_sys::Datum::null())).collect();
    let nulls: Vec<i8> = args.iter().map(|a| if a.datum.is_some() { b' ' } else { b'n' } as i8).collect();
    // SAFETY: SPI is connected; plan, values and nulls agree in number and outlive the call; the snapshot
    // is PostgreSQL's newest, which SPI copies.
    let mut run = || unsafe {
        let read_only = sight != Sight::NewestToWrite;
        pg_sys::SPI_execute_snapshot(
            plan,
            values.as_mut_ptr(),
            nulls.as_ptr().cast(),
            pg_sys::GetLatestSnapshot(),
            null_mut(),
            read_only,
            true,
            0,
        )
    };
    // A plan that is new, or whose tables changed, is made by this execution.
    let code = if planned { run() } else { under(PLANNER.into_iter(), run) };
    if code < 0 {
        return Err(Error::Server("SPI_execute_snapshot failed"));
    }
    answer(each)
}

/// The newest snapshot, which is there until the answer is read: after a COMMIT in a procedure there would be none to read
/// values with that are stored out of line.
struct Seen;

impl Seen {
    fn newest() -> Self {
        // SAFETY: in a transaction; popped at the end of the scope, or by the abort.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
        Self
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: pushed by `newest`; what was pushed after it is popped.
            unsafe { pg_sys::PopActiveSnapshot() };
        }
    }
}

/// What the statement that just ran returned, and how many rows it was about.
fn answer<T>(mut each: impl FnMut(&Row) -> Result<T, Error>) -> Result<(Vec<T>, u64), Error> {
    // SAFETY: set by the statement that just ran; the table is null when the statement returns no rows.
    let (count, table) = unsafe { (pg_sys::SPI_processed, pg_sys::SPI_tuptable.as_ref()) };
    let mut rows = Vec::new();
    if let Some(table) = table {
        let found = usize::try_from(count).unwrap_or(usize::MAX);
        rows.reserve(found);
        for i in 0..found {
            // SAFETY: SPI_processed rows are in the table.
            let row = Row { tuple: unsafe { *table.vals.add(i) }, columns: table.tupdesc };
            rows.push(each(&row)?);
        }
    }
    Ok((rows, count))
}

struct Plan {
    types: Vec<pg_sys::Oid>,
    plan: pg_sys::SPIPlanPtr,
}

/// The kept plan of a statement, and whether it is ready to run.
fn plan(sql: &str, args: &[Param]) -> Result<(pg_sys::SPIPlanPtr, bool), Error> {
    let fits = |known: &&Plan| known.types.iter().copied().eq(args.iter().map(|a| a.oid));
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(sql)?.iter().find(fits).map(|known| known.plan)) {
        // SAFETY: kept plans are never freed.
        return Ok((plan, unsafe { pg_sys::SPI_plan_is_valid(plan) }));
    }
    let mut types: Vec<pg_sys::Oid> = args.iter().map(|a| a.oid).collect();
    let c_sql = text(sql);
    // SAFETY: SPI is connected; text and types outlive the call. A kept plan is never freed: it serves the
    // whole session.
    unsafe {
        let plan = pg_sys::SPI_prepare_cursor(
            c_sql.as_ptr(),
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

/// The path under which all SQL of this crate is parsed: nothing of the caller's is used.
const PATH: [(&CStr, &CStr); 1] = [(c"search_path", c"pg_catalog, pg_temp")];

/// How plans are made: those that are kept from when a table was empty must not scan it when it has grown.
const PLANNER: [(&CStr, &CStr); 4] =
    [(c"enable_seqscan", c"off"), (c"enable_hashjoin", c"off"), (c"enable_mergejoin", c"off"), (c"jit", c"off")];

/// What makes the text of a value the same in every session.
const TEXT: [(&CStr, &CStr); 4] = [
    (c"DateStyle", c"ISO, MDY"),
    (c"IntervalStyle", c"postgres"),
    (c"bytea_output", c"hex"),
    (c"extra_float_digits", c"1"),
];

/// Runs `f` under this crate's search path and, when a role is given, with that role's rights.
pub fn secured<R>(role: Option<pg_sys::Oid>, f: impl FnOnce() -> R) -> R {
    under(PATH.into_iter(), || match role {
        Some(role) => acting_as(role, f),
        None => f(),
    })
}

/// How long reconcile waits for a lock, in milliseconds: less than PostgreSQL waits before it looks for a deadlock, so that
/// never the application has to give up.
const IMPATIENCE: [(&CStr, &CStr); 1] = [(c"lock_timeout", c"100")];

/// How long a sign-up waits for somebody else who redeems the same code: less than PostgreSQL waits before it looks for a
/// deadlock.
const PATIENCE: [(&CStr, &CStr); 1] = [(c"lock_timeout", c"900")];

/// Runs `f` with some patience for locks.
pub fn patiently<R>(f: impl FnOnce() -> R) -> R {
    under(PATIENCE.into_iter(), f)
}

/// Runs `f` with little patience for locks.
pub fn impatiently<R>(f: impl FnOnce() -> R) -> R {
    under(IMPATIENCE.into_iter(), f)
}

/// Runs `f` where a value is the same text in every session: in this time zone.
pub fn in_time_zone<R>(zone: &CStr, f: impl FnOnce() -> R) -> R {
    under(TEXT.into_iter().chain([(c"TimeZone", zone)]), f)
}

fn under<'a, R>(settings: impl Iterator<Item = (&'a CStr, &'a CStr)>, f: impl FnOnce() -> R) -> R {
    struct Restore(i32);
    impl Drop for Restore {
        fn drop(&mut self) {
            // After an error the abort of the (sub)transaction restores the settings.
            if !std::thread::panicking() {
                // SAFETY: the level was opened by NewGUCNestLevel below and everything above it is closed. Whatever was
                // set meanwhile, by a mapping too, is undone.
                unsafe { pg_sys::AtEOXact_GUC(false, self.0) };
            }
        }
    }
    // SAFETY: inside a transaction; the level is closed by Restore or by the abort.
    let _restore = Restore(unsafe { pg_sys::NewGUCNestLevel() });
    for (name, value) in settings {
        // SAFETY: these are settings that exist and that any user may set. Most sessions have most of them already.
        unsafe {
            let now = pg_sys::GetConfigOption(name.as_ptr(), true, false);
            if !now.is_null() && CStr::from_ptr(now) == value {
                continue;
            }
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
    }
    f()
}

/// Runs `f` with the rights of a role, as PostgreSQL's foreign keys do.
pub fn acting_as<R>(role: pg_sys::Oid, f: impl FnOnce() -> R) -> R {
    switched(role, 0, f)
}

/// Runs `f`, which runs expressions that this role has written, with its rights and so that nothing of it is left: no
/// deferred trigger that would run later with the session's own rights, no setting, no temporary table.
pub fn confined_to<R>(role: pg_sys::Oid, f: impl FnOnce() -> R) -> R {
    under(std::iter::empty(), || switched(role, pg_sys::SECURITY_RESTRICTED_OPERATION, f))
}

fn switched<R>(role: pg_sys::Oid, restriction: u32, f: impl FnOnce() -> R) -> R {
    struct Restore(pg_sys::Oid, i32);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: restores what GetUserIdAndSecContext gave.
            unsafe { pg_sys::SetUserIdAndSecContext(self.0, self.1) };
        }
    }
    let (mut user, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: plain reads and writes of the session's state, undone by Restore also when `f` fails.
    let _restore = unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        let flags = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_NOFORCE_RLS | restriction;
        pg_sys::SetUserIdAndSecContext(role, context | flags as i32);
        Restore(user, context)
    };
    f()
}

/// Runs `f` in a subtransaction. When it fails, everything it did is undone and the failure is returned.
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

/// Runs `f` with a memory context of its own that is freed afterwards.
pub fn in_own_memory<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: nothing allocated inside is returned: every function here copies what it returns.
    unsafe { PgMemoryContexts::new("referral").switch_to(|_| f()) }
}

/// Takes a lock of a table for the rest of the transaction, without ever standing in the queue for it: tries,
/// lets others go first, and gives up after five seconds or the session's lock_timeout, if that is shorter.
pub fn lock_politely(relation: pg_sys::Oid, mode: pg_sys::LOCKMODE) -> bool {
    // SAFETY: a plain read.
    let patience = match unsafe { pg_sys::LockTimeout } {
        timeout @ 1..5000 => timeout,
        _ => 5000,
    };
    for _ in 0..=patience / 50 {
        // SAFETY: a plain call; false means that the lock was not free.
        if unsafe { pg_sys::ConditionalLockRelationOid(relation, mode) } {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        pgrx::check_for_interrupts!();
    }
    false
}

/// Whether this session restores a dump: it has the settings that pg_dump and pg_restore make and nobody else does.
pub fn restoring() -> bool {
    // SAFETY: plain reads of settings.
    unsafe {
        !pg_sys::check_function_bodies
            && !pg_sys::namespace_search_path.is_null()
            && *pg_sys::namespace_search_path == 0
    }
}

/// The number of this cluster, which no other has.
pub fn system_identifier() -> u64 {
    // SAFETY: a plain read of what the server read when it started.
    unsafe { pg_sys::GetSystemIdentifier() }
}

/// Tells every session to read the configuration anew, once this transaction commits.
pub fn announce_change(table: pg_sys::Oid) {
    // SAFETY: the table exists: its trigger fired.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(table) };
}

/// The Oid of a table of the referral program; `None` when it is not installed.
pub fn own_table(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: look-ups in the system caches.
    let oid = unsafe {
        let schema = pg_sys::get_namespace_oid(c"referral".as_ptr(), true);
        if schema == pg_sys::InvalidOid {
            return None;
        }
        pg_sys::get_relname_relid(name.as_ptr(), schema)
    };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// The type that a domain, or a domain over domains, stands on; any other type itself.
pub fn base_type(oid: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: a look-up in the system caches.
    unsafe { pg_sys::getBaseType(oid) }
}

/// Looks keys up in an index whose first column is one of a table's, row by row with one scan. The snapshot is a
/// constant of PostgreSQL's that sees what is committed or our own, and takes no predicate locks. The table is opened
/// when the index has an entry, which for most buyers it has not.
pub struct Probe {
    index: pg_sys::Relation,
    entries: pg_sys::IndexScanDesc,
    key: pg_sys::ScanKeyData,
    table: pg_sys::Oid,
    rows: Option<Rows>,
}

/// A scan that fetches the rows of the entries.
struct Rows {
    table: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Probe {
    /// Opens a scan. The operator compares the index's first column with values of the type `operand`.
    pub fn open(
        table: pg_sys::Oid,
        index: pg_sys::Oid,
        operand: pg_sys::Oid,
        operator: pg_sys::Oid,
        collation: pg_sys::Oid,
    ) -> Self {
        let mut key = pg_sys::ScanKeyData::default();
        // SAFETY: the index is one of the table's and the operator is one of its family; everything is closed on
        // drop, or by the abort after an error.
        unsafe {
            let index = pg_sys::index_open(index, pg_sys::AccessShareLock as i32);
            let snapshot = &raw mut pg_sys::SnapshotSelfData;
            #[cfg(not(feature = "pg18"))]
            let entries = pg_sys::index_beginscan_bitmap(index, snapshot, 1);
            #[cfg(feature = "pg18")]
            let entries = pg_sys::index_beginscan_bitmap(index, snapshot, null_mut(), 1);
            pg_sys::ScanKeyEntryInitialize(
                &mut key,
                0,
                1,
                pg_sys::BTEqualStrategyNumber as u16,
                operand,
                collation,
                pg_sys::get_opcode(operator),
                pg_sys::Datum::null(),
            );
            Self { index, entries, key, table, rows: None }
        }
    }

    /// Opens a scan of an index whose first column is a text.
    pub fn open_text(table: pg_sys::Oid, index: pg_sys::Oid) -> Self {
        const TEXT_EQ: u32 = 98;
        Self::open(table, index, pg_sys::TEXTOID, pg_sys::Oid::from(TEXT_EQ), pg_sys::DEFAULT_COLLATION_OID)
    }

    /// Whether there is a row under a text.
    pub fn has_text(&mut self, key: &str) -> bool {
        let mut found = false;
        if let Some(key) = key.into_datum() {
            // SAFETY: for scans of texts.
            unsafe {
                self.find(key, |_| {
                    found = true;
                    true
                });
            }
        }
        found
    }

    /// Opens a scan of an index whose first column is a bigint.
    pub fn open_bigint(table: pg_sys::Oid, index: pg_sys::Oid) -> Self {
        const INT8_EQ: u32 = 410;
        Self::open(table, index, pg_sys::INT8OID, pg_sys::Oid::from(INT8_EQ), pg_sys::InvalidOid)
    }

    /// Calls `each` for the rows under a key, until it says that it has seen enough.
    ///
    /// # Safety
    /// `key` is of the type that the scan was opened for.
    pub unsafe fn find(&mut self, key: pg_sys::Datum, mut each: impl FnMut(&mut pg_sys::TupleTableSlot) -> bool) {
        const FORWARD: pg_sys::ScanDirection::Type = pg_sys::ScanDirection::ForwardScanDirection;
        self.key.sk_argument = key;
        // SAFETY: scans, key and slot are valid while self lives.
        unsafe {
            pg_sys::index_rescan(self.entries, &mut self.key, 1, null_mut(), 0);
            if pg_sys::index_getnext_tid(self.entries, FORWARD).is_null() {
                return;
            }
            let rows = self.rows.get_or_insert_with(|| Rows::open(self.table, self.index));
            pg_sys::index_rescan(rows.scan, &mut self.key, 1, null_mut(), 0);
            while pg_sys::index_getnext_slot(rows.scan, FORWARD, rows.slot) {
                if each(&mut *rows.slot) {
                    break;
                }
            }
        }
    }

    /// Whether there is a row under a bigint.
    pub fn has(&mut self, key: i64) -> bool {
        let mut found = false;
        // SAFETY: for scans of bigints.
        unsafe {
            self.find(pg_sys::Datum::from(key), |_| {
                found = true;
                true
            });
        }
        found
    }
}

impl Rows {
    /// # Safety
    /// `index` is an open index of the table.
    unsafe fn open(table: pg_sys::Oid, index: pg_sys::Relation) -> Self {
        // SAFETY: as the caller vouches; closed with the probe.
        unsafe {
            let table = pg_sys::table_open(table, pg_sys::AccessShareLock as i32);
            let snapshot = &raw mut pg_sys::SnapshotSelfData;
            #[cfg(not(feature = "pg18"))]
            let scan = pg_sys::index_beginscan(table, index, snapshot, 1, 0);
            #[cfg(feature = "pg18")]
            let scan = pg_sys::index_beginscan(table, index, snapshot, null_mut(), 1, 0);
            Self { table, scan, slot: pg_sys::table_slot_create(table, null_mut()) }
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `open`, closed in the reverse order.
            unsafe {
                if let Some(rows) = &self.rows {
                    pg_sys::ExecDropSingleTupleTableSlot(rows.slot);
                    pg_sys::index_endscan(rows.scan);
                    pg_sys::table_close(rows.table, pg_sys::AccessShareLock as i32);
                }
                pg_sys::index_endscan(self.entries);
                pg_sys::index_close(self.index, pg_sys::AccessShareLock as i32);
            }
        }
    }
}

/// The start of this transaction, which is what now() says.
pub fn now() -> Instant {
    // SAFETY: a plain read.
    Instant(unsafe { pg_sys::GetCurrentTransactionStartTimestamp() })
}

/// A value of a column as text, as SQL would cast it.
///
/// # Safety
/// `value` is of the type whose output function this is.
pub unsafe fn print(output: pg_sys::Oid, value: pg_sys::Datum) -> String {
    // SAFETY: as the caller vouches; the text is copied.
    unsafe { CStr::from_ptr(pg_sys::OidOutputFunctionCall(output, value)) }.to_string_lossy().into_owned()
}

impl Key {
    /// How values of a type are compared with the user's key in an index: the type of the right operand and
    /// the operator, which is invalid when there is none.
    pub fn comparison(&self, other: pg_sys::Oid) -> (pg_sys::Oid, pg_sys::Oid) {
        // SAFETY: look-ups in the system caches.
        unsafe {
            let equal = |right| {
                pg_sys::get_opfamily_member(self.family, self.operand, right, pg_sys::BTEqualStrategyNumber as i16)
            };
            let (base, key) = (pg_sys::getBaseType(other), pg_sys::getBaseType(self.oid));
            if base == key || pg_sys::IsBinaryCoercible(base, self.operand) {
                (self.operand, equal(self.operand))
            } else {
                (base, equal(base))
            }
        }
    }
}

thread_local! {
    static ON_CHANGE: Cell<Option<fn(pg_sys::Oid)>> = const { Cell::new(None) };
}

/// Calls `on_change` from now on whenever a relation's definition may have changed; an invalid Oid means any of
/// them. To be called once in a session.
pub fn watch_relations(on_change: fn(pg_sys::Oid)) {
    #[pg_guard]
    unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
        if let Some(on_change) = ON_CHANGE.get() {
            on_change(relation);
        }
    }
    ON_CHANGE.set(Some(on_change));
    // SAFETY: PostgreSQL keeps the callback for the session, as the function is.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null()) };
}

/// SQL text never has a NUL: PostgreSQL's text cannot hold one.
fn text(sql: &str) -> CString {
    CString::new(sql).unwrap_or_default()
}

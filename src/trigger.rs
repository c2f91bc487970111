//! From changed rows to touched friends.
//!
//! For a buyer nobody referred this file is the whole cost of a purchase: the changed rows are read where
//! PostgreSQL keeps them, and each buyer is one probe of an index, without SQL, without a transaction id, and
//! with a snapshot that takes no predicate locks.

use crate::db::{ChangedRows, Probe, announce_change, patiently, print, restoring};
use crate::engine::adopt::{Part, adopt, adopted, keys_of, record_unread};
use crate::engine::config::{Column, Config, Kind, Source, User, UserColumn};
use crate::engine::post::{config_or_failure, evaluate_friends, evaluate_source, friends_of, record_blindly};
use crate::error::Error;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;
use pgrx::{AllocatedByPostgres, PgTrigger, PgTriggerError, PgTriggerLevel, PgTriggerOperation};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

type TriggerResult<'a> = Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, PgTriggerError>;

/// A mistake in how PostgreSQL calls us is an error like any other.
impl From<PgTriggerError> for Error {
    fn from(error: PgTriggerError) -> Self {
        Self::NotATrigger(error.to_string())
    }
}

/// The trigger on an attached table: credits whoever referred the buyers of the changed rows.
#[pg_trigger(sql = false)]
fn transactions_changed<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    credit_touched(trigger).map_err(ErrorReport::from).unwrap_or_report();
    Ok(None::<PgHeapTuple<'a, AllocatedByPostgres>>)
}

/// The trigger on an attached table of invites: what it holds can be redeemed.
#[pg_trigger(sql = false)]
fn invites_changed<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    adopt_touched(trigger, Kind::Invites).map_err(ErrorReport::from).unwrap_or_report();
    Ok(None::<PgHeapTuple<'a, AllocatedByPostgres>>)
}

/// The trigger on a table that says who signed up with which code: redeems it.
#[pg_trigger(sql = false)]
fn signups_changed<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    adopt_touched(trigger, Kind::Signups).map_err(ErrorReport::from).unwrap_or_report();
    Ok(None::<PgHeapTuple<'a, AllocatedByPostgres>>)
}

/// The trigger that keeps rows of the ledger and versions of goals as they were written.
#[pg_trigger(sql = false)]
fn append_only<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    let refuse = || -> Result<(), Error> {
        let table = format!("{}.{}", trigger.table_schema()?, trigger.table_name()?);
        Err(Error::AppendOnly { table, operation: operation(&trigger.op()?) })
    };
    refuse().map_err(ErrorReport::from).unwrap_or_report();
    Ok(None::<PgHeapTuple<'a, AllocatedByPostgres>>)
}

/// The trigger that tells every session to read the configuration anew.
#[pg_trigger(sql = false)]
fn configuration_changed<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    trigger.relid().map(announce_change).map_err(Error::from).map_err(ErrorReport::from).unwrap_or_report();
    Ok(None::<PgHeapTuple<'a, AllocatedByPostgres>>)
}

fn operation(operation: &PgTriggerOperation) -> &'static str {
    match operation {
        PgTriggerOperation::Insert => "INSERT",
        PgTriggerOperation::Update => "UPDATE",
        PgTriggerOperation::Delete => "DELETE",
        PgTriggerOperation::Truncate => "TRUNCATE",
    }
}

thread_local! {
    /// Whether this session was told that it restores a dump.
    static TOLD: Cell<bool> = const { Cell::new(false) };
}

/// What a trigger works with.
type Attached = (Rc<Config>, Rc<Source>);

/// The source that a trigger belongs to. `None` is one that does nothing.
fn source_of(trigger: &PgTrigger, kind: Kind) -> Result<Option<Attached>, Error> {
    if restoring() {
        // Of two tables that belong together only one may be there yet: what is missing would seem deleted.
        if !TOLD.replace(true) {
            let relation = format!("{}.{}", trigger.table_schema()?, trigger.table_name()?);
            ErrorReport::from(Error::Restoring { relation }).report(PgLogLevel::WARNING);
        }
        return Ok(None);
    }
    let config = match config_or_failure()? {
        Ok(config) => config,
        // Somebody dropped the tables and left the triggers, or keeps us from reading them: no reason to stop a sale.
        Err(problem) => {
            ErrorReport::from(problem).report(PgLogLevel::WARNING);
            return Ok(None);
        }
    };
    if let Some(source) = config.sources.get(&(kind, trigger.relid()?)) {
        let source = Rc::clone(source);
        return Ok(Some((config, source)));
    }
    // A child was taken out of its table, or somebody made the trigger by hand: whatever it is, it earns nothing and it
    // stops no sale.
    let unknown = Error::NotRegistered { relation: format!("{}.{}", trigger.table_schema()?, trigger.table_name()?) };
    ErrorReport::from(unknown).report(PgLogLevel::WARNING);
    Ok(None)
}

fn credit_touched(trigger: &PgTrigger) -> Result<(), Error> {
    let Some((config, source)) = source_of(trigger, Kind::Transactions)? else { return Ok(()) };
    match trigger.op()? {
        PgTriggerOperation::Truncate => return evaluate_source(&config, &source),
        // SAFETY: the trigger is running.
        PgTriggerOperation::Delete if !source.hears_deletions() && !unsafe { moved(trigger) } => return Ok(()),
        _ => {}
    }
    let (friends, renamed) = match &source.user {
        User::Column(user) => {
            let Touched { friends, mut renamed } = touched(&config, &source, user, trigger)?;
            if source.key_column.is_none() && !friends.is_empty() && source.broken.is_none() {
                // SAFETY: the trigger is running.
                renamed.extend(unsafe { renamed_by_expression(&source, trigger)? });
            }
            (friends, renamed)
        }
        User::Expression if source.broken.is_none() => {
            // SAFETY: the trigger is running.
            let (changes, mut renamed) = unsafe { (changes(trigger)?, renamed(&source, trigger)?) };
            if source.key_column.is_none() {
                // SAFETY: as above.
                renamed.extend(unsafe { renamed_by_expression(&source, trigger)? });
            }
            match friends_of(&config, &source, &changes)? {
                Ok(friends) => (friends, renamed),
                Err(failure) => return record_blindly(&config, &source, failure),
            }
        }
        _ => {
            let cause = source.broken.clone().unwrap_or(Error::Server("the buyers could not be looked up"));
            return record_blindly(&config, &source, cause.into());
        }
    };
    if friends.is_empty() { Ok(()) } else { evaluate_friends(&config, &source, &friends, &renamed).map(drop) }
}

fn adopt_touched(trigger: &PgTrigger, kind: Kind) -> Result<(), Error> {
    let Some((config, source)) = source_of(trigger, kind)? else { return Ok(()) };
    if let PgTriggerOperation::Truncate = trigger.op()? {
        return patiently(|| adopt(&config, &source, &adopted(&config, &source)?, Part::All)).map(drop);
    }
    // SAFETY: the trigger is running.
    let keys = unsafe { touched_keys(&source, trigger)? };
    let keys = match keys {
        Some(keys) => keys,
        None => {
            // SAFETY: the trigger is running.
            let changes = unsafe { changes(trigger)? };
            match keys_of(&source, &changes)? {
                Ok(keys) => keys,
                Err(failure) => return record_unread(&config, &source, failure),
            }
        }
    };
    if keys.is_empty() { Ok(()) } else { patiently(|| adopt(&config, &source, &keys, Part::All)).map(drop) }
}

/// The rows of a trigger, as statements read them: before and after the change.
///
/// # Safety
/// The trigger is running.
unsafe fn changes(trigger: &PgTrigger) -> Result<Vec<ChangedRows>, Error> {
    let data = trigger.trigger_data();
    // SAFETY: PostgreSQL fills trigger data as the event and the level say.
    Ok(unsafe {
        match trigger.level() {
            PgTriggerLevel::Statement => [data.tg_oldtable, data.tg_newtable]
                .into_iter()
                .filter(|store| !store.is_null())
                .map(|store| ChangedRows::of(data.tg_relation, store))
                .collect(),
            PgTriggerLevel::Row => [data.tg_trigtuple, data.tg_newtuple]
                .into_iter()
                .filter(|tuple| !tuple.is_null())
                .map(|tuple| ChangedRows::one(data.tg_relation, tuple))
                .collect(),
        }
    })
}

/// Calls `each` with every changed row: as it was and as it is. An UPDATE has both; it is left out where `matters`
/// finds no difference.
///
/// # Safety
/// The trigger is running.
unsafe fn each_change(
    trigger: &PgTrigger,
    width: i16,
    mut each: impl FnMut(Option<&Rows>, Option<&Rows>),
) -> Result<(), Error> {
    let data = trigger.trigger_data();
    // SAFETY: PostgreSQL fills trigger data as the event and the level say; tuples and tuplestores live until
    // the trigger returns, and every slot is dropped at the end of its scope.
    unsafe {
        let columns = (*data.tg_relation).rd_att;
        match (trigger.level(), trigger.op()?) {
            (PgTriggerLevel::Statement, PgTriggerOperation::Insert) => {
                let mut new = Rows::of(data.tg_newtable, columns, width)?;
                while new.next() {
                    each(None, Some(&new));
                }
            }
            (PgTriggerLevel::Statement, PgTriggerOperation::Delete) => {
                let mut old = Rows::of(data.tg_oldtable, columns, width)?;
                while old.next() {
                    each(Some(&old), None);
                }
            }
            (PgTriggerLevel::Statement, PgTriggerOperation::Update) => {
                let (mut old, mut new) =
                    (Rows::of(data.tg_oldtable, columns, width)?, Rows::of(data.tg_newtable, columns, width)?);
                while old.next() && new.next() {
                    each(Some(&old), Some(&new));
                }
            }
            (PgTriggerLevel::Row, PgTriggerOperation::Update) => {
                let (old, new) =
                    (Rows::one(data.tg_trigtuple, columns, width)?, Rows::one(data.tg_newtuple, columns, width)?);
                each(Some(&old), Some(&new));
            }
            (PgTriggerLevel::Row, PgTriggerOperation::Delete) => {
                each(Some(&Rows::one(data.tg_trigtuple, columns, width)?), None);
            }
            (PgTriggerLevel::Row, _) => each(None, Some(&Rows::one(data.tg_trigtuple, columns, width)?)),
            (PgTriggerLevel::Statement, PgTriggerOperation::Truncate) => {}
        }
    }
    Ok(())
}

/// The last column that is looked at.
fn width(source: &Source, others: impl IntoIterator<Item = i16>) -> i16 {
    source.mapped.iter().map(|column| column.number).chain(others).max().unwrap_or(0)
}

/// Whether an UPDATE changed anything that the mappings read.
fn matters(source: &Source, old: Option<&Rows>, new: Option<&Rows>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => {
            source.broken.is_some() || source.mapped.iter().any(|column| old.differs(new, column))
        }
        _ => true,
    }
}

/// What the changed rows touch.
struct Touched {
    /// The referrals of their buyers, in order and each once.
    friends: Vec<i64>,
    /// Ids that the rows had and have no longer.
    renamed: Vec<String>,
}

fn touched(config: &Config, source: &Source, user: &UserColumn, trigger: &PgTrigger) -> Result<Touched, Error> {
    let mut renamed = Vec::new();
    let mut friends = Friends::new(config, user);
    // SAFETY: the trigger is running.
    unsafe {
        let moved = moved(trigger);
        each_change(trigger, width(source, [user.column.number]), |old, new| {
            if matters(source, old, new) {
                old.into_iter().chain(new).for_each(|row| friends.row(row));
                renamed.extend(old.and_then(|old| old.renamed(new, source, moved)));
            }
        })?;
    }
    Ok(Touched { friends: friends.found.iter().copied().collect(), renamed })
}

/// Whether the row that fired a trigger on DELETE was not deleted but moved to another partition.
///
/// # Safety
/// The trigger is running.
unsafe fn moved(trigger: &PgTrigger) -> bool {
    // SAFETY: PostgreSQL fills trigger data as the event and the level say; the header of a row that moved points to a
    // place that cannot be.
    unsafe {
        let Some(tuple) = trigger.trigger_data().tg_trigtuple.as_ref() else { return false };
        let next = (*tuple.t_data).t_ctid;
        u32::from(next.ip_posid) == pg_sys::MovedPartitionsOffsetNumber
            && (next.ip_blkid.bi_hi, next.ip_blkid.bi_lo) == (u16::MAX, u16::MAX)
    }
}

/// Ids that rows had and have no longer, where an expression says the id.
///
/// # Safety
/// The trigger is running.
unsafe fn renamed_by_expression(source: &Source, trigger: &PgTrigger) -> Result<Vec<String>, Error> {
    // SAFETY: as the caller vouches.
    let changes = unsafe { changes(trigger)? };
    match (trigger.op()?, changes.as_slice()) {
        (PgTriggerOperation::Update, [old, new]) => {
            // What cannot be read is found out when the friend is evaluated.
            let (old, new) = (keys_of(source, std::slice::from_ref(old))?, keys_of(source, std::slice::from_ref(new))?);
            let new = new.unwrap_or_default();
            Ok(old.unwrap_or_default().into_iter().filter(|key| !new.contains(key)).collect())
        }
        // SAFETY: as the caller vouches.
        (PgTriggerOperation::Delete, _) if unsafe { moved(trigger) } => {
            Ok(keys_of(source, &changes)?.unwrap_or_default())
        }
        _ => Ok(Vec::new()),
    }
}

/// Ids that rows had and have no longer.
///
/// # Safety
/// The trigger is running.
unsafe fn renamed(source: &Source, trigger: &PgTrigger) -> Result<Vec<String>, Error> {
    let mut renamed = Vec::new();
    // SAFETY: as the caller vouches.
    unsafe {
        let moved = moved(trigger);
        each_change(trigger, width(source, []), |old, new| {
            renamed.extend(old.and_then(|old| old.renamed(new, source, moved)));
        })?;
    }
    Ok(renamed)
}

/// The ids of the changed rows, as they were and as they are; `None` when no single column holds them.
///
/// # Safety
/// The trigger is running.
unsafe fn touched_keys(source: &Source, trigger: &PgTrigger) -> Result<Option<Vec<String>>, Error> {
    let Some((column, output)) = &source.key_column else { return Ok(None) };
    let mut keys = BTreeSet::new();
    // SAFETY: as the caller vouches; the output function is that of the column's type.
    unsafe {
        each_change(trigger, width(source, [column.number]), |old, new| {
            if matters(source, old, new) {
                let ids = old.into_iter().chain(new).filter_map(|row| row.value(column.number));
                keys.extend(ids.map(|id| print(*output, id)));
            }
        })?;
    }
    Ok(Some(keys.into_iter().collect()))
}

/// Rows of a transition table, or one row, seen through a slot.
struct Rows {
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
    /// How many columns are looked at.
    width: i32,
}

impl Rows {
    /// # Safety
    /// `store` is a transition table of the trigger that runs, or null, and `columns` describes its rows.
    unsafe fn of(store: *mut pg_sys::Tuplestorestate, columns: pg_sys::TupleDesc, width: i16) -> Result<Self, Error> {
        if store.is_null() {
            return Err(Error::NotATrigger("the trigger has no transition table".into()));
        }
        // SAFETY: other triggers of the table may have read the store: we begin at its first row.
        unsafe {
            pg_sys::tuplestore_select_read_pointer(store, 0);
            pg_sys::tuplestore_rescan(store);
            let slot = pg_sys::MakeSingleTupleTableSlot(columns, &pg_sys::TTSOpsMinimalTuple);
            Ok(Self { store, slot, width: i32::from(width) })
        }
    }

    /// # Safety
    /// `tuple` is a row of the trigger that runs, or null, and `columns` describes it.
    unsafe fn one(tuple: pg_sys::HeapTuple, columns: pg_sys::TupleDesc, width: i16) -> Result<Self, Error> {
        if tuple.is_null() {
            return Err(Error::NotATrigger("the trigger has no row".into()));
        }
        // SAFETY: the tuple outlives the slot, which does not own it.
        unsafe {
            let slot = pg_sys::MakeSingleTupleTableSlot(columns, &pg_sys::TTSOpsHeapTuple);
            pg_sys::ExecStoreHeapTuple(tuple, slot, false);
            pg_sys::slot_getsomeattrs_int(slot, i32::from(width));
            Ok(Self { store: std::ptr::null_mut(), slot, width: i32::from(width) })
        }
    }

    fn next(&mut self) -> bool {
        // SAFETY: store and slot are valid while self lives; the slot's values are unpacked up to the last column
        // that is looked at.
        unsafe {
            let found = pg_sys::tuplestore_gettupleslot(self.store, true, false, self.slot);
            if found {
                pg_sys::slot_getsomeattrs_int(self.slot, self.width);
            }
            found
        }
    }

    fn value(&self, column: i16) -> Option<pg_sys::Datum> {
        let place = usize::try_from(column - 1).ok().filter(|_| i32::from(column) <= self.width)?;
        // SAFETY: the slot holds a row whose first `width` columns are unpacked.
        unsafe {
            let slot = &*self.slot;
            (!*slot.tts_isnull.add(place)).then(|| *slot.tts_values.add(place))
        }
    }

    /// Whether a column is stored differently in two rows. Values that are equal and stored differently count
    /// as different, which costs an evaluation and changes nothing.
    fn differs(&self, other: &Self, column: &Column) -> bool {
        let Column { number, by_value, length } = *column;
        match (self.value(number), other.value(number)) {
            (None, None) => false,
            (Some(a), Some(b)) if by_value => a != b,
            // SAFETY: values of this type are pointers to as many bytes as their length says.
            (Some(a), Some(b)) => unsafe { bytes(a, length) != bytes(b, length) },
            _ => true,
        }
    }
}

impl Rows {
    /// The id of this row, when the row has another one in `new`, or may have one where it was moved to.
    fn renamed(&self, new: Option<&Self>, source: &Source, moved: bool) -> Option<String> {
        let (column, output) = source.key_column.as_ref()?;
        let renamed = new.map_or(moved, |new| self.differs(new, column));
        // SAFETY: the output function is that of the column's type.
        self.value(column.number).filter(|_| renamed).map(|id| unsafe { print(*output, id) })
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // SAFETY: made by `of` or `one`.
        unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.slot) };
    }
}

/// # Safety
/// `datum` points to a value of a type that is passed by reference and has this length.
unsafe fn bytes<'a>(datum: pg_sys::Datum, length: i16) -> &'a [u8] {
    let start = datum.cast_mut_ptr::<u8>();
    // SAFETY: as the caller vouches.
    unsafe {
        let length = match length {
            -1 => pgrx::varlena::varsize_any(start.cast()),
            -2 => std::ffi::CStr::from_ptr(start.cast()).count_bytes(),
            length => usize::try_from(length).unwrap_or(0),
        };
        std::slice::from_raw_parts(start, length)
    }
}

/// Collects the referrals of buyers.
struct Friends<'a> {
    config: &'a Config,
    user: &'a UserColumn,
    probe: Probe,
    last: Option<pg_sys::Datum>,
    found: BTreeSet<i64>,
}

impl<'a> Friends<'a> {
    fn new(config: &'a Config, user: &'a UserColumn) -> Self {
        let (table, index) = (config.referrals, config.referrals_by_friend);
        let probe = Probe::open(table, index, user.operand, user.operator, config.key.collation);
        Self { config, user, probe, last: None, found: BTreeSet::new() }
    }

    /// Looks up the buyer of a row. A row without a buyer is a guest's.
    fn row(&mut self, rows: &Rows) {
        let Some(buyer) = rows.value(self.user.column.number) else { return };
        if self.user.column.by_value && self.last == Some(buyer) {
            return;
        }
        self.last = Some(buyer);
        let (id, found) = (self.config.referral_id, &mut self.found);
        // SAFETY: the probe was opened for the type of the buyer's column; the slot holds a row of the table of
        // referrals, whose key is never null.
        unsafe {
            self.probe.find(buyer, |slot| {
                let mut is_null = false;
                found.insert(pg_sys::slot_getattr(slot, i32::from(id), &mut is_null).value() as i64);
                false
            });
        }
    }
}

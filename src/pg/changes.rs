//! The rows of a trigger, one change at a time, or as a relation that a statement reads.

use super::c_string;
use super::memory;
use super::row::FromRow;
use super::spi::{Mode, Session, execute};
use super::value::{Param, print};
use crate::error::Error;
use pgrx::prelude::*;
use pgrx::{PgTrigger, PgTriggerError, PgTriggerLevel, PgTriggerOperation};
use std::marker::PhantomData;

/// A mistake in how PostgreSQL calls a trigger is an error like any other.
impl From<PgTriggerError> for Error {
    fn from(error: PgTriggerError) -> Self {
        Self::NotATrigger { problem: error.to_string() }
    }
}

/// The storage of ordinary tables.
const HEAP: pg_sys::Oid = pg_sys::Oid::from_u32(2);

/// The number of a command within its transaction. A later command sees what an earlier one wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Command(pg_sys::CommandId);

impl Command {
    /// The command that comes next: it sees whatever was written up to now.
    pub fn next() -> Self {
        // SAFETY: in a transaction; this is how PostgreSQL makes one command's writes visible to the next.
        unsafe {
            pg_sys::CommandCounterIncrement();
            Self(pg_sys::GetCurrentCommandId(false))
        }
    }
}

/// What happened to a row.
pub enum Change<'a> {
    /// The row is new.
    Inserted {
        /// The row as it is.
        new: &'a ChangedRow<'a>,
    },
    /// The row was one and is the other.
    Updated {
        /// The row as it was.
        old: &'a ChangedRow<'a>,
        /// The row as it is.
        new: &'a ChangedRow<'a>,
    },
    /// The row is gone.
    Deleted {
        /// The row as it was.
        old: &'a ChangedRow<'a>,
    },
    /// The row went to another partition, where it is inserted.
    Moved {
        /// The row as it was.
        old: &'a ChangedRow<'a>,
    },
}

impl<'a> Change<'a> {
    /// The row as it was and as it is, as far as there are both.
    pub fn rows(&self) -> impl Iterator<Item = &'a ChangedRow<'a>> {
        let (old, new) = match *self {
            Self::Inserted { new } => (None, Some(new)),
            Self::Updated { old, new } => (Some(old), Some(new)),
            Self::Deleted { old } | Self::Moved { old } => (Some(old), None),
        };
        old.into_iter().chain(new)
    }

    /// The value that a column had, where an UPDATE gave it another one.
    pub fn former(&self, column: i16) -> Option<ColumnValue<'a>> {
        match *self {
            Self::Updated { old, new } if old.differs(new, column) && new.value(column).is_some() => old.value(column),
            _ => None,
        }
    }

    /// The rows of [`Change::rows`], without the one whose value of a column is [`Change::former`].
    pub fn rows_without_former(&self, column: i16) -> impl Iterator<Item = &'a ChangedRow<'a>> {
        let skipped = usize::from(self.former(column).is_some());
        self.rows().skip(skipped)
    }
}

/// The rows of the trigger that is running.
pub struct TriggerRows<'a>(&'a PgTrigger<'a>);

impl<'a> TriggerRows<'a> {
    /// The rows of a trigger.
    pub fn of(trigger: &'a PgTrigger<'a>) -> Self {
        Self(trigger)
    }

    /// Calls `each` with every change. Columns up to number `width` can be looked at.
    ///
    /// # Errors
    /// [`Error::NotATrigger`] when the trigger has no rows of the kind that its event has; [`Error::OutOfMemory`].
    pub fn each(&self, width: i16, mut each: impl FnMut(Change)) -> Result<(), Error> {
        let data = self.0.trigger_data();
        let mut count = 0_usize;
        // What the caller collects may grow with the rows.
        let mut each = |change: Change| -> Result<(), Error> {
            count += 1;
            if count.is_power_of_two() {
                memory::ensure_rows(count)?;
            }
            each(change);
            memory::check()
        };
        // SAFETY: PostgreSQL fills trigger data as the event and the level say; tuples and tuplestores live until
        // the trigger returns, and every slot is dropped at the end of its scope.
        unsafe {
            let columns = (*data.tg_relation).rd_att;
            let stored = |store| Slot::of_store(store, columns, width);
            let row = |tuple| Slot::of_tuple(tuple, columns, width);
            match (self.0.level(), self.0.op()?) {
                (PgTriggerLevel::Statement, PgTriggerOperation::Insert) => {
                    let mut new = stored(data.tg_newtable)?;
                    while new.next() {
                        each(Change::Inserted { new: &new.row() })?;
                    }
                }
                (PgTriggerLevel::Statement, PgTriggerOperation::Delete) => {
                    let mut old = stored(data.tg_oldtable)?;
                    while old.next() {
                        each(Change::Deleted { old: &old.row() })?;
                    }
                }
                (PgTriggerLevel::Statement, PgTriggerOperation::Update) => {
                    let (mut old, mut new) = (stored(data.tg_oldtable)?, stored(data.tg_newtable)?);
                    while old.next() && new.next() {
                        each(Change::Updated { old: &old.row(), new: &new.row() })?;
                    }
                }
                (PgTriggerLevel::Row, PgTriggerOperation::Update) => {
                    let (old, new) = (row(data.tg_trigtuple)?, row(data.tg_newtuple)?);
                    each(Change::Updated { old: &old.row(), new: &new.row() })?;
                }
                (PgTriggerLevel::Row, PgTriggerOperation::Delete) => {
                    let slot = row(data.tg_trigtuple)?;
                    let old = &slot.row();
                    let moved = moved_to_another_partition(data.tg_trigtuple);
                    each(if moved { Change::Moved { old } } else { Change::Deleted { old } })?;
                }
                (PgTriggerLevel::Row, _) => each(Change::Inserted { new: &row(data.tg_trigtuple)?.row() })?,
                (PgTriggerLevel::Statement, PgTriggerOperation::Truncate) => {}
            }
        }
        Ok(())
    }

    /// The command of this transaction that wrote the row of a trigger by row; `None` for a trigger by statement, and where
    /// rows do not say: a foreign table's, or another storage's.
    pub fn written_by(&self) -> Option<Command> {
        let data = self.0.trigger_data();
        // SAFETY: PostgreSQL fills trigger data as the event and the level say. The row was written by this transaction:
        // its header says so, and by which command.
        unsafe {
            if !matches!(self.0.level(), PgTriggerLevel::Row) || (*(*data.tg_relation).rd_rel).relam != HEAP {
                return None;
            }
            let header = |tuple: pg_sys::HeapTuple| tuple.as_ref().map(|tuple| tuple.t_data);
            match self.0.op().ok()? {
                PgTriggerOperation::Insert => header(data.tg_trigtuple).map(|row| pg_sys::HeapTupleHeaderGetCmin(row)),
                PgTriggerOperation::Update => header(data.tg_newtuple).map(|row| pg_sys::HeapTupleHeaderGetCmin(row)),
                PgTriggerOperation::Delete => header(data.tg_trigtuple).map(|row| pg_sys::HeapTupleHeaderGetCmax(row)),
                PgTriggerOperation::Truncate => None,
            }
        }
        .map(Command)
    }

    /// The rows as relations that statements read: as they were, then as they are.
    pub fn as_relations(&self) -> Vec<ChangedRelation<'a>> {
        let data = self.0.trigger_data();
        // SAFETY: PostgreSQL fills trigger data as the event and the level say, for as long as the trigger runs.
        unsafe {
            match self.0.level() {
                PgTriggerLevel::Statement => [data.tg_oldtable, data.tg_newtable]
                    .into_iter()
                    .filter(|store| !store.is_null())
                    .map(|store| ChangedRelation::of_store(data.tg_relation, store))
                    .collect(),
                PgTriggerLevel::Row => [data.tg_trigtuple, data.tg_newtuple]
                    .into_iter()
                    .filter(|tuple| !tuple.is_null())
                    .map(|tuple| ChangedRelation::of_tuple(data.tg_relation, tuple))
                    .collect(),
            }
        }
    }
}

/// # Safety
/// `tuple` is null or a row that a trigger on DELETE was called with.
unsafe fn moved_to_another_partition(tuple: pg_sys::HeapTuple) -> bool {
    // SAFETY: as the caller vouches; the header of a row that moved points to a place that cannot be.
    unsafe {
        let Some(tuple) = tuple.as_ref() else { return false };
        let next = (*tuple.t_data).t_ctid;
        u32::from(next.ip_posid) == pg_sys::MovedPartitionsOffsetNumber
            && (next.ip_blkid.bi_hi, next.ip_blkid.bi_lo) == (u16::MAX, u16::MAX)
    }
}

/// A value of a changed row, with its type.
#[derive(Clone, Copy)]
pub struct ColumnValue<'a> {
    pub(super) datum: pg_sys::Datum,
    pub(super) type_oid: pg_sys::Oid,
    by_value: bool,
    length: i16,
    row: PhantomData<&'a ()>,
}

impl ColumnValue<'_> {
    /// The value itself, when its type is passed by value: two that are alike are the same.
    pub fn bits(&self) -> Option<usize> {
        self.by_value.then(|| self.datum.value())
    }

    /// The value as text, as SQL would cast it.
    pub fn print(&self) -> String {
        let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
        // SAFETY: the value is of this type.
        unsafe {
            pg_sys::getTypeOutputInfo(self.type_oid, &mut output, &mut varlena);
            print(output, self.datum)
        }
    }

    /// Whether both are stored alike. Values that are equal and stored differently count as different.
    fn is_stored_like(&self, other: &ColumnValue) -> bool {
        if self.by_value {
            return self.datum == other.datum;
        }
        // SAFETY: both are values of one column, whose type is passed by reference and has this length.
        unsafe { bytes(self.datum, self.length) == bytes(other.datum, self.length) }
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

/// A row of a trigger.
pub struct ChangedRow<'a> {
    slot: &'a pg_sys::TupleTableSlot,
    /// How many columns can be looked at.
    width: i16,
}

impl<'a> ChangedRow<'a> {
    /// The value of a column by its number; `None` is null, or a column beyond those that can be looked at.
    pub fn value(&self, column: i16) -> Option<ColumnValue<'a>> {
        let place = usize::try_from(column - 1).ok().filter(|_| column <= self.width)?;
        // SAFETY: the slot holds a row whose first `width` columns are unpacked, and describes them.
        unsafe {
            let slot = self.slot;
            if *slot.tts_isnull.add(place) {
                return None;
            }
            let attribute = &*super::row::tuple_attribute(slot.tts_tupleDescriptor, place);
            Some(ColumnValue {
                datum: *slot.tts_values.add(place),
                type_oid: attribute.atttypid,
                by_value: attribute.attbyval,
                length: attribute.attlen,
                row: PhantomData,
            })
        }
    }

    /// Whether a column is stored differently in two rows of one table. Values that are equal and stored differently count
    /// as different, which costs an evaluation and changes nothing.
    pub fn differs(&self, other: &ChangedRow, column: i16) -> bool {
        match (self.value(column), other.value(column)) {
            (None, None) => false,
            (Some(a), Some(b)) => !a.is_stored_like(&b),
            _ => true,
        }
    }
}

/// A slot through which the rows of a transition table, or one row, are seen.
struct Slot {
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
    width: i16,
}

impl Slot {
    /// # Safety
    /// `store` is a transition table of the trigger that runs, or null, and `columns` describes its rows.
    unsafe fn of_store(
        store: *mut pg_sys::Tuplestorestate,
        columns: pg_sys::TupleDesc,
        width: i16,
    ) -> Result<Self, Error> {
        if store.is_null() {
            return Err(Error::NotATrigger { problem: "the trigger has no transition table".into() });
        }
        // SAFETY: other triggers of the table may have read the store: we begin at its first row.
        unsafe {
            pg_sys::tuplestore_select_read_pointer(store, 0);
            pg_sys::tuplestore_rescan(store);
            let slot = pg_sys::MakeSingleTupleTableSlot(columns, &pg_sys::TTSOpsMinimalTuple);
            Ok(Self { store, slot, width })
        }
    }

    /// # Safety
    /// `tuple` is a row of the trigger that runs, or null, and `columns` describes it.
    unsafe fn of_tuple(tuple: pg_sys::HeapTuple, columns: pg_sys::TupleDesc, width: i16) -> Result<Self, Error> {
        if tuple.is_null() {
            return Err(Error::NotATrigger { problem: "the trigger has no row".into() });
        }
        // SAFETY: the tuple outlives the slot, which does not own it.
        unsafe {
            let slot = pg_sys::MakeSingleTupleTableSlot(columns, &pg_sys::TTSOpsHeapTuple);
            pg_sys::ExecStoreHeapTuple(tuple, slot, false);
            pg_sys::slot_getsomeattrs_int(slot, i32::from(width));
            Ok(Self { store: std::ptr::null_mut(), slot, width })
        }
    }

    /// Goes to the next row of the store; false when there is none.
    fn next(&mut self) -> bool {
        // SAFETY: store and slot are valid while self lives; the slot's values are unpacked up to the last column
        // that is looked at.
        unsafe {
            let found = pg_sys::tuplestore_gettupleslot(self.store, true, false, self.slot);
            if found {
                pg_sys::slot_getsomeattrs_int(self.slot, i32::from(self.width));
            }
            found
        }
    }

    fn row(&self) -> ChangedRow<'_> {
        // SAFETY: the slot is valid while self lives.
        ChangedRow { slot: unsafe { &*self.slot }, width: self.width }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // SAFETY: made by `of_store` or `of_tuple`.
        unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.slot) };
    }
}

/// The name under which statements read the rows of a trigger on this table.
pub fn changed_relation(relation: pg_sys::Oid) -> String {
    format!("referral_changed_{}", relation.to_u32())
}

/// The rows of a trigger, for statements to read under the name [`changed_relation`].
pub struct ChangedRelation<'a> {
    relation: pg_sys::Oid,
    store: *mut pg_sys::Tuplestorestate,
    /// Whether the store was made here.
    ours: bool,
    trigger: PhantomData<&'a ()>,
}

impl ChangedRelation<'_> {
    /// # Safety
    /// `store` is a transition table of a trigger on `relation`, which is running.
    unsafe fn of_store(relation: pg_sys::Relation, store: *mut pg_sys::Tuplestorestate) -> Self {
        // SAFETY: as the caller vouches.
        unsafe { Self { relation: (*relation).rd_id, store, ours: false, trigger: PhantomData } }
    }

    /// # Safety
    /// `tuple` is a row of a trigger on `relation`, which is running.
    unsafe fn of_tuple(relation: pg_sys::Relation, tuple: pg_sys::HeapTuple) -> Self {
        // SAFETY: as the caller vouches; the store copies the row.
        unsafe {
            let store = pg_sys::tuplestore_begin_heap(true, false, pg_sys::work_mem);
            pg_sys::tuplestore_puttuple(store, tuple);
            Self { ours: true, ..Self::of_store(relation, store) }
        }
    }

    /// Reads the rows, and whatever else the statement names, with the newest snapshot.
    ///
    /// # Errors
    /// As [`super::read::fetch`].
    pub fn fetch<T: FromRow>(&self, sql: &str, args: &[Param]) -> Result<Vec<T>, Error> {
        let _session = Session::open()?;
        let name = c_string(&changed_relation(self.relation));
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
        execute(sql, args, Mode::Read).map(|(rows, _)| rows)
    }
}

impl Drop for ChangedRelation<'_> {
    fn drop(&mut self) {
        if self.ours && !std::thread::panicking() {
            // SAFETY: made by `of_tuple`; no statement reads it any more.
            unsafe { pg_sys::tuplestore_end(self.store) };
        }
    }
}

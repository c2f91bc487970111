//! Look-ups in an index without the executor.

use super::catalog::{Comparison, Index};
use super::changes::ColumnValue;
use super::transaction::OpenTransaction;
use pgrx::IntoDatum;
use pgrx::prelude::*;
use std::ptr::null_mut;

/// Looks keys up in an index whose first column is one of a table's, row by row with one scan. The snapshot sees what is
/// committed or our own, and takes no predicate locks; one of [`Probe::open_with_uncommitted`] sees, besides, what others
/// have not committed yet.
pub struct Probe {
    /// The snapshot of a probe that sees what is not committed. It says, for each row, who inserted it.
    dirty: Option<Box<pg_sys::SnapshotData>>,
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
    key: pg_sys::ScanKeyData,
    /// Type of the keys that are looked up.
    key_type: pg_sys::Oid,
}

/// A row that was found.
pub struct FoundRow<'a>(&'a mut pg_sys::TupleTableSlot, pg_sys::TransactionId);

impl FoundRow<'_> {
    /// The transaction that inserted the row and is not over yet, when that is another one.
    pub fn inserted_by(&self) -> Option<OpenTransaction> {
        (self.1 != pg_sys::InvalidTransactionId).then_some(OpenTransaction(self.1))
    }

    /// The value of a column of type bigint; `None` when it is null or of another type.
    pub fn bigint(&mut self, column: i16) -> Option<i64> {
        let mut is_null = false;
        // SAFETY: the slot holds a row of a table that has this column, as its description says.
        unsafe {
            let columns = self.0.tts_tupleDescriptor;
            let place = usize::try_from(column - 1).ok().filter(|_| i32::from(column) <= (*columns).natts)?;
            if (*super::row::tuple_attribute(columns, place)).atttypid != pg_sys::INT8OID {
                return None;
            }
            let datum = pg_sys::slot_getattr(self.0, i32::from(column), &mut is_null);
            (!is_null).then(|| datum.value() as i64)
        }
    }
}

impl Probe {
    /// Opens a scan of an index, whose first column has this collation, for values that are compared so.
    pub fn open(index: Index, comparison: Comparison, collation: pg_sys::Oid) -> Self {
        Self::open_under(index, comparison, collation, None)
    }

    /// The same, which finds rows that others have not committed yet, too.
    pub fn open_with_uncommitted(index: Index, comparison: Comparison, collation: pg_sys::Oid) -> Self {
        let dirty = pg_sys::SnapshotData { snapshot_type: pg_sys::SnapshotType::SNAPSHOT_DIRTY, ..Default::default() };
        Self::open_under(index, comparison, collation, Some(Box::new(dirty)))
    }

    fn open_under(
        index: Index,
        comparison: Comparison,
        collation: pg_sys::Oid,
        mut dirty: Option<Box<pg_sys::SnapshotData>>,
    ) -> Self {
        let mut key = pg_sys::ScanKeyData::default();
        // SAFETY: the index is one of the table's and the operator is one of its family; everything is closed on
        // drop, or by the abort after an error.
        unsafe {
            pg_sys::ScanKeyEntryInitialize(
                &mut key,
                0,
                1,
                pg_sys::BTEqualStrategyNumber as u16,
                comparison.operand,
                collation,
                pg_sys::get_opcode(comparison.operator),
                pg_sys::Datum::null(),
            );
            let table = pg_sys::table_open(index.table, pg_sys::AccessShareLock as i32);
            let index = pg_sys::index_open(index.index, pg_sys::AccessShareLock as i32);
            let snapshot: pg_sys::Snapshot = match &mut dirty {
                Some(dirty) => &raw mut **dirty,
                None => &raw mut pg_sys::SnapshotSelfData,
            };
            #[cfg(not(feature = "pg18"))]
            let scan = pg_sys::index_beginscan(table, index, snapshot, 1, 0);
            #[cfg(feature = "pg18")]
            let scan = pg_sys::index_beginscan(table, index, snapshot, null_mut(), 1, 0);
            let slot = pg_sys::table_slot_create(table, null_mut());
            Self { dirty, table, index, scan, slot, key, key_type: comparison.type_oid }
        }
    }

    /// Opens a scan of an index whose first column is a text.
    pub fn open_text(index: Index) -> Self {
        const TEXT_EQ: pg_sys::Oid = pg_sys::Oid::from_u32(98);
        Self::open(index, Self::same_type(pg_sys::TEXTOID, TEXT_EQ), pg_sys::DEFAULT_COLLATION_OID)
    }

    /// Opens a scan of an index whose first column is a bigint.
    pub fn open_bigint(index: Index) -> Self {
        const INT8_EQ: pg_sys::Oid = pg_sys::Oid::from_u32(410);
        Self::open(index, Self::same_type(pg_sys::INT8OID, INT8_EQ), pg_sys::InvalidOid)
    }

    fn same_type(oid: pg_sys::Oid, operator: pg_sys::Oid) -> Comparison {
        Comparison { type_oid: oid, operand: oid, operator }
    }

    /// Calls `each` for the rows under a value of the type that the scan was opened for; of another type there are none.
    pub fn find(&mut self, value: &ColumnValue, each: impl FnMut(&mut FoundRow)) {
        if value.type_oid == self.key_type {
            // SAFETY: of the type that the scan was opened for.
            unsafe { self.scan(value.datum, each) };
        }
    }

    /// Whether there is a row under a text.
    pub fn has_text(&mut self, key: &str) -> bool {
        self.has(pg_sys::TEXTOID, key.into_datum())
    }

    /// Whether there is a row under a bigint.
    pub fn has_bigint(&mut self, key: i64) -> bool {
        self.has(pg_sys::INT8OID, key.into_datum())
    }

    fn has(&mut self, type_oid: pg_sys::Oid, key: Option<pg_sys::Datum>) -> bool {
        let mut found = false;
        if let Some(key) = key.filter(|_| type_oid == self.key_type) {
            // SAFETY: of the type that the scan was opened for.
            unsafe { self.scan(key, |_| found = true) };
        }
        found
    }

    /// # Safety
    /// `key` is of the type that the scan was opened for.
    unsafe fn scan(&mut self, key: pg_sys::Datum, mut each: impl FnMut(&mut FoundRow)) {
        const FORWARD: pg_sys::ScanDirection::Type = pg_sys::ScanDirection::ForwardScanDirection;
        self.key.sk_argument = key;
        // SAFETY: scans, key and slot are valid while self lives.
        unsafe {
            pg_sys::index_rescan(self.scan, &mut self.key, 1, null_mut(), 0);
            while pg_sys::index_getnext_slot(self.scan, FORWARD, self.slot) {
                let inserted_by =
                    self.dirty.as_ref().map_or(pg_sys::InvalidTransactionId, |_| (*(*self.scan).xs_snapshot).xmin);
                each(&mut FoundRow(&mut *self.slot, inserted_by));
            }
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `open`, closed in the reverse order.
            unsafe {
                pg_sys::ExecDropSingleTupleTableSlot(self.slot);
                pg_sys::index_endscan(self.scan);
                pg_sys::index_close(self.index, pg_sys::AccessShareLock as i32);
                pg_sys::table_close(self.table, pg_sys::AccessShareLock as i32);
            }
        }
    }
}

//! Tables, columns and keys as PostgreSQL's catalogue describes them; quoting; invalidation.

use super::row::row;
use super::{args, c_string, read};
use crate::error::Error;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::CStr;

pub use pgrx::spi::{quote_identifier, quote_literal};

/// The schema of this extension.
const OWN_SCHEMA: &CStr = c"referral";

/// Functions of the type numeric, by their fixed Oids.
pub(super) const NUMERIC_RECV: pg_sys::Oid = oid(2460);
pub(super) const NUMERIC_SEND: pg_sys::Oid = oid(2461);
pub(super) const NUMERIC_OUT: pg_sys::Oid = oid(1702);

/// The output function of the type jsonb, by its fixed Oid.
pub(super) const JSONB_OUT: pg_sys::Oid = oid(3804);

const fn oid(number: u32) -> pg_sys::Oid {
    pg_sys::Oid::from_u32(number)
}

/// The Oid of a relation in the schema of this extension; `None` when there is none of this name.
pub fn own_relation(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: look-ups in the system caches.
    let oid = unsafe {
        let schema = pg_sys::get_namespace_oid(OWN_SCHEMA.as_ptr(), true);
        if schema == pg_sys::InvalidOid {
            return None;
        }
        pg_sys::get_relname_relid(name.as_ptr(), schema)
    };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// The number of a column of a relation; 0 when there is none of this name.
pub fn column_number(relation: pg_sys::Oid, column: &str) -> i16 {
    let column = c_string(column);
    // SAFETY: a look-up in the system caches; the name outlives it.
    unsafe { pg_sys::get_attnum(relation, column.as_ptr()) }
}

/// Whether a table has pages. Without any it has no rows, seen or unseen.
pub fn has_pages(table: pg_sys::Oid) -> bool {
    // SAFETY: the table is open in the statement that asks, and closed again here.
    unsafe {
        let relation = pg_sys::relation_open(table, pg_sys::AccessShareLock as i32);
        let pages = pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM);
        pg_sys::relation_close(relation, pg_sys::AccessShareLock as i32);
        pages > 0
    }
}

/// The quoted name of a role.
///
/// # Errors
/// [`Error::NoSuchObject`] when no role has the Oid.
pub fn role_name(argument: &'static str, role: pg_sys::Oid) -> Result<String, Error> {
    let name = read::optional_value("SELECT quote_ident(rolname) FROM pg_roles WHERE oid = $1", &args![role])?;
    name.ok_or(Error::NoSuchObject { argument, kind: "role", oid: role.to_u32() })
}

/// Checks that there is a type of an Oid.
///
/// # Errors
/// [`Error::NoSuchObject`].
pub fn check_type(argument: &'static str, oid: pg_sys::Oid) -> Result<(), Error> {
    match read::exists("SELECT FROM pg_type WHERE oid = $1", &args![oid])? {
        true => Ok(()),
        false => Err(Error::NoSuchObject { argument, kind: "type", oid: oid.to_u32() }),
    }
}

/// The type that a domain, or a domain over domains, stands on; any other type itself.
pub fn base_type(oid: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: a look-up in the system caches.
    unsafe { pg_sys::getBaseType(oid) }
}

/// What it takes to make values of one type those of another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Coercion {
    /// An assignment cannot.
    None,
    /// Nothing: they are stored alike.
    Relabels,
    /// A conversion of each.
    Converts,
}

/// What an assignment of values of a type to another does.
pub fn coercion(from: pg_sys::Oid, to: pg_sys::Oid) -> Coercion {
    // SAFETY: look-ups in the system caches, over two types that exist.
    unsafe {
        if pg_sys::IsBinaryCoercible(from, to) {
            Coercion::Relabels
        } else if pg_sys::can_coerce_type(1, &from, &to, pg_sys::CoercionContext::COERCION_ASSIGNMENT) {
            Coercion::Converts
        } else {
            Coercion::None
        }
    }
}

/// How values of a type are stored.
pub(super) struct Layout {
    pub length: i16,
    pub by_value: bool,
    pub align: std::ffi::c_char,
}

impl Layout {
    pub(super) fn of(oid: pg_sys::Oid) -> Self {
        let mut layout = Self { length: 0, by_value: false, align: 0 };
        // SAFETY: a look-up in the system caches, which raises an error when there is no such type.
        unsafe { pg_sys::get_typlenbyvalalign(oid, &mut layout.length, &mut layout.by_value, &mut layout.align) };
        layout
    }
}

/// The number of this cluster, which no other has.
pub fn system_identifier() -> u64 {
    // SAFETY: a plain read of what the server read when it started.
    unsafe { pg_sys::GetSystemIdentifier() }
}

/// An index and its table.
#[derive(Clone, Copy)]
pub struct Index {
    /// Oid of the table.
    pub table: pg_sys::Oid,
    /// Oid of the index.
    pub index: pg_sys::Oid,
}

/// Type of the user's key.
pub struct Key {
    /// Oid of the type.
    pub oid: pg_sys::Oid,
    /// Qualified name, for casts.
    pub name: String,
    /// Qualified operator under which two keys are the same.
    pub eq: String,
    /// Qualified operator under which a key comes after another.
    pub gt: String,
    /// The operator family of the index on the key.
    pub family: pg_sys::Oid,
    /// The type that the family knows the key by.
    pub operand: pg_sys::Oid,
    /// Collation of the key.
    pub collation: pg_sys::Oid,
}

/// How an index compares values of a type with the key that it begins with.
#[derive(Clone, Copy)]
pub struct Comparison {
    /// Type of the values.
    pub type_oid: pg_sys::Oid,
    /// Type of the operator's right side.
    pub operand: pg_sys::Oid,
    /// The operator.
    pub operator: pg_sys::Oid,
}

impl Key {
    /// How an index on the key compares values of a type; `None` when it cannot.
    pub fn comparison(&self, type_oid: pg_sys::Oid) -> Option<Comparison> {
        // SAFETY: look-ups in the system caches.
        let (operand, operator) = unsafe {
            let equal = |right| {
                pg_sys::get_opfamily_member(self.family, self.operand, right, pg_sys::BTEqualStrategyNumber as i16)
            };
            let (base, key) = (pg_sys::getBaseType(type_oid), pg_sys::getBaseType(self.oid));
            if base == key || pg_sys::IsBinaryCoercible(base, self.operand) {
                (self.operand, equal(self.operand))
            } else {
                (base, equal(base))
            }
        };
        (operator != pg_sys::InvalidOid).then_some(Comparison { type_oid, operand, operator })
    }
}

row! {
    /// A relation as its catalogue row describes it.
    pub struct Table {
        /// Oid of the relation.
        pub oid: pg_sys::Oid,
        /// Qualified name, quoted where it has to be.
        pub name: String,
        /// Its own name, as it is.
        pub own_name: String,
        /// Its own name, quoted where it has to be.
        pub own_name_quoted: String,
        /// `r`, `p`, `f` and so on, as pg_class.relkind.
        pub kind: String,
        /// Whether it is temporary, of the system or of this extension.
        pub excluded: bool,
        /// Its owner.
        pub owner: pg_sys::Oid,
        /// Name of its owner.
        pub owner_name: String,
        /// Whether the caller has the role of the owner.
        pub owned: bool,
        /// Whether it is part of a partitioned table.
        pub partition: bool,
        /// Whether it is a child of another table: statements name that too.
        pub child: bool,
    }

    /// A table, or one of its partitions or children.
    pub struct Member {
        /// Oid of the table.
        pub oid: pg_sys::Oid,
        /// Qualified name, quoted where it has to be.
        pub name: String,
        /// As pg_class.relkind.
        pub kind: String,
        /// Whether it is part of a partitioned table.
        pub partition: bool,
    }
}

impl Table {
    /// The relation, which the caller has to own.
    ///
    /// # Errors
    /// [`Error::NotATable`] when there is none; [`Error::NotOwner`].
    pub fn owned(relation: pg_sys::Oid) -> Result<Self, Error> {
        let table = Self::named(relation)?;
        if table.owned { Ok(table) } else { Err(Error::NotOwner { relation: table.name, owner: table.owner_name }) }
    }

    /// The table, which has to be of one of these kinds (letters of pg_class.relkind) and the caller's.
    ///
    /// # Errors
    /// [`Error::NotATable`], [`Error::NotOwner`].
    pub fn of(relation: pg_sys::Oid, kinds: &str) -> Result<Self, Error> {
        let table = Self::named(relation)?;
        if table.excluded || table.partition || !kinds.contains(&table.kind) {
            return Err(Error::NotATable { kind: table.described().into(), relation: table.name });
        }
        if !table.owned {
            return Err(Error::NotOwner { relation: table.name, owner: table.owner_name });
        }
        Ok(table)
    }

    fn named(relation: pg_sys::Oid) -> Result<Self, Error> {
        let table = read::fetch_optional(
            "SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relname::text AS own_name,
                    quote_ident(c.relname) AS own_name_quoted, c.relkind::text AS kind,
                    c.relpersistence = 't' OR n.nspname = ANY (ARRAY['pg_catalog', 'information_schema', $2]) AS excluded,
                    c.relowner AS owner, pg_get_userbyid(c.relowner)::text AS owner_name,
                    pg_has_role(c.relowner, 'USAGE') AS owned, c.relispartition AS partition,
                    EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) AS child
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1",
            &args![relation, OWN_SCHEMA.to_string_lossy().as_ref()],
        )?;
        table.ok_or_else(|| Error::NotATable {
            relation: format!("Oid {}", relation.to_u32()),
            kind: "a relation that does not exist".into(),
        })
    }

    /// What it is, in words.
    fn described(&self) -> &'static str {
        match self.kind.as_str() {
            _ if self.excluded => "a temporary, system or referral table",
            _ if self.partition => "a partition: name the partitioned table that it belongs to",
            "v" => "a view",
            "m" => "a materialized view",
            "i" | "I" => "an index",
            "S" => "a sequence",
            "c" => "a composite type",
            "f" => "a foreign table",
            "p" => "a partitioned table",
            _ => "a relation of another kind",
        }
    }
}

/// A table and all its partitions and children, itself first.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn members(relation: pg_sys::Oid) -> Result<Vec<Member>, Error> {
    read::fetch(
        "WITH RECURSIVE member (relid) AS (
             SELECT $1 UNION SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.relid)
         SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind::text AS kind, c.relispartition AS partition
         FROM member m JOIN pg_class c ON c.oid = m.relid JOIN pg_namespace n ON n.oid = c.relnamespace
         ORDER BY c.oid <> $1, c.oid",
        &args![relation],
    )
}

/// Tells every session that a relation has changed, once this transaction commits.
pub fn announce_change(relation: pg_sys::Oid) {
    // SAFETY: the relation exists: its trigger fired.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
}

thread_local! {
    static ON_CHANGE: Cell<Option<fn(pg_sys::Oid)>> = const { Cell::new(None) };
}

/// Calls `on_change` from now on whenever a relation's definition may have changed; an invalid Oid means any of
/// them. To be called once in a session. `on_change` must neither fail nor allocate.
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

//! Answers read by column name, and lists of rows that become one `unnest`.
//!
//! [`row!`] declares a struct whose fields are the columns of an answer. The columns are found by name, and their types
//! checked, once an answer; then each row is read by number. [`list!`] declares a struct whose fields are the columns of a
//! list: it makes both the `unnest` of a statement and its parameters.

use super::value::{Param, Read};
use crate::error::Error;
use pgrx::prelude::*;
use std::ffi::CStr;

/// The rows that a statement returned, valid while they are read.
pub struct Answer {
    columns: pg_sys::TupleDesc,
}

/// The number of a column of an answer, counted from 0, whose type was checked.
#[derive(Clone, Copy)]
pub struct ColumnIndex(usize);

impl Answer {
    /// # Safety
    /// `columns` describes the rows of the answer that is being read.
    pub(super) unsafe fn new(columns: pg_sys::TupleDesc) -> Self {
        Self { columns }
    }

    fn attributes(&self) -> &[pg_sys::FormData_pg_attribute] {
        // SAFETY: the description is valid while the answer is read, and holds as many attributes as it says.
        unsafe {
            let columns = &*self.columns;
            let length = usize::try_from(columns.natts).unwrap_or(0);
            if length == 0 { &[] } else { std::slice::from_raw_parts(tuple_attribute(self.columns, 0), length) }
        }
    }

    /// The column of a name, which holds values of type `T`. `hint` is where it probably stands.
    ///
    /// # Errors
    /// [`Error::Statement`] when there is no such column, or it is of another type.
    pub fn column<T: Read>(&self, hint: usize, name: &'static str) -> Result<ColumnIndex, Error> {
        let attributes = self.attributes();
        // SAFETY: a name is a C string of fixed length.
        let named =
            |i: &usize| unsafe { CStr::from_ptr(attributes[*i].attname.data.as_ptr()) }.to_bytes() == name.as_bytes();
        let found =
            Some(hint).filter(|i| *i < attributes.len() && named(i)).or_else(|| (0..attributes.len()).find(named));
        let index =
            found.ok_or(Error::Statement { column: name, problem: "is not among the columns of the answer" })?;
        self.checked::<T>(index, name)
    }

    /// The only column, which holds values of type `T`.
    ///
    /// # Errors
    /// [`Error::Statement`] when there are more, or it is of another type.
    pub fn only_column<T: Read>(&self) -> Result<ColumnIndex, Error> {
        match self.attributes() {
            [_] => self.checked::<T>(0, "(the only one)"),
            _ => Err(Error::Statement { column: "(the only one)", problem: "is one of several" }),
        }
    }

    fn checked<T: Read>(&self, index: usize, name: &'static str) -> Result<ColumnIndex, Error> {
        let oid = super::catalog::base_type(self.attributes()[index].atttypid);
        if T::reads(oid) {
            Ok(ColumnIndex(index))
        } else {
            Err(Error::Statement { column: name, problem: "is of a type that it is not read with" })
        }
    }
}

/// The description of a column, counted from 0.
///
/// # Safety
/// `columns` is a description of more columns than `index`.
#[cfg(not(feature = "pg18"))]
pub(super) unsafe fn tuple_attribute(columns: pg_sys::TupleDesc, index: usize) -> *const pg_sys::FormData_pg_attribute {
    // SAFETY: as the caller vouches.
    unsafe { (*columns).attrs.as_ptr().add(index) }
}

/// The description of a column, counted from 0.
///
/// # Safety
/// `columns` is a description of more columns than `index`.
#[cfg(feature = "pg18")]
pub(super) unsafe fn tuple_attribute(columns: pg_sys::TupleDesc, index: usize) -> *const pg_sys::FormData_pg_attribute {
    // SAFETY: as the caller vouches; the attributes follow the compact ones.
    unsafe {
        let compact = (*columns).compact_attrs.as_ptr().add(usize::try_from((*columns).natts).unwrap_or(0));
        compact.cast::<pg_sys::FormData_pg_attribute>().add(index)
    }
}

/// A row of an answer.
pub struct Row {
    pub(super) tuple: pg_sys::HeapTuple,
    pub(super) columns: pg_sys::TupleDesc,
}

impl Row {
    /// The value of a column that was found in the answer of this row.
    ///
    /// # Errors
    /// As [`Read::from_column`].
    pub fn get<T: Read>(&self, column: ColumnIndex) -> Result<T, Error> {
        let mut is_null = false;
        let number = i32::try_from(column.0).unwrap_or(i32::MAX).saturating_add(1);
        // SAFETY: tuple and columns belong to the SPI answer that is being read, and the type of the column was checked.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.columns, number, &mut is_null);
            T::from_column((!is_null).then_some(datum))
        }
    }
}

/// A type that is read from the rows of an answer.
pub trait FromRow: Sized {
    /// The columns that it is read from.
    type Columns;

    /// Finds the columns in an answer.
    ///
    /// # Errors
    /// [`Error::Statement`] when one is missing or of another type.
    fn find(answer: &Answer) -> Result<Self::Columns, Error>;

    /// Reads a row.
    ///
    /// # Errors
    /// As [`Row::get`].
    fn read(row: &Row, columns: &Self::Columns) -> Result<Self, Error>;
}

/// A row of one column.
pub struct Single<T>(pub T);

impl<T: Read> FromRow for Single<T> {
    type Columns = ColumnIndex;

    fn find(answer: &Answer) -> Result<ColumnIndex, Error> {
        answer.only_column::<T>()
    }

    fn read(row: &Row, column: &ColumnIndex) -> Result<Self, Error> {
        row.get(*column).map(Self)
    }
}

/// A row of which nothing is read.
pub struct Ignored;

impl FromRow for Ignored {
    type Columns = ();

    fn find(_: &Answer) -> Result<(), Error> {
        Ok(())
    }

    fn read(_: &Row, _: &()) -> Result<Self, Error> {
        Ok(Self)
    }
}

/// Declares structs that are read from answers: each field is the column of its name.
macro_rules! row {
    ($(
        $(#[$about:meta])*
        $visible:vis struct $name:ident {
            $($(#[$about_field:meta])* $field_visible:vis $field:ident: $type:ty),+ $(,)?
        }
    )+) => { $(
        $(#[$about])*
        $visible struct $name {
            $($(#[$about_field])* $field_visible $field: $type),+
        }

        impl $crate::pg::row::FromRow for $name {
            type Columns = [$crate::pg::row::ColumnIndex; [$(stringify!($field)),+].len()];

            fn find(answer: &$crate::pg::row::Answer) -> Result<Self::Columns, $crate::error::Error> {
                let mut place = 0..;
                Ok([$(answer.column::<$type>(place.next().unwrap_or(0), stringify!($field))?),+])
            }

            fn read(row: &$crate::pg::row::Row, columns: &Self::Columns) -> Result<Self, $crate::error::Error> {
                let [$($field),+] = *columns;
                Ok(Self { $($field: row.get($field)?),+ })
            }
        }
    )+ };
}
pub(crate) use row;

/// A type whose values become the rows of an `unnest`.
pub trait ListRow: Sized {
    /// The names of the columns.
    const COLUMNS: &'static [&'static str];

    /// The rows as parameters: an array a column.
    fn into_params(rows: Vec<Self>) -> Vec<Param>;
}

/// The text `unnest($n, ...) AS alias (columns)` whose first parameter is number `first`.
pub fn unnest(columns: &[&str], alias: &str, first: usize) -> String {
    let params: Vec<String> = (first..first + columns.len()).map(|n| format!("${n}")).collect();
    format!("unnest({}) AS {alias} ({})", params.join(", "), columns.join(", "))
}

/// Declares structs whose values become the rows of an `unnest`: each field is the column of its name.
macro_rules! list {
    ($(
        $(#[$about:meta])*
        $visible:vis struct $name:ident $(<$life:lifetime>)? {
            $($(#[$about_field:meta])* $field_visible:vis $field:ident: $type:ty),+ $(,)?
        }
    )+) => { $(
        $(#[$about])*
        $visible struct $name $(<$life>)? {
            $($(#[$about_field])* $field_visible $field: $type),+
        }

        impl $(<$life>)? $crate::pg::row::ListRow for $name $(<$life>)? {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn into_params(rows: Vec<Self>) -> Vec<$crate::pg::Param> {
                $(let mut $field: Vec<$type> = Vec::with_capacity(rows.len());)+
                for row in rows {
                    $($field.push(row.$field);)+
                }
                vec![$($crate::pg::arg($field)),+]
            }
        }
    )+ };
}
pub(crate) use list;

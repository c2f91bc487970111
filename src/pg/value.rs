//! The Rust types that a statement binds and returns.
//!
//! [`Value`] is the one trait for both directions: a decimal is a `numeric`, a unit and every text enum a `text`, a
//! [`Timestamp`] a `timestamptz`, an id an `integer` or a `bigint`. `Option` stands for null, `Vec` for an array.

use super::memory::copy_text;
use super::{c_string, catalog};
use crate::error::Error;
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Interval as PgInterval;
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum};
use referral_core::amount::{Decimal, Unit, parse_amount};
use referral_core::balance::LineKind;
use referral_core::bounds::{LONGEST_ARGUMENT, LONGEST_ROW_ID, LONGEST_RULE};
use referral_core::feed::FeedKind;
use referral_core::id::{
    CreditId, EventId, GoalId, GoalVersionId, InviteId, ProgramId, ReferralId, SourceId, SpendId, UserKey,
};
use referral_core::ledger::CompletionState;
use referral_core::redemption::Status;
use referral_core::rule::Side;
use referral_core::source::{OnDelete, Phase, SourceKind};
use referral_core::spend::{SpendState, SpendStatus};
use referral_core::text::TextEnum;
use referral_core::time::{Interval, Timestamp};
use std::ffi::CStr;

/// A Rust type that stands for one PostgreSQL type, without null.
pub trait Value: Sized {
    /// The type under which a value is bound.
    fn type_oid() -> pg_sys::Oid;

    /// Whether a column of this type can be read. Domains come as the type that they stand on.
    fn reads(oid: pg_sys::Oid) -> bool {
        oid == Self::type_oid()
    }

    /// The value as PostgreSQL passes it.
    fn into_value(self) -> pg_sys::Datum;

    /// The value that PostgreSQL passed.
    ///
    /// # Errors
    /// [`Error::Server`] when the value is outside what the Rust type holds.
    ///
    /// # Safety
    /// `datum` is a value of a type that [`Value::reads`] accepts.
    unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error>;
}

/// A Rust type that a placeholder takes: a [`Value`], or an `Option` of one, where `None` is null.
pub trait Bind {
    /// The type of the placeholder.
    fn oid() -> pg_sys::Oid;
    /// The value as PostgreSQL passes it.
    fn into_bound(self) -> Option<pg_sys::Datum>;
}

impl<T: Value> Bind for T {
    fn oid() -> pg_sys::Oid {
        T::type_oid()
    }

    fn into_bound(self) -> Option<pg_sys::Datum> {
        Some(self.into_value())
    }
}

impl<T: Value> Bind for Option<T> {
    fn oid() -> pg_sys::Oid {
        T::type_oid()
    }

    fn into_bound(self) -> Option<pg_sys::Datum> {
        self.map(T::into_value)
    }
}

/// A Rust type that a column is read into: a [`Value`], or an `Option` of one, where `None` is null.
pub trait Read: Sized {
    /// Whether a column of this type can be read.
    fn reads(oid: pg_sys::Oid) -> bool;

    /// The value of a column.
    ///
    /// # Errors
    /// [`Error::Server`] for a null where the type has none; otherwise as [`Value::from_value`].
    ///
    /// # Safety
    /// `datum` is a value of a type that [`Read::reads`] accepts.
    unsafe fn from_column(datum: Option<pg_sys::Datum>) -> Result<Self, Error>;
}

impl<T: Value> Read for T {
    fn reads(oid: pg_sys::Oid) -> bool {
        <T as Value>::reads(oid)
    }

    unsafe fn from_column(datum: Option<pg_sys::Datum>) -> Result<Self, Error> {
        let datum = datum.ok_or(Error::Server("a column that is never null was null"))?;
        // SAFETY: as the caller vouches.
        unsafe { T::from_value(datum) }
    }
}

impl<T: Value> Read for Option<T> {
    fn reads(oid: pg_sys::Oid) -> bool {
        <T as Value>::reads(oid)
    }

    unsafe fn from_column(datum: Option<pg_sys::Datum>) -> Result<Self, Error> {
        // SAFETY: as the caller vouches.
        datum.map(|datum| unsafe { T::from_value(datum) }).transpose()
    }
}

/// A value for a placeholder.
pub struct Param {
    pub(super) oid: pg_sys::Oid,
    pub(super) datum: Option<pg_sys::Datum>,
}

/// Makes a value for a placeholder; `None` is null.
pub fn arg<T: Bind>(value: T) -> Param {
    Param { oid: T::oid(), datum: value.into_bound() }
}

/// Values that pgrx converts already.
macro_rules! by_pgrx {
    ($($rust:ty => $oid:expr),* $(,)?) => { $(
        impl Value for $rust {
            fn type_oid() -> pg_sys::Oid {
                $oid
            }

            fn into_value(self) -> pg_sys::Datum {
                self.into_datum().unwrap_or(pg_sys::Datum::null())
            }

            unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
                // SAFETY: as the caller vouches; the value is not null.
                unsafe { Self::from_datum(datum, false) }.ok_or(Error::Server("a value is none of its type"))
            }
        }
    )* };
}

by_pgrx! {
    bool => pg_sys::BOOLOID,
    i16 => pg_sys::INT2OID,
    i32 => pg_sys::INT4OID,
    i64 => pg_sys::INT8OID,
    PgInterval => pg_sys::INTERVALOID,
}

impl Value for pg_sys::Oid {
    fn type_oid() -> pg_sys::Oid {
        pg_sys::OIDOID
    }

    fn reads(oid: pg_sys::Oid) -> bool {
        [pg_sys::OIDOID, pg_sys::REGCLASSOID, pg_sys::REGTYPEOID, pg_sys::REGROLEOID].contains(&oid)
    }

    fn into_value(self) -> pg_sys::Datum {
        pg_sys::Datum::from(self)
    }

    unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
        // SAFETY: as the caller vouches.
        unsafe { Self::from_datum(datum, false) }.ok_or(Error::Server("a value is none of its type"))
    }
}

impl Value for String {
    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }

    fn into_value(self) -> pg_sys::Datum {
        self.as_str().into_value()
    }

    unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
        // SAFETY: as the caller vouches; the text that is borrowed is copied before anything else happens.
        let text = unsafe { <&str>::from_datum(datum, false) }.ok_or(Error::Server("a text is not UTF-8"))?;
        copy_text(text)
    }
}

/// A borrowed text can be bound only.
impl Value for &str {
    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }

    fn reads(_: pg_sys::Oid) -> bool {
        false
    }

    fn into_value(self) -> pg_sys::Datum {
        self.into_datum().unwrap_or(pg_sys::Datum::null())
    }

    unsafe fn from_value(_: pg_sys::Datum) -> Result<Self, Error> {
        Err(Error::Server("a borrowed text is not read"))
    }
}

impl Value for Timestamp {
    fn type_oid() -> pg_sys::Oid {
        pg_sys::TIMESTAMPTZOID
    }

    fn into_value(self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.0)
    }

    unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
        // SAFETY: a timestamptz is an int8 that counts microseconds; the caller vouches for the type.
        unsafe { i64::from_value(datum) }.map(Self)
    }
}

/// An interval in which a day has 24 hours.
impl Value for Interval {
    fn type_oid() -> pg_sys::Oid {
        pg_sys::INTERVALOID
    }

    fn into_value(self) -> pg_sys::Datum {
        PgInterval::new(self.months, 0, self.micros).map_or(pg_sys::Datum::null(), Value::into_value)
    }

    unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
        // SAFETY: as the caller vouches.
        unsafe { PgInterval::from_value(datum) }.map(interval)
    }
}

/// An interval of PostgreSQL, whose days have 24 hours here; the longest that there is for one that would be longer.
pub fn interval(interval: PgInterval) -> Interval {
    let days = i64::from(interval.days()).saturating_mul(86_400_000_000);
    Interval { months: interval.months(), micros: days.saturating_add(interval.micros()) }
}

/// Values that are stored as another one.
macro_rules! stored_as {
    ($($rust:ty: $stored:ty, $into:expr, $from:expr);* $(;)?) => { $(
        impl Value for $rust {
            fn type_oid() -> pg_sys::Oid {
                <$stored as Value>::type_oid()
            }

            fn into_value(self) -> pg_sys::Datum {
                let into: fn(Self) -> $stored = $into;
                into(self).into_value()
            }

            unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
                let from: fn($stored) -> Result<Self, Error> = $from;
                // SAFETY: as the caller vouches.
                unsafe { <$stored as Value>::from_value(datum) }.and_then(from)
            }
        }
    )* };
}

stored_as! {
    ReferralId: i64, |id| id.0, |id| Ok(Self(id));
    InviteId: i64, |id| id.0, |id| Ok(Self(id));
    CreditId: i64, |id| id.0, |id| Ok(Self(id));
    SpendId: i64, |id| id.0, |id| Ok(Self(id));
    EventId: i64, |id| id.0, |id| Ok(Self(id));
    GoalId: i32, |id| id.0, |id| Ok(Self(id));
    GoalVersionId: i32, |id| id.0, |id| Ok(Self(id));
    ProgramId: i32, |id| id.0, |id| Ok(Self(id));
    SourceId: i32, |id| id.0, |id| Ok(Self(id));
    UserKey: String, UserKey::into_string, |text| Ok(Self::from(text));
    Unit: String, |unit| unit.to_string(), |text| Self::parse(&text).map_err(|_| Error::Server("a unit cannot be read"));
}

/// A text enum is stored as its text.
macro_rules! text_enums {
    ($($rust:ty),* $(,)?) => { $(
        impl Value for $rust {
            fn type_oid() -> pg_sys::Oid {
                pg_sys::TEXTOID
            }

            fn into_value(self) -> pg_sys::Datum {
                self.as_str().into_value()
            }

            unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
                // SAFETY: as the caller vouches.
                let text = unsafe { String::from_value(datum) }?;
                Self::parse(&text).ok_or(Error::Server(concat!("a text is no ", stringify!($rust))))
            }
        }
    )* };
}

text_enums!(Side, LineKind, CompletionState, Status, SpendState, SpendStatus, FeedKind, SourceKind, OnDelete, Phase);

/// The digits of a `numeric` as `numeric_send` writes them and `numeric_recv` reads them: their number, the power of
/// 10,000 of the first, the sign and the decimals, then each digit, to the base of 10,000. All are big-endian.
mod wire {
    use referral_core::amount::Decimal;

    const BASE: u128 = 10_000;
    const NEGATIVE: u16 = 0x4000;

    /// A decimal in wire format.
    pub fn write(amount: Decimal) -> Vec<u8> {
        let scale = amount.scale();
        let padded = scale.div_ceil(4);
        let mut rest = amount.mantissa().unsigned_abs() * 10u128.pow(padded * 4 - scale);
        let mut digits = Vec::with_capacity(10);
        while rest > 0 {
            digits.push((rest % BASE) as u16);
            rest /= BASE;
        }
        let count = digits.len() as i16;
        let sign = if amount.is_sign_negative() && !digits.is_empty() { NEGATIVE } else { 0 };
        let mut bytes = Vec::with_capacity(8 + digits.len() * 2);
        bytes.extend(count.to_be_bytes());
        bytes.extend((count - 1 - padded as i16).to_be_bytes());
        bytes.extend(sign.to_be_bytes());
        bytes.extend((scale as i16).to_be_bytes());
        bytes.extend(digits.iter().rev().flat_map(|digit| digit.to_be_bytes()));
        bytes
    }

    /// A decimal from wire format; `None` when it is not finite or has more digits than a decimal holds.
    pub fn read(bytes: &[u8]) -> Option<Decimal> {
        let word = |i: usize| Some(u16::from_be_bytes(bytes.get(2 * i..2 * i + 2)?.try_into().ok()?));
        let (count, weight, sign, scale) = (word(0)?, i32::from(word(1)? as i16), word(2)?, u32::from(word(3)?));
        if !matches!(sign, 0 | NEGATIVE) || scale > Decimal::MAX_SCALE {
            return None;
        }
        let mut mantissa: i128 = 0;
        for digit in 0..count {
            mantissa = mantissa.checked_mul(10_000)?.checked_add(i128::from(word(4 + usize::from(digit))?))?;
        }
        // The decimals behind the last digit, which may be more or fewer than those of the number.
        let behind = 4 * (i32::from(count) - 1 - weight);
        let shift = i32::try_from(scale).ok()? - behind;
        let power = 10i128.checked_pow(shift.unsigned_abs())?;
        let mantissa = if shift >= 0 { mantissa.checked_mul(power)? } else { mantissa / power };
        Decimal::try_from_i128_with_scale(if sign == NEGATIVE { -mantissa } else { mantissa }, scale).ok()
    }
}

/// An exact decimal of at most 28 digits.
impl Value for Decimal {
    fn type_oid() -> pg_sys::Oid {
        pg_sys::NUMERICOID
    }

    fn into_value(self) -> pg_sys::Datum {
        let mut bytes = wire::write(self);
        let mut buffer = pg_sys::StringInfoData {
            data: bytes.as_mut_ptr().cast(),
            len: bytes.len() as i32,
            maxlen: bytes.len() as i32,
            cursor: 0,
        };
        // SAFETY: numeric_recv reads the buffer, which outlives the call, and copies what it needs.
        unsafe { pg_sys::OidReceiveFunctionCall(catalog::NUMERIC_RECV, &mut buffer, pg_sys::InvalidOid, -1) }
    }

    unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
        // SAFETY: as the caller vouches.
        unsafe { SiteAmount::from_value(datum) }?.0.map_err(|_| Error::Server("an amount of the ledger cannot be read"))
    }
}

/// An amount that a table of the site holds, or an argument: exact, or a sentence that says why it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteAmount(pub Result<Decimal, BadAmount>);

/// An amount that no decimal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAmount {
    /// The amount as PostgreSQL prints it.
    pub printed: String,
    /// A sentence that says what is wrong with it.
    pub problem: String,
}

impl Value for SiteAmount {
    fn type_oid() -> pg_sys::Oid {
        pg_sys::NUMERICOID
    }

    fn into_value(self) -> pg_sys::Datum {
        self.0.map_or(pg_sys::Datum::null(), Decimal::into_value)
    }

    unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
        // SAFETY: the caller vouches for the type; the function returns a bytea of its own.
        let read = unsafe {
            let bytes = pg_sys::OidSendFunctionCall(catalog::NUMERIC_SEND, datum);
            wire::read(pgrx::varlena::varlena_to_byte_slice(bytes))
        };
        if let Some(amount) = read {
            return Ok(Self(Ok(amount)));
        }
        // SAFETY: as the caller vouches.
        let printed = unsafe { print(catalog::NUMERIC_OUT, datum) };
        Ok(Self(parse_amount(&printed).map_err(|problem| BadAmount { printed, problem })))
    }
}

/// An array, of one dimension; its elements may be null where the Rust type has a `None`.
impl<T: Bind + Read> Value for Vec<T> {
    fn type_oid() -> pg_sys::Oid {
        // SAFETY: a look-up in the system caches.
        unsafe { pg_sys::get_array_type(T::oid()) }
    }

    fn reads(oid: pg_sys::Oid) -> bool {
        // SAFETY: a look-up in the system caches.
        let element = unsafe { pg_sys::get_element_type(oid) };
        element != pg_sys::InvalidOid && <T as Read>::reads(element)
    }

    fn into_value(self) -> pg_sys::Datum {
        let bound: Vec<Option<pg_sys::Datum>> = self.into_iter().map(T::into_bound).collect();
        let mut values: Vec<pg_sys::Datum> = bound.iter().map(|d| d.unwrap_or(pg_sys::Datum::null())).collect();
        let mut nulls: Vec<bool> = bound.iter().map(Option::is_none).collect();
        let (mut length, mut first) = (values.len() as i32, 1);
        let layout = catalog::Layout::of(T::oid());
        // SAFETY: values and nulls are as many as the length says, of the type whose layout this is; the array copies them.
        unsafe {
            let array = if length == 0 {
                pg_sys::construct_empty_array(T::oid())
            } else {
                pg_sys::construct_md_array(
                    values.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                    1,
                    &mut length,
                    &mut first,
                    T::oid(),
                    i32::from(layout.length),
                    layout.by_value,
                    layout.align,
                )
            };
            pg_sys::Datum::from(array)
        }
    }

    unsafe fn from_value(datum: pg_sys::Datum) -> Result<Self, Error> {
        let (mut values, mut nulls, mut length) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        // SAFETY: the caller vouches that this is an array; its elements live in the current memory context.
        unsafe {
            let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
            let element = (*array).elemtype;
            let layout = catalog::Layout::of(element);
            pg_sys::deconstruct_array(
                array,
                element,
                i32::from(layout.length),
                layout.by_value,
                layout.align,
                &mut values,
                &mut nulls,
                &mut length,
            );
            (0..usize::try_from(length).unwrap_or(0))
                .map(|i| T::from_column((!*nulls.add(i)).then(|| *values.add(i))))
                .collect()
        }
    }
}

/// A value of a column as text, as SQL would cast it.
///
/// # Safety
/// `value` is of the type whose output function this is.
pub(super) unsafe fn print(output: pg_sys::Oid, value: pg_sys::Datum) -> String {
    // SAFETY: as the caller vouches; the text is copied.
    unsafe { CStr::from_ptr(pg_sys::OidOutputFunctionCall(output, value)) }.to_string_lossy().into_owned()
}

/// A key of the users table as an argument or a result of a function, of whatever type the key is.
pub struct KeyArgument {
    /// The key as text.
    pub key: UserKey,
    /// Its type.
    pub type_oid: pg_sys::Oid,
}

pgrx::impl_sql_translatable!(KeyArgument, "text");

impl FromDatum for KeyArgument {
    const GET_TYPOID: bool = true;

    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches for the type; the look-up raises an error when there is none.
        unsafe {
            pg_sys::getTypeOutputInfo(oid, &mut output, &mut varlena);
            if varlena {
                let length = text_length(datum);
                if length > LONGEST_ROW_ID {
                    Error::TooLong { argument: "The key of a user", length, most: LONGEST_ROW_ID }.raise();
                }
            }
            Some(Self { key: print(output, datum).into(), type_oid: oid })
        }
    }
}

// SAFETY: converted by its type's own output function.
unsafe impl<'fcx> ArgAbi<'fcx> for KeyArgument {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as the caller vouches; a null argument is an Option's `None` before it gets here.
        unsafe { arg.unbox_arg_using_from_datum() }
            .unwrap_or(Self { key: UserKey::default(), type_oid: pg_sys::InvalidOid })
    }
}

impl IntoDatum for KeyArgument {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let (mut input, mut parameter) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        let mut text = c_string(self.key.as_str()).into_bytes_with_nul();
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
unsafe impl BoxRet for KeyArgument {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: the value is of the type that the function returns.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

pgrx::impl_sql_translatable!(SiteAmount, "numeric");

impl FromDatum for SiteAmount {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the caller vouches that this is a numeric.
        if is_null { None } else { unsafe { Self::from_value(datum) }.ok() }
    }
}

// SAFETY: a numeric, converted as the values of statements are.
unsafe impl<'fcx> ArgAbi<'fcx> for SiteAmount {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        let none = || BadAmount { printed: String::new(), problem: String::new() };
        // SAFETY: as the caller vouches; a null argument is an Option's `None` before it gets here.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Self(Err(none())))
    }
}

/// An amount as a result of a function.
pub struct AmountResult(pub Decimal);

pgrx::impl_sql_translatable!(AmountResult, "numeric");

impl IntoDatum for AmountResult {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0.into_value())
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::NUMERICOID
    }
}

// SAFETY: a numeric, converted as the values of statements are.
unsafe impl BoxRet for AmountResult {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        // SAFETY: the value is a numeric, as the function returns.
        unsafe { fcinfo.return_raw_datum(self.0.into_value()) }
    }
}

/// A text as an argument of a function. One of more than [`LONGEST_ARGUMENT`] bytes is refused before it is copied or even
/// decompressed.
pub struct Text(pub String);

/// A code that somebody typed, as an argument of a function. Of one of more than [`LONGEST_ARGUMENT`] bytes the beginning is
/// read, which is too long for a code.
pub struct TypedCode(pub String);

pgrx::impl_sql_translatable!(Text, arg_only = "text");
pgrx::impl_sql_translatable!(TypedCode, arg_only = "text");

/// The length of a text in bytes.
///
/// # Safety
/// `datum` is a text.
unsafe fn text_length(datum: pg_sys::Datum) -> usize {
    // SAFETY: as the caller vouches; the text is not decompressed.
    unsafe { pg_sys::toast_raw_datum_size(datum) }.saturating_sub(pg_sys::VARHDRSZ)
}

impl FromDatum for Text {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches that this is a text.
        let length = unsafe { text_length(datum) };
        if length > LONGEST_ARGUMENT {
            Error::TooLong { argument: "A text argument", length, most: LONGEST_ARGUMENT }.raise();
        }
        // SAFETY: as above.
        unsafe { String::from_polymorphic_datum(datum, is_null, oid) }.map(Self)
    }
}

impl FromDatum for TypedCode {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches that this is a text; its beginning is whole characters.
        unsafe {
            if text_length(datum) <= LONGEST_ARGUMENT {
                return String::from_polymorphic_datum(datum, is_null, oid).map(Self);
            }
            let start = pg_sys::pg_detoast_datum_slice(datum.cast_mut_ptr(), 0, LONGEST_ARGUMENT as i32);
            Some(Self(String::from_utf8_lossy(pgrx::varlena::varlena_to_byte_slice(start)).into_owned()))
        }
    }
}

/// An array of texts as an argument of a function, of at most [`LONGEST_ARGUMENT`] bytes.
pub struct Texts(pub Vec<Option<String>>);

pgrx::impl_sql_translatable!(Texts, arg_only = "text[]");

impl FromDatum for Texts {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches that this is an array of texts; its size is read like that of a text.
        let length = unsafe { text_length(datum) };
        if length > LONGEST_ARGUMENT {
            Error::TooLong { argument: "An array argument", length, most: LONGEST_ARGUMENT }.raise();
        }
        // SAFETY: as above.
        unsafe { Vec::from_polymorphic_datum(datum, is_null, oid) }.map(Self)
    }
}

// SAFETY: an array of texts, copied.
unsafe impl<'fcx> ArgAbi<'fcx> for Texts {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as the caller vouches; a null argument is an Option's `None` before it gets here.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Self(Vec::new()))
    }
}

/// Arguments that are read as `text`.
macro_rules! text_arguments {
    ($($name:ident),*) => { $(
        // SAFETY: a text, copied.
        unsafe impl<'fcx> ArgAbi<'fcx> for $name {
            unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
                // SAFETY: as the caller vouches; a null argument is an Option's `None` before it gets here.
                unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Self(String::new()))
            }
        }
    )* };
}

text_arguments!(Text, TypedCode);

/// A document of `jsonb` as an argument: its text, of at most [`LONGEST_RULE`] bytes, or how long it is.
pub struct Document(pub Result<String, usize>);

pgrx::impl_sql_translatable!(Document, arg_only = "jsonb");

impl FromDatum for Document {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches that this is a jsonb. One that is too long is neither decompressed nor printed.
        let stored = unsafe { pg_sys::toast_raw_datum_size(datum) };
        if stored > LONGEST_RULE {
            return Some(Self(Err(stored)));
        }
        // SAFETY: as above.
        let text = unsafe { print(catalog::JSONB_OUT, datum) };
        Some(Self(if text.len() > LONGEST_RULE { Err(text.len()) } else { Ok(text) }))
    }
}

// SAFETY: a jsonb, printed by its own output function.
unsafe impl<'fcx> ArgAbi<'fcx> for Document {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as the caller vouches; a null argument is an Option's `None` before it gets here.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Self(Ok(String::new())))
    }
}

/// Arguments that are an Oid under another name.
macro_rules! oid_arguments {
    ($($(#[$meta:meta])* $name:ident => $sql:literal),* $(,)?) => { $(
        $(#[$meta])*
        pub struct $name(pub pg_sys::Oid);

        pgrx::impl_sql_translatable!($name, arg_only = $sql);

        // SAFETY: the SQL type is an Oid.
        unsafe impl<'fcx> ArgAbi<'fcx> for $name {
            unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
                // SAFETY: as the caller vouches.
                Self(unsafe { pg_sys::Oid::unbox_arg_unchecked(arg) })
            }
        }
    )* };
}

oid_arguments! {
    /// A table, as SQL's `regclass`. It is not opened.
    Relation => "regclass",
    /// A role, as SQL's `regrole`.
    Role => "regrole",
    /// A type, as SQL's `regtype`.
    Type => "regtype",
}

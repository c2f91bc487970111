//! Numbers of a sequence, drawn without a trace in the session: `lastval()` stays the application's.
//!
//! PostgreSQL's `nextval`, and an identity column with it, makes its sequence the one that `lastval()` is about, and nothing
//! makes it another again. `setval` does not. So the next number is read and set, under a lock of the sequence's page that is
//! held for these two alone.

use super::transaction::require_read_write;
use super::{args, read};
use crate::error::Error;
use pgrx::prelude::*;
use pgrx::{IntoDatum, direct_function_call, pg_func_extra};

/// How many numbers a statement draws one by one, and how many at once from then on.
const AT_ONCE: i64 = 32;

/// What a statement has drawn and not used yet. It is kept where the statement calls from, and is lost with it.
#[derive(Default)]
struct Drawn {
    sequence: pg_sys::Oid,
    next: i64,
    left: i64,
    used: i64,
}

/// The next number of a sequence that counts by one. A statement that asks often draws several at once, and those that it
/// does not use are lost.
///
/// # Errors
/// PostgreSQL's unwind: 42809 not a sequence, 42501 no right to it, 22003 its last number is drawn, 25006 read-only.
pub fn next(sequence: pg_sys::Oid, call: pg_sys::FunctionCallInfo) -> Result<i64, Error> {
    // SAFETY: what is kept belongs to this function alone, and lives as long as the call's FmgrInfo.
    let mut drawn = unsafe { pg_func_extra(call, Drawn::default) };
    if drawn.sequence != sequence {
        *drawn = Drawn { sequence, ..Drawn::default() };
    }
    if drawn.left == 0 {
        let count = if drawn.used < AT_ONCE { 1 } else { AT_ONCE };
        (drawn.next, drawn.left) = (draw(sequence, count)?, count);
    }
    let number = drawn.next;
    drawn.next += 1;
    drawn.left -= 1;
    drawn.used += 1;
    Ok(number)
}

/// Draws so many numbers that follow each other, one at least, of a sequence that counts by one. Returns the first.
///
/// # Errors
/// As [`next`].
pub fn draw(sequence: pg_sys::Oid, count: i64) -> Result<i64, Error> {
    require_read_write(c"next_id()");
    // SAFETY: a look-up in the system caches.
    if unsafe { pg_sys::get_rel_relkind(sequence) } == 0 {
        return Err(Error::NotASequence { oid: sequence.to_u32() });
    }
    // SAFETY: the functions of PostgreSQL's get the arguments that they take; the first of them refuses what is no sequence.
    // The relation is locked before its page, so that nobody waits for it while they hold the page. An error unlocks both
    // with the subtransaction that it ends.
    unsafe {
        let relation = pg_sys::relation_open(sequence, pg_sys::RowExclusiveLock as i32);
        pg_sys::LockPage(relation, 0, pg_sys::ExclusiveLock as i32);
        let last = direct_function_call::<i64>(pg_sys::pg_sequence_last_value, &[sequence.into_datum()]);
        let first = match last {
            Some(last) => last.saturating_add(1),
            None => uncalled(sequence)?,
        };
        let highest = first.saturating_add(count - 1);
        direct_function_call::<()>(pg_sys::setval_oid, &[sequence.into_datum(), highest.into_datum()]);
        pg_sys::UnlockPage(relation, 0, pg_sys::ExclusiveLock as i32);
        pg_sys::relation_close(relation, pg_sys::NoLock as i32);
        Ok(first)
    }
}

/// The first number of a sequence that has not been called.
fn uncalled(sequence: pg_sys::Oid) -> Result<i64, Error> {
    let name: String = read::value(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = $1",
        &args![sequence],
    )?;
    read::value(&format!("SELECT last_value FROM {name}"), &[])
}

//! A time within which something has to end that somebody else's statement waits for.
//!
//! A trigger that is slow would otherwise reach the statement_timeout of the application, and end its statement. It is given
//! half of what is left: then there is time to record that it did not end.

use crate::error::Error;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::{c_int, c_uint};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The reasons of timeouts in utils/timeout.h, which are the same in every version up to these.
const STATEMENT_TIMEOUT: c_uint = 3;

/// The first reason that an extension may have.
#[cfg(any(feature = "pg15", feature = "pg16"))]
const USER_TIMEOUT: c_uint = 12;
#[cfg(any(feature = "pg17", feature = "pg18"))]
const USER_TIMEOUT: c_uint = 13;

unsafe extern "C-unwind" {
    fn RegisterTimeout(id: c_uint, handler: extern "C-unwind" fn()) -> c_uint;
    fn enable_timeout_after(id: c_uint, delay_ms: c_int);
    fn disable_timeout(id: c_uint, keep_indicator: bool);
    fn get_timeout_active(id: c_uint) -> bool;
    fn get_timeout_finish_time(id: c_uint) -> pg_sys::TimestampTz;
}

/// What became of the budget of this session.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// There is none.
    None,
    /// It is being used; it and the statement end then.
    Given { milliseconds: i32, statement_ends: pg_sys::TimestampTz },
    /// It is used up.
    Over { milliseconds: i32 },
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::None) };
    static TIMEOUT: Cell<Option<c_uint>> = const { Cell::new(None) };
}

/// Whether the signal came.
static FIRED: AtomicBool = AtomicBool::new(false);

/// Asks for what a cancelled statement does. In a signal handler: flags are all that it may touch.
extern "C-unwind" fn fire() {
    FIRED.store(true, Relaxed);
    // SAFETY: flags for signal handlers.
    unsafe {
        pg_sys::QueryCancelPending = 1;
        pg_sys::InterruptPending = 1;
    }
}

/// Runs `f` within half of what is left of the session's statement_timeout; without one it takes as long as it takes. What
/// is caught inside `f` after that is [`Error::OutOfTime`].
pub fn within_budget<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: plain reads of the session's timeouts.
    let (limited, ends) =
        unsafe { (get_timeout_active(STATEMENT_TIMEOUT), get_timeout_finish_time(STATEMENT_TIMEOUT)) };
    if !limited || STATE.get() != State::None {
        return f();
    }
    // SAFETY: a plain call.
    let left = ends.saturating_sub(unsafe { pg_sys::GetCurrentTimestamp() });
    let milliseconds = i32::try_from(left / 2000).unwrap_or(i32::MAX).max(1);
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            end();
        }
    }
    begin(milliseconds, ends);
    let _end = End;
    f()
}

fn begin(milliseconds: i32, statement_ends: pg_sys::TimestampTz) {
    // SAFETY: the reason is registered once in a session, and its handler lives as long as this library.
    unsafe {
        let timeout = TIMEOUT.get().unwrap_or_else(|| RegisterTimeout(USER_TIMEOUT, fire));
        TIMEOUT.set(Some(timeout));
        FIRED.store(false, Relaxed);
        STATE.set(State::Given { milliseconds, statement_ends });
        enable_timeout_after(timeout, milliseconds);
    }
}

fn end() {
    STATE.set(State::None);
    if let Some(timeout) = TIMEOUT.get() {
        // SAFETY: the reason was registered.
        unsafe { disable_timeout(timeout, false) };
    }
    if FIRED.swap(false, Relaxed) {
        // It came so late that nothing looked at it. One that the client sent at this moment is lost with it.
        // SAFETY: a flag of this session.
        unsafe { pg_sys::QueryCancelPending = 0 };
    }
}

/// Whether the statement that was just cancelled was cancelled by the budget, and is not over itself. From then on the budget
/// is over.
pub(super) fn has_run_out() -> Option<Error> {
    let State::Given { milliseconds, statement_ends } = STATE.get() else { return None };
    // SAFETY: a plain call.
    if !FIRED.swap(false, Relaxed) || unsafe { pg_sys::GetCurrentTimestamp() } >= statement_ends {
        return None;
    }
    STATE.set(State::Over { milliseconds });
    Some(Error::OutOfTime { milliseconds })
}

/// Refuses to begin once the budget is over.
///
/// # Errors
/// [`Error::OutOfTime`].
pub fn check() -> Result<(), Error> {
    match STATE.get() {
        State::Over { milliseconds } => Err(Error::OutOfTime { milliseconds }),
        _ => Ok(()),
    }
}

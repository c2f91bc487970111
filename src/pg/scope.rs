//! Settings, roles and memory for the length of a call. All are undone at its end, also when it fails.

use pgrx::PgMemoryContexts;
use pgrx::prelude::*;
use std::ffi::CStr;

/// A setting and its value.
type Setting<'a> = (&'a CStr, &'a CStr);

/// The path under which all SQL of this crate is parsed, and how names are printed in it: nothing of the caller's is used.
const PATH: [Setting; 2] = [(c"search_path", c"pg_catalog, pg_temp"), (c"quote_all_identifiers", c"off")];

/// How plans are made: those that are kept from when a table was empty must not scan it when it has grown.
pub(super) const PLANNER: [Setting; 4] =
    [(c"enable_seqscan", c"off"), (c"enable_hashjoin", c"off"), (c"enable_mergejoin", c"off"), (c"jit", c"off")];

/// What makes the text of a value the same in every session.
const TEXT: [Setting; 4] = [
    (c"DateStyle", c"ISO, MDY"),
    (c"IntervalStyle", c"postgres"),
    (c"bytea_output", c"hex"),
    (c"extra_float_digits", c"1"),
];

/// Runs `f` under this crate's search path and, when a role is given, with that role's rights.
pub fn with_safe_path_as<R>(role: Option<pg_sys::Oid>, f: impl FnOnce() -> R) -> R {
    with_settings(PATH, || match role {
        Some(role) => acting_as(role, f),
        None => f(),
    })
}

/// Runs `f` under this crate's search path, with the rights of whoever calls.
pub fn with_safe_path<R>(f: impl FnOnce() -> R) -> R {
    with_safe_path_as(None, f)
}

/// How long a statement waits for a lock. Both are shorter than the second that PostgreSQL waits, unless it is told
/// otherwise, before it looks for a deadlock: it is never the application that has to give up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LockTimeout {
    /// 0.1 s: for reconcile and settlement, which try again.
    Batch,
    /// 0.9 s: for a sign-up, which waits for another that redeems the same code.
    Signup,
}

/// Runs `f` with a limit to how long it waits for each lock.
pub fn with_lock_timeout<R>(timeout: LockTimeout, f: impl FnOnce() -> R) -> R {
    let milliseconds = match timeout {
        LockTimeout::Batch => c"100",
        LockTimeout::Signup => c"900",
    };
    with_settings([(c"lock_timeout", milliseconds)], f)
}

/// Runs `f` where a value is the same text in every session: in this time zone.
pub fn in_time_zone<R>(zone: &CStr, f: impl FnOnce() -> R) -> R {
    with_settings(TEXT.into_iter().chain([(c"TimeZone", zone)]), f)
}

/// Runs `f` with these settings.
pub(super) fn with_settings<'a, R>(settings: impl IntoIterator<Item = Setting<'a>>, f: impl FnOnce() -> R) -> R {
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
pub fn sandboxed_as<R>(role: pg_sys::Oid, f: impl FnOnce() -> R) -> R {
    with_settings([], || switched(role, pg_sys::SECURITY_RESTRICTED_OPERATION, f))
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

/// Runs `f` with a memory context of its own that is freed afterwards.
pub fn in_own_memory<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: nothing allocated inside is returned: every function here copies what it returns.
    unsafe { PgMemoryContexts::new("referral").switch_to(|_| f()) }
}

//! Settings, roles and memory for the length of a call. All are undone at its end, also when it fails.

use super::c_string;
use pgrx::PgMemoryContexts;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::{CStr, CString};

/// A setting and its value.
type Setting<'a> = (&'a CStr, &'a CStr);

/// The path under which all SQL of this crate is parsed: nothing of the caller's is used.
const PATH: [Setting; 1] = [(c"search_path", c"pg_catalog, pg_temp")];

/// Settings that change what a statement means that is printed or parsed: a quoted text, a comparison with null, an
/// identifier.
const PARSER: [Setting; 3] =
    [(c"standard_conforming_strings", c"on"), (c"quote_all_identifiers", c"off"), (c"transform_null_equals", c"off")];

/// How plans are made: those that are kept from when a table was empty must not scan it when it has grown.
pub(super) const PLANNER: [Setting; 4] =
    [(c"enable_seqscan", c"off"), (c"enable_hashjoin", c"off"), (c"enable_mergejoin", c"off"), (c"jit", c"off")];

/// What makes the text of a value, and the value of a text, the same in every session, whatever the site. The rest is
/// the site's own ([`SITE`]).
const TEXT: [Setting; 10] = [
    (c"IntervalStyle", c"postgres"),
    (c"bytea_output", c"hex"),
    (c"extra_float_digits", c"1"),
    (c"xmlbinary", c"base64"),
    (c"xmloption", c"content"),
    (c"array_nulls", c"on"),
    (c"backslash_quote", c"safe_encoding"),
    // Not about texts, but these too change what an expression finds.
    (c"row_security", c"on"),
    (c"gin_fuzzy_search_limit", c"0"),
    (c"restrict_nonsystem_relation_kind", c""),
];

/// Settings that say how a site writes its values. They are kept as they were when a table was attached.
pub const SITE: [&CStr; 7] = [
    c"TimeZone",
    c"timezone_abbreviations",
    c"DateStyle",
    c"lc_monetary",
    c"lc_numeric",
    c"lc_time",
    c"default_text_search_config",
];

/// Settings of [`SITE`], with their values.
#[derive(Debug, Default)]
pub struct SiteSettings(Vec<(CString, CString)>);

impl SiteSettings {
    /// From texts such as `TimeZone=UTC`, as in `pg_proc.proconfig`. What is none of [`SITE`] is left out.
    pub fn parse(texts: &[String]) -> Self {
        let pairs = texts.iter().filter_map(|text| text.split_once('='));
        let known = pairs.filter(|(name, _)| SITE.iter().any(|known| known.to_bytes() == name.as_bytes()));
        Self(known.map(|(name, value)| (c_string(name), c_string(value))).collect())
    }
}

/// Runs `f` under this crate's search path and, when a role is given, as [`acting_as`] that role.
pub fn with_safe_path_as<R>(role: Option<pg_sys::Oid>, f: impl FnOnce() -> R) -> R {
    with_settings(PATH.into_iter().chain(parser_settings()), || match role {
        Some(role) => switched(role, f),
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

/// The settings of [`PARSER`], when the session has any of them otherwise.
fn parser_settings() -> impl Iterator<Item = Setting<'static>> {
    // SAFETY: plain reads of settings.
    let usual = unsafe {
        pg_sys::standard_conforming_strings && !pg_sys::quote_all_identifiers && !pg_sys::Transform_null_equals
    };
    PARSER.into_iter().filter(move |_| !usual)
}

/// Runs `f` where a value is the same text in every session, and a text the same value.
pub fn with_site_settings<R>(site: &SiteSettings, f: impl FnOnce() -> R) -> R {
    let of_site = site.0.iter().map(|(name, value)| (name.as_c_str(), value.as_c_str()));
    with_settings(TEXT.into_iter().chain(of_site), f)
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
        // SAFETY: these are settings that any user may set. Most sessions have most of them already.
        unsafe {
            let now = pg_sys::GetConfigOption(name.as_ptr(), true, false);
            // A server of another version may not have it.
            if now.is_null() || CStr::from_ptr(now) == value {
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

/// Runs `f` with the rights of a role, and so that nothing of that role is left behind. The role may have written what
/// runs: the expressions of a mapping, a trigger on a table, a function in a view. None of it can queue a deferred
/// trigger, which would run at COMMIT with the session's own rights; nor keep a setting, a temporary table, a prepared
/// statement or a cursor; nor take another role.
pub fn acting_as<R>(role: pg_sys::Oid, f: impl FnOnce() -> R) -> R {
    with_settings([], || switched(role, f))
}

/// Runs `f` as a role, inside [`with_settings`].
fn switched<R>(role: pg_sys::Oid, f: impl FnOnce() -> R) -> R {
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
        let flags =
            pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION | pg_sys::SECURITY_NOFORCE_RLS;
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

thread_local! {
    static EMPTYING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, which empties tables whose guards refuse that otherwise.
pub fn emptying<R>(f: impl FnOnce() -> R) -> R {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            EMPTYING.set(false);
        }
    }
    EMPTYING.set(true);
    let _end = End;
    f()
}

/// Whether [`emptying`] is running.
pub fn is_emptying() -> bool {
    EMPTYING.get()
}

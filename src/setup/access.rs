//! Gives roles what they need, and no more.

use crate::error::Error;
use crate::pg::catalog::role_name;
use crate::pg::scope::with_safe_path;
use crate::pg::spi::execute_ddl;
use crate::pg::{args, read};
use crate::program::config;
use pgrx::prelude::*;

/// The functions that an application calls.
const APP: [&str; 14] = [
    "issue_invite",
    "issue_invites",
    "redeem_invite",
    "record_event",
    "revoke_invite",
    "balance",
    "spend_credit",
    "authorize_credit",
    "capture_credit",
    "void_credit",
    "release_credit",
    "credit_history",
    "expiring",
    "feed",
];

/// The functions that support calls.
const SUPPORT: [&str; 4] = ["adjust_credit", "credit_history", "balance", "friend_terms"];

/// The functions that a reader of reports calls, besides reading the views.
const REPORTS: [&str; 4] = ["balance", "credit_history", "expiring", "friend_terms"];

/// Lets an application's role call the functions that it needs; it can touch no table.
///
/// # Errors
/// [`Error::NoSuchObject`], [`Error::NotInstalled`].
pub fn grant_app(role: pg_sys::Oid) -> Result<(), Error> {
    grant(role, &APP, false)
}

/// Lets a role of support adjust credit, and look at what a user has.
///
/// # Errors
/// [`Error::NoSuchObject`], [`Error::NotInstalled`].
pub fn grant_support(role: pg_sys::Oid) -> Result<(), Error> {
    grant(role, &SUPPORT, false)
}

/// Lets a role read the reports, which are views, and what a user has and may expect.
///
/// # Errors
/// [`Error::NoSuchObject`], [`Error::NotInstalled`].
pub fn grant_reports(role: pg_sys::Oid) -> Result<(), Error> {
    grant(role, &REPORTS, true)
}

fn grant(role: pg_sys::Oid, functions: &[&str], views: bool) -> Result<(), Error> {
    config()?;
    with_safe_path(|| {
        let role = role_name("role", role)?;
        execute_ddl(&format!("GRANT USAGE ON SCHEMA referral TO {role}"))?;
        let grants: Vec<String> = read::values(
            "SELECT format('GRANT SELECT ON referral.%I TO ', c.relname) AS statement
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE $2 AND n.nspname = 'referral' AND c.relkind = 'v'
             UNION ALL
             SELECT format('GRANT EXECUTE ON FUNCTION %s TO ', p.oid::regprocedure)
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname = 'referral' AND p.proname = ANY ($1) ORDER BY 1",
            &args![functions.to_vec(), views],
        )?;
        grants.iter().try_for_each(|grant| execute_ddl(&format!("{grant}{role}")))
    })
}

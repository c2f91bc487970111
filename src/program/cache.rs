//! The configuration of a session.
//!
//! A session reads the configuration once, and again after anything of it has changed. Changes are noticed through
//! PostgreSQL's own invalidation of relations: DDL sends it for the tables concerned, and a trigger on the tables of the
//! configuration sends it for their rows.

use super::load::load;
use super::model::Config;
use crate::error::Error;
use crate::pg::catalog::watch_relations;
use crate::pg::transaction::catch_failure;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

thread_local! {
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
    /// Relations whose change makes the configuration stale.
    static WATCHED: RefCell<Vec<pg_sys::Oid>> = const { RefCell::new(Vec::new()) };
    static STALE: Cell<bool> = const { Cell::new(true) };
    static WATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Called for each relation that may have changed; must neither fail nor allocate.
fn relation_changed(relation: pg_sys::Oid) {
    let concerns_us = relation == pg_sys::InvalidOid
        || WATCHED.with(|watched| watched.try_borrow().map_or(true, |oids| oids.contains(&relation)));
    if concerns_us {
        STALE.set(true);
    }
}

/// Makes the configuration stale when one of these relations changes.
pub(super) fn watch(relations: impl IntoIterator<Item = pg_sys::Oid>) {
    WATCHED.with_borrow_mut(|watched| watched.extend(relations));
}

/// The configuration, when it was read and nothing of it has changed since.
pub fn known_config() -> Option<Rc<Config>> {
    if STALE.get() { None } else { CONFIG.with_borrow(Clone::clone) }
}

/// The configuration as it is now.
///
/// # Errors
/// [`Error::NotInstalled`] when `install` has not run; [`Error::OwnerLacksRights`].
pub fn config() -> Result<Rc<Config>, Error> {
    let config = config_as_far_as_readable()?;
    config.unreadable.clone().map_or(Ok(config), Err)
}

/// The configuration as it is now; where the owner of the program may not read it, what is known all the same.
///
/// # Errors
/// [`Error::NotInstalled`] when `install` has not run.
pub fn config_as_far_as_readable() -> Result<Rc<Config>, Error> {
    if let Some(config) = known_config() {
        return Ok(config);
    }
    if !WATCHING.replace(true) {
        watch_relations(relation_changed);
    }
    // What changes while we read makes it stale again.
    STALE.set(false);
    WATCHED.with_borrow_mut(Vec::clear);
    let config = load().map(Rc::new).inspect_err(|_| STALE.set(true));
    CONFIG.set(config.as_ref().ok().cloned());
    config
}

/// The configuration as far as it can be read, or why it cannot be.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client.
pub fn config_or_failure() -> Result<Result<Rc<Config>, Error>, Error> {
    if let Some(config) = known_config() {
        return Ok(Ok(config));
    }
    let read = catch_failure(config_as_far_as_readable)?;
    Ok(read.map_err(|failure| Error::Unreadable { problem: failure.message }))
}

//! The triggers: which source fired, which of its rows changed, and which verb that calls.
//!
//! For a buyer nobody referred this file is the whole cost of a purchase: the changed rows are read where
//! PostgreSQL keeps them, and each buyer is one probe of an index, without SQL, without a transaction id, and
//! with a snapshot that takes no predicate locks.

use crate::earning::departed::evaluate_at_commit;
use crate::earning::evaluate::{evaluate_friends, evaluate_source};
use crate::earning::failures::{config_or_lost, record_row, record_unattributed};
use crate::earning::read::all_exist;
use crate::earning::second_look::await_redemptions;
use crate::earning::seen::{not_evaluated_since, note_evaluated};
use crate::error::Error;
use crate::invites::adopt::{adopt_changed, adopted};
use crate::invites::users::{forget, forget_all, keep};
use crate::pg::budget::within_budget;
use crate::pg::catalog::{announce_change, column_number, has_pages};
use crate::pg::changes::{Change, Command, TriggerRows};
use crate::pg::probe::Probe;
use crate::pg::scope::{is_emptying, with_site_settings};
use crate::pg::transaction::{OpenTransaction, catch_failure, is_restoring};
use crate::program::lookup::{UserLock, find_user};
use crate::program::source::{keys_of, referrals_of};
use crate::program::{Config, Source, User, UserColumn, config};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;
use pgrx::{AllocatedByPostgres, PgTrigger, PgTriggerError, PgTriggerOperation};
use referral_core::id::{ReferralId, UserKey};
use referral_core::source::SourceKind;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

type TriggerResult<'a> = Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, PgTriggerError>;

/// The trigger on an attached table of transactions: credits whoever referred the buyers of the changed rows.
#[pg_trigger(sql = false)] // created in sql/functions/triggers.sql
fn transactions_changed<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    done(credit_buyers(trigger))
}

/// The trigger on an attached table of invites: makes its codes redeemable.
#[pg_trigger(sql = false)] // created in sql/functions/triggers.sql
fn invites_changed<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    done(within_budget(|| adopt_rows(trigger, SourceKind::Invites)))
}

/// The trigger on a table that says who signed up with which code: redeems it.
#[pg_trigger(sql = false)] // created in sql/functions/triggers.sql
fn signups_changed<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    done(within_budget(|| adopt_rows(trigger, SourceKind::Signups)))
}

/// The trigger that keeps rows of the ledger and versions of goals as they were written.
#[pg_trigger(sql = false)] // created in sql/functions/triggers.sql
fn append_only<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    done(keep_rows(trigger))
}

fn keep_rows(trigger: &PgTrigger) -> Result<(), Error> {
    match trigger.op()? {
        // An empty table may be truncated along with the users.
        PgTriggerOperation::Truncate if is_emptying() || !has_pages(trigger.relid()?) => Ok(()),
        PgTriggerOperation::Truncate => Err(Error::NeverEmptied { table: name_of_table(trigger)? }),
        refused => Err(Error::AppendOnly { table: name_of_table(trigger)?, operation: operation(&refused) }),
    }
}

/// The trigger that tells every session to read the configuration anew.
#[pg_trigger(sql = false)] // created in sql/functions/triggers.sql
fn configuration_changed<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    done(trigger.relid().map(announce_change).map_err(Error::from))
}

/// The trigger on the users table where no foreign key refers to it: does what ON DELETE SET NULL does.
#[pg_trigger(sql = false)] // created in sql/functions/triggers.sql
fn user_gone<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    done(forget_users(trigger))
}

/// The trigger on invites and referrals where they have no foreign key to the users: does what such a key does.
#[pg_trigger(sql = false)] // created in sql/functions/triggers.sql
fn user_exists<'a>(trigger: &'a PgTrigger<'a>) -> TriggerResult<'a> {
    done(require_users(trigger))
}

/// Raises an error as PostgreSQL's. What an AFTER trigger returns is ignored.
fn done<'a>(outcome: Result<(), Error>) -> TriggerResult<'a> {
    outcome.map_err(ErrorReport::from).unwrap_or_report();
    Ok(None::<PgHeapTuple<'a, AllocatedByPostgres>>)
}

fn operation(operation: &PgTriggerOperation) -> &'static str {
    match operation {
        PgTriggerOperation::Insert => "INSERT",
        PgTriggerOperation::Update => "UPDATE",
        PgTriggerOperation::Delete => "DELETE",
        PgTriggerOperation::Truncate => "TRUNCATE",
    }
}

fn name_of_table(trigger: &PgTrigger) -> Result<String, Error> {
    Ok(format!("{}.{}", trigger.table_schema()?, trigger.table_name()?))
}

thread_local! {
    /// Whether this session was warned that it restores a dump.
    static WARNED: Cell<bool> = const { Cell::new(false) };
}

/// A source, with the configuration that it is from.
type Found = (Rc<Config>, Rc<Source>);

/// The source that a trigger belongs to; `None` when the trigger has to do nothing: no reason to stop a sale.
fn source_of(trigger: &PgTrigger, kind: SourceKind) -> Result<Option<Found>, Error> {
    if is_restoring(trigger.relid()?) {
        // Of two tables that belong together only one may be there yet: what is missing would seem deleted.
        if !WARNED.replace(true) {
            Error::Restoring { relation: name_of_table(trigger)? }.warn();
        }
        return Ok(None);
    }
    // Somebody may have dropped the tables and left the triggers, or keep us from reading them.
    let Some(config) = config_or_lost()? else { return Ok(None) };
    let Some(source) = config.members.get(&(kind, trigger.relid()?)).map(Rc::clone) else {
        // A child was taken out of its table, or somebody made the trigger by hand.
        Error::NotAttached { relation: name_of_table(trigger)? }.warn();
        return Ok(None);
    };
    Ok(Some((config, source)))
}

fn credit_buyers(trigger: &PgTrigger) -> Result<(), Error> {
    let Some((config, source)) = source_of(trigger, SourceKind::Transactions)? else { return Ok(()) };
    if let PgTriggerOperation::Truncate = trigger.op()? {
        return evaluate_source(&config, &source);
    }
    let rows = TriggerRows::of(trigger);
    let touched = match &source.user {
        User::Column(user) => touched_by_column(&config, &source, user, &rows)?,
        User::Expression if source.broken.is_none() => touched_by_expression(&source, &rows)?,
        User::Expression | User::Gone => {
            let cause = source.broken.clone().unwrap_or(Error::Server("the buyers could not be looked up"));
            return record_unattributed(&config, &source, cause.into());
        }
    };
    let nothing_to_do = match &touched.friends {
        Friends::Found(friends) => friends.is_empty() && touched.uncommitted.is_empty() && touched.departed.is_empty(),
        Friends::ByExpression => !touched.any,
    };
    if nothing_to_do {
        return Ok(());
    }
    let credit = || credit_touched(&config, &source, trigger, &rows, touched);
    // Where the sale fails with its credit it may take all the time that there is.
    let strict = source.goal_versions.iter().any(|version| config.strict.contains(&version.program));
    if strict { credit() } else { within_budget(credit) }
}

fn credit_touched(
    config: &Config,
    source: &Source,
    trigger: &PgTrigger,
    rows: &TriggerRows,
    touched: Touched,
) -> Result<(), Error> {
    let mut friends = match touched.friends {
        Friends::Found(friends) => friends,
        Friends::ByExpression => match referrals_of(config, source, &rows.as_relations())? {
            Ok(friends) => friends.into_iter().collect(),
            Err(failure) => return record_unattributed(config, source, failure),
        },
    };
    friends.extend(await_redemptions(config, touched.uncommitted)?);
    evaluate_at_commit(source, touched.departed);
    let friends: Vec<ReferralId> = friends.into_iter().collect();
    if friends.is_empty() {
        return Ok(());
    }
    let mut former_ids = touched.former_ids;
    if source.row_id_column.is_none() && source.broken.is_none() {
        former_ids.extend(former_ids_by_expression(source, trigger, rows, touched.moved)?);
    }
    match rows.written_by() {
        Some(command) => evaluate_unless_seen(config, source, friends, &former_ids, command),
        None => evaluate_friends(config, source, &friends, &former_ids).map(drop),
    }
}

/// Evaluates the friends of one row, which a command wrote: those that no evaluation since has covered.
fn evaluate_unless_seen(
    config: &Config,
    source: &Source,
    friends: Vec<ReferralId>,
    former_ids: &[String],
    written_by: Command,
) -> Result<(), Error> {
    let rest = not_evaluated_since(source.id, friends.clone(), written_by);
    // An id that a row no longer has is news for everybody, unless the row moved and kept it.
    let news = rest.len() < friends.len() && !former_ids.is_empty() && !is_known_to_exist(source, former_ids)?;
    let friends = if news { friends } else { rest };
    if friends.is_empty() {
        return Ok(());
    }
    let now = Command::next();
    evaluate_friends(config, source, &friends, former_ids)?;
    note_evaluated(source.id, &friends, now);
    Ok(())
}

/// Whether rows of all these ids are there; what cannot be read is not known.
fn is_known_to_exist(source: &Source, ids: &[String]) -> Result<bool, Error> {
    Ok(matches!(catch_failure(|| all_exist(source, ids))?, Ok(true)))
}

/// What the changed rows touch.
struct Touched {
    friends: Friends,
    /// Those who had a purchase that somebody else has now.
    departed: BTreeSet<ReferralId>,
    /// Those of the referrals that others have not committed.
    uncommitted: Vec<(ReferralId, OpenTransaction)>,
    /// Ids that rows had and have no longer: their transactions are not gone.
    former_ids: Vec<String>,
    /// Whether any change matters.
    any: bool,
    /// Whether a row moved to another partition.
    moved: bool,
}

/// The referrals of the buyers.
enum Friends {
    /// As the index has them.
    Found(BTreeSet<ReferralId>),
    /// To be found by the expression that says who the buyer is.
    ByExpression,
}

impl Touched {
    fn new(friends: Friends) -> Self {
        Self {
            friends,
            departed: BTreeSet::new(),
            uncommitted: Vec::new(),
            former_ids: Vec::new(),
            any: false,
            moved: false,
        }
    }

    /// Notes a change that matters to the source; returns false for one that does not.
    fn note(&mut self, source: &Source, change: &Change) -> bool {
        let id = source.row_id_column;
        let (matters, former) = match change {
            Change::Inserted { .. } => (true, None),
            Change::Updated { old, new } => {
                let renamed = id.filter(|column| old.differs(new, *column));
                (source.reads_changed_columns(old, new), renamed.and_then(|column| old.value(column)))
            }
            Change::Deleted { .. } => (source.hears_deletions(), None),
            // It is inserted where it went to, maybe under another id.
            Change::Moved { old } => (true, id.and_then(|column| old.value(column))),
        };
        if matters {
            self.any = true;
            self.moved |= matches!(change, Change::Moved { .. });
            self.former_ids.extend(former.map(|id| with_site_settings(&source.settings, || id.print())));
        }
        matters
    }
}

/// The last column that is looked at.
fn width(source: &Source, user: Option<i16>) -> i16 {
    source.mapped.iter().copied().chain(source.row_id_column).chain(user).max().unwrap_or(0)
}

/// One pass over the changes: each buyer is a probe of the index of referrals.
fn touched_by_column(
    config: &Config,
    source: &Source,
    user: &UserColumn,
    rows: &TriggerRows,
) -> Result<Touched, Error> {
    let mut probe = Probe::open_with_uncommitted(config.referrals_by_friend, user.comparison, config.key.collation);
    let (mut found, mut departed, mut uncommitted, mut last) = (BTreeSet::new(), BTreeSet::new(), Vec::new(), None);
    let mut touched = Touched::new(Friends::ByExpression);
    rows.each(width(source, Some(user.number)), |change| {
        if !touched.note(source, &change) {
            return;
        }
        if let Some(former) = change.former(user.number) {
            probe.find(&former, |row| departed.extend(row.bigint(config.referral_id_column).map(ReferralId)));
        }
        // A row without a buyer is a guest's.
        for buyer in change.rows_without_former(user.number).filter_map(|row| row.value(user.number)) {
            // Rows of one buyer mostly follow each other.
            if buyer.bits().is_none() || buyer.bits() != last {
                probe.find(&buyer, |row| {
                    let Some(referral) = row.bigint(config.referral_id_column).map(ReferralId) else { return };
                    match row.inserted_by() {
                        Some(redemption) => uncommitted.push((referral, redemption)),
                        None => drop(found.insert(referral)),
                    }
                });
                last = buyer.bits();
            }
        }
    })?;
    // Of a referral that is being changed, there is a version that is committed too.
    uncommitted.retain(|(referral, _)| !found.contains(referral));
    departed.retain(|referral| !found.contains(referral));
    (touched.friends, touched.departed, touched.uncommitted) = (Friends::Found(found), departed, uncommitted);
    Ok(touched)
}

fn touched_by_expression(source: &Source, rows: &TriggerRows) -> Result<Touched, Error> {
    let mut touched = Touched::new(Friends::ByExpression);
    rows.each(width(source, None), |change| {
        // The expression may look into other tables: it is evaluated for every UPDATE.
        touched.any |= touched.note(source, &change) || matches!(change, Change::Updated { .. });
    })?;
    Ok(touched)
}

/// Ids that rows had and have no longer, where an expression says the id. An id that cannot be read is found out when the
/// friend is evaluated.
fn former_ids_by_expression(
    source: &Source,
    trigger: &PgTrigger,
    rows: &TriggerRows,
    moved: bool,
) -> Result<Vec<String>, Error> {
    match (trigger.op()?, rows.as_relations().as_slice()) {
        (PgTriggerOperation::Update, [old, new]) => {
            let new = keys_of(source, std::slice::from_ref(new))?.unwrap_or_default();
            let old = keys_of(source, std::slice::from_ref(old))?.unwrap_or_default();
            Ok(old.into_iter().filter(|key| !new.contains(key)).collect())
        }
        (PgTriggerOperation::Delete, rows) if moved => Ok(keys_of(source, rows)?.unwrap_or_default()),
        _ => Ok(Vec::new()),
    }
}

fn adopt_rows(trigger: &PgTrigger, kind: SourceKind) -> Result<(), Error> {
    let Some((config, source)) = source_of(trigger, kind)? else { return Ok(()) };
    let keys = if let PgTriggerOperation::Truncate = trigger.op()? {
        match catch_failure(|| adopted(&config, &source))? {
            Ok(keys) => keys,
            Err(failure) => return record_row(&config, &source, None, failure),
        }
    } else {
        let rows = TriggerRows::of(trigger);
        match touched_ids(&source, &rows)? {
            Some(keys) => keys,
            None => match keys_of(&source, &rows.as_relations())? {
                Ok(keys) => keys,
                Err(failure) => return record_row(&config, &source, None, failure),
            },
        }
    };
    if keys.is_empty() {
        return Ok(());
    }
    adopt_changed(&config, &source, &keys)
}

/// The ids of the changed rows, as they were and as they are; `None` when no single column holds them.
fn touched_ids(source: &Source, rows: &TriggerRows) -> Result<Option<Vec<String>>, Error> {
    let Some(column) = source.row_id_column else { return Ok(None) };
    let mut ids = BTreeSet::new();
    with_site_settings(&source.settings, || {
        rows.each(width(source, None), |change| {
            let matters = match &change {
                Change::Updated { old, new } => source.reads_changed_columns(old, new),
                _ => true,
            };
            if matters {
                ids.extend(change.rows().filter_map(|row| row.value(column)).map(|id| id.print()));
            }
        })
    })?;
    Ok(Some(ids.into_iter().collect()))
}

fn forget_users(trigger: &PgTrigger) -> Result<(), Error> {
    let config = match config() {
        Err(Error::NotInstalled) => return Ok(()),
        config => config?,
    };
    let Some(users) = &config.users else { return Ok(()) };
    let column = column_number(trigger.relid()?, &users.key);
    let (mut gone, mut other) = (Vec::new(), Vec::new());
    TriggerRows::of(trigger).each(column, |change| {
        let (users, old) = match &change {
            Change::Deleted { old } => (&mut gone, old),
            Change::Updated { old, new } if old.differs(new, column) => (&mut other, old),
            // It is inserted where it went to, maybe under another key.
            Change::Moved { old } => (&mut other, old),
            Change::Inserted { .. } | Change::Updated { .. } => return,
        };
        users.extend(old.value(column).map(|key| UserKey::from(key.print())));
    })?;
    if let PgTriggerOperation::Truncate = trigger.op()? {
        forget_all(&config)?;
    }
    gone.iter().try_for_each(|user| forget(&config, user))?;
    if !other.is_empty() {
        // What reads sees what the statement has written only from the next command on.
        Command::next();
    }
    other.iter().try_for_each(|user| keep(&config, user))
}

/// The columns of the program's tables that refer to users.
const USERS: [&str; 3] = ["user_id", "friend_id", "referrer_id"];

fn require_users(trigger: &PgTrigger) -> Result<(), Error> {
    let config = config()?;
    let relation = trigger.relid()?;
    let columns: Vec<i16> =
        USERS.into_iter().map(|name| column_number(relation, name)).filter(|number| *number > 0).collect();
    let mut named = BTreeSet::new();
    TriggerRows::of(trigger).each(columns.iter().copied().max().unwrap_or(0), |change| {
        let (old, new) = match change {
            Change::Inserted { new } => (None, new),
            Change::Updated { old, new } => (Some(old), new),
            Change::Deleted { .. } | Change::Moved { .. } => return,
        };
        let changed = columns.iter().filter(|column| old.is_none_or(|old| old.differs(new, **column)));
        named.extend(changed.filter_map(|column| new.value(*column)).map(|key| UserKey::from(key.print())));
    })?;
    named.iter().try_for_each(|user| find_user(&config, user, UserLock::KeyShare))
}

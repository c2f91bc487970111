//! Looks for whatever keeps the program from working as it should, and says how to repair it.

use super::config::{Config, Kind, Source};
use super::install::{Guard, Table, administered, guards};
use super::mapping::{UserOf, column_quoted, index_wanted, literal};
use super::post::{askable, readable};
use crate::db::{arg, look, secured};
use crate::error::{Error, Failure};

/// How bad it is.
#[derive(Clone, Copy)]
pub enum Status {
    /// As it should be.
    Fine,
    /// It works, and may not go on to.
    Warning,
    /// Credits are missed, or may be.
    Wrong,
}

impl Status {
    /// As the function returns it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Wrong => "error",
        }
    }
}

/// One check.
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// Of what.
    pub object: String,
    /// How bad it is.
    pub status: Status,
    /// What was found.
    pub finding: String,
    /// The statement that repairs it.
    pub repair: Option<String>,
}

/// The findings of one object.
struct Report {
    object: String,
    findings: Vec<Finding>,
}

impl Report {
    fn of(object: &str) -> Self {
        Self { object: object.to_owned(), findings: Vec::new() }
    }

    fn add(&mut self, check: &'static str, status: Status, finding: impl Into<String>, repair: Option<String>) {
        self.findings.push(Finding { check, object: self.object.clone(), status, finding: finding.into(), repair });
    }

    fn fine(&mut self, check: &'static str, finding: impl Into<String>) {
        self.add(check, Status::Fine, finding, None);
    }

    /// One row for each thing that is wrong, or one that says that nothing is.
    fn list(&mut self, check: &'static str, status: Status, wrong: Vec<(String, String)>, fine: &str) {
        if wrong.is_empty() {
            self.fine(check, fine);
        }
        wrong.into_iter().for_each(|(finding, repair)| self.add(check, status, finding, Some(repair)));
    }
}

/// Examines the installation and every attached table.
pub fn doctor() -> Result<Vec<Finding>, Error> {
    let config = administered()?;
    let mut findings = examine_installation(&config)?;
    for (name, relation) in dropped(&config)? {
        let mut report = Report::of(&name);
        report.add(
            "table",
            Status::Wrong,
            format!("the table that was attached (Oid {relation}) is gone"),
            Some(format!("SELECT referral.detach({});", literal(&name))),
        );
        findings.append(&mut report.findings);
    }
    for kind in [Kind::Transactions, Kind::Invites, Kind::Signups, Kind::Users] {
        for source in config.attached(kind) {
            findings.append(&mut examine_source(&config, &source)?);
        }
    }
    Ok(findings)
}

/// Reads pairs of texts from the catalogues.
fn pairs(sql: &str, args: &[crate::db::Param]) -> Result<Vec<(String, String)>, Error> {
    secured(None, || look(sql, args, |row| Ok((row.need(1)?, row.need(2)?))))
}

fn examine_installation(config: &Config) -> Result<Vec<Finding>, Error> {
    let mut report = Report::of("referral");
    let versions = pairs("SELECT extversion, extname::text FROM pg_extension WHERE extname = 'referral'", &[])?;
    match versions.first() {
        Some((version, _)) if version == env!("CARGO_PKG_VERSION") => {
            report.fine("version", format!("library and SQL are both {version}"));
        }
        version => report.add(
            "version",
            Status::Wrong,
            format!(
                "the library is {}, the SQL of the extension {}",
                env!("CARGO_PKG_VERSION"),
                version.map_or("none", |(version, _)| version)
            ),
            Some("ALTER EXTENSION referral UPDATE;".into()),
        ),
    }
    let owners = pairs("SELECT rolname::text, rolsuper::text FROM pg_roles WHERE oid = $1", &[arg(config.owner)])?;
    for (owner, superuser) in owners {
        if superuser == "true" {
            let finding = format!(
                "the tables belong to {owner}, a superuser, with whose rights the engine works: better install with owner => \
                 a role that is none"
            );
            report.add("owner", Status::Warning, finding, None);
        } else {
            report.fine("owner", format!("the tables belong to {owner}"));
        }
    }
    let open = pairs(
        "WITH object (kind, name, acl, owner) AS ( \
             SELECT 'SCHEMA', 'referral', nspacl, nspowner FROM pg_namespace WHERE nspname = 'referral' \
             UNION ALL \
             SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('referral.%I', relname), \
                    coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", relowner)), relowner \
             FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = ANY ('{r,v,S}') \
             UNION ALL \
             SELECT 'ROUTINE', oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)), proowner \
             FROM pg_proc WHERE pronamespace = 'referral'::regnamespace) \
         SELECT format('%s may %s %s', who, string_agg(privilege_type, ', ' ORDER BY privilege_type), name), \
                format('REVOKE %s ON %s %s FROM %s;', string_agg(privilege_type, ', ' ORDER BY privilege_type), kind, name, who) \
         FROM (SELECT o.kind, o.name, a.privilege_type, \
                      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS who \
               FROM object o CROSS JOIN LATERAL aclexplode(o.acl) a \
               WHERE a.grantee = 0 OR (a.grantee <> o.owner AND a.grantee <> $1 AND o.kind <> 'ROUTINE' \
                     AND a.privilege_type = ANY ('{INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER,REFERENCES,CREATE}'))) x \
         GROUP BY kind, name, who ORDER BY 1",
        &[arg(config.owner)],
    )?;
    report.list("privileges", Status::Wrong, open, "PUBLIC may do nothing, and nobody but the owner writes");
    examine_guards(&mut report)?;
    let stray = pairs(
        "SELECT format('trigger %I is on %s, which is not attached', t.tgname, t.tgrelid::regclass), \
                format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass) \
         FROM pg_trigger t \
         WHERE t.tgfoid = ANY (ARRAY['referral.transactions_changed', 'referral.invites_changed', \
                                     'referral.signups_changed']::regproc[]) \
           AND t.tgparentid = 0 AND NOT t.tgrelid = ANY ($1) ORDER BY 1",
        &[arg(config.sources.keys().map(|(_, relation)| *relation).collect::<Vec<_>>())],
    )?;
    report.list("stray triggers", Status::Warning, stray, "ours are on attached tables only");
    examine_keys(config, &mut report)?;
    let invalid = pairs(
        "SELECT format('index %s is not valid', i.indexrelid::regclass), \
                format('REINDEX INDEX CONCURRENTLY %s;', i.indexrelid::regclass) \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         WHERE c.relnamespace = 'referral'::regnamespace AND NOT (i.indisvalid AND i.indisready) ORDER BY 1",
        &[],
    )?;
    report.list("indexes", Status::Wrong, invalid, "all are valid");
    let ageless = pairs(
        "SELECT format('program \"%s\" is for new accounts, and nothing says when users were created: everybody is new', name), \
                'SELECT referral.attach_users(created_at => ''created_at'');' \
         FROM referral.programs WHERE new_accounts_within IS NOT NULL AND $1 ORDER BY name",
        &[arg(config.attached(Kind::Users).is_empty())],
    )?;
    report.list("new accounts", Status::Warning, ageless, "where they matter their age is known");
    let unlogged = pairs(
        "SELECT format('%s is unlogged: a crash empties it', oid::regclass), format('ALTER TABLE %s SET LOGGED;', oid::regclass) \
         FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' AND relpersistence = 'u' ORDER BY 1",
        &[],
    )?;
    report.list("durability", Status::Wrong, unlogged, "all tables survive a crash");
    let replica = pairs(
        "SELECT format('session_replication_role is set for %s: no trigger fires', target), \
                format('ALTER %s RESET session_replication_role;', target) \
         FROM (SELECT CASE WHEN s.setrole = 0 THEN format('DATABASE %I', d.datname) \
                           WHEN s.setdatabase = 0 THEN format('ROLE %s', s.setrole::regrole) \
                           ELSE format('ROLE %s IN DATABASE %I', s.setrole::regrole, d.datname) END AS target \
               FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase \
               WHERE (s.setdatabase = 0 OR d.datname = current_database()) \
                 AND EXISTS (SELECT FROM unnest(s.setconfig) c WHERE c ~* '^session_replication_role=(replica|local)$' \
                               AND c !~* '=local$')) x ORDER BY 1",
        &[],
    )?;
    report.list("sessions", Status::Wrong, replica, "no role and no database switches triggers off");
    let waiting = secured(Some(config.owner), || {
        look(
            "SELECT * FROM ( \
                 SELECT format('%s rewards have waited for more than a day for their limit to be applied', count(*)), \
                        'CALL referral.settle();' \
                 FROM referral.unsettled WHERE goal_id IS NOT NULL AND due_at < now() - interval '1 day' HAVING count(*) > 0 \
                 UNION ALL \
                 SELECT format('%s lots of credit expired more than a day ago and are not taken off', count(*)), \
                        'CALL referral.settle();' \
                 FROM referral.lots WHERE remaining > 0 AND expires_at < now() - interval '1 day' HAVING count(*) > 0) x",
            &[],
            |row| Ok((row.need(1)?, row.need(2)?)),
        )
    })?;
    report.list("settlement", Status::Warning, waiting, "nothing has waited for it for more than a day");
    let unread = secured(Some(config.owner), || {
        look(
            "SELECT format('%s entries of the feed have waited for more than a day for somebody to poll referral.feed()', count(*)), \
                    'UPDATE referral.programs SET feed = false;' \
             FROM referral.feed_pending WHERE happened_at < now() - interval '1 day' HAVING count(*) > 0",
            &[],
            |row| Ok((row.need(1)?, row.need(2)?)),
        )
    })?;
    report.list("feed", Status::Warning, unread, "none has waited for more than a day");
    Ok(report.findings)
}

/// The triggers on our tables.
fn examine_guards(report: &mut Report) -> Result<(), Error> {
    let mut wrong = Vec::new();
    for Guard { table, trigger, statement } in guards() {
        let enabled = secured(None, || {
            look(
                "SELECT tgenabled = ANY ('{O,A}') FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = $2",
                &[arg(table), arg(trigger)],
                |row| row.need::<bool>(1),
            )
        })?;
        match enabled.first() {
            Some(true) => {}
            Some(false) => wrong.push((
                format!("trigger {trigger} on {table} is disabled"),
                format!("ALTER TABLE {table} ENABLE TRIGGER {trigger};"),
            )),
            None => wrong.push((format!("trigger {trigger} on {table} is missing"), format!("{statement};"))),
        }
    }
    report.list("guards", Status::Wrong, wrong, "the ledger is append-only, and sessions hear of changes");
    Ok(())
}

/// The keys from our tables to the users.
fn examine_keys(config: &Config, report: &mut Report) -> Result<(), Error> {
    let Some(users) = &config.users else {
        report.fine("foreign keys", "users live elsewhere");
        return Ok(());
    };
    let wrong = pairs(
        "SELECT format('%s.%s %s', k.relation, k.name, \
                       CASE WHEN c.oid IS NULL THEN 'has no foreign key to the users' ELSE 'has a foreign key that is not valid' END), \
                CASE WHEN c.oid IS NULL \
                     THEN format('ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES %s (%s) ON DELETE SET NULL;', k.relation, k.name, $2, $3) \
                     ELSE format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', k.relation, c.conname) END \
         FROM (VALUES ('referral.invites', 'user_id'), ('referral.invites_friends', 'friend_id'), \
                      ('referral.invites_friends', 'referrer_id')) k (relation, name) \
         JOIN pg_attribute a ON a.attrelid = to_regclass(k.relation) AND a.attname = k.name \
         LEFT JOIN pg_constraint c ON c.conrelid = a.attrelid AND c.contype = 'f' AND c.conkey = ARRAY[a.attnum] AND c.confrelid = $1 \
         WHERE c.convalidated IS NOT TRUE ORDER BY 1",
        &[arg(users.oid), arg(users.name.as_str()), arg(users.column.as_str())],
    )?;
    report.list("foreign keys", Status::Wrong, wrong, "all are there and valid");
    Ok(())
}

/// Attached tables that are there no longer.
fn dropped(config: &Config) -> Result<Vec<(String, String)>, Error> {
    secured(Some(config.owner), || {
        look(
            "SELECT s.name, s.relation::oid::text FROM referral.sources s \
             WHERE s.detached_at IS NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = s.relation) ORDER BY 1",
            &[],
            |row| Ok((row.need(1)?, row.need(2)?)),
        )
    })
}

fn examine_source(config: &Config, source: &Source) -> Result<Vec<Finding>, Error> {
    let mut report = Report::of(&source.name);
    let name = literal(&source.name);
    let reconcile = || Some(format!("CALL referral.reconcile({name});"));
    examine_conditions(source, &mut report, &name);
    if source.own {
        return Ok(report.findings);
    }
    examine_mappings(source, &mut report, &name)?;
    if source.kind.trigger().is_some() {
        examine_triggers(source, &mut report, &name)?;
    }
    if source.kind == Kind::Transactions {
        examine_rows_of_users(config, source, &mut report)?;
        if source.goals.is_empty() {
            let repair = format!(
                "SELECT referral.create_goal('first purchase', reward => 10, unit => 'USD', source => {name});"
            );
            report.add("goals", Status::Warning, "no goal is about it: nothing is earned", Some(repair));
        } else {
            report.fine("goals", format!("goals and their versions about it: {}", source.goals.len()));
        }
    }
    let subscribed = pairs(
        "SELECT format('%s is a target of logical replication, whose rows fire no trigger', source.oid::regclass), $2 \
         FROM pg_class source WHERE source.oid = $1 \
           AND EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = source.oid)",
        &[arg(source.relation), arg(format!("CALL referral.reconcile({name});"))],
    )?;
    report.list("replication", Status::Warning, subscribed, "no subscription writes to it");

    let counts = secured(Some(config.owner), || {
        look(
            "SELECT (SELECT count(*) FROM referral.failures f WHERE f.source_id = $1 AND f.resolved_at IS NULL), \
                    (SELECT f.message FROM referral.failures f WHERE f.source_id = $1 AND f.resolved_at IS NULL \
                     ORDER BY f.failure_id DESC LIMIT 1), \
                    (SELECT count(*) FROM referral.refusals r WHERE r.source_id = $1), \
                    (SELECT r.phase FROM referral.reconciliations r JOIN referral.sources s USING (source_id) \
                     WHERE r.source_id = $1 AND coalesce(r.finished_at, 'infinity') >= s.attached_at)",
            &[arg(source.id)],
            |row| Ok((row.need::<i64>(1)?, row.get::<String>(2), row.need::<i64>(3)?, row.get::<String>(4))),
        )
    })?;
    for (failures, last, refusals, phase) in counts {
        match last {
            Some(last) => {
                let finding = format!("{failures} wait in referral.failures, the last with: {last}");
                report.add("failures", Status::Wrong, finding, reconcile());
            }
            None => report.fine("failures", "none waits"),
        }
        if source.kind == Kind::Users {
            continue;
        }
        if source.kind != Kind::Transactions {
            report.fine("refusals", format!("{refusals} codes were refused: see referral.refusals"));
        }
        match phase.as_deref() {
            Some("finished") => report.fine("history", "reconciled since it was attached"),
            Some(_) => report.add("history", Status::Warning, "reconcile was not finished", reconcile()),
            None => report.add(
                "history",
                Status::Warning,
                "what happened before it was attached has not been brought in",
                reconcile(),
            ),
        }
    }
    Ok(report.findings)
}

/// What goals ask of the rows: a goal is never changed, and what it reads has to stay.
fn examine_conditions(source: &Source, report: &mut Report, name: &str) {
    let repair = || Some(format!("SELECT referral.repair({name});"));
    let mut wrong = false;
    for condition in source.conditions.iter().filter(|_| source.broken.is_none()) {
        let goal = condition.goal;
        match (&condition.sql, askable(source, goal)) {
            (sql, Err(Failure { message, detail, hint, .. })) => {
                let why = detail.map_or(message.clone(), |detail| format!("{message}: {detail}"));
                let hint = hint.map(|hint| format!(" {hint}")).unwrap_or_default();
                let finding = format!("the predicate of goal {goal} cannot be asked: {why}{hint}");
                let repair = matches!(sql, Err(Error::OwnerChanged { .. })).then(repair).flatten();
                report.add("predicates", Status::Wrong, finding, repair);
            }
            (_, Ok(())) if condition.renamed => {
                let finding = format!(
                    "a column that the predicate of goal {goal} reads was renamed: tell it before the next dump"
                );
                report.add("predicates", Status::Warning, finding, repair());
            }
            _ => continue,
        }
        wrong = true;
    }
    if !source.conditions.is_empty() && source.broken.is_none() && !wrong {
        report.fine("predicates", "all resolve");
    }
}

fn examine_mappings(source: &Source, report: &mut Report, name: &str) -> Result<(), Error> {
    let again = format!("SELECT referral.detach({name});");
    match readable(source) {
        Err(Failure { message, detail, .. }) if matches!(source.broken, Some(Error::OwnerChanged { .. })) => {
            let finding = detail.unwrap_or(message);
            report.add("mappings", Status::Wrong, finding, Some(format!("SELECT referral.repair({name});")));
        }
        Err(Failure { message, detail, .. }) => {
            let why = detail.map_or(message.clone(), |detail| format!("{message}: {detail}"));
            let finding = format!("{why} Detach it, and attach it under the same name as it is now");
            report.add("mappings", Status::Wrong, finding, Some(again));
        }
        Ok(()) if !source.replaced.is_empty() => report.add(
            "mappings",
            Status::Warning,
            format!(
                "a name means another column than when it was attached: {}. Take it over, or detach and attach again",
                source.replaced.join(", ")
            ),
            Some(format!("SELECT referral.repair({name});")),
        ),
        Ok(()) if source.renamed.is_empty() => report.fine("mappings", "all resolve"),
        Ok(()) => report.fine("mappings", format!("all resolve; renamed since: {}", source.renamed.join(", "))),
    }
    let unlogged = pairs(
        "SELECT relname::text, relpersistence::text FROM pg_class WHERE oid = $1 AND relpersistence = 'u'",
        &[arg(source.relation)],
    )?;
    if unlogged.is_empty() {
        report.fine("table", format!("{} is there", source.table));
    } else {
        report.add(
            "table",
            Status::Warning,
            format!("{} is unlogged: a crash empties it, and the ledger stands", source.table),
            Some(format!("ALTER TABLE {} SET LOGGED;", source.table)),
        );
    }
    Ok(())
}

/// Every member of the table must have enabled triggers of ours for every event that matters.
fn examine_triggers(source: &Source, report: &mut Report, name: &str) -> Result<(), Error> {
    let deletions = source.hears_deletions();
    let wrong = pairs(
        "WITH RECURSIVE member (relid) AS ( \
             SELECT $1 UNION SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.relid), \
         event (name, bit) AS (VALUES ('INSERT', 4), ('UPDATE', 16), ('DELETE', 8), ('TRUNCATE', 32)) \
         SELECT format('%s has no enabled trigger for %s', c.oid::regclass, string_agg(e.name, ', ' ORDER BY e.bit)), \
                coalesce((SELECT string_agg(format('ALTER TABLE %s ENABLE TRIGGER %I;', c.oid::regclass, t.tgname), ' ' ORDER BY t.tgname) \
                          FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = to_regproc('referral.' || $2) \
                            AND t.tgenabled = ANY ('{D,R}')), format('SELECT referral.repair(%s);', $4)) \
         FROM member m JOIN pg_class c ON c.oid = m.relid CROSS JOIN event e JOIN pg_class r ON r.oid = $1 \
         WHERE (e.bit = ANY ('{4,16}') OR (($3 OR r.relkind = 'p') AND e.bit = 8) \
                OR ($3 AND e.bit = 32 AND c.relkind <> 'f' AND NOT c.relispartition)) \
           AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = to_regproc('referral.' || $2) \
                             AND t.tgenabled = ANY ('{O,A}') AND t.tgtype::int & e.bit <> 0) \
         GROUP BY c.oid ORDER BY 1",
        &[arg(source.relation), arg(source.kind.trigger()), arg(deletions), arg(name)],
    )?;
    report.list("triggers", Status::Wrong, wrong, "enabled and ours");
    Ok(())
}

/// The rows of a friend are found by an index, and a foreign key holds purchases and redemptions apart.
fn examine_rows_of_users(config: &Config, source: &Source, report: &mut Report) -> Result<(), Error> {
    let table = match secured(None, || Table::of(source.relation, "rpf")) {
        Ok(table) => table,
        // The owner of the program need not own the table.
        Err(_) => return Ok(()),
    };
    if source.broken.is_some() {
        return Ok(());
    }
    let user = UserOf { column: source.user_column.clone(), expression: None };
    match index_wanted(config, source.relation, &table, &user, &source.facts)? {
        Some(repair) => {
            let finding = "no index finds the rows of a user: every purchase by a friend scans the table";
            report.add("index", Status::Warning, finding, Some(repair));
        }
        None => report.fine("index", "the rows of a user are found"),
    }
    let (Some(users), Some(column)) = (&config.users, &source.user_column) else { return Ok(()) };
    let keys = pairs(
        "SELECT c.conname::text, c.condeferrable::text FROM pg_constraint c \
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = $2 AND c.conkey = ARRAY[a.attnum] \
         WHERE c.conrelid = $1 AND c.contype = 'f' AND c.confrelid = $3 AND NOT c.condeferrable",
        &[arg(source.relation), arg(column.as_str()), arg(users.oid)],
    )?;
    if keys.is_empty() {
        let column = column_quoted(source.relation, &table, column)?;
        report.add(
            "race",
            Status::Warning,
            "no foreign key to the users: a purchase and a redemption at the same moment may miss each other until reconcile",
            Some(format!(
                "ALTER TABLE {} ADD FOREIGN KEY ({column}) REFERENCES {} ({}) NOT VALID;",
                table.name, users.name, users.column
            )),
        );
    } else {
        report.fine("race", "a foreign key holds purchases and redemptions of one friend apart");
    }
    Ok(())
}

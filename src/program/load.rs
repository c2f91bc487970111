//! The tables of the configuration, read into the model.

use super::cache::watch;
use super::lookup::table_identity;
use super::model::{Config, Predicate, Program, Source, User, UserColumn, Users};
use crate::error::Error;
use crate::pg::catalog::{Index, Key, base_type, own_relation, quote_identifier, quote_literal};
use crate::pg::changes::changed_relation;
use crate::pg::row::row;
use crate::pg::scope::{SiteSettings, with_safe_path, with_safe_path_as};
use crate::pg::unchecked::rows_of;
use crate::pg::{args, read};
use pgrx::prelude::*;
use referral_core::code::CodeFormat;
use referral_core::evaluate::GoalVersion;
use referral_core::id::{GoalId, GoalVersionId, ProgramId, SourceId};
use referral_core::rule::Rule;
use referral_core::source::{OnDelete, SourceKind};
use referral_core::time::{Interval, Timestamp};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

/// Reads the configuration, and watches what it was read from.
///
/// # Errors
/// [`Error::NotInstalled`], [`Error::Incomplete`].
pub(super) fn load() -> Result<Config, Error> {
    let tables = Tables::find()?;
    watch(tables.all());
    with_safe_path(|| {
        let (mut config, reader) = load_keys(&tables)?;
        let goals = match &config.unreadable {
            Some(_) => Goals::new(),
            None => with_safe_path_as(Some(config.owner), || {
                load_programs(&mut config)?;
                load_goals()
            })?,
        };
        config.goal_versions = goals.values().flatten().flatten().map(|v| (v.id, v.clone())).collect();
        with_safe_path_as(Some(reader), || load_sources(&mut config, &goals))?;
        watch(config.users.iter().map(|users| users.oid));
        watch(config.members.keys().map(|(_, relation)| *relation));
        Ok(config)
    })
}

/// Tables of which one at least is there where the program is installed, whatever was done to the others.
const KNOWN: [&CStr; 3] = [c"invites_friends", c"credits", c"sources"];

/// The tables and indexes of the program that the engine knows by their Oids.
struct Tables {
    referrals: pg_sys::Oid,
    referrals_pkey: pg_sys::Oid,
    programs: pg_sys::Oid,
    sources: pg_sys::Oid,
    /// The tables of the configuration that belong to the owner of the program.
    of_the_owner: Vec<pg_sys::Oid>,
    /// Those that stay with whoever installed.
    of_the_installer: Vec<pg_sys::Oid>,
    completions: Index,
    /// Where the users live; it stays with whoever installed, too.
    installation: pg_sys::Oid,
    failures: Index,
    failures_by_row: Index,
    refusals: Index,
}

impl Tables {
    fn find() -> Result<Self, Error> {
        let find = |name: &CStr| {
            own_relation(name).ok_or_else(|| match KNOWN.iter().any(|known| own_relation(known).is_some()) {
                true => Error::Incomplete { missing: name.to_string_lossy().into_owned() },
                false => Error::NotInstalled,
            })
        };
        let index = |table, index| Ok::<_, Error>(Index { table: find(table)?, index: find(index)? });
        let all = |names: &[&CStr]| names.iter().map(|name| find(name)).collect::<Result<_, _>>();
        Ok(Self {
            referrals: find(c"invites_friends")?,
            referrals_pkey: find(c"invites_friends_pkey")?,
            programs: find(c"programs")?,
            sources: find(c"sources")?,
            of_the_owner: all(&[c"programs", c"goals", c"goal_versions"])?,
            of_the_installer: all(&[c"sources", c"predicates"])?,
            installation: find(c"installation")?,
            completions: index(c"goal_completions", c"goal_completions_pkey")?,
            failures: index(c"failures", c"failures_waiting_idx")?,
            failures_by_row: index(c"failures", c"failures_transaction_key_idx")?,
            refusals: index(c"refusals", c"refusals_pkey")?,
        })
    }

    fn all(&self) -> impl Iterator<Item = pg_sys::Oid> {
        let ledger =
            [self.referrals, self.completions.table, self.failures.table, self.refusals.table, self.installation];
        ledger.into_iter().chain(self.of_the_owner.iter().chain(&self.of_the_installer).copied())
    }
}

row! {
    struct KeysRow {
        owner: pg_sys::Oid,
        sources_owner: pg_sys::Oid,
        sources_reader: pg_sys::Oid,
        failures_owner: pg_sys::Oid,
        owner_name: String,
        lacking: Option<String>,
        by_friend: pg_sys::Oid,
        id_column: i16,
        key_oid: pg_sys::Oid,
        key_name: String,
        eq: String,
        gt: String,
        family: pg_sys::Oid,
        operand: pg_sys::Oid,
        collation: pg_sys::Oid,
        users_oid: Option<pg_sys::Oid>,
        users_name: Option<String>,
        users_column: Option<String>,
        users_key: Option<String>,
        users_owner: Option<pg_sys::Oid>,
        users_type: Option<pg_sys::Oid>,
        users_type_name: Option<String>,
    }

    /// Where the users live, as install() was told.
    struct Home {
        users: Option<pg_sys::Oid>,
        users_name: Option<String>,
        key_column: Option<String>,
        key_number: Option<i16>,
        table_identity: Option<String>,
    }
}

impl KeysRow {
    fn key(&self) -> Key {
        Key {
            oid: self.key_oid,
            name: self.key_name.clone(),
            eq: self.eq.clone(),
            gt: self.gt.clone(),
            family: self.family,
            operand: self.operand,
            collation: self.collation,
        }
    }

    fn users(&self) -> Option<Users> {
        Some(Users {
            oid: self.users_oid?,
            name: self.users_name.clone()?,
            column: self.users_column.clone()?,
            key: self.users_key.clone()?,
            owner: self.users_owner?,
        })
    }

    fn unreadable(&self) -> Option<Error> {
        let install = match &self.users_name {
            Some(users) => format!("SELECT referral.install({});", quote_literal(users)),
            None => format!("SELECT referral.install(key_type => {});", quote_literal(&self.key_name)),
        };
        Some(Error::OwnerLacksRights { owner: self.owner_name.clone(), lacking: self.lacking.clone()?, install })
    }

    /// Why the users cannot be looked up, where they cannot.
    fn users_lost(&self, home: Option<&Home>, key: &Key) -> Option<Error> {
        let (Some(users), Some(type_oid)) = (self.users(), self.users_type) else {
            return match home {
                None => Some(Error::UsersUnknown),
                Some(home) => home.users_name.clone().map(|users| {
                    let literal = quote_literal(&users);
                    Error::UsersGone { users, literal }
                }),
            };
        };
        let differs = key.comparison(type_oid).is_none();
        let found = self.users_type_name.clone().unwrap_or_default();
        let literal = quote_literal(&users.name);
        let Users { name: users, key: column, .. } = users;
        differs.then(|| Error::UsersKeyDiffers { users, literal, column, found, key: key.name.clone() })
    }
}

row! {
    /// A program, as far as it matters where nothing else of it can be read.
    struct Strictness {
        program_id: ProgramId,
        strict: bool,
    }
}

fn read_keys(tables: &Tables, home: Option<&Home>) -> Result<KeysRow, Error> {
    let sql = include_str!("../../sql/statements/load_keys.sql").replace("@identity@", &table_identity("a.attrelid"));
    let (ours, theirs) = (tables.of_the_owner.clone(), tables.of_the_installer.clone());
    let known = args![
        tables.referrals,
        tables.sources,
        tables.failures.table,
        ours,
        theirs,
        tables.installation,
        home.is_some(),
        home.and_then(|home| home.users),
        home.and_then(|home| home.key_column.as_deref()),
        home.and_then(|home| home.key_number),
        home.and_then(|home| home.table_identity.as_deref()),
    ];
    let unique = || Error::Incomplete { missing: "invites_friends_friend_program_key".into() };
    read::fetch_optional(&sql, &known)?.ok_or_else(unique)
}

/// Reads what the catalogue says, and who is to read the tables that stay with whoever installed.
fn load_keys(tables: &Tables) -> Result<(Config, pg_sys::Oid), Error> {
    let home = rows_of::<Home>(tables.installation)?.into_iter().next();
    let keys = read_keys(tables, home.as_ref())?;
    let strict = rows_of::<Strictness>(tables.programs)?.into_iter().filter(|program| program.strict);
    let key = keys.key();
    let config = Config {
        owner: keys.owner,
        sources_owner: keys.sources_owner,
        failures_owner: keys.failures_owner,
        unreadable: keys.unreadable(),
        strict: strict.map(|program| program.program_id).collect(),
        referrals: tables.referrals,
        referrals_pkey: tables.referrals_pkey,
        referrals_by_friend: Index { table: tables.referrals, index: keys.by_friend },
        referral_id_column: keys.id_column,
        completions: tables.completions,
        failures: tables.failures,
        failures_by_row: tables.failures_by_row,
        refusals: tables.refusals,
        users_lost: keys.users_lost(home.as_ref(), &key),
        installed_as: home.and_then(|home| home.users_name),
        users: keys.users(),
        key,
        sources: Vec::new(),
        members: HashMap::new(),
        programs: HashMap::new(),
        goal_versions: HashMap::new(),
        code_formats: Vec::new(),
        statements: RefCell::default(),
    };
    Ok((config, keys.sources_reader))
}

row! {
    struct ProgramRow {
        program_id: ProgramId,
        attribution_window: Option<Interval>,
        grace: Option<Interval>,
        new_customers_only: bool,
        new_accounts_within: Option<Interval>,
        allow_debt: bool,
        feed: bool,
        code_prefix: Option<String>,
        code_alphabet: Option<String>,
        code_length: Option<i32>,
    }
}

/// Reads the programs, and the formats of their codes. A format that cannot be is an error when a code is to be issued.
fn load_programs(config: &mut Config) -> Result<(), Error> {
    config.code_formats.push(CodeFormat::default());
    let rows: Vec<ProgramRow> = read::fetch(
        "SELECT program_id, attribution_window, grace, new_customers_only, new_accounts_within, allow_debt, feed,
                code_prefix, code_alphabet, code_length
         FROM referral.programs ORDER BY program_id",
        &[],
    )?;
    for row in rows {
        let format = CodeFormat::new(row.code_prefix.as_deref(), row.code_alphabet.as_deref(), row.code_length);
        config.code_formats.extend(format.ok().filter(|format| !config.code_formats.contains(format)));
        let program = Program {
            attribution_window: row.attribution_window,
            grace: row.grace,
            new_customers_only: row.new_customers_only,
            allow_debt: row.allow_debt,
            feed: row.feed,
            new_accounts_within: row.new_accounts_within,
        };
        config.programs.insert(row.program_id, program);
    }
    Ok(())
}

/// The versions of goals about each source, each in force until the next one begins; or why they cannot be read.
type Goals = HashMap<SourceId, Result<Vec<GoalVersion>, Error>>;

row! {
    struct GoalRow {
        source_id: SourceId,
        goal_version_id: GoalVersionId,
        goal_id: GoalId,
        program_id: ProgramId,
        effective_from: Timestamp,
        until: Option<Timestamp>,
        rule: String,
    }
}

fn load_goals() -> Result<Goals, Error> {
    let rows: Vec<GoalRow> = read::fetch(
        "SELECT v.source_id, v.goal_version_id, v.goal_id, g.program_id, v.effective_from,
                lead(v.effective_from) OVER (PARTITION BY v.goal_id ORDER BY v.version) AS until, v.rule::text AS rule
         FROM referral.goal_versions v JOIN referral.goals g USING (goal_id) ORDER BY v.goal_version_id",
        &[],
    )?;
    let mut goals = Goals::new();
    for row in rows {
        let versions = goals.entry(row.source_id).or_insert_with(|| Ok(Vec::new()));
        match (Rule::parse(&row.rule), versions) {
            (Ok(rule), Ok(versions)) => versions.push(GoalVersion {
                id: row.goal_version_id,
                goal: row.goal_id,
                program: row.program_id,
                from: row.effective_from,
                until: row.until.unwrap_or(Timestamp::INFINITY),
                rule,
            }),
            (Err(mistake), versions) => {
                *versions = Err(Error::BadRule { path: mistake.path, problem: mistake.problem })
            }
            (Ok(_), Err(_)) => {}
        }
    }
    Ok(goals)
}

/// A row of the table `sources`, with the relation as it is named now.
struct Attached {
    row: SourceRow,
    columns: Vec<MappedColumn>,
    /// Columns that have the name of one that was attached and has another name now, in words.
    replaced: Vec<String>,
    predicates: Vec<AttachedPredicate>,
}

row! {
    struct SourceRow {
        source_id: SourceId,
        kind: SourceKind,
        own: bool,
        name: String,
        relation: pg_sys::Oid,
        table_name: String,
        owner: pg_sys::Oid,
        same_owner: bool,
        trusted: bool,
        facts: Vec<String>,
        alias: String,
        key_type: String,
        key_column: Option<String>,
        user_column: Option<String>,
        user_type: String,
        settings: Vec<String>,
        on_delete: OnDelete,
        program_id: Option<ProgramId>,
        refunds: bool,
        is_foreign: bool,
    }

    struct PredicateRow {
        source_id: SourceId,
        goal_version_id: GoalVersionId,
        condition: String,
        alias: String,
        same_owner: bool,
    }

    /// A column that SQL of the program reads.
    struct ColumnNow {
        /// The source or the version of a goal that reads it.
        id: i32,
        /// The name that the table knew it by.
        then: String,
        /// The name that it has now; `None` when it is gone.
        now: Option<String>,
        /// The name that the column has now which had this name then, when another column has taken it.
        displaced: Option<String>,
        /// The name that the SQL knows it by.
        known_as: String,
    }
}

/// A column that mappings read.
struct MappedColumn {
    then: String,
    now: Option<String>,
}

/// A row of the table `predicates`.
struct AttachedPredicate {
    row: PredicateRow,
    columns: Vec<ColumnNow>,
}

impl Attached {
    /// The name that a column of the mappings has now.
    fn now(&self, then: &str) -> Option<&str> {
        self.columns.iter().find(|column| column.then == then)?.now.as_deref()
    }

    /// The name that the mappings know a column by, by the name that it has now.
    fn then<'a>(&'a self, now: &'a str) -> &'a str {
        let known = self.columns.iter().find(|column| column.now.as_deref() == Some(now));
        known.map_or(now, |column| &column.then)
    }

    /// The columns that mappings and predicates read, by the names that they have now.
    fn read(&self) -> impl Iterator<Item = &str> {
        let mapped = self.columns.iter().filter_map(|column| column.now.as_deref());
        let asked = self.predicates.iter().flat_map(|predicate| &predicate.columns);
        mapped.chain(asked.filter_map(|column| column.now.as_deref()))
    }

    fn is_renamed(&self) -> bool {
        self.columns.iter().any(|column| column.now.as_ref().is_some_and(|now| *now != column.then))
    }

    /// The columns that are gone, as a message lists them.
    fn gone(&self) -> Option<String> {
        let gone = self.columns.iter().filter(|column| column.now.is_none());
        let gone: Vec<&str> = gone.map(|column| column.then.as_str()).collect();
        (!gone.is_empty()).then(|| gone.join("\", \""))
    }

    /// The query over this table. Its columns have the names that the mappings know, whatever they are now.
    fn query(&self, table: &str, columns: &[TableColumn]) -> String {
        let names = if self.is_renamed() {
            let names: Vec<String> = columns.iter().map(|column| quote_identifier(self.then(&column.name))).collect();
            format!(" ({})", names.join(", "))
        } else {
            String::new()
        };
        self.row.facts.join(&format!("{table} AS {}{names}", quote_identifier(&self.row.alias)))
    }

    fn predicate(&self, predicate: &AttachedPredicate) -> Predicate {
        let columns = &predicate.columns;
        Predicate {
            goal_version: predicate.row.goal_version_id,
            columns: columns.iter().filter_map(|column| column.now.clone()).collect(),
            renamed: columns.iter().any(|column| column.now.as_ref().is_some_and(|now| *now != column.then)),
            sql: self.predicate_sql(predicate),
        }
    }

    /// The expression over a row of the query. It knows table and columns by names of its own, which need not be those of the
    /// mappings.
    fn predicate_sql(&self, AttachedPredicate { row, columns }: &AttachedPredicate) -> Result<String, Error> {
        let relation = self.row.table_name.clone();
        if !row.same_owner {
            return Err(Error::OwnerChanged { relation });
        }
        let gone = columns.iter().filter(|column| column.now.is_none());
        let gone: Vec<&str> = gone.map(|column| column.then.as_str()).collect();
        if !gone.is_empty() {
            return Err(Error::PredicateColumnGone {
                goal_version: row.goal_version_id,
                relation,
                literal: quote_literal(gone.first().unwrap_or(&"")),
                column: gone.join("\", \""),
            });
        }
        let alias = quote_identifier(&self.row.alias);
        let known = columns.iter().filter_map(|column| {
            let then = quote_identifier(self.then(column.now.as_ref()?));
            Some(format!("{alias}.{then} AS {}", quote_identifier(&column.known_as)))
        });
        let known = known.collect::<Vec<_>>().join(", ");
        Ok(format!("(SELECT ({})::bool FROM (SELECT {known}) AS {})", row.condition, quote_identifier(&row.alias)))
    }
}

fn load_attached() -> Result<Vec<Attached>, Error> {
    let rows: Vec<SourceRow> = read::fetch(include_str!("../../sql/statements/load_sources.sql"), &[])?;
    let empty = |row| Attached { row, columns: Vec::new(), replaced: Vec::new(), predicates: Vec::new() };
    let mut attached: Vec<Attached> = rows.into_iter().map(empty).collect();
    let columns = columns_now(
        "SELECT source_id AS id, relation, column_names, column_numbers, table_identity, column_names AS known_as
         FROM referral.sources WHERE detached_at IS NULL",
    );
    for column in read::fetch::<ColumnNow>(&columns, &[])? {
        if let Some(source) = attached.iter_mut().find(|source| source.row.source_id.0 == column.id) {
            let ColumnNow { then, now, displaced, .. } = column;
            source.replaced.extend(displaced.map(|other| format!("{then} was the column that is {other} now")));
            source.columns.push(MappedColumn { then, now });
        }
    }
    load_predicates(&mut attached)?;
    Ok(attached)
}

/// The statement that finds columns: by their names; or by their numbers, when the name is gone and the table is still
/// the one that they are about. A name that is another column's now comes with the name of the one that had it.
fn columns_now(of: &str) -> String {
    format!(
        "SELECT s.id, k.name::text AS then, coalesce(named.attname, numbered.attname)::text AS now,
                CASE WHEN named.attnum <> k.number THEN numbered.attname END::text AS displaced,
                k.known_as::text AS known_as
         FROM ({of}) s CROSS JOIN LATERAL unnest(s.column_names, s.column_numbers, s.known_as)
              WITH ORDINALITY k (name, number, known_as, place)
         LEFT JOIN pg_attribute named
                ON named.attrelid = s.relation AND named.attname = k.name AND NOT named.attisdropped
         LEFT JOIN pg_attribute numbered
                ON s.table_identity = {identity} AND numbered.attrelid = s.relation AND numbered.attnum = k.number
                   AND NOT numbered.attisdropped
         ORDER BY s.id, k.place",
        identity = table_identity("s.relation::oid")
    )
}

fn load_predicates(attached: &mut [Attached]) -> Result<(), Error> {
    let rows: Vec<PredicateRow> = read::fetch(
        "SELECT p.source_id, p.goal_version_id, p.condition, p.alias::text AS alias,
                pg_get_userbyid(c.relowner) = p.owner AS same_owner
         FROM referral.predicates p JOIN referral.sources s USING (source_id) JOIN pg_class c ON c.oid = s.relation
         ORDER BY p.goal_version_id",
        &[],
    )?;
    for row in rows {
        if let Some(source) = attached.iter_mut().find(|source| source.row.source_id == row.source_id) {
            source.predicates.push(AttachedPredicate { row, columns: Vec::new() });
        }
    }
    let columns = columns_now(
        "SELECT p.goal_version_id AS id, s.relation, p.column_names, p.column_numbers, p.table_identity, p.known_as
         FROM referral.predicates p JOIN referral.sources s USING (source_id) WHERE s.detached_at IS NULL",
    );
    for column in read::fetch::<ColumnNow>(&columns, &[])? {
        let mut predicates = attached.iter_mut().flat_map(|source| &mut source.predicates);
        if let Some(predicate) = predicates.find(|predicate| predicate.row.goal_version_id.0 == column.id) {
            predicate.columns.push(column);
        }
    }
    Ok(())
}

/// A column of an attached table or of one of its members.
struct TableColumn {
    name: String,
    number: i16,
    type_oid: pg_sys::Oid,
    type_name: String,
}

row! {
    /// A column of a member, or a member without a column that is looked at.
    struct MemberColumnRow {
        relation: pg_sys::Oid,
        name: Option<String>,
        number: Option<i16>,
        type_oid: Option<pg_sys::Oid>,
        type_name: Option<String>,
    }
}

impl MemberColumnRow {
    fn column(self) -> Option<TableColumn> {
        let Self { name, number, type_oid, type_name, .. } = self;
        Some(TableColumn { name: name?, number: number?, type_oid: type_oid?, type_name: type_name? })
    }
}

/// A table and its columns.
type Member = (pg_sys::Oid, Vec<TableColumn>);

/// The columns that are looked at, of an attached table and its partitions or children; all of them, in their order,
/// where a query needs their names.
fn load_members(attached: &Attached) -> Result<Vec<Member>, Error> {
    let names: Option<Vec<&str>> = (!attached.is_renamed()).then(|| attached.read().collect());
    let rows: Vec<MemberColumnRow> = read::fetch(
        "WITH RECURSIVE member (relid) AS (
             SELECT $1 UNION SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.relid)
         SELECT m.relid AS relation, a.attname::text AS name, a.attnum AS number, a.atttypid AS type_oid,
                format_type(a.atttypid, -1) AS type_name
         FROM member m
         LEFT JOIN pg_attribute a ON a.attrelid = m.relid AND a.attnum > 0 AND NOT a.attisdropped
              AND ($2 IS NULL OR a.attname = ANY ($2))
         ORDER BY m.relid, a.attnum",
        &args![attached.row.relation, names],
    )?;
    let mut members: Vec<Member> = Vec::new();
    for row in rows {
        if members.last().is_none_or(|(last, _)| *last != row.relation) {
            members.push((row.relation, Vec::new()));
        }
        if let Some((_, columns)) = members.last_mut() {
            columns.extend(row.column());
        }
    }
    Ok(members)
}

fn load_sources(config: &mut Config, goals: &Goals) -> Result<(), Error> {
    for attached in load_attached()? {
        let members = load_members(&attached)?;
        let own = members.iter().find(|(relation, _)| *relation == attached.row.relation);
        let facts = attached.query(&attached.row.table_name, own.map_or(&[], |(_, columns)| columns));
        for (relation, columns) in &members {
            let mut source = member(&config.key, goals, &attached, facts.clone(), *relation, columns);
            source.broken = source.broken.or_else(|| config.unreadable.clone());
            let source = Rc::new(source);
            if *relation == attached.row.relation {
                config.sources.push(Rc::clone(&source));
            }
            if !attached.row.own {
                config.members.insert((attached.row.kind, *relation), source);
            }
        }
    }
    Ok(())
}

/// The source as one of its members is read.
fn member(
    key: &Key,
    goals: &Goals,
    attached: &Attached,
    facts: String,
    relation: pg_sys::Oid,
    columns: &[TableColumn],
) -> Source {
    let row = &attached.row;
    let named = |now: &str| columns.iter().find(|column| column.name == now);
    let find = |then: &str| attached.now(then).and_then(named);
    let user_column = row.user_column.as_deref().and_then(find);
    let user = find_user(key, row, user_column);
    let row_id = row.key_column.as_deref().and_then(find);
    let changed_name = |column: &MappedColumn| {
        let now = column.now.as_ref().filter(|now| **now != column.then)?;
        Some(format!("{} is {now}", column.then))
    };
    Source {
        id: row.source_id,
        kind: row.kind,
        own: row.own,
        name: row.name.clone(),
        relation: row.relation,
        table: row.table_name.clone(),
        owner: row.owner,
        broken: problem(attached, goals, &user),
        user_eq: if is_of_the_key_type(key, row, &user, user_column) { key.eq.clone() } else { "=".into() },
        user,
        user_column: row.user_column.as_deref().and_then(|then| attached.now(then)).map(str::to_owned),
        renamed: attached.columns.iter().filter_map(changed_name).collect(),
        replaced: attached.replaced.clone(),
        mapped: attached.read().filter_map(named).map(|column| column.number).collect(),
        from: row.facts.first().and_then(|columns| columns.rfind("FROM")).unwrap_or_default(),
        predicates: attached.predicates.iter().map(|predicate| attached.predicate(predicate)).collect(),
        facts,
        changed: attached.query(&changed_relation(relation), columns),
        row_id_type: row_id.map_or_else(|| row.key_type.clone(), |column| column.type_name.clone()),
        row_id_column: row_id.map(|column| column.number),
        row_id_name: row_id.map(|column| quote_identifier(&column.name)),
        settings: SiteSettings::parse(&row.settings),
        on_delete: row.on_delete,
        foreign: row.is_foreign,
        refunds: row.refunds,
        program: row.program_id,
        goal_versions: goals.get(&row.source_id).and_then(|goals| goals.as_ref().ok()).cloned().unwrap_or_default(),
    }
}

fn find_user(key: &Key, row: &SourceRow, column: Option<&TableColumn>) -> User {
    if row.user_column.is_none() {
        return User::Expression;
    }
    let comparison = column.and_then(|column| Some((column.number, key.comparison(column.type_oid)?)));
    comparison.map_or(User::Gone, |(number, comparison)| User::Column(UserColumn { number, comparison }))
}

/// What keeps a source from being evaluated.
fn problem(attached: &Attached, goals: &Goals, user: &User) -> Option<Error> {
    let row = &attached.row;
    let relation = || row.table_name.clone();
    if let Some(Err(error)) = goals.get(&row.source_id) {
        return Some(error.clone());
    }
    if !row.trusted {
        return Some(Error::Untrusted { relation: relation() });
    }
    if !row.same_owner && !row.own {
        return Some(Error::OwnerChanged { relation: relation() });
    }
    let gone = attached.gone().or_else(|| row.user_column.clone().filter(|_| matches!(user, User::Gone)));
    gone.map(|column| Error::ColumnGone { relation: relation(), column })
}

/// Whether the user of a row is compared with the key by the key's own operator.
fn is_of_the_key_type(key: &Key, row: &SourceRow, user: &User, column: Option<&TableColumn>) -> bool {
    match (user, column) {
        (User::Column(_), Some(column)) => base_type(column.type_oid) == base_type(key.oid),
        _ => row.user_type == key.name,
    }
}

//! Mappings: expressions over the rows of a table, checked, and made into the one query that reads the table through them.
//!
//! PostgreSQL itself makes the query independent of anybody's search path: as a temporary view it is parsed with the caller's
//! path and printed with every name qualified, and its dependencies are the columns that it reads.

use crate::error::{Error, Failure};
use crate::pg::catalog::{Table, base_type, members, quote_literal};
use crate::pg::row::row;
use crate::pg::scope::{SITE, SiteSettings, acting_as, with_safe_path, with_site_settings};
use crate::pg::spi::{analyse, execute_ddl, explain};
use crate::pg::transaction::Caught;
use crate::pg::{args, read};
use crate::program::Config;
use crate::program::arguments::check_length;
use pgrx::prelude::*;
use referral_core::bounds::LONGEST_EXPRESSION;

/// How the user of a row is found: in a column, or by an expression. One of the two is given.
pub struct UserOf {
    /// Name of the column.
    pub column: Option<String>,
    /// An expression over the row.
    pub expression: Option<String>,
}

/// What a mapped expression has to be, and becomes in the query.
#[derive(Clone, Copy, PartialEq)]
pub enum MappedType {
    /// The id of another row; becomes text.
    OtherId,
    /// Comparable with the key of the users; becomes text.
    User,
    /// Anything; becomes text.
    Text,
    /// An exact number or money; becomes numeric.
    Amount,
    /// A whole number; becomes integer.
    Count,
    /// A boolean, of which null counts as false.
    Truth,
    /// A boolean, or a time, which counts as true.
    TruthOrTime,
    /// A time, or null where the expression is none; becomes timestamptz.
    TimeIfTime,
    /// A time; becomes timestamptz.
    Time,
}

/// A column of the query, and the expression over the row that it stands for.
pub struct MappedColumn {
    /// Name of the argument that gives the expression, and of the column.
    pub name: &'static str,
    /// The expression; `None` is null in every row.
    pub sql: Option<String>,
    /// What it has to be.
    pub mapped_type: MappedType,
}

/// The id of a row.
pub struct RowId {
    /// Expression for the id.
    pub sql: String,
    /// Name of the column that it is, if it is one.
    pub column: Option<String>,
}

/// All that is read of a row.
pub struct Mapping {
    /// How the user is found.
    pub user: UserOf,
    /// The id.
    pub id: RowId,
    /// The other columns of the query.
    pub columns: Vec<MappedColumn>,
}

/// The query that reads a table through its mapping.
pub struct Facts {
    /// The query.
    pub query: String,
    /// The query before and after the name of the table.
    pub around: [String; 2],
    /// The name that the query knows the table by: its own, where no rule of PostgreSQL's needs that.
    pub alias: String,
    /// Type of the id.
    pub row_id_type: String,
    /// Type of the user.
    pub user_type: String,
    /// Names of the columns of the table that the query reads.
    pub columns: Vec<String>,
    /// Numbers of those columns.
    pub numbers: Vec<i16>,
    /// Settings under which the query reads, as `sources` keeps them.
    pub settings: Vec<String>,
    /// Decimals of a second that the times of transactions have, where they are fewer than six.
    pub time_decimals: Option<i32>,
    /// The mappings that are times without a time zone, and the zone in which they are read.
    pub zoneless: Option<(String, String)>,
}

/// A condition over the row, with every name qualified.
pub struct Condition {
    /// The condition.
    pub sql: String,
    /// The name that the condition knows the table by.
    pub alias: String,
    /// Names of the columns of the table that it reads.
    pub columns: Vec<String>,
    /// Numbers of those columns.
    pub numbers: Vec<i16>,
}

/// Makes a condition independent of anybody's search path.
///
/// # Errors
/// [`Error::TooLong`], [`Error::BadPredicate`].
pub fn condition(table: &Table, sql: &str) -> Result<Condition, Error> {
    check_length("when.predicate", sql, LONGEST_EXPRESSION)?;
    let bad = |problem, sqlstate| Error::BadPredicate { predicate: sql.to_owned(), problem, sqlstate };
    check(table, sql)?.map_err(|failure| bad(failure.message, failure.code))?;
    make_view(table, &[("referral_holds".into(), format!("(\n{sql}\n)"))], "")?;
    for ViewColumn { type_name, type_oid, .. } in view_columns()? {
        if base_type(type_oid) != pg_sys::BOOLOID {
            let problem = format!("it is of type {type_name}; it must be boolean");
            return Err(bad(problem, PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH));
        }
    }
    let View { query, columns, numbers, system_columns } = read_view(table)?;
    drop_view()?;
    if let Some(column) = system_columns.first() {
        let problem = format!("it reads the system column {column}");
        return Err(bad(problem, PgSqlErrorCode::ERRCODE_INVALID_COLUMN_REFERENCE));
    }
    let AroundTable { before, alias, .. } = split_at_table(&query, table)?;
    let sql = before
        .strip_prefix(" SELECT ")
        .and_then(|rest| rest.strip_suffix(" AS referral_holds\n   FROM "))
        .ok_or(Error::Server("the view of the condition is not what was made"))?;
    Ok(Condition { sql: sql.to_owned(), alias, columns, numbers })
}

/// In a WHERE clause PostgreSQL rejects aggregates, window functions and sets of rows; an expression that closes a bracket to
/// open another is none between brackets of both kinds.
fn check(table: &Table, expression: &str) -> Caught<()> {
    analyse(&format!("SELECT ARRAY[\n{expression}\n] FROM ONLY {} WHERE (\n{expression}\n) IS NOT NULL", table.name))
}

/// Makes the view `referral_facts` of a table, of these columns: their names, and their expressions.
fn make_view(table: &Table, columns: &[(String, String)], from: &str) -> Result<(), Error> {
    let (names, values): (Vec<_>, Vec<_>) = columns.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).unzip();
    execute_ddl(&format!(
        "CREATE TEMPORARY VIEW referral_facts ({}) AS SELECT {} FROM {}{from}",
        names.join(", "),
        values.join(", "),
        table.name
    ))
}

fn drop_view() -> Result<(), Error> {
    execute_ddl("DROP VIEW pg_temp.referral_facts")
}

row! {
    /// A column of the view.
    struct ViewColumn {
        name: String,
        type_name: String,
        type_oid: pg_sys::Oid,
        /// Decimals of a second that a time has, where its type says it.
        decimals: Option<i32>,
    }

    /// The view as PostgreSQL prints it.
    struct View {
        query: String,
        /// Names of the columns of the table that it reads.
        columns: Vec<String>,
        /// Numbers of those columns.
        numbers: Vec<i16>,
        /// Names of the system columns, such as `ctid`, that it reads.
        system_columns: Vec<String>,
    }
}

fn view_columns() -> Result<Vec<ViewColumn>, Error> {
    with_safe_path(|| {
        read::fetch(
            "SELECT a.attname::text AS name, format_type(a.atttypid, -1) AS type_name, a.atttypid AS type_oid,
                    CASE WHEN t.typcategory = 'D' THEN coalesce(nullif(a.atttypmod, -1), nullif(t.typtypmod, -1)) END
                    AS decimals
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = 'pg_temp.referral_facts'::regclass AND a.attnum > 0",
            &[],
        )
    })
}

fn read_view(table: &Table) -> Result<View, Error> {
    let sql = include_str!("../../sql/statements/read_view.sql");
    // The text that is printed is read by others, whatever this session's DateStyle is.
    with_safe_path(|| with_site_settings(&SiteSettings::default(), || read::fetch_one(sql, &args![table.oid])))
}

/// The user of a row in the query.
struct UserSql {
    /// Name of the argument that says it.
    argument: &'static str,
    /// The expression.
    sql: String,
    /// What the expression adds to the FROM.
    from: String,
}

impl MappedColumn {
    /// A column of the query.
    pub fn new(name: &'static str, mapped_type: MappedType, sql: Option<String>) -> Self {
        Self { name, sql, mapped_type }
    }
}

impl Mapping {
    /// The query that reads a table through this mapping, checked.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::BadMapping`], [`Error::BadMappingType`], [`Error::NoSuchColumn`].
    pub fn facts(&self, config: &Config, table: &Table) -> Result<Facts, Error> {
        check_mapping(table, "id", &self.id.sql)?;
        for column in &self.columns {
            column.sql.as_deref().map_or(Ok(()), |sql| check_mapping(table, column.name, sql))?;
        }
        self.user.expression.as_deref().map_or(Ok(()), |sql| check_mapping(table, "user", sql))?;
        let user = self.user_sql(table)?;
        let types = self.types(table, &user)?;
        let type_of = |name: &str| {
            let found = types.iter().find(|column| column.name == name);
            found.map_or(("", pg_sys::InvalidOid), |column| (column.type_name.as_str(), column.type_oid))
        };
        let time = types.iter().find(|column| column.name == "occurred_at");
        let time_decimals = time.and_then(|column| column.decimals).filter(|decimals| *decimals < 6);
        let (row_id_type, (user_type, user_oid)) = (type_of("row_id").0.to_owned(), type_of("user_key"));
        let said = self.user.column.as_ref().or(self.user.expression.as_ref()).map_or("", String::as_str);
        check_comparable(config, user.argument, said, user_oid)?;

        let (time_zone, settings) = site_settings()?;
        let is_time = |kind| matches!(kind, MappedType::Time | MappedType::TruthOrTime);
        let times = self.columns.iter().filter(|column| column.sql.is_some() && is_time(column.mapped_type));
        let zoneless: Vec<&str> =
            times.map(|column| column.name).filter(|name| is_zoneless(base_type(type_of(name).1))).collect();
        let zoneless = (!zoneless.is_empty()).then(|| (zoneless.join(", "), time_zone.clone()));
        let mut columns = vec![
            ("row_id".to_owned(), format!("(\n{}\n)", self.id.sql)),
            ("row_key".into(), format!("(\n{}\n)::pg_catalog.text", self.id.sql)),
            ("user_key".into(), user.sql.clone()),
        ];
        for column in &self.columns {
            let sql = match &column.sql {
                None => format!("NULL::pg_catalog.{}", column.mapped_type.pg_type()),
                Some(sql) => column.read(config, sql, type_of(column.name), &row_id_type, &time_zone)?,
            };
            columns.push((column.name.to_owned(), sql));
        }
        make_view(table, &columns, &user.from)?;
        let View { query, columns, numbers, system_columns } = read_view(table)?;
        drop_view()?;
        if let Some(column) = system_columns.first() {
            return Err(self.reads_system_column(table, column)?);
        }
        let AroundTable { before, alias, after } = split_at_table(&query, table)?;
        check_rights(table, &query)?;
        let around = [before, after];
        Ok(Facts {
            query,
            around,
            alias,
            row_id_type,
            user_type: user_type.to_owned(),
            columns,
            numbers,
            settings,
            time_decimals,
            zoneless,
        })
    }

    /// The error of the mapping that reads a system column, which changed rows do not have, and most of which change with
    /// each UPDATE.
    fn reads_system_column(&self, table: &Table, column: &str) -> Result<Error, Error> {
        let mapped = self.columns.iter().filter_map(|column| Some((column.name, column.sql.as_ref()?)));
        let user = self.user.expression.iter().map(|sql| ("user", sql));
        let mut found = ("id", &self.id.sql);
        for (mapping, sql) in mapped.chain(user) {
            // Over the other columns alone it does not resolve.
            let rows = format!("(SELECT * FROM {}) {}", table.name, table.own_name_quoted);
            if let Err(_unresolved) = analyse(&format!("SELECT (\n{sql}\n) FROM {rows}"))? {
                found = (mapping, sql);
            }
        }
        let (mapping, expression) = (found.0, found.1.clone());
        let problem = format!("it reads the system column {column}");
        Ok(Error::BadMapping {
            mapping,
            expression,
            problem,
            sqlstate: PgSqlErrorCode::ERRCODE_INVALID_COLUMN_REFERENCE,
        })
    }

    /// A query that finds the user becomes a join, which PostgreSQL can also go from the user to the rows.
    fn user_sql(&self, table: &Table) -> Result<UserSql, Error> {
        if let Some(column) = &self.user.column {
            let sql = column_of(table, column)?.0;
            return Ok(UserSql { argument: "user_column", sql, from: String::new() });
        }
        let expression = self.user.expression.as_deref().unwrap_or("NULL");
        let name = unused_name(table)?;
        let from = format!(", LATERAL (\n{expression}\n) {name} ({name})");
        Ok(match analyse(&format!("SELECT FROM {}{from}", table.name))? {
            Ok(()) => UserSql { argument: "user", sql: format!("{name}.{name}"), from },
            Err(_) => UserSql { argument: "user", sql: format!("(\n{expression}\n)"), from: String::new() },
        })
    }

    /// The types of the expressions as they are, before they become what the query has.
    fn types(&self, table: &Table, user: &UserSql) -> Result<Vec<ViewColumn>, Error> {
        let mut columns =
            vec![("row_id".to_owned(), format!("(\n{}\n)", self.id.sql)), ("user_key".to_owned(), user.sql.clone())];
        for column in &self.columns {
            columns.extend(column.sql.as_ref().map(|sql| (column.name.to_owned(), format!("(\n{sql}\n)"))));
        }
        make_view(table, &columns, &user.from)?;
        let types = view_columns()?;
        drop_view()?;
        Ok(types)
    }
}

/// A name that neither the table nor any of its columns has, so that no expression over the row means it.
fn unused_name(table: &Table) -> Result<String, Error> {
    let columns: Vec<String> = with_safe_path(|| {
        read::values("SELECT attname::text FROM pg_attribute WHERE attrelid = $1", &args![table.oid])
    })?;
    let mut name = "referral_user".to_owned();
    while name == table.own_name || columns.contains(&name) {
        name.push('_');
    }
    Ok(name)
}

fn check_mapping(table: &Table, mapping: &'static str, expression: &str) -> Result<(), Error> {
    check_length(mapping, expression, LONGEST_EXPRESSION)?;
    check(table, expression)?.map_err(|failure| bad_mapping(mapping, expression, failure))
}

fn bad_mapping(mapping: &'static str, expression: &str, failure: Failure) -> Error {
    Error::BadMapping { mapping, expression: expression.to_owned(), problem: failure.message, sqlstate: failure.code }
}

/// A query, taken apart at the name of its table.
struct AroundTable {
    before: String,
    /// The name that the query knows the table by.
    alias: String,
    after: String,
}

/// Takes a query apart at the name of its table. A view has relations named `old` and `new` of its own, so that PostgreSQL
/// prints another name after that of a table which is called so.
fn split_at_table(query: &str, table: &Table) -> Result<AroundTable, Error> {
    let halves = query.split_once(&format!("\n   FROM {}", table.name));
    let (before, after) = halves.ok_or(Error::Server("the view does not name its table"))?;
    let name = after.strip_prefix(' ').map(|rest| &rest[..rest.find(['\n', ',']).unwrap_or(rest.len())]);
    Ok(AroundTable {
        before: format!("{before}\n   FROM "),
        alias: name.unwrap_or(&table.own_name).to_owned(),
        after: name.map_or(after, |name| &after[1 + name.len()..]).to_owned(),
    })
}

/// The engine will run the query with the rights of the table's owner: what the owner may not read shows now.
fn check_rights(table: &Table, query: &str) -> Result<(), Error> {
    with_safe_path(|| acting_as(table.owner, || analyse(&format!("SELECT * FROM ({query}) f"))))?
        .map_err(|failure| bad_mapping("facts", query, failure))
}

impl MappedType {
    fn pg_type(self) -> &'static str {
        match self {
            Self::Amount => "numeric",
            Self::Count => "int4",
            Self::Truth | Self::TruthOrTime => "bool",
            Self::Time | Self::TimeIfTime => "timestamptz",
            Self::OtherId | Self::User | Self::Text => "text",
        }
    }
}

impl MappedColumn {
    /// The expression as the query has it, when it is of a type that can be read.
    fn read(
        &self,
        config: &Config,
        sql: &str,
        (printed, oid): (&str, pg_sys::Oid),
        row_id_type: &str,
        time_zone: &str,
    ) -> Result<String, Error> {
        const INTEGERS: [pg_sys::Oid; 3] = [pg_sys::INT2OID, pg_sys::INT4OID, pg_sys::INT8OID];
        const TIMES: [pg_sys::Oid; 3] = [pg_sys::TIMESTAMPTZOID, pg_sys::TIMESTAMPOID, pg_sys::DATEOID];
        let base = base_type(oid);
        let wrong = |wanted| {
            Err(Error::BadMappingType {
                mapping: self.name,
                expression: sql.to_owned(),
                found: printed.to_owned(),
                wanted,
            })
        };
        Ok(match self.mapped_type {
            MappedType::Text => format!("(\n{sql}\n)::pg_catalog.text"),
            MappedType::OtherId => match analyse(&format!("SELECT (NULL::{printed})::{row_id_type}"))? {
                Ok(()) => format!("(\n{sql}\n)::{row_id_type}::pg_catalog.text"),
                Err(_) => return wrong("one that can be cast to the type of the id"),
            },
            MappedType::User => {
                check_comparable(config, self.name, sql, oid)?;
                format!("(\n{sql}\n)::pg_catalog.text")
            }
            MappedType::Amount
                if INTEGERS.contains(&base) || [pg_sys::NUMERICOID, pg_sys::MONEYOID].contains(&base) =>
            {
                format!("(\n{sql}\n)::pg_catalog.numeric")
            }
            MappedType::Amount => return wrong("numeric, an integer or money: never a float"),
            MappedType::Count if INTEGERS.contains(&base) => format!("(\n{sql}\n)::pg_catalog.int4"),
            MappedType::Count => return wrong("an integer"),
            MappedType::Truth | MappedType::TruthOrTime if base == pg_sys::BOOLOID => {
                format!("coalesce((\n{sql}\n), false)")
            }
            MappedType::Truth => return wrong("boolean"),
            MappedType::TruthOrTime if TIMES.contains(&base) => format!("(\n{sql}\n) IS NOT NULL"),
            MappedType::TruthOrTime => return wrong("boolean, a timestamp or a date"),
            MappedType::TimeIfTime if !TIMES.contains(&base) => "NULL::pg_catalog.timestamptz".into(),
            MappedType::Time | MappedType::TimeIfTime => match time_sql(sql, base, time_zone) {
                Some(sql) => sql,
                None => return wrong("a timestamp or a date"),
            },
        })
    }
}

row! {
    /// The settings that say how the site writes its values, as the session of whoever attaches has them.
    struct Settings {
        time_zone: String,
        /// All of them, each with its value.
        settings: Vec<String>,
    }
}

/// The time zone of this session, and its settings as `sources` keeps them. Of DateStyle the order of day, month and year is
/// kept: keys are printed in ISO.
fn site_settings() -> Result<(String, Vec<String>), Error> {
    let names: Vec<String> = SITE.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let sql = "SELECT current_setting('TimeZone') AS time_zone,
                      array_agg(concat(name, '=', CASE name WHEN 'DateStyle'
                                                  THEN 'ISO, ' || split_part(current_setting(name), ', ', 2)
                                                  ELSE current_setting(name) END) ORDER BY n) AS settings
               FROM unnest($1) WITH ORDINALITY AS s (name, n)";
    let Settings { time_zone, settings } = with_safe_path(|| read::fetch_one(sql, &args![names]))?;
    Ok((time_zone, settings))
}

fn is_zoneless(type_oid: pg_sys::Oid) -> bool {
    [pg_sys::TIMESTAMPOID, pg_sys::DATEOID].contains(&type_oid)
}

/// A time without a zone is read in the zone that is set now, whatever later sessions have set. A date is the end of its day,
/// so that a purchase on the day of the redemption counts.
fn time_sql(sql: &str, type_oid: pg_sys::Oid, time_zone: &str) -> Option<String> {
    let zone = quote_literal(time_zone);
    match type_oid {
        pg_sys::TIMESTAMPTZOID => Some(format!("(\n{sql}\n)")),
        pg_sys::TIMESTAMPOID => Some(format!("((\n{sql}\n)::pg_catalog.timestamp AT TIME ZONE {zone})")),
        pg_sys::DATEOID => Some(format!(
            "(((\n{sql}\n)::pg_catalog.timestamp OPERATOR(pg_catalog.+) '1 day -1 microsecond'::pg_catalog.interval) AT TIME ZONE {zone})"
        )),
        _ => None,
    }
}

row! {
    /// A column of a table.
    struct ColumnRow {
        quoted: String,
        name: String,
        type_oid: pg_sys::Oid,
    }
}

/// The id of a row: the expression that the caller gave, or the primary key.
///
/// # Errors
/// [`Error::NoKey`].
pub fn row_id(given: Option<&str>, table: &Table) -> Result<RowId, Error> {
    if let Some(sql) = given {
        let column = sql.trim_matches('"');
        let is_column = column_of(table, column).is_ok();
        return Ok(RowId { sql: sql.to_owned(), column: is_column.then(|| column.to_owned()) });
    }
    let columns: Vec<ColumnRow> = with_safe_path(|| {
        read::fetch(
            "SELECT quote_ident(a.attname) AS quoted, a.attname::text AS name, a.atttypid AS type_oid
             FROM pg_constraint pk
             CROSS JOIN LATERAL unnest(pk.conkey) WITH ORDINALITY k (attnum, n)
             JOIN pg_attribute a ON a.attrelid = pk.conrelid AND a.attnum = k.attnum
             WHERE pk.conrelid = $1 AND pk.contype = 'p' ORDER BY k.n",
            &args![table.oid],
        )
    })?;
    match columns.as_slice() {
        [] => Err(Error::NoKey { relation: table.name.clone() }),
        [one] => Ok(RowId { sql: one.quoted.clone(), column: Some(one.name.clone()) }),
        columns => {
            let columns: Vec<&str> = columns.iter().map(|column| column.quoted.as_str()).collect();
            Ok(RowId { sql: format!("ROW({})::pg_catalog.text", columns.join(", ")), column: None })
        }
    }
}

/// A column by its name: quoted, and its type.
///
/// # Errors
/// [`Error::NoSuchColumn`].
pub fn column_of(table: &Table, column: &str) -> Result<(String, pg_sys::Oid), Error> {
    let found: Option<ColumnRow> = with_safe_path(|| {
        read::fetch_optional(
            "SELECT quote_ident(attname) AS quoted, attname::text AS name, atttypid AS type_oid FROM pg_attribute
             WHERE attrelid = $1 AND attname = $2 AND attnum > 0 AND NOT attisdropped",
            &args![table.oid, column],
        )
    })?;
    let no_such_column = || Error::NoSuchColumn { relation: table.name.clone(), column: column.to_owned() };
    found.map(|column| (column.quoted, column.type_oid)).ok_or_else(no_such_column)
}

/// The user's column must be comparable with the user's key by an index.
///
/// # Errors
/// [`Error::UserMissing`], [`Error::UserTwice`], [`Error::NoSuchColumn`], [`Error::BadMappingType`].
pub fn check_user(config: &Config, user: &UserOf, table: &Table) -> Result<(), Error> {
    match (&user.column, &user.expression) {
        (Some(column), None) => check_comparable(config, "user_column", column, column_of(table, column)?.1),
        (None, Some(_)) => Ok(()),
        (None, None) => Err(Error::UserMissing),
        (Some(_), Some(_)) => Err(Error::UserTwice),
    }
}

fn check_comparable(config: &Config, mapping: &'static str, sql: &str, type_oid: pg_sys::Oid) -> Result<(), Error> {
    if config.key.comparison(type_oid).is_some() {
        return Ok(());
    }
    let found = with_safe_path(|| read::value("SELECT format_type($1, NULL)", &args![type_oid]))?;
    Err(Error::BadMappingType {
        mapping,
        expression: sql.to_owned(),
        found,
        wanted: "one that an index compares with the key of the users, without a cast",
    })
}

/// What has to be done so that the rows of a user are found without a scan; empty when they are. Statements, where a column
/// names the user: one for each table that has rows, none of which holds up its writers.
///
/// # Errors
/// [`Error::NoSuchColumn`].
pub fn indexes_wanted(config: &Config, table: &Table, user: &UserOf, query: &str) -> Result<Vec<String>, Error> {
    if let Some(column) = &user.column {
        let (quoted, _) = column_of(table, column)?;
        let lacking: Vec<String> = with_safe_path(|| {
            let members: Vec<pg_sys::Oid> = members(table.oid)?.into_iter().map(|member| member.oid).collect();
            read::values(
                "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.oid = ANY ($1) AND c.relkind = 'r' AND NOT EXISTS (
                     SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                     WHERE i.indrelid = c.oid AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL)
                 ORDER BY c.oid",
                &args![members, column.as_str()],
            )
        })?;
        let index = |table| format!("CREATE INDEX CONCURRENTLY ON {table} ({quoted});");
        return Ok(lacking.into_iter().map(index).collect());
    }
    let sql = format!("SELECT FROM ({query}) f WHERE f.user_key = (SELECT NULL::{})", config.key.name);
    let plan = with_safe_path(|| acting_as(table.owner, || explain(&sql)))?;
    let scan = format!("Seq Scan on {}", table.own_name_quoted);
    let scanned = plan.iter().any(|line| {
        let rest = line.split_once(&scan).map(|(_, rest)| rest);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    let hint = "Create an index on what the expression of the user reads, so that the rows of a user are found without a scan.";
    Ok(scanned.then(|| hint.to_owned()).into_iter().collect())
}

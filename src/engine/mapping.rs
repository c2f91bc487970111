//! Mappings: expressions over the rows of a table, checked, and made into the one query that reads the table through them.

use super::config::Config;
use super::install::Table;
use crate::db::{analyse, arg, base_type, confined_to, explain, in_time_zone, look, secured, set_up};
use crate::error::{Error, Failure};
use pgrx::prelude::*;

/// Where the user of a row is.
pub struct UserOf {
    /// In a column of this name,
    pub column: Option<String>,
    /// or what an expression over the row says.
    pub expression: Option<String>,
}

/// What a mapping has to be, and becomes in the query.
#[derive(Clone, Copy, PartialEq)]
pub enum Shape {
    /// The id of another row, as text.
    OtherId,
    /// Comparable with the key of the users.
    User,
    /// Anything, read as text.
    Text,
    /// An exact number or money; becomes numeric.
    Amount,
    /// A whole number.
    Count,
    /// Null counts as false.
    Truth,
    /// The same, or a time, which counts as true.
    TruthOrTime,
    /// A time, or null for what is none.
    TimeIfTime,
    /// Becomes a timestamptz.
    Time,
}

/// An expression over the row. One without a text is null in every row.
pub struct Part {
    /// The argument that says it, and its column in the query.
    pub name: &'static str,
    /// The expression.
    pub sql: Option<String>,
    /// What it has to be.
    pub shape: Shape,
}

/// An expression over the row.
pub fn part(name: &'static str, shape: Shape, sql: Option<String>) -> Part {
    Part { name, sql, shape }
}

/// The id of a row: an expression, and the column that it is, if it is one.
pub struct Id {
    /// The expression,
    pub sql: String,
    /// the column,
    pub column: Option<String>,
    /// and whether the caller gave it: else it is the primary key.
    pub given: bool,
}

/// All that is read of a row.
pub struct Columns {
    /// Whose it is.
    pub user: UserOf,
    /// Its id.
    pub id: Id,
    /// The rest.
    pub parts: Vec<Part>,
}

/// The query that reads a table through its mappings.
pub struct Facts {
    /// The query.
    pub query: String,
    /// The query before and after the name of the table.
    pub around: [String; 2],
    /// Types of the id and of the user.
    pub key_type: String,
    pub user_type: String,
    /// The columns of the table that it reads, and their numbers.
    pub columns: Vec<String>,
    pub numbers: Vec<i16>,
    /// The time zone in which times without one are read.
    pub time_zone: String,
}

/// A condition over the row, checked, and with every name qualified.
pub struct Condition {
    /// The condition.
    pub sql: String,
    /// The columns of the table that it reads, and their numbers.
    pub columns: Vec<String>,
    pub numbers: Vec<i16>,
}

/// Makes a condition independent of anybody's search path, as [`facts`] does with mappings.
pub fn condition(relation: pg_sys::Oid, table: &Table, sql: &str) -> Result<Condition, Error> {
    let bad = |problem, sqlstate| Error::BadPredicate { predicate: sql.to_owned(), problem, sqlstate };
    check(table, sql).map_err(|failure| bad(failure.message, failure.code))?;
    make_view(table, &[("referral_holds".into(), format!("(\n{sql}\n)"))], "")?;
    for (_, printed, oid) in view_types()? {
        if base_type(oid) != pg_sys::BOOLOID {
            let problem = format!("it is of type {printed}; wanted is boolean");
            return Err(bad(problem, PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH));
        }
    }
    let View { query, columns, numbers } = read_view(relation)?;
    set_up("DROP VIEW pg_temp.referral_facts")?;
    let sql = query
        .strip_prefix(" SELECT ")
        .and_then(|rest| rest.strip_suffix(&format!(" AS referral_holds\n   FROM {}", table.name)))
        .ok_or(Error::Server("the view of the condition is not what was made"))?;
    Ok(Condition { sql: sql.to_owned(), columns, numbers })
}

/// In a WHERE clause aggregates, window functions and sets of rows are refused; what closes a bracket to open another is no
/// expression between brackets of both kinds.
fn check(table: &Table, expression: &str) -> Result<(), Failure> {
    analyse(&format!("SELECT ARRAY[\n{expression}\n] FROM ONLY {} WHERE (\n{expression}\n) IS NOT NULL", table.name))
}

/// Makes a view of a table, of these columns: their names, and their expressions.
fn make_view(table: &Table, columns: &[(String, String)], from: &str) -> Result<(), Error> {
    let (names, values): (Vec<_>, Vec<_>) = columns.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).unzip();
    set_up(&format!(
        "CREATE TEMPORARY VIEW referral_facts ({}) AS SELECT {} FROM {}{from}",
        names.join(", "),
        values.join(", "),
        table.name
    ))
}

/// The columns of the view: their names, and their types.
fn view_types() -> Result<Vec<(String, String, pg_sys::Oid)>, Error> {
    secured(None, || {
        look(
            "SELECT attname::text, format_type(atttypid, -1), atttypid FROM pg_attribute \
             WHERE attrelid = 'pg_temp.referral_facts'::regclass AND attnum > 0",
            &[],
            |row| Ok((row.need::<String>(1)?, row.need::<String>(2)?, row.need::<pg_sys::Oid>(3)?)),
        )
    })
}

/// The view as PostgreSQL prints it, and the columns of the table that it reads.
struct View {
    query: String,
    columns: Vec<String>,
    numbers: Vec<i16>,
}

fn read_view(relation: pg_sys::Oid) -> Result<View, Error> {
    let read = secured(None, || {
        // Whatever this session's DateStyle is: what is printed is read by others.
        in_time_zone(c"UTC", || {
            look(
                "SELECT rtrim(pg_get_viewdef(v.oid), ';'), \
                        coalesce(array_agg(a.attname::text ORDER BY a.attname) FILTER (WHERE a.attnum > 0), '{}'), \
                        coalesce(array_agg(a.attnum ORDER BY a.attname) FILTER (WHERE a.attnum > 0), '{}') \
                 FROM pg_class v JOIN pg_rewrite r ON r.ev_class = v.oid \
                 LEFT JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped \
                      AND (r.ev_action::text ~ ':varattno 0 ' OR EXISTS ( \
                           SELECT FROM pg_depend d \
                           WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid \
                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = a.attnum)) \
                 WHERE v.oid = 'pg_temp.referral_facts'::regclass GROUP BY v.oid",
                &[arg(relation)],
                |row| Ok(View { query: row.need(1)?, columns: row.need(2)?, numbers: row.need(3)? }),
            )
        })
    })?;
    read.into_iter().next().ok_or(Error::Server("the view of the facts is not there"))
}

/// PostgreSQL itself makes the query independent of anybody's search path: as a temporary view it is parsed
/// with the caller's path and printed with every name qualified, and its dependencies are the columns it reads. (A
/// reference to the whole row, column 0 of its node tree, has no dependencies and reads them all.)
pub fn facts(config: &Config, relation: pg_sys::Oid, table: &Table, columns: &Columns) -> Result<Facts, Error> {
    let Columns { user, id, parts } = columns;
    let check = |mapping: &'static str, expression: &str| {
        check(table, expression).map_err(|failure| Error::BadMapping {
            mapping,
            expression: expression.to_owned(),
            problem: failure.message,
            sqlstate: failure.code,
        })
    };
    check("id", &id.sql)?;
    for part in parts {
        part.sql.as_deref().map_or(Ok(()), |sql| check(part.name, sql))?;
    }
    let (user_name, user_sql, from) = match (&user.column, &user.expression) {
        (Some(column), _) => ("user_column", column_of(relation, table, column)?.0, String::new()),
        (None, expression) => {
            let expression = expression.as_deref().unwrap_or("NULL");
            check("user", expression)?;
            // A query becomes a join, which PostgreSQL can also go from the user to the rows.
            let joined = format!(", LATERAL (\n{expression}\n) referral_user (user_key)");
            if analyse(&format!("SELECT FROM {}{joined}", table.name)).is_ok() {
                ("user", "referral_user.user_key".into(), joined)
            } else {
                ("user", format!("(\n{expression}\n)"), String::new())
            }
        }
    };

    // First as they are, to see their types; then as what they become.
    let mut columns: Vec<(String, String)> =
        vec![("row_id".into(), format!("(\n{}\n)", id.sql)), ("user_key".into(), user_sql.clone())];
    for part in parts {
        columns.extend(part.sql.as_ref().map(|sql| (part.name.to_owned(), format!("(\n{sql}\n)"))));
    }
    make_view(table, &columns, &from)?;
    let types = view_types()?;
    set_up("DROP VIEW pg_temp.referral_facts")?;
    let type_of = |name: &str| {
        types.iter().find(|(n, ..)| n == name).map_or(("", pg_sys::InvalidOid), |(_, printed, oid)| (printed, *oid))
    };
    let (key_type, (user_type, user_oid)) = (type_of("row_id").0.to_owned(), type_of("user_key"));
    let said = user.column.as_ref().or(user.expression.as_ref()).map_or("", String::as_str);
    check_comparable(config, user_name, said, user_oid)?;

    let time_zone = read_time_zone()?;
    columns.truncate(1);
    columns.push(("row_key".into(), format!("(\n{}\n)::pg_catalog.text", id.sql)));
    columns.push(("user_key".into(), user_sql));
    for part in parts {
        let sql = match &part.sql {
            None => format!("NULL::pg_catalog.{}", part.shape.pg_type()),
            Some(sql) => part.read(config, sql, type_of(part.name), &key_type, &time_zone)?,
        };
        columns.push((part.name.to_owned(), sql));
    }
    make_view(table, &columns, &from)?;
    let View { query, columns, numbers } = read_view(relation)?;
    set_up("DROP VIEW pg_temp.referral_facts")?;
    let around = query
        .split_once(&format!("\n   FROM {}", table.name))
        .map(|(before, after)| [format!("{before}\n   FROM "), after.to_owned()])
        .ok_or(Error::Server("the view of the facts does not name its table"))?;
    // The engine will run it with the rights of the table's owner: what it may not read shows now.
    secured(None, || confined_to(table.owner, || analyse(&format!("SELECT * FROM ({query}) f")))).map_err(
        |failure| Error::BadMapping {
            mapping: "facts",
            expression: query.clone(),
            problem: failure.message,
            sqlstate: failure.code,
        },
    )?;
    Ok(Facts { query, around, key_type, user_type: user_type.to_owned(), columns, numbers, time_zone })
}

impl Shape {
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

impl Part {
    /// The expression as the query has it, when it is of a type that can be read.
    fn read(
        &self,
        config: &Config,
        sql: &str,
        (printed, oid): (&str, pg_sys::Oid),
        key_type: &str,
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
        Ok(match self.shape {
            Shape::Text => format!("(\n{sql}\n)::pg_catalog.text"),
            Shape::OtherId => {
                if analyse(&format!("SELECT (NULL::{printed})::{key_type}")).is_err() {
                    return wrong("one that can be cast to the type of the id");
                }
                format!("(\n{sql}\n)::{key_type}::pg_catalog.text")
            }
            Shape::User => {
                check_comparable(config, self.name, sql, oid)?;
                format!("(\n{sql}\n)::pg_catalog.text")
            }
            Shape::Amount if INTEGERS.contains(&base) || [pg_sys::NUMERICOID, pg_sys::MONEYOID].contains(&base) => {
                format!("(\n{sql}\n)::pg_catalog.numeric")
            }
            Shape::Amount => return wrong("numeric, an integer or money: never a float"),
            Shape::Count if INTEGERS.contains(&base) => format!("(\n{sql}\n)::pg_catalog.int4"),
            Shape::Count => return wrong("an integer"),
            Shape::Truth | Shape::TruthOrTime if base == pg_sys::BOOLOID => format!("coalesce((\n{sql}\n), false)"),
            Shape::Truth => return wrong("boolean"),
            Shape::TruthOrTime if TIMES.contains(&base) => format!("(\n{sql}\n) IS NOT NULL"),
            Shape::TruthOrTime => return wrong("boolean, a timestamp or a date"),
            Shape::TimeIfTime if !TIMES.contains(&base) => "NULL::pg_catalog.timestamptz".into(),
            // A time without a zone is read in the zone that is set now, whatever later sessions have set. A date is
            // the end of its day, so that a purchase on the day of the redemption counts.
            Shape::Time | Shape::TimeIfTime => match base {
                pg_sys::TIMESTAMPTZOID => format!("(\n{sql}\n)"),
                pg_sys::TIMESTAMPOID => {
                    format!("((\n{sql}\n)::pg_catalog.timestamp AT TIME ZONE {})", literal(time_zone))
                }
                pg_sys::DATEOID => format!(
                    "(((\n{sql}\n)::pg_catalog.timestamp + '1 day -1 microsecond'::pg_catalog.interval) AT TIME ZONE {})",
                    literal(time_zone)
                ),
                _ => return wrong("a timestamp or a date"),
            },
        })
    }
}

/// The id of a row: what the caller says, or the primary key.
pub fn id(given: Option<&str>, relation: pg_sys::Oid, table: &Table) -> Result<Id, Error> {
    if let Some(sql) = given {
        let column = sql.trim_matches('"');
        let is_column = column_of(relation, table, column).is_ok();
        return Ok(Id { sql: sql.to_owned(), column: is_column.then(|| column.to_owned()), given: true });
    }
    let columns = secured(None, || {
        look(
            "SELECT quote_ident(a.attname), a.attname::text FROM pg_constraint pk \
             CROSS JOIN LATERAL unnest(pk.conkey) WITH ORDINALITY k (attnum, n) \
             JOIN pg_attribute a ON a.attrelid = pk.conrelid AND a.attnum = k.attnum \
             WHERE pk.conrelid = $1 AND pk.contype = 'p' ORDER BY k.n",
            &[arg(relation)],
            |row| Ok((row.need::<String>(1)?, row.need::<String>(2)?)),
        )
    })?;
    match columns.as_slice() {
        [] => Err(Error::NoKey { relation: table.name.clone() }),
        [(quoted, column)] => Ok(Id { sql: quoted.clone(), column: Some(column.clone()), given: false }),
        columns => {
            let columns: Vec<&str> = columns.iter().map(|(quoted, _)| quoted.as_str()).collect();
            Ok(Id { sql: format!("ROW({})::pg_catalog.text", columns.join(", ")), column: None, given: false })
        }
    }
}

/// A column by its name, quoted.
pub fn column_quoted(relation: pg_sys::Oid, table: &Table, column: &str) -> Result<String, Error> {
    column_of(relation, table, column).map(|(quoted, _)| quoted)
}

/// A column by its name: quoted, and its type.
pub fn column_of(relation: pg_sys::Oid, table: &Table, column: &str) -> Result<(String, pg_sys::Oid), Error> {
    let columns = secured(None, || {
        look(
            "SELECT quote_ident(attname), atttypid FROM pg_attribute \
             WHERE attrelid = $1 AND attname = $2 AND attnum > 0 AND NOT attisdropped",
            &[arg(relation), arg(column)],
            |row| Ok((row.need(1)?, row.need(2)?)),
        )
    })?;
    columns
        .into_iter()
        .next()
        .ok_or_else(|| Error::NoSuchColumn { relation: table.name.clone(), column: column.to_owned() })
}

/// The user's column must be comparable with the user's key by an index.
pub fn check_user(config: &Config, user: &UserOf, relation: pg_sys::Oid, table: &Table) -> Result<(), Error> {
    match (&user.column, &user.expression) {
        (Some(column), None) => {
            let (_, type_oid) = column_of(relation, table, column)?;
            check_comparable(config, "user_column", column, type_oid)
        }
        (None, Some(_)) => Ok(()),
        (None, None) => Err(Error::UserMissing),
        (Some(_), Some(_)) => Err(Error::UserTwice),
    }
}

fn check_comparable(config: &Config, mapping: &'static str, sql: &str, type_oid: pg_sys::Oid) -> Result<(), Error> {
    if config.key.comparison(type_oid).1 != pg_sys::InvalidOid {
        return Ok(());
    }
    let names = secured(None, || look("SELECT format_type($1, NULL)", &[arg(type_oid)], |row| row.need::<String>(1)))?;
    Err(Error::BadMappingType {
        mapping,
        expression: sql.to_owned(),
        found: names.into_iter().collect(),
        wanted: "one that an index compares with the key of the users, without a cast",
    })
}

/// What has to be done so that the rows of a user are found without a scan; `None` when they are.
pub fn index_wanted(
    config: &Config,
    relation: pg_sys::Oid,
    table: &Table,
    user: &UserOf,
    query: &str,
) -> Result<Option<String>, Error> {
    if let Some(column) = &user.column {
        let (quoted, _) = column_of(relation, table, column)?;
        let indexes = secured(None, || {
            look(
                "SELECT count(*) FROM pg_index i \
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
                 WHERE i.indrelid = $1 AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL",
                &[arg(relation), arg(column.as_str())],
                |row| row.need::<i64>(1),
            )
        })?;
        return Ok((indexes == [0]).then(|| format!("CREATE INDEX CONCURRENTLY ON {} ({quoted});", table.name)));
    }
    let sql = format!("SELECT FROM ({query}) f WHERE f.user_key = (SELECT NULL::{})", config.key.name);
    let plan = secured(None, || confined_to(table.owner, || explain(&sql)))?;
    let scan = format!("Seq Scan on {}", table.own_name_quoted);
    let scanned = plan.iter().any(|line| {
        let rest = line.split_once(&scan).map(|(_, rest)| rest);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    let hint = "Create an index on what the expression of the user reads, so that his rows are found from the user.";
    Ok(scanned.then(|| hint.to_owned()))
}

pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn read_time_zone() -> Result<String, Error> {
    let zones = secured(None, || look("SELECT current_setting('TimeZone')", &[], |row| row.need::<String>(1)))?;
    Ok(zones.into_iter().collect())
}

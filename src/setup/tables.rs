//! The tables of the program, compared with the scripts that made them: a site may have altered them.

use super::key::KeyColumn;
use super::scripts::{TABLES, created, statements};
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::with_safe_path;
use crate::pg::{args, read};

row! {
    /// Something of a table that is not as it was made.
    pub struct Change {
        /// What it is, in words.
        pub finding: String,
        /// The statement that repairs it, if one does.
        pub repair: Option<String>,
    }
}

/// A column of a script.
struct Column {
    table: &'static str,
    name: String,
    /// Its type; empty for that of the users' key.
    type_name: String,
    /// How it gets a value by itself; empty when it does not.
    given: String,
}

/// A constraint of a script.
struct Constraint {
    table: &'static str,
    name: String,
    /// What follows its name where it is added.
    clause: String,
}

/// What begins after the type of a column.
const AFTER_TYPE: [&str; 6] = ["NOT", "CONSTRAINT", "DEFAULT", "GENERATED", "PRIMARY", "REFERENCES"];

/// The statements of all scripts that begin so.
fn all(beginning: &'static str) -> impl Iterator<Item = &'static str> {
    TABLES.into_iter().flat_map(move |script| statements(script, beginning))
}

/// The qualified name of a table that a statement creates, and what stands in its parentheses, each column or constraint with
/// the lines that belong to it.
fn parts(statement: &'static str) -> (&'static str, Vec<String>) {
    let table = statement.split_whitespace().nth(2).unwrap_or_default();
    let mut parts: Vec<String> = Vec::new();
    for line in statement.lines().skip(1).take_while(|line| !line.starts_with(')')) {
        match (line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')), parts.last_mut()) {
            (None, Some(part)) => {
                part.push(' ');
                part.push_str(line.trim());
            }
            _ => parts.push(line.trim().to_owned()),
        }
    }
    (table, parts.iter().map(|part| part.trim_end_matches(',').to_owned()).collect())
}

fn column(table: &'static str, part: &str) -> Option<Column> {
    let name = part.split_whitespace().next().filter(|word| *word != "CONSTRAINT")?.to_owned();
    let words: Vec<&str> = part.split_whitespace().skip(1).take_while(|word| !AFTER_TYPE.contains(word)).collect();
    let type_name = words.join(" ");
    let from = |word: &str| part.find(word).and_then(|at| part[at..].split(" CONSTRAINT").next());
    Some(Column {
        table,
        name,
        type_name: if type_name == "@key_column@" { String::new() } else { type_name },
        given: from("GENERATED ").or_else(|| from("DEFAULT ")).unwrap_or_default().to_owned(),
    })
}

/// The constraints in a part: its own, or those of its column.
fn constraints(table: &'static str, part: &str) -> Vec<Constraint> {
    let column = part.split_whitespace().next().unwrap_or_default();
    let of_table = column == "CONSTRAINT";
    let one = |text: &str| {
        let (name, clause) = text.trim().split_once(' ')?;
        let clause = match clause {
            "PRIMARY KEY" | "UNIQUE" if !of_table => format!("{clause} ({column})"),
            _ if clause.starts_with("REFERENCES") => format!("FOREIGN KEY ({column}) {clause}"),
            _ => clause.to_owned(),
        };
        Some(Constraint { table, name: name.to_owned(), clause })
    };
    part.split("CONSTRAINT ").skip(1).filter_map(one).collect()
}

/// What is not as the scripts made it: tables, columns, constraints, indexes and sequences.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn find_changes(key: &KeyColumn) -> Result<Vec<Change>, Error> {
    let (mut columns, mut made) = (Vec::new(), Vec::new());
    for statement in all("CREATE TABLE ") {
        let (table, parts) = parts(statement);
        columns.extend(parts.iter().filter_map(|part| column(table, part)));
        made.extend(parts.iter().flat_map(|part| constraints(table, part)));
    }
    for constraint in &mut made {
        constraint.clause = key.fill_in(&constraint.clause)?;
    }
    with_safe_path(|| {
        let mut changes = find_lost(&made)?;
        changes.extend(find_columns(&columns)?);
        Ok(changes)
    })
}

fn find_columns(columns: &[Column]) -> Result<Vec<Change>, Error> {
    read::fetch(
        include_str!("../../sql/statements/find_changed_columns.sql"),
        &args![
            columns.iter().map(|column| column.table).collect::<Vec<_>>(),
            columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
            columns.iter().map(|column| column.type_name.as_str()).collect::<Vec<_>>(),
            columns.iter().map(|column| column.given.as_str()).collect::<Vec<_>>(),
        ],
    )
}

fn find_lost(made: &[Constraint]) -> Result<Vec<Change>, Error> {
    let tables = table_names();
    let key_of = |table: &&str| {
        let qualified = format!("referral.{table}");
        made.iter()
            .find(|c| c.table == qualified && c.clause.starts_with("PRIMARY KEY"))
            .map_or("", |c| c.name.as_str())
    };
    let others: Vec<(&str, &str)> = ["CREATE INDEX ", "CREATE UNIQUE INDEX ", "CREATE SEQUENCE "]
        .into_iter()
        .flat_map(|beginning| all(beginning).map(move |statement| (beginning, statement)))
        .map(|(beginning, statement)| {
            let name = statement[beginning.len()..].split_whitespace().next().unwrap_or_default();
            (name.trim_start_matches("referral."), statement)
        })
        .collect();
    read::fetch(
        include_str!("../../sql/statements/find_lost_objects.sql"),
        &args![
            tables.clone(),
            tables.iter().map(key_of).collect::<Vec<_>>(),
            made.iter().map(|c| c.table).collect::<Vec<_>>(),
            made.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            made.iter().map(|c| c.clause.as_str()).collect::<Vec<_>>(),
            others.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            others.iter().map(|(_, statement)| *statement).collect::<Vec<_>>(),
        ],
    )
}

/// The names of the program's tables.
pub fn table_names() -> Vec<&'static str> {
    created(&TABLES, "CREATE TABLE")
}

/// Whether one of the program's tables is there.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn any_is_there() -> Result<bool, Error> {
    let sql =
        "SELECT EXISTS (SELECT FROM unnest($1) t (name) WHERE to_regclass('referral.' || name) IS NOT NULL) AS there";
    read::value(sql, &args![table_names()])
}

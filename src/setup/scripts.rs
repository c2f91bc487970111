//! The scripts that `install` runs, and what they create, as far as it is looked for again.

/// The tables, in the order in which they refer to each other.
pub const TABLES: [&str; 11] = [
    include_str!("../../sql/tables/types.sql"),
    include_str!("../../sql/tables/installation.sql"),
    include_str!("../../sql/tables/programs.sql"),
    include_str!("../../sql/tables/invites.sql"),
    include_str!("../../sql/tables/sources.sql"),
    include_str!("../../sql/tables/goals.sql"),
    include_str!("../../sql/tables/ledger.sql"),
    include_str!("../../sql/tables/accounts.sql"),
    include_str!("../../sql/tables/spends.sql"),
    include_str!("../../sql/tables/feed.sql"),
    include_str!("../../sql/tables/upkeep.sql"),
];

/// The foreign keys to the users.
pub const FOREIGN_KEYS: &str = include_str!("../../sql/foreign_keys.sql");

/// The triggers that stand in for the foreign keys to the users.
pub const USER_TRIGGERS: &str = include_str!("../../sql/user_triggers.sql");

/// The views, in the order in which they read each other.
pub const VIEWS: [&str; 4] = [
    include_str!("../../sql/views/ledger.sql"),
    include_str!("../../sql/views/reports.sql"),
    include_str!("../../sql/views/feed.sql"),
    include_str!("../../sql/views/upkeep.sql"),
];

/// The functions in the type of the users' key.
pub const FUNCTIONS: [&str; 2] =
    [include_str!("../../sql/functions/app.sql"), include_str!("../../sql/functions/support.sql")];

/// The script that makes the guards.
pub const GUARDS: &str = include_str!("../../sql/triggers.sql");

/// The statements of a script that begin so, each without the semicolon.
pub fn statements<'a>(script: &'a str, beginning: &'a str) -> impl Iterator<Item = &'a str> {
    let start = move |text: &'a str| match text.strip_prefix(beginning) {
        Some(_) => Some(0),
        None => text.find(&format!("\n{beginning}")).map(|at| at + 1),
    };
    script.split(";\n").filter_map(move |text| start(text).map(|at| &text[at..]))
}

/// The names in the schema of this extension that statements of some scripts create.
pub fn created(scripts: &[&'static str], beginning: &str) -> Vec<&'static str> {
    let name = |line: &'static str| {
        let rest = line.strip_prefix(beginning)?.strip_prefix(" referral.")?;
        rest.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_').next()
    };
    scripts.iter().flat_map(|script| script.lines().filter_map(name)).collect()
}

/// The names of the typed functions and procedures.
pub fn typed_functions() -> Vec<&'static str> {
    [created(&FUNCTIONS, "CREATE FUNCTION"), created(&FUNCTIONS, "CREATE PROCEDURE")].concat()
}

/// Qualified names of the tables and columns that hold a key of a user.
pub fn key_columns() -> Vec<(String, &'static str)> {
    let mut columns = Vec::new();
    for script in TABLES {
        let mut table = "";
        for line in script.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("CREATE") => table = words.nth(1).unwrap_or_default(),
                Some(column) if words.next().is_some_and(|word| word.trim_end_matches(',') == "@key_column@") => {
                    columns.push((table.to_owned(), column));
                }
                _ => {}
            }
        }
    }
    columns
}

/// The constraints of a table that compare keys of users, each as its name and its clause with placeholders. PostgreSQL keeps
/// their text when the type of a column changes, with casts to the type of before.
pub fn key_constraints(table: &str) -> Vec<(&'static str, &'static str)> {
    let mut constraints = Vec::new();
    for script in TABLES {
        let mut here = false;
        for line in script.lines() {
            if line.starts_with("CREATE ") {
                here = line.split_whitespace().nth(2) == Some(table);
            }
            let clause = line.trim().trim_end_matches(',');
            if let Some(name) = clause.strip_prefix("CONSTRAINT ").filter(|_| here && clause.contains("@eq@")) {
                constraints.push((name.split_whitespace().next().unwrap_or_default(), clause));
            }
        }
    }
    constraints
}

/// A foreign key to the users.
pub struct ForeignKey {
    /// Qualified name of the table.
    pub table: &'static str,
    /// Name of the constraint.
    pub constraint: &'static str,
    /// Column that holds the user.
    pub column: &'static str,
    /// The statement that adds it, with placeholders.
    pub statement: &'static str,
}

/// The foreign keys that [`FOREIGN_KEYS`] adds.
pub fn foreign_keys() -> Vec<ForeignKey> {
    let key = |statement: &'static str| {
        let mut words = statement.split_whitespace();
        let (table, constraint) = (words.nth(2)?, words.nth(2)?);
        let column = words.nth(2)?.trim_matches(['(', ')']);
        Some(ForeignKey { table, constraint, column, statement })
    };
    statements(FOREIGN_KEYS, "ALTER TABLE").filter_map(key).collect()
}

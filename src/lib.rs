//! A referral program inside PostgreSQL.
//!
//! | module | what is there |
//! |---|---|
//! | `core` | the rules, pure: codes, goals, the evaluator, the ledger's difference |
//! | `engine` | the verbs: install, attach, issue, redeem, post, adopt, reconcile, doctor |
//! | `trigger` | changed rows to touched friends |
//! | `api` | the functions that SQL calls |
//! | `db` | SPI, snapshots, index probes, the owner switch, subtransactions |
//! | `error` | every error a user can see |
//!
//! What always holds, and what `tests/architecture` proves: `core` imports nothing of pgrx; only `db` speaks
//! SPI; only `db` and `trigger` hold `unsafe`; every error a user sees comes from `error`; every SQL object has a comment; PUBLIC may execute nothing.
//!
//! The SQL of the extension is made by pgrx from `api` and `trigger`, then `sql/extension.sql`. `install` runs
//! the other files of `sql/`.

mod api;
mod db;
mod engine;
mod error;
mod trigger;

::pgrx::pg_module_magic!();

/// Makes pgrx create the schema; that fails when somebody else made one before us.
#[pgrx::pg_schema]
mod referral {}

pgrx::extension_sql_file!("../sql/extension.sql", finalize);

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
//! The extension's script is `sql/schema.sql`, `sql/functions/triggers.sql` and `sql/functions/owner.sql`, which
//! `tools/build` puts together, and cargo-pgrx for who has it. `install` runs the other files of `sql/`.

mod api;
mod db;
mod engine;
mod error;
mod trigger;

::pgrx::pg_module_magic!();

// For cargo-pgrx: the same three files, in the order in which tools/build joins them.
pgrx::extension_sql_file!("../sql/schema.sql", bootstrap);
pgrx::extension_sql_file!("../sql/functions/triggers.sql", requires = ["schema"]);
pgrx::extension_sql_file!("../sql/functions/owner.sql", requires = ["triggers"]);

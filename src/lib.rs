//! A referral program inside PostgreSQL.
//!
//! The crate `referral_core` decides; this crate connects it with PostgreSQL. Each room is a folder with a map of its own:
//!
//! | room | what it does | may use |
//! |---|---|---|
//! | [`pg`] | touches PostgreSQL: the only room with unsafe code and SPI | `error` |
//! | [`program`] | knows what is configured | `pg` |
//! | [`earning`] | a purchase, an event: what it earns | `program` |
//! | [`invites`] | a code: issued, redeemed, adopted | `program`, `earning` |
//! | [`credit`] | a balance: settled, spent, adjusted | `program` |
//! | [`setup`] | what the owner calls to install, attach and say what earns | `program` |
//! | [`upkeep`] | reconcile, doctor | all above |
//! | [`insight`] | what anybody asks | all above |
//! | `api`, `trigger` | what SQL calls: unwrap, call one verb, convert the error | all above |
//!
//! `tests/architecture` proves the table, and that `referral_core` knows nothing of PostgreSQL, that unsafe code and SPI stand
//! in `pg` alone, and that `pg` names no table of this extension. `docs/architecture.md` draws the whole.
//!
//! The extension's script is `sql/schema.sql`, `sql/functions/triggers.sql` and `sql/functions/owner.sql`, which
//! `tools/build` puts together. `install` runs the other files of `sql/`.

mod api;
mod credit;
mod earning;
mod error;
mod insight;
mod invites;
mod pg;
mod program;
mod setup;
mod trigger;
mod upkeep;

::pgrx::pg_module_magic!();

// For cargo-pgrx: the same three files, in the order in which tools/build joins them.
pgrx::extension_sql_file!("../sql/schema.sql", bootstrap);
pgrx::extension_sql_file!("../sql/functions/triggers.sql", requires = ["schema"]);
pgrx::extension_sql_file!("../sql/functions/owner.sql", requires = ["triggers"]);

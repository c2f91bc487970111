//! Set-up: what the owner of the program calls to install it, to attach tables and to say what earns.
//!
//! | module | what is there |
//! |---|---|
//! | `install` | the tables, views and functions, typed for the key of the users; called again, what a site has changed since |
//! | `scripts` | what the scripts of `sql/` create |
//! | `key` | the key of the users, and what follows it when its type changes |
//! | `users` | where the users live, and the foreign keys to them |
//! | `tables` | the tables of the program, compared with the scripts that made them |
//! | `first_rows` | the rows that `install` makes, and makes again |
//! | `uninstall` | takes them off again; the data only when it is named |
//! | `reset` | empties what the program holds of users, for test databases |
//! | `attach` | attaches, repairs and detaches tables |
//! | `again` | attaches under a name that is known: the same thing, or another table in its place |
//! | `mapping` | expressions over a row, checked and made into the query that reads a table |
//! | `triggers` | the triggers on attached tables, and those that guard the program's own |
//! | `program` | creates programs |
//! | `goal` | creates goals and their versions |
//! | `event` | creates events that the application will record |
//! | `access` | gives roles what they need, and no more |
//!
//! It knows the configuration, and none of the verbs of a purchase, a code or a balance.

pub mod access;
pub mod again;
pub mod attach;
pub mod event;
pub mod first_rows;
pub mod goal;
pub mod install;
pub mod key;
pub mod mapping;
pub mod program;
pub mod reset;
pub mod scripts;
pub mod tables;
pub mod triggers;
pub mod uninstall;
pub mod users;

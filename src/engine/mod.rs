//! The verbs: what the functions and triggers of the extension do.

pub mod account;
pub mod adopt;
pub mod attach;
pub mod config;
pub mod doctor;
pub mod event;
pub mod goal;
pub mod grant;
pub mod install;
pub mod issue;
pub mod mapping;
pub mod post;
pub mod recipient;
pub mod reconcile;
pub mod redeem;
pub mod settle;
pub mod spend;

//! A code: issues invites, finds the invite that somebody means, makes a user the friend of whoever issued it, and
//! takes in the invites and redemptions that other tables hold.
//!
//! | module | what it does |
//! |---|---|
//! | `issue` | issues invites with generated or chosen codes; revokes them |
//! | `find` | finds the invite of a code as somebody typed it |
//! | `guesses` | counts wrong codes, and says when nobody is told any more which codes there are |
//! | `redeem` | redeems an invite: reads the facts under locks, has the core decide, stores the answer |
//! | `reassign` | gives a friend to another referrer, for the owner of the program |
//! | `recipient` | turns the address of a recipient into what is stored of it |
//! | `users` | does for users who come and go what foreign keys do, where there are none |
//! | `adopt` | brings invites and referrals up to what the rows of an attached table say |
//!
//! Which refusal comes first is decided by [`referral_core::redemption`] and nowhere here. This room never knows what a
//! referral earns: it hands `earning` a referral that is new or has another referrer. It knows nothing of balances and
//! of set-up.

pub mod adopt;
pub mod find;
mod guesses;
pub mod issue;
pub mod reassign;
pub mod recipient;
pub mod redeem;
pub mod users;

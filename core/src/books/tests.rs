use super::*;
use crate::time::Timestamp;

fn usd() -> Unit {
    Unit::parse("USD").expect("unit")
}

/// A user's account with a balance.
fn account(balance: Balance) -> BTreeMap<UserKey, Account> {
    let mut account = Account::default();
    account.balances.insert(usd(), balance);
    BTreeMap::from([(UserKey::from("alice"), account)])
}

fn spent(amount: i64) -> Journal {
    let mut journal = Journal::default();
    journal.post(&UserKey::from("alice"), &Posting::new(LineKind::Spent, &usd(), amount.into(), None));
    journal
}

fn ten() -> Balance {
    Balance { earned: 10.into(), ..Balance::default() }
}

fn problem(before: Balance, after: Balance, journal: &Journal) -> String {
    check_books(&account(before), &account(after), journal).expect_err("unbalanced").problem
}

#[test]
fn a_balance_that_changes_with_its_lines_is_right() {
    let after = Balance { spent: (-4).into(), ..ten() };
    assert_eq!(check_books(&account(ten()), &account(after), &spent(-4)), Ok(()));
    assert_eq!(check_books(&account(ten()), &account(ten()), &Journal::default()), Ok(()));
}

#[test]
fn a_balance_that_changes_without_a_line_is_rejected() {
    let after = Balance { spent: (-4).into(), ..ten() };
    assert_eq!(problem(ten(), after, &spent(-3)), "spent changes by -4, and its lines add up to -3");
}

#[test]
fn a_line_that_changes_no_balance_is_rejected() {
    assert_eq!(problem(ten(), ten(), &spent(-3)), "spent changes by 0, and its lines add up to -3");
    let unknown = check_books(&BTreeMap::new(), &BTreeMap::new(), &spent(-3)).expect_err("unbalanced");
    let said = "the books of user alice in USD do not balance: spent changes by 0, and its lines add up to -3";
    assert_eq!(unknown.to_string(), said);
}

#[test]
fn what_expires_is_a_part_of_what_there_is() {
    let lot = |remaining: i64| BTreeMap::from([(Timestamp(0), Lot { remaining: remaining.into(), ..Lot::default() })]);
    let with = |remaining| Balance { lots: lot(remaining), ..ten() };
    assert_eq!(check_books(&account(with(7)), &account(with(10)), &Journal::default()), Ok(()));
    assert_eq!(problem(ten(), with(11), &Journal::default()), "its lots hold 11, and there is 10");
    let owed = |remaining| Balance { spent: (-15).into(), lots: lot(remaining), ..ten() };
    assert_eq!(problem(owed(0), owed(1), &Journal::default()), "its lots hold 1, and there is -5");
    assert!(problem(ten(), with(-1), &Journal::default()).contains("less than nothing"));
}

#[test]
fn every_kind_of_line_is_in_one_sum() {
    use crate::text::TextEnum;
    for kind in LineKind::ALL {
        assert_eq!(SUMS.iter().filter(|sum| sum.kinds.contains(kind)).count(), 1, "{kind}");
    }
}

//! Amounts, units and durations as people write them, and the calendar.
#![no_main]

use libfuzzer_sys::fuzz_target;
use referral_core::amount::{Unit, parse_amount};
use referral_core::time::{Interval, Timestamp};

fuzz_target!(|input: (i64, &str)| {
    let (at, text) = (Timestamp(input.0), input.1);
    if let Ok(unit) = Unit::parse(text) {
        assert_eq!(Unit::parse(unit.as_ref()).as_ref(), Ok(&unit), "a stored unit is read as itself");
    }
    if let Ok(amount) = parse_amount(text) {
        assert_eq!(parse_amount(&amount.to_string()), Ok(amount), "a stored amount is read as itself");
        let unit = Unit::parse("USD").expect("a unit");
        assert_eq!(unit.round(unit.round(amount)), unit.round(amount), "what is rounded stays");
    }
    if let Ok(length) = Interval::parse(text) {
        assert!(at.plus(length) >= at, "later is not earlier");
        assert!(at.minus(length) <= at, "earlier is not later");
    }
    let (day, end) = (at.day(), at.end_of_day());
    assert!(end >= at && end.end_of_day() == end, "a day ends once");
    let month = Timestamp::month_of(day);
    assert!(month.contains(&day) && Timestamp::month_of(month.start) == month, "a day is in its month");
});

//! Points in time and lengths of time, computed the same way whatever the session's time zone is.

use jiff::{Span, tz::TimeZone};

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// Microseconds between 1970-01-01, where Unix counts from, and 2000-01-01, where PostgreSQL does.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A point in time in PostgreSQL's own count: microseconds since 2000-01-01 00:00 UTC.
/// The two ends of the range are PostgreSQL's -infinity and infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(
    /// Microseconds since 2000-01-01 00:00 UTC.
    pub i64,
);

impl Timestamp {
    /// Later than every other point in time.
    pub const INFINITY: Self = Self(i64::MAX);
    /// Earlier than every other point in time.
    pub const NEG_INFINITY: Self = Self(i64::MIN);

    /// This point in time and an interval later. A sum past the end of the calendar is infinity.
    pub fn plus(self, interval: Interval) -> Self {
        if self == Self::INFINITY || self == Self::NEG_INFINITY {
            return self;
        }
        let shifted = if interval.months == 0 {
            Some(self.0)
        } else {
            self.0
                .checked_add(POSTGRES_EPOCH)
                .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
                .and_then(|t| t.to_zoned(TimeZone::UTC).checked_add(Span::new().try_months(interval.months).ok()?).ok())
                .map(|zoned| zoned.timestamp().as_microsecond() - POSTGRES_EPOCH)
        };
        shifted.and_then(|micros| micros.checked_add(interval.micros)).map_or(Self::INFINITY, Self)
    }

    /// This point in time and an interval earlier. A difference before the beginning of the calendar is -infinity.
    pub fn minus(self, interval: Interval) -> Self {
        match self.plus(Interval { months: -interval.months, micros: -interval.micros }) {
            Self::INFINITY if self != Self::INFINITY => Self::NEG_INFINITY,
            earlier => earlier,
        }
    }

    /// The day that it is in, in UTC: days since 2000-01-01.
    pub fn day(self) -> i32 {
        i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).unwrap_or_default()
    }

    /// The end of the day that it is in, in UTC; of a point in time that ends a day, that point itself.
    pub fn end_of_day(self) -> Self {
        match self.0.checked_add(MICROS_PER_DAY - 1) {
            Some(later) if self != Self::NEG_INFINITY => Self(later - later.rem_euclid(MICROS_PER_DAY)),
            _ => self,
        }
    }

    /// The days of the calendar month that a day is in, both as days since 2000-01-01. Where the calendar ends, in the years
    /// -9999 and 9999, a day is a month of its own.
    pub fn month_of(day: i32) -> std::ops::Range<i32> {
        let epoch = jiff::civil::date(2000, 1, 1);
        let number = |date: jiff::civil::Date| epoch.until(date).map_or(day, |span| span.get_days());
        let date = Span::new().try_days(day).and_then(|days| epoch.checked_add(days));
        let Ok(date) = date else { return day..day.saturating_add(1) };
        let first = date.first_of_month();
        number(first)..number(date.last_of_month()).saturating_add(1)
    }
}

/// How precisely a point in time is known, in microseconds: the time stands for all those until the next that could be told
/// from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision(i64);

impl Precision {
    /// To the microsecond, as precisely as PostgreSQL knows a time.
    pub const MICROSECOND: Self = Self(1);

    /// Of a time with so many decimals of a second: 3 is to the millisecond. More than 6 are 6.
    pub fn of_decimals(decimals: u32) -> Self {
        Self(10i64.pow(6 - decimals.min(6)))
    }

    /// The earliest time that is not told from this one.
    pub fn start_of(self, time: Timestamp) -> Timestamp {
        if time == Timestamp::INFINITY || time == Timestamp::NEG_INFINITY {
            return time;
        }
        time.0.checked_sub(time.0.rem_euclid(self.0)).map_or(time, Timestamp)
    }
}

/// A length of time: calendar months in UTC, and the rest in which a day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Calendar months.
    pub months: i32,
    /// Microseconds, added after the months.
    pub micros: i64,
}

impl Interval {
    /// Reads an interval as people write it: `30 days`, `6 months`, `1 year 2 weeks`, `36 hours` or ISO 8601's `P30D`.
    ///
    /// # Errors
    /// A sentence that says what is wrong: the text is not a duration, not longer than nothing, or too long.
    pub fn parse(text: &str) -> Result<Self, String> {
        let span: Span = text
            .parse()
            .map_err(|_| format!("{text:?} is not a duration: write \"30 days\", \"6 months\" or \"P30D\""))?;
        let months = i32::from(span.get_years()) * 12 + span.get_months();
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let hours = days * 24 + i64::from(span.get_hours());
        let micros = [
            hours.checked_mul(MICROS_PER_HOUR),
            span.get_minutes().checked_mul(MICROS_PER_HOUR / 60),
            span.get_seconds().checked_mul(1_000_000),
            span.get_milliseconds().checked_mul(1_000),
            Some(span.get_microseconds()),
        ]
        .into_iter()
        .try_fold(0i64, |sum, part| sum.checked_add(part?))
        .ok_or_else(|| format!("{text:?} is too long"))?;
        if months < 0 || micros < 0 || (months == 0 && micros == 0) {
            return Err(format!("{text:?} must be longer than nothing"));
        }
        Ok(Self { months, micros })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 24 * MICROS_PER_HOUR;

    #[test]
    fn what_is_past_the_calendar_is_infinite() {
        let ages = Interval { months: 12 * 300_000, micros: 0 };
        assert_eq!(Timestamp(0).plus(ages), Timestamp::INFINITY);
        assert_eq!(Timestamp(0).minus(ages), Timestamp::NEG_INFINITY);
        assert_eq!(Timestamp(0).plus(Interval { months: 0, micros: i64::MAX }).plus(ages), Timestamp::INFINITY);
    }

    #[test]
    fn days_and_months_are_those_of_the_calendar_in_utc() {
        assert_eq!([Timestamp(-1).day(), Timestamp(0).day(), Timestamp(DAY).day()], [-1, 0, 1]);
        assert_eq!(
            [Timestamp(0), Timestamp(1), Timestamp(DAY)].map(Timestamp::end_of_day),
            [0, DAY, DAY].map(Timestamp)
        );
        assert_eq!(Timestamp::INFINITY.end_of_day(), Timestamp::INFINITY);
        assert_eq!([0, 30, 31, 59, 60].map(Timestamp::month_of), [0..31, 0..31, 31..60, 31..60, 60..91]);
        assert_eq!(Timestamp::month_of(-1), -31..0);
    }

    #[test]
    fn a_day_past_the_calendar_is_a_month_of_its_own() {
        for day in [i32::MIN, -7_304_485, 7_304_485, i32::MAX - 1] {
            assert_eq!(Timestamp::month_of(day), day..day + 1);
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, months, micros) in [
            ("30 days", 0, 30 * DAY),
            ("P30D", 0, 30 * DAY),
            ("2 weeks", 0, 14 * DAY),
            ("1 year 2 months", 14, 0),
            ("36 hours", 0, 36 * MICROS_PER_HOUR),
            ("P1M2DT3S", 1, 2 * DAY + 3_000_000),
        ] {
            assert_eq!(Interval::parse(text), Ok(Interval { months, micros }), "{text}");
        }
        for wrong in ["", "soon", "30", "-3 days", "0 days"] {
            assert!(Interval::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_month_after_the_end_of_january_is_the_end_of_february() {
        // 2000-01-31 plus one month is 2000-02-29
        let later = Timestamp(30 * DAY).plus(Interval { months: 1, micros: 0 });
        assert_eq!(later, Timestamp((31 + 28) * DAY));
    }

    #[test]
    fn earlier_is_earlier() {
        let month = Interval { months: 1, micros: 0 };
        assert_eq!(Timestamp((31 + 28) * DAY).minus(month), Timestamp(28 * DAY));
        assert_eq!(Timestamp::INFINITY.minus(month), Timestamp::INFINITY);
        assert_eq!(Timestamp::NEG_INFINITY.minus(month), Timestamp::NEG_INFINITY);
        assert_eq!(Timestamp(i64::MIN + 1).minus(Interval { months: 0, micros: 5 }), Timestamp::NEG_INFINITY);
    }

    #[test]
    fn a_time_that_is_known_to_the_second_stands_for_all_of_it() {
        for (decimals, start) in [(0, 1_000_000), (3, 1_234_000), (6, 1_234_567), (9, 1_234_567)] {
            assert_eq!(Precision::of_decimals(decimals).start_of(Timestamp(1_234_567)), Timestamp(start));
        }
        assert_eq!(Precision::of_decimals(0).start_of(Timestamp(-1)), Timestamp(-1_000_000));
        for end in [Timestamp::INFINITY, Timestamp::NEG_INFINITY, Timestamp(i64::MIN + 1)] {
            assert_eq!(Precision::of_decimals(0).start_of(end), end);
        }
    }

    #[test]
    fn infinity_stays() {
        let month = Interval { months: 1, micros: 5 };
        assert_eq!(Timestamp::INFINITY.plus(month), Timestamp::INFINITY);
        assert_eq!(Timestamp::NEG_INFINITY.plus(month), Timestamp::NEG_INFINITY);
        assert_eq!(Timestamp(i64::MAX - 1).plus(month), Timestamp::INFINITY);
    }

    proptest! {
        #[test]
        fn later_is_later(at in -1_000_000_000_000_000i64..1_000_000_000_000_000, months in 0i32..600, micros in 1i64..i64::MAX / 4) {
            let later = Timestamp(at).plus(Interval { months, micros });
            prop_assert!(later > Timestamp(at));
        }

        #[test]
        fn parsing_never_panics(text: String) {
            let _ = Interval::parse(&text);
        }
    }
}

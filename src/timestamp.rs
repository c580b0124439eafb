//! Moments in whole seconds UTC, as signed indexes, locks and image configs state them.
//!
//! Pure: reading the clock is [`crate::host::clock`]'s, and only `lock` asks it.

use std::fmt;
use std::str::FromStr;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted. Displays as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Why a text is not a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a date of the form {expected}")]
pub struct ParseDateError {
    /// The text as it was given.
    pub text: String,
    /// The form it should have.
    pub expected: &'static str,
}

/// A date and time of day of the proleptic Gregorian calendar, UTC.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const RFC_3339: &str = "2026-01-10T10:12:52Z";
const RFC_5322: &str = "Sat, 10 Jan 2026 10:12:52 UTC";

impl Timestamp {
    /// The moment a Release file's `Date` or `Valid-Until` names: RFC 5322's form with the time zone `UTC`, `GMT`,
    /// `Z` or `+0000`, the weekday optional and not compared.
    pub fn parse_release_date(text: &str) -> Result<Self, ParseDateError> {
        let parse = || {
            let rest = text.split_once(',').map_or(text, |(_weekday, rest)| rest);
            let [day, month, year, time, zone] =
                rest.split_ascii_whitespace().collect::<Vec<_>>().try_into().ok()?;
            if !matches!(zone, "UTC" | "GMT" | "Z" | "+0000") {
                return None;
            }
            let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
            let [hour, minute, second] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
            Civil {
                year: digits(year, 4..=4)?,
                month,
                day: digits(day, 1..=2)?,
                hour: digits(hour, 1..=2)?,
                minute: digits(minute, 2..=2)?,
                second: digits(second, 2..=2)?,
            }
            .to_timestamp()
        };
        parse().ok_or_else(|| ParseDateError { text: text.to_owned(), expected: RFC_5322 })
    }

    /// The form in which the snapshot archive's URLs name a moment: `20260110T101252Z`.
    pub fn to_snapshot(self) -> String {
        self.to_string().replace(['-', ':'], "")
    }

    /// This moment and `seconds` more; the last moment there is where that would overflow.
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl FromStr for Timestamp {
    type Err = ParseDateError;

    /// RFC 3339 in UTC with whole seconds, the form that `Display` writes, and no other.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
            let [year, month, day] = date.split('-').collect::<Vec<_>>().try_into().ok()?;
            let [hour, minute, second] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
            Civil {
                year: digits(year, 4..=4)?,
                month: digits(month, 2..=2)?,
                day: digits(day, 2..=2)?,
                hour: digits(hour, 2..=2)?,
                minute: digits(minute, 2..=2)?,
                second: digits(second, 2..=2)?,
            }
            .to_timestamp()
        };
        parse().ok_or_else(|| ParseDateError { text: text.to_owned(), expected: RFC_3339 })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second } = Civil::of(*self);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The number `text` writes in decimal digits alone, as many as `length` allows.
fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    if decimal && length.contains(&text.len()) { text.parse().ok() } else { None }
}

impl Civil {
    /// The moment, or none where a field is out of its range.
    fn to_timestamp(&self) -> Option<Timestamp> {
        let days_in_month = match self.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) => 29,
            2 => 28,
            _ => return None,
        };
        let valid =
            (1..=days_in_month).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second < 60;
        let seconds = self.days() * 86_400 + self.hour * 3_600 + self.minute * 60 + self.second;
        valid.then_some(Timestamp(seconds))
    }

    /// Days since 1970-01-01, by the era of 400 years (146,097 days) that begins on 1 March.
    fn days(&self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The inverse of [`Civil::to_timestamp`].
    fn of(moment: Timestamp) -> Self {
        let days = moment.0.div_euclid(86_400) + 719_468;
        let seconds = moment.0.rem_euclid(86_400);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: seconds / 3_600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_release_files() {
        let expected: Timestamp = "2026-07-11T10:16:37Z".parse().unwrap();
        assert_eq!(expected, Timestamp(1_783_764_997)); // date -d 'Sat, 11 Jul 2026 10:16:37 UTC' +%s
        for text in
            ["Sat, 11 Jul 2026 10:16:37 UTC", "Sat, 11 Jul 2026 10:16:37 +0000", "11 Jul 2026 10:16:37 GMT"]
        {
            assert_eq!(Timestamp::parse_release_date(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "Sat, 11 Jul 2026 10:16:37 CEST",
            "Sat, 31 Jun 2026 10:16:37 UTC",
            "Sat, 11 Jul 2026 25:16:37 UTC",
        ] {
            assert!(Timestamp::parse_release_date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rfc_3339_round_trips() {
        for text in [
            "1970-01-01T00:00:00Z",
            "1980-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2100-12-31T12:00:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        assert_eq!("1980-01-01T00:00:00Z".parse(), Ok(Timestamp(315_532_800)));
        assert_eq!(Timestamp(315_532_800).to_snapshot(), "19800101T000000Z");
        for text in
            ["2026-02-29T00:00:00Z", "2026-1-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.5Z"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}

//! HTTP-date (RFC 9110 §5.6.7), over `httpdate`, with the rule for two-digit years that needs to know now.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::field::trim_ows;

/// An HTTP-date: whole seconds since 1970 in UTC, from the year 0 to 9999.
///
/// ```
/// use notmodified::http::date::HttpDate;
/// let now = HttpDate::from_unix(1_790_000_000).unwrap();
/// let date = HttpDate::parse(b"Sun, 06 Nov 1994 08:49:37 GMT", now).unwrap();
/// assert_eq!(date.unix(), 784_111_777);
/// assert_eq!(date.to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate(i64);

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: the first and the last second that four digits of a year
/// can say.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;

/// After 400 years the Gregorian calendar repeats, weekdays and all. `httpdate` begins in 1970, so earlier
/// dates are read and written so many seconds later.
const CYCLE: i64 = 146_097 * 86_400;
const FIFTY_YEARS: i64 = CYCLE / 8;

impl HttpDate {
    /// The date of so many seconds since 1970; `None` outside the years 0 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Option<Self> {
        if FIRST <= seconds && seconds <= LAST { Some(Self(seconds)) } else { None }
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This date so many seconds later, at most the last one there is.
    #[must_use]
    pub const fn plus(self, seconds: u32) -> Self {
        let sum = self.0 + seconds as i64;
        Self(if sum <= LAST { sum } else { LAST })
    }

    /// Read any of the three forms that a recipient must accept: IMF-fixdate, RFC 850, asctime. `now`
    /// decides the century of an RFC 850 year. Anything else is `None`: two joined dates, `+0000`, a
    /// weekday that the date does not have.
    #[must_use]
    pub fn parse(value: &[u8], now: Self) -> Option<Self> {
        let value = trim_ows(value);
        let mut buffer = [0; 29];
        let (text, year_at) = match value.len() {
            29 => (buffer.as_mut_slice(), 12),
            24 => (buffer.get_mut(..24)?, 20),
            30..=33 => return Self::parse_rfc850(std::str::from_utf8(value).ok()?, now),
            _ => return None,
        };
        text.copy_from_slice(value);
        Self::read(text, year_at)
    }

    /// Read `Sunday, 06-Nov-94 08:49:37 GMT`: "a timestamp that appears to be more than 50 years in the
    /// future" is "the most recent year in the past that had the same last two digits" (RFC 9110 §5.6.7).
    /// `httpdate` takes 1970–2069 whatever the time.
    fn parse_rfc850(text: &str, now: Self) -> Option<Self> {
        let (mut fixdate, two_digits) = rfc850_to_fixdate(text)?;
        let latest = year(now) + 50;
        let year = latest - (latest - two_digits).rem_euclid(100);
        let mut in_year = |year: i64| {
            fixdate[12..16].copy_from_slice(format!("{year:04}").as_bytes().get(..4)?);
            (0..=9999).contains(&year).then(|| Self::read(&mut fixdate, 12))?
        };
        if year < latest {
            return in_year(year);
        }
        // Only in the last of the fifty years it is the day that decides.
        in_year(year).filter(|date| date.0 <= now.0 + FIFTY_YEARS).or_else(|| in_year(year - 100))
    }

    /// Read a date whose four digits of the year stand at this place, over `httpdate`.
    fn read(text: &mut [u8], year_at: usize) -> Option<Self> {
        let digits = text.get_mut(year_at..year_at + 4)?;
        let mut year = 0;
        for digit in &*digits {
            year = year * 10 + i64::from(digit.checked_sub(b'0').filter(|digit| *digit <= 9)?);
        }
        let mut cycles = 0;
        if year < 1970 {
            cycles = (1970 - year).div_euclid(400) + 1;
            digits.copy_from_slice(format!("{:04}", year + 400 * cycles).as_bytes().get(..4)?);
        }
        let time = httpdate::parse_http_date(std::str::from_utf8(text).ok()?).ok()?;
        let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
        Self::from_unix(i64::try_from(seconds).ok()? - cycles * CYCLE)
    }
}

/// Rewrite `Sunday, 06-Nov-94 08:49:37 GMT` as an IMF-fixdate whose year is still to be put in, and the two
/// digits that there are of it.
fn rfc850_to_fixdate(text: &str) -> Option<([u8; 29], i64)> {
    let (weekday, rest) = text.split_once("day, ")?;
    let short = match weekday {
        "Mon" | "Sun" | "Fri" => weekday,
        "Tues" => "Tue",
        "Wednes" => "Wed",
        "Thurs" => "Thu",
        "Satur" => "Sat",
        _ => return None,
    };
    let [d1, d2, b'-', m1, m2, m3, b'-', y1, y2, b' ', clock @ ..] = rest.as_bytes() else { return None };
    let clock: [u8; 12] = clock.try_into().ok()?;
    if !y1.is_ascii_digit() || !y2.is_ascii_digit() {
        return None;
    }
    let two_digits = i64::from(y1 - b'0') * 10 + i64::from(y2 - b'0');
    let mut fixdate = *b"   , 00 ... 0000 00:00:00 GMT";
    fixdate[..3].copy_from_slice(short.as_bytes());
    fixdate[5..7].copy_from_slice(&[*d1, *d2]);
    fixdate[8..11].copy_from_slice(&[*m1, *m2, *m3]);
    fixdate[17..].copy_from_slice(&clock);
    Some((fixdate, two_digits))
}

fn year(date: HttpDate) -> i64 {
    // Through the fixdate, so that there is one calendar: httpdate's.
    date.to_string().get(12..16).and_then(|digits| digits.parse().ok()).unwrap_or(1970)
}

/// Writes IMF-fixdate, the one form that a sender may use.
impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cycles = if self.0 < 0 { (-self.0).div_euclid(CYCLE) + 1 } else { 0 };
        let seconds = u64::try_from(self.0 + cycles * CYCLE).unwrap_or(0);
        let text = httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        match (cycles, text.get(..12), text.get(12..16).map(str::parse::<i64>), text.get(16..)) {
            (1.., Some(day), Some(Ok(year)), Some(clock)) => {
                write!(f, "{day}{:04}{clock}", year - 400 * cycles)
            }
            _ => f.write_str(&text),
        }
    }
}

/// The clock's time; one before 1970 becomes 1970, one past 9999 the last second of it.
impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self(i64::try_from(seconds).unwrap_or(LAST).min(LAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: HttpDate = HttpDate(1_790_000_000); // 2026-09-21

    fn parse(text: &str) -> Option<i64> {
        HttpDate::parse(text.as_bytes(), NOW).map(HttpDate::unix)
    }

    #[test]
    fn all_three_forms_are_the_same_second() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "garbage",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 GMT,Sun, 06 Nov 1994 08:49:37 GMT",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT\u{b}",
            "Sun, 06 Nov +994 08:49:37 GMT",
            "784111777",
            "0",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_two_digit_year_is_at_most_fifty_years_ahead() {
        // Seen from 2026: 76 is 2076, 77 is 1977.
        assert_eq!(parse("Wednesday, 01-Jan-76 00:00:00 GMT"), Some(3_345_062_400));
        assert_eq!(parse("Saturday, 01-Jan-77 00:00:00 GMT"), Some(220_924_800));
        // Seen from 1990: 38 is 2038, 41 is 1941.
        let then = HttpDate(631_152_000);
        let at = |text: &str| HttpDate::parse(text.as_bytes(), then).map(HttpDate::unix);
        assert_eq!(at("Friday, 01-Jan-38 00:00:00 GMT"), Some(2_145_916_800));
        assert_eq!(at("Wednesday, 01-Jan-41 00:00:00 GMT"), Some(-915_148_800));
        // Seen from 2080: 20 is 2120, 31 is 2031.
        let then = HttpDate(3_471_292_800);
        let at = |text: &str| HttpDate::parse(text.as_bytes(), then).map(HttpDate::unix);
        assert_eq!(at("Monday, 01-Jan-20 00:00:00 GMT"), Some(4_733_510_400));
        assert_eq!(at("Wednesday, 01-Jan-31 00:00:00 GMT"), Some(1_924_992_000));
    }

    #[test]
    fn a_two_digit_year_of_the_year_10000_is_no_date() {
        // Not one of the year 1000, whose 31 January is a Friday too.
        assert_eq!(HttpDate::parse(b"Friday, 31-Jan-00 23:59:59 GMT", HttpDate(LAST)), None);
        assert_eq!(HttpDate::parse(b"Friday, 01-Jan-99 00:00:00 GMT", HttpDate(FIRST)), None);
    }

    #[test]
    fn a_weekday_that_is_wrong_moves_no_date_by_a_century() {
        assert_eq!(parse("Thursday, 28-Feb-24 12:00:00 GMT"), None); // It is in 1924.
        assert_eq!(parse("Wednesday, 28-Feb-24 12:00:00 GMT"), Some(1_709_121_600));
        // Seen from September 2026: more than fifty years ahead.
        assert_eq!(parse("Wednesday, 22-Dec-76 20:52:53 GMT"), Some(220_135_973));
    }

    #[test]
    fn the_first_and_the_last_second_are_written_and_never_passed() {
        assert_eq!(HttpDate(LAST).to_string(), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(HttpDate(LAST).plus(u32::MAX), HttpDate(LAST));
        assert_eq!(HttpDate::from_unix(LAST + 1), None);
        assert_eq!(HttpDate(FIRST).to_string(), "Sat, 01 Jan 0000 00:00:00 GMT");
        assert_eq!(HttpDate::from_unix(FIRST - 1), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in FIRST..=LAST) {
            let date = HttpDate(seconds);
            proptest::prop_assert_eq!(HttpDate::parse(date.to_string().as_bytes(), NOW), Some(date));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = HttpDate::parse(&bytes, NOW);
        }
    }
}

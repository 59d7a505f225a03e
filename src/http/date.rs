//! HTTP-date (RFC 9110 §5.6.7), over `httpdate`, with the rule for two-digit years that needs to know now.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An HTTP-date: whole seconds since 1970 in UTC.
///
/// Dates before 1970 and after 9999 do not exist here; a field that holds one is not a date.
///
/// ```
/// use notmodified::http::date::HttpDate;
/// let now = HttpDate::from_unix(1_790_000_000).unwrap();
/// let date = HttpDate::parse(b"Sun, 06 Nov 1994 08:49:37 GMT", now).unwrap();
/// assert_eq!(date.unix(), 784_111_777);
/// assert_eq!(date.to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate(u64);

/// 9999-12-31T23:59:59Z, the last second an HTTP-date can say.
const LAST: u64 = 253_402_300_799;

impl HttpDate {
    /// The date of so many seconds since 1970; `None` past the year 9999.
    #[must_use]
    pub const fn from_unix(seconds: u64) -> Option<Self> {
        if seconds <= LAST { Some(Self(seconds)) } else { None }
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn unix(self) -> u64 {
        self.0
    }

    /// This date so many seconds later, at most the last one there is.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        let sum = self.0.saturating_add(seconds);
        Self(if sum <= LAST { sum } else { LAST })
    }

    /// Read any of the three forms that a recipient must accept: IMF-fixdate, RFC 850, asctime. `now`
    /// decides the century of an RFC 850 year. Anything else is `None`: two joined dates, `+0000`, a
    /// weekday that the date does not have.
    #[must_use]
    pub fn parse(value: &[u8], now: Self) -> Option<Self> {
        // The longest form is "Wednesday, 06-Nov-94 08:49:37 GMT": what is longer is not worth a look.
        if value.len() > 40 || value.iter().any(|octet| !(b' '..=b'~').contains(octet)) {
            return None;
        }
        let text = std::str::from_utf8(value).ok()?;
        match rfc850_to_fixdate(text, now) {
            Some(fixdate) => parse_any(std::str::from_utf8(&fixdate).ok()?),
            None => parse_any(text),
        }
    }
}

fn parse_any(text: &str) -> Option<HttpDate> {
    let time = httpdate::parse_http_date(text).ok()?;
    HttpDate::from_unix(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Rewrite `Sunday, 06-Nov-94 08:49:37 GMT` as an IMF-fixdate with the year's century put in: "a timestamp
/// that appears to be more than 50 years in the future" is "the most recent year in the past that had the
/// same last two digits" (RFC 9110 §5.6.7). `httpdate` takes 1970–2069 whatever the time.
fn rfc850_to_fixdate(text: &str, now: HttpDate) -> Option<[u8; 29]> {
    let (weekday, rest) = text.trim_matches(' ').split_once("day, ")?;
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
    let two_digits = u64::from(y1 - b'0') * 10 + u64::from(y2 - b'0');
    let this_year = year(now);
    let mut full = this_year - this_year % 100 + two_digits;
    if full + 50 <= this_year {
        full += 100;
    }
    if full > this_year + 50 {
        full -= 100;
    }
    let mut fixdate = *b"   , 00 ... 0000 00:00:00 GMT";
    fixdate[..3].copy_from_slice(short.as_bytes());
    fixdate[5..7].copy_from_slice(&[*d1, *d2]);
    fixdate[8..11].copy_from_slice(&[*m1, *m2, *m3]);
    fixdate[12..16].copy_from_slice(format!("{full:04}").get(..4)?.as_bytes());
    fixdate[17..].copy_from_slice(&clock);
    Some(fixdate)
}

fn year(date: HttpDate) -> u64 {
    // Through the fixdate, so that there is one calendar: httpdate's.
    date.to_string().get(12..16).and_then(|digits| digits.parse().ok()).unwrap_or(1970)
}

/// Writes IMF-fixdate, the one form that a sender may use.
impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(self.0)).fmt(f)
    }
}

/// The clock's time; one before 1970 becomes 1970, one past 9999 the last second of it.
impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().min(LAST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: HttpDate = HttpDate(1_790_000_000); // 2026-09-21

    fn parse(text: &str) -> Option<u64> {
        HttpDate::parse(text.as_bytes(), NOW).map(HttpDate::unix)
    }

    #[test]
    fn all_three_forms_are_the_same_second() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
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
        // Seen from 1990: 38 is 2038, 41 is 1941, which is before all dates.
        let then = HttpDate(631_152_000);
        let at = |text: &str| HttpDate::parse(text.as_bytes(), then).map(HttpDate::unix);
        assert_eq!(at("Friday, 01-Jan-38 00:00:00 GMT"), Some(2_145_916_800));
        assert_eq!(at("Wednesday, 01-Jan-41 00:00:00 GMT"), None);
        // Seen from 2080: 20 is 2120, 31 is 2031.
        let then = HttpDate(3_471_292_800);
        let at = |text: &str| HttpDate::parse(text.as_bytes(), then).map(HttpDate::unix);
        assert_eq!(at("Monday, 01-Jan-20 00:00:00 GMT"), Some(4_733_510_400));
        assert_eq!(at("Wednesday, 01-Jan-31 00:00:00 GMT"), Some(1_924_992_000));
    }

    #[test]
    fn the_last_second_is_written_and_never_passed() {
        assert_eq!(HttpDate(LAST).to_string(), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(HttpDate(LAST).plus(u64::MAX), HttpDate(LAST));
        assert_eq!(HttpDate::from_unix(LAST + 1), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0..=LAST) {
            let date = HttpDate(seconds);
            proptest::prop_assert_eq!(HttpDate::parse(date.to_string().as_bytes(), NOW), Some(date));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = HttpDate::parse(&bytes, NOW);
        }
    }
}

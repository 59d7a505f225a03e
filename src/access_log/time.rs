//! Times as logs write them: common log format, ISO 8601, seconds since 1970.

use jiff::civil::Date;

/// Seconds since 1970, UTC.
pub type Seconds = i64;

/// Write it as `2000-10-10T20:55:36Z`; none past the year 9999.
#[must_use]
pub fn written(seconds: Seconds) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// Read `10/Oct/2000:13:55:36 -0700`, with or without brackets.
#[must_use]
pub fn common(text: &[u8]) -> Option<Seconds> {
    let (date, clock, offset) = common_parts(text)?;
    let &[d1, d2, b'/', m1, m2, m3, b'/', y1, y2, y3, y4] = date else { return None };
    let &[sign, z1, z2, z3, z4] = offset else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let offset = two(z1, z2)? * 3600 + two(z3, z4)? * 60;
    let offset = match sign {
        b'+' => offset,
        b'-' => -offset,
        _ => return None,
    };
    let day = i8::try_from(two(d1, d2)?).ok()?;
    let date = Date::new(i16::try_from(year).ok()?, month([m1, m2, m3])?, day).ok()?;
    let days = i64::from(date.since(Date::constant(1970, 1, 1)).ok()?.get_days());
    Some(days * 86_400 + of_day(clock)? - offset)
}

/// The date, the time of day and the offset of the same notation, none of them looked at.
pub(super) fn common_parts(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let text = text.strip_prefix(b"[").unwrap_or(text);
    let text = text.strip_suffix(b"]").unwrap_or(text);
    let (date, rest) = text.split_at_checked(11)?;
    let (clock, rest) = rest.strip_prefix(b":")?.split_at_checked(8)?;
    Some((date, clock, rest.strip_prefix(b" ").filter(|offset| offset.len() == 5)?))
}

/// The seconds of `13:55:36`.
pub(super) fn of_day(clock: &[u8]) -> Option<Seconds> {
    let &[h1, h2, b':', n1, n2, b':', s1, s2] = clock else { return None };
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    (hour <= 23 && minute <= 59 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// Read whatever a JSON log or an ISO format has: ISO 8601 with an offset (or none: UTC), or seconds or
/// milliseconds since 1970, or the common log format.
#[must_use]
pub fn any(text: &[u8]) -> Option<Seconds> {
    if let Some(time) = common(text) {
        return Some(time);
    }
    let text = std::str::from_utf8(text).ok()?.trim_matches(['[', ']', ' ']);
    if let Ok(number) = text.parse::<f64>() {
        // Past the year 5138 in seconds it is milliseconds, and past that in those microseconds.
        let seconds = match number {
            number if number > 1e14 => number / 1e6,
            number if number > 1e11 => number / 1e3,
            number => number,
        };
        #[allow(
            clippy::cast_possible_truncation,
            reason = "whole seconds are what is wanted; `as` saturates"
        )]
        return (0.0..1e11).contains(&seconds).then_some(seconds.floor() as i64);
    }
    // Python's logging writes a comma before the milliseconds.
    let iso = text.replacen(',', ".", 1);
    if let Ok(timestamp) = iso.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_second());
    }
    if let Ok(time) =
        jiff::fmt::strtime::parse("%Y-%m-%d %H:%M:%S %z", &iso).and_then(|time| time.to_timestamp())
    {
        return Some(time.as_second());
    }
    let civil: jiff::civil::DateTime = iso.parse().ok()?;
    Some(jiff::tz::Offset::UTC.to_timestamp(civil).ok()?.as_second())
}

fn digit(octet: u8) -> Option<i64> {
    octet.checked_sub(b'0').filter(|digit| *digit <= 9).map(i64::from)
}

fn month(name: [u8; 3]) -> Option<i8> {
    Some(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_format_has_an_offset() {
        assert_eq!(common(b"[17/May/2015:10:05:03 +0000]"), Some(1_431_857_103));
        assert_eq!(common(b"17/May/2015:12:05:03 +0200"), Some(1_431_857_103));
        assert_eq!(common(b"17/May/2015:03:35:03 -0630"), Some(1_431_857_103));
        assert_eq!(common(b"31/Feb/2015:03:35:03 -0630"), None);
        assert_eq!(common(b"17/May/2015:25:35:03 +0000"), None);
    }

    #[test]
    fn json_logs_write_what_they_like() {
        for text in [
            "2015-05-17T10:05:03Z",
            "2015-05-17T12:05:03.123456+02:00",
            "2015-05-17 10:05:03,123",
            "2015-05-17 10:05:03 +0000",
            "[17/May/2015:10:05:03 +0000]",
            "1431857103",
            "1431857103.25",
            "1431857103250",
        ] {
            assert_eq!(any(text.as_bytes()), Some(1_431_857_103), "{text}");
        }
        assert_eq!(any(b"yesterday"), None);
        assert_eq!(any(b"-5"), None);
    }
}

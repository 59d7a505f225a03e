//! HTTP-dates out of any octets. A first line, if there is more than one, is the time that it is (seconds).
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::http::date::HttpDate;
use notmodified_fuzz::{Lines, now, plain};

fuzz_target!(|octets: &[u8]| {
    read(octets, now());
    let mut lines = Lines::of(octets);
    let clock = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse().ok());
    if let Some(clock) = clock.and_then(HttpDate::from_unix) {
        read(lines.rest(), clock);
    }
});

fn read(octets: &[u8], now: HttpDate) {
    let date = HttpDate::parse(octets, now);
    let trimmed = plain::trim(octets);
    assert_eq!(HttpDate::parse(trimmed, now), date, "white space around it matters");
    let Some(date) = date else { return };
    assert_eq!(HttpDate::from_unix(date.unix()), Some(date));
    assert!((24..=33).contains(&trimmed.len()) && trimmed.is_ascii());
    let written = date.to_string();
    assert_eq!(written.len(), 29);
    assert_eq!(HttpDate::parse(written.as_bytes(), now), Some(date));
    match trimmed.len() {
        // There is one way to write an IMF-fixdate.
        29 => assert_eq!(written.as_bytes(), trimmed),
        24 => assert_eq!(&written[12..16], &String::from_utf8_lossy(trimmed)[20..]),
        _ => {
            let year = |date: HttpDate| date.to_string()[12..16].parse::<i64>().unwrap();
            let ahead = year(date) - year(now);
            assert!((-50..=50).contains(&ahead), "{ahead} years ahead");
        }
    }
    assert!(date.plus(u32::MAX) >= date);
}

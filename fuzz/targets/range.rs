//! Ranges. The first line is the length of the content, the second the Range field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::http::field::MAX_FIELD;
use notmodified::http::range::{MAX_RANGES, Multipart, Selected, select};
use notmodified_fuzz::{Lines, plain};

fuzz_target!(|octets: &[u8]| {
    let mut lines = Lines::of(octets);
    let first = lines.next().unwrap_or_default();
    let length = std::str::from_utf8(first).ok().and_then(|digits| digits.parse().ok()).unwrap_or(100);
    let field = lines.rest();
    let selected = select(field, length);
    assert_eq!(selected, select(field, length));
    let ranges = match selected {
        Selected::Whole => {
            if let Some(set) = plain::trim(field).strip_prefix(b"bytes=") {
                let in_bounds = field.len() <= MAX_FIELD && length > 0;
                assert!(!(in_bounds && is_one_good_range(set)), "a good range is ignored");
            }
            return;
        }
        Selected::Unsatisfiable => vec![],
        Selected::One(range) => vec![range],
        Selected::Several(ranges) => {
            assert!((2..=MAX_RANGES).contains(&ranges.len()));
            ranges.to_vec()
        }
    };
    assert!(plain::trim(field)[..6].eq_ignore_ascii_case(b"bytes="), "another unit");
    let mut sorted = ranges.clone();
    sorted.sort_unstable();
    for range in &sorted {
        assert!(range.first() < range.end() && range.end() <= length && range.len() <= length);
        assert!(range.content_range(length).ends_with(&format!("/{length}")));
    }
    assert!(sorted.windows(2).all(|pair| pair[0].end() < pair[1].first()), "they overlap or touch");
    let multipart = Multipart::new(&ranges, length, Some("text/plain"), "boundary".into());
    let content: u64 = ranges.iter().map(|range| range.len()).sum();
    assert!(multipart.len() >= content);
    assert!(
        multipart.len() - content <= (ranges.len() as u64 + 1) * 160,
        "more than heads between the parts"
    );
});

/// `first-last` of a few digits each, in order.
fn is_one_good_range(set: &[u8]) -> bool {
    let Some((first, last)) = std::str::from_utf8(set).ok().and_then(|text| text.split_once('-')) else {
        return false;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.len() < 10 && text.bytes().all(|octet| octet.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    matches!((number(first), number(last)), (Some(first), Some(last)) if first <= last)
}

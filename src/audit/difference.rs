//! Which bytes of two contents differ.
//!
//! First by lines, then within the lines that differ by words, so that a token in one long line is found as well.
//! A line or a word more or less does not make the rest differ.

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::element::{self, What};
use super::exchange::Fields;

/// Places that are told.
pub const MOST: usize = 8;

/// Lines or words up to which they are compared one by one.
const MAX_PARTS: usize = 4_000;

/// Bytes around a difference that are shown.
const AROUND: usize = 60;

/// One place at which two contents differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The offset in the first content.
    pub offset: usize,
    /// How many of its bytes differ.
    pub length: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// What stands there, in words.
    pub what: String,
    /// What would leave it out of the tag: an element of `etag.ignore`, as TOML.
    pub ignore: Option<String>,
    /// What stands there in the first content, cut if it is long; as text of one character an octet.
    pub first: String,
    /// What stands there in the second.
    pub second: String,
    /// What stands before, on the same line.
    pub before: String,
    /// What stands after.
    pub after: String,
}

/// A stretch of one content and what is in its place in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    first: (usize, usize),
    second: (usize, usize),
}

/// The places at which two contents differ, at most [`MOST`], and how many bytes differ in all.
#[must_use]
pub fn differences(first: &[u8], second: &[u8], fields: &Fields) -> (Vec<Difference>, usize) {
    let mut found = Vec::new();
    for stretch in compared(first, second, (0, 0), lines) {
        let (one, other) = (part(first, stretch.first), part(second, stretch.second));
        found.extend(compared(one, other, (stretch.first.0, stretch.second.0), words));
    }
    let found: Vec<Stretch> =
        joined(found).into_iter().map(|stretch| trimmed(first, second, stretch)).collect();
    let bytes = found
        .iter()
        .map(|stretch| (stretch.first.1 - stretch.first.0).max(stretch.second.1 - stretch.second.0));
    let bytes = bytes.sum();
    let shown = found.iter().take(MOST);
    (shown.map(|stretch| told(first, second, *stretch, fields)).collect(), bytes)
}

fn told(first: &[u8], second: &[u8], stretch: Stretch, fields: &Fields) -> Difference {
    let (start, end) = stretch.first;
    let What { words, ignore } = element::what(first, second, stretch.first, stretch.second, fields);
    let line_start = first.get(..start).unwrap_or_default().iter().rposition(|octet| *octet == b'\n');
    let from = start.saturating_sub(AROUND).max(line_start.map_or(0, |at| at + 1));
    Difference {
        offset: start,
        length: (end - start).max(stretch.second.1 - stretch.second.0),
        line: 1 + memchr::memchr_iter(b'\n', first.get(..start).unwrap_or_default()).count(),
        what: words,
        ignore,
        first: shown(part(first, stretch.first)),
        second: shown(part(second, stretch.second)),
        before: shown(part(first, (from, start))),
        after: shown(part(first, (end, first.len().min(end + AROUND)))),
    }
}

/// As text of one character an octet, cut.
fn shown(octets: &[u8]) -> String {
    const LONGEST: usize = 160;
    let mut text: String = octets.iter().take(LONGEST).copied().map(char::from).collect();
    if octets.len() > LONGEST {
        text.push('…');
    }
    text
}

fn part(octets: &[u8], (start, end): (usize, usize)) -> &[u8] {
    octets.get(start..end).unwrap_or_default()
}

/// Compare two contents part by part; the stretches that differ, their places counted from `base`.
fn compared(
    first: &[u8],
    second: &[u8],
    base: (usize, usize),
    split: fn(&[u8]) -> Vec<&[u8]>,
) -> Vec<Stretch> {
    let (ones, others) = (split(first), split(second));
    let common = ones.iter().zip(&others).take_while(|(one, other)| one == other).count();
    let (ones_left, others_left) =
        (ones.get(common..).unwrap_or_default(), others.get(common..).unwrap_or_default());
    let at_end =
        ones_left.iter().rev().zip(others_left.iter().rev()).take_while(|(one, other)| one == other).count();
    let inner = |parts: &[&[u8]], whole: usize| (common, common + parts.len() - at_end, whole);
    let (from, one_to, _) = inner(ones_left, first.len());
    let (_, other_to, _) = inner(others_left, second.len());
    let (ones_in, others_in) =
        (ones.get(from..one_to).unwrap_or_default(), others.get(from..other_to).unwrap_or_default());
    let places = |parts: &[&[u8]], base: usize| -> Vec<usize> {
        let mut at = base;
        let mut places = vec![at];
        for part in parts {
            at += part.len();
            places.push(at);
        }
        places
    };
    let (one_places, other_places) = (places(&ones, base.0), places(&others, base.1));
    let stretch = |one: (usize, usize), other: (usize, usize)| Stretch {
        first: (place(&one_places, one.0), place(&one_places, one.1)),
        second: (place(&other_places, other.0), place(&other_places, other.1)),
    };
    if ones_in.is_empty() && others_in.is_empty() {
        return Vec::new();
    }
    if ones_in.len().max(others_in.len()) > MAX_PARTS {
        return vec![stretch((from, one_to), (from, other_to))];
    }
    let ops = capture_diff_slices(Algorithm::Myers, ones_in, others_in);
    let ops = ops.into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    ops.map(|op| {
        let (one, other) = (op.old_range(), op.new_range());
        stretch((from + one.start, from + one.end), (from + other.start, from + other.end))
    })
    .collect()
}

fn place(places: &[usize], number: usize) -> usize {
    places.get(number).or(places.last()).copied().unwrap_or(0)
}

fn lines(content: &[u8]) -> Vec<&[u8]> {
    content.split_inclusive(|octet| *octet == b'\n').collect()
}

/// Runs of what tokens are made of, and each other octet.
fn words(content: &[u8]) -> Vec<&[u8]> {
    content.chunk_by(|one, next| is_word(*one) && is_word(*next)).collect()
}

pub(super) fn is_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet >= 0x80 || octet == b'_'
}

/// How near two stretches are one: a base64 text is several words.
const NEAR: usize = 4;

fn joined(stretches: Vec<Stretch>) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match all.last_mut() {
            Some(last)
                if stretch.first.0.saturating_sub(last.first.1) <= NEAR
                    && stretch.second.0.saturating_sub(last.second.1) <= NEAR =>
            {
                last.first.1 = stretch.first.1;
                last.second.1 = stretch.second.1;
            }
            _ => all.push(stretch),
        }
    }
    all
}

/// Without what is the same at both ends, but never into a word: half a token is none.
fn trimmed(first: &[u8], second: &[u8], stretch: Stretch) -> Stretch {
    let (one, other) = (part(first, stretch.first), part(second, stretch.second));
    let is_same = |(one, other): &(&u8, &u8)| one == other && !is_word(**one);
    let start = one.iter().zip(other).take_while(is_same).count();
    let (one, other) = (one.get(start..).unwrap_or_default(), other.get(start..).unwrap_or_default());
    let end = one.iter().rev().zip(other.iter().rev()).take_while(is_same).count();
    Stretch {
        first: (stretch.first.0 + start, stretch.first.1 - end),
        second: (stretch.second.0 + start, stretch.second.1 - end),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(first: &str, second: &str) -> Vec<(String, String, usize)> {
        let (found, _) = differences(first.as_bytes(), second.as_bytes(), &Fields::default());
        found.into_iter().map(|one| (one.first, one.second, one.line)).collect()
    }

    #[test]
    fn a_token_is_found_whole_whatever_it_shares_with_the_other() {
        assert_eq!(
            found("<p>\n<i value=\"abc123xyz\">\n", "<p>\n<i value=\"abd999xyz\">\n"),
            [("abc123xyz".into(), "abd999xyz".into(), 2)]
        );
        assert_eq!(found("a b c", "a b c"), []);
        assert_eq!(found("a b+c=. d", "a x+y=. d"), [("b+c".into(), "x+y".into(), 1)]);
    }

    #[test]
    fn a_line_more_makes_nothing_else_differ() {
        assert_eq!(found("one\ntwo\nthree\n", "one\nthree\n"), [("two\n".into(), String::new(), 2)]);
        assert_eq!(found("x 10 y 3", "x 9 y 3"), [("10".into(), "9".into(), 1)]);
    }

    #[test]
    fn there_are_limits_to_what_is_compared_and_told() {
        let many =
            |number: usize| (0..9000).map(|line| format!("{}\n", line * number)).collect::<Vec<_>>().concat();
        assert_eq!(found(&many(3), &many(5)).len(), 1);
        let some = |letter: &str| {
            (0..20).map(|line| format!("same line {line}\n{letter}{line}\n")).collect::<Vec<_>>().concat()
        };
        assert_eq!(found(&some("a"), &some("b")).len(), MOST);
    }

    proptest! {
        #[test]
        fn what_is_told_differs_and_all_that_differs_is_counted(
            first in "[ab \n]{0,60}", second in "[ab \n]{0,60}",
        ) {
            let (found, bytes) = differences(first.as_bytes(), second.as_bytes(), &Fields::default());
            prop_assert_eq!(found.is_empty(), first == second);
            prop_assert_eq!(bytes == 0, first == second);
            for one in found {
                prop_assert_ne!(&one.first, &one.second);
                let there = first.get(one.offset..).unwrap();
                prop_assert!(there.starts_with(&one.first));
            }
        }

        #[test]
        fn no_bytes_panic(first: Vec<u8>, second: Vec<u8>) {
            let _ = differences(&first, &second, &Fields::default());
        }
    }
}

//! Range and what answers it (RFC 9110 §14, §15.3.7, §15.5.17): the ranges that a field asks for of some
//! content, Content-Range, `multipart/byteranges`.
//!
//! ```text
//! Range           = range-unit "=" range-set
//! range-set       = 1#( int-range / suffix-range )
//! int-range       = first-pos "-" [ last-pos ]
//! suffix-range    = "-" suffix-length
//! ```
//!
//! Whether a Range counts at all (GET, If-Range, the other preconditions before it) is `preconditions.rs`'s to
//! say. Here a Range that is malformed, of another unit than bytes, or too much of a good thing is ignored,
//! which a server may always do (§14.2): then the whole goes out, so what goes out is never longer.

use smallvec::SmallVec;

use super::field::{MAX_FIELD, elements, trim_ows};

/// A Range of more ranges than this is ignored. Clients that read by pieces (PDF viewers, delta downloads)
/// ask for a few at a time.
pub const MAX_RANGES: usize = 64;

/// Octets from `first` to `last`, both included, counted from 0. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRange {
    first: u64,
    last: u64,
}

impl ByteRange {
    /// Where it starts.
    #[must_use]
    pub const fn first(self) -> u64 {
        self.first
    }

    /// Where it ends: the place after its last octet.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.last.saturating_add(1)
    }

    /// How many octets it is.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub const fn len(self) -> u64 {
        self.end() - self.first
    }

    /// Content-Range for this part of so many octets (§14.4).
    #[must_use]
    pub fn content_range(self, length: u64) -> String {
        format!("bytes {}-{}/{length}", self.first, self.last)
    }
}

/// Content-Range of a 416 (§14.4): how long the content is.
#[must_use]
pub fn unsatisfied(length: u64) -> String {
    format!("bytes */{length}")
}

/// What a Range field selects of some content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// All of it: the field is ignored.
    Whole,
    /// One part.
    One(ByteRange),
    /// Several parts that neither overlap nor touch, in the order in which they were asked for; ascending, if
    /// some had to be joined.
    Several(SmallVec<[ByteRange; 4]>),
    /// Nothing, for no range begins within the content: 416.
    Unsatisfiable,
}

/// The ranges that this field asks for of content of so many octets.
///
/// Of empty content it is all, as no Content-Range can name a part of it, and clients that send a Range with
/// each request are not helped by a 416.
///
/// ```
/// use notmodified::http::range::{Selected, select};
/// let Selected::One(range) = select(b"bytes=-500", 10_000) else { panic!() };
/// assert_eq!(range.content_range(10_000), "bytes 9500-9999/10000");
/// assert_eq!(select(b"bytes=10000-", 10_000), Selected::Unsatisfiable);
/// assert_eq!(select(b"lines=1-2", 10_000), Selected::Whole);
/// ```
#[must_use]
pub fn select(field: &[u8], length: u64) -> Selected {
    let Some(last) = length.checked_sub(1) else { return Selected::Whole };
    let Some(set) = range_set(trim_ows(field)) else { return Selected::Whole };
    let mut ranges: SmallVec<[ByteRange; 4]> = SmallVec::new();
    let mut asked = 0;
    for element in elements(set) {
        asked += 1;
        let Some(spec) = Spec::parse(element).filter(|_| asked <= MAX_RANGES) else {
            return Selected::Whole;
        };
        ranges.extend(spec.within(last));
    }
    match *ranges {
        [] if asked == 0 => Selected::Whole,
        [] => Selected::Unsatisfiable,
        [one] => Selected::One(one),
        _ => join(ranges),
    }
}

/// What follows `bytes=`. Units are compared without regard to case (§14.1).
fn range_set(field: &[u8]) -> Option<&[u8]> {
    let (unit, set) = field.split_at_checked(6)?;
    (unit.eq_ignore_ascii_case(b"bytes=") && field.len() <= MAX_FIELD).then_some(set)
}

/// One element of a range-set. Numbers too great to be told count as the greatest there is.
#[derive(Clone, Copy)]
enum Spec {
    Int { first: u64, last: u64 },
    Suffix(u64),
}

impl Spec {
    /// `None` for what is no range, also one that ends before it begins (§14.1.1).
    fn parse(element: &[u8]) -> Option<Self> {
        let dash = element.iter().position(|octet| *octet == b'-')?;
        let (first, last) = (element.get(..dash)?, element.get(dash + 1..)?);
        match (first, last) {
            ([], suffix) => number(suffix).map(Self::Suffix),
            (first, []) => Some(Self::Int { first: number(first)?, last: u64::MAX }),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::Int { first, last })
            }
        }
    }

    /// The part of content with this last place; `None` if it is not satisfiable (§14.1.2).
    fn within(self, end: u64) -> Option<ByteRange> {
        match self {
            Self::Int { first, last } => (first <= end).then_some(ByteRange { first, last: last.min(end) }),
            Self::Suffix(0) => None,
            Self::Suffix(length) => Some(ByteRange { first: (end - (length - 1).min(end)), last: end }),
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let start = if digits.is_empty() { None } else { Some(0_u64) };
    digits.iter().try_fold(start?, |number, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        Some(number.saturating_mul(10).saturating_add(u64::from(digit)))
    })
}

/// Ranges that overlap or touch become one (§15.3.7.2): nobody gets an octet twice.
fn join(ranges: SmallVec<[ByteRange; 4]>) -> Selected {
    let mut sorted = ranges.clone();
    sorted.sort_unstable();
    let mut joined: SmallVec<[ByteRange; 4]> = SmallVec::new();
    for range in sorted {
        match joined.last_mut() {
            Some(before) if range.first <= before.end() => before.last = before.last.max(range.last),
            _ => joined.push(range),
        }
    }
    match *joined {
        [one] => Selected::One(one),
        _ if joined.len() == ranges.len() => Selected::Several(ranges),
        _ => Selected::Several(joined),
    }
}

/// The body of a 206 of several parts (`multipart/byteranges`, §14.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    /// What is sent before the octets of each range, and the range.
    pub parts: Vec<(Vec<u8>, ByteRange)>,
    /// What is sent after the last.
    pub tail: Vec<u8>,
    boundary: String,
}

impl Multipart {
    /// Put together the parts of content of so many octets and of this media type. The boundary must not
    /// occur in the content; it is a token of up to 70 characters.
    #[must_use]
    pub fn new(ranges: &[ByteRange], length: u64, content_type: Option<&str>, boundary: String) -> Self {
        let kind = content_type.and_then(field_line).unwrap_or_default();
        let mut line_end = "";
        let mut head = |range: &ByteRange| {
            let mut head = format!("{line_end}--{boundary}\r\n").into_bytes();
            line_end = "\r\n";
            head.extend_from_slice(&kind);
            head.extend_from_slice(
                format!("Content-Range: {}\r\n\r\n", range.content_range(length)).as_bytes(),
            );
            (head, *range)
        };
        let parts = ranges.iter().map(&mut head).collect();
        Self { parts, tail: format!("\r\n--{boundary}--\r\n").into_bytes(), boundary }
    }

    /// The Content-Type of the whole.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// How many octets the body is.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> u64 {
        let part = |(head, range): &(Vec<u8>, ByteRange)| range.len().saturating_add(head.len() as u64);
        self.parts.iter().map(part).fold(self.tail.len() as u64, u64::saturating_add)
    }
}

/// The Content-Type line of a part, in latin-1 as a head is. `None` for what a head could not say: no server
/// looks at what stands in a body.
fn field_line(value: &str) -> Option<Vec<u8>> {
    let octets =
        value.chars().map(|letter| u8::try_from(letter).ok().filter(|octet| !octet.is_ascii_control()));
    let mut line = b"Content-Type: ".to_vec();
    line.extend(octets.collect::<Option<Vec<u8>>>()?);
    line.extend_from_slice(b"\r\n");
    Some(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As pairs of first and last; what is ignored is `None`, what is unsatisfiable is empty.
    fn read(field: &str, length: u64) -> Option<Vec<(u64, u64)>> {
        match select(field.as_bytes(), length) {
            Selected::Whole => None,
            Selected::One(range) => Some(vec![(range.first, range.last)]),
            Selected::Several(ranges) => Some(ranges.iter().map(|range| (range.first, range.last)).collect()),
            Selected::Unsatisfiable => Some(vec![]),
        }
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // §14.1.2, of a representation of 10,000 octets.
        for (field, expected) in [
            ("bytes=0-499", &[(0, 499)][..]),
            ("bytes=500-999", &[(500, 999)]),
            ("bytes=-500", &[(9500, 9999)]),
            ("bytes=9500-", &[(9500, 9999)]),
            ("bytes=0-0,-1", &[(0, 0), (9999, 9999)]),
            ("bytes= 0-999, 4500-5499, -1000", &[(0, 999), (4500, 5499), (9000, 9999)]),
            ("bytes=500-600,601-999", &[(500, 999)]),
            ("bytes=500-700,601-999", &[(500, 999)]),
        ] {
            assert_eq!(read(field, 10_000).as_deref(), Some(expected), "{field}");
        }
    }

    #[test]
    fn one_octet_is_a_range_and_none_is_not() {
        assert_eq!(read("bytes=3-3", 10), Some(vec![(3, 3)]));
        assert_eq!(read("bytes=9-9", 10), Some(vec![(9, 9)]));
        assert_eq!(read("bytes=-0", 10), Some(vec![]));
        assert_eq!(read("bytes=10-", 10), Some(vec![]));
        assert_eq!(read("bytes=10-11,-0", 10), Some(vec![]));
        assert_eq!(read("bytes=10-11,-1", 10), Some(vec![(9, 9)]));
    }

    #[test]
    fn what_goes_past_the_end_ends_there() {
        assert_eq!(read("bytes=5-99999999999999999999999", 10), Some(vec![(5, 9)]));
        assert_eq!(read("bytes=-99999999999999999999999", 10), Some(vec![(0, 9)]));
        assert_eq!(read("bytes=99999999999999999999999-", 10), Some(vec![]));
        assert_eq!(read("bytes=0-", u64::MAX), Some(vec![(0, u64::MAX - 1)]));
    }

    #[test]
    fn what_is_malformed_or_of_another_unit_is_ignored() {
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-3",
            "bytes=0-1,5-3",
            "bytes=0-1,x",
            "bytes=0 - 1",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=0x1-2",
            "bytes=--1",
            "bytes:0-1",
            "bytes =0-1",
            "lines=0-1",
            "0-1",
            "bytes=0-1,bytes=3-4",
            "bytes=\"0-1\"",
        ] {
            assert_eq!(read(field, 10), None, "{field:?}");
        }
    }

    #[test]
    fn units_are_read_in_any_case_and_lists_as_sloppily_as_they_are_sent() {
        assert_eq!(read(" Bytes=0-1\t,, 4-5 ,", 10), Some(vec![(0, 1), (4, 5)]));
    }

    #[test]
    fn empty_content_has_no_parts() {
        assert_eq!(read("bytes=0-", 0), None);
        assert_eq!(read("bytes=-1", 0), None);
    }

    #[test]
    fn the_order_asked_for_is_kept_where_nothing_overlaps() {
        assert_eq!(read("bytes=8-9,0-1,4-5", 10), Some(vec![(8, 9), (0, 1), (4, 5)]));
        assert_eq!(read("bytes=8-9,0-1,1-5", 10), Some(vec![(0, 5), (8, 9)]));
        assert_eq!(read("bytes=0-9,0-9,0-9", 10), Some(vec![(0, 9)]));
    }

    #[test]
    fn more_ranges_than_anybody_needs_are_ignored() {
        let field = |count: usize| {
            let ranges: Vec<_> = (0..count).map(|at| format!("{0}-{0}", at * 2)).collect();
            format!("bytes={}", ranges.join(","))
        };
        assert_eq!(read(&field(MAX_RANGES), 10_000).unwrap().len(), MAX_RANGES);
        assert_eq!(read(&field(MAX_RANGES + 1), 10_000), None);
        assert_eq!(read(&format!("bytes=0-1{}", ",".repeat(MAX_FIELD)), 10_000), None);
    }

    #[test]
    fn a_multipart_body_is_that_of_the_rfc() {
        let Selected::Several(ranges) = select(b"bytes=500-999,7000-7999", 8000) else { panic!() };
        let multipart =
            Multipart::new(&ranges, 8000, Some("application/pdf"), "THIS_STRING_SEPARATES".into());
        assert_eq!(multipart.content_type(), "multipart/byteranges; boundary=THIS_STRING_SEPARATES");
        let heads: Vec<_> =
            multipart.parts.iter().map(|(head, _)| std::str::from_utf8(head).unwrap()).collect();
        assert_eq!(
            heads,
            [
                "--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\n\
                 Content-Range: bytes 500-999/8000\r\n\r\n",
                "\r\n--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\n\
                 Content-Range: bytes 7000-7999/8000\r\n\r\n",
            ]
        );
        assert_eq!(multipart.tail, b"\r\n--THIS_STRING_SEPARATES--\r\n");
        let heads = heads.iter().map(|head| head.len() as u64).sum::<u64>();
        assert_eq!(multipart.len(), heads + 1500 + multipart.tail.len() as u64);
    }

    #[test]
    fn a_multipart_body_of_the_longest_content_is_as_long_as_can_be_told() {
        let Selected::Several(ranges) = select(b"bytes=0-0,2-", u64::MAX) else { panic!() };
        assert_eq!(Multipart::new(&ranges, u64::MAX, None, "b".into()).len(), u64::MAX);
    }

    #[test]
    fn a_content_type_that_would_split_the_head_of_a_part_is_left_out() {
        let range = [ByteRange { first: 0, last: 1 }];
        for value in ["text/plain\r\nX: y", "text/\u{2014}"] {
            let multipart = Multipart::new(&range, 9, Some(value), "b".into());
            assert_eq!(multipart.parts[0].0, b"--b\r\nContent-Range: bytes 0-1/9\r\n\r\n");
        }
        let multipart = Multipart::new(&range, 9, Some("text/\u{e9}"), "b".into());
        assert!(multipart.parts[0].0.starts_with(b"--b\r\nContent-Type: text/\xe9\r\n"));
    }

    /// §14 once more, octet by octet: which of `length` octets does the field ask for? `None` if it is to be
    /// ignored.
    fn plain(field: &str, length: u64) -> Option<Vec<bool>> {
        let set = field.trim_matches([' ', '\t']).strip_prefix("bytes=")?;
        let mut wanted = vec![false; usize::try_from(length).unwrap()];
        let mut count = 0;
        for spec in set.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty())
        {
            count += 1;
            let (first, last) = spec.split_once('-')?;
            if [first, last].iter().any(|text| !text.bytes().all(|octet| octet.is_ascii_digit())) {
                return None;
            }
            let number = |text: &str| text.parse::<u128>().map(|number| number.min(u128::from(u64::MAX)));
            let (first, last) = match (number(first), number(last)) {
                (Ok(first), Ok(last)) if first <= last => (first, last),
                (Ok(first), Err(_)) if last.is_empty() => (first, u128::MAX),
                (Err(_), Ok(0)) => continue,
                (Err(_), Ok(suffix)) => (u128::from(length).saturating_sub(suffix), u128::MAX),
                _ => return None,
            };
            for (at, octet) in wanted.iter_mut().enumerate() {
                *octet |= (first..=last).contains(&(at as u128));
            }
        }
        (1..=MAX_RANGES).contains(&count).then_some(wanted)
    }

    fn field() -> impl Strategy<Value = String> {
        let edge = prop_oneof![
            4 => (0_u64..60).prop_map(|at| at.to_string()),
            1 => Just(String::new()),
            1 => prop::sample::select(vec![u64::MAX.to_string(), "00".into(), "99999999999999999999".into()]),
        ];
        let spec = prop_oneof![
            8 => (edge.clone(), edge).prop_map(|(first, last)| format!("{first}-{last}")),
            1 => "[-0-9 ,a]{0,6}",
        ];
        (prop::collection::vec(spec, 0..9), prop::sample::select(vec![",", ", ", ",,", "\t,"]))
            .prop_map(|(specs, comma)| format!("bytes={}", specs.join(comma)))
    }

    proptest! {
        #[test]
        fn what_is_selected_is_what_was_asked_for_and_each_octet_once(field in field(), length in 1_u64..60) {
            let ranges = match select(field.as_bytes(), length) {
                Selected::Whole => {
                    prop_assert_eq!(plain(&field, length), None);
                    return Ok(());
                }
                Selected::Unsatisfiable => SmallVec::new(),
                Selected::One(range) => SmallVec::from_iter([range]),
                Selected::Several(ranges) => {
                    prop_assert!(ranges.len() > 1);
                    ranges
                }
            };
            let mut times = vec![0; usize::try_from(length).unwrap()];
            for range in &ranges {
                prop_assert!(range.first <= range.last && range.end() <= length);
                for at in range.first..range.end() {
                    times[usize::try_from(at).unwrap()] += 1;
                }
            }
            prop_assert!(times.iter().all(|count| *count <= 1));
            prop_assert_eq!(plain(&field, length), Some(times.iter().map(|count| *count == 1).collect()));
        }

        #[test]
        fn no_octets_panic_and_nothing_reaches_past_the_end(field: Vec<u8>, length: u64) {
            let field = [b"bytes=", field.as_slice()].concat();
            if let Selected::One(range) = select(&field, length) {
                prop_assert!(range.len() >= 1 && range.end() <= length);
            }
            let _ = select(&field[6..], length);
        }
    }
}

//! Entity-tags (RFC 9110 §8.8.3), one and in lists.
//!
//! ```text
//! entity-tag = [ weak ] opaque-tag
//! weak       = %s"W/"
//! opaque-tag = DQUOTE *etagc DQUOTE
//! etagc      = %x21 / %x23-7E / obs-text
//! ```

use std::fmt;

use memchr::memchr;

/// An entity-tag, borrowed from the field that it stands in.
///
/// ```
/// use notmodified::http::entity_tag::EntityTag;
/// let strong = EntityTag::parse(br#""xyzzy""#).unwrap();
/// let weak = EntityTag::parse(br#"W/"xyzzy""#).unwrap();
/// assert!(strong.weak_eq(weak) && !strong.strong_eq(weak));
/// assert!(EntityTag::parse(b"xyzzy").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntityTag<'a> {
    opaque: &'a [u8],
    strength: Strength,
}

/// As wide as a pointer, so that there is no padding beside it: with a `bool` there the compiler copies a tag in
/// pieces that overlap, and each has to wait until what it reads was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
enum Strength {
    Strong,
    Weak,
}

impl Strength {
    const fn of(weak: bool) -> Self {
        if weak { Self::Weak } else { Self::Strong }
    }
}

/// Suffixes that servers and proxies put on the opaque-tag of a content coding of theirs: Apache's
/// `mod_deflate` and `mod_brotli` write `-gzip` and `-br`, others `;gzip` and `--gzip`.
const CODINGS: [&[u8]; 4] = [b"gzip", b"br", b"zstd", b"deflate"];
const SEPARATORS: [&[u8]; 3] = [b"--", b"-", b";"];

impl<'a> EntityTag<'a> {
    /// The entity-tag of this opaque part, the quotes not included; `None` if it holds an octet that is no
    /// `etagc`.
    #[must_use]
    pub fn new(opaque: &'a [u8], weak: bool) -> Option<Self> {
        let tag = Self { opaque, strength: Strength::of(weak) };
        tag.is_well_formed().then_some(tag)
    }

    /// The same of octets that are known to be `etagc`.
    pub(crate) const fn of_etagc(opaque: &'a [u8], weak: bool) -> Self {
        Self { opaque, strength: Strength::of(weak) }
    }

    /// Read one entity-tag; `None` for anything else, white space around it included.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (weak, quoted) = match value {
            [b'W', b'/', rest @ ..] => (true, rest),
            _ => (false, value),
        };
        match quoted {
            [b'"', opaque @ .., b'"'] => Self::new(opaque, weak),
            _ => None,
        }
    }

    /// Are all its octets `etagc`? Only a tag out of a [`list`] may have others.
    #[must_use]
    pub fn is_well_formed(self) -> bool {
        // Eight at a time; the last eight overlap those before them.
        match self.opaque.last_chunk::<8>() {
            Some(last) => are_etagc(*last) && self.opaque.as_chunks().0.iter().copied().all(are_etagc),
            None => self.opaque.iter().copied().all(is_etagc),
        }
    }

    /// The opaque part, the quotes not included.
    #[must_use]
    pub const fn opaque(self) -> &'a [u8] {
        self.opaque
    }

    /// Is it a weak validator?
    #[must_use]
    pub const fn is_weak(self) -> bool {
        matches!(self.strength, Strength::Weak)
    }

    /// The tag as it stands in a field. Octets past ASCII are written as the characters that the caller's
    /// text has for them, or as U+FFFD if it is not UTF-8.
    #[must_use]
    pub fn to_field(self) -> String {
        let mut text = String::with_capacity(self.opaque.len() + 4);
        text.push_str(if self.is_weak() { "W/\"" } else { "\"" });
        match std::str::from_utf8(self.opaque) {
            Ok(opaque) => text.push_str(opaque),
            Err(_) => text.push_str(&String::from_utf8_lossy(self.opaque)),
        }
        text.push('"');
        text
    }

    /// Is a field just this tag, as [`EntityTag::to_field`] writes it?
    #[must_use]
    pub fn is_written(self, field: &[u8]) -> bool {
        let quoted = if self.is_weak() { field.strip_prefix(b"W/") } else { Some(field) };
        matches!(quoted, Some([b'"', opaque @ .., b'"']) if opaque == self.opaque)
    }

    /// Strong comparison (RFC 9110 §8.8.3.2): both strong, and the same octet for octet.
    #[must_use]
    pub fn strong_eq(self, other: EntityTag<'_>) -> bool {
        !self.is_weak() && !other.is_weak() && self.opaque == other.opaque
    }

    /// Weak comparison (RFC 9110 §8.8.3.2): the same opaque part, weak or not.
    #[must_use]
    pub fn weak_eq(self, other: EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }

    /// Is `theirs` this tag with the suffix of a content coding, as a proxy that compresses writes it? Good
    /// for If-None-Match, which compares weakly; never for If-Match.
    #[must_use]
    pub fn is_base_of(self, theirs: EntityTag<'_>) -> bool {
        self.suffix_of(theirs).is_some_and(names_coding)
    }

    /// Weak comparison, or where `suffixes` says so [`EntityTag::is_base_of`] too, at the price of one.
    pub(crate) fn is_meant_by(self, theirs: EntityTag<'_>, suffixes: bool) -> bool {
        self.suffix_of(theirs).is_some_and(|suffix| suffix.is_empty() || suffixes && names_coding(suffix))
    }

    /// What their opaque part has behind ours, if it starts with ours.
    fn suffix_of(self, theirs: EntityTag<'_>) -> Option<&[u8]> {
        // Most tags differ in the first octet; a call of memcmp costs more than looking at it.
        match (self.opaque, theirs.opaque) {
            ([ours, ..], [first, ..]) if ours != first => None,
            (ours, theirs) => theirs.strip_prefix(ours),
        }
    }
}

fn names_coding(suffix: &[u8]) -> bool {
    SEPARATORS
        .iter()
        .any(|separator| suffix.strip_prefix(*separator).is_some_and(|coding| CODINGS.contains(&coding)))
}

/// As [`EntityTag::to_field`].
impl fmt::Display for EntityTag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_field())
    }
}

const fn is_etagc(octet: u8) -> bool {
    matches!(octet, 0x21 | 0x23..=0x7E | 0x80..)
}

/// The same of eight octets at once, as one number.
fn are_etagc(octets: [u8; 8]) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const TOP: u64 = EACH << 7;
    let octets = u64::from_ne_bytes(octets);
    // A subtraction sets the top bit of the lowest octet that is less; those that have it anyway are obs-text.
    let control_or_space = octets.wrapping_sub(EACH * 0x21);
    let quote = (octets ^ (EACH * 0x22)).wrapping_sub(EACH);
    let delete = (octets ^ (EACH * 0x7F)).wrapping_sub(EACH);
    (control_or_space | quote | delete) & !octets & TOP == 0
}

/// What stands in one place of a list of entity-tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// Something between quotes. Its octets are not checked: one that equals a well-formed tag is
    /// well-formed, and the others don't matter to a comparison.
    Tag(EntityTag<'a>),
    /// Anything else, up to the next comma.
    Malformed,
}

/// The elements of `#entity-tag`, as If-Match and If-None-Match hold it, the empty ones left out.
///
/// A comma inside a tag does not separate. After something malformed reading goes on behind the next comma.
/// Each octet is looked at once or twice, whatever it is: linear time for hostile fields too.
#[must_use]
pub fn list(value: &[u8]) -> List<'_> {
    List { rest: value }
}

/// Iterator of [`list`].
#[derive(Clone, Debug)]
pub struct List<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for List<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        while let [b',' | b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
        let (weak, quoted) = match self.rest {
            [] => return None,
            [b'"', quoted @ ..] => (false, quoted),
            [b'W', b'/', b'"', quoted @ ..] => (true, quoted),
            _ => return Some(self.skip()),
        };
        let Some(end) = memchr(b'"', quoted) else {
            // No quote is left, so no tag can follow.
            self.rest = &[];
            return Some(Element::Malformed);
        };
        let (opaque, rest) = quoted.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        match self.rest {
            [] | [b',', ..] => {}
            _ => {
                let after = trim_ows_start(self.rest);
                if !matches!(after, [] | [b',', ..]) {
                    return Some(self.skip());
                }
                self.rest = after;
            }
        }
        Some(Element::Tag(EntityTag { opaque, strength: Strength::of(weak) }))
    }
}

impl<'a> List<'a> {
    fn skip(&mut self) -> Element<'a> {
        let comma = memchr(b',', self.rest).unwrap_or(self.rest.len());
        self.rest = self.rest.get(comma..).unwrap_or_default();
        Element::Malformed
    }
}

fn trim_ows_start(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> EntityTag<'_> {
        EntityTag::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn comparison_is_the_table_of_the_rfc() {
        // RFC 9110 §8.8.3.2: ETag 1, ETag 2, strong, weak.
        for (one, other, strong, weak) in [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
        ] {
            assert_eq!(tag(one).strong_eq(tag(other)), strong, "{one} {other}");
            assert_eq!(tag(one).weak_eq(tag(other)), weak, "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_tag_is_none() {
        for text in [
            "",
            "x",
            "\"",
            "\"x",
            "x\"",
            "w/\"x\"",
            "W/x",
            "W/",
            "\"a b\"",
            "\"a\"b\"",
            "*",
            "\"a\", \"b\"",
            "\"\x7f\"",
        ] {
            assert_eq!(EntityTag::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_empty_the_starred_and_the_comma_tag_are_tags() {
        for text in ["\"\"", "\"*\"", "\"a,b\"", "W/\"\"", "\"\\\"", "\"\u{e9}\""] {
            assert_eq!(tag(text).to_string(), text);
        }
    }

    #[test]
    fn lists_are_read_as_sloppily_as_they_are_sent() {
        let read = |text: &'static str| -> Vec<String> {
            list(text.as_bytes())
                .map(|element| match element {
                    Element::Tag(tag) => tag.to_string(),
                    Element::Malformed => "?".into(),
                })
                .collect()
        };
        assert_eq!(read(r#""a","b",W/"c""#), ["\"a\"", "\"b\"", "W/\"c\""]);
        assert_eq!(read("\t\"a,b\"\t,, \"\" ,"), ["\"a,b\"", "\"\""]);
        assert_eq!(read(r#"a, "b", *, "c"d, "e""#), ["?", "\"b\"", "?", "?", "\"e\""]);
        assert_eq!(read(r#""a", "b"#), ["\"a\"", "?"]);
        assert_eq!(read(" , "), Vec::<String>::new());
    }

    #[test]
    fn only_suffixes_of_codings_are_taken_off() {
        let ours = tag(r#""abc""#);
        for theirs in [r#""abc-gzip""#, r#"W/"abc;gzip""#, r#""abc--gzip""#, r#""abc-br""#, r#""abc-zstd""#] {
            assert!(ours.is_base_of(tag(theirs)), "{theirs}");
        }
        for theirs in
            [r#""abc""#, r#""abc-gzip-gzip""#, r#""abcgzip""#, r#""abd-gzip""#, r#""abc-foo""#, r#""abc-""#]
        {
            assert!(!ours.is_base_of(tag(theirs)), "{theirs}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(opaque in "[!#-~\u{80}-\u{ff}]{0,40}", weak: bool) {
            let tag = EntityTag::new(opaque.as_bytes(), weak).unwrap();
            let text = tag.to_string();
            proptest::prop_assert_eq!(EntityTag::parse(text.as_bytes()), Some(tag));
            proptest::prop_assert!(tag.is_well_formed());
        }

        #[test]
        fn eight_octets_are_as_each_by_itself(octets: [u8; 8], opaque: Vec<u8>) {
            proptest::prop_assert_eq!(are_etagc(octets), octets.iter().copied().all(is_etagc));
            let well_formed = opaque.iter().copied().all(is_etagc);
            proptest::prop_assert_eq!(EntityTag::new(&opaque, false).is_some(), well_formed);
        }

        #[test]
        fn one_octet_that_is_none_is_found_wherever_it_stands(octet: u8, at in 0_usize..30, length in 1_usize..30) {
            let mut opaque = vec![b'!'; length];
            opaque[at % length] = octet;
            proptest::prop_assert_eq!(EntityTag::new(&opaque, false).is_some(), is_etagc(octet));
        }

        #[test]
        fn what_is_meant_is_weakly_equal_or_has_a_suffix(
            ours in "[a-]{0,3}",
            theirs in "[a-]{0,3}(-|--|;)?(gzip|br|zstd|deflate|foo)?",
        ) {
            let [ours, theirs] = [&ours, &theirs].map(|opaque| EntityTag::new(opaque.as_bytes(), false).unwrap());
            proptest::prop_assert_eq!(ours.is_meant_by(theirs, false), ours.weak_eq(theirs));
            let either = ours.weak_eq(theirs) || ours.is_base_of(theirs);
            proptest::prop_assert_eq!(ours.is_meant_by(theirs, true), either);
        }

        #[test]
        fn a_tag_is_found_among_others(tags in proptest::collection::vec("[!#-~]{0,9}", 1..20), at: proptest::sample::Index) {
            let field = tags.iter().map(|tag| format!("\"{tag}\"")).collect::<Vec<_>>().join(",");
            let wanted = EntityTag::new(at.get(&tags).as_bytes(), false).unwrap();
            proptest::prop_assert_eq!(list(field.as_bytes()).count(), tags.len());
            let found = list(field.as_bytes()).any(|element| element == Element::Tag(wanted));
            proptest::prop_assert!(found);
        }

        #[test]
        fn no_bytes_panic_and_reading_ends(bytes in proptest::collection::vec(proptest::sample::select(&b"\",W/* \ta\x00\xff"[..]), 0..200)) {
            proptest::prop_assert!(list(&bytes).count() <= bytes.len());
            let _ = EntityTag::parse(&bytes);
        }
    }
}

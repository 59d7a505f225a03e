//! What stands at a place of a page, in words, and what would leave it out of the tag.

use super::exchange::Fields;
use crate::volatile::{self, Rule};

/// How far back is looked for the start of a tag, in bytes.
const BACK: usize = 2_000;

/// How much of a place's surroundings makes a pattern for it.
const CONTEXT: usize = 24;

/// What stands there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct What {
    /// In words: `the CSRF token`, `the value of <input name="x">`.
    pub(super) words: String,
    /// An element of `etag.ignore` that leaves it out, as TOML.
    pub(super) ignore: Option<String>,
}

/// What stands at a stretch of the first content, of which another response has a second version.
pub(super) fn what(
    first: &[u8],
    second: &[u8],
    at: (usize, usize),
    at_second: (usize, usize),
    fields: &Fields,
) -> What {
    let fields: Vec<(&str, &str)> = fields.iter().collect();
    if let Some(rule) = volatile::known_at(first, &fields, at.0, at.1) {
        let words = match rule {
            Rule::DjangoCsrf => "the CSRF token of Django",
            Rule::FlaskWtfCsrf { .. } => "the CSRF token of Flask-WTF",
            _ => "the nonce of the Content-Security-Policy",
        };
        return What { words: words.into(), ignore: Some(format!("\"{rule}\"")) };
    }
    let part = |content: &[u8], (start, end): (usize, usize)| -> Vec<u8> {
        content.get(start..end).unwrap_or_default().to_vec()
    };
    // The seconds alone are no time, and what stands before them is another one soon.
    let (whole, whole_second) = (grown(first, at), grown(second, at_second));
    let (of_whole, at) = match kind(&part(first, whole), &part(second, whole_second)) {
        Some(kind) if kind.grows => (Some(kind), whole),
        _ => (None, at),
    };
    let kind = of_whole.or_else(|| kind(&part(first, at), &part(second, at_second)));
    let place = surroundings(first, at.0);
    let words = match (kind, place) {
        (Some(kind), Some(place)) => format!("{} in {place}", kind.words),
        (Some(kind), None) => kind.words.into(),
        (None, Some(place)) => format!("what is in {place}"),
        (None, None) => "a part of the content".into(),
    };
    What { words, ignore: kind.and_then(|kind| pattern(first, at, kind)) }
}

/// A stretch with the digits around it, and what is between the digits of a number or a time.
fn grown(content: &[u8], (start, end): (usize, usize)) -> (usize, usize) {
    let is_part = |octet: &&u8| octet.is_ascii_digit() || IN_TIMES.contains(octet);
    let (before, after) = (content.get(..start).unwrap_or_default(), content.get(end..).unwrap_or_default());
    // Of the digits furthest out; without any it stays as it is.
    let digits = |near: &mut dyn Iterator<Item = &u8>| {
        let near = near.take(LONGEST_TIME).take_while(is_part).enumerate();
        near.filter(|(_, octet)| octet.is_ascii_digit()).last().map_or(0, |(at, _)| at + 1)
    };
    (start - digits(&mut before.iter().rev()), end + digits(&mut after.iter()))
}

const LONGEST_TIME: usize = 40;
const IN_TIMES: &[u8] = b"TZ:., +-";

/// Does a text look so?
type Looks = fn(&[u8]) -> bool;

#[derive(Clone, Copy)]
struct Kind {
    words: &'static str,
    /// A class of a regular expression that it is made of.
    class: &'static str,
    /// What adjoins it may be a part of it.
    grows: bool,
}

/// What a text is by its looks, if both versions look alike.
fn kind(one: &[u8], other: &[u8]) -> Option<Kind> {
    const fn kind(words: &'static str, class: &'static str, grows: bool) -> Kind {
        Kind { words, class, grows }
    }
    const KINDS: [(Looks, Kind); 5] = [
        (is_uuid, kind("an id", "[0-9a-fA-F-]{36}", false)),
        (is_time, kind(A_TIME, "[0-9TZ:., +-]{8,40}", true)),
        (is_number, kind("a number", "[0-9.]{1,40}", true)),
        (is_hex, kind("an id", "[0-9a-fA-F]{8,128}", false)),
        (is_token, kind("a random token", "[A-Za-z0-9_.+/=-]{16,512}", false)),
    ];
    KINDS.iter().find(|(is_it, _)| is_it(one) && is_it(other)).map(|(_, kind)| *kind)
}

const A_TIME: &str = "a time";

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36 && text.iter().all(|octet| octet.is_ascii_hexdigit() || *octet == b'-')
}

fn is_time(text: &[u8]) -> bool {
    let digits = text.iter().filter(|octet| octet.is_ascii_digit()).count();
    digits >= 2
        && text.len() <= LONGEST_TIME
        && text.contains(&b':')
        && text.iter().all(|octet| octet.is_ascii_digit() || IN_TIMES.contains(octet))
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.len() <= 40 && text.iter().all(|octet| octet.is_ascii_digit() || *octet == b'.')
}

fn is_hex(text: &[u8]) -> bool {
    (8..=128).contains(&text.len()) && text.iter().all(u8::is_ascii_hexdigit)
}

fn is_token(text: &[u8]) -> bool {
    (16..=512).contains(&text.len())
        && text.iter().all(|octet| octet.is_ascii_alphanumeric() || b"_.+/=-".contains(octet))
}

/// The tag, script or comment around a place.
fn surroundings(content: &[u8], at: usize) -> Option<String> {
    let from = at.saturating_sub(BACK);
    let before = content.get(from..at)?;
    let open = memchr::memrchr(b'<', before)?;
    let tag = before.get(open..)?;
    if tag.starts_with(b"<!--") {
        return Some("a comment".into());
    }
    if tag.contains(&b'>') {
        let name = element_name(tag)?;
        return Some(format!("<{name}>"));
    }
    let name = element_name(tag)?;
    let rest = content.get(from + open..)?;
    let whole = rest.get(..rest.iter().take(BACK).position(|octet| *octet == b'>')?)?;
    Some(
        ["name", "id", "property"]
            .iter()
            .find_map(|key| attribute(whole, key))
            .map_or_else(|| format!("<{name}>"), |(key, value)| format!("<{name} {key}=\"{value}\">")),
    )
}

fn element_name(tag: &[u8]) -> Option<String> {
    let rest = tag.get(1..)?;
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    let end =
        rest.iter().position(|octet| !octet.is_ascii_alphanumeric() && *octet != b'-').unwrap_or(rest.len());
    let name = std::str::from_utf8(rest.get(..end)?).ok()?;
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// The value of an attribute, quoted in either way or not at all.
fn attribute<'k>(tag: &[u8], key: &'k str) -> Option<(&'k str, String)> {
    let lower = tag.to_ascii_lowercase();
    let wanted = format!("{key}=");
    let mut from = 0;
    loop {
        let at = from + memchr::memmem::find(lower.get(from..)?, wanted.as_bytes())?;
        from = at + wanted.len();
        if at.checked_sub(1).and_then(|at| lower.get(at)).is_none_or(|octet| !octet.is_ascii_whitespace()) {
            continue;
        }
        let rest = tag.get(from..)?;
        let value = match rest.first()? {
            quote @ (b'"' | b'\'') => rest.get(1..)?.split(|octet| octet == quote).next()?,
            _ => rest.split(|octet| octet.is_ascii_whitespace() || b"/>".contains(octet)).next()?,
        };
        let is_plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_:.[]".contains(octet);
        let is_short = !value.is_empty() && value.len() <= 60 && value.iter().all(is_plain);
        return is_short.then(|| (key, value.iter().copied().map(char::from).collect()));
    }
}

/// A pattern for `etag.ignore`: what stands before, to the letter, and then the class.
fn pattern(content: &[u8], (start, _): (usize, usize), kind: Kind) -> Option<String> {
    let class = kind.class;
    let before = content.get(start.saturating_sub(CONTEXT)..start)?;
    let from = before.iter().rposition(|octet| !(b' '..=b'~').contains(octet)).map_or(0, |at| at + 1);
    let before = before.get(from..)?;
    // A date before a time is another one tomorrow.
    if before.len() < 4 || (kind.words == A_TIME && before.iter().any(u8::is_ascii_digit)) {
        return None;
    }
    let mut literal = String::new();
    for octet in before {
        if !octet.is_ascii_alphanumeric() && !b" <>\"=/:;,_%@!&'~`".contains(octet) {
            literal.push('\\');
        }
        literal.push(char::from(*octet));
    }
    // In a literal string of TOML nothing is escaped, and there is no apostrophe.
    let quote = if literal.contains('\'') { "'''" } else { "'" };
    Some(format!("{{ pattern = {quote}{literal}({class}){quote} }}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(page: &str, one: &str, other: &str) -> What {
        let at = page.find('@').unwrap();
        let (first, second) = (page.replace('@', one), page.replace('@', other));
        what(
            first.as_bytes(),
            second.as_bytes(),
            (at, at + one.len()),
            (at, at + other.len()),
            &Fields(vec![(
                "Content-Security-Policy".into(),
                "script-src 'nonce-MTIzNDU2Nzg5MDEyMzQ1Ng=='".into(),
            )]),
        )
    }

    #[test]
    fn tokens_that_have_a_preset_are_called_by_it() {
        let token = "a".repeat(64);
        let found = of(r#"<input name="csrfmiddlewaretoken" value="@">"#, &token, &"b".repeat(64));
        assert_eq!(found.words, "the CSRF token of Django");
        assert_eq!(found.ignore.as_deref(), Some("\"django-csrf\""));
        let found = of(r#"<script nonce="@">"#, "MTIzNDU2Nzg5MDEyMzQ1Ng==", "x");
        assert_eq!(found.ignore.as_deref(), Some("\"csp-nonce\""));
    }

    #[test]
    fn others_by_their_looks_and_where_they_stand() {
        for (page, one, other, words) in [
            ("<p>Rendered at @</p>", "12:00:01", "12:00:02", "a time in <p>"),
            (
                "<meta name=\"request-id\" content=\"@\">",
                "0123abcd0123abcd",
                "ffffffffffffffff",
                "an id in <meta name=\"request-id\">",
            ),
            ("<!-- took @ ms -->", "17", "4", "a number in a comment"),
            ("<a\n id='x'\n href=\"?t=@\">", "17", "4", "a number in <a id=\"x\">"),
            ("@", "dear Ann", "dear Bob", "a part of the content"),
            ("<b>@", "dear Ann", "dear Bob", "what is in <b>"),
        ] {
            assert_eq!(of(page, one, other).words, words, "{page}");
        }
    }

    #[test]
    fn a_pattern_holds_when_what_stands_before_has_changed_too() {
        for (page, one, other, what, pattern) in [
            ("<p>it is 1796073520.@</p>", "621623", "6345344", "a number", "<p>it is ([0-9.]{1,40})"),
            ("<p>at 12:00:@, says", "01", "02", "a time", "<p>at ([0-9TZ:., +-]{8,40})"),
            ("<p>at 2026-11-30 12:@:07", "00", "01", "a time", "<p>at ([0-9TZ:., +-]{8,40})"),
            ("<p>PUT-@", "17", "4", "a number", r"<p>PUT\-([0-9.]{1,40})"),
            ("<p>1, @ ms", "17", "4", "a number", "<p>1, ([0-9.]{1,40})"),
        ] {
            let found = of(page, one, other);
            assert_eq!(found.words, format!("{what} in <p>"), "{page}");
            assert_eq!(found.ignore.as_deref(), Some(format!("{{ pattern = '{pattern}' }}").as_str()));
        }
        assert_eq!(of("<p>on 30 Nov 2026 12:00:@", "01", "02").ignore, None);
    }

    #[test]
    fn a_proposed_pattern_is_one_that_the_configuration_takes_and_it_finds_the_place() {
        for page in ["<p>(Rendered) in [@] ms</p>", "<i x='1' y=\"@\">", "<p>\u{1F600} took: @</p>"] {
            let ignore = of(page, "17", "4").ignore.unwrap();
            let toml = format!("etag = {{ ignore = [{ignore}] }}");
            let config = crate::config::Settings::from_toml(&toml, "x").unwrap().read(|_| None);
            assert!(config.is_ok(), "{toml}: {config:?}");
        }
        assert_eq!(of("@", "17", "4").ignore, None);
    }
}

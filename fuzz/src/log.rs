//! A plain writer of access logs: what Gunicorn and nginx do with an exchange and a format.

use notmodified::access_log::{COMBINED, COMMON, Field, NOTMODIFIED};

/// An `access_log_format` that looks like JSON.
pub const JSON: &str =
    r#"{"h": "%(h)s", "t": "%(t)s", "r": "%(r)s", "s": %(s)s, "x": {"f": "%(f)s", "a": "%(a)s"}}"#;

/// What a name stands for.
#[must_use]
pub fn notation(name: &str) -> &str {
    match name {
        "notmodified" => NOTMODIFIED,
        "combined" | "gunicorn" | "default" => COMBINED,
        "common" => COMMON,
        written => written,
    }
}

/// The line of an exchange, and the text in it. Text fields of Gunicorn's notation get the values in turn, and
/// `x` when there are no more.
#[must_use]
pub fn written(notation: &str, values: &[&[u8]]) -> (Vec<u8>, Vec<(Field, Vec<u8>)>) {
    if notation.contains("%(") { gunicorn(notation, values) } else { (nginx(notation), Vec::new()) }
}

fn gunicorn(notation: &str, values: &[&[u8]]) -> (Vec<u8>, Vec<(Field, Vec<u8>)>) {
    let (mut line, mut sent, mut rest) = (Vec::new(), Vec::new(), notation);
    let mut values = values.iter();
    while let Some((before, after)) = rest.split_once('%') {
        line.extend_from_slice(before.as_bytes());
        if let Some(after) = after.strip_prefix('%') {
            line.push(b'%');
            rest = after;
            continue;
        }
        let (atom, after) =
            after.strip_prefix('(').and_then(|after| after.split_once(')')).unwrap_or(("", ""));
        let mut after = after.chars();
        after.next();
        rest = after.as_str();
        let value = values_of(atom, &mut values, &mut sent);
        // Octets are characters of Latin-1, and a quote is escaped.
        let text: String = value.iter().copied().map(char::from).collect();
        let text = if atom == "u" { String::from_utf8_lossy(&value).into_owned() } else { text };
        line.extend_from_slice(text.replace('"', "\\\"").as_bytes());
    }
    line.extend_from_slice(rest.as_bytes());
    (line, sent)
}

fn values_of<'a>(
    atom: &str,
    values: &mut impl Iterator<Item = &'a &'a [u8]>,
    sent: &mut Vec<(Field, Vec<u8>)>,
) -> Vec<u8> {
    let field = match atom {
        "u" => Field::User,
        "r" => Field::RequestLine,
        "U" => Field::Path,
        "q" => Field::Query,
        "f" => Field::Referer,
        "a" => Field::UserAgent,
        "{http_if_none_match}e" => Field::IfNoneMatch,
        "{etag}o" => Field::Etag,
        _ => return simple(atom).into(),
    };
    let Some(value) = values.next() else { return simple(atom).into() };
    let mut value = value.to_vec();
    if field == Field::User && std::str::from_utf8(&value).is_err() {
        value.clear(); // Gunicorn has no user then.
    }
    // No blank is at an end of what a client sends, nor a line feed in it.
    let value = value.trim_ascii().to_vec();
    sent.push((field, value.clone()));
    value
}

fn simple(name: &str) -> &'static str {
    match name {
        "t" => "[24/Nov/2026:12:00:00 +0000]",
        "time_local" | "time_iso8601" | "msec" => "24/Nov/2026:12:00:00 +0000",
        "r" | "request" => "GET /x HTTP/1.1",
        "m" | "request_method" | "{request_method}e" => "GET",
        "u" | "l" | "f" | "{http_if_none_match}e" | "{etag}o" => "-",
        "a" => "x",
        _ => "200",
    }
}

fn nginx(notation: &str) -> Vec<u8> {
    let (mut line, mut rest) = (Vec::new(), notation);
    while let Some((before, after)) = rest.split_once('$') {
        line.extend_from_slice(before.as_bytes());
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, after) = match after.strip_prefix('{').and_then(|after| after.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(end),
        };
        line.extend_from_slice(simple(name).as_bytes());
        rest = after;
    }
    line.extend_from_slice(rest.as_bytes());
    line
}

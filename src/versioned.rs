//! Versions in URLs, by their looks, whoever made them: Django's Manifest storage, bundlers, `?v=`.

use crate::assets::name;

/// Hexadecimal digits of the digest in a name that Django's Manifest storage makes.
const DJANGO_DIGITS: usize = 12;

/// Hexadecimal digits enough that no word is meant.
#[must_use]
pub fn is_digest(text: &[u8]) -> bool {
    text.len() >= 8
        && text.iter().all(u8::is_ascii_hexdigit)
        && text.iter().any(u8::is_ascii_digit)
        && (text.len() >= 16 || text.iter().any(u8::is_ascii_alphabetic))
}

/// A file name with a digest between its name and its extension, as Django's Manifest storage, bundlers and we
/// write it: `app.3f2a1b9c.js`, `app-3f2a1b9c.js`, `app.BxZ9-3Qk.js`. Returned are what is before and after it.
#[must_use]
pub fn in_name(segment: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = memchr::memrchr(b'.', segment)?;
    let (stem, extension) = segment.split_at_checked(dot)?;
    let mark = memchr::memrchr2(b'.', b'-', stem)?;
    let (name, digest) = stem.split_at_checked(mark + 1)?;
    let mixed = || {
        let has = |is: fn(&u8) -> bool| digest.iter().any(is);
        has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
    };
    let is_version = is_digest(digest)
        || digest.len() >= 8
            && digest.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'_')
            && mixed();
    (is_version && name.len() > 1).then_some((name, extension))
}

/// The path without the version that Django's Manifest storage has put into it, and that version:
/// `/static/app.3f2a1b9c4d5e.css`.
#[must_use]
pub fn django(path: &str) -> Option<(String, &str)> {
    let (folder, file) = path.rsplit_once('/')?;
    let (rest, last) = file.rsplit_once('.')?;
    let is_version = |text: &str| {
        text.len() == DJANGO_DIGITS && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    };
    if is_version(last) {
        return (!rest.is_empty()).then(|| (format!("{folder}/{rest}"), last));
    }
    let (stem, version) = rest.rsplit_once('.')?;
    (!stem.is_empty() && is_version(version)).then(|| (format!("{folder}/{stem}.{last}"), version))
}

/// The version in a query that is one: `?v=3f2a1b9c`, `?ver=1.2.3` and nothing else.
#[must_use]
pub fn in_query(query: &[u8]) -> Option<&[u8]> {
    let at = memchr::memchr(b'=', query)?;
    let (name, value) = (query.get(..at)?, query.get(at + 1..)?);
    let is_one = matches!(name, b"v" | b"ver" | b"version" | b"h" | b"hash" | b"digest" | b"rev" | b"build")
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().all(|octet| octet.is_ascii_alphanumeric() || b".-_".contains(octet));
    is_one.then_some(value)
}

/// Does a path or a query name a version, by its looks?
#[must_use]
pub fn is_versioned(path: &str, query: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    in_name(file.as_bytes()).is_some() || in_query(query.as_bytes()).is_some() || name::parse(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_django_and_of_bundlers_are_told() {
        assert_eq!(django("/s/app.3f2a1b9c4d5e.css"), Some(("/s/app.css".into(), "3f2a1b9c4d5e")));
        assert_eq!(django("/s/LICENSE.3f2a1b9c4d5e"), Some(("/s/LICENSE".into(), "3f2a1b9c4d5e")));
        assert_eq!(django("/s/app.3f2a1b9c.css"), None);
        assert_eq!(django("/s/3f2a1b9c4d5e.css"), None);
        for name in ["app.3f2a1b9c.js", "app-3f2a1b9c.js", "index-DFf3kQ9z.css", "a.0123456789abcdef.js"] {
            assert!(is_versioned(&format!("/x/{name}"), ""), "{name}");
        }
        for name in [
            "jquery-3.1.4.js",
            "app.js",
            "facade.css",
            "report-20240131.pdf",
            "a-component.js",
            ".abcdef12.js",
        ] {
            assert!(!is_versioned(&format!("/x/{name}"), ""), "{name}");
        }
    }

    #[test]
    fn versions_are_told_by_the_query() {
        assert_eq!(in_query(b"v=3f2a1b9c"), Some(&b"3f2a1b9c"[..]));
        assert_eq!(in_query(b"ver=1.2.3"), Some(&b"1.2.3"[..]));
        assert_eq!(in_query(b"v=1700000000"), Some(&b"1700000000"[..]));
        for query in ["v=3f&x=1", "v=latest", "v=", "v", "q=1", "x=1&v=2", ""] {
            assert_eq!(in_query(query.as_bytes()), None, "{query}");
        }
    }
}

//! URI references in fields such as Location and Content-Location (RFC 9110 §10.2.2, RFC 3986 §5.2), as far as
//! an invalidation needs them: which host and which path.

/// What a reference points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The host and port that it names; `None` for those of the request.
    pub host: Option<Vec<u8>>,
    /// The path, percent-decoded, without dot segments.
    pub path: Vec<u8>,
    /// The query, as it stands there.
    pub query: Vec<u8>,
}

/// Resolve a reference against a path (percent-decoded, as servers give it). `None` for schemes other than http
/// and https.
///
/// ```
/// use notmodified::http::reference::resolve;
///
/// let place = resolve(b"../b%20c?d#e", b"/a/x/y").unwrap();
/// assert_eq!((place.host, place.path, place.query), (None, b"/a/b c".to_vec(), b"d".to_vec()));
/// ```
#[must_use]
pub fn resolve(reference: &[u8], base: &[u8]) -> Option<Place> {
    let reference = until(reference, b"#");
    let (host, rest) = match authority(reference) {
        Some((host, rest)) => (Some(host.to_vec()), rest),
        None if has_scheme(reference) => return None,
        None => (None, reference),
    };
    let path = until(rest, b"?");
    let query = rest.get(path.len() + 1..).unwrap_or_default().to_vec();
    let path = match (host.is_some(), path) {
        (true, []) => b"/".to_vec(),
        (false, []) => return Some(Place { host, path: base.to_vec(), query }),
        (_, [b'/', ..]) => without_dots(&percent_decoded(path)),
        _ => {
            let folder = base.iter().rposition(|octet| *octet == b'/').map_or(0, |slash| slash + 1);
            let mut merged = base.get(..folder).unwrap_or_default().to_vec();
            merged.extend(percent_decoded(path));
            without_dots(&merged)
        }
    };
    Some(Place { host, path, query })
}

fn until<'a>(text: &'a [u8], marks: &[u8]) -> &'a [u8] {
    let end = text.iter().position(|octet| marks.contains(octet)).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// The host and port, and what follows, where there is an authority of http or https, or of no scheme.
fn authority(reference: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = [&b"http://"[..], b"https://", b"//"].iter().find_map(|start| {
        let (found, rest) = reference.split_at_checked(start.len())?;
        found.eq_ignore_ascii_case(start).then_some(rest)
    })?;
    let authority = until(rest, b"/?");
    let host = authority.rsplit(|octet| *octet == b'@').next().unwrap_or(authority);
    Some((host, rest.get(authority.len()..).unwrap_or_default()))
}

fn has_scheme(reference: &[u8]) -> bool {
    let first = until(reference, b"/?");
    first.first().is_some_and(u8::is_ascii_alphabetic) && first.contains(&b':')
}

/// Undo percent-encoding. A percent sign without two digits after it stays.
#[must_use]
pub fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |octet: Option<&u8>| octet.and_then(|octet| char::from(*octet).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, others @ ..] = rest {
        rest = others;
        match (digit(others.first()), digit(others.get(1))) {
            (Some(high), Some(low)) if *first == b'%' => {
                decoded.extend(u8::try_from(high * 16 + low));
                rest = others.get(2..).unwrap_or_default();
            }
            _ => decoded.push(*first),
        }
    }
    decoded
}

/// RFC 3986 §5.2.4, for a path that starts with a slash.
fn without_dots(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = path.split(|octet| *octet == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            b"." => {}
            b".." => {
                kept.pop();
            }
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push(b"");
        }
    }
    let mut whole = Vec::with_capacity(path.len());
    for segment in kept {
        whole.push(b'/');
        whole.extend_from_slice(segment);
    }
    if whole.is_empty() { b"/".to_vec() } else { whole }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resolved(reference: &str) -> Option<String> {
        let place = resolve(reference.as_bytes(), b"/b/c/d")?;
        let host = place.host.map_or(String::new(), |host| format!("//{}", String::from_utf8(host).unwrap()));
        let query = if place.query.is_empty() { "" } else { "?" };
        let text = |octets| String::from_utf8(octets).unwrap();
        Some(format!("{host}{}{query}{}", text(place.path), text(place.query)))
    }

    #[test]
    fn references_resolve_as_in_rfc_3986_5_4() {
        for (reference, want) in [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("?y", "/b/c/d?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d"),
            ("g?y#s", "/b/c/g?y"),
            ("", "/b/c/d"),
            (".", "/b/c/"),
            ("..", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../../g", "/g"),
            ("/./g", "/g"),
            ("g.", "/b/c/g."),
            ("./g/.", "/b/c/g/"),
            ("g;x=1/../y", "/b/c/y"),
            ("//g", "//g/"),
            ("HTTPS://u@a.example:8/x/../y?z", "//a.example:8/y?z"),
            ("http://a.example?y", "//a.example/?y"),
            ("/a%2Fb%20c%zz%", "/a/b c%zz%"),
        ] {
            assert_eq!(resolved(reference).as_deref(), Some(want), "{reference}");
        }
        for other in ["mailto:a@b", "g:h", "urn:x"] {
            assert_eq!(resolved(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_reference_panics_and_each_path_is_absolute(reference in any::<Vec<u8>>(), base in "/\\PC{0,20}") {
            if let Some(place) = resolve(&reference, base.as_bytes()) {
                prop_assert_eq!(place.path.first(), Some(&b'/'));
            }
        }
    }
}

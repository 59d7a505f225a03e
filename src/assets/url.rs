//! Paths in URLs, and references that are to lead elsewhere.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::name;
use crate::http::reference::resolve;

/// All but what may stand in a path as it is (RFC 3986 §3.3). A quote is encoded: URLs stand in attributes.
const NOT_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// A path, percent-encoded.
pub(super) fn encoded(path: &str) -> String {
    utf8_percent_encode(path, NOT_IN_PATHS).to_string()
}

/// The path on this site that a reference in a file leads to, not percent-encoded.
pub(super) fn target(reference: &str, base: &str) -> Option<String> {
    if reference.is_empty() || reference.starts_with(['#', '?']) {
        return None;
    }
    let place = resolve(reference.as_bytes(), base.as_bytes())?;
    if place.host.is_some() {
        return None;
    }
    String::from_utf8(place.path).ok()
}

/// The reference that leads to a version of its target: as it was but for the name of the file.
pub(super) fn with_version(reference: &str, target: &str, version: &str, base_url: &str) -> String {
    let end = reference.find(['?', '#']).unwrap_or(reference.len());
    let (path, rest) = reference.split_at(end);
    let folder = path.rfind('/').map_or("", |slash| path.get(..=slash).unwrap_or_default());
    let file = name::versioned(target.rsplit('/').next().unwrap_or_default(), version);
    let base_url = if path.starts_with('/') { base_url } else { "" };
    format!("{base_url}{folder}{}{rest}", encoded(&file))
}

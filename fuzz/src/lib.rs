//! What the targets share: inputs are text that a person can read and write, one thing a line, so that a seed
//! is written by hand and a find is understood at a glance.

pub mod log;

use std::fs;
use std::path::{Path, PathBuf};

use notmodified::http::date::HttpDate;
use notmodified::http::preconditions::Preconditions;

/// The clock of all targets: 21 September 2026.
///
/// # Panics
///
/// Never.
#[must_use]
pub fn now() -> HttpDate {
    HttpDate::from_unix(1_790_000_000).expect("a second that has a date")
}

/// An empty folder for the files of one process, in memory where that can be had. libFuzzer ends without a word, so the
/// next process removes it.
///
/// # Panics
///
/// If it can't be made.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let prefix = format!("notmodified-fuzz-{name}-");
    for other in fs::read_dir(&base).into_iter().flatten().flatten() {
        let file = other.file_name();
        let process = file.to_str().and_then(|file| file.strip_prefix(&prefix));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_dir_all(other.path());
        }
    }
    let folder = base.join(format!("{prefix}{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    fs::canonicalize(folder).expect("it was made")
}

/// The lines of an input.
pub struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Lines<'a> {
    /// Of these octets, at newlines.
    #[must_use]
    pub const fn of(octets: &'a [u8]) -> Self {
        Self(Some(octets))
    }

    /// What no line was taken of yet.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.0.unwrap_or_default()
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let octets = self.0?;
        let Some(end) = octets.iter().position(|octet| *octet == b'\n') else { return self.0.take() };
        self.0 = octets.get(end + 1..);
        octets.get(..end)
    }
}

/// A field line, `Name: value`; the value is all that follows the colon and one space.
#[must_use]
pub fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    Some((name, value.strip_prefix(b" ").unwrap_or(value)))
}

/// Put a field line where it belongs; the last of several counts. False if it is no precondition.
pub fn take_precondition<'a>(preconditions: &mut Preconditions<'a>, line: &'a [u8]) -> bool {
    let Some((name, value)) = field(line) else { return false };
    let place = match name {
        b"If-Match" => &mut preconditions.if_match,
        b"If-None-Match" => &mut preconditions.if_none_match,
        b"If-Modified-Since" => &mut preconditions.if_modified_since,
        b"If-Unmodified-Since" => &mut preconditions.if_unmodified_since,
        b"If-Range" => &mut preconditions.if_range,
        _ => return false,
    };
    *place = Some(value);
    true
}

/// Lists of entity-tags once more, read character by character as RFC 9110 §8.8.3 and §5.6.1 write them, with
/// no thought of speed.
pub mod plain {
    /// A tag: opaque part, weakness.
    pub type Tag<'a> = (&'a [u8], bool);

    fn etagc(octet: u8) -> bool {
        octet == 0x21 || (0x23..=0x7e).contains(&octet) || octet >= 0x80
    }

    /// White space around a value, taken off.
    #[must_use]
    pub fn trim(mut value: &[u8]) -> &[u8] {
        while value.first().is_some_and(|octet| b" \t".contains(octet)) {
            value = &value[1..];
        }
        while value.last().is_some_and(|octet| b" \t".contains(octet)) {
            value = &value[..value.len() - 1];
        }
        value
    }

    /// One tag at the start of the octets, and what follows it.
    #[must_use]
    pub fn tag(octets: &[u8]) -> Option<(Tag<'_>, &[u8])> {
        let (weak, quoted) = match octets.strip_prefix(b"W/") {
            Some(rest) => (true, rest),
            None => (false, octets),
        };
        let inside = quoted.strip_prefix(b"\"")?;
        let length = inside.iter().take_while(|octet| etagc(**octet)).count();
        let after = inside[length..].strip_prefix(b"\"")?;
        Some(((&inside[..length], weak), after))
    }

    /// The tags of a value that is `#entity-tag` by the letter; `None` for any other.
    #[must_use]
    pub fn list(mut value: &[u8]) -> Option<Vec<Tag<'_>>> {
        let mut tags = Vec::new();
        loop {
            value = trim(value);
            while let Some(rest) = value.strip_prefix(b",") {
                value = trim(rest);
            }
            if value.is_empty() {
                return Some(tags);
            }
            let (tag, rest) = tag(value)?;
            tags.push(tag);
            value = trim(rest);
            if !value.is_empty() && !value.starts_with(b",") {
                return None;
            }
        }
    }
}

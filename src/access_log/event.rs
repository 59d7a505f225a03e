//! What is kept of a line: so little that ten million of them fit in memory, and sorting them is quick.

use super::record::{Field, Record};

/// One exchange, as far as replaying needs it. Strings are numbers into [`Tables`](super::tables::Tables).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who asked.
    pub client: u32,
    /// Seconds since 1970.
    pub time: u32,
    /// The line's number in all that was read, from 0: lines of one second stay in their order.
    pub line: u32,
    /// What was asked for.
    pub url: u32,
    /// Bytes of content; [`UNKNOWN`] if the log does not say.
    pub bytes: u32,
    /// How long it took, in microseconds; [`UNKNOWN`] if the log does not say.
    pub micros: u32,
    /// The response's entity-tag, hashed; 0 if it had none or the log does not say.
    pub etag: u32,
    /// The request's If-None-Match, hashed as a tag is; 0 for none, [`SEVERAL`] for a list.
    pub if_none_match: u32,
    /// The status.
    pub status: u16,
    /// The method.
    pub method: Method,
    /// What else there was.
    pub flags: u8,
}

/// Events by client, and those of each client in their order.
#[derive(Debug, Default)]
pub struct Events {
    /// Some whole clients each.
    shares: Vec<Vec<Event>>,
    /// All flags of all of them.
    flags: u8,
    has_tags: bool,
}

impl Events {
    pub(super) fn new(shares: Vec<Vec<Event>>, flags: u8, has_tags: bool) -> Self {
        Self { shares, flags, has_tags }
    }

    /// All flags of all of them.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// Had any response an entity-tag?
    #[must_use]
    pub const fn has_tags(&self) -> bool {
        self.has_tags
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shares.iter().map(Vec::len).sum()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.shares.iter().flatten()
    }

    /// Those of each client, in the order in which they were.
    pub fn by_client(&self) -> impl Iterator<Item = &[Event]> {
        self.shares.iter().flat_map(|share| share.chunk_by(|a, b| a.client == b.client))
    }

    /// Pieces with whole clients in each.
    pub(super) fn shares(&self) -> &[Vec<Event>] {
        &self.shares
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = &'a Event;
    type IntoIter = std::iter::Flatten<std::slice::Iter<'a, Vec<Event>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.shares.iter().flatten()
    }
}

/// Stands where a log does not say.
pub const UNKNOWN: u32 = u32::MAX;

/// If-None-Match held several tags, or `*`.
pub const SEVERAL: u32 = u32::MAX;

/// The request had If-Modified-Since.
pub const HAD_DATE: u8 = 1;
/// The request had If-Match or If-Unmodified-Since.
pub const GUARDED: u8 = 2;
/// The response was compressed.
pub const COMPRESSED: u8 = 4;
/// The response said `private`, or there was a user.
pub const PRIVATE: u8 = 8;
/// The tag in If-None-Match was weak or had a coding's suffix, while that of the response was not.
pub const REWRITTEN: u8 = 16;
/// The response said `no-store`.
pub const NO_STORE: u8 = 32;
/// The response had a Cache-Control of the app's, or whoever else sent it.
pub const HAD_DIRECTIVES: u8 = 64;

/// Request methods, as far as caching tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// OPTIONS and TRACE: safe, and no representation is asked for.
    Other,
    /// Every other: it may change things.
    Unsafe,
}

impl Method {
    /// The method of this name.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"OPTIONS" | b"TRACE" | b"PROPFIND" | b"REPORT" | b"SEARCH" => Self::Other,
            _ => Self::Unsafe,
        }
    }
}

impl Event {
    /// Did the request say which version the client has?
    #[must_use]
    pub const fn is_conditional(&self) -> bool {
        self.if_none_match != 0 || self.flags & HAD_DATE != 0
    }
}

/// A tag as a number: the same for the weak and the strong form and for a coding's suffix of it, since If-None-Match
/// compares weakly. 0 if it is none.
#[must_use]
pub fn tag_number(tag: &[u8]) -> u32 {
    let Some(opaque) = opaque(tag) else { return 0 };
    let base = [&b"-gzip"[..], b"--gzip", b";gzip", b"-br", b"--br", b";br", b"-zstd"]
        .iter()
        .find_map(|suffix| opaque.strip_suffix(*suffix))
        .unwrap_or(opaque);
    let hash = hash(base);
    // 0 and the highest stand for something else.
    hash.clamp(1, SEVERAL - 1)
}

fn opaque(tag: &[u8]) -> Option<&[u8]> {
    let tag = crate::http::field::trim_ows(tag);
    tag.strip_prefix(b"W/").unwrap_or(tag).strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// FNV-1a, folded: the same everywhere, and good enough to tell tags of one URL apart.
fn hash(octets: &[u8]) -> u32 {
    let wide = octets.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
    });
    #[allow(clippy::cast_possible_truncation, reason = "the halves are folded together")]
    let folded = (wide ^ wide >> 32) as u32;
    folded
}

/// What [`validators`] looks at.
pub(super) const VALIDATORS: [Field; 7] = [
    Field::Etag,
    Field::IfNoneMatch,
    Field::IfModifiedSince,
    Field::IfMatch,
    Field::IfUnmodifiedSince,
    Field::ContentEncoding,
    Field::CacheControl,
];

/// What validators and directives of a line come to: the numbers of ETag and If-None-Match, and the flags.
#[must_use]
pub(super) fn validators(record: &Record<'_>) -> (u32, u32, u8) {
    let tag = record.value(Field::Etag);
    let etag = tag.as_deref().map_or(0, tag_number);
    let mut flags = 0;
    let mut if_none_match = 0;
    if let Some(field) = record.value(Field::IfNoneMatch) {
        if_none_match = match opaque(&field) {
            Some(inner) if memchr::memchr(b'"', inner).is_none() => tag_number(&field),
            _ => SEVERAL,
        };
        let differs = tag.as_deref().is_some_and(|tag| *tag != *field);
        if if_none_match == etag && etag != 0 && differs {
            flags |= REWRITTEN;
        }
    }
    if record.raw(Field::IfModifiedSince).is_some() {
        flags |= HAD_DATE;
    }
    if record.raw(Field::IfMatch).is_some() || record.raw(Field::IfUnmodifiedSince).is_some() {
        flags |= GUARDED;
    }
    if record.raw(Field::ContentEncoding).is_some() {
        flags |= COMPRESSED;
    }
    if let Some(directives) = record.raw(Field::CacheControl) {
        flags |= HAD_DIRECTIVES;
        let says = |word: &[u8]| memchr::memmem::find(directives, word).is_some();
        flags |= if says(b"private") { PRIVATE } else { 0 } | if says(b"no-store") { NO_STORE } else { 0 };
    }
    (etag, if_none_match, flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_small() {
        assert_eq!(size_of::<Event>(), 36);
    }

    #[test]
    fn a_tag_is_the_same_however_a_proxy_marked_it() {
        let tag = tag_number(b"\"abc\"");
        assert_ne!(tag, 0);
        assert_eq!(tag_number(b"W/\"abc\""), tag);
        assert_eq!(tag_number(b"\"abc-gzip\""), tag);
        assert_ne!(tag_number(b"\"abd\""), tag);
        assert_eq!(tag_number(b"abc"), 0);
    }
}

//! Which request a stored response is for, and the names that an invalidation hits.
//!
//! A [`Key`] has everything in it that could make an application answer otherwise: two requests that differ in
//! any of it never share an entry (over-key, never under-key). A [`Name`] is the reverse: it leaves out whatever
//! the one who invalidates may not know, such as the release, or the port behind the proxy; it may hit too much,
//! never too little.
//!
//! Both are digests of length-prefixed parts, so that no choice of parts makes two of them equal, and what a
//! store holds tells no cookie and no credentials.

use std::fmt;
use std::sync::LazyLock;

const SPACE_CONTEXT: &str = "notmodified 2026-11-24 validator cache key";
const NAME_CONTEXT: &str = "notmodified 2026-11-24 validator cache name";

/// What stands for a part that is not there, which is not the same as an empty one.
const ABSENT: u64 = u64::MAX;

/// The key of a stored response.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 16]);

impl Key {
    /// The 128 bits.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:032x})", u128::from_be_bytes(self.0))
    }
}

/// What a request asks for, as the server gives it. `None` is a field that is not there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// `wsgi.url_scheme`.
    pub scheme: &'a [u8],
    /// Host.
    pub host: Option<&'a [u8]>,
    /// X-Forwarded-Host.
    pub forwarded_host: Option<&'a [u8]>,
    /// X-Forwarded-Proto.
    pub forwarded_proto: Option<&'a [u8]>,
    /// `SCRIPT_NAME`.
    pub script_name: &'a [u8],
    /// `PATH_INFO`, percent-decoded as the server does.
    pub path: &'a [u8],
    /// `QUERY_STRING`, as it came.
    pub query: &'a [u8],
}

/// The keys of one release with one configuration: other releases never meet them.
#[derive(Clone)]
pub struct KeySpace([u8; 32]);

impl KeySpace {
    /// The keys of a release (empty if it has no name), a configuration (its digest), and whatever else tells
    /// this application from others that share the store.
    #[must_use]
    pub fn new(release: &[u8], configuration: &[u8], application: &[u8]) -> Self {
        let mut parts = Parts::default();
        parts.part(release).part(configuration).part(application);
        Self(blake3::derive_key(SPACE_CONTEXT, parts.all()))
    }

    /// The key of a request, not yet told apart by the fields that Vary names.
    #[must_use]
    pub fn key(&self, target: &Target<'_>) -> Key {
        let mut parts = Parts::default();
        parts
            .part(target.scheme)
            .optional(target.host)
            .optional(target.forwarded_host)
            .optional(target.forwarded_proto)
            .part(target.script_name)
            .part(target.path)
            .part(target.query);
        parts.key(self)
    }

    /// The key of a variant: of a request with these values of the fields that Vary names (RFC 9111 §4.1), each
    /// with its name, in an order that is always the same.
    #[must_use]
    pub fn variant<'a>(
        &self,
        key: &Key,
        fields: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Key {
        let mut parts = Parts::default();
        parts.part(&key.0);
        for (name, value) in fields {
            parts.part(name).optional(value);
        }
        parts.key(self)
    }
}

/// Says nothing of what it was made of.
impl fmt::Debug for KeySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySpace(…)")
    }
}

/// The digest of a name that an invalidation hits. It is the same in every release and in every process, so that
/// a shell can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(u64);

impl Name {
    /// Every entry of the store.
    #[must_use]
    pub fn site() -> Self {
        // Each look-up asks for it.
        static SITE: LazyLock<Name> = LazyLock::new(|| Name::of(b"site", &[]));
        *SITE
    }

    /// A path on every host, with every query, in every variant: `SCRIPT_NAME` and `PATH_INFO` joined, so
    /// percent-decoded.
    #[must_use]
    pub fn path(script_name: &[u8], path: &[u8]) -> Self {
        Self::of(b"path", &[&[script_name, path].concat()])
    }

    /// One URI in every variant. Neither the scheme nor the port counts, which a proxy may have changed before
    /// the application saw them. A request with X-Forwarded-Host bears this name twice, once with each host.
    #[must_use]
    pub fn uri(host: &[u8], script_name: &[u8], path: &[u8], query: &[u8]) -> Self {
        Self::of(b"uri", &[&host_name(host), &[script_name, path].concat(), query])
    }

    /// A cache group of one origin (RFC 9875 §2). The origin is the host alone, as for [`Name::uri`].
    #[must_use]
    pub fn group(host: &[u8], group: &[u8]) -> Self {
        Self::of(b"group", &[&host_name(host), group])
    }

    /// A cache group whatever its origin, for those who invalidate from outside of any request.
    #[must_use]
    pub fn group_anywhere(group: &[u8]) -> Self {
        Self::of(b"group anywhere", &[group])
    }

    /// The 64 bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    fn of(kind: &[u8], values: &[&[u8]]) -> Self {
        let mut parts = Parts::default();
        parts.part(kind);
        for value in values {
            parts.part(value);
        }
        let mut first = [0; 8];
        first.copy_from_slice(&blake3::derive_key(NAME_CONTEXT, parts.all())[..8]);
        Self(u64::from_le_bytes(first))
    }
}

/// Are these the same host, whatever their ports?
pub(super) fn is_same_host(one: &[u8], other: &[u8]) -> bool {
    host_name(one) == host_name(other)
}

/// A host without its port and the root's dot, in lower case.
fn host_name(host: &[u8]) -> Vec<u8> {
    let end = match host.first() {
        Some(b'[') => host.iter().position(|&octet| octet == b']').map_or(host.len(), |at| at + 1),
        _ => host.iter().position(|&octet| octet == b':').unwrap_or(host.len()),
    };
    let name = host.get(..end).unwrap_or(host);
    name.strip_suffix(b".").unwrap_or(name).to_ascii_lowercase()
}

/// Length-prefixed parts of a digest, which are digested in one go.
struct Parts {
    /// Those of most requests, without memory from the heap.
    few: [u8; 384],
    length: usize,
    /// All of them, once there are more.
    many: Vec<u8>,
}

impl Default for Parts {
    fn default() -> Self {
        Self { few: [0; 384], length: 0, many: Vec::new() }
    }
}

impl Parts {
    fn part(&mut self, octets: &[u8]) -> &mut Self {
        self.put(&(octets.len() as u64).to_le_bytes());
        self.put(octets);
        self
    }

    fn optional(&mut self, octets: Option<&[u8]>) -> &mut Self {
        if let Some(octets) = octets {
            return self.part(octets);
        }
        self.put(&ABSENT.to_le_bytes());
        self
    }

    #[inline]
    fn put(&mut self, octets: &[u8]) {
        let end = self.length + octets.len();
        match self.few.get_mut(self.length..end) {
            Some(room) if self.many.is_empty() => room.copy_from_slice(octets),
            _ => self.put_to_many(octets),
        }
        self.length = end;
    }

    #[cold]
    fn put_to_many(&mut self, octets: &[u8]) {
        if self.many.is_empty() {
            self.many.extend_from_slice(&self.few[..self.length]);
        }
        self.many.extend_from_slice(octets);
    }

    fn all(&self) -> &[u8] {
        if self.many.is_empty() { &self.few[..self.length] } else { &self.many }
    }

    fn key(&self, space: &KeySpace) -> Key {
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::keyed_hash(&space.0, self.all()).as_bytes()[..16]);
        Key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Target<'_> = Target {
        scheme: b"https",
        host: Some(b"a.example"),
        forwarded_host: None,
        forwarded_proto: None,
        script_name: b"/app",
        path: b"/x",
        query: b"y=1",
    };

    fn space() -> KeySpace {
        KeySpace::new(b"release", b"configuration", b"application")
    }

    #[test]
    fn parts_of_any_length_are_digested_one_after_the_other() {
        for length in [0, 1, 367, 368, 375, 376, 377, 384, 385, 1000] {
            let long = vec![b'x'; length];
            let mut parts = Parts::default();
            parts.part(&long).optional(None).part(b"y");
            let lengths = [length as u64, ABSENT, 1].map(u64::to_le_bytes);
            assert_eq!(parts.all(), [&lengths[0][..], &long, &lengths[1], &lengths[2], b"y"].concat());
        }
    }

    #[test]
    fn every_part_of_a_request_makes_another_key() {
        let others = [
            Target { scheme: b"http", ..TARGET },
            Target { host: None, ..TARGET },
            Target { host: Some(b""), ..TARGET },
            Target { host: Some(b"A.example"), ..TARGET },
            Target { forwarded_host: Some(b""), ..TARGET },
            Target { forwarded_host: Some(b"a.example"), ..TARGET },
            Target { forwarded_proto: Some(b"a.example"), ..TARGET },
            Target { script_name: b"", path: b"/app/x", ..TARGET },
            Target { script_name: b"/app/", path: b"x", ..TARGET },
            Target { path: b"/X", ..TARGET },
            Target { query: b"", ..TARGET },
            Target { path: b"/xy=1", query: b"", ..TARGET },
        ];
        let mut keys: Vec<_> = others.iter().map(|target| space().key(target)).collect();
        keys.push(space().key(&TARGET));
        keys.push(KeySpace::new(b"release2", b"configuration", b"application").key(&TARGET));
        keys.push(KeySpace::new(b"releaseconfiguration", b"", b"application").key(&TARGET));
        keys.push(KeySpace::new(b"release", b"", b"configurationapplication").key(&TARGET));
        let all = keys.len();
        keys.sort_unstable_by_key(|key| *key.octets());
        keys.dedup();
        assert_eq!(keys.len(), all);
        assert_eq!(space().key(&TARGET), space().key(&TARGET));
    }

    #[test]
    fn every_value_of_a_varied_field_makes_another_key() {
        let key = space().key(&TARGET);
        let of = |fields: &[(&'static str, Option<&'static str>)]| {
            space().variant(&key, fields.iter().map(|(n, v)| (n.as_bytes(), v.map(str::as_bytes))))
        };
        let mut variants = vec![
            key,
            of(&[]),
            of(&[("accept", None)]),
            of(&[("accept", Some(""))]),
            of(&[("accept", Some("a"))]),
            of(&[("accept", Some("a")), ("cookie", None)]),
            of(&[("accept", Some("a")), ("cookie", Some(""))]),
            of(&[("accepta", Some(""))]),
            of(&[("accept", None), ("cookie", Some("a"))]),
        ];
        let all = variants.len();
        variants.sort_unstable_by_key(|key| *key.octets());
        variants.dedup();
        assert_eq!(variants.len(), all);
    }

    #[test]
    fn a_name_leaves_out_what_the_one_who_invalidates_may_not_know() {
        let name = Name::uri(b"a.example", b"/app", b"/x", b"y=1");
        for host in ["A.Example", "a.example:8000", "a.example.", "a.example.:443"] {
            assert_eq!(Name::uri(host.as_bytes(), b"", b"/app/x", b"y=1"), name, "{host}");
        }
        assert_eq!(Name::uri(b"[::1]:8000", b"", b"/", b""), Name::uri(b"[::1]", b"", b"/", b""));
        assert_eq!(Name::path(b"/app", b"/x"), Name::path(b"", b"/app/x"));
    }

    #[test]
    fn names_of_different_things_differ() {
        let mut names = vec![
            Name::site(),
            Name::path(b"", b"/x"),
            Name::path(b"", b""),
            Name::uri(b"", b"", b"/x", b""),
            Name::uri(b"a.example", b"", b"/x", b""),
            Name::uri(b"a.example", b"", b"/x", b"y"),
            Name::uri(b"b.example", b"", b"/x", b""),
            Name::uri(b"[::1]", b"", b"/x", b""),
            Name::uri(b"[::2]", b"", b"/x", b""),
            Name::group(b"a.example", b"articles"),
            Name::group(b"b.example", b"articles"),
            Name::group(b"a.example", b"Articles"),
            Name::group_anywhere(b"articles"),
        ];
        let all = names.len();
        names.sort_unstable_by_key(|name| name.bits());
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn what_is_secret_is_not_printed() {
        assert_eq!(format!("{:?}", space()), "KeySpace(…)");
    }
}

//! What is configured of the validator cache.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::setting::{One, Setting};

/// Bytes of the host's store, unless configured.
pub(super) const STORE_SIZE: u64 = 32 << 20;

/// Milliseconds until a server counts as gone, unless configured.
pub(super) const STORE_TIMEOUT: u32 = 250;

/// The least that a store may have: below that its fixed parts leave no room for entries.
pub(super) const MIN_STORE_SIZE: u64 = 1 << 20;

/// Where stored responses are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// In the memory of this process.
    Process,
    /// In a file that all processes of this host share.
    Host,
    /// On a Redis or Valkey server.
    Remote,
}

/// Where a Redis or Valkey server is: a URL, or the name of a client in Python. Shown without its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    const SCHEMES: [&str; 5] = ["redis", "rediss", "unix", "valkey", "valkeys"];

    /// As it was written.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    fn of(text: &str) -> Option<Self> {
        let is_word = |word: &str| {
            !word.is_empty()
                && !word.starts_with(|first: char| first.is_ascii_digit())
                && word.chars().all(|letter| letter == '_' || letter.is_alphanumeric())
        };
        let is_name = |name: &str| name.split('.').all(is_word);
        let is_address = match text.split_once("://") {
            Some((scheme, _)) => Self::SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()),
            None => text.split_once(':').is_some_and(|(module, name)| is_name(module) && is_name(name)),
        };
        is_address.then(|| Self(text.to_owned()))
    }
}

/// Without user, password and options.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, after)) = self.0.split_once("://") else { return f.write_str(&self.0) };
        let (before, options) = after.split_once(['?', '#']).unwrap_or((after, ""));
        let place = match before.rsplit_once('@') {
            Some((_, place)) => place,
            // A password with a question mark, perhaps.
            None if options.contains('@') => "…",
            None => before,
        };
        write!(f, "{scheme}://{place}")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// `store`: a word, or an address.
pub(super) enum StoreSetting {
    Local(StoreKind),
    Remote(Address),
}

impl StoreSetting {
    pub(super) fn kind(&self) -> StoreKind {
        match self {
            Self::Local(kind) => *kind,
            Self::Remote(_) => StoreKind::Remote,
        }
    }

    pub(super) fn address(self) -> Option<Address> {
        match self {
            Self::Local(_) => None,
            Self::Remote(address) => Some(address),
        }
    }
}

impl Setting for StoreSetting {
    const EXPECTED: &'static str = "\"process\", \"host\", the URL of a Redis or Valkey server such as \
                                    \"redis://host:6379/0\", or a client of it, named \"package.module:name\"";

    fn of_text(text: &str) -> Result<Self, String> {
        match text {
            "process" => Ok(Self::Local(StoreKind::Process)),
            "host" => Ok(Self::Local(StoreKind::Host)),
            _ => Address::of(text).map(Self::Remote).ok_or_else(|| format!("expected {}", Self::EXPECTED)),
        }
    }
}

/// The validator cache's settings, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheConfig {
    /// Where stored responses are kept; without it there is no cache.
    pub store: Option<StoreKind>,
    /// Where the server is, for a store on one.
    pub store_address: Option<Address>,
    /// For how many milliseconds its answer is waited for.
    pub store_timeout: u32,
    /// The file of the host's store, if not the usual one.
    pub store_path: Option<String>,
    /// How large it is, in bytes.
    pub store_size: u64,
    /// What the deployed code is called.
    pub release: Option<String>,
    /// The cookies that `Vary: Cookie` stands for; all if there are none.
    pub vary_cookies: Vec<String>,
    /// For how many seconds after an invalidation nothing is stored.
    pub settle: u32,
    /// Whether the directives of requests are obeyed.
    pub obey_request_directives: bool,
    /// Whether responses say in Cache-Status what the cache did.
    pub cache_status: bool,
    /// Whether they say why, too.
    pub explain: bool,
    /// The digest of every setting that makes stored responses what they are.
    pub digest: [u8; 32],
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            store: None,
            store_address: None,
            store_timeout: STORE_TIMEOUT,
            store_path: None,
            store_size: STORE_SIZE,
            release: None,
            vary_cookies: Vec::new(),
            settle: 0,
            obey_request_directives: false,
            cache_status: false,
            explain: false,
            digest: *blake3::hash(b"").as_bytes(),
        }
    }
}

/// Settings that change no response: another store, or the same one described otherwise.
pub(super) const OF_THE_STORE: [&str; 6] =
    ["store", "store_path", "store_size", "store_timeout", "release", "settle"];

/// `release`: a name, `env:NAME`, or a table with the file that it stands in.
pub(super) enum Release {
    Text(String),
    File(String),
}

impl Release {
    /// Find the name.
    pub(super) fn find(
        self,
        environment: impl Fn(&str) -> Option<String>,
        read_file: impl Fn(&str) -> Result<String, String>,
    ) -> Result<String, String> {
        let (name, place) = match self {
            Self::File(path) => (read_file(&path)?, format!("the file {path}")),
            Self::Text(text) => match text.strip_prefix("env:") {
                None => (text, "it".to_owned()),
                Some(name) => {
                    let value = environment(name)
                        .ok_or_else(|| format!("the environment has no variable {name}, or it is no text"))?;
                    (value, format!("the variable {name}"))
                }
            },
        };
        let name = name.trim();
        if name.is_empty() {
            return Err(format!(
                "{place} is empty: give what tells this build from the last one, such as a commit"
            ));
        }
        Ok(name.to_owned())
    }
}

impl<'de> Deserialize<'de> for Release {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReleaseVisitor;

        impl<'de> Visitor<'de> for ReleaseVisitor {
            type Value = Release;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, \"env:NAME\", or a table {file = \"…\"}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Release, E> {
                Ok(Release::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut keys: A) -> Result<Release, A::Error> {
                match keys.next_entry::<String, String>()? {
                    Some((key, path)) if key == "file" => match keys.next_key::<String>()? {
                        None => Ok(Release::File(path)),
                        Some(more) => Err(de::Error::custom(format!("{more} has no place beside file"))),
                    },
                    _ => Err(de::Error::custom("expected a table with the one key file")),
                }
            }
        }

        deserializer.deserialize_any(ReleaseVisitor)
    }
}

/// The name of a cookie (RFC 6265 §4.1.1).
pub(super) struct CookieName(pub(super) String);

impl Setting for CookieName {
    const EXPECTED: &'static str = "the name of a cookie in quotes";

    fn of_text(text: &str) -> Result<Self, String> {
        if crate::http::field::is_token(text.as_bytes()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected the name of a cookie, such as \"sessionid\"".into())
        }
    }
}

/// The store, as a word.
pub(super) type Store = One<StoreSetting>;

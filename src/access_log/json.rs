//! JSON lines: which key is which field.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::format::{InvalidFormat, Piece};
use super::record::{Escaping, Field, Record};

/// Fields by the word that options and documentation have for them, and the keys that usually hold them. A key
/// of a time that does not say its unit is in none: milliseconds taken for seconds would be a wrong answer.
const WORDS: [(&str, Field, &[&str]); 30] = [
    (
        "address",
        Field::Address,
        &["remote_addr", "remote_ip", "client_ip", "client", "ip", "h", "remote_host", "host_ip"],
    ),
    (
        "forwarded-for",
        Field::ForwardedFor,
        &["x_forwarded_for", "http_x_forwarded_for", "forwarded_for", "xff"],
    ),
    ("user", Field::User, &["remote_user", "user", "u"]),
    (
        "time",
        Field::Time,
        &[
            "time",
            "timestamp",
            "@timestamp",
            "ts",
            "time_local",
            "time_iso8601",
            "date",
            "asctime",
            "t",
            "msec",
        ],
    ),
    ("request", Field::RequestLine, &["request", "request_line", "r"]),
    ("method", Field::Method, &["method", "request_method", "http_method", "m", "verb"]),
    ("path", Field::Path, &["path", "uri", "url", "request_uri", "request_path", "raw_uri", "target"]),
    ("query", Field::Query, &["query", "query_string", "args", "q"]),
    ("protocol", Field::Protocol, &["protocol", "server_protocol", "http_version"]),
    ("status", Field::Status, &["status", "status_code", "response_status", "response_code", "code", "s"]),
    (
        "bytes",
        Field::Bytes,
        &["bytes", "body_bytes_sent", "response_length", "response_size", "size", "b", "body_bytes"],
    ),
    ("bytes-with-head", Field::BytesWithHead, &["bytes_sent"]),
    ("referer", Field::Referer, &["referer", "referrer", "http_referer", "http_referrer", "f"]),
    ("user-agent", Field::UserAgent, &["user_agent", "http_user_agent", "agent", "useragent", "a"]),
    (
        "seconds",
        Field::Seconds,
        &["request_time", "duration_s", "seconds", "request_time_seconds", "elapsed_s"],
    ),
    (
        "milliseconds",
        Field::Milliseconds,
        &["duration_ms", "response_time_ms", "request_time_ms", "elapsed_ms", "latency_ms", "ms"],
    ),
    (
        "microseconds",
        Field::Microseconds,
        &["duration_us", "us", "request_time_us", "elapsed_us", "microseconds"],
    ),
    ("if-none-match", Field::IfNoneMatch, &["if_none_match", "http_if_none_match"]),
    ("if-modified-since", Field::IfModifiedSince, &["if_modified_since", "http_if_modified_since"]),
    ("if-match", Field::IfMatch, &["if_match", "http_if_match"]),
    ("if-unmodified-since", Field::IfUnmodifiedSince, &["if_unmodified_since", "http_if_unmodified_since"]),
    ("etag", Field::Etag, &["etag", "sent_http_etag"]),
    ("last-modified", Field::LastModified, &["last_modified", "sent_http_last_modified"]),
    ("cache-control", Field::CacheControl, &["cache_control", "sent_http_cache_control"]),
    ("content-length", Field::ContentLength, &["content_length", "sent_http_content_length"]),
    ("content-encoding", Field::ContentEncoding, &["content_encoding", "sent_http_content_encoding"]),
    ("content-type", Field::ContentType, &["content_type", "sent_http_content_type"]),
    ("vary", Field::Vary, &["vary", "sent_http_vary"]),
    ("result", Field::Result, &["result", "notmodified.result", "notmodified_result"]),
    ("host", Field::Host, &["host", "http_host", "vhost", "server_name"]),
];

impl Field {
    /// All that have a word.
    pub const ALL: [Self; WORDS.len()] = {
        let mut all = [Self::Other; WORDS.len()];
        let mut at = 0;
        while at < WORDS.len() {
            all[at] = WORDS[at].1;
            at += 1;
        }
        all
    };

    /// The field that this word stands for.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        WORDS.iter().find(|(own, ..)| *own == word).map(|(_, field, _)| *field)
    }

    /// The word for it; none for what is read over.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        WORDS.iter().find(|(_, field, _)| *field == self).map(|(word, ..)| *word)
    }
}

/// Which key holds which field.
#[derive(Debug)]
pub(super) struct Keys {
    fields: HashMap<String, Field>,
}

impl Keys {
    pub(super) fn new(given: &[(String, String)]) -> Result<Self, InvalidFormat> {
        let usual =
            WORDS.iter().flat_map(|(_, field, keys)| keys.iter().map(|key| ((*key).to_owned(), *field)));
        let mut fields: HashMap<String, Field> = usual.collect();
        for (word, key) in given {
            let Some(field) = Field::of_word(word) else {
                let words: Vec<_> = WORDS.iter().map(|(word, ..)| *word).collect();
                return Err(InvalidFormat(format!(
                    "{word} is no field of a log: there are {}",
                    words.join(", ")
                )));
            };
            // What is said replaces what is usual.
            fields.retain(|_, usual| *usual != field);
            fields.insert(spelling(key), field);
        }
        Ok(Self { fields })
    }

    pub(super) fn parse<'a>(&self, line: &[u8], room: &'a mut Vec<u8>) -> Option<Record<'a>> {
        let line = line.trim_ascii();
        if line.first() != Some(&b'{') {
            return None;
        }
        room.clear();
        let mut found: smallvec::SmallVec<[(Field, usize, usize); 24]> = smallvec::SmallVec::new();
        let mut json = serde_json::Deserializer::from_slice(line);
        let object = Object { keys: self, prefix: String::new(), room, found: &mut found, depth: 0 };
        object.deserialize(&mut json).ok()?;
        json.end().ok()?;
        let mut record = Record::new(room, Escaping::Json);
        // The first key that has a field wins: `status` before a nested one of another thing.
        for (field, start, end) in found.iter().rev() {
            record.set(*field, *start, *end);
        }
        record.raw(Field::Status).map(|_| record)
    }

    /// The `access_log_format` that would write a line like this one, which is JSON; `None` if none would.
    pub(super) fn shape(&self, line: &[u8]) -> Option<Vec<Piece>> {
        let line = line.trim_ascii();
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        // The keys on the way, and the last one.
        let (mut path, mut key): (Vec<String>, Option<String>) = (Vec::new(), None);
        let mut rest = line;
        while let Some((&octet, after)) = rest.split_first() {
            let is_value = key.is_some();
            let length = match octet {
                b'"' => memchr::memchr(b'"', after)?,
                b'{' | b'}' | b',' | b':' | b' ' | b'\t' => {
                    match octet {
                        b'{' => path.extend(key.take()),
                        b'}' => drop(path.pop()),
                        _ => {}
                    }
                    literal.push(octet);
                    rest = after;
                    continue;
                }
                b'[' | b']' | b'\\' => return None,
                _ => rest.iter().position(|octet| matches!(octet, b',' | b'}' | b' ' | b'\t'))?,
            };
            let quote: &[u8] = if octet == b'"' { b"\"" } else { b"" };
            let text = rest.get(quote.len()..quote.len() + length)?;
            rest = rest.get(length + 2 * quote.len()..)?;
            if memchr::memchr(b'\\', text).is_some() {
                return None;
            }
            literal.extend_from_slice(quote);
            if is_value {
                let key = key.take()?;
                let dotted = [&path[..], std::slice::from_ref(&key)].concat().join(".");
                let field = self.fields.get(&dotted).or_else(|| self.fields.get(&key));
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(Piece::Field(field.copied().unwrap_or(Field::Other)));
            } else {
                key = Some(spelling(std::str::from_utf8(text).ok()?));
                literal.extend_from_slice(text);
            }
            literal.extend_from_slice(quote);
        }
        pieces.push(Piece::Literal(literal));
        Some(pieces)
    }
}

/// Keys are compared without regard to letter case, and `-` is `_`.
fn spelling(key: &str) -> String {
    key.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

const MAX_DEPTH: usize = 8;

struct Object<'k, 'r, 'f> {
    keys: &'k Keys,
    prefix: String,
    room: &'r mut Vec<u8>,
    found: &'f mut smallvec::SmallVec<[(Field, usize, usize); 24]>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Object<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Object<'_, '_, '_> {
    fn put(&mut self, value: &[u8]) {
        if let Some(field) = self.keys.fields.get(&self.prefix) {
            let start = self.room.len();
            self.room.extend_from_slice(value);
            self.found.push((*field, start, self.room.len()));
        }
    }
}

impl<'de> Visitor<'de> for Object<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.depth >= MAX_DEPTH {
            return Err(de::Error::custom("nested too deep"));
        }
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let key = spelling(&key);
            // A nested key counts under its own name and under its whole path.
            let dotted = if self.prefix.is_empty() { key.clone() } else { format!("{}.{key}", self.prefix) };
            let prefix =
                if self.keys.fields.contains_key(&dotted) || self.prefix.is_empty() { dotted } else { key };
            map.next_value_seed(Object {
                keys: self.keys,
                prefix,
                room: self.room,
                found: self.found,
                depth: self.depth + 1,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: de::Error>(mut self, text: &str) -> Result<(), E> {
        self.put(text.as_bytes());
        Ok(())
    }

    fn visit_u64<E: de::Error>(mut self, number: u64) -> Result<(), E> {
        self.put(number.to_string().as_bytes());
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _negative: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(mut self, number: f64) -> Result<(), E> {
        self.put(number.to_string().as_bytes());
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

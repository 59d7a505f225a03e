//! What is remembered of a response, and which requests it may answer: its validators, its freshness and the
//! fields of its 304. Never its content.
//!
//! An entry is two pieces of bytes. The field set is what many responses of a site have in common (policies,
//! security fields), so a store can keep it once for all of them; the rest is the entry's own.

use smallvec::SmallVec;

use crate::http::date::HttpDate;
use crate::http::entity_tag::EntityTag;
use crate::http::field::{is_name, list_has, trim_ows};
use crate::http::freshness::{Freshness, Millis, Sharing, State, Terms, VaryNames};
use crate::http::not_modified::goes_with_304;
use crate::http::preconditions::{Context, Decision, LastModified, Method, Preconditions, Validators};
use crate::http::{cache_groups, targeted};

/// The first byte of what is encoded here. Another one is another version, and not read.
const RESPONSE: u8 = 1;
/// The first byte of a [`variants`] record.
const VARIANTS: u8 = 2;

/// Fields that differ from one response to the next of the same site, so that they are not in the field set.
const OWN: [&str; 6] = ["Expires", "Content-Location", "Link", "Cache-Groups", "Location", "Cache-Tag"];

/// Fields that are never told from memory: they are about one exchange or one client (RFC 9111 §3.1, §7.3).
const NEVER: [&str; 19] = [
    "Set-Cookie",
    "Set-Cookie2",
    "Clear-Site-Data",
    "Date",
    "Age",
    "Warning",
    "Connection",
    "Keep-Alive",
    "Upgrade",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Connection",
    "Authentication-Info",
    "WWW-Authenticate",
    "Server-Timing",
    "X-Request-Id",
    "X-Correlation-Id",
    "Cache-Status",
    cache_groups::INVALIDATION,
];

/// Names and values. Most responses have no more than two, and each place is moved as often as what holds it.
pub type Fields<'a> = SmallVec<[(&'a str, &'a str); 2]>;

/// A stored response (RFC 9111 §1), borrowed from the bytes of its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse<'a> {
    /// The entity-tag, as it stands in its field.
    pub etag: Option<&'a str>,
    /// When the representation last changed.
    pub last_modified: Option<HttpDate>,
    /// How old it is, and for how long it may be used.
    pub freshness: Freshness,
    /// Whom it may answer.
    pub sharing: Sharing,
    /// How long its content is, in bytes, as far as known.
    pub length: u64,
    /// How long the app took for it, in microseconds.
    pub app_time: u32,
    /// The fields of its 304, but for ETag, Last-Modified, Date and Age.
    pub fields: Fields<'a>,
}

/// A conditional request, as far as a stored response may answer it. Its credentials are looked for only where
/// it matters.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Its method.
    pub method: Method,
    /// Its preconditions.
    pub preconditions: &'a Preconditions<'a>,
    /// It has a Range, or content: neither is for us.
    pub is_special: bool,
    /// Has it a Cookie field?
    pub cookie: &'a dyn Fn() -> bool,
    /// Has it an Authorization field?
    pub authorization: &'a dyn Fn() -> bool,
}

/// What a stored response is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// 304, and the app need not run.
    Answer,
    /// The same, if another request is at work to renew it (RFC 5861 §3).
    AnswerWhileRevalidated,
    /// The client has another representation: the app answers.
    OtherValidator,
    /// Its time is over.
    Stale,
    /// The request has credentials that nothing said about sharing covers.
    Credentials,
}

impl Question<'_> {
    /// May a 304 from memory answer this at all (RFC 9111 §4.3.2)? If-Match, If-Unmodified-Since, Range and
    /// If-None-Match: * are for the app: fresh is not current. If-Modified-Since alone proves no possession,
    /// so with credentials it goes to the app, too.
    #[must_use]
    pub fn is_for_cache(&self) -> bool {
        let Preconditions { if_match, if_unmodified_since, if_none_match, if_modified_since, if_range } =
            self.preconditions;
        let has_others = if_match.is_some() || if_unmodified_since.is_some() || if_range.is_some();
        self.method.is_read()
            && !self.is_special
            && !has_others
            && match if_none_match {
                Some(tags) => trim_ows(tags) != b"*",
                None => if_modified_since.is_some() && !(self.cookie)() && !(self.authorization)(),
            }
    }
}

impl StoredResponse<'_> {
    /// What this is good for, for a question that [is for a cache](Question::is_for_cache) and whose key it is
    /// stored under.
    #[must_use]
    pub fn use_for(&self, question: &Question<'_>, context: &Context, now: Millis) -> Use {
        if !self.sharing.cookie && (question.cookie)()
            || !self.sharing.authorization && (question.authorization)()
        {
            return Use::Credentials;
        }
        let state = self.freshness.at(now);
        if state == State::Stale {
            return Use::Stale;
        }
        let validators = Validators {
            etag: self.etag.and_then(|tag| EntityTag::parse(tag.as_bytes())),
            last_modified: self.last_modified.map(|date| LastModified { date, strong: false }),
        };
        match question.preconditions.evaluate(question.method, Some(&validators), context) {
            Decision::NotModified if state == State::Fresh => Use::Answer,
            Decision::NotModified => Use::AnswerWhileRevalidated,
            _ => Use::OtherValidator,
        }
    }

    /// Is this the tag that it has, compared weakly (RFC 9111 §4.3.4)?
    #[must_use]
    pub fn has_tag(&self, tag: EntityTag<'_>) -> bool {
        self.etag.and_then(|own| EntityTag::parse(own.as_bytes())).is_some_and(|own| own.weak_eq(tag))
    }

    /// The fields that a 304 made of this carries, but for Age and what only we read.
    pub fn outgoing(&self) -> impl Iterator<Item = (&str, &str)> {
        let tag = self.etag.map(|tag| ("ETag", tag));
        let rest = self.fields.iter().copied().filter(|(name, _)| !is_name(name, targeted::NAME));
        tag.into_iter().chain(rest)
    }

    /// The stored fields with those of a 304 of the app's own in place of the ones of the same name (RFC 9111
    /// §3.2).
    #[must_use]
    pub fn updated_by<'b>(&'b self, fields: &[(&'b str, &'b str)]) -> Vec<(&'b str, &'b str)> {
        let kept = self.fields.iter().copied();
        let kept = kept.filter(|(name, _)| !fields.iter().any(|(newer, _)| is_name(newer, name)));
        kept.chain(fields.iter().copied()).collect()
    }

    /// Encode into the entry's own bytes and the field set.
    #[must_use]
    pub fn encode(&self) -> Encoded {
        let mut own = Vec::with_capacity(128);
        own.push(RESPONSE);
        own.push(
            u8::from(self.sharing.authorization)
                | u8::from(self.sharing.cookie) << 1
                | u8::from(self.last_modified.is_some()) << 2
                | u8::from(self.etag.is_some()) << 3,
        );
        own.extend_from_slice(&self.freshness.born.to_le_bytes());
        for number in [self.freshness.lifetime, self.freshness.while_revalidate, self.app_time] {
            put_number(&mut own, u64::from(number));
        }
        put_number(&mut own, self.length);
        if let Some(date) = self.last_modified {
            own.extend_from_slice(&date.unix().to_le_bytes());
        }
        if let Some(tag) = self.etag {
            put_text(&mut own, tag);
        }
        let mut field_set = Vec::new();
        for (name, value) in &self.fields {
            let is_own = OWN.iter().any(|field| is_name(name, field));
            let place = if is_own { &mut own } else { &mut field_set };
            put_text(place, name);
            put_text(place, value);
        }
        Encoded { own, field_set }
    }

    /// Decode what [`encode`](Self::encode) made; `None` for anything else.
    #[must_use]
    pub fn decode<'b>(own: &'b [u8], field_set: &'b [u8]) -> Option<StoredResponse<'b>> {
        let mut rest = own.strip_prefix(&[RESPONSE])?;
        let flags = take_byte(&mut rest)?;
        let born = take_i64(&mut rest)?;
        let mut numbers = [0_u32; 3];
        for number in &mut numbers {
            *number = u32::try_from(take_number(&mut rest)?).ok()?;
        }
        let [lifetime, while_revalidate, app_time] = numbers;
        let length = take_number(&mut rest)?;
        let last_modified =
            if flags & 4 == 0 { None } else { Some(HttpDate::from_unix(take_i64(&mut rest)?)?) };
        let etag = if flags & 8 == 0 { None } else { Some(take_text(&mut rest)?) };
        let mut fields = SmallVec::new();
        for mut rest in [rest, field_set] {
            while !rest.is_empty() {
                fields.push((take_text(&mut rest)?, take_text(&mut rest)?));
            }
        }
        Some(StoredResponse {
            etag,
            last_modified,
            freshness: Freshness { born, lifetime, while_revalidate },
            sharing: Sharing { authorization: flags & 1 != 0, cookie: flags & 2 != 0 },
            length,
            app_time,
            fields,
        })
    }
}

/// An encoded stored response.
#[derive(Debug, PartialEq, Eq)]
pub struct Encoded {
    /// What is this response's alone.
    pub own: Vec<u8>,
    /// What it may have in common with others.
    pub field_set: Vec<u8>,
}

/// The fields, out of those of a 304 that the app ran for, that are told from memory, too.
///
/// Access-Control-Allow-Origin only where it is `*` or Vary names Origin. No Content-Security-Policy with a
/// nonce: it would not be that of the page that the client has.
#[must_use]
pub fn remembered<'a>(fields: &[(&'a str, &'a str)], terms: &Terms, has_etag: bool) -> Fields<'a> {
    let vary_has_origin = terms.vary.iter().any(|name| name == "origin");
    let hop_by_hop = |name: &str| {
        fields.iter().any(|(field, value)| is_name(field, "Connection") && list_has(value, name))
    };
    let stays = |&&(name, value): &&(&'a str, &'a str)| {
        if is_name(name, "ETag") || is_name(name, "Last-Modified") || !goes_with_304(name, has_etag) {
            return false;
        }
        if is_name(name, "Access-Control-Allow-Origin") {
            return trim_ows(value.as_bytes()) == b"*" || vary_has_origin;
        }
        if name.len() >= 23 && name.is_char_boundary(23) {
            let (start, end) = name.split_at(23);
            let is_policy =
                is_name(start, "Content-Security-Policy") && (end.is_empty() || is_name(end, "-Report-Only"));
            if is_policy && value.to_ascii_lowercase().contains("'nonce-") {
                return false;
            }
        }
        !NEVER.iter().any(|field| is_name(name, field))
            && !terms.withheld.iter().any(|field| name.eq_ignore_ascii_case(field))
            && !hop_by_hop(name)
    };
    fields.iter().filter(stays).copied().collect()
}

/// What stands under the key of a resource whose responses vary: the names that their keys are made with. A
/// response is stored under them only if they include its own Vary.
#[must_use]
pub fn variants(names: &VaryNames) -> Vec<u8> {
    let mut record = vec![VARIANTS];
    for name in names {
        put_text(&mut record, name);
    }
    record
}

/// Decode a [`variants`] record; `None` for anything else.
#[must_use]
pub fn decode_variants(record: &[u8]) -> Option<VaryNames> {
    let mut rest = record.strip_prefix(&[VARIANTS])?;
    let mut names = VaryNames::new();
    while !rest.is_empty() {
        names.push(take_text(&mut rest)?.to_owned());
    }
    Some(names)
}

/// A number in seven bits a byte, the least first.
fn put_number(into: &mut Vec<u8>, mut number: u64) {
    loop {
        let [seven, ..] = (number & 0x7F).to_le_bytes();
        number >>= 7;
        if number == 0 {
            into.push(seven);
            return;
        }
        into.push(seven | 0x80);
    }
}

fn put_text(into: &mut Vec<u8>, text: &str) {
    put_number(into, text.len() as u64);
    into.extend_from_slice(text.as_bytes());
}

fn take_byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

fn take_i64(rest: &mut &[u8]) -> Option<i64> {
    let (bytes, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(i64::from_le_bytes(*bytes))
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = take_byte(rest)?;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(take_number(rest)?).ok()?;
    let (text, others) = rest.split_at_checked(length)?;
    *rest = others;
    std::str::from_utf8(text).ok()
}

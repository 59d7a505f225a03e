//! Volatile regions: bytes of a page that differ in each response though the content is the same, masked out
//! of the hash that its tag is made of.
//!
//! What makes an old page unusable must not be masked with them. So a region is not dropped but replaced by
//! what it stands for, which goes into the hash in its place:
//!
//! | region | stands for |
//! | --- | --- |
//! | Django's CSRF token | the secret that it hides: the value of the CSRF cookie, or of the session |
//! | Flask-WTF's CSRF token | the session's value that it signs, and the half of its life that it was made in |
//! | a nonce of the Content-Security-Policy | which of the policy's nonces it is; the policy's text is hashed too |
//! | what a pattern matches | that something is there |
//! | Django's random padding of gzip | nothing: decoded, there is no trace of it |
//!
//! All of it is read off the response itself. So no cookie has to be named, a secret in the session works as
//! one in a cookie does, and the first response, which sets the cookie, has the tag of those that follow.
//!
//! Knows content, media types and header fields as values. No clock: tokens carry their time.

mod csrf;
mod nonce;
mod padding;
mod pattern;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

use self::nonce::Nonces;
pub use self::nonce::is_security_policy;
pub use self::pattern::Pattern;
use crate::digest::{ContentTag, Digester, MaskedDigester, TagKey};

/// How long a token of Flask-WTF is good for, in seconds, unless configured: its own default.
pub const FLASK_WTF_LIFETIME: u32 = 3600;

/// How many regions are masked in one page at the most. A page with more is hashed as it is.
const MAX_REGIONS: usize = 100_000;

/// One thing to be masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The CSRF tokens of Django.
    DjangoCsrf,
    /// The CSRF tokens of Flask-WTF.
    FlaskWtfCsrf {
        /// How many seconds such a token is good for.
        lifetime: u32,
    },
    /// The nonces that the response's Content-Security-Policy names.
    CspNonce,
    /// What a pattern of the user's matches.
    Pattern(Pattern),
}

impl Rule {
    /// The names of the presets.
    pub const PRESETS: [&str; 3] = ["django-csrf", "flask-wtf-csrf", "csp-nonce"];

    /// The preset of that name.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "django-csrf" => Some(Self::DjangoCsrf),
            "flask-wtf-csrf" => Some(Self::FlaskWtfCsrf { lifetime: FLASK_WTF_LIFETIME }),
            "csp-nonce" => Some(Self::CspNonce),
            _ => None,
        }
    }
}

/// As in the configuration.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DjangoCsrf => f.write_str("django-csrf"),
            Self::FlaskWtfCsrf { lifetime: FLASK_WTF_LIFETIME } => f.write_str("flask-wtf-csrf"),
            Self::FlaskWtfCsrf { lifetime } => write!(f, "flask-wtf-csrf (lifetime {lifetime} s)"),
            Self::CspNonce => f.write_str("csp-nonce"),
            Self::Pattern(pattern) => write!(f, "/{}/", pattern.as_str()),
        }
    }
}

/// All that is to be masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignore(pub Vec<Rule>);

impl Ignore {
    /// Is there nothing to be masked?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The regions of some content in the order of their starts; `None` if there are too many.
    fn regions(&self, content: &[u8], nonces: &Nonces<'_>) -> Option<Vec<Region>> {
        let mut regions = Vec::new();
        let django = self.0.contains(&Rule::DjangoCsrf);
        let flask = self.0.iter().find_map(|rule| match rule {
            Rule::FlaskWtfCsrf { lifetime } => Some(*lifetime),
            _ => None,
        });
        if django || flask.is_some() {
            regions.extend(csrf::tokens(content, django, flask).take(MAX_REGIONS + 1));
        }
        regions.extend(nonces.find(content).take(MAX_REGIONS + 1));
        for rule in &self.0 {
            if let Rule::Pattern(pattern) = rule
                && !pattern.find(content, MAX_REGIONS, &mut regions)
            {
                return None;
            }
        }
        if regions.len() > MAX_REGIONS {
            return None;
        }
        regions.sort_by_key(|region| region.start);
        Some(regions)
    }
}

/// A place in the content, and what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region {
    start: usize,
    end: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pattern,
    DjangoToken,
    FlaskToken {
        /// How many seconds of making tokens count as one time.
        period: u64,
    },
    Nonce(u32),
}

impl Kind {
    /// Put what a region stands for in the place of its text.
    fn mask(self, digester: &mut MaskedDigester, text: &[u8]) {
        match self {
            Self::Pattern => digester.region(0, &[]),
            Self::DjangoToken => digester.region(1, &csrf::django_secret(text)),
            Self::FlaskToken { period } => {
                if let Some(token) = csrf::FlaskToken::parse(text) {
                    let made_in = (token.made_at / period.max(1)).to_le_bytes();
                    digester.region(2, &[&made_in, token.signed].concat());
                }
            }
            Self::Nonce(number) => digester.region(3, &number.to_le_bytes()),
        }
    }
}

/// How the content of one response is read for its tag.
#[derive(Debug, Default)]
pub struct Reading<'a> {
    ignore: Option<&'a Ignore>,
    nonces: Nonces<'a>,
    max_body: u64,
    may_be_padded: bool,
}

/// What is done to a representation before it is sent (RFC 9110 §8.4), as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    /// Nothing.
    #[default]
    Identity,
    /// gzip and nothing else.
    Gzip,
    /// Something else.
    Other,
}

impl Coding {
    /// With this Content-Encoding line after what is known already.
    #[must_use]
    pub fn and(self, line: &str) -> Self {
        match line.trim_matches([' ', '\t']) {
            "" => self,
            coding if coding.eq_ignore_ascii_case("identity") => self,
            coding if self == Self::Identity && coding.eq_ignore_ascii_case("gzip") => Self::Gzip,
            _ => Self::Other,
        }
    }
}

impl<'a> Reading<'a> {
    /// As it is: the tag is the digest of the bytes.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// As the user's rules say. They are for text that is not coded, up to `max_body` bytes. A response
    /// without a media type is none, but for a 304 that stands for one.
    #[must_use]
    pub fn of(
        ignore: Option<&'a Ignore>,
        max_body: u64,
        content_type: Option<&str>,
        is_304: bool,
        coding: Coding,
        fields: &[(&'a str, &'a str)],
    ) -> Self {
        let is_for_it = coding == Coding::Identity && (is_304 || content_type.is_some_and(is_text));
        let ignore = ignore.filter(|ignore| is_for_it && !ignore.is_empty());
        let masks_nonces = ignore.is_some_and(|ignore| ignore.0.contains(&Rule::CspNonce));
        Self {
            ignore,
            nonces: if masks_nonces { Nonces::of(fields) } else { Nonces::default() },
            max_body,
            may_be_padded: coding == Coding::Gzip,
        }
    }

    /// The tag of content in pieces, and whether it is weak: it is where something was masked.
    #[must_use]
    pub fn tag(&self, pieces: &[&[u8]], key: Option<&TagKey>) -> (ContentTag, bool) {
        if let Some(ignore) = self.ignore
            && let Some(tag) = self.masked(ignore, pieces, key)
        {
            return (tag, true);
        }
        if self.may_be_padded
            && let Some((first, rest)) = pieces.split_first()
            && let Some((header, after)) = padding::taken_out(first)
        {
            return (tag_of([&header, after].into_iter().chain(rest.iter().copied()), key), true);
        }
        if let [body] = pieces {
            return (ContentTag::of(body, key), false);
        }
        (tag_of(pieces.iter().copied(), key), false)
    }

    fn masked(&self, ignore: &Ignore, pieces: &[&[u8]], key: Option<&TagKey>) -> Option<ContentTag> {
        if pieces.iter().map(|piece| piece.len() as u64).sum::<u64>() > self.max_body {
            return None;
        }
        // A region may begin in one piece and end in another.
        let content: Cow<'_, [u8]> =
            if let [body] = pieces { Cow::Borrowed(body) } else { Cow::Owned(pieces.concat()) };
        let regions = ignore.regions(&content, &self.nonces)?;
        if regions.is_empty() && self.nonces.is_empty() {
            return None;
        }
        let mut digester = MaskedDigester::new(key);
        let mut at = 0;
        for Region { start, end, kind } in regions {
            // Those that overlap are all replaced, at one place.
            digester.update(content.get(at..start).unwrap_or_default());
            kind.mask(&mut digester, content.get(start..end).unwrap_or_default());
            at = at.max(end);
        }
        digester.update(content.get(at..).unwrap_or_default());
        for policy in self.nonces.policies() {
            digester.region(4, policy.as_bytes());
        }
        Some(digester.finish())
    }

    /// Places of the fields that a 304 must not carry, because they name nonces that the client's stored page
    /// does not have.
    #[must_use]
    pub fn foreign_to_the_stored_page(&self, fields: &[(&str, &str)]) -> SmallVec<[usize; 2]> {
        if self.nonces.is_empty() {
            return SmallVec::new();
        }
        let names_one = |value: &str| nonce::nonces_in(value).next().is_some();
        let places = fields.iter().enumerate();
        places
            .filter(|(_, (name, value))| is_security_policy(name) && names_one(value))
            .map(|(place, _)| place)
            .collect()
    }
}

fn tag_of<'a>(pieces: impl Iterator<Item = &'a [u8]>, key: Option<&TagKey>) -> ContentTag {
    let mut digester = Digester::new(key);
    for piece in pieces {
        digester.update(piece);
    }
    digester.finish()
}

/// The preset that knows what stands at a stretch of some content, if one does. `fields` are those of the response.
#[must_use]
pub fn known_at(content: &[u8], fields: &[(&str, &str)], start: usize, end: usize) -> Option<Rule> {
    let rules = Rule::PRESETS.iter().filter_map(|name| Rule::preset(name));
    let found = Ignore(rules.collect()).regions(content, &Nonces::of(fields))?;
    let found = found.into_iter().find(|region| region.start < end && start < region.end)?;
    Rule::preset(match found.kind {
        Kind::DjangoToken => "django-csrf",
        Kind::FlaskToken { .. } => "flask-wtf-csrf",
        Kind::Nonce(_) => "csp-nonce",
        Kind::Pattern => return None,
    })
}

/// Is content of this type text, in which tokens and nonces can be found?
#[must_use]
pub fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim_matches([' ', '\t']);
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    let ends_with = |end: &str| {
        subtype
            .len()
            .checked_sub(end.len())
            .and_then(|start| subtype.get(start..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    kind.eq_ignore_ascii_case("text")
        || ["json", "xml", "javascript"].into_iter().any(|name| subtype.eq_ignore_ascii_case(name))
        || ends_with("+json")
        || ends_with("+xml")
}

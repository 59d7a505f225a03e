//! `Cache-Control` of requests and responses (RFC 9111 §5.2, RFC 5861, RFC 8246).
//!
//! ```abnf
//! Cache-Control   = #cache-directive
//! cache-directive = token [ "=" ( token / quoted-string ) ]
//! delta-seconds   = 1*DIGIT
//! ```
//!
//! Two ways to read the same grammar:
//!
//! - [`CacheControl::from_field`] is for fields off the wire. It never fails; what it cannot
//!   read it takes in the sense that reuses least.
//! - [`FromStr`] is for configuration and says what is wrong.

mod elements;

use std::fmt::{self, Write as _};
use std::str::FromStr;

use self::elements::{Argument, Element, Elements, is_token};
use super::field::is_field_text;
use crate::nearest::nearest;

/// How many directives of other names are kept: a field of thousands stays cheap to read.
pub const MAX_EXTENSIONS: usize = 32;

/// The greatest number of seconds: what overflows counts as this (RFC 9111 §1.2.2).
pub const MAX_SECONDS: u32 = 1 << 31;

/// Directives of a `Cache-Control` field, of a request or a response.
///
/// Names are compared without regard to case, and arguments are read as token and as
/// quoted-string (RFC 9111 §5.2). Where a directive comes twice, the first number wins
/// (§4.2.1), the unqualified form of `no-cache` and `private` wins over a list of fields, and
/// two such lists are joined. A `max-age` or `s-maxage` that is no number is 0: the response
/// counts as stale (§4.2.1). Other numbers that cannot be read are as if absent: each of them
/// would only widen what may be reused. Of directives with other names the first
/// [`MAX_EXTENSIONS`] are kept.
///
/// ```
/// use notmodified::http::cache_control::CacheControl;
///
/// let field = CacheControl::from_field("Public, max-age=\"60\", community=UCI");
/// assert!(field.public);
/// assert_eq!(field.max_age, Some(60));
/// assert_eq!(field.to_string(), "public, max-age=60, community=UCI");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CacheControl {
    /// `public` (RFC 9111 §5.2.2.9).
    pub public: bool,
    /// `private`, for everything or for some fields (RFC 9111 §5.2.2.7).
    pub private: Option<Scope>,
    /// `no-cache`, for everything or for some fields (RFC 9111 §5.2.1.4, §5.2.2.4).
    pub no_cache: Option<Scope>,
    /// `no-store` (RFC 9111 §5.2.1.5, §5.2.2.5).
    pub no_store: bool,
    /// `no-transform` (RFC 9111 §5.2.1.6, §5.2.2.6).
    pub no_transform: bool,
    /// `must-revalidate` (RFC 9111 §5.2.2.2).
    pub must_revalidate: bool,
    /// `proxy-revalidate` (RFC 9111 §5.2.2.8).
    pub proxy_revalidate: bool,
    /// `must-understand` (RFC 9111 §5.2.2.3).
    pub must_understand: bool,
    /// `immutable` (RFC 8246 §2).
    pub immutable: bool,
    /// `only-if-cached`, of requests (RFC 9111 §5.2.1.7).
    pub only_if_cached: bool,
    /// `max-age` in seconds (RFC 9111 §5.2.1.1, §5.2.2.1).
    pub max_age: Option<u32>,
    /// `s-maxage` in seconds (RFC 9111 §5.2.2.10).
    pub s_maxage: Option<u32>,
    /// `stale-while-revalidate` in seconds (RFC 5861 §3).
    pub stale_while_revalidate: Option<u32>,
    /// `stale-if-error` in seconds (RFC 5861 §4).
    pub stale_if_error: Option<u32>,
    /// `max-stale`, of requests (RFC 9111 §5.2.1.2).
    pub max_stale: Option<MaxStale>,
    /// `min-fresh` in seconds, of requests (RFC 9111 §5.2.1.3).
    pub min_fresh: Option<u32>,
    /// Every other directive (RFC 9111 §5.2.3).
    pub extensions: Extensions,
}

/// How far `no-cache` or `private` reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole response: the unqualified form.
    Everything,
    /// The named fields alone: the qualified form. Lower-case tokens, never none.
    Fields(Vec<String>),
}

/// How stale a response the client accepts (RFC 9111 §5.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MaxStale {
    /// Of any age.
    Any,
    /// For so many seconds past its freshness.
    Seconds(u32),
}

/// Directives that have no field of their own in [`CacheControl`], in the order they came
/// (RFC 9111 §5.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Extensions(Vec<(String, Option<String>)>);

impl Extensions {
    /// Each name, a token in lower case, with its argument, without quotes.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Add a directive.
    ///
    /// # Errors
    ///
    /// If the name is no token, is one of the known directives or is there already, if there
    /// are [`MAX_EXTENSIONS`], or if the value has a character that no header field can carry.
    pub fn add(&mut self, name: &str, value: Option<&str>) -> Result<(), InvalidDirective> {
        let refuse = |sentence| Err(InvalidDirective(sentence));
        if !is_token(name) {
            return refuse(format!("{name:?} is no directive name: use letters, digits and hyphens"));
        }
        if Known::of(name).is_some() {
            return refuse(format!("{name} is a directive of its own, not an extension"));
        }
        if self.0.len() >= MAX_EXTENSIONS {
            return refuse(format!(
                "{name} is one directive too many: {MAX_EXTENSIONS} of other names are kept"
            ));
        }
        if let Some(value) = value
            && !value.bytes().all(is_field_text)
        {
            return refuse(format!(
                "{name} has the argument {value:?}: control characters cannot be in a header field"
            ));
        }
        let name = name.to_ascii_lowercase();
        if self.0.iter().any(|(have, _)| *have == name) {
            return refuse(format!("{name} is given twice"));
        }
        self.0.push((name, value.map(str::to_owned)));
        Ok(())
    }
}

/// Why a directive was refused, in a sentence that names it, what was seen and what is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidDirective(String);

impl fmt::Display for InvalidDirective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidDirective {}

/// Every directive with a field of its own in [`CacheControl`], in the order they are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Public,
    Private,
    NoCache,
    NoStore,
    NoTransform,
    MustRevalidate,
    ProxyRevalidate,
    MustUnderstand,
    Immutable,
    OnlyIfCached,
    MaxAge,
    SMaxage,
    StaleWhileRevalidate,
    StaleIfError,
    MaxStale,
    MinFresh,
}

const KNOWN: [(&str, Known); 16] = [
    ("public", Known::Public),
    ("private", Known::Private),
    ("no-cache", Known::NoCache),
    ("no-store", Known::NoStore),
    ("no-transform", Known::NoTransform),
    ("must-revalidate", Known::MustRevalidate),
    ("proxy-revalidate", Known::ProxyRevalidate),
    ("must-understand", Known::MustUnderstand),
    ("immutable", Known::Immutable),
    ("only-if-cached", Known::OnlyIfCached),
    ("max-age", Known::MaxAge),
    ("s-maxage", Known::SMaxage),
    ("stale-while-revalidate", Known::StaleWhileRevalidate),
    ("stale-if-error", Known::StaleIfError),
    ("max-stale", Known::MaxStale),
    ("min-fresh", Known::MinFresh),
];

impl Known {
    fn of(name: &str) -> Option<Self> {
        KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, directive)| directive)
    }
}

impl CacheControl {
    /// Read a field value off the wire. Never fails; what is malformed is passed over.
    #[must_use]
    pub fn from_field(field: &str) -> Self {
        let mut read = Self::default();
        read.add_field(field);
        read
    }

    /// Read a further line of the same field, as if it had been joined to the earlier ones
    /// (RFC 9110 §5.3).
    pub fn add_field(&mut self, field: &str) {
        for element in Elements::of(field) {
            self.add(&element);
        }
    }

    /// Tell whether `field` has `no-store`, without allocating and without reading the rest.
    ///
    /// Agrees with [`CacheControl::from_field`] in every case.
    ///
    /// ```
    /// use notmodified::http::cache_control::CacheControl;
    ///
    /// assert!(CacheControl::has_no_store("private, No-Store"));
    /// assert!(!CacheControl::has_no_store("private=\"x, no-store\""));
    /// ```
    #[must_use]
    pub fn has_no_store(field: &str) -> bool {
        has_flag(field, "no-store")
    }

    /// Tell whether `field` has `no-transform`, at the same price as
    /// [`CacheControl::has_no_store`].
    #[must_use]
    pub fn has_no_transform(field: &str) -> bool {
        has_flag(field, "no-transform")
    }

    /// Tell whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What in these directives contradicts itself, a sentence each.
    ///
    /// Only what cannot have been meant: a directive that undoes another one. What is merely
    /// said twice (`no-store, no-cache, max-age=0`) is fine.
    ///
    /// ```
    /// use notmodified::http::cache_control::CacheControl;
    ///
    /// let field = CacheControl::from_field("no-store, max-age=60");
    /// assert_eq!(
    ///     field.contradictions(),
    ///     ["no-store forbids keeping the response, so max-age=60 is never used"]
    /// );
    /// ```
    #[must_use]
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut say = |sentence: String| found.push(sentence);
        let no_cache = self.no_cache == Some(Scope::Everything);
        let private = self.private == Some(Scope::Everything);
        let lasting = [
            ("max-age", self.max_age),
            ("s-maxage", self.s_maxage),
            ("stale-while-revalidate", self.stale_while_revalidate),
            ("stale-if-error", self.stale_if_error),
        ]
        .map(|(name, seconds)| (name, seconds.unwrap_or(0)));
        let [max_age, s_maxage, while_revalidate, if_error] = lasting;

        // must-understand is meant to stand beside no-store and lift it (§5.2.2.3).
        if self.no_store && !self.must_understand {
            for (name, seconds) in lasting.iter().filter(|(_, seconds)| *seconds > 0) {
                say(format!("no-store forbids keeping the response, so {name}={seconds} is never used"));
            }
            if self.public {
                say("no-store forbids keeping the response, and public allows everybody to".into());
            }
            if self.immutable {
                say("no-store forbids keeping the response, so immutable is never used".into());
            }
        }
        if private {
            if self.public {
                say("private keeps shared caches from storing the response, and public allows them to".into());
            }
            if let Some(seconds) = self.s_maxage {
                say(format!(
                    "private keeps shared caches from storing the response, so s-maxage={seconds} is never used"
                ));
            }
            if self.proxy_revalidate {
                say("private keeps shared caches from storing the response, so proxy-revalidate is never used".into());
            }
        }
        if no_cache {
            for (name, seconds) in lasting.iter().filter(|(_, seconds)| *seconds > 0) {
                say(format!("no-cache makes every use a revalidation, so {name}={seconds} is never used"));
            }
            if self.immutable {
                say("no-cache makes every use a revalidation, and immutable forbids revalidation".into());
            }
        } else if self.must_revalidate {
            for (name, seconds) in [while_revalidate, if_error] {
                if seconds > 0 {
                    say(format!(
                        "must-revalidate forbids every use of a stale response, so {name}={seconds} is never used"
                    ));
                }
            }
        }
        if self.immutable && !self.no_store && !no_cache && max_age.1 == 0 && s_maxage.1 == 0 {
            say("immutable holds while the response is fresh, and no max-age makes it fresh".into());
        }
        if self.only_if_cached && no_cache {
            say("only-if-cached asks for a stored response, and no-cache refuses one".into());
        }
        if let Some((for_requests, for_responses)) = self.request_only().zip(self.response_only()) {
            say(format!("{for_requests} is a directive of requests and {for_responses} one of responses"));
        }
        found
    }

    /// The first directive present that only a request can have (RFC 9111 §5.2.1).
    #[must_use]
    pub fn request_only(&self) -> Option<&'static str> {
        [
            ("only-if-cached", self.only_if_cached),
            ("max-stale", self.max_stale.is_some()),
            ("min-fresh", self.min_fresh.is_some()),
        ]
        .into_iter()
        .find_map(|(name, present)| present.then_some(name))
    }

    /// The first directive present that only a response can have (RFC 9111 §5.2.2).
    fn response_only(&self) -> Option<&'static str> {
        [
            ("public", self.public),
            ("private", self.private.is_some()),
            ("must-revalidate", self.must_revalidate),
            ("proxy-revalidate", self.proxy_revalidate),
            ("must-understand", self.must_understand),
            ("immutable", self.immutable),
            ("s-maxage", self.s_maxage.is_some()),
            ("stale-while-revalidate", self.stale_while_revalidate.is_some()),
        ]
        .into_iter()
        .find_map(|(name, present)| present.then_some(name))
    }

    fn add(&mut self, element: &Element<'_>) {
        let name = element.name;
        if let Some(directive) = Known::of(name) {
            self.add_known(directive, element);
        } else {
            // Whatever is refused here (no token, a control character, said before) is passed
            // over: a recipient ignores what it does not know (§5.2.3).
            let value = element.argument.map(Argument::text);
            let _ = self.extensions.add(name, value.as_deref());
        }
    }

    fn add_known(&mut self, directive: Known, element: &Element<'_>) {
        let seconds = || element.argument.and_then(Argument::seconds);
        match directive {
            Known::Public => self.public = true,
            Known::NoStore => self.no_store = true,
            Known::NoTransform => self.no_transform = true,
            Known::MustRevalidate => self.must_revalidate = true,
            Known::ProxyRevalidate => self.proxy_revalidate = true,
            Known::MustUnderstand => self.must_understand = true,
            Known::Immutable => self.immutable = true,
            Known::OnlyIfCached => self.only_if_cached = true,
            Known::Private => merge(&mut self.private, element.scope()),
            Known::NoCache => merge(&mut self.no_cache, element.scope()),
            Known::MaxAge => keep_first(&mut self.max_age, Some(seconds().unwrap_or(0))),
            Known::SMaxage => keep_first(&mut self.s_maxage, Some(seconds().unwrap_or(0))),
            Known::StaleWhileRevalidate => keep_first(&mut self.stale_while_revalidate, seconds()),
            Known::StaleIfError => keep_first(&mut self.stale_if_error, seconds()),
            Known::MinFresh => keep_first(&mut self.min_fresh, seconds()),
            Known::MaxStale => keep_first(
                &mut self.max_stale,
                match element.argument {
                    None => Some(MaxStale::Any),
                    Some(argument) => argument.seconds().map(MaxStale::Seconds),
                },
            ),
        }
    }
}

impl FromStr for CacheControl {
    type Err = InvalidDirective;

    /// Read directives from configuration: anything doubtful is an error.
    fn from_str(text: &str) -> Result<Self, InvalidDirective> {
        let mut read = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for element in Elements::of(text) {
            let Element { name, argument, .. } = element;
            if element.text.is_empty() {
                continue;
            }
            if !element.well_formed() {
                return Err(InvalidDirective(format!(
                    "{:?} is no directive: write `name`, `name=token` or `name=\"text\"`",
                    element.text
                )));
            }
            if seen.iter().any(|have| have.eq_ignore_ascii_case(name)) {
                return Err(InvalidDirective(format!("{name} is given twice")));
            }
            seen.push(name);
            let Some(directive) = Known::of(name) else {
                if let Some(meant) = nearest(name, KNOWN.iter().map(|(known, _)| *known)) {
                    return Err(InvalidDirective(format!(
                        "{name} is no known directive: did you mean {meant}?"
                    )));
                }
                read.extensions.add(name, argument.map(Argument::text).as_deref())?;
                continue;
            };
            directive.check(name, argument)?;
            read.add_known(directive, &element);
        }
        Ok(read)
    }
}

impl Known {
    /// Refuse an argument that this directive cannot have.
    fn check(self, name: &str, argument: Option<Argument<'_>>) -> Result<(), InvalidDirective> {
        let wrong = |right: &str| {
            let seen = argument.map_or_else(
                || "no argument".to_owned(),
                |argument| format!("the argument {:?}", argument.text()),
            );
            Err(InvalidDirective(format!("{name} has {seen}: {right}")))
        };
        match self {
            Self::Private | Self::NoCache => match argument {
                Some(argument) if argument.fields().is_none() => {
                    wrong("give none, or field names in quotes such as \"Set-Cookie\"")
                }
                _ => Ok(()),
            },
            Self::MaxStale if argument.is_none() => Ok(()),
            Self::MaxAge
            | Self::SMaxage
            | Self::StaleWhileRevalidate
            | Self::StaleIfError
            | Self::MaxStale
            | Self::MinFresh => match argument.and_then(Argument::seconds) {
                Some(_) => Ok(()),
                None => wrong("give a whole number of seconds, 0 or more"),
            },
            _ if argument.is_some() => wrong("it takes none"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for CacheControl {
    /// Write the directives in one fixed order, so that equal directives are equal text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (name, directive) in KNOWN {
            match directive {
                Known::Public => flag(f, &mut first, name, self.public)?,
                Known::NoStore => flag(f, &mut first, name, self.no_store)?,
                Known::NoTransform => flag(f, &mut first, name, self.no_transform)?,
                Known::MustRevalidate => flag(f, &mut first, name, self.must_revalidate)?,
                Known::ProxyRevalidate => flag(f, &mut first, name, self.proxy_revalidate)?,
                Known::MustUnderstand => flag(f, &mut first, name, self.must_understand)?,
                Known::Immutable => flag(f, &mut first, name, self.immutable)?,
                Known::OnlyIfCached => flag(f, &mut first, name, self.only_if_cached)?,
                Known::Private => scope(f, &mut first, name, self.private.as_ref())?,
                Known::NoCache => scope(f, &mut first, name, self.no_cache.as_ref())?,
                Known::MaxAge => seconds(f, &mut first, name, self.max_age)?,
                Known::SMaxage => seconds(f, &mut first, name, self.s_maxage)?,
                Known::StaleWhileRevalidate => {
                    seconds(f, &mut first, name, self.stale_while_revalidate)?;
                }
                Known::StaleIfError => seconds(f, &mut first, name, self.stale_if_error)?,
                Known::MinFresh => seconds(f, &mut first, name, self.min_fresh)?,
                Known::MaxStale => match self.max_stale {
                    Some(MaxStale::Any) => flag(f, &mut first, name, true)?,
                    Some(MaxStale::Seconds(number)) => seconds(f, &mut first, name, Some(number))?,
                    None => {}
                },
            }
        }
        for (name, value) in self.extensions.iter() {
            flag(f, &mut first, name, true)?;
            match value {
                None => {}
                Some(value) if is_token(value) => write!(f, "={value}")?,
                Some(value) => {
                    f.write_str("=\"")?;
                    for character in value.chars() {
                        if matches!(character, '"' | '\\') {
                            f.write_char('\\')?;
                        }
                        f.write_char(character)?;
                    }
                    f.write_char('"')?;
                }
            }
        }
        Ok(())
    }
}

fn flag(f: &mut fmt::Formatter<'_>, first: &mut bool, name: &str, present: bool) -> fmt::Result {
    if !present {
        return Ok(());
    }
    if !std::mem::take(first) {
        f.write_str(", ")?;
    }
    f.write_str(name)
}

fn seconds(f: &mut fmt::Formatter<'_>, first: &mut bool, name: &str, number: Option<u32>) -> fmt::Result {
    let Some(number) = number else { return Ok(()) };
    flag(f, first, name, true)?;
    write!(f, "={number}")
}

fn scope(f: &mut fmt::Formatter<'_>, first: &mut bool, name: &str, scope: Option<&Scope>) -> fmt::Result {
    let Some(scope) = scope else { return Ok(()) };
    flag(f, first, name, true)?;
    match scope {
        Scope::Everything => Ok(()),
        // Always quoted: the token form is one that recipients need not accept (§5.2.2.4).
        Scope::Fields(fields) => write!(f, "=\"{}\"", fields.join(", ")),
    }
}

fn keep_first<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

fn merge(slot: &mut Option<Scope>, more: Scope) {
    match (slot, more) {
        (Some(Scope::Everything), _) => {}
        (Some(Scope::Fields(have)), Scope::Fields(more)) => have.extend(more),
        (slot, more) => *slot = Some(more),
    }
}

fn has_flag(field: &str, name: &str) -> bool {
    // Shorter than the name is the usual case: no field, or `max-age=60`.
    field.len() >= name.len() && Elements::of(field).any(|element| element.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;

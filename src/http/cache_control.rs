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

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::field;

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

/// One element of the list, with nothing judged yet.
#[derive(Clone, Copy)]
struct Element<'a> {
    text: &'a str,
    name: &'a str,
    argument: Option<Argument<'a>>,
}

/// What follows the `=`, quotes and all.
#[derive(Clone, Copy)]
struct Argument<'a>(&'a str);

impl<'a> Element<'a> {
    fn of(text: &'a str) -> Self {
        let (name, argument) = match text.split_once('=') {
            None => (text, None),
            Some((name, argument)) => (name, Some(Argument(argument))),
        };
        // Space around the name is against the grammar, but a no-store is better obeyed.
        // Space around the argument stays, and makes a number none.
        Self { text, name: trim(name), argument }
    }

    fn well_formed(&self) -> bool {
        let spaced = self.argument.is_some() && self.text.as_bytes().get(self.name.len()) != Some(&b'=');
        is_token(self.name)
            && !spaced
            && self.argument.is_none_or(|argument| is_token(argument.0) || argument.quoted().is_some())
    }

    /// What `no-cache` or `private` covers. A list with nothing readable in it is everything.
    fn scope(&self) -> Scope {
        match self.argument.and_then(Argument::fields) {
            Some(fields) => Scope::Fields(fields),
            None => Scope::Everything,
        }
    }
}

impl<'a> Argument<'a> {
    /// The inside of a quoted-string, escapes not undone.
    fn quoted(self) -> Option<&'a str> {
        let inside = self.0.strip_prefix('"')?.strip_suffix('"')?;
        let mut escaped = false;
        for byte in inside.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => return None,
                _ => {}
            }
        }
        (!escaped).then_some(inside)
    }

    /// The argument itself: a quoted-string without its quotes, anything else as it stands.
    fn text(self) -> String {
        let Some(inside) = self.quoted() else {
            return self.0.to_owned();
        };
        let mut text = String::with_capacity(inside.len());
        let mut characters = inside.chars();
        while let Some(character) = characters.next() {
            text.extend(match character {
                '\\' => characters.next(),
                other => Some(other),
            });
        }
        text
    }

    /// The argument as delta-seconds, overflow being [`MAX_SECONDS`] (RFC 9111 §1.2.2).
    fn seconds(self) -> Option<u32> {
        let digits = self.quoted().unwrap_or(self.0);
        if digits.is_empty() {
            return None;
        }
        digits.bytes().try_fold(0u32, |number, byte| {
            let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
            Some(number.saturating_mul(10).saturating_add(digit).min(MAX_SECONDS))
        })
    }

    /// The argument as field names. None if there is none, or one is no token: leaving that
    /// one out would let more be reused than was said.
    fn fields(self) -> Option<Vec<String>> {
        let names: Vec<_> = self
            .quoted()
            .unwrap_or(self.0)
            .split(',')
            .map(trim)
            .filter(|name| !name.is_empty())
            .map(|name| is_token(name).then(|| name.to_ascii_lowercase()))
            .collect::<Option<_>>()?;
        (!names.is_empty()).then_some(names)
    }
}

/// The elements of a comma-separated list, trimmed; commas in quoted-strings don't separate.
///
/// A quote that nothing closes is no quote: what comes after it is looked at all the same, so
/// that no `no-store` is missed. Linear in the length: the end is searched in vain only once.
struct Elements<'a> {
    rest: Option<&'a str>,
    quotes: bool,
}

impl<'a> Elements<'a> {
    fn of(field: &'a str) -> Self {
        Self { rest: Some(field), quotes: true }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let rest = self.rest?;
        let mut quoted = false;
        let mut escaped = false;
        let mut first_comma = None;
        let mut end = None;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' if self.quotes => quoted = !quoted,
                b',' if !quoted => {
                    end = Some(at);
                    break;
                }
                b',' if first_comma.is_none() => first_comma = Some(at),
                _ => {}
            }
        }
        if quoted {
            self.quotes = false;
            end = first_comma;
        }
        let (text, tail) = end.and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        self.rest = tail.strip_prefix(',');
        Some(Element::of(trim(text)))
    }
}

/// Take optional whitespace off both ends (RFC 9110 §5.6.3).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_token(text: &str) -> bool {
    field::is_token(text.as_bytes())
}

/// Tell whether `byte` may be in a field value (RFC 9110 §5.5).
pub(crate) fn is_field_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// The candidate that `name` is most likely a slip of, if any is close.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(8) / 6)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many bytes must be put in, left out or changed; `-` and `_` are one.
fn distance(one: &str, other: &str) -> usize {
    let plain = |byte: u8| if byte == b'_' { b'-' } else { byte };
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.bytes().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let above = *cell;
            let change = diagonal + usize::from(plain(a) != plain(b));
            left = change.min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(field: &str) -> CacheControl {
        CacheControl::from_field(field)
    }

    fn refusal(text: &str) -> String {
        text.parse::<CacheControl>().unwrap_err().to_string()
    }

    #[test]
    fn every_directive_is_read_and_written() {
        let text = "public, private=\"set-cookie, x\", no-cache, no-store, no-transform, \
                    must-revalidate, proxy-revalidate, must-understand, immutable, \
                    only-if-cached, max-age=1, s-maxage=2, stale-while-revalidate=3, \
                    stale-if-error=4, max-stale=5, min-fresh=6, a, b=c, d=\"e f\"";
        assert_eq!(read(text).to_string(), text);
        assert_eq!(text.parse(), Ok(read(text)));
    }

    #[test]
    fn names_are_compared_without_regard_to_case() {
        assert_eq!(read("MAX-AGE=1, No-Cache"), read("max-age=1,no-cache"));
    }

    #[test]
    fn token_and_quoted_arguments_are_the_same() {
        assert_eq!(read("max-age=\"60\""), read("max-age=60"));
        assert_eq!(read("private=Set-Cookie"), read("private=\"set-cookie\""));
        assert_eq!(read("x=\"a\\b\""), read("x=ab"));
    }

    #[test]
    fn an_overflow_is_the_greatest_number() {
        for digits in ["2147483648", "2147483649", "4294967296", "99999999999999999999999"] {
            assert_eq!(read(&format!("max-age={digits}")).max_age, Some(MAX_SECONDS));
        }
        assert_eq!(read("max-age=2147483647").max_age, Some(MAX_SECONDS - 1));
        assert_eq!(read("max-age=00060").max_age, Some(60));
    }

    #[test]
    fn a_freshness_that_is_no_number_is_stale() {
        for argument in ["=-1", "=1.5", "=x", "=", "", "=\"\"", "= 5", "=5 5", "=\"5", "=+5", "=٣"] {
            assert_eq!(read(&format!("max-age{argument}")).max_age, Some(0), "{argument}");
            assert_eq!(read(&format!("s-maxage{argument}")).s_maxage, Some(0), "{argument}");
        }
    }

    #[test]
    fn another_number_that_cannot_be_read_is_absent() {
        let field = read("stale-while-revalidate=x, stale-if-error, max-stale=x, min-fresh=-1");
        assert!(field.is_empty());
        assert_eq!(read("max-stale").max_stale, Some(MaxStale::Any));
    }

    #[test]
    fn of_two_numbers_the_first_wins() {
        assert_eq!(read("max-age=1, max-age=2").max_age, Some(1));
        assert_eq!(read("max-age=x, max-age=2").max_age, Some(0));
        assert_eq!(read("x=1, X=2").to_string(), "x=1");
    }

    #[test]
    fn of_two_scopes_the_wider_wins() {
        assert_eq!(read("private=\"a\", private").private, Some(Scope::Everything));
        assert_eq!(read("private, private=\"a\"").private, Some(Scope::Everything));
        assert_eq!(read("private=\"a\", private=\"b\"").to_string(), "private=\"a, b\"");
    }

    #[test]
    fn a_list_of_fields_that_cannot_be_read_is_everything() {
        for field in
            ["no-cache=\"\"", "no-cache=\"a b\"", "no-cache=\"a, b c\"", "no-cache=", "no-cache=\",\""]
        {
            assert_eq!(read(field).no_cache, Some(Scope::Everything), "{field}");
        }
    }

    #[test]
    fn commas_in_quotes_do_not_separate() {
        assert_eq!(
            read("a=\"x, no-store\", b=\"\\\", no-store\"").to_string(),
            "a=\"x, no-store\", b=\"\\\", no-store\""
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_hides_nothing() {
        let field = read("max-age=60, a=\"x, no-store");
        assert!(field.no_store);
        assert_eq!(field.max_age, Some(60));
    }

    #[test]
    fn malformed_elements_are_passed_over() {
        assert!(read(",, ,=,=x,\"\",a b,é,x=\u{1},\\").is_empty());
        assert_eq!(read(" ,\t no-store \t,").to_string(), "no-store");
        assert!(read("no-store =x").no_store);
    }

    #[test]
    fn nothing_that_splits_a_header_is_written() {
        let field = read("x=\"a\r\nset-cookie: y\", private=\"a\r\nb\"");
        assert_eq!(field.to_string(), "private");
    }

    #[test]
    fn further_lines_are_added() {
        let mut field = read("max-age=1");
        field.add_field("no-cache, max-age=2");
        assert_eq!(field, read("max-age=1, no-cache"));
    }

    #[test]
    fn configuration_is_told_what_is_wrong() {
        for (text, want) in [
            ("max-age=-1", "max-age has the argument \"-1\": give a whole number of seconds, 0 or more"),
            ("max-age", "max-age has no argument: give a whole number of seconds, 0 or more"),
            ("public=1", "public has the argument \"1\": it takes none"),
            (
                "no-cache=\"a b\"",
                "no-cache has the argument \"a b\": give none, or field names in quotes such as \"Set-Cookie\"",
            ),
            ("max_age=1", "max_age is no known directive: did you mean max-age?"),
            ("maxage=1", "maxage is no known directive: did you mean max-age?"),
            ("s-max-age=1", "s-max-age is no known directive: did you mean s-maxage?"),
            ("nostore", "nostore is no known directive: did you mean no-store?"),
            ("max-age=1, Max-Age=2", "Max-Age is given twice"),
            ("max-age = 1", "\"max-age = 1\" is no directive: write `name`, `name=token` or `name=\"text\"`"),
            ("a b", "\"a b\" is no directive: write `name`, `name=token` or `name=\"text\"`"),
            ("x=\"a", "\"x=\\\"a\" is no directive: write `name`, `name=token` or `name=\"text\"`"),
            ("x=\"\u{1}\"", "x has the argument \"\\u{1}\": control characters cannot be in a header field"),
        ] {
            assert_eq!(refusal(text), want);
        }
        assert!("community=\"UCI\", x".parse::<CacheControl>().is_ok());
        assert!("".parse::<CacheControl>().is_ok_and(|read| read.is_empty()));
    }

    #[test]
    fn of_thousands_of_unknown_directives_the_first_are_kept() {
        let field = (0..100_000).fold(String::new(), |all, number| all + &format!("x{number},"));
        assert_eq!(read(&(field + "no-store")).extensions.iter().len(), MAX_EXTENSIONS);
    }

    #[test]
    fn contradictions_are_told() {
        for (field, want) in [
            ("no-store, max-age=60", "no-store forbids keeping the response, so max-age=60 is never used"),
            ("no-store, public", "no-store forbids keeping the response, and public allows everybody to"),
            ("no-store, immutable", "no-store forbids keeping the response, so immutable is never used"),
            (
                "private, public",
                "private keeps shared caches from storing the response, and public allows them to",
            ),
            (
                "private, s-maxage=5",
                "private keeps shared caches from storing the response, so s-maxage=5 is never used",
            ),
            (
                "private, proxy-revalidate",
                "private keeps shared caches from storing the response, so proxy-revalidate is never used",
            ),
            ("no-cache, max-age=60", "no-cache makes every use a revalidation, so max-age=60 is never used"),
            (
                "no-cache, immutable",
                "no-cache makes every use a revalidation, and immutable forbids revalidation",
            ),
            (
                "must-revalidate, max-age=1, stale-if-error=9",
                "must-revalidate forbids every use of a stale response, so stale-if-error=9 is never used",
            ),
            ("immutable", "immutable holds while the response is fresh, and no max-age makes it fresh"),
            (
                "immutable, max-age=0",
                "immutable holds while the response is fresh, and no max-age makes it fresh",
            ),
            (
                "only-if-cached, no-cache",
                "only-if-cached asks for a stored response, and no-cache refuses one",
            ),
            (
                "only-if-cached, public",
                "only-if-cached is a directive of requests and public one of responses",
            ),
        ] {
            assert_eq!(read(field).contradictions(), [want], "{field}");
        }
    }

    #[test]
    fn what_is_only_said_twice_is_no_contradiction() {
        for field in [
            "",
            "max-age=0, no-cache, no-store, must-revalidate, private",
            "public, max-age=31536000, immutable",
            "s-maxage=60, stale-while-revalidate=300, stale-if-error=86400",
            "must-understand, no-store, max-age=60",
            "no-cache=\"set-cookie\", max-age=60",
            "private=\"set-cookie\", s-maxage=60, public",
            "max-stale=60, min-fresh=5, no-transform",
        ] {
            assert!(read(field).contradictions().is_empty(), "{field}");
        }
    }

    fn field() -> impl Strategy<Value = String> {
        let argument = prop_oneof![
            Just(String::new()),
            "=[0-9]{0,12}",
            "=-?[a-z]{0,3}",
            "=\"[a-zA-Z, \\\\\"=]{0,9}\"?",
        ];
        let name = prop_oneof![
            proptest::sample::select(KNOWN.map(|(name, _)| name.to_owned()).to_vec()),
            "[a-zA-Z-]{1,5}",
            "\\PC{0,3}",
        ];
        let element = (name, argument).prop_map(|(name, argument)| name + &argument);
        proptest::collection::vec(element, 0..8).prop_map(|elements| elements.join(", "))
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again(field in prop_oneof![field(), any::<String>()]) {
            let once = read(&field);
            prop_assert_eq!(&read(&once.to_string()), &once);
            prop_assert_eq!(CacheControl::has_no_store(&field), once.no_store);
            prop_assert_eq!(CacheControl::has_no_transform(&field), once.no_transform);
            prop_assert!(once.to_string().bytes().all(is_field_text));
        }

        #[test]
        fn what_configuration_accepts_is_read_alike_off_the_wire(field in field()) {
            if let Ok(strict) = field.parse::<CacheControl>() {
                prop_assert_eq!(strict, read(&field));
            }
        }
    }
}

//! Access-log formats: compiled from the server's own notation, or recognised from lines.
//!
//! | notation | written in |
//! | --- | --- |
//! | `%(h)s "%(r)s" %({etag}o)s` | Gunicorn's `access_log_format` |
//! | `$remote_addr "$request" $sent_http_etag` | nginx's `log_format` |
//! | `combined`, `common`, `notmodified`, `json` | a name |
//!
//! # Ambiguity
//!
//! Gunicorn writes `"` in a value as `\"` but leaves a backslash alone, so `evil\" "` may be a value that ends
//! with a backslash or one that goes on. The first quote with no backslash before it ends the value, unless
//! the line then makes no sense; if it makes sense both ways it is counted as ambiguous. So is a line with text
//! outside of quotes that may end in several places.
//!
//! An `access_log_format` that looks like JSON is none as soon as somebody sends a backslash. Lines that are no
//! JSON are read by the shape of those that are.

use std::fmt;

use memchr::memmem::Finder;

use super::json::Keys;
use super::lines::Line;
use super::record::{Escaping, Field, Record, is_method, latin_1};
use super::time;

/// What the configuration module of the Python package writes.
pub const NOTMODIFIED: &str = concat!(
    r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#,
    r#" if_none_match="%({http_if_none_match}e)s""#,
    r#" if_modified_since="%({http_if_modified_since}e)s""#,
    r#" if_match="%({http_if_match}e)s""#,
    r#" if_unmodified_since="%({http_if_unmodified_since}e)s""#,
    r#" etag="%({etag}o)s""#,
    r#" last_modified="%({last-modified}o)s""#,
    r#" cache_control="%({cache-control}o)s""#,
    " content_length=%({content-length}o)s",
    " result=%({notmodified.result}e)s",
    " us=%(D)s"
);

/// Gunicorn's default; Apache's and nginx's `combined` look the same.
pub const COMBINED: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;

/// The oldest of them.
pub const COMMON: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s"#;

/// Ways of reading a line that are tried. One field of 8 KiB, as servers allow, can't use them up.
const TRIES: u32 = 4096;

/// A format, ready to take lines apart.
#[derive(Debug)]
pub struct Format {
    /// What to call it: a name, or the notation it was compiled from.
    pub name: String,
    kind: Kind,
    prefix: Prefix,
}

#[derive(Debug)]
enum Kind {
    Pattern(Pattern),
    /// JSON, and how its lines would look if a server wrote them with an `access_log_format`.
    Json(Keys, Option<Pattern>),
}

#[derive(Debug)]
struct Pattern {
    first: Vec<u8>,
    parts: Vec<Part>,
    escaping: Escaping,
}

#[derive(Debug)]
struct Part {
    field: Field,
    /// Does it stand in quotes?
    quoted: bool,
    /// Is any value plausible?
    has_any: bool,
    /// What stands after it; nothing at the end of the line.
    then: Finder<'static>,
    /// The same to be found near.
    near: Near,
}

/// Why a format was refused: one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidFormat(pub(super) String);

impl fmt::Display for InvalidFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidFormat {}

/// What log collectors put before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Nothing.
    None,
    /// `Nov 24 13:00:00 host gunicorn[12]: ` of journalctl and syslog.
    Journal,
    /// `2026-11-24T13:00:00.0Z stdout F ` of container runtimes.
    Container,
    /// `2026-11-24T13:00:00.0Z ` of `kubectl logs --timestamps` and `docker logs --timestamps`.
    Timestamp,
    /// `[pod/web-0/gunicorn] ` of `kubectl logs --prefix`.
    Pod,
    /// `web-1  | ` of Docker Compose.
    Compose,
}

impl Prefix {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Journal, Self::Container, Self::Timestamp, Self::Pod, Self::Compose];

    /// The line without it; `None` if it is not there.
    fn strip(self, line: &[u8]) -> Option<&[u8]> {
        const NEAR: usize = 160;
        let near = line.get(..NEAR.min(line.len()))?;
        let after = |needle: &[u8]| {
            let at = memchr::memmem::find(near, needle)?;
            line.get(at + needle.len()..)
        };
        match self {
            Self::None => Some(line),
            Self::Journal => after(b"]: ").or_else(|| after(b": ")),
            Self::Container => after(b" stdout F ").or_else(|| after(b" stderr F ")),
            Self::Timestamp => {
                let end = memchr::memchr(b' ', near)?;
                let stamp = near.get(..end)?;
                (stamp.len() >= 20 && stamp.get(10) == Some(&b'T') && time::any(stamp).is_some())
                    .then(|| line.get(end + 1..))?
            }
            Self::Pod => near.starts_with(b"[pod/").then(|| after(b"] "))?,
            Self::Compose => after(b" | "),
        }
    }
}

impl Format {
    /// Compile a format: a name, Gunicorn's notation or nginx's.
    ///
    /// ```
    /// use notmodified::access_log::{Field, Format};
    ///
    /// let format = Format::compile(r#"%(h)s %(t)s "%(r)s" %(s)s %(D)s"#).unwrap();
    /// let mut room = Vec::new();
    /// let record = format.parse(br#"127.0.0.1 [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 304 1250"#, &mut room).unwrap();
    /// assert_eq!((record.status(), record.microseconds()), (Some(304), Some(1250)));
    /// assert!(Format::compile("%(h)s%(r)s").unwrap_err().to_string().contains("nothing between"));
    /// ```
    ///
    /// # Errors
    ///
    /// If the notation has no fields, two with nothing between them, or neither a status nor a request.
    pub fn compile(notation: &str) -> Result<Self, InvalidFormat> {
        let (notation, name) = match notation.trim() {
            "notmodified" => (NOTMODIFIED, "notmodified"),
            "gunicorn" | "default" => (COMBINED, "combined"),
            "combined" => return Ok(Self::compile("gunicorn")?.unsure()),
            "common" => (COMMON, "common"),
            "json" => return Self::json(&[]),
            written => (written, written),
        };
        let pattern = Pattern::compile(notation)?;
        let format = Self { name: name.to_owned(), kind: Kind::Pattern(pattern), prefix: Prefix::None };
        Ok(if name == "common" { format.unsure() } else { format })
    }

    /// The same where it is not known that Gunicorn wrote the lines.
    #[must_use]
    pub(super) const fn unsure(mut self) -> Self {
        if let Kind::Pattern(pattern) = &mut self.kind
            && matches!(pattern.escaping, Escaping::Gunicorn)
        {
            pattern.escaping = Escaping::Unsure;
        }
        self
    }

    /// A JSON format whose lines all have the shape of this one may be an `access_log_format`: the two readings.
    #[must_use]
    pub(super) fn shaped(self, line: &[u8]) -> Option<(Self, Self)> {
        let Kind::Json(keys, _) = self.kind else { return None };
        let shape = || Pattern::of(keys.shape(self.prefix.strip(line)?)?, Escaping::Gunicorn);
        let shaped = Self {
            name: "a JSON-shaped access_log_format".into(),
            kind: Kind::Pattern(shape()?),
            prefix: self.prefix,
        };
        let shape = shape();
        Some((Self { kind: Kind::Json(keys, shape), ..self }, shaped))
    }

    /// The format of JSON lines. `fields` says where the names are not the usual ones: a field's word (see
    /// [`Field::of_word`]) and the key, with dots for nested objects.
    ///
    /// # Errors
    ///
    /// If a word is none.
    pub fn json(fields: &[(String, String)]) -> Result<Self, InvalidFormat> {
        Ok(Self { name: "json".into(), kind: Kind::Json(Keys::new(fields)?, None), prefix: Prefix::None })
    }

    /// The same after what a log collector put before each line.
    #[must_use]
    pub fn after(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// What stands before each line.
    #[must_use]
    pub const fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// Take a line apart. `room` is where values are put that can't be read where they stand (JSON's).
    #[must_use]
    pub fn parse<'a>(&self, line: &'a [u8], room: &'a mut Vec<u8>) -> Option<Record<'a>> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = self.prefix.strip(line)?;
        match &self.kind {
            Kind::Pattern(pattern) => pattern.parse(line),
            Kind::Json(keys, None) => keys.parse(line, room),
            Kind::Json(keys, Some(shape)) => {
                let Some(mut record) = keys.parse(line, room) else { return shape.parse(line) };
                // Without a backslash both readings are the same.
                if memchr::memchr(b'\\', line).is_some() {
                    let other = shape.parse(line);
                    record.ambiguous = other.is_some_and(|other| {
                        other.ambiguous
                            || Field::ALL.iter().any(|field| other.value(*field) != record.value(*field))
                    });
                }
                Some(record)
            }
        }
    }

    /// The same into a record that is there, which is quicker for the lines that most are.
    pub(super) fn parse_into<'a>(
        &self,
        line: Line<'a>,
        room: &'a mut Vec<u8>,
        record: &mut Record<'a>,
    ) -> bool {
        if let (Kind::Pattern(pattern), Prefix::None, false) = (&self.kind, self.prefix, line.has_backslash)
            && pattern.is_plain(line.text, record)
        {
            return true;
        }
        self.parse(line.text, room).map(|read| *record = read).is_some()
    }

    /// Can a line of this format tell that? A JSON format can tell anything.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        match &self.kind {
            Kind::Pattern(pattern) => pattern.parts.iter().any(|part| part.field == field),
            Kind::Json(..) => true,
        }
    }

    /// Can it tell how long an exchange took?
    #[must_use]
    pub fn has_duration(&self) -> bool {
        [Field::Seconds, Field::Milliseconds, Field::Microseconds].iter().any(|field| self.has(*field))
    }
}

impl Pattern {
    fn compile(notation: &str) -> Result<Self, InvalidFormat> {
        let (pieces, escaping) = if notation.contains("%(") {
            (gunicorn(notation)?, Escaping::Gunicorn)
        } else {
            (nginx(notation), Escaping::Hexadecimal)
        };
        let Some(pattern) = Self::of(pieces, escaping) else {
            return Err(InvalidFormat(format!(
                "two fields have nothing between them, so nobody can tell where one ends: {notation}"
            )));
        };
        let has = |wanted: &[Field]| pattern.parts.iter().any(|part| wanted.contains(&part.field));
        if !has(&[Field::Status]) || !has(&[Field::RequestLine, Field::Path]) || !has(&[Field::Time]) {
            return Err(InvalidFormat(format!(
                "a format needs a time, a request and a status, such as `%(t)s \"%(r)s\" %(s)s`, `$time_local \
                 \"$request\" $status`, or one of the names combined, common, notmodified, json: {notation}"
            )));
        }
        Ok(pattern)
    }

    /// None if two fields have nothing between them.
    fn of(pieces: Vec<Piece>, escaping: Escaping) -> Option<Self> {
        let mut first = Vec::new();
        let mut parts: Vec<(Field, bool, Vec<u8>)> = Vec::new();
        for piece in pieces {
            match (piece, parts.last_mut()) {
                (Piece::Literal(text), None) => first.extend_from_slice(&text),
                (Piece::Literal(text), Some((_, _, then))) => then.extend_from_slice(&text),
                (Piece::Field(field), last) => {
                    let before = last.as_ref().map_or(&first, |(_, _, then)| then);
                    if last.is_some() && before.is_empty() {
                        return None;
                    }
                    let quoted = before.ends_with(b"\"");
                    parts.push((field, quoted, Vec::new()));
                }
            }
        }
        let parts = parts.into_iter().map(|(field, quoted, then)| Part {
            field,
            quoted: quoted && then.starts_with(b"\""),
            has_any: is_plausible(field, b" ") && is_plausible(field, b""),
            near: Near::new(&then),
            then: Finder::new(&then).into_owned(),
        });
        Some(Self { first, parts: parts.collect(), escaping })
    }

    /// Read a line without a backslash in which nothing is escaped and each value ends where it first may: no other
    /// reading comes before that one, and none beside it. Where this is false, [`Pattern::parse`] says what the line is.
    fn is_plain(&self, line: &[u8], record: &mut Record<'_>) -> bool {
        let Some((last, parts)) = self.parts.split_last() else { return false };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // No comparing with nothing: where pages are not there, processors take long to see that they need not be.
        let begins = self.first.is_empty() || line.starts_with(&self.first);
        if !begins || !line.is_ascii() {
            return false;
        }
        let mut start = self.first.len();
        for part in parts {
            let then = part.then.needle();
            let rest = line.get(start..).unwrap_or_default();
            // A time in its own brackets has blanks in it.
            let inner = match (part.field, rest.first()) {
                (Field::Time, Some(b'[')) => memchr::memchr(b']', rest),
                _ => Some(0),
            };
            let (Some(inner), true) = (inner, part.quoted || !may_have_anything(part.field)) else {
                return false;
            };
            let Some(end) = part.near.find(rest, inner, then) else { return false };
            if !part.has_any && !is_plausible(part.field, rest.get(..end).unwrap_or_default()) {
                return false;
            }
            record.set(part.field, start, start + end);
            start += end + then.len();
        }
        let Some(rest) = line.get(start..) else { return false };
        let then = last.then.needle();
        let Some(value) = (if then.is_empty() { Some(rest) } else { rest.strip_suffix(then) }) else {
            return false;
        };
        if last.quoted && memchr::memchr(b'"', value).is_some() || !is_plausible(last.field, value) {
            return false;
        }
        record.set(last.field, start, start + value.len());
        record.verbatim = true;
        true
    }

    fn parse<'a>(&self, line: &'a [u8]) -> Option<Record<'a>> {
        let mut record = Record::new(line, self.escaping);
        let start = line.starts_with(&self.first).then_some(self.first.len())?;
        let mut reading = Reading { line, tries: TRIES };
        if !reading.rest(&self.parts, start, &mut record) {
            return None;
        }
        // Where not all readings were tried, there may be another.
        record.ambiguous |= reading.tries == 0;
        if self.escaping == Escaping::Unsure && !line.is_ascii() {
            record.ambiguous |= self.parts.iter().any(|part| {
                let octets = record.raw(part.field).filter(|value| !value.is_ascii()).and_then(latin_1);
                part.field != Field::User
                    && octets.is_some_and(|octets| std::str::from_utf8(&octets).is_err())
            });
        }
        Some(record)
    }
}

/// One line being read.
struct Reading<'a> {
    line: &'a [u8],
    tries: u32,
}

impl Reading<'_> {
    /// Read the parts from here on to the end of the line.
    fn rest(&mut self, parts: &[Part], start: usize, record: &mut Record<'_>) -> bool {
        let Some((part, parts)) = parts.split_first() else { return start == self.line.len() };
        let ends = Ends::new(self.line, part, start, parts.is_empty(), record.escaping);
        let mut doubtful: smallvec::SmallVec<[usize; 4]> = smallvec::SmallVec::new();
        let mut found = false;
        for end in ends {
            if end.doubtful {
                doubtful.push(end.at);
                continue;
            }
            self.one(part, parts, (start, end.at), record, &mut found);
            // No quote past one that nothing escapes belongs to the value.
            if part.quoted || found && !may_have_anything(part.field) || record.ambiguous || self.tries == 0 {
                break;
            }
        }
        for at in doubtful {
            if record.ambiguous || self.tries == 0 {
                break;
            }
            self.one(part, parts, (start, at), record, &mut found);
        }
        found
    }

    /// Try one value: the reading, or another one.
    fn one(
        &mut self,
        part: &Part,
        parts: &[Part],
        (start, end): (usize, usize),
        record: &mut Record<'_>,
        found: &mut bool,
    ) {
        if *found {
            let mut another = Record::new(record.text, record.escaping);
            record.ambiguous |= self.part(part, parts, start, end, &mut another);
        } else {
            *found = self.part(part, parts, start, end, record);
        }
    }

    fn part(
        &mut self,
        part: &Part,
        parts: &[Part],
        start: usize,
        end: usize,
        record: &mut Record<'_>,
    ) -> bool {
        let plausible = self.line.get(start..end).is_some_and(|value| is_plausible(part.field, value));
        if !plausible || self.tries == 0 {
            return false;
        }
        self.tries -= 1;
        if !self.rest(parts, end + part.then.needle().len(), record) {
            return false;
        }
        record.set(part.field, start, end);
        true
    }
}

/// Where a value may end, nearest first.
struct Ends<'a> {
    line: &'a [u8],
    part: &'a Part,
    at: usize,
    last: bool,
    done: bool,
    escaping: Escaping,
    start: usize,
}

struct End {
    at: usize,
    /// Is there a backslash before the quote?
    doubtful: bool,
}

impl<'a> Ends<'a> {
    const fn new(line: &'a [u8], part: &'a Part, start: usize, last: bool, escaping: Escaping) -> Self {
        Self { line, part, at: start, last, done: false, escaping, start }
    }
}

impl Iterator for Ends<'_> {
    type Item = End;

    fn next(&mut self) -> Option<End> {
        if self.done {
            return None;
        }
        let then = self.part.then.needle();
        let at = if self.last {
            self.done = true;
            let end = self.line.len().checked_sub(then.len()).filter(|end| *end >= self.start)?;
            let value = self.line.get(self.start..end)?;
            let ends_before = self.part.quoted
                && memchr::memchr_iter(b'"', value).any(|at| !self.is_doubtful(self.start + at));
            (self.line.ends_with(then) && !ends_before).then_some(end)?
        } else {
            if self.at == self.start && self.part.field == Field::Time {
                match self.line.get(self.at)? {
                    // A time in its own brackets has blanks in it.
                    b'[' => self.at += memchr::memchr(b']', self.line.get(self.at..)?)?,
                    b'0'..=b'9' => {}
                    _ => return None,
                }
            }
            let rest = self.line.get(self.at..)?;
            let found = match then {
                [octet] => memchr::memchr(*octet, rest),
                _ => self.part.then.find(rest),
            };
            self.at + found?
        };
        self.at = at + 1;
        Some(End { at, doubtful: self.is_doubtful(at) })
    }
}

/// The start of a needle, as it is compared: eight octets at once, for there are two or three of most needles.
#[derive(Debug)]
struct Near {
    octets: u64,
    /// Those of the eight that there are.
    mask: u64,
}

/// The octets that [`Near`] has at the most.
const EIGHT: usize = 8;

impl Near {
    fn new(needle: &[u8]) -> Self {
        let mut octets = [0; EIGHT];
        let mut mask = [0; EIGHT];
        for ((octet, mask), own) in octets.iter_mut().zip(&mut mask).zip(needle) {
            (*octet, *mask) = (*own, u8::MAX);
        }
        Self { octets: u64::from_le_bytes(octets), mask: u64::from_le_bytes(mask) }
    }

    /// Where the needle is from there on.
    fn find(&self, text: &[u8], mut from: usize, needle: &[u8]) -> Option<usize> {
        let first = *needle.first()?;
        loop {
            let at = from + position(first, text.get(from..)?)?;
            let rest = text.get(at..)?;
            let is_it = match rest.first_chunk() {
                Some(eight) => {
                    u64::from_le_bytes(*eight) & self.mask == self.octets
                        && (needle.len() <= EIGHT || rest.starts_with(needle))
                }
                None => rest.starts_with(needle),
            };
            if is_it {
                return Some(at);
            }
            from = at + 1;
        }
    }
}

/// Octets in which [`position`] looks by itself.
const NEAR: usize = 16;

/// Where an octet is. Most values are short: they have ended before `memchr` has begun.
fn position(octet: u8, text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let mut at = 0;
    while at < NEAR
        && let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk)
    {
        // The first octet that is 0 here is the first that borrows.
        let differs = u64::from_le_bytes(*eight) ^ (ONES * u64::from(octet));
        let found = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr(octet, text.get(at..)?).map(|further| at + further)
}

impl Ends<'_> {
    /// May the quote there be one of the value?
    fn is_doubtful(&self, at: usize) -> bool {
        self.part.quoted
            && matches!(self.escaping, Escaping::Gunicorn | Escaping::Unsure)
            && at > self.start
            && self.line.get(at - 1) == Some(&b'\\')
    }
}

/// Can a value of that field have blanks in it, or whatever stands after it? A user can too, but the time that
/// follows tells where it ends.
const fn may_have_anything(field: Field) -> bool {
    !matches!(
        field,
        Field::Address
            | Field::User
            | Field::Time
            | Field::Method
            | Field::Protocol
            | Field::Status
            | Field::Bytes
            | Field::BytesWithHead
            | Field::Seconds
            | Field::Milliseconds
            | Field::Microseconds
            | Field::ContentLength
            | Field::Result
            | Field::Logname
            | Field::Number
            | Field::Other
    )
}

/// No time is shorter than seconds since 1970.
const LEAST_TIME: usize = 10;

/// Can this be a value of that field?
fn is_plausible(field: Field, value: &[u8]) -> bool {
    let is_number = || value == b"-" || !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    match field {
        Field::Status => value.len() == 3 && is_number() || value == b"-",
        Field::Bytes
        | Field::BytesWithHead
        | Field::Microseconds
        | Field::Milliseconds
        | Field::Number
        | Field::ContentLength => is_number() || value == b"None",
        Field::Seconds => {
            value == b"-"
                || !value.is_empty() && value.iter().all(|octet| octet.is_ascii_digit() || *octet == b'.')
        }
        // A user may be called `[x]`.
        Field::Time => {
            let inner = value.strip_prefix(b"[").unwrap_or(value);
            let inner = inner.strip_suffix(b"]").unwrap_or(inner);
            inner.len() >= LEAST_TIME
                && inner.first().is_some_and(u8::is_ascii_digit)
                // Letters, digits, a blank and `+,-./:`.
                && every(inner, |octet| {
                    (octet == b' ') | (octet.wrapping_sub(b'+') < 16) | ((octet | 32).wrapping_sub(b'a') < 26)
                })
        }
        Field::Address | Field::Logname => every(value, |octet| !matches!(octet, b' ' | b'"')),
        Field::Method => is_method(value) || value == b"-",
        _ => true,
    }
}

/// Are all octets such? Each is looked at, whatever comes: then processors look at many at a time, where they are as
/// many as fit. Most values are a little longer or shorter, so two halves that overlap are looked at.
fn every(octets: &[u8], is_such: impl Fn(u8) -> bool) -> bool {
    fn halves<const N: usize>(octets: &[u8]) -> Option<[&[u8; N]; 2]> {
        let halves = [octets.first_chunk()?, octets.last_chunk()?];
        (octets.len() <= 2 * N).then_some(halves)
    }
    if let Some(halves) = halves::<16>(octets) {
        halves.into_iter().flatten().fold(true, |all, octet| all & is_such(*octet))
    } else if let Some(halves) = halves::<8>(octets) {
        halves.into_iter().flatten().fold(true, |all, octet| all & is_such(*octet))
    } else {
        octets.iter().fold(true, |all, octet| all & is_such(*octet))
    }
}

pub(super) enum Piece {
    Literal(Vec<u8>),
    Field(Field),
}

/// Gunicorn's notation: Python's `%(name)s`.
fn gunicorn(notation: &str) -> Result<Vec<Piece>, InvalidFormat> {
    let mut pieces = Vec::new();
    let mut rest = notation;
    while let Some(at) = rest.find('%') {
        let (literal, from) = rest.split_at(at);
        pieces.push(Piece::Literal(literal.into()));
        let (piece, after) = if let Some(after) = from.strip_prefix("%%") {
            (Piece::Literal(b"%".to_vec()), after)
        } else {
            let atom = from.strip_prefix("%(").and_then(|from| from.split_once(')'));
            let Some((name, after)) = atom else {
                let what: String = from.chars().take(2).collect();
                return Err(InvalidFormat(format!("what is {what} in {notation}?")));
            };
            let mut conversion = after.chars();
            match conversion.next() {
                Some('s' | 'd' | 'r') => (Piece::Field(gunicorn_atom(name)), conversion.as_str()),
                _ => return Err(InvalidFormat(format!("after %({name}) there must be an s, in {notation}"))),
            }
        };
        pieces.push(piece);
        rest = after;
    }
    pieces.push(Piece::Literal(rest.into()));
    Ok(pieces)
}

fn gunicorn_atom(name: &str) -> Field {
    match name {
        "h" => Field::Address,
        "l" => Field::Logname,
        "u" => Field::User,
        "t" => Field::Time,
        "r" => Field::RequestLine,
        "m" => Field::Method,
        "U" => Field::Path,
        "q" => Field::Query,
        "H" => Field::Protocol,
        "s" => Field::Status,
        "b" | "B" => Field::Bytes,
        "f" => Field::Referer,
        "a" => Field::UserAgent,
        "T" | "L" => Field::Seconds,
        "M" => Field::Milliseconds,
        "D" => Field::Microseconds,
        _ => {
            let kind = name.chars().last();
            let inner = name
                .strip_prefix('{')
                .and_then(|name| name.split_once('}'))
                .map(|(inner, _)| inner.to_ascii_lowercase());
            match (inner, kind) {
                (Some(name), Some('i')) => request_field(&name),
                (Some(name), Some('o')) => response_field(&name),
                (Some(name), Some('e')) => match name.strip_prefix("http_") {
                    Some(field) => request_field(&field.replace('_', "-")),
                    None => match name.as_str() {
                        "notmodified.result" => Field::Result,
                        "unit-unknown" => Field::Number,
                        "remote_addr" => Field::Address,
                        "remote_user" => Field::User,
                        "path_info" | "raw_uri" => Field::Path,
                        "query_string" => Field::Query,
                        "request_method" => Field::Method,
                        "server_protocol" => Field::Protocol,
                        _ => Field::Other,
                    },
                },
                _ => Field::Other,
            }
        }
    }
}

fn request_field(name: &str) -> Field {
    match name {
        "if-none-match" => Field::IfNoneMatch,
        "if-modified-since" => Field::IfModifiedSince,
        "if-match" => Field::IfMatch,
        "if-unmodified-since" => Field::IfUnmodifiedSince,
        "user-agent" => Field::UserAgent,
        "referer" => Field::Referer,
        "x-forwarded-for" | "x-real-ip" => Field::ForwardedFor,
        "host" => Field::Host,
        _ => Field::Other,
    }
}

fn response_field(name: &str) -> Field {
    match name {
        "etag" => Field::Etag,
        "last-modified" => Field::LastModified,
        "cache-control" => Field::CacheControl,
        "content-length" => Field::ContentLength,
        "content-encoding" => Field::ContentEncoding,
        "content-type" => Field::ContentType,
        "vary" => Field::Vary,
        _ => Field::Other,
    }
}

/// nginx's notation: `$name` and `${name}`.
fn nginx(notation: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = notation;
    while let Some(at) = rest.find('$') {
        let (literal, from) = rest.split_at(at);
        pieces.push(Piece::Literal(literal.into()));
        let from = from.get(1..).unwrap_or_default();
        let braced = from.strip_prefix('{').and_then(|from| from.split_once('}'));
        let (name, after) = braced.unwrap_or_else(|| {
            from.split_at(from.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(from.len()))
        });
        pieces.push(Piece::Field(nginx_variable(name)));
        rest = after;
    }
    pieces.push(Piece::Literal(rest.into()));
    pieces
}

fn nginx_variable(name: &str) -> Field {
    match name {
        "remote_addr" | "realip_remote_addr" => Field::Address,
        "remote_user" => Field::User,
        "time_local" | "time_iso8601" | "msec" => Field::Time,
        "request" => Field::RequestLine,
        "request_method" => Field::Method,
        "request_uri" | "uri" | "document_uri" => Field::Path,
        "args" | "query_string" => Field::Query,
        "server_protocol" => Field::Protocol,
        "status" => Field::Status,
        "body_bytes_sent" => Field::Bytes,
        "bytes_sent" => Field::BytesWithHead,
        "request_time" => Field::Seconds,
        "host" | "http_host" => Field::Host,
        _ => {
            let dashed = |name: &str| name.replace('_', "-");
            if let Some(name) = name.strip_prefix("http_") {
                request_field(&dashed(name))
            } else if let Some(name) = name.strip_prefix("sent_http_") {
                response_field(&dashed(name))
            } else {
                Field::Other
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_ends_a_value_is_found_where_it_first_stands(
            text in prop::collection::vec(prop_oneof![3 => Just(b' '), 1 => Just(b'"'), 4 => any::<u8>()], 0..80),
            needle in prop::collection::vec(prop_oneof![Just(b' '), Just(b'"')], 1..12),
            from in 0_usize..80,
        ) {
            let from = from.min(text.len());
            let further = memchr::memmem::find(&text[from..], &needle).map(|at| from + at);
            prop_assert_eq!(Near::new(&needle).find(&text, from, &needle), further);
            for octet in [b' ', b'"', 0, 0x80, 0xff] {
                prop_assert_eq!(position(octet, &text), memchr::memchr(octet, &text));
            }
        }
    }
}

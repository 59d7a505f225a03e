//! One line of an access log, taken apart but not copied.

use std::borrow::Cow;

/// What a log may say of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Field {
    /// The client's address.
    Address,
    /// The address that a proxy in front saw, as the log has it: `X-Forwarded-For`.
    ForwardedFor,
    /// The authenticated user.
    User,
    /// When it was: the end of the exchange for Gunicorn and nginx.
    Time,
    /// Method, target and protocol in one.
    RequestLine,
    /// The method.
    Method,
    /// The path, where it stands alone.
    Path,
    /// The query, where it stands alone.
    Query,
    /// The protocol's version.
    Protocol,
    /// The status.
    Status,
    /// Bytes of content that were sent, as the server counted them.
    Bytes,
    /// Bytes with the head.
    BytesWithHead,
    /// The Referer.
    Referer,
    /// The User-Agent.
    UserAgent,
    /// How long it took, in seconds with or without a fraction.
    Seconds,
    /// How long it took, in milliseconds.
    Milliseconds,
    /// How long it took, in microseconds.
    Microseconds,
    /// If-None-Match of the request.
    IfNoneMatch,
    /// If-Modified-Since of the request.
    IfModifiedSince,
    /// If-Match of the request.
    IfMatch,
    /// If-Unmodified-Since of the request.
    IfUnmodifiedSince,
    /// ETag of the response.
    Etag,
    /// Last-Modified of the response.
    LastModified,
    /// Cache-Control of the response.
    CacheControl,
    /// Content-Length of the response.
    ContentLength,
    /// Content-Encoding of the response.
    ContentEncoding,
    /// Content-Type of the response.
    ContentType,
    /// Vary of the response.
    Vary,
    /// The word that the middleware left.
    Result,
    /// The Host.
    Host,
    /// The name that identd gave, one word: read over.
    Logname,
    /// A number whose unit nobody knows: read over.
    Number,
    /// Anything else: read over.
    Other,
}

/// How many there are.
pub(super) const FIELDS: usize = Field::Other as usize + 1;

/// How a value was made safe to stand in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escaping {
    /// As JSON has it, which is undone when it is read.
    Json,
    /// Gunicorn: `"` became `\"`, a backslash stayed one, and an octet above 127 became that character of
    /// Latin-1, in UTF-8.
    Gunicorn,
    /// As Gunicorn does, or the octets as they came: the format is written by other servers too.
    Unsure,
    /// nginx and Apache: octets became `\xHH`, `\"`, `\\` and the like.
    Hexadecimal,
}

/// A line, taken apart. Its values are octets: what a client sends need not be text.
#[derive(Debug)]
pub struct Record<'a> {
    pub(super) text: &'a [u8],
    pub(super) spans: [(u32, u32); FIELDS],
    pub(super) escaping: Escaping,
    /// Does each value stand there as it was?
    pub(super) verbatim: bool,
    /// Could the line be read in another way too?
    pub ambiguous: bool,
}

/// No value can start there.
const ABSENT: (u32, u32) = (u32::MAX, 0);

impl<'a> Record<'a> {
    pub(super) const fn new(text: &'a [u8], escaping: Escaping) -> Self {
        Self { text, spans: [ABSENT; FIELDS], escaping, verbatim: false, ambiguous: false }
    }

    pub(super) const fn set(&mut self, field: Field, start: usize, end: usize) {
        #[allow(clippy::cast_possible_truncation, reason = "lines are bounded, see scan::MAX_LINE")]
        let span = (start as u32, end as u32);
        self.spans[field as usize] = span;
    }

    /// The value as it stands in the line; `None` if the format has none or it is `-`.
    #[must_use]
    pub fn raw(&self, field: Field) -> Option<&'a [u8]> {
        let (start, end) = self.spans[field as usize];
        self.text.get(start as usize..end as usize).filter(|value| *value != b"-" && !value.is_empty())
    }

    /// The value as it was before it was put in the line.
    #[must_use]
    pub fn value(&self, field: Field) -> Option<Cow<'a, [u8]>> {
        // Gunicorn decodes a user's name, unlike everything else.
        let escaping = match (field, self.escaping) {
            (Field::User, Escaping::Gunicorn) => Escaping::Unsure,
            (_, escaping) => escaping,
        };
        self.raw(field).map(|value| self.plain(value, escaping))
    }

    fn plain(&self, value: &'a [u8], escaping: Escaping) -> Cow<'a, [u8]> {
        if self.verbatim { Cow::Borrowed(value) } else { plain(value, escaping) }
    }

    /// The method and the target, from wherever the format has them.
    #[must_use]
    pub fn method_and_target(&self) -> Option<(&'a [u8], Cow<'a, [u8]>)> {
        if let Some(line) = self.raw(Field::RequestLine) {
            let method_end = memchr::memchr(b' ', line)?;
            let (method, rest) = (line.get(..method_end)?, line.get(method_end + 1..)?);
            // HTTP/0.9 and what is no HTTP have no version; a target may have blanks in a hostile line.
            let target = match memchr::memrchr(b' ', rest) {
                Some(end) if rest.get(end + 1..)?.starts_with(b"HTTP/") => rest.get(..end)?,
                _ => rest,
            };
            return is_method(method).then(|| (method, self.plain(target, self.escaping)));
        }
        let method = self.raw(Field::Method).filter(|method| is_method(method))?;
        let path = self.value(Field::Path)?;
        let target = match self.value(Field::Query) {
            Some(query) if memchr::memchr(b'?', &path).is_none() => {
                let mut target = path.into_owned();
                if !query.starts_with(b"?") {
                    target.push(b'?');
                }
                target.extend_from_slice(&query);
                Cow::Owned(target)
            }
            _ => path,
        };
        Some((method, target))
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let status = self.number(Field::Status)?;
        u16::try_from(status).ok().filter(|status| (100..=999).contains(status))
    }

    /// Bytes of content that were sent. Gunicorn counts none of a file that it gives to sendfile, and its
    /// `gevent_pywsgi` worker counts the head too, so a Content-Length is believed where the log has one, but not
    /// of answers that have no content.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.bytes_of(self.status())
    }

    /// The same where the status is known.
    pub(super) fn bytes_of(&self, status: Option<u16>) -> Option<u64> {
        let counted = self.number(Field::Bytes);
        if status.is_none_or(|status| matches!(status, 100..=199 | 204 | 304)) {
            return counted;
        }
        match (counted, self.number(Field::ContentLength)) {
            (Some(counted @ 1..), Some(length)) => Some(counted.min(length)),
            (_, Some(length)) => Some(length),
            (counted, None) => counted,
        }
    }

    /// How long it took, in microseconds, by the finest that the log has.
    #[must_use]
    pub fn microseconds(&self) -> Option<u64> {
        if let Some(microseconds) = self.number(Field::Microseconds) {
            return Some(microseconds);
        }
        if let Some(seconds) = self.raw(Field::Seconds) {
            return decimal(seconds);
        }
        self.number(Field::Milliseconds).and_then(|milliseconds| milliseconds.checked_mul(1000))
    }

    fn number(&self, field: Field) -> Option<u64> {
        number(self.raw(field)?)
    }
}

pub(super) fn is_method(method: &[u8]) -> bool {
    method == b"GET" || !method.is_empty() && method.len() <= 32 && crate::http::field::is_token(method)
}

fn number(digits: &[u8]) -> Option<u64> {
    // All of so many digits fit.
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        Some(number * 10 + u64::from(digit))
    })
}

/// Seconds with a fraction, in microseconds.
fn decimal(text: &[u8]) -> Option<u64> {
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(point) => (text.get(..point)?, text.get(point + 1..)?),
        None => (text, &b""[..]),
    };
    let mut micros = fraction.iter().chain(std::iter::repeat(&b'0')).take(6);
    let micros = micros.try_fold(0_u64, |number, digit| {
        Some(number * 10 + u64::from(digit.checked_sub(b'0').filter(|digit| *digit <= 9)?))
    })?;
    number(whole)?.checked_mul(1_000_000)?.checked_add(micros)
}

/// Undo what the server did to a value.
fn plain(value: &[u8], escaping: Escaping) -> Cow<'_, [u8]> {
    let text = unescape(value, escaping);
    if escaping == Escaping::Hexadecimal || text.is_ascii() {
        return text;
    }
    match latin_1(&text) {
        Some(octets) if escaping == Escaping::Gunicorn || std::str::from_utf8(&octets).is_ok() => {
            Cow::Owned(octets)
        }
        _ => text,
    }
}

/// The octets of a text whose characters are all of Latin-1: what WSGI takes octets for (PEP 3333).
pub(super) fn latin_1(text: &[u8]) -> Option<Vec<u8>> {
    std::str::from_utf8(text).ok()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn unescape(value: &[u8], escaping: Escaping) -> Cow<'_, [u8]> {
    if escaping == Escaping::Json || memchr::memchr(b'\\', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match (escaping, octet, after) {
            (_, b'\\', [b'"', more @ ..]) => {
                plain.push(b'"');
                rest = more;
            }
            // `\u00HH` is how nginx's escape=json writes control characters.
            (
                Escaping::Hexadecimal,
                b'\\',
                [b'x', high, low, more @ ..] | [b'u', b'0', b'0', high, low, more @ ..],
            ) => match (hexadecimal(*high), hexadecimal(*low)) {
                (Some(high), Some(low)) => {
                    plain.push(high << 4 | low);
                    rest = more;
                }
                _ => plain.push(octet),
            },
            (Escaping::Hexadecimal, b'\\', [escaped @ (b'\\' | b'/'), more @ ..]) => {
                plain.push(*escaped);
                rest = more;
            }
            (
                Escaping::Hexadecimal,
                b'\\',
                [escaped @ (b'n' | b't' | b'r' | b'b' | b'f' | b'v'), more @ ..],
            ) => {
                plain.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    _ => 0x0b,
                });
                rest = more;
            }
            _ => plain.push(octet),
        }
    }
    Cow::Owned(plain)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gunicorn_escapes_quotes_alone() {
        assert_eq!(*unescape(br#"a\"b\x41\\"#, Escaping::Gunicorn), *br#"a"b\x41\\"#);
    }

    #[test]
    fn gunicorn_writes_octets_as_characters_of_latin_1() {
        let (utf_8, broken) = ("M\u{c3}\u{bc}ller".as_bytes(), "\u{fc}\u{ff}".as_bytes());
        for escaping in [Escaping::Gunicorn, Escaping::Unsure, Escaping::Json] {
            assert_eq!(*plain(utf_8, escaping), *"Müller".as_bytes());
        }
        assert_eq!(*plain(broken, Escaping::Gunicorn), *b"\xfc\xff");
        assert_eq!(*plain(broken, Escaping::Unsure), *broken);
        assert_eq!(*plain("漢\u{fc}".as_bytes(), Escaping::Gunicorn), *"漢\u{fc}".as_bytes());
    }

    #[test]
    fn nginx_escapes_octets() {
        assert_eq!(*unescape(br"a\x22b\xC3\xBC\\\x", Escaping::Hexadecimal), *b"a\"b\xc3\xbc\\\\x");
    }

    #[test]
    fn seconds_have_six_places_at_the_most() {
        assert_eq!(decimal(b"1.5"), Some(1_500_000));
        assert_eq!(decimal(b"0.0123456789"), Some(12_345));
        assert_eq!(decimal(b"3"), Some(3_000_000));
        assert_eq!(decimal(b"1.x"), None);
        assert_eq!(decimal(b"-1"), None);
    }
}

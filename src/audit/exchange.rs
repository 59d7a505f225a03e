//! A recording: requests, what came back, when, and over which connection.
//!
//! Its JSON form has a number, [`SCHEMA`]. Field names and values are text of one character an octet (latin-1),
//! as http clients and WSGI servers have them. A body is `text` where it is UTF-8, else `base64`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::probe::Probe;
use crate::http::date::HttpDate;
use crate::http::field::is_name;

/// The number of the JSON form.
pub const SCHEMA: u32 = 1;

/// All that was recorded.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Recording {
    /// The number of the form, [`SCHEMA`].
    pub schema: u32,
    /// Who made it.
    #[serde(default)]
    pub made_by: String,
    /// Where was asked, the innermost first, the URL's own place last.
    pub hops: Vec<Hop>,
    /// What was looked at.
    pub pages: Vec<Page>,
    /// In the order in which they were made.
    pub exchanges: Vec<Exchange>,
}

/// A place at which the same URL was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Hop {
    /// What people call it: `origin`, `via edge:80`, `client`, `app`.
    pub name: String,
    /// Its address; `None` for that of the URL, and in-process.
    #[serde(default)]
    pub address: Option<String>,
}

/// A URL that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Page {
    /// The URL after redirects, without fragment.
    pub url: String,
    /// The page that links to it, where it was found by crawling.
    #[serde(default)]
    pub found_on: Option<String>,
    /// It is no document but a part of one: a style sheet, a script, an image.
    #[serde(default)]
    pub is_asset: bool,
}

/// One request, and what came of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Exchange {
    /// The page that it was made for.
    pub url: String,
    /// The name of the hop that was asked.
    pub hop: String,
    /// The content coding that was asked for: `identity`, `gzip`, `br`, `zstd`.
    pub coding: String,
    /// What it was sent for.
    pub probe: Probe,
    /// When, in milliseconds since 1970.
    #[serde(default)]
    pub at: i64,
    /// What was sent.
    pub request: Request,
    /// What came back, if a head did.
    #[serde(default)]
    pub response: Option<Response>,
    /// What went wrong.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// How long it took.
    #[serde(default)]
    pub timings: Timings,
    /// Over which connection.
    #[serde(default)]
    pub connection: Connection,
}

/// A request's head; bodies are not kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target as it was sent.
    pub target: String,
    /// All fields, in their order.
    pub fields: Fields,
}

/// A response.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    #[serde(default)]
    pub reason: String,
    /// All fields, in their order.
    pub fields: Fields,
    /// The content as it was sent, its coding not undone.
    #[serde(default)]
    pub body: Body,
}

/// Header fields: names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The values of the lines of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| is_name(found, name)).map(|(_, value)| value.trim())
    }

    /// The value of the first line of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| is_name(found, name)).map(|(_, value)| value.trim())
    }

    /// The values of all lines of this name, joined by commas; `None` if there is none.
    #[must_use]
    pub fn joined(&self, name: &str) -> Option<String> {
        let lines: Vec<&str> = self.all(name).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// Is there such a line?
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A body, as far as it was kept.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(from = "WrittenBody", into = "WrittenBody")]
pub struct Body {
    /// The octets that were kept, from the start.
    pub kept: Vec<u8>,
    /// How many there were.
    pub length: u64,
    /// It came to its end: none is missing that the framing promised, and no limit cut it.
    pub is_whole: bool,
    /// A digest of all octets that came, whatever its kind: equal for equal bodies.
    pub digest: String,
}

impl Body {
    /// Is it the same content as another body, as far as both are known?
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (this, other_kept) = (&self.kept, &other.kept);
        self.length == other.length && this == other_kept && self.digest == other.digest
    }
}

#[derive(Deserialize, Serialize)]
struct WrittenBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(default)]
    length: u64,
    #[serde(default)]
    is_whole: bool,
    #[serde(default)]
    digest: String,
}

impl From<WrittenBody> for Body {
    fn from(written: WrittenBody) -> Self {
        let kept = match (written.text, written.base64) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).unwrap_or_default(),
            (None, None) => Vec::new(),
        };
        Self { kept, length: written.length, is_whole: written.is_whole, digest: written.digest }
    }
}

impl From<Body> for WrittenBody {
    fn from(body: Body) -> Self {
        let Body { kept, length, is_whole, digest } = body;
        let (text, base64) = match String::from_utf8(kept) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        Self { text, base64, length, is_whole, digest }
    }
}

/// What went wrong while asking.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Trouble {
    /// Its kind.
    pub kind: TroubleKind,
    /// What the client said of it.
    #[serde(default)]
    pub says: String,
}

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleKind {
    /// The name has no address.
    Dns,
    /// Nobody takes the connection.
    Connect,
    /// No TLS, or a certificate that is not to be trusted.
    Tls,
    /// Nothing came, or no more, for too long.
    Timeout,
    /// The connection was reset or closed before there was an answer.
    Reset,
    /// The answer makes no sense as HTTP, or its head is too long.
    Malformed,
    /// The body ended before its framing says it does.
    Truncated,
    /// A limit of the checker's cut it: body too long, too slow.
    Limit,
    /// Redirected in a loop, too often, or to somewhere that is not asked.
    Redirects,
    /// In-process: the application raised.
    Raised,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

/// Times in milliseconds; `None` where it did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Timings {
    /// Looking up the name.
    pub dns: Option<f64>,
    /// Connecting.
    pub connect: Option<f64>,
    /// The handshake of TLS.
    pub tls: Option<f64>,
    /// From the request to the first octet of the response.
    pub first_byte: Option<f64>,
    /// From the request to the last.
    pub total: Option<f64>,
}

/// The connection of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Connection {
    /// Its number; 0 where there is none.
    pub number: u32,
    /// How many exchanges it carried before.
    pub served: u32,
    /// Octets that came after the end of the response, latin-1, at most the first few.
    pub left_over: String,
    /// The server closed it after the response, without saying so.
    pub closed: bool,
}

/// Why some text is no recording.
#[derive(Debug)]
pub enum InvalidRecording {
    /// It is no JSON of that form.
    Form(serde_json::Error),
    /// It is of a form with another number.
    Schema(u64),
}

impl std::fmt::Display for InvalidRecording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Form(error) => write!(f, "it is no recording of notmodified check: {error}"),
            Self::Schema(number) => {
                write!(f, "it is a recording of form {number}, and this version reads form {SCHEMA}")
            }
        }
    }
}

impl std::error::Error for InvalidRecording {}

impl Recording {
    /// Read a recording.
    ///
    /// # Errors
    ///
    /// If it is none, or of another form.
    pub fn from_json(text: &str) -> Result<Self, InvalidRecording> {
        #[derive(Deserialize)]
        struct Numbered {
            schema: u64,
        }
        let numbered: Numbered = serde_json::from_str(text).map_err(InvalidRecording::Form)?;
        if numbered.schema != u64::from(SCHEMA) {
            return Err(InvalidRecording::Schema(numbered.schema));
        }
        serde_json::from_str(text).map_err(InvalidRecording::Form)
    }
}

impl Exchange {
    /// The response, if it came to its end.
    #[must_use]
    pub fn answer(&self) -> Option<&Response> {
        self.response.as_ref().filter(|_| self.trouble.is_none())
    }

    /// The status of the response, if it came to its end.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.answer().map(|response| response.status)
    }

    /// The time of the request, for dates.
    #[must_use]
    pub fn date(&self) -> HttpDate {
        HttpDate::from_unix(self.at.div_euclid(1000)).unwrap_or(EPOCH)
    }
}

pub(super) const EPOCH: HttpDate = match HttpDate::from_unix(0) {
    Some(date) => date,
    None => panic!("1970 is a year"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_or_base64_and_comes_back_as_it_was() {
        for kept in [&b"caf\xc3\xa9"[..], b"\x1f\x8b\xff\x00", b""] {
            let body = Body { kept: kept.to_vec(), length: 9, is_whole: true, digest: "d".into() };
            let written = serde_json::to_string(&body).unwrap();
            let back: Body = serde_json::from_str(&written).unwrap();
            assert_eq!((back.kept.as_slice(), back.length, back.is_whole), (kept, 9, true));
        }
    }

    #[test]
    fn a_recording_of_another_form_is_refused_by_its_number() {
        let says = |text: &str| Recording::from_json(text).unwrap_err().to_string();
        assert_eq!(says(r#"{"schema": 7}"#), "it is a recording of form 7, and this version reads form 1");
        assert!(
            says(r#"{"schema": 1}"#).starts_with("it is no recording of notmodified check: missing field")
        );
        assert!(says("[").starts_with("it is no recording"));
    }

    #[test]
    fn fields_are_found_in_any_letter_case_and_lines_joined() {
        let fields = Fields(vec![("vary".into(), "A".into()), ("Vary".into(), " B ".into())]);
        assert_eq!(fields.joined("VARY").as_deref(), Some("A, B"));
        assert_eq!(fields.get("Vary"), Some("A"));
        assert!(!fields.has("ETag"));
    }
}

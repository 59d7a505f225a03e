//! Content codings of files that were compressed beforehand, as siblings: `app.css.br` beside `app.css`.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::http::field::{elements, trim_ows};

/// A content coding (RFC 9110 §8.4.1, RFC 7932, RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// Brotli.
    Br,
    /// Zstandard.
    Zstd,
    /// Gzip.
    Gzip,
}

/// The level that gzip compresses best with, and the one of zstd that browsers still have the window for.
const GZIP_LEVEL: u32 = 9;
const ZSTD_LEVEL: i32 = 19;

impl Coding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Br, Self::Zstd, Self::Gzip];

    /// As Content-Encoding says it.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What follows the name of the file.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Br => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }

    /// The coding that a file's name tells, and the name of the file that it is a sibling of.
    #[must_use]
    pub fn of_sibling(name: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|coding| Some((coding, name.strip_suffix(coding.suffix())?)))
    }

    /// Read what was compressed.
    ///
    /// # Errors
    ///
    /// If there is no such decoder to be had.
    pub fn decoder<'r>(self, reader: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
        Ok(match self {
            Self::Br => Box::new(brotli_decompressor::Decompressor::new(reader, 64 << 10)),
            Self::Zstd => Box::new(zstd::Decoder::new(reader)?),
            Self::Gzip => Box::new(MultiGzDecoder::new(reader)),
        })
    }

    /// Compress some content, the same way each time. `None` for what can only be read here.
    #[must_use]
    pub fn encode(self, content: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Br => None,
            Self::Zstd => zstd::encode_all(content, ZSTD_LEVEL).ok(),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
                encoder.write_all(content).ok()?;
                encoder.finish().ok()
            }
        }
    }
}

/// What a request's Accept-Encoding makes of a coding: its weight, in thousandths (RFC 9110 §12.5.3).
#[must_use]
pub fn weight(accept_encoding: &str, coding: Coding) -> u16 {
    let mut any = 0;
    for element in elements(accept_encoding.as_bytes()) {
        let mut parts = element.split(|octet| *octet == b';').map(trim_ows);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(quality).unwrap_or(1000);
        let x_gzip: &[u8] = if coding == Coding::Gzip { b"x-gzip" } else { b"" };
        if name.eq_ignore_ascii_case(coding.token().as_bytes()) || name.eq_ignore_ascii_case(x_gzip) {
            return weight;
        }
        if name == b"*" {
            any = weight;
        }
    }
    any
}

/// `q=0.5`, in thousandths. What is no weight asks for nothing.
fn quality(parameter: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', value @ ..] = parameter else { return None };
    let digits = |rest: &[u8]| {
        (rest.len() <= 3 && rest.iter().all(u8::is_ascii_digit)).then(|| {
            (0..3).fold(0, |sum, place| sum * 10 + rest.get(place).map_or(0, |digit| u16::from(digit - b'0')))
        })
    };
    Some(match value {
        [b'1'] => 1000,
        [b'1', b'.', rest @ ..] if digits(rest) == Some(0) => 1000,
        [b'0', b'.', rest @ ..] => digits(rest).unwrap_or(0),
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_as_rfc_9110_says() {
        for (field, want) in [
            ("br", 1000),
            ("gzip, BR;q=0.5", 500),
            ("br ; q=0.123", 123),
            ("*;q=0.2, gzip", 200),
            ("br;q=0, *", 0),
            ("gzip", 0),
            ("", 0),
            ("br;q=1.000", 1000),
            ("br;q=1.5", 0),
            ("br;q=0.1234", 0),
            ("brotli", 0),
        ] {
            assert_eq!(weight(field, Coding::Br), want, "{field}");
        }
        assert_eq!(weight("x-gzip", Coding::Gzip), 1000);
    }

    #[test]
    fn what_is_compressed_here_reads_back_and_is_the_same_each_time() {
        let content = b"body { color: red }".repeat(100);
        for coding in [Coding::Zstd, Coding::Gzip] {
            let packed = coding.encode(&content).unwrap();
            assert_eq!(coding.encode(&content).unwrap(), packed);
            let mut read = Vec::new();
            coding.decoder(&packed[..]).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, content);
        }
    }

    #[test]
    fn a_sibling_is_told_by_its_name() {
        assert_eq!(Coding::of_sibling("a.css.br"), Some((Coding::Br, "a.css")));
        assert_eq!(Coding::of_sibling("a.css.zst"), Some((Coding::Zstd, "a.css")));
        assert_eq!(Coding::of_sibling("a.css"), None);
    }
}

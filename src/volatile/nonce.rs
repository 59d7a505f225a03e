//! The nonces of a Content-Security-Policy (CSP 3 §2.3.1), as the response's own fields name them.
//!
//! What is masked is exactly what the fields say is a nonce, wherever it stands in the page: nothing is guessed
//! from the look of an attribute. The policy is not sent with a 304 then, so its text, less the nonces, is a
//! part of the tag: a client must hear of a new policy.

use memchr::memmem;
use smallvec::SmallVec;

use super::{Kind, Region};
use crate::http::field::is_name;

/// A shorter one is no nonce: 128 bits of base64 are 22 characters, and older libraries use 16.
const SHORTEST: usize = 16;

/// How many nonces of one response are masked.
const MOST: usize = 8;

/// Is it a field that states a Content-Security-Policy?
#[must_use]
pub fn is_security_policy(name: &str) -> bool {
    is_name(name, "Content-Security-Policy") || is_name(name, "Content-Security-Policy-Report-Only")
}

/// The nonces in a policy.
pub(super) fn nonces_in(policy: &str) -> impl Iterator<Item = &str> {
    policy.split('\'').skip(1).step_by(2).filter_map(nonce)
}

fn nonce(source: &str) -> Option<&str> {
    let (keyword, value) = source.split_at_checked("nonce-".len())?;
    (keyword.eq_ignore_ascii_case("nonce-") && value.len() >= SHORTEST).then_some(value)
}

/// The nonces of one response, and the fields that name them.
#[derive(Debug, Default)]
pub(super) struct Nonces<'a> {
    values: Vec<&'a str>,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Nonces<'a> {
    pub(super) fn of(fields: &[(&'a str, &'a str)]) -> Self {
        let mut nonces = Self::default();
        for (name, value) in fields.iter().filter(|(name, _)| is_security_policy(name)) {
            let before = nonces.fields.len();
            for nonce in nonces_in(value) {
                if nonces.fields.len() == before {
                    nonces.fields.push((name, value));
                }
                if !nonces.values.contains(&nonce) && nonces.values.len() < MOST {
                    nonces.values.push(nonce);
                }
            }
        }
        nonces
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Where they stand in the content; those of one nonce after those of another.
    pub(super) fn find(&self, content: &[u8]) -> impl Iterator<Item = Region> {
        (0..).zip(&self.values).flat_map(move |(number, nonce)| {
            let length = nonce.len();
            memmem::find_iter(content, nonce.as_bytes())
                .map(move |start| Region { start, end: start + length, kind: Kind::Nonce(number) })
                .collect::<SmallVec<[_; 8]>>()
        })
    }

    /// The fields that name them, with a number in place of each nonce. (No field value has a NUL.)
    pub(super) fn policies(&self) -> impl Iterator<Item = String> {
        self.fields.iter().map(|(name, value)| {
            let sources = value.split('\'').enumerate().map(|(place, source)| {
                let number = nonce(source)
                    .filter(|_| place % 2 == 1)
                    .and_then(|nonce| self.values.iter().position(|known| *known == nonce));
                number.map_or_else(|| source.to_owned(), |number| format!("\0{number}"))
            });
            format!("{}\0{}", name.to_ascii_lowercase(), sources.collect::<Vec<_>>().join("'"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_what_a_policy_says_is_one() {
        let all = |policy| nonces_in(policy).collect::<Vec<_>>();
        assert_eq!(
            all("script-src 'self' 'nonce-MTIzNDU2Nzg5MDEyMzQ1Ng==' 'NONCE-abcdefghijklmnop'; img-src *"),
            ["MTIzNDU2Nzg5MDEyMzQ1Ng==", "abcdefghijklmnop"]
        );
        for policy in [
            "script-src 'self'",
            "nonce-abcdefghijklmnop",
            "'nonce-short'",
            "'nonce-'",
            "'",
            "",
            "'é-abcdefghijklmnop'",
        ] {
            assert_eq!(all(policy), [""; 0], "{policy}");
        }
    }

    #[test]
    fn policies_that_differ_in_nonces_alone_are_one() {
        let text = |value| {
            let fields = [("content-security-policy", value), ("X", "'nonce-abcdefghijklmnop'")];
            let nonces = Nonces::of(&fields);
            assert_eq!(nonces.fields.len(), nonces.values.len());
            nonces.policies().collect::<Vec<_>>()
        };
        let one = text("script-src 'nonce-aaaaaaaaaaaaaaaa'; report-uri /x");
        assert_eq!(one, ["content-security-policy\0script-src '\u{0}0'; report-uri /x"]);
        assert_eq!(one, text("script-src 'nonce-bbbbbbbbbbbbbbbb'; report-uri /x"));
        assert_ne!(one, text("script-src 'nonce-bbbbbbbbbbbbbbbb'; report-uri /y"));
        assert_eq!(text("default-src 'self'"), [""; 0]);
    }
}

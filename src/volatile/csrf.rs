//! CSRF tokens of Django and Flask-WTF, found by their form near the letters `csrf`.
//!
//! Django's is 64 letters and digits: a random mask, and a secret shifted by it. Taking the mask off gives
//! the secret (`django.middleware.csrf._unmask_cipher_token`), which is what a form is checked against.
//! Flask-WTF's is what itsdangerous signed: `value.time.signature`, each in base64url.
//!
//! Two texts that stand for the same here are the same to the framework. So where something else than a token
//! has that form, nothing is lost but by a chance of one in 62³² (or in a signature and the minute of signing).

use super::{Kind, Region};

/// The shortest token that can be one: of Django, 64; of Flask-WTF, 91 with its usual value.
const SHORTEST: usize = 64;

/// How far from a token the letters `csrf` may stand, in bytes.
const NEAR: usize = 128;

const DJANGO_SECRET: usize = 32;
const DJANGO_ALPHABET: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Of HMAC-SHA-1 in base64url.
const FLASK_SIGNATURE: usize = 27;
/// Of a number of four bytes, which seconds are until 2106.
const FLASK_TIME: usize = 6;

/// The tokens in some content, in their order. `flask` is how many seconds one of Flask-WTF is good for.
pub(super) fn tokens(content: &[u8], django: bool, flask: Option<u32>) -> impl Iterator<Item = Region> {
    Runs { content, from: 0 }.filter_map(move |(start, end)| {
        let text = content.get(start..end)?;
        let kind = if django && text.len() == 2 * DJANGO_SECRET && text.iter().all(u8::is_ascii_alphanumeric)
        {
            Kind::DjangoToken
        } else {
            let period = u64::from(flask? / 2).max(1);
            FlaskToken::parse(text)?;
            Kind::FlaskToken { period }
        };
        is_near(content, start, end).then_some(Region { start, end, kind })
    })
}

/// Do the letters `csrf`, in any case, stand a little before or after?
fn is_near(content: &[u8], start: usize, end: usize) -> bool {
    let has = |part: Option<&[u8]>| {
        part.unwrap_or_default().windows(4).any(|letters| letters.eq_ignore_ascii_case(b"csrf"))
    };
    has(content.get(start.saturating_sub(NEAR)..start))
        || has(content.get(end..content.len().min(end.saturating_add(NEAR))))
}

/// The runs of characters of which tokens are made, as long as they go, of at least [`SHORTEST`] bytes.
///
/// A run that long covers one of any places that are so far apart, so only those are looked at: of ordinary
/// text about a tenth is read.
struct Runs<'a> {
    content: &'a [u8],
    /// No run that begins before here is still to be found, and none reaches over it.
    from: usize,
}

impl Iterator for Runs<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        loop {
            let place = self.from + SHORTEST - 1;
            if !is_token_character(*self.content.get(place)?) {
                self.from = place + 1;
                continue;
            }
            let others = |octet: &u8| !is_token_character(*octet);
            let before = self.content.get(self.from..place)?;
            let start = before.iter().rposition(others).map_or(self.from, |at| self.from + at + 1);
            let end = self.content.get(place..)?.iter().position(others);
            let end = end.map_or(self.content.len(), |at| place + at);
            self.from = end + 1;
            if end - start >= SHORTEST {
                return Some((start, end));
            }
        }
    }
}

fn is_token_character(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.')
}

/// The secret in a token of Django's.
pub(super) fn django_secret(token: &[u8]) -> [u8; DJANGO_SECRET] {
    let index = |octet: u8| match octet {
        b'a'..=b'z' => octet - b'a',
        b'A'..=b'Z' => octet - b'A' + 26,
        _ => octet.wrapping_sub(b'0') % 10 + 52,
    };
    let mut secret = [0; DJANGO_SECRET];
    let (mask, cipher) = token.split_at_checked(DJANGO_SECRET).unwrap_or_default();
    for ((place, mask), cipher) in secret.iter_mut().zip(mask).zip(cipher) {
        let letter = (62 + index(*cipher) - index(*mask)) % 62;
        *place = DJANGO_ALPHABET.get(usize::from(letter)).copied().unwrap_or_default();
    }
    secret
}

/// A token of Flask-WTF's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FlaskToken<'a> {
    /// The session's value, as it stands there.
    pub(super) signed: &'a [u8],
    /// When it was signed, in seconds since 1970.
    pub(super) made_at: u64,
}

impl<'a> FlaskToken<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let (rest, signature) = text.split_at_checked(text.len().checked_sub(FLASK_SIGNATURE)?)?;
        let rest = rest.strip_suffix(b".")?;
        let (rest, time) = rest.split_at_checked(rest.len().checked_sub(FLASK_TIME)?)?;
        let signed = rest.strip_suffix(b".")?;
        if signed.is_empty() || signature.contains(&b'.') {
            return None;
        }
        let bits = time.iter().try_fold(0, |bits: u64, octet| Some(bits << 6 | u64::from(sextet(*octet)?)));
        // 36 bits hold four bytes and four bits of nothing.
        Some(Self { signed, made_at: bits? >> 4 })
    }
}

/// The value of a character of base64url.
fn sextet(octet: u8) -> Option<u8> {
    match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Django 5.2 of the secret below.
    const DJANGO: &[u8] = b"eUTbmnzEMKBUBEOqMTS5MAMWNhc2IjxpeVVYacpvEDvPxBMpsFmMvo641wCKbODw";
    const SECRET: &[u8; 32] = b"abcXYZ0123456789QWERTYuiopASDFgh";

    /// Made by Flask-WTF 1.3 at the second below.
    const FLASK: &[u8] =
        b"ImZjYmRjNGMyNzFjODg5ODI1ZDgzMzhkMmQ4ZjEwYjZlNWU5NWMxNzEi.arE7gA.BDIafEUhhSrf6ak0LayE6DLItUw";

    fn found(content: &str) -> usize {
        tokens(content.as_bytes(), true, Some(3600)).count()
    }

    #[test]
    fn a_token_of_django_hides_its_secret() {
        assert_eq!(&django_secret(DJANGO), SECRET);
    }

    #[test]
    fn a_token_of_flask_wtf_tells_its_time() {
        let token = FlaskToken::parse(FLASK).unwrap();
        assert_eq!(token.made_at, 1_790_000_000);
        assert_eq!(token.signed.len(), 56);
    }

    #[test]
    fn tokens_are_found_where_frameworks_and_people_put_them() {
        for token in [DJANGO, FLASK].map(|token| std::str::from_utf8(token).unwrap()) {
            for page in [
                format!(r#"<input type="hidden" name="csrfmiddlewaretoken" value="{token}">"#),
                format!(r#"<input id="csrf_token" name="csrf_token" type="hidden" value="{token}">"#),
                format!("<input value='{token}' type='hidden' name='csrfmiddlewaretoken' />"),
                format!("<input type=hidden name=csrfmiddlewaretoken value={token}>"),
                format!(r#"<meta name="csrf-token" content="{token}">"#),
                format!(r#"<script>const csrftoken = "{token}";</script>"#),
                format!("window.CSRF_TOKEN='{token}'"),
                format!(r#"{{"csrfHeaderName": "X-CSRFToken", "csrfToken": "{token}"}}"#),
                format!(r#"<body hx-headers="{{&quot;X-CSRFToken&quot;: &quot;{token}&quot;}}">"#),
                format!(r#"<script id="csrf" type="application/json">"{token}"</script>"#),
            ] {
                assert_eq!(found(&page), 1, "{page}");
            }
        }
    }

    #[test]
    fn what_only_resembles_a_token_is_none() {
        let token = std::str::from_utf8(DJANGO).unwrap();
        let digest = "0123456789abcdef".repeat(4);
        for page in [
            format!(r#"<a data-digest="{digest}">"#),
            format!("csrf {}{token}", " ".repeat(NEAR)),
            format!("csrf a{token}"),
            format!("csrf {token}-"),
            format!("csrf {}", &token[1..]),
            format!("csrf {}.AAAAAA.short", "a".repeat(60)),
            format!("csrf {}.AA.AAA.{}", "a".repeat(60), "a".repeat(27)),
            format!("csrf .AAAAAA.{}", "a".repeat(27)),
        ] {
            assert_eq!(found(&page), 0, "{page}");
        }
    }

    #[test]
    fn each_framework_has_its_own_preset() {
        let page = [b"csrf ", DJANGO, b" csrf ", FLASK].concat();
        let kinds =
            |django, flask| tokens(&page, django, flask).map(|region| region.kind).collect::<Vec<_>>();
        assert_eq!(kinds(true, None), [Kind::DjangoToken]);
        assert_eq!(kinds(false, Some(3600)), [Kind::FlaskToken { period: 1800 }]);
        assert_eq!(kinds(true, Some(1)), [Kind::DjangoToken, Kind::FlaskToken { period: 1 }]);
    }

    proptest::proptest! {
        #[test]
        fn runs_are_those_that_a_plain_reader_finds(
            parts in proptest::collection::vec("[a.]{0,70}| |[é]|a{60,68}", 0..12),
        ) {
            let text = parts.concat().into_bytes();
            let plain = text
                .split(|octet| !is_token_character(*octet))
                .filter(|run| run.len() >= SHORTEST)
                .map(<[u8]>::to_vec);
            let found = Runs { content: &text, from: 0 }.map(|(start, end)| text[start..end].to_vec());
            proptest::prop_assert_eq!(found.collect::<Vec<_>>(), plain.collect::<Vec<_>>());
        }
    }
}

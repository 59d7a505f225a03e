//! The elements of the list that `Cache-Control` is, with their arguments; nothing is judged yet.

use super::{MAX_SECONDS, Scope};
use crate::http::field;

/// One element of the list, with nothing judged yet.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) text: &'a str,
    pub(super) name: &'a str,
    pub(super) argument: Option<Argument<'a>>,
}

/// What follows the `=`, quotes and all.
#[derive(Clone, Copy)]
pub(super) struct Argument<'a>(&'a str);

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

    pub(super) fn well_formed(&self) -> bool {
        let spaced = self.argument.is_some() && self.text.as_bytes().get(self.name.len()) != Some(&b'=');
        is_token(self.name)
            && !spaced
            && self.argument.is_none_or(|argument| is_token(argument.0) || argument.quoted().is_some())
    }

    /// What `no-cache` or `private` covers. A list with nothing readable in it is everything.
    pub(super) fn scope(&self) -> Scope {
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
    pub(super) fn text(self) -> String {
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
    pub(super) fn seconds(self) -> Option<u32> {
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
    pub(super) fn fields(self) -> Option<Vec<String>> {
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
pub(super) struct Elements<'a> {
    rest: Option<&'a str>,
    quotes: bool,
}

impl<'a> Elements<'a> {
    pub(super) fn of(field: &'a str) -> Self {
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

pub(super) fn is_token(text: &str) -> bool {
    field::is_token(text.as_bytes())
}

//! The one tokenizer of field values (RFC 9110 §5.6): optional white space, tokens, comma-separated lists.
//!
//! It works on bytes and never allocates. Whether the caller's text is latin-1 or UTF-8 makes no difference
//! to it: every octet from `0x80` up is obs-text either way.

/// How many bytes of one field value are looked at. A longer one counts as malformed, which is the safe
/// reading of every precondition: no 304, no guarded write let through.
pub const MAX_FIELD: usize = 64 * 1024;

/// Strip optional white space, `OWS = *( SP / HTAB )` (RFC 9110 §5.6.3), from both ends.
#[must_use]
pub fn trim_ows(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Is this octet a `tchar` (RFC 9110 §5.6.2)?
#[must_use]
pub const fn is_tchar(octet: u8) -> bool {
    matches!(octet,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

/// Is this a `token = 1*tchar` (RFC 9110 §5.6.2), as field names and directives are?
#[must_use]
pub fn is_token(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().copied().all(is_tchar)
}

/// Tell whether `byte` may be in a field value (RFC 9110 §5.5).
pub(crate) const fn is_field_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Is this field name that one, written as in the RFCs, in any letter case? The usual spelling is quickest.
#[inline]
#[must_use]
pub fn is_name(name: &str, canonical: &str) -> bool {
    name == canonical || name.eq_ignore_ascii_case(canonical)
}

/// The elements of a comma-separated list (RFC 9110 §5.6.1), trimmed, the empty ones left out. A comma
/// inside a quoted-string does not separate; a quote that is never closed runs to the end of the value.
#[must_use]
pub fn elements(value: &[u8]) -> Elements<'_> {
    Elements { rest: value }
}

/// Iterator of [`elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = element_end(self.rest);
            let (element, rest) = self.rest.split_at(end);
            self.rest = rest.get(1..).unwrap_or_default();
            let element = trim_ows(element);
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

/// Where the first comma outside a quoted-string is, or the length.
fn element_end(value: &[u8]) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, octet) in value.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    value.len()
}

/// Does a comma-separated list hold this token, in any letter case?
#[must_use]
pub fn list_has(value: &str, token: &str) -> bool {
    elements(value.as_bytes()).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_space_and_tab_only() {
        assert_eq!(trim_ows(b" \t a b\t "), b"a b");
        assert_eq!(trim_ows(b"\x0ba"), b"\x0ba");
        assert_eq!(trim_ows(b" "), b"");
    }

    #[test]
    fn lists_keep_commas_in_quotes_and_lose_empty_elements() {
        let all: Vec<_> = elements(br#", a ,,"b,c" , "d\",e",f="x,y"#).collect();
        assert_eq!(all, [&b"a"[..], br#""b,c""#, br#""d\",e""#, br#"f="x,y"#]);
        assert_eq!(elements(b" ,, ").count(), 0);
    }

    #[test]
    fn a_token_is_found_in_any_case() {
        assert!(list_has("Accept, COOKIE", "cookie"));
        assert!(!list_has("Accept-Cookie", "cookie"));
    }
}

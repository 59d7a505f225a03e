//! The random padding of Django's `GZipMiddleware`, against BREACH: up to a hundred times `a`, in the place
//! where gzip has the name of a file (RFC 1952 §2.3).
//!
//! Who decodes the content never sees that name. So the tag of such content is that of the same content
//! without padding, and weak. A real name is no padding: a file that was compressed once keeps its strong tag.

/// Bytes of a header without optional fields.
const HEADER: usize = 10;
/// The flag that says that a name follows.
const NAMED: u8 = 0x08;
/// How long padding may be. Django's is below 100.
const LONGEST: usize = 1024;

/// The header that gzip content would have without padding, and what follows it; `None` if there is none.
pub(super) fn taken_out(content: &[u8]) -> Option<([u8; HEADER], &[u8])> {
    let (header, rest) = content.split_first_chunk::<HEADER>()?;
    let mut header = *header;
    if !header.starts_with(&[0x1f, 0x8b, 0x08, NAMED]) {
        return None;
    }
    let end = rest.iter().take(LONGEST).position(|octet| *octet != b'a')?;
    let after = rest.get(end..)?.strip_prefix(&[0])?;
    if let Some(flags) = header.get_mut(3) {
        *flags = 0;
    }
    Some((header, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [u8; 14] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 0xcb, 0x48, 0xcd, 0xc9];

    fn padded(name: &[u8]) -> Vec<u8> {
        let mut content = PLAIN[..HEADER].to_vec();
        content[3] = NAMED;
        [&content, name, &[0], &PLAIN[HEADER..]].concat()
    }

    #[test]
    fn what_is_left_is_what_django_would_send_without() {
        for name in [&b""[..], b"a", &[b'a'; 99]] {
            let content = padded(name);
            let (header, after) = taken_out(&content).unwrap();
            assert_eq!([&header, after].concat(), PLAIN);
        }
    }

    #[test]
    fn a_name_is_no_padding_and_other_content_has_none() {
        for name in [&b"style.css"[..], b"aab", &[b'a'; LONGEST]] {
            assert_eq!(taken_out(&padded(name)), None);
        }
        assert_eq!(taken_out(&PLAIN), None);
        let mut commented = padded(b"aa");
        commented[3] |= 0x10;
        assert_eq!(taken_out(&commented), None);
        for end in 0..HEADER + 3 {
            assert_eq!(taken_out(&padded(b"aa")[..end]), None, "{end}");
        }
    }
}

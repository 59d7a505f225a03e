//! Which of a response's fields go with a 304 (RFC 9110 §15.4.5) or a 412 made from it, and which responses
//! have no content (§6.4.1).

use super::field::is_name;

/// Fields that describe a representation that is not sent (§8, RFC 9530, RFC 6266) or how its content is
/// framed. `Content-Location` is one of the six that a 304 must carry; `Content-Security-Policy` is no
/// `Content-` field in this sense.
const REPRESENTATION: [&str; 12] = [
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Range",
    "Content-Disposition",
    "Content-MD5",
    "Content-Digest",
    "Repr-Digest",
    "Digest",
    "Transfer-Encoding",
    "Trailer",
];

/// Does this field describe the content or the representation that a 304 and a 412 leave out?
#[must_use]
pub fn describes_content(name: &str) -> bool {
    // The usual names are told by their first letter and length alone; these two are in almost every response.
    match name {
        "Content-Type" | "Content-Length" => true,
        _ => {
            matches!(name.as_bytes(), [b'C' | b'c' | b'R' | b'r' | b'D' | b'd' | b'T' | b't', ..])
                && name.len() >= 6
                && REPRESENTATION.iter().any(|field| is_name(name, field))
        }
    }
}

/// Does a 304 carry this field of the 200? All but what describes the content, and Last-Modified beside an
/// ETag: "a sender SHOULD NOT generate representation metadata other than the above listed fields".
#[must_use]
pub fn goes_with_304(name: &str, has_etag: bool) -> bool {
    let is_superfluous = has_etag && is_name(name, "Last-Modified");
    !describes_content(name) && !is_superfluous
}

/// Fields that grant freshness or say what the representation is: not for an error made of a 200.
const OF_THE_200: [&str; 7] =
    ["Last-Modified", "Cache-Control", "Expires", "Age", "Pragma", "Content-Location", "Surrogate-Control"];

/// Does a 412 carry this field of the 200? As a 304, but what grants freshness (targeted fields of RFC 9213
/// too) or names the representation stays behind: an error must not be stored as if it were the page.
#[must_use]
pub fn goes_with_412(name: &str) -> bool {
    const TARGETED: &str = "-cache-control";
    let is_targeted = name
        .len()
        .checked_sub(TARGETED.len())
        .and_then(|start| name.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(TARGETED));
    !describes_content(name) && !is_targeted && !OF_THE_200.iter().any(|field| is_name(name, field))
}

/// Does a response of this status never have content (§6.4.1, §15.3.5, §15.4.5)?
#[must_use]
pub const fn has_no_content(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_304_keeps_what_is_not_about_the_content() {
        for name in [
            "ETag",
            "Date",
            "Vary",
            "Cache-Control",
            "Expires",
            "Content-Location",
            "Set-Cookie",
            "Content-Security-Policy",
            "Access-Control-Allow-Origin",
            "CDN-Cache-Control",
            "Link",
            "X",
        ] {
            assert!(goes_with_304(name, true), "{name}");
        }
        for name in [
            "Content-Type",
            "Content-Length",
            "CONTENT-ENCODING",
            "Content-Language",
            "Repr-Digest",
            "Digest",
            "Transfer-Encoding",
            "Trailer",
        ] {
            assert!(!goes_with_304(name, true), "{name}");
        }
    }

    #[test]
    fn last_modified_goes_only_where_there_is_no_tag() {
        assert!(goes_with_304("Last-Modified", false));
        assert!(!goes_with_304("last-modified", true));
    }

    #[test]
    fn a_412_grants_no_freshness() {
        assert!(
            !goes_with_412("Cache-Control") && !goes_with_412("expires") && !goes_with_412("Last-Modified")
        );
        assert!(!goes_with_412("CDN-Cache-Control"));
        assert!(goes_with_412("ETag") && goes_with_412("Vary") && goes_with_412("Set-Cookie"));
    }
}

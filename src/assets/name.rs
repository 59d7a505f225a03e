//! Names with a version in them: `app.css` at version `0123456789abcdef` is `app.0123456789abcdef.css`.

use memchr::memrchr;

/// Hexadecimal digits of a version: 64 bits of a BLAKE3 digest. Told from Django's twelve by their number.
pub const DIGITS: usize = 16;

/// Tell whether a text is a version as we write them.
#[must_use]
pub fn is_version(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// Put a version into a path: before the extension of its last segment, or at its end.
///
/// ```
/// use notmodified::assets::name::versioned;
///
/// assert_eq!(versioned("/a/app.min.js", "0123456789abcdef"), "/a/app.min.0123456789abcdef.js");
/// assert_eq!(versioned("/a.d/LICENSE", "0123456789abcdef"), "/a.d/LICENSE.0123456789abcdef");
/// ```
#[must_use]
pub fn versioned(path: &str, version: &str) -> String {
    let file = path.rfind('/').map_or(0, |slash| slash + 1);
    let dot = path.rfind('.').filter(|dot| *dot > file).unwrap_or(path.len());
    let (stem, extension) = path.split_at(dot);
    format!("{stem}.{version}{extension}")
}

/// Take a versioned path apart into the path without its version, and the version. What begins with a dot has none.
#[must_use]
pub fn parse(path: &str) -> Option<(String, &str)> {
    let file = memrchr(b'/', path.as_bytes()).map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at_checked(file)?;
    let (rest, last) = at_last_dot(name)?;
    let (stem, version, extension) = if is_version(last) {
        (rest, last, None)
    } else {
        let (stem, version) = at_last_dot(rest)?;
        (stem, version, Some(last))
    };
    if stem.is_empty() || stem.starts_with('.') || !is_version(version) {
        return None;
    }
    let mut plain = String::with_capacity(path.len());
    plain.push_str(folder);
    plain.push_str(stem);
    if let Some(extension) = extension {
        plain.push('.');
        plain.push_str(extension);
    }
    Some((plain, version))
}

fn at_last_dot(text: &str) -> Option<(&str, &str)> {
    let dot = memrchr(b'.', text.as_bytes())?;
    Some((text.get(..dot)?, text.get(dot + 1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_no_version_of_ours_has_none() {
        for path in [
            "/app.css",
            "/app.0123456789ab.css",
            "/app.0123456789ABCDEF.css",
            "/app.0123456789abcdeg.css",
            "/0123456789abcdef.css",
            "/.0123456789abcdef.css",
            "/..0123456789abcdef",
            "/.htaccess.0123456789abcdef",
            "/app.0123456789abcdef.css/",
            "/app.0123456789abcdef/x.css",
            "",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_dot_at_the_end_is_part_of_the_name() {
        assert_eq!(parse("/app.0123456789abcdef."), Some(("/app.".into(), "0123456789abcdef")));
        assert_eq!(versioned("/app.", "0123456789abcdef"), "/app.0123456789abcdef.");
    }

    proptest! {
        #[test]
        fn a_version_put_in_is_found_again(
            path in "/([a-z.é]{1,8}/)?[a-z_][a-zA-Z.é_-]{0,10}[a-z]",
            version in "[0-9a-f]{16}",
        ) {
            let name = versioned(&path, &version);
            prop_assert_eq!(parse(&name), Some((path, version.as_str())));
        }

        #[test]
        fn no_text_breaks_it(path in ".{0,40}") {
            if let Some((plain, version)) = parse(&path) {
                prop_assert_eq!(versioned(&plain, version), path);
            }
        }
    }
}

//! `Cache-Groups` and `Cache-Group-Invalidation` (RFC 9875): names that several stored responses of one
//! origin share, so that they can be invalidated together.
//!
//! Both are structured fields, lists of strings (RFC 9651 §3.1); parameters of members are ignored (RFC 9875
//! §2, §3). Groups are compared character for character and never reach beyond their origin (§2.1).

use std::fmt::Write as _;

use sfv::{BareItem, List, ListEntry, Parser};

use super::field::MAX_FIELD;

/// On responses: the groups that they belong to (RFC 9875 §2).
pub const GROUPS: &str = "Cache-Groups";

/// On answers to unsafe methods: the groups that they invalidate (RFC 9875 §3).
pub const INVALIDATION: &str = "Cache-Group-Invalidation";

/// How many groups of one response are kept. RFC 9875 §2 asks for 32 at least.
pub const MAX_GROUPS: usize = 64;

/// Read either field, its lines joined with commas.
///
/// # Errors
///
/// If it is no list of strings, or has more than [`MAX_GROUPS`] members. A response whose groups are not
/// known can't be invalidated by them, so it is not to be stored.
///
/// ```
/// use notmodified::http::cache_groups;
///
/// assert_eq!(cache_groups::read(r#""articles", "front";x=1"#).unwrap(), ["articles", "front"]);
/// assert!(cache_groups::read("articles").is_err());
/// ```
pub fn read(value: &str) -> Result<Vec<String>, Unreadable> {
    if value.len() > MAX_FIELD {
        return Err(Unreadable);
    }
    let members: List = Parser::new(value).parse().map_err(|_| Unreadable)?;
    if members.len() > MAX_GROUPS {
        return Err(Unreadable);
    }
    let name = |member: &ListEntry| match member {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::String(name) => Ok(name.as_str().to_owned()),
            _ => Err(Unreadable),
        },
        ListEntry::InnerList(_) => Err(Unreadable),
    };
    let mut groups = members.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

/// Write the field of these names, which are of printable ASCII.
///
/// ```
/// use notmodified::http::cache_groups;
///
/// assert_eq!(cache_groups::write(&["articles", "say \"hi\""]), r#""articles", "say \"hi\"""#);
/// ```
#[must_use]
pub fn write<S: AsRef<str>>(names: &[S]) -> String {
    let mut field = String::new();
    for name in names {
        let name = name.as_ref().replace('\\', r"\\").replace('"', "\\\"");
        let comma = if field.is_empty() { "" } else { ", " };
        // Writing to a String can't fail.
        let _ = write!(field, "{comma}\"{name}\"");
    }
    field
}

/// The field is no list of strings, or too long a one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_strings_compared_character_for_character() {
        assert_eq!(
            read(r#""b", "A", "a", "b", "x, y", "say \"hi\"""#).unwrap(),
            ["A", "a", "b", "say \"hi\"", "x, y"]
        );
        assert_eq!(read("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn thirty_two_groups_of_thirty_two_characters_are_fine_as_rfc_9875_asks() {
        let names: Vec<_> = (0..32).map(|number| format!("{number:032}")).collect();
        let field: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        assert_eq!(read(&field.join(", ")).unwrap(), names);
    }

    #[test]
    fn what_is_no_list_of_strings_is_told_apart_from_an_empty_one() {
        let many = vec!["\"a\""; MAX_GROUPS + 1].join(",");
        for value in ["a", "1", "(\"a\")", "\"a\" \"b\"", "\"a", "\"a\",", "\"\u{e9}\"", &many] {
            assert_eq!(read(value), Err(Unreadable), "{value}");
        }
    }
}

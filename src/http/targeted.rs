//! `Notmodified-Cache-Control`, a targeted field (RFC 9213): directives for this cache and for no other.
//!
//! It is a structured field, a dictionary (RFC 9651 §3.2) whose members are directives of responses. Where it
//! is valid and not empty, it stands in the place of `Cache-Control` and `Expires` for us alone (RFC 9213
//! §2.2); else it is as if it were not there (§2.1).

use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::cache_control::{CacheControl, MAX_SECONDS};
use super::field::MAX_FIELD;

/// The field's name.
pub const NAME: &str = "Notmodified-Cache-Control";

/// Read the field, its lines joined with commas. `None` if it is empty or no dictionary: then the response's
/// `Cache-Control` counts.
///
/// A directive of the wrong type is ignored, but for `max-age` and `s-maxage`, which are 0 then: what was
/// meant is not known, and stale is the reading that reuses least.
///
/// ```
/// use notmodified::http::targeted;
///
/// let directives = targeted::read("max-age=60, stale-while-revalidate=10").unwrap();
/// assert_eq!(directives.max_age, Some(60));
/// assert!(targeted::read("max-age=60;;").is_none());
/// ```
#[must_use]
pub fn read(value: &str) -> Option<CacheControl> {
    if value.len() > MAX_FIELD {
        return None;
    }
    let members: Dictionary = Parser::new(value).parse().ok()?;
    if members.is_empty() {
        return None;
    }
    let mut said = CacheControl::default();
    for (name, member) in &members {
        let item = match member {
            ListEntry::Item(item) => Some(&item.bare_item),
            ListEntry::InnerList(_) => None,
        };
        let flag = || item.is_some_and(|item| matches!(item, BareItem::Boolean(true)));
        let seconds = || match item {
            Some(BareItem::Integer(number)) => u64::try_from(i64::from(*number))
                .ok()
                .map(|number| u32::try_from(number).unwrap_or(MAX_SECONDS).min(MAX_SECONDS)),
            _ => None,
        };
        match name.as_str() {
            "public" => said.public = flag(),
            "no-store" => said.no_store = flag(),
            "must-revalidate" => said.must_revalidate = flag(),
            "proxy-revalidate" => said.proxy_revalidate = flag(),
            "must-understand" => said.must_understand = flag(),
            "max-age" => said.max_age = Some(seconds().unwrap_or(0)),
            "s-maxage" => said.s_maxage = Some(seconds().unwrap_or(0)),
            "stale-while-revalidate" => said.stale_while_revalidate = seconds(),
            // With field names in a string they reach those alone: one parser for that is enough.
            "private" | "no-cache" => match item {
                Some(BareItem::Boolean(false)) => {}
                Some(BareItem::String(fields)) => {
                    said.add_field(&format!("{}=\"{}\"", name.as_str(), fields.as_str().replace('"', "")));
                }
                _ => said.add_field(name.as_str()),
            },
            _ => {}
        }
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::cache_control::Scope;

    #[test]
    fn it_is_a_dictionary_of_directives() {
        let said =
            read("public, max-age=60;note=x, stale-while-revalidate=5, unknown=(1 2), no-store=?0").unwrap();
        assert!(said.public && !said.no_store);
        assert_eq!((said.max_age, said.stale_while_revalidate), (Some(60), Some(5)));
    }

    #[test]
    fn what_is_empty_or_no_dictionary_is_as_if_absent() {
        for value in
            ["", "  ", "max-age=60;;", "Max-Age=60", "max-age=60 public", "max-age=\"60", ",", "max-age=60,"]
        {
            assert_eq!(read(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_lifetime_of_the_wrong_type_is_none_at_all() {
        for value in ["max-age=\"60\"", "max-age=6.5", "max-age=-1", "max-age", "max-age=(60)"] {
            assert_eq!(read(value).unwrap().max_age, Some(0), "{value:?}");
        }
        assert_eq!(
            read("stale-while-revalidate=\"5\", max-age=999999999999").unwrap().max_age,
            Some(MAX_SECONDS)
        );
    }

    #[test]
    fn the_last_of_two_members_counts_as_rfc_9651_says() {
        assert_eq!(read("max-age=60, max-age=1").unwrap().max_age, Some(1));
    }

    #[test]
    fn private_and_no_cache_may_name_fields() {
        let said = read("max-age=1, private=\"X-User, X-Cart\", no-cache").unwrap();
        assert_eq!(said.private, Some(Scope::Fields(vec!["x-user".into(), "x-cart".into()])));
        assert_eq!(said.no_cache, Some(Scope::Everything));
        assert_eq!(read("private=1").unwrap().private, Some(Scope::Everything));
    }
}

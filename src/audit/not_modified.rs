//! Rules on 304s: what they carry (RFC 9110 §15.4.5), and whether the connection serves on after one.

use super::catalogue as kinds;
use super::exchange::{Fields, TroubleKind};
use super::finding::Finding;
use super::freshness::directives;
use super::preconditions::confirmed;
use super::probe::Probe;
use super::view::{Series, Taken};
use crate::http::cache_control::CacheControl;
use crate::http::entity_tag::EntityTag;
use crate::http::not_modified::describes_content;

/// All rules on one series.
pub(super) const RULES: &[fn(&Series<'_>) -> Option<Finding>] = &[
    content_in_304,
    length_in_304,
    connection_breaks,
    connection_closes,
    other_tag,
    fields_missing,
    more_fields_missing,
    fields_differ,
    content_fields,
    cookie_in_304,
];

/// The plain GET's fields, and a 304 and its fields.
fn both<'a>(series: &Series<'a>) -> Option<(Taken<'a>, &'a Fields, Taken<'a>, &'a Fields)> {
    let (first, response) = series.first()?;
    let (taken, fields) = confirmed(series)?;
    series.is_stable().then_some((first, &response.fields, taken, fields))
}

/// Octets after the head of a 304.
fn content_in_304(series: &Series<'_>) -> Option<Finding> {
    let all = series.exchanges.iter().map(|(place, exchange)| Taken { place: *place, exchange });
    let mut confirming =
        all.filter(|taken| taken.exchange.response.as_ref().is_some_and(|one| one.status == 304));
    let (taken, length) = confirming.find_map(|taken| {
        let body = taken.exchange.response.as_ref().map_or(0, |one| one.body.length);
        let more = taken.exchange.connection.left_over.chars().count() as u64;
        (body + more > 0).then_some((taken, body + more))
    })?;
    let says = format!(
        "A 304 came with content ({length} bytes of it were seen): whoever reads the connection takes them for the next response."
    );
    Some(Finding::new(&kinds::CONTENT_IN_304, series, says).shown_by([taken]))
}

/// A 304 with a length that the 200 does not have.
fn length_in_304(series: &Series<'_>) -> Option<Finding> {
    let (first, fields, taken, of_304) = both(series)?;
    let length = of_304.get("Content-Length")?;
    if fields.get("Content-Length") == Some(length) {
        return None;
    }
    let says = match fields.get("Content-Length") {
        Some(right) => format!("and the 200 has {right}"),
        None => "and the 200 says none".to_owned(),
    };
    let says = format!(
        "Who is told that it is current may wait for content that never comes: the 304 says Content-Length: {length}, \
         {says}."
    );
    Some(Finding::new(&kinds::LENGTH_IN_304, series, says).shown_by([first, taken]))
}

/// The request after a 304 on its connection fails.
fn connection_breaks(series: &Series<'_>) -> Option<Finding> {
    let (confirming, _) = confirmed(series)?;
    let after = series.get(Probe::After304)?;
    let trouble = after.exchange.trouble.as_ref()?;
    let is_of_connection = matches!(
        trouble.kind,
        TroubleKind::Reset | TroubleKind::Malformed | TroubleKind::Timeout | TroubleKind::Truncated
    );
    let same = after.exchange.connection.number == confirming.exchange.connection.number;
    let says = "After a 304 the connection is of no more use: the next request on it gets no proper answer.";
    (is_of_connection && same && after.exchange.connection.served > 0)
        .then(|| Finding::new(&kinds::RESET_AFTER_304, series, says).shown_by([confirming, after]))
}

/// Each 304 ends the connection, and a 200 does not.
fn connection_closes(series: &Series<'_>) -> Option<Finding> {
    let (first, _) = series.first()?;
    let (confirming, _) = confirmed(series)?;
    let ends = |taken: &Taken<'_>| {
        let says_so = taken.exchange.response.as_ref().and_then(|one| one.fields.joined("Connection"));
        taken.exchange.connection.closed || says_so.is_some_and(|field| field.eq_ignore_ascii_case("close"))
    };
    let says = "The connection is kept after a 200 and closed after a 304.";
    (confirming.exchange.connection.number > 0 && ends(&confirming) && !ends(&first))
        .then(|| Finding::new(&kinds::CLOSES_AFTER_304, series, says).shown_by([first, confirming]))
}

fn other_tag(series: &Series<'_>) -> Option<Finding> {
    let (first, fields, taken, of_304) = both(series)?;
    let (tag, confirmed) = (fields.get("ETag")?, of_304.get("ETag")?);
    let (ours, theirs) = (EntityTag::parse(tag.as_bytes())?, EntityTag::parse(confirmed.as_bytes()));
    if theirs.is_some_and(|theirs| theirs.weak_eq(ours)) {
        return None;
    }
    let says = format!("The 304 that confirms {tag} says ETag: {confirmed}.");
    Some(Finding::new(&kinds::TAG_OF_304, series, says).shown_by([first, taken]))
}

/// "The server generating a 304 response MUST generate any of the following header fields that would have been
/// sent in a 200".
const REQUIRED: [&str; 6] = ["Cache-Control", "Content-Location", "Date", "ETag", "Expires", "Vary"];

fn fields_missing(series: &Series<'_>) -> Option<Finding> {
    let (first, fields, taken, of_304) = both(series)?;
    let lost: Vec<&str> = REQUIRED.into_iter().filter(|name| fields.has(name) && !of_304.has(name)).collect();
    let says = format!("The 304 lacks {}, which the 200 has.", lost.join(", "));
    (!lost.is_empty()).then(|| Finding::new(&kinds::MUST_FIELDS_LOST, series, says).shown_by([first, taken]))
}

/// Fields that a cache keeps from the 200 if the 304 has none, though the new ones may be others: CORS, CSP, and what
/// is for one kind of cache.
fn more_fields_missing(series: &Series<'_>) -> Option<Finding> {
    let (first, fields, taken, of_304) = both(series)?;
    let mut lost: Vec<&str> = fields
        .iter()
        .filter(|(name, value)| is_kept(name, value) && !of_304.has(name))
        .map(|(name, _)| name)
        .collect();
    lost.dedup();
    let says = format!("The 304 lacks {}, which the 200 has.", lost.join(", "));
    (!lost.is_empty()).then(|| Finding::new(&kinds::MORE_FIELDS_LOST, series, says).shown_by([first, taken]))
}

fn is_kept(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // A nonce is one of the content, which the client has from before.
    let is_policy = name.starts_with("content-security-policy") && !value.contains("'nonce-");
    is_policy
        || name.starts_with("access-control-")
        || name.ends_with("-cache-control")
        || name == "surrogate-control"
}

fn fields_differ(series: &Series<'_>) -> Option<Finding> {
    let (first, fields, taken, of_304) = both(series)?;
    let differ = |name: &str| match (fields.joined(name), of_304.joined(name)) {
        (Some(one), Some(other)) if name == "Vary" => names(&one) != names(&other),
        (Some(one), Some(other)) => CacheControl::from_field(&one) != CacheControl::from_field(&other),
        _ => false,
    };
    let other: Vec<&str> = ["Cache-Control", "Vary"].into_iter().filter(|name| differ(name)).collect();
    let says = format!("The 304 says another {} than the 200.", other.join(" and another "));
    (!other.is_empty())
        .then(|| Finding::new(&kinds::FIELDS_DIFFER_IN_304, series, says).shown_by([first, taken]))
}

/// The names in a Vary, in no order.
pub(super) fn names(field: &str) -> Vec<String> {
    let elements = crate::http::field::elements(field.as_bytes());
    let mut names: Vec<String> =
        elements.map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn content_fields(series: &Series<'_>) -> Option<Finding> {
    let (_, _, taken, of_304) = both(series)?;
    let is_known =
        |name: &str| ["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str());
    let superfluous: Vec<&str> = of_304
        .iter()
        .map(|(name, _)| name)
        .filter(|name| describes_content(name) && !is_known(name))
        .collect();
    let says = format!("The 304 has {}.", superfluous.join(", "));
    (!superfluous.is_empty())
        .then(|| Finding::new(&kinds::CONTENT_FIELDS_IN_304, series, says).shown_by([taken]))
}

fn cookie_in_304(series: &Series<'_>) -> Option<Finding> {
    let (_, _, taken, of_304) = both(series)?;
    let cookie = of_304.get("Set-Cookie")?;
    let directives = directives(of_304);
    let may_share = directives.public || directives.s_maxage.is_some();
    let name = cookie.split('=').next().unwrap_or_default();
    let says = format!("The 304 sets the cookie {name} and says that shared caches may keep its fields.");
    may_share.then(|| Finding::new(&kinds::COOKIE_IN_304, series, says).shown_by([taken]))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, ids};

    #[test]
    fn a_304_with_content_or_another_length_is_told() {
        let sample = Sample::page().left_over("inm-exact", "<html>");
        assert_eq!(ids(&sample), ["content-in-304"]);
        let sample = Sample::page().with_304("Content-Length", "0");
        assert_eq!(ids(&sample), ["length-in-304"]);
        assert_eq!(ids(&Sample::page().with_304("Content-Length", "7").with("Content-Length", "7")), [""; 0]);
    }

    #[test]
    fn fields_that_say_who_may_use_it_are_missed_in_a_304() {
        for (name, value, told) in [
            ("Access-Control-Allow-Origin", "*", true),
            ("Content-Security-Policy", "default-src 'self'", true),
            ("Content-Security-Policy", "script-src 'nonce-x'", false),
            ("CDN-Cache-Control", "max-age=60", true),
            ("Server", "one", false),
        ] {
            let sample = Sample::page().with(name, value);
            let expected: &[&str] = if told { &["more-missing-in-304"] } else { &[] };
            assert_eq!(ids(&sample.clone().without_304(name)), expected, "{name}");
            assert_eq!(ids(&sample), [""; 0], "{name}");
        }
    }

    #[test]
    fn a_connection_that_breaks_after_a_304_is_told() {
        assert_eq!(ids(&Sample::page().breaks_after_304("reset")), ["reset-after-304"]);
        assert_eq!(ids(&Sample::page().breaks_after_304("malformed")), ["reset-after-304"]);
        assert_eq!(ids(&Sample::page().with_304("Connection", "close")), ["closed-after-304"]);
    }

    #[test]
    fn fields_that_a_304_must_have_are_missed() {
        for field in ["Cache-Control", "Vary", "Date"] {
            assert_eq!(
                ids(&Sample::page().with("Vary", "Cookie").without_304(field)),
                ["fields-missing-in-304"],
                "{field}"
            );
        }
    }

    #[test]
    fn a_304_that_says_otherwise_is_told() {
        assert_eq!(ids(&Sample::page().with_304("Cache-Control", "max-age=9")), ["fields-differ-in-304"]);
        assert_eq!(ids(&Sample::page().with_304("ETag", "\"b\"")), ["other-tag-in-304"]);
        assert_eq!(ids(&Sample::page().with_304("ETag", "W/\"a\"")), [""; 0]);
        assert_eq!(ids(&Sample::page().with_304("Content-Type", "text/html")), ["content-fields-in-304"]);
    }

    #[test]
    fn a_cookie_on_a_304_is_told_where_it_may_be_shared() {
        let sample = |directives| {
            let sample =
                Sample::page().with("Cache-Control", directives).with_304("Cache-Control", directives);
            sample.with_304("Set-Cookie", "sid=1; Path=/")
        };
        assert_eq!(ids(&sample("public, max-age=60")), ["cookie-in-304"]);
        assert_eq!(ids(&sample("private, max-age=60")), [""; 0]);
    }
}

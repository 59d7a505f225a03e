//! Rules on validators: there is none, it changes, it lies (RFC 9110 §8.8).

use super::catalogue;
use super::difference::{Difference, differences};
use super::exchange::{Body, Response};
use super::finding::Finding;
use super::probe::Probe;
use super::view::{Series, Taken, View};
use crate::http::entity_tag::EntityTag;

/// All rules on one series.
pub(super) const RULES: &[fn(&Series<'_>) -> Option<Finding>] = &[
    no_validator,
    ill_formed_tag,
    unstable_tag,
    replicas_disagree,
    tag_lies,
    volatile_bytes,
    head_differs,
    frozen_date,
];

fn no_validator(series: &Series<'_>) -> Option<Finding> {
    let (taken, response) = series.first()?;
    let has_one = response.fields.has("ETag") || response.fields.has("Last-Modified");
    if has_one || forbids_storing(response) || is_stream(response) {
        return None;
    }
    let size = response.body.length;
    let says = format!(
        "This page can never be revalidated: it has neither an ETag nor a Last-Modified. Each visit costs all of its \
         {size} bytes."
    );
    Some(Finding::new(&catalogue::NO_VALIDATOR, series, says).shown_by([taken]))
}

/// What is made while it is sent has no tag by its nature.
fn is_stream(response: &Response) -> bool {
    let media_type = response.fields.get("Content-Type").unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let streams =
        ["text/event-stream", "application/x-ndjson", "application/ndjson", "multipart/x-mixed-replace"];
    streams.contains(&essence.as_str())
}

/// With `no-store` there is nothing to revalidate.
pub(super) fn forbids_storing(response: &Response) -> bool {
    response.fields.all("Cache-Control").any(crate::http::cache_control::CacheControl::has_no_store)
}

fn ill_formed_tag(series: &Series<'_>) -> Option<Finding> {
    let (taken, response) = series.first()?;
    let lines: Vec<&str> = response.fields.all("ETag").collect();
    let [tag] = lines.as_slice() else {
        let says = format!("There are {} ETag fields, where one may be.", lines.len());
        return (lines.len() > 1)
            .then(|| Finding::new(&catalogue::ILL_FORMED_TAG, series, says).shown_by([taken]));
    };
    if EntityTag::parse(tag.as_bytes()).is_some() {
        return None;
    }
    let says =
        format!("The ETag {tag} is not in double quotes: it confirms nothing, and nginx and CDNs remove it.");
    Some(Finding::new(&catalogue::ILL_FORMED_TAG, series, says).shown_by([taken]))
}

/// Another tag over the same connection, or for other bytes.
fn unstable_tag(series: &Series<'_>) -> Option<Finding> {
    let all = series.plain_gets();
    let (first, other) = pair_with_other_tags(&all)?;
    if is_of_replicas(&all, first, other) {
        return None;
    }
    let (found, bytes) = differing(first.1, other.1);
    let because = if found.is_empty() {
        match differing_coding(first.1, other.1) {
            Some(coding) => format!(
                ", because its {coding} bytes differ though what is in them does not: random padding, or the time of \
                 compressing."
            ),
            None => ", though its bytes are the same: it is not made from them.".to_owned(),
        }
    } else {
        because(&found, bytes)
    };
    let says = format!("This page can never be revalidated: its ETag changes with each response{because}");
    let finding = Finding::new(&catalogue::UNSTABLE_TAG, series, says).shown_by([first.0, other.0]);
    Some(with_line(finding, &found, series.tag()).differing(found))
}

/// `, because of these 64 bytes: the CSRF token at line 18.`
fn because(found: &[Difference], bytes: usize) -> String {
    let mut places: Vec<String> =
        found.iter().map(|one| format!("{} at line {}", one.what, one.line)).collect();
    places.dedup();
    let more = places.len().saturating_sub(3);
    places.truncate(3);
    let these = if bytes == 1 { "this byte".to_owned() } else { format!("these {bytes} bytes") };
    let more = if more == 0 { String::new() } else { format!(", and {more} more places") };
    format!(", because of {these}: {}{more}.", places.join(", "))
}

/// With the line that leaves out what differs. A tag of the application's own is not made anew unless that is said,
/// and that alone is enough where nothing differs.
fn with_line(finding: Finding, found: &[Difference], tag: Option<EntityTag<'_>>) -> Finding {
    let mut rules: Vec<&str> = found.iter().filter_map(|one| one.ignore.as_deref()).collect();
    rules.sort_unstable();
    rules.dedup();
    let ignore = format!("ignore = [{}]", rules.join(", "));
    let etag = match (tag.is_some_and(is_ours), rules.is_empty()) {
        (true, false) => format!("etag = {{ {ignore} }}"),
        (false, false) => format!("[[policy]]\npath = \"/**\"\netag = {{ from = \"content\", {ignore} }}"),
        (false, true) if found.is_empty() => "[[policy]]\npath = \"/**\"\netag = \"content\"".to_owned(),
        _ => return finding,
    };
    finding.with_line("notmodified.toml", etag)
}

/// Does it look like one that is made here? 128 bits in base64url.
fn is_ours(tag: EntityTag<'_>) -> bool {
    let opaque = tag.opaque();
    opaque.len() == 22
        && opaque.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

type Got<'a> = (Taken<'a>, &'a Response);

fn pair_with_other_tags<'a, 'e>(all: &'a [Got<'e>]) -> Option<(&'a Got<'e>, &'a Got<'e>)> {
    let first = all.first()?;
    let tag = first.1.fields.get("ETag")?;
    let other = all.iter().skip(1).find(|(_, response)| response.fields.get("ETag") != Some(tag))?;
    Some((first, other))
}

/// Do servers differ, and not responses? Over one connection the tag stays, or, where a balancer takes another
/// server for each request, tags come again. A tag made anew for each response does neither.
fn is_of_replicas(all: &[Got<'_>], first: &Got<'_>, other: &Got<'_>) -> bool {
    let is_over_another_connection = other.0.exchange.probe == Probe::Replica;
    let come_again = tags(all).len() < all.len();
    (is_over_another_connection || come_again) && is_same_content(&first.1.body, &other.1.body)
}

/// The different tags of all.
fn tags<'a>(all: &[Got<'a>]) -> Vec<&'a str> {
    let mut tags: Vec<&str> = all.iter().filter_map(|(_, response)| response.fields.get("ETag")).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// Other tags for the same bytes, of other servers.
fn replicas_disagree(series: &Series<'_>) -> Option<Finding> {
    let all = series.plain_gets();
    let (first, other) = pair_with_other_tags(&all)?;
    if !is_of_replicas(&all, first, other) {
        return None;
    }
    let tags = tags(&all);
    let says = format!(
        "Whether this page is revalidated is a matter of luck: the same {} bytes had {} different ETags in {} responses.",
        first.1.body.length,
        tags.len(),
        all.len(),
    );
    Some(Finding::new(&catalogue::REPLICAS_DISAGREE, series, says).shown_by([first.0, other.0]))
}

/// The same strong tag for other bytes.
fn tag_lies(series: &Series<'_>) -> Option<Finding> {
    let (first, other) = pair_of_other_bytes(series, false)?;
    let (found, bytes) = differing(first.1, other.1);
    let where_to = if found.is_empty() { ".".to_owned() } else { because(&found, bytes) };
    let says = format!("Clients keep old content: the bytes differ under the same strong ETag{where_to}");
    Some(Finding::new(&catalogue::TAG_LIES, series, says).shown_by([first.0, other.0]).differing(found))
}

/// The same weak tag for other bytes: allowed, and told only where no preset knows what differs.
fn volatile_bytes(series: &Series<'_>) -> Option<Finding> {
    let (first, other) = pair_of_other_bytes(series, true)?;
    let (found, bytes) = differing(first.1, other.1);
    let is_known = |one: &Difference| one.ignore.as_deref().is_some_and(|ignore| ignore.starts_with('"'));
    if found.is_empty() || found.iter().all(is_known) {
        return None;
    }
    let says = format!("The weak ETag stays the same while the content differs{}", because(&found, bytes));
    Some(Finding::new(&catalogue::UNSTABLE_BYTES, series, says).shown_by([first.0, other.0]).differing(found))
}

fn pair_of_other_bytes<'a>(series: &Series<'a>, weak: bool) -> Option<(Got<'a>, Got<'a>)> {
    let all = series.plain_gets();
    let first = *all.first()?;
    let tag = series.tag().filter(|tag| tag.is_weak() == weak)?;
    let other = all.into_iter().skip(1).find(|(_, response)| {
        let same_tag = response.fields.get("ETag").and_then(|tag| EntityTag::parse(tag.as_bytes()));
        // Compressed anew it may be cut otherwise: Apache's is, by how fast it got what it compressed.
        same_tag == Some(tag)
            && !is_same_content(&first.1.body, &response.body)
            && differing_coding(first.1, response).is_none()
    })?;
    Some((first, other))
}

/// Are two bodies the same, as far as both are known to their ends?
fn is_same_content(one: &Body, other: &Body) -> bool {
    !one.is_whole || !other.is_whole || one.is_same(other)
}

/// The places at which two contents differ; nothing where they are coded.
fn differing(one: &Response, other: &Response) -> (Vec<Difference>, usize) {
    match (plain(one), plain(other)) {
        (Some(first), Some(second)) => differences(&first, &second, &one.fields),
        _ => (Vec::new(), 0),
    }
}

/// The coding of two bodies that differ, while what is in them does not.
fn differing_coding<'a>(one: &'a Response, other: &Response) -> Option<&'a str> {
    let coding = one.fields.get("Content-Encoding")?;
    (!one.body.is_same(&other.body) && plain(one)? == plain(other)?).then_some(coding)
}

/// How much is decoded, in bytes.
const MAX_DECODED: u64 = 4 << 20;

/// The content with its coding undone, as far as that can be done.
pub(super) fn plain(response: &Response) -> Option<Vec<u8>> {
    use std::io::Read;
    let kept = response.body.kept.as_slice();
    let mut content = Vec::new();
    match response.fields.joined("Content-Encoding").map(|coding| coding.to_ascii_lowercase()).as_deref() {
        None | Some("identity" | "") => return Some(kept.to_vec()),
        Some("gzip") => flate2::read::MultiGzDecoder::new(kept).take(MAX_DECODED).read_to_end(&mut content),
        Some("zstd") => {
            zstd::stream::read::Decoder::with_buffer(kept).ok()?.take(MAX_DECODED).read_to_end(&mut content)
        }
        Some("br") => {
            brotli_decompressor::Decompressor::new(kept, 4096).take(MAX_DECODED).read_to_end(&mut content)
        }
        Some(_) => return None,
    }
    .ok()?;
    Some(content)
}

/// HEAD has another status or tag than GET, or does not confirm the tag that GET confirms.
fn head_differs(series: &Series<'_>) -> Option<Finding> {
    let (taken, response) = series.first()?;
    let head = series.get(Probe::Head)?;
    let answer = head.exchange.answer()?;
    let finding =
        |says: String| Some(Finding::new(&catalogue::HEAD_DIFFERS, series, says).shown_by([taken, head]));
    if answer.status != 200 {
        return finding(format!("GET is answered with 200 and HEAD with {}.", answer.status));
    }
    if !series.is_stable() {
        return None;
    }
    let lost: Vec<&str> = ["ETag", "Last-Modified"]
        .into_iter()
        .filter(|name| response.fields.get(name) != answer.fields.get(name))
        .collect();
    let mut says = Vec::new();
    let mut shown = vec![taken, head];
    if !lost.is_empty() {
        says.push(format!("HEAD has another {} than GET, or none", lost.join(" and another ")));
    }
    if let Some((confirmed, asked, status)) = unconfirmed_head(series) {
        says.push(format!("GET with the current tag in If-None-Match gets 304 and HEAD gets {status}"));
        shown.extend([confirmed, asked]);
    }
    (!says.is_empty()).then(|| {
        Finding::new(&catalogue::HEAD_DIFFERS, series, format!("{}.", says.join("; "))).shown_by(shown)
    })
}

/// The GET that was answered with 304 and the HEAD that was not, of the same tag, and with which status it was.
fn unconfirmed_head<'a>(series: &Series<'a>) -> Option<(Taken<'a>, Taken<'a>, u16)> {
    let (confirmed, asked) = (series.get(Probe::InmExact)?, series.get(Probe::HeadInm)?);
    let answer = asked.exchange.answer()?;
    // Of another tag, the content has changed meanwhile.
    let tag = answer.fields.get("ETag");
    let is_changed = tag.is_some() && tag != series.first()?.1.fields.get("ETag");
    (confirmed.exchange.status() == Some(304) && answer.status != 304 && !is_changed).then_some((
        confirmed,
        asked,
        answer.status,
    ))
}

const DAY: i64 = 86_400;
const YEAR_1980: i64 = 315_532_800;

/// A time at which nothing changed, but which build tools and images of containers give to all files.
fn frozen_date(series: &Series<'_>) -> Option<Finding> {
    let (taken, response) = series.first()?;
    let date = series.last_modified()?.unix();
    let is_frozen = |start: i64| (start - DAY..=start + DAY).contains(&date);
    let says = format!(
        "Clients that know dates only keep old content: Last-Modified: {} is the time that build tools give to each \
         file, in each version.",
        response.fields.get("Last-Modified").unwrap_or_default()
    );
    (is_frozen(0) || is_frozen(YEAR_1980))
        .then(|| Finding::new(&catalogue::FROZEN_DATE, series, says).shown_by([taken]))
}

/// One strong tag for plain and compressed content.
pub(super) fn one_tag_for_two_codings(view: &View<'_>) -> Option<Finding> {
    let plain = view.series.iter().find(|series| coding(series) == Some(String::new()))?;
    let tag = plain.tag().filter(|tag| !tag.is_weak())?;
    let coded = view.series.iter().find(|series| {
        coding(series).is_some_and(|coding| !coding.is_empty()) && series.tag() == Some(tag)
    })?;
    let says = format!(
        "Plain and {} content have the same strong ETag {tag}: a resumed download mixes both.",
        coding(coded).unwrap_or_default(),
    );
    let shown = [plain.get(Probe::First), coded.get(Probe::First)];
    Some(Finding::new(&catalogue::ONE_TAG_FOR_TWO_CODINGS, coded, says).shown_by(shown.into_iter().flatten()))
}

/// The coding in which the plain GET was answered; empty for none.
pub(super) fn coding(series: &Series<'_>) -> Option<String> {
    let (_, response) = series.first()?;
    let coding = response.fields.joined("Content-Encoding").unwrap_or_default().to_ascii_lowercase();
    Some(if coding == "identity" { String::new() } else { coding })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, ids};

    const TOKENS: [&str; 2] = [
        "eUTbmnzEMKBUBEOqMTS5MAMWNhc2IjxpeVVYacpvEDvPxBMpsFmMvo641wCKbODw",
        "aUTbmnzEMKBUBEOqMTS5MAMWNhc2IjxpeVVYacpvEDvPxBMpsFmMvo641wCKbODx",
    ];

    fn form(token: &str) -> String {
        format!("<html>\n<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{token}\">\n")
    }

    #[test]
    fn a_response_without_validators_is_told_but_not_one_that_must_not_be_stored() {
        assert_eq!(ids(&Sample::page().without("ETag").without("Last-Modified")), ["no-validator"]);
        let sample = Sample::page().without("ETag").without("Last-Modified");
        assert_eq!(ids(&sample.with("Cache-Control", "no-store")), [""; 0]);
        let stream = Sample::page().without("ETag").without("Last-Modified");
        assert_eq!(ids(&stream.with("Content-Type", "text/event-stream; charset=utf-8")), [""; 0]);
    }

    #[test]
    fn a_tag_without_quotes_is_told() {
        assert_eq!(ids(&Sample::page().with("ETag", "abc")), ["ill-formed-tag"]);
        assert_eq!(ids(&Sample::page().with("ETag", "W/abc")), ["ill-formed-tag"]);
    }

    #[test]
    fn a_tag_that_changes_is_told_with_the_token_that_changes_it() {
        let sample = Sample::page().answer("first", 200, &[("ETag", "\"a\"")], &form(TOKENS[0])).answer(
            "repeat",
            200,
            &[("ETag", "\"b\"")],
            &form(TOKENS[1]),
        );
        let report = sample.report();
        assert_eq!(
            report["pages"][0]["verdict"],
            "This page can never be revalidated: its ETag changes with each response, because of these 64 bytes: \
             the CSRF token of Django at line 2."
        );
        let finding = &report["pages"][0]["findings"][0];
        assert_eq!(finding["id"], "unstable-tag");
        assert_eq!(
            finding["lines"][0]["text"],
            "[[policy]]\npath = \"/**\"\netag = { from = \"content\", ignore = [\"django-csrf\"] }"
        );
        assert_eq!(finding["differences"][0]["first"], TOKENS[0]);
    }

    #[test]
    fn what_ends_it_depends_on_who_makes_the_tag() {
        let line = |tag: &str, other: &str, again: &str| {
            let sample = Sample::page()
                .answer("first", 200, &[("ETag", tag)], &form(TOKENS[0]))
                .answer("repeat", 200, &[("ETag", other)], again)
                .answer("replica", 200, &[("ETag", "\"third\"")], again);
            let finding = &sample.report()["pages"][0]["findings"][0];
            assert_eq!(finding["id"], "unstable-tag");
            finding["lines"][0]["text"].as_str().map(str::to_owned)
        };
        let ours = "\"Rk2q0h2Ym1zq3o9wW0dU-_\"";
        assert_eq!(
            line(ours, "\"Rk2q0h2Ym1zq3o9wW0dUAA\"", &form(TOKENS[1])).as_deref(),
            Some("etag = { ignore = [\"django-csrf\"] }")
        );
        assert_eq!(
            line("\"5f9c\"", "\"5f9d\"", &form(TOKENS[0])).as_deref(),
            Some("[[policy]]\npath = \"/**\"\netag = \"content\"")
        );
        assert_eq!(line(ours, "\"5f9d\"", &form(TOKENS[0])), None);
    }

    #[test]
    fn a_date_of_a_build_is_told() {
        for (date, told) in [
            ("Thu, 01 Jan 1970 00:00:01 GMT", true),
            ("Tue, 01 Jan 1980 00:00:00 GMT", true),
            ("Mon, 31 Dec 1979 23:00:00 GMT", true),
            ("Thu, 03 Jan 1980 00:00:00 GMT", false),
        ] {
            let is_told =
                ids(&Sample::page().with("Last-Modified", date)).contains(&"frozen-date".to_owned());
            assert_eq!(is_told, told, "{date}");
        }
    }

    #[test]
    fn the_same_bytes_under_other_tags_are_the_replicas_doing_if_the_tags_come_again() {
        let (other, third) = (&[("ETag", "\"b\"")], &[("ETag", "\"c\"")]);
        assert_eq!(ids(&Sample::page().answer("replica", 200, other, "content")), ["replicas-disagree"]);
        assert_eq!(ids(&Sample::page().answer("repeat", 200, other, "content")), ["replicas-disagree"]);
        let new_each_time =
            Sample::page().answer("repeat", 200, other, "content").answer("replica", 200, third, "content");
        assert_eq!(ids(&new_each_time), ["unstable-tag"]);
        assert_eq!(ids(&Sample::page().answer("replica", 200, other, "another")), ["unstable-tag"]);
    }

    #[test]
    fn other_bytes_under_one_tag_are_a_lie_if_it_is_strong() {
        let again = |tag: &'static str| {
            Sample::page().with("ETag", tag).answer("repeat", 200, &[("ETag", tag)], "contend at 12:00:01")
        };
        assert_eq!(ids(&again("\"a\"")), ["tag-lies"]);
        assert_eq!(ids(&again("W/\"a\"")), ["volatile-bytes"]);
    }

    #[test]
    fn a_head_without_the_tag_or_with_another_status_is_told() {
        assert_eq!(ids(&Sample::page().answer("head", 200, &[], "")), ["head-differs"]);
        assert_eq!(ids(&Sample::page().answer("head", 405, &[], "")), ["head-differs"]);
    }

    #[test]
    fn a_head_that_is_not_confirmed_where_a_get_is_is_told() {
        let whole = |sample: Sample| sample.answer("head-inm", 200, &[], "");
        assert_eq!(ids(&whole(Sample::page())), ["head-differs"]);
        let nobody_judges = whole(Sample::page()).answer("inm-exact", 200, &[], "content");
        assert!(!ids(&nobody_judges).contains(&"head-differs".to_owned()));
        let changed = Sample::page().answer("head-inm", 200, &[("ETag", "\"b\"")], "");
        assert_eq!(ids(&changed), [""; 0]);
        assert_eq!(ids(&Sample::page().left_over("head-inm", "more")), ["content-in-304"]);
    }

    #[test]
    fn codings_need_tags_of_their_own() {
        let coded = |tag: &'static str| {
            let fields = [("ETag", tag), ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")];
            Sample::page().with("Vary", "Accept-Encoding").coded("gzip", &fields)
        };
        assert_eq!(ids(&coded("\"a\"")), ["one-tag-for-codings"]);
        assert_eq!(ids(&coded("\"a-gz\"")), [""; 0]);
        assert_eq!(ids(&coded("W/\"a\"")), [""; 0]);
    }
}

//! What a tag of masked content is made of, and what it must not be equal to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;

const HTML: Option<&str> = Some("text/html; charset=utf-8");
const DJANGO: &str = "eUTbmnzEMKBUBEOqMTS5MAMWNhc2IjxpeVVYacpvEDvPxBMpsFmMvo641wCKbODw";
/// The same secret under another mask, and another secret under the first mask.
const DJANGO_AGAIN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabcXYZ0123456789QWERTYuiopASDFgh";
const DJANGO_ROTATED: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbcXYZ0123456789QWERTYuiopASDFgh";
const FLASK: &str =
    "ImZjYmRjNGMyNzFjODg5ODI1ZDgzMzhkMmQ4ZjEwYjZlNWU5NWMxNzEi.arE7gA.BDIafEUhhSrf6ak0LayE6DLItUw";

fn all() -> Ignore {
    Ignore(Rule::PRESETS.into_iter().filter_map(Rule::preset).collect())
}

fn patterns(patterns: &[&str]) -> Ignore {
    Ignore(patterns.iter().map(|text| Rule::Pattern(Pattern::parse(text).unwrap())).collect())
}

fn tag_with(ignore: &Ignore, fields: &[(&str, &str)], content: &str) -> (String, bool) {
    let reading = Reading::of(Some(ignore), 1 << 20, HTML, false, Coding::Identity, fields);
    let (tag, weak) = reading.tag(&[content.as_bytes()], None);
    (tag.opaque().to_owned(), weak)
}

fn tag(ignore: &Ignore, content: &str) -> (String, bool) {
    tag_with(ignore, &[], content)
}

fn form(token: &str) -> String {
    format!(r#"<form><input type="hidden" name="csrfmiddlewaretoken" value="{token}"></form>"#)
}

#[test]
fn the_recipe_is_the_promised_one() {
    assert_eq!(tag(&all(), &form(DJANGO)), ("xy-wZWlYTToCC5dhkxR11A".into(), true));
    assert_eq!(tag(&patterns(&["[0-9]+"]), "at 12:30"), ("7t6L5Yc-6E_c16xcX8OU4A".into(), true));
    let key = TagKey::derive(b"sixteen bytes or more");
    let ignore = patterns(&["[0-9]+"]);
    let reading = Reading::of(Some(&ignore), 100, HTML, false, Coding::Identity, &[]);
    assert_eq!(reading.tag(&[b"at 12:30"], Some(&key)).0.opaque(), "AnLku-rmKY3bDIhfCYMc1g");
}

#[test]
fn a_page_in_which_nothing_is_found_has_the_strong_tag_of_its_bytes() {
    assert_eq!(tag(&all(), "a page"), (ContentTag::of(b"a page", None).opaque().to_owned(), false));
}

#[test]
fn another_mask_is_the_same_page_and_another_secret_is_another() {
    let one = tag(&all(), &form(DJANGO));
    assert_eq!(one, tag(&all(), &form(DJANGO_AGAIN)));
    assert_ne!(one, tag(&all(), &form(DJANGO_ROTATED)));
}

#[test]
fn a_token_of_flask_wtf_is_the_same_for_half_its_life() {
    let signed_at = |seconds: u32| {
        let time = URL_SAFE_NO_PAD.encode(seconds.to_be_bytes());
        form(&FLASK.replace("arE7gA", &time).replace("BDIaf", &format!("{:05}", seconds % 100_000)))
    };
    let half = 1_790_000_000 / 1800 * 1800;
    let one = tag(&all(), &signed_at(half));
    assert_eq!(one, tag(&all(), &signed_at(half + 1799)));
    assert_ne!(one, tag(&all(), &signed_at(half + 1800)));
    assert_ne!(one, tag(&all(), &signed_at(half - 1)));
    assert_ne!(one, tag(&all(), &signed_at(half).replace("ImZj", "ImZk")), "another session");
}

#[test]
fn a_nonce_is_masked_where_the_policy_names_it_and_a_new_policy_is_another_page() {
    let page = |nonce: &str, policy: &str| {
        let value = format!("script-src 'nonce-{nonce}'{policy}");
        let fields = [("Content-Security-Policy", value.as_str())];
        tag_with(&all(), &fields, &format!(r#"<script nonce="{nonce}">var n = "{nonce}"</script>"#))
    };
    let one = page("aaaaaaaaaaaaaaaaaaaaaa", "");
    assert!(one.1);
    assert_eq!(one, page("bbbbbbbbbbbbbbbbbbbbbbbb", ""));
    assert_ne!(one, page("bbbbbbbbbbbbbbbbbbbbbbbb", " https://other.example"));
    assert_ne!(one.0, tag(&all(), r#"<script nonce="aaaaaaaaaaaaaaaaaaaaaa">"#).0);
}

#[test]
fn two_nonces_don_t_change_places_unseen() {
    let fields = [(
        "content-security-policy",
        "script-src 'nonce-aaaaaaaaaaaaaaaa'; style-src 'nonce-bbbbbbbbbbbbbbbb'",
    )];
    let one = tag_with(&all(), &fields, "aaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbb");
    assert_ne!(one, tag_with(&all(), &fields, "bbbbbbbbbbbbbbbb aaaaaaaaaaaaaaaa"));
}

#[test]
fn a_masked_region_is_still_there() {
    let ignore = patterns(&["id=([a-z0-9]*);", "[0-9]+ ms"]);
    let one = tag(&ignore, "x id=12; y");
    assert_eq!(one, tag(&ignore, "x id=abcdef; y"));
    assert_eq!(one, tag(&ignore, "x id=; y"));
    for other in ["x id=12 y", "x  y", "x id=12; id=12; y", " xid=12; y", "x i d=12; y", "x id=12; z"] {
        assert_ne!(one, tag(&ignore, other), "{other}");
    }
    assert_eq!(tag(&ignore, "in 12 ms"), tag(&ignore, "in 9 ms"));
    assert_ne!(tag(&ignore, "in 12 ms").0, tag(&ignore, "in ").0);
}

#[test]
fn what_a_pattern_masks_too_is_bound_to_its_secret_all_the_same() {
    let mut ignore = all();
    ignore.0.extend(patterns(&["value=\"[^\"]*\""]).0);
    assert_eq!(tag(&ignore, &form(DJANGO)), tag(&ignore, &form(DJANGO_AGAIN)));
    assert_ne!(tag(&ignore, &form(DJANGO)), tag(&ignore, &form(DJANGO_ROTATED)));
}

#[test]
fn only_short_text_that_is_not_coded_is_masked() {
    let (ignore, page) = (all(), form(DJANGO));
    let masks = |content_type, coding, max_body| {
        let reading = Reading::of(Some(&ignore), max_body, content_type, false, coding, &[]);
        reading.tag(&[page.as_bytes()], None).1
    };
    let length = page.len() as u64;
    assert!(masks(HTML, Coding::Identity, length));
    assert!(!masks(HTML, Coding::Identity, length - 1));
    assert!(!masks(HTML, Coding::Gzip, length));
    assert!(!masks(HTML, Coding::Other, length));
    for text in
        ["application/json", "APPLICATION/XHTML+XML ; a=b", "application/ld+json", "text/x", "image/svg+xml"]
    {
        assert!(masks(Some(text), Coding::Identity, length), "{text}");
    }
    for other in ["image/png", "application/octet-stream", "text", "", "application/pdf"] {
        assert!(!masks(Some(other), Coding::Identity, length), "{other}");
    }
    assert!(!masks(None, Coding::Identity, length));
}

#[test]
fn codings_are_told_apart() {
    let coding = |lines: &[&str]| lines.iter().fold(Coding::Identity, |coding, line| coding.and(line));
    assert_eq!(coding(&[" GZip\t"]), Coding::Gzip);
    assert_eq!(coding(&["identity", ""]), Coding::Identity);
    for lines in [&["gzip, gzip"][..], &["gzip", "gzip"], &["br"], &["br", "gzip"], &["x-gzip"]] {
        assert_eq!(coding(lines), Coding::Other);
    }
}

#[test]
fn padding_of_gzip_is_taken_out_and_the_tag_is_weak() {
    let plain = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff][..], b"deflated"].concat();
    let padded = [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0xff][..], b"aaaa\0deflated"].concat();
    let reading = Reading::of(None, 0, HTML, false, Coding::Gzip, &[]);
    let (strong, weak) = (reading.tag(&[&plain], None), reading.tag(&[&padded], None));
    assert_eq!((strong.0, strong.1, weak.1), (weak.0, false, true));
    assert_eq!(strong.0, ContentTag::of(&plain, None));
    let reading = Reading::of(None, 0, HTML, false, Coding::Identity, &[]);
    assert!(!reading.tag(&[&padded], None).1);
}

#[test]
fn a_page_with_endless_regions_is_hashed_as_it_is() {
    let page = "1 ".repeat(MAX_REGIONS + 1);
    assert!(!tag(&patterns(&["[0-9]"]), &page).1);
    assert!(tag(&patterns(&["[0-9]"]), &page[2..]).1);
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(DJANGO.to_owned()),
        Just(DJANGO_ROTATED.to_owned()),
        Just(FLASK.to_owned()),
        Just("csrf".to_owned()),
        Just("CSRF_token=".to_owned()),
        Just("aaaaaaaaaaaaaaaa".to_owned()),
        Just("bbbbbbbbbbbbbbbb".to_owned()),
        "[0-9]{1,3}",
        "[ <\"']{1,2}",
        "[a-z. ]{0,140}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn masking_is_what_a_plain_reader_does(
        parts in proptest::collection::vec(part(), 0..12),
        django: bool,
        flask in proptest::option::of(2_u32..10_000),
        has_policy: bool,
        has_pattern: bool,
        cut: proptest::sample::Index,
    ) {
        let content = parts.concat();
        let policy = "script-src 'nonce-aaaaaaaaaaaaaaaa' 'nonce-bbbbbbbbbbbbbbbb'";
        let fields = [("Content-Security-Policy", policy)];
        let mut rules = vec![Rule::CspNonce];
        rules.extend(django.then_some(Rule::DjangoCsrf));
        rules.extend(flask.map(|lifetime| Rule::FlaskWtfCsrf { lifetime }));
        let pattern = Pattern::parse("[0-9]+").unwrap();
        let mut found = Vec::new();
        if has_pattern {
            pattern.find(content.as_bytes(), MAX_REGIONS, &mut found);
            rules.push(Rule::Pattern(pattern));
        }
        let ignore = Ignore(rules);
        let fields = if has_policy { &fields[..] } else { &[] };
        let reading = Reading::of(Some(&ignore), 1 << 20, HTML, false, Coding::Identity, fields);
        let (one, other) = content.as_bytes().split_at(cut.index(content.len() + 1));
        let (tag, weak) = reading.tag(&[one, other], None);

        let found: Vec<_> = found.iter().map(|region| (region.start, region.end)).collect();
        let nonces: [&[u8]; 2] = [b"aaaaaaaaaaaaaaaa", b"bbbbbbbbbbbbbbbb"];
        let policies: [&[u8]; 1] = [b"content-security-policy\0script-src '\x000' '\x001'"];
        let expected = if has_policy {
            plain::masked(content.as_bytes(), django, flask, &nonces, &policies, &found)
        } else {
            plain::masked(content.as_bytes(), django, flask, &[], &[], &found)
        };
        prop_assert_eq!(weak, expected.is_some());
        let expected = expected.unwrap_or_else(|| *blake3::hash(content.as_bytes()).as_bytes());
        prop_assert_eq!(tag.opaque(), plain::opaque(&expected));
    }
}

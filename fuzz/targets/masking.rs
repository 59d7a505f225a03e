//! Masked content against a plain reader of the recipe. The first line names the presets, in letters: `d`jango,
//! `f`lask, `n`once, `p`attern; then a lifetime. The second is a Content-Security-Policy, the rest is the page.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::digest::ContentTag;
use notmodified::volatile::{Coding, Ignore, Pattern, Reading, Rule};
use notmodified_fuzz::Lines;

#[path = "../../src/volatile/plain.rs"]
mod plain;

fuzz_target!(|octets: &[u8]| {
    let mut lines = Lines::of(octets);
    let (Some(presets), Some(policy)) = (lines.next(), lines.next()) else { return };
    let page = lines.rest();
    if page.len() > 4000 {
        return; // The plain reader takes its time.
    }
    let has = |letter| presets.contains(&letter);
    let digits = presets.iter().filter(|octet| octet.is_ascii_digit());
    let lifetime = digits.take(6).fold(0, |number, digit| number * 10 + u32::from(*digit - b'0')).max(2);
    // A field is latin-1 without control characters.
    let policy: String = policy.iter().copied().filter(|octet| *octet >= b' ').map(char::from).collect();
    let policy = if has(b'n') { policy.as_str() } else { "" };

    let pattern = Pattern::parse("[0-9]{1,9}=|<b>([^<]{0,20})</b>").expect("a pattern");
    let mut rules = vec![Rule::CspNonce];
    rules.extend(has(b'd').then_some(Rule::DjangoCsrf));
    rules.extend(has(b'f').then_some(Rule::FlaskWtfCsrf { lifetime }));
    rules.extend(has(b'p').then_some(Rule::Pattern(pattern)));
    let ignore = Ignore(rules);
    let fields = [("Content-Security-Policy", policy)];
    let reading = Reading::of(Some(&ignore), u64::MAX, Some("text/html"), false, Coding::Identity, &fields);
    let (tag, weak) = reading.tag(&[page], None);
    let (halves, _) = reading.tag(&[&page[..page.len() / 2], &page[page.len() / 2..]], None);
    assert_eq!(tag, halves);

    let (nonces, masked_policy) = plain_policy(policy);
    let nonces: Vec<&[u8]> = nonces.iter().map(|nonce| nonce.as_bytes()).collect();
    let policies: &[&[u8]] = if nonces.is_empty() { &[] } else { &[masked_policy.as_bytes()] };
    let patterns = if has(b'p') { plain_pattern(page) } else { Vec::new() };
    let flask = has(b'f').then_some(lifetime);
    match plain::masked(page, has(b'd'), flask, &nonces, policies, &patterns) {
        Some(hash) => {
            assert!(weak);
            assert_eq!(tag.opaque(), plain::opaque(&hash));
        }
        None => assert_eq!((tag, weak), (ContentTag::of(page, None), false)),
    }
});

/// The nonces of a policy, eight at the most, and its field with numbers in their places.
fn plain_policy(policy: &str) -> (Vec<&str>, String) {
    let mut nonces: Vec<&str> = Vec::new();
    let mut text = String::from("content-security-policy\0");
    for (place, source) in policy.split('\'').enumerate() {
        if place > 0 {
            text.push('\'');
        }
        let is_nonce = source.as_bytes().get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"nonce-"));
        if place % 2 == 1 && is_nonce && source.len() >= 6 + 16 {
            let nonce = &source[6..];
            if !nonces.contains(&nonce) && nonces.len() < 8 {
                nonces.push(nonce);
            }
            if let Some(number) = nonces.iter().position(|known| *known == nonce) {
                text.push('\0');
                text.push_str(&number.to_string());
                continue;
            }
        }
        text.push_str(source);
    }
    (nonces, text)
}

/// What the groups of the pattern match, or all of it where it has matched without: a pattern that has a group
/// masks what is in groups alone.
fn plain_pattern(page: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < page.len() {
        let digits = page[at..].iter().take(9).take_while(|octet| octet.is_ascii_digit()).count();
        if digits > 0 && page.get(at + digits) == Some(&b'=') {
            at += digits + 1;
            continue;
        }
        if page[at..].starts_with(b"<b>") {
            let inside = page[at + 3..].iter().take(20).take_while(|octet| **octet != b'<').count();
            if page[at + 3 + inside..].starts_with(b"</b>") {
                found.push((at + 3, at + 3 + inside));
                at += 3 + inside + 4;
                continue;
            }
        }
        at += 1;
    }
    found
}

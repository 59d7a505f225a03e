//! One entity-tag and lists of them, out of any octets. A first line, if there is more than one, is a tag to
//! compare with those of the list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::http::entity_tag::{Element, EntityTag, list};
use notmodified_fuzz::{Lines, plain};

fuzz_target!(|octets: &[u8]| {
    one(octets);
    let mut lines = Lines::of(octets);
    let first = lines.next().unwrap_or_default();
    let rest = lines.rest();
    one(first);
    let value = if rest.is_empty() { first } else { rest };
    many(value);
    if let Some(ours) = EntityTag::parse(first) {
        for element in list(rest) {
            if let Element::Tag(theirs) = element {
                compare(ours, theirs);
            }
        }
    }
});

fn one(octets: &[u8]) {
    let expected = plain::tag(octets).filter(|(_, rest)| rest.is_empty()).map(|(tag, _)| tag);
    let tag = EntityTag::parse(octets);
    assert_eq!(tag.map(|tag| (tag.opaque(), tag.is_weak())), expected);
    let Some(tag) = tag else { return };
    assert_eq!(EntityTag::new(tag.opaque(), tag.is_weak()), Some(tag));
    let text = tag.to_string();
    assert_eq!(text, String::from_utf8_lossy(octets));
    compare(tag, tag);
    assert!(is_list(octets));
    assert_eq!(list(octets).collect::<Vec<_>>(), [Element::Tag(tag)]);
}

/// Nothing but tags by the letter of the grammar.
fn is_list(value: &[u8]) -> bool {
    list(value).all(|element| matches!(element, Element::Tag(tag) if tag.is_well_formed()))
}

fn many(value: &[u8]) {
    let elements: Vec<_> = list(value).collect();
    assert!(elements.len() <= value.len(), "an element without an octet");
    for element in &elements {
        if let Element::Tag(tag) = element {
            assert!(!tag.opaque().contains(&b'"'));
        }
    }
    let expected = plain::list(value);
    assert_eq!(is_list(value), expected.is_some());
    if let Some(tags) = expected {
        let found: Vec<_> = elements
            .iter()
            .map(|element| match element {
                Element::Tag(tag) => (tag.opaque(), tag.is_weak()),
                Element::Malformed => panic!("malformed in a list by the letter"),
            })
            .collect();
        assert_eq!(found, tags);
    }
}

fn compare(ours: EntityTag<'_>, theirs: EntityTag<'_>) {
    assert_eq!(ours.weak_eq(theirs), ours.opaque() == theirs.opaque());
    assert_eq!(ours.weak_eq(theirs), theirs.weak_eq(ours));
    assert_eq!(ours.strong_eq(theirs), ours == theirs && !ours.is_weak());
    if ours.is_base_of(theirs) {
        assert!(theirs.opaque().starts_with(ours.opaque()));
        assert!(!ours.weak_eq(theirs));
        assert!(!theirs.is_base_of(ours));
    }
}

//! Path templates against a plain matcher. The last line is the path, the others are templates.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::path::Template;
use notmodified::policy::{Policies, Policy};
use notmodified_fuzz::Lines;

fuzz_target!(|octets: &[u8]| {
    if octets.len() > 2000 {
        return; // The plain matcher takes its time.
    }
    let mut lines: Vec<_> = Lines::of(octets).collect();
    let Some(path) = lines.pop() else { return };
    // As PATH_INFO has it: each octet a character.
    let path: String = path.iter().copied().map(char::from).collect();
    let texts = lines.iter().filter_map(|line| std::str::from_utf8(line).ok());
    let templates: Vec<_> = texts.filter_map(|text| Template::parse(text).ok()).collect();
    let policies =
        templates.iter().map(|template| Policy { paths: vec![template.clone()], ..Policy::default() });
    let policies = Policies::new(policies.collect()).expect("few policies");
    let explained = policies.explain("GET", &path, 200, None);
    let mut first = None;
    for (number, template) in templates.iter().enumerate() {
        let expected = matches(template.as_str(), &path);
        let found = explained.get(number).is_some_and(|verdict| verdict.word() != "path");
        assert_eq!(found, expected, "{:?} and {path:?}", template.as_str());
        if expected && first.is_none() {
            first = Some(number);
        }
    }
    let candidates = policies.on_the_way_in("GET", &path);
    assert_eq!(candidates.is_empty(), first.is_none());
    let applied = policies.on_the_way_out(&candidates, 200, None);
    let expected = first.and_then(|number| policies.as_slice().get(number));
    assert_eq!(applied.map(|policy| policy.paths.clone()), expected.map(|policy| policy.paths.clone()));
});

/// The documented meaning of a template, segment by segment.
fn matches(template: &str, path: &str) -> bool {
    let path = if path.is_empty() { "/" } else { path };
    // A path that starts with no slash has no segments for a template to match.
    let Some(path) = path.strip_prefix('/') else { return false };
    let template = template.strip_prefix('/').expect("templates start so");
    let template: Vec<_> = template.split('/').collect();
    let path: Vec<_> = path.split('/').collect();
    segments(&template, &path)
}

fn segments(template: &[&str], path: &[&str]) -> bool {
    // reached[i]: the templates so far can have taken the first i segments of the path.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for (place, wanted) in template.iter().enumerate() {
        let mut next = vec![false; path.len() + 1];
        let last = place + 1 == template.len();
        for start in (0..=path.len()).filter(|start| reached[*start]) {
            if *wanted == "**" {
                // `/a/**` is all below `/a/`, not `/a` itself: the slash is there.
                let least = if last { start + 1 } else { start };
                next.iter_mut().skip(least).for_each(|reached| *reached = true);
            } else if path.get(start).is_some_and(|given| segment(wanted, given)) {
                next[start + 1] = true;
            }
        }
        reached = next;
    }
    reached[path.len()]
}

fn segment(wanted: &str, given: &str) -> bool {
    if wanted.starts_with('{') {
        return !given.is_empty();
    }
    let wanted: Vec<char> = wanted.bytes().map(char::from).collect();
    let given: Vec<char> = given.chars().collect();
    let mut reached = vec![false; given.len() + 1];
    reached[0] = true;
    for character in wanted {
        let mut next = vec![false; given.len() + 1];
        for start in (0..=given.len()).filter(|start| reached[*start]) {
            if character == '*' {
                next.iter_mut().skip(start).for_each(|reached| *reached = true);
            } else if given.get(start) == Some(&character) {
                next[start + 1] = true;
            }
        }
        reached = next;
    }
    reached[given.len()]
}

//! What masking volatile regions adds to the hash of a page.
//!
//! `cargo bench --bench masking`

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use notmodified::volatile::{Coding, Ignore, Pattern, Reading, Rule};

fn main() {
    divan::main();
}

const DJANGO: &str = "eUTbmnzEMKBUBEOqMTS5MAMWNhc2IjxpeVVYacpvEDvPxBMpsFmMvo641wCKbODw";
const FLASK: &str =
    "ImZjYmRjNGMyNzFjODg5ODI1ZDgzMzhkMmQ4ZjEwYjZlNWU5NWMxNzEi.arE7gA.BDIafEUhhSrf6ak0LayE6DLItUw";
const NONCE: &str = "MTIzNDU2Nzg5MDEyMzQ1Ng==";
const POLICY: [(&str, &str); 1] =
    [("Content-Security-Policy", "script-src 'self' 'nonce-MTIzNDU2Nzg5MDEyMzQ1Ng=='; object-src 'none'")];

/// Sizes in bytes, and how many forms a page of it has, each with a token of either framework.
const PAGES: [(usize, usize); 4] = [(2 << 10, 1), (100 << 10, 3), (100 << 10, 100), (1 << 20, 3)];

fn page((size, forms): (usize, usize)) -> Vec<u8> {
    let filler = "<li><a href=\"/articles/4711/a-title\">An article, and what it is about</a> 12:30</li>\n";
    let form = format!(
        "<form><input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{DJANGO}\">\
         <input id=\"csrf_token\" name=\"csrf_token\" type=\"hidden\" value=\"{FLASK}\"></form>\
         <script nonce=\"{NONCE}\">run()</script>\n"
    );
    let text = filler.repeat((size / forms).saturating_sub(form.len()) / filler.len()) + &form;
    text.repeat(forms).into_bytes()
}

fn measure(bencher: Bencher, page: &[u8], ignore: Option<&Ignore>) {
    let reading = Reading::of(ignore, u64::MAX, Some("text/html"), false, Coding::Identity, &POLICY);
    assert_eq!(reading.tag(&[page], None).1, ignore.is_some());
    bencher.counter(BytesCount::of_slice(page)).bench_local(|| reading.tag(&[black_box(page)], None));
}

fn presets() -> Vec<Rule> {
    Rule::PRESETS.into_iter().filter_map(Rule::preset).collect()
}

#[divan::bench(args = PAGES)]
fn nothing_masked(bencher: Bencher, size: (usize, usize)) {
    measure(bencher, &page(size), None);
}

#[divan::bench(args = PAGES)]
fn all_presets(bencher: Bencher, size: (usize, usize)) {
    measure(bencher, &page(size), Some(&Ignore(presets())));
}

#[divan::bench(args = PAGES)]
fn all_presets_and_a_pattern(bencher: Bencher, size: (usize, usize)) {
    let mut rules = presets();
    rules.push(Rule::Pattern(Pattern::parse("request-id: ([0-9a-f]{32})").expect("a pattern")));
    measure(bencher, &page(size), Some(&Ignore(rules)));
}

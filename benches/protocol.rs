//! What the protocol costs without any Python: preconditions, entity-tags, dates, Cache-Control.
//!
//! Benches over hostile fields count bytes, so that a column says how many go through in a second: 4 ns a
//! byte is 250 MB/s, and linear time is the same figure in each row.
//!
//! `cargo bench --bench protocol`

use std::sync::LazyLock;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use notmodified::http::cache_control::CacheControl;
use notmodified::http::date::HttpDate;
use notmodified::http::entity_tag::{self, EntityTag};
use notmodified::http::preconditions::{Context, Decision, LastModified, Method, Preconditions, Validators};

fn main() {
    divan::main();
}

const TAG: &[u8] = b"\"EkuLqFZssAeTzMH5WjH89A\"";
const DATE: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";

fn now() -> HttpDate {
    HttpDate::from_unix(1_790_000_000).expect("a date")
}

const CONTEXT: Context = Context { tag_suffixes: true, accept_weakened: false, now };

static CURRENT: LazyLock<Validators<'_>> = LazyLock::new(|| Validators {
    etag: EntityTag::parse(TAG),
    last_modified: HttpDate::parse(DATE, now()).map(|date| LastModified { date, strong: true }),
});

fn judge(fields: &Preconditions<'_>) -> Decision {
    black_box(fields).evaluate(black_box(Method::Get), Some(&CURRENT), &CONTEXT)
}

/// Other tags of our own making, as a client's If-None-Match would hold them.
fn tags(count: usize) -> String {
    (0..count).map(|number| format!("\"{number:0>22}\"")).collect::<Vec<_>>().join(", ")
}

mod evaluate {
    use super::{Bencher, BytesCount, DATE, Decision, Preconditions, TAG, judge, tags};

    #[divan::bench]
    fn no_precondition() -> Decision {
        judge(&Preconditions::default())
    }

    #[divan::bench]
    fn one_tag_that_matches() -> Decision {
        judge(&Preconditions { if_none_match: Some(TAG), ..Preconditions::default() })
    }

    #[divan::bench(args = [1, 50])]
    fn tags_that_do_not_match(bencher: Bencher, count: usize) {
        let field = tags(count);
        let fields = Preconditions { if_none_match: Some(field.as_bytes()), ..Preconditions::default() };
        bencher.counter(BytesCount::of_slice(field.as_bytes())).bench_local(|| judge(&fields));
    }

    #[divan::bench]
    fn a_date() -> Decision {
        judge(&Preconditions { if_modified_since: Some(DATE), ..Preconditions::default() })
    }
}

/// Fields that make a careless reader slow: each piece, repeated to the length.
const HOSTILE: [&str; 5] = [",", "\"", "\"a\",", "W/", "\"\t,"];
const LENGTHS: [usize; 3] = [8 << 10, 64 << 10, 800 << 10];

fn hostile(piece: &str, length: usize) -> String {
    piece.repeat(length.div_ceil(piece.len()))[..length].to_owned()
}

fn hostile_fields() -> impl Iterator<Item = (&'static str, usize)> {
    HOSTILE.into_iter().flat_map(|piece| LENGTHS.map(|length| (piece, length)))
}

/// As it is in a request: what is longer than 64 KiB counts as malformed and is not read.
#[divan::bench(args = hostile_fields().map(Field))]
fn evaluate_hostile(bencher: Bencher, Field((piece, length)): &Field) {
    let field = hostile(piece, *length);
    let fields = Preconditions { if_none_match: Some(field.as_bytes()), ..Preconditions::default() };
    bencher.counter(BytesCount::of_slice(field.as_bytes())).bench_local(|| judge(&fields));
}

/// The tokenizer alone, which knows no limit.
#[divan::bench(args = hostile_fields().map(Field))]
fn list_hostile(bencher: Bencher, Field((piece, length)): &Field) {
    let field = hostile(piece, *length);
    bencher
        .counter(BytesCount::of_slice(field.as_bytes()))
        .bench_local(|| entity_tag::list(black_box(field.as_bytes())).count());
}

/// Shown as piece and length.
struct Field((&'static str, usize));

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (piece, length) = self.0;
        write!(f, "{piece:?} to {} KiB", length >> 10)
    }
}

#[divan::bench(args = ["\"EkuLqFZssAeTzMH5WjH89A\"", "W/\"1\"", "not a tag"])]
fn entity_tag_parse(text: &str) -> bool {
    EntityTag::parse(black_box(text.as_bytes())).is_some()
}

#[divan::bench]
fn entity_tag_to_field() -> String {
    EntityTag::parse(black_box(TAG)).expect("a tag").to_field()
}

#[divan::bench(args = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Sun, 06 Nov 1994 08:49:37 +0000",
])]
fn http_date_parse(text: &str) -> Option<HttpDate> {
    HttpDate::parse(black_box(text.as_bytes()), now())
}

#[divan::bench]
fn http_date_to_string() -> String {
    black_box(now()).to_string()
}

const DIRECTIVES: [&str; 3] = [
    "no-cache",
    "public, max-age=31536000, immutable",
    "private=\"set-cookie, x-user\", max-age=60, stale-while-revalidate=30, community=\"UCI\"",
];

#[divan::bench(args = DIRECTIVES)]
fn cache_control_parse(field: &str) -> CacheControl {
    CacheControl::from_field(black_box(field))
}

#[divan::bench(args = DIRECTIVES)]
fn cache_control_to_string(bencher: Bencher, field: &str) {
    let directives = CacheControl::from_field(field);
    bencher.bench_local(|| black_box(&directives).to_string());
}

#[divan::bench(args = DIRECTIVES)]
fn cache_control_has_no_store(field: &str) -> bool {
    CacheControl::has_no_store(black_box(field))
}

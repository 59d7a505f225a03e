//! A whole exchange. The first line is `METHOD PATH`, then come the request's preconditions; `Status: 200`
//! begins the response, whose field lines follow; an empty line begins its content.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use notmodified::config::{Config, Settings};
use notmodified::digest::ContentTag;
use notmodified::exchange::{
    Answer, Arrival, Asked, Body, Content, Counters, Head, Outcome, Problem, Status,
};
use notmodified::http::not_modified::describes_content;
use notmodified::http::preconditions::{Method, Preconditions};
use notmodified_fuzz::{Lines, field, now, plain, take_precondition};

const CONFIG: &str = r#"
max_body = 1000
[[policy]]
path = "/off/**"
etag = "off"
vary = ["Cookie", "Accept-Language"]
[[policy]]
path = "/weak/**"
etag = "weak"
cache_control = { public = true, max_age = 60 }
expires = 60
[[policy]]
path = "/{over}"
take_over = true
cache_control = "no-store"
override = true
vary = ["Accept"]
[[policy]]
path = "/html/**"
media_type = "text/html"
status = ["2xx", 404]
etag = "content"
expires = 2147483648
override = true
"#;

fn configs() -> &'static [Config; 2] {
    static CONFIGS: OnceLock<[Config; 2]> = OnceLock::new();
    CONFIGS.get_or_init(|| {
        let read = |text| Settings::from_toml(text, "fuzz.toml").and_then(|settings| settings.read(|_| None));
        [Config::default(), read(CONFIG).expect("a good configuration")]
    })
}

fuzz_target!(|octets: &[u8]| {
    let mut lines = Lines::of(octets);
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, path) = first.split_once(' ').unwrap_or((&first, ""));
    let mut preconditions = Preconditions::default();
    let mut status = 200;
    let mut range = None;
    for line in lines.by_ref() {
        if let Some((b"Status", value)) = field(line) {
            status = std::str::from_utf8(value).ok().and_then(|code| code.parse().ok()).unwrap_or(200);
            break;
        }
        if let Some((b"Range", value)) = field(line) {
            range = Some(value);
        }
        take_precondition(&mut preconditions, line);
    }
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines.by_ref() {
        if line.is_empty() {
            break;
        }
        let text = |octets: &[u8]| octets.iter().copied().map(char::from).collect::<String>();
        let (name, value) = field(line).unwrap_or((line, b""));
        fields.push((text(name), text(value)));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = lines.rest();
    for config in configs() {
        let response = Response { status, fields: &fields, body };
        exchange(config, method, path, &preconditions, range, &response);
    }
});

struct Response<'a> {
    status: u16,
    fields: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

fn exchange(
    config: &Config,
    method: &str,
    path: &str,
    preconditions: &Preconditions<'_>,
    range: Option<&[u8]>,
    response: &Response<'_>,
) {
    let mut arrival = Arrival::new(config, method, path);
    if let Some(range) = range {
        arrival.ask(Asked {
            range: range.into(),
            if_range: preconditions.if_range.map(Into::into),
            boundary: || "boundary".into(),
        });
    }
    let head = Head::new(response.status, response.fields);
    let plan = arrival.plan(config, &head);
    assert!(head.collectable(config).is_none_or(|length| length <= config.max_body));
    if plan.wants_content {
        assert!(arrival.method.is_read() && response.status == 200);
    }
    let length = Some(response.body.len() as u64);
    let contents = [
        Content::default(),
        Content { tag: None, length, say_length: true, divisible: true, file: None },
        Content {
            tag: plan
                .wants_content
                .then(|| (ContentTag::of(response.body, None), response.body.len() % 2 == 1)),
            length,
            say_length: false,
            divisible: true,
            file: None,
        },
    ];
    for content in &contents {
        let answer = arrival.answer(config, preconditions, &head, &plan, content, now);
        check(&arrival, response, preconditions, &answer);
        let counters = Counters::default();
        counters.count(&answer.tally);
        let counted: u64 = counters.snapshot().iter().skip(1).take(12).map(|(_, count)| count).sum();
        assert_eq!(counted, 1, "an exchange is counted once");
    }
}

const UNSATISFIABLE: Status = Status::Problem(Problem::Unsatisfiable);
const FAILED: Status = Status::Problem(Problem::PreconditionFailed);

fn check(arrival: &Arrival, response: &Response<'_>, preconditions: &Preconditions<'_>, answer: &Answer<'_>) {
    assert!(answer.drop.is_sorted_by(|one, next| one < next), "ascending, each once");
    assert!(answer.drop.iter().all(|place| *place < response.fields.len()), "a place that is none");
    let kept = response.fields.iter().enumerate().filter(|(place, _)| !answer.drop.contains(place));
    let sent: Vec<(&str, &str)> = kept
        .map(|(_, field)| *field)
        .chain(answer.add.iter().map(|(name, value)| (*name, value.as_ref())))
        .collect();
    for (name, value) in &answer.add {
        let splits = |text: &str| text.contains(['\r', '\n', '\0']);
        assert!(
            !splits(value) || response.fields.iter().any(|(_, value)| splits(value)),
            "{name}: {value:?} would split the head"
        );
    }
    let has = |wanted: &str| sent.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).count();
    let had =
        |wanted: &str| response.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).count();

    let judged = arrival.method.is_read() && (200..300).contains(&response.status);
    let outcome = answer.tally.outcome;
    assert_ne!(outcome, Outcome::Error);
    if !judged {
        assert_eq!(answer.status, Status::AsIs, "judged what is not ours to judge");
        assert!(matches!(outcome, Outcome::Bypass | Outcome::App));
        assert_eq!(had("etag"), has("etag"));
    }
    let of_ranges = matches!(answer.status, Status::PartialContent | UNSATISFIABLE);
    if preconditions.is_empty() && !of_ranges {
        assert_eq!(answer.status, Status::AsIs, "judged without a precondition");
    }
    assert_eq!(outcome == Outcome::NotModified, answer.status == Status::NotModified);
    assert_eq!(outcome == Outcome::Partial, answer.status == Status::PartialContent);
    assert_eq!(outcome == Outcome::Unsatisfiable, answer.status == UNSATISFIABLE);
    assert_eq!(outcome == Outcome::Failed, answer.status == FAILED);
    assert_eq!(
        answer.status == FAILED && arrival.method == Method::Get,
        answer.body == Body::Problem(Problem::PreconditionFailed)
    );
    if answer.tally.tag_made {
        assert_eq!(has("etag"), 1, "a tag of ours stands alone");
    }
    match answer.status {
        Status::NotModified => {
            assert_eq!(answer.body, Body::Empty);
            assert!(
                !sent.iter().any(|(name, _)| describes_content(name)),
                "content fields on a 304: {sent:?}"
            );
            let star = preconditions.if_none_match.is_some_and(|field| plain::trim(field) == b"*");
            assert!(star || has("etag") + has("last-modified") > 0, "a 304 without a validator");
            for name in ["date", "set-cookie", "content-location", "access-control-allow-origin"] {
                assert_eq!(has(name), had(name), "{name} was lost");
            }
            assert!(has("vary") > 0 || had("vary") == 0, "Vary was lost");
        }
        Status::Problem(problem) => {
            assert_eq!((has("content-type"), has("content-length")), (1, 1));
            assert!(sent.contains(&("Content-Length", &problem.details().len().to_string())));
            assert_eq!(has("cache-control") + has("expires") + has("last-modified"), 0);
        }
        Status::PartialContent => {
            assert_eq!((arrival.method, response.status), (Method::Get, 200));
            let length = match (answer.body, &answer.parts) {
                (Body::Part(range), None) => {
                    assert_eq!(has("content-range"), 1);
                    assert!(range.end() <= response.body.len() as u64);
                    range.len()
                }
                (Body::Parts, Some(parts)) => {
                    assert_eq!((has("content-range"), has("content-type")), (0, 1));
                    parts.len()
                }
                _ => panic!("a part of nothing"),
            };
            assert!(length <= response.body.len() as u64, "more than the whole");
            assert!(sent.contains(&("Content-Length", &length.to_string())));
            for name in ["set-cookie", "date", "content-location", "last-modified"] {
                assert!(has(name) >= usize::from(had(name) > 0), "{name} was lost");
            }
            // A policy that overrides takes the place of both fields.
            let is_replaced = answer.add.iter().any(|(name, _)| *name == "Cache-Control");
            assert!(is_replaced || has("expires") >= usize::from(had("expires") > 0), "Expires was lost");
        }
        Status::AsIs => {
            if matches!(response.status, 100..=199 | 204 | 304) {
                assert_eq!(answer.body, Body::Empty);
                assert_eq!(has("content-length") + has("transfer-encoding"), 0);
            } else {
                assert!(has("content-length") >= had("content-length"), "a length was lost");
                assert_eq!(answer.body == Body::Empty, arrival.method == Method::Head);
            }
            for name in ["set-cookie", "date", "content-location"] {
                assert_eq!(has(name), had(name), "{name} was lost");
            }
        }
    }
}

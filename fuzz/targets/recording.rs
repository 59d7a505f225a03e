//! Recordings of `notmodified check`: refused in a sentence, or judged so that the report agrees with itself.
//!
//! JSON is read as `--replay` reads it. Other text is a page at a hop, an exchange after the other: `PROBE STATUS CODING HOP`
//! begins one, `Name: value` before the first empty line is a field of the request, after it one of the response,
//! and after the second all is content up to a line `.`; a line `!KIND` is trouble.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::audit::exchange::{
    Body, Connection, Exchange, Fields, Hop, Page, Request, Response, SCHEMA, Trouble, TroubleKind,
};
use notmodified::audit::{Linted, Recording, judge, messages};
use notmodified_fuzz::{Lines, field};
use serde_json::{Value, json};

const URL: &str = "http://a.example/static/app.css?v=1";
const HOPS: [&str; 3] = ["origin", "via edge", "public address"];

fuzz_target!(|octets: &[u8]| {
    if let Ok(text) = std::str::from_utf8(octets) {
        match Recording::from_json(text) {
            Ok(recording) => return check(&recording),
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("recording") && !said.contains('\n'), "{said}");
            }
        }
        // What is no form of a linter's is refused too.
        let _ = Linted::from_json(text);
    }
    check(&written(octets));
});

/// The recording that text stands for.
fn written(octets: &[u8]) -> Recording {
    let hop = |name: &str| Hop { name: name.into(), address: None };
    let mut lines = Lines::of(octets);
    let mut exchanges = Vec::new();
    while let Some(line) = lines.next() {
        if exchanges.len() == 200 {
            break; // More take long, and do nothing that these don't.
        }
        exchanges.push(exchange(line, &mut lines));
    }
    Recording {
        schema: SCHEMA,
        made_by: String::new(),
        hops: HOPS.map(hop).into(),
        pages: vec![Page { url: URL.into(), found_on: None, is_asset: octets.len() % 2 == 1 }],
        exchanges,
    }
}

fn latin(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}

fn exchange(first: &[u8], lines: &mut Lines<'_>) -> Exchange {
    let first = latin(first);
    let mut words = first.split(' ');
    let probe: Value = words.next().unwrap_or_default().into();
    let status = words.next().and_then(|word| word.parse().ok()).unwrap_or(200);
    let coding = words.next().unwrap_or("identity").to_owned();
    let place = words.next().and_then(|word| word.parse::<usize>().ok()).unwrap_or(2);
    let mut parts: [Vec<(String, String)>; 2] = Default::default();
    let mut body = Vec::new();
    let mut trouble = None;
    let mut part = 0;
    for line in lines.by_ref() {
        match (line, part) {
            (b".", _) => break,
            (b"", 0 | 1) => part += 1,
            (line, 2) => body.extend([line, b"\n"].concat()),
            ([b'!', kind @ ..], _) => {
                let kind = serde_json::from_value(latin(kind).into()).unwrap_or(TroubleKind::Other);
                trouble = Some(Trouble { kind, says: "it is so".into() });
            }
            (line, _) => {
                let (name, value) = field(line).unwrap_or((line, b""));
                parts[part].push((latin(name), latin(value)));
            }
        }
    }
    let [asked, answered] = parts;
    let length = body.len() as u64;
    Exchange {
        url: URL.into(),
        hop: HOPS[place.min(2)].into(),
        coding,
        probe: serde_json::from_value(probe).expect("any word is one"),
        at: 784_198_177_000,
        request: Request { method: "GET".into(), target: "/".into(), fields: Fields(asked) },
        response: (status != 0).then(|| Response {
            status,
            reason: String::new(),
            fields: Fields(answered),
            body: Body { digest: latin(&body), kept: body, length, is_whole: true },
        }),
        trouble,
        timings: notmodified::audit::exchange::Timings::default(),
        connection: Connection { number: 1, ..Connection::default() },
    }
}

fn report(recording: &Recording, linted: Option<&Linted>) -> Value {
    let text = judge(recording, linted).to_json().expect("all of it can be written");
    let mut report: Value = serde_json::from_str(&text).expect("JSON");
    // The last bit of a time may get lost in writing it.
    for page in report["pages"].as_array_mut().expect("pages") {
        for hop in page["hops"].as_array_mut().expect("hops") {
            hop["timings"].take();
        }
    }
    report
}

fn check(recording: &Recording) {
    let report_of_it = report(recording, None);
    agrees_with_itself(recording, &report_of_it);
    // What is kept of it is judged as it was.
    let kept = serde_json::to_string(recording).expect("all of it can be written");
    let again = Recording::from_json(&kept).expect("what was written can be read");
    assert_eq!(report(&again, None), report_of_it, "judged otherwise when it is replayed");
    noted(recording, &report_of_it);
}

fn agrees_with_itself(recording: &Recording, report: &Value) {
    let pages = report["pages"].as_array().expect("pages");
    assert_eq!(pages.len(), recording.pages.len());
    let mut counted = [0_u64; 3];
    for page in pages {
        assert!(page["verdict"].as_str().is_some_and(|verdict| !verdict.is_empty()));
        let findings = page["findings"].as_array().expect("findings");
        let ranks: Vec<usize> = findings.iter().map(|finding| rank(&finding["severity"])).collect();
        assert!(ranks.is_sorted(), "the worst does not come first");
        assert_eq!(page["severity"].as_str().is_some(), !findings.is_empty());
        for (finding, rank) in findings.iter().zip(ranks) {
            counted[rank] += 1;
            sound(recording, page, finding);
        }
    }
    let totals = ["error", "warning", "info"].map(|severity| report["totals"][severity].as_u64());
    assert_eq!(totals, counted.map(Some), "the totals are not the sum");
}

fn rank(severity: &Value) -> usize {
    let all = ["error", "warning", "info"];
    all.iter().position(|known| severity == known).expect("a severity")
}

fn sound(recording: &Recording, page: &Value, finding: &Value) {
    let id = &finding["id"];
    assert!(finding["says"].as_str().is_some_and(|says| !says.is_empty()), "{id} says nothing");
    let is_hop = |name: &Value| recording.hops.iter().any(|hop| *name == hop.name);
    assert!(is_hop(&finding["hop"]), "{id}: {} is no hop", finding["hop"]);
    let also = finding["also_at"].as_array().expect("hops");
    assert!(also.iter().all(|hop| is_hop(hop) && *hop != finding["hop"]), "{id}: {also:?}");
    for evidence in finding["evidence"].as_array().expect("evidence") {
        let place = evidence["exchange"].as_u64().and_then(|place| usize::try_from(place).ok());
        let exchange = place.and_then(|place| recording.exchanges.get(place)).expect("an exchange");
        assert_eq!(page["url"], exchange.url.as_str(), "{id} is shown by an exchange for another page");
        assert_eq!(evidence["hop"], exchange.hop.as_str());
    }
    for difference in finding["differences"].as_array().expect("differences") {
        assert_ne!(difference["first"], difference["second"], "{id} shows what is the same as differing");
    }
}

/// A note on each message: each is told, and what was found before still is.
fn noted(recording: &Recording, before: &Value) {
    let sent = serde_json::to_value(messages(recording)).expect("all of it can be written");
    let sent = sent.as_array().expect("messages");
    let note = |id: String| json!({"id": id, "severity": "info", "summary": "It is odd.", "text": ""});
    let notes: serde_json::Map<String, Value> = sent
        .iter()
        .map(|message| {
            let place = message["exchange"].to_string();
            (place.clone(), json!([note(place)]))
        })
        .collect();
    let linted = json!({"linter": "lint 1", "notes": &notes}).to_string();
    let linted = Linted::from_json(&linted).expect("what a linter says");
    let after = report(recording, Some(&linted));
    agrees_with_itself(recording, &after);
    // Whoever wrote a page twice reads of it twice.
    let at = |page: &Page| notes.keys().filter(|place| is_of(recording, place, &page.url)).count() as u64;
    let count: u64 = recording.pages.iter().map(at).sum();
    assert_eq!(
        before["totals"]["info"].as_u64().map(|infos| infos + count),
        after["totals"]["info"].as_u64(),
        "a note was lost, or told twice"
    );
}

fn is_of(recording: &Recording, place: &str, url: &str) -> bool {
    let place: usize = place.parse().expect("a place");
    recording.exchanges.get(place).is_some_and(|exchange| exchange.url == url)
}

//! Lines of access logs: what a writer wrote comes back, or the line counts as ambiguous.
//!
//! Where the first line is one octet, it chooses a format, and the others are the values of its text fields, one each.
//! All of it is also read as a log.
#![no_main]

use std::fmt::Write;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use notmodified::access_log::{Field, Format, Recognised, Record, recognise};
use notmodified_fuzz::log;

/// Formats that Gunicorn writes, those by name as other servers write them too.
const NOTATIONS: [&str; 8] = [
    "notmodified",
    "combined",
    "common",
    r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(D)s"#,
    r#""%(h)s" "%(u)s" "%(t)s" "%(r)s" "%(s)s" "%(b)s" "%(f)s" "%(a)s" "%(L)s""#,
    r#"%(h)s %(t)s %(m)s "%(U)s" "%(q)s" %(s)s %(b)s "%(a)s""#,
    r"%(h)s %(t)s %(s)s %(f)s %(a)s %(r)s",
    log::JSON,
];

static KNOWN: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let known = NOTATIONS.iter().chain(&["json"]);
    known.map(|notation| Format::compile(notation).expect("a format")).collect()
});

fuzz_target!(|octets: &[u8]| {
    let lines: Vec<&[u8]> = octets.split(|octet| *octet == b'\n').collect();
    KNOWN.iter().for_each(|format| read(format, &lines));
    let [[number], values @ ..] = lines.as_slice() else {
        if let Recognised::As(format) = recognise(&lines) {
            read(&format, &lines);
        }
        return;
    };
    if octets.len() > 2000 {
        return; // More readings than are tried.
    }
    let number = usize::from(*number) % NOTATIONS.len();
    written(NOTATIONS[number], &KNOWN[number], values);
    json(values);
});

/// A line is read whole or not at all: what is found stands in it.
fn read(format: &Format, lines: &[&[u8]]) {
    let mut room = Vec::new();
    for line in lines {
        let Some(record) = format.parse(line, &mut room) else { continue };
        for field in Field::ALL {
            if let Some(raw) = record.raw(field).filter(|_| format.name != "json") {
                assert!(line.windows(raw.len()).any(|part| part == raw), "{field:?}");
            }
        }
        assert!(record.status().is_none_or(|status| (100..=999).contains(&status)));
        let _ = (record.method_and_target(), record.bytes(), record.microseconds());
    }
}

fn written(notation: &str, format: &Format, values: &[&[u8]]) {
    let (line, sent) = log::written(log::notation(notation), values);
    let mut room = Vec::new();
    let record = format.parse(&line, &mut room).unwrap_or_else(|| panic!("{notation}: unreadable"));
    let is_plain = sent.iter().all(|(_, value)| value.is_ascii() && !value.contains(&b'\\'));
    if !record.ambiguous {
        compare(&record, &sent, false);
    } else if notation.contains("%(f)s %(a)s") {
        // Nobody can read that.
    } else {
        assert!(!is_plain, "{notation}: nothing is ambiguous here");
    }
    if notation == log::JSON {
        // Its shape is told by a line that is JSON.
        let (plain, _) = log::written(notation, &[]);
        let Recognised::As(format) = recognise(&[&plain, &line]) else { panic!("unrecognised") };
        let record = format.parse(&line, &mut room).expect("a record");
        if !record.ambiguous {
            compare(&record, &sent, true);
        }
    }
}

/// What a JSON formatter writes.
fn json(values: &[&[u8]]) {
    let fields =
        [("request", Field::RequestLine), ("referer", Field::Referer), ("user_agent", Field::UserAgent)];
    let mut line = r#"{"time": "2026-11-24T12:00:00Z", "status": 200"#.to_owned();
    let mut sent = Vec::new();
    for ((key, field), value) in fields.into_iter().zip(values) {
        let _ = write!(line, ", \"{key}\": \"");
        // As WSGI has it, each octet is a character.
        for octet in *value {
            match octet {
                b'"' | b'\\' => line.extend(['\\', char::from(*octet)]),
                0..=31 => drop(write!(line, "\\u{octet:04x}")),
                _ => line.push(char::from(*octet)),
            }
        }
        line.push('"');
        sent.push((field, value.to_vec()));
    }
    line.push('}');
    let (mut room, format) = (Vec::new(), KNOWN.last());
    let record = format.expect("several").parse(line.as_bytes(), &mut room).expect("JSON");
    assert!(!record.ambiguous);
    compare(&record, &sent, true);
}

/// `may_be_text`: octets that are no UTF-8 may be left as the characters that stand for them.
fn compare(record: &Record<'_>, sent: &[(Field, Vec<u8>)], may_be_text: bool) {
    for (field, value) in sent {
        let got = record.value(*field).unwrap_or_default();
        let nothing = value.as_slice() == b"-" || value.is_empty();
        let expected = if nothing { &b""[..] } else { value };
        let text: String = expected.iter().copied().map(char::from).collect();
        let is_text = may_be_text && std::str::from_utf8(expected).is_err() && *got == *text.as_bytes();
        assert!(
            *got == *expected || is_text,
            "{field:?}: {} for {}",
            got.escape_ascii(),
            expected.escape_ascii()
        );
    }
}

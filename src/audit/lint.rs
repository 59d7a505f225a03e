//! What a linter of HTTP messages has against responses, beside what is found here.
//!
//! Knows no linter: which messages are worth its time goes out, notes come in. What a note says is foreign text.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::catalogue as kinds;
use super::exchange::{Exchange, Fields, Recording, Response};
use super::finding::Finding;
use super::probe::Probe;
use super::view::{Series, Taken, sights};
use crate::finding::Definition;

/// A response, and the request that it answers.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    /// The place of the exchange in the recording.
    exchange: usize,
    /// When it was asked for, in milliseconds since 1970.
    at: i64,
    method: &'a str,
    url: &'a str,
    asked: &'a Fields,
    status: u16,
    reason: &'a str,
    fields: Fields,
    /// Base64; `None` where it is not known whole, or is coded.
    content: Option<String>,
}

/// What a linter said.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Linted {
    /// Its name and version.
    pub linter: String,
    /// All that is to be told, by the place of the exchange.
    pub notes: BTreeMap<usize, Vec<Note>>,
}

/// Something that a linter has against a response.
#[derive(Clone, Debug, Deserialize)]
pub struct Note {
    /// What the linter calls it.
    id: String,
    /// As bad as a finding of this severity; no note is an error.
    severity: NoteSeverity,
    /// In a sentence.
    summary: String,
    /// In paragraphs, one a line.
    text: String,
    /// Findings that say the same: where one of them is told, the note is not.
    #[serde(default)]
    same_as: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NoteSeverity {
    Warning,
    Info,
}

impl NoteSeverity {
    const fn definition(self) -> &'static Definition {
        match self {
            Self::Warning => &kinds::MESSAGE_BROKEN,
            Self::Info => &kinds::MESSAGE_DOUBTFUL,
        }
    }
}

/// What a finding has of a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Noted {
    linter: String,
    id: String,
    text: String,
    #[serde(skip)]
    pub(super) same_as: Vec<String>,
}

/// The responses that are worth a look: of those alike but for their dates the first, at each hop in each coding.
#[must_use]
pub fn messages(recording: &Recording) -> Vec<Message<'_>> {
    let sights = sights(recording);
    let series = sights.iter().flat_map(|sight| &sight.views).flat_map(|view| &view.series);
    let mut all: Vec<Message<'_>> = series.flat_map(of_series).collect();
    all.sort_by_key(|message| message.exchange);
    all
}

fn of_series<'a>(series: &Series<'a>) -> Vec<Message<'a>> {
    let mut seen = HashSet::new();
    let mut messages = Vec::new();
    for (place, exchange) in &series.exchanges {
        // What is answered for a URL at which nothing is says nothing of the page.
        if matches!(exchange.probe, Probe::Missing | Probe::MissingStar) {
            continue;
        }
        let Some(response) = exchange.answer() else { continue };
        let fields: Vec<(&str, &str)> =
            response.fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Date")).collect();
        if seen.insert((exchange.request.method.as_str(), response.status, fields)) {
            messages.push(Message::of(*place, exchange, response));
        }
    }
    messages
}

impl<'a> Message<'a> {
    fn of(exchange: usize, of: &'a Exchange, response: &'a Response) -> Self {
        let mut fields = response.fields.clone();
        // In-process there is no server, which adds this.
        if of.connection.number == 0 && !fields.has("Date") {
            fields.0.push(("Date".into(), of.date().to_string()));
        }
        let body = &response.body;
        // That of an answer to HEAD is the server's to take away, and in-process there is none.
        let is_known = body.is_whole
            && of.request.method != "HEAD"
            && usize::try_from(body.length) == Ok(body.kept.len())
            && !response.fields.has("Content-Encoding");
        Self {
            exchange,
            at: of.at,
            method: &of.request.method,
            url: &of.url,
            asked: &of.request.fields,
            status: response.status,
            reason: &response.reason,
            fields,
            content: is_known.then(|| STANDARD.encode(&body.kept)),
        }
    }
}

impl Linted {
    /// Read what a linter said.
    ///
    /// # Errors
    ///
    /// If it is not of the form.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// The notes on a page's responses at a hop in a coding.
pub(super) fn judge(series: &Series<'_>, linted: &Linted) -> Vec<Finding> {
    let taken = series.exchanges.iter().map(|(place, exchange)| Taken { place: *place, exchange });
    let noted = taken.flat_map(|taken| {
        linted.notes.get(&taken.place).into_iter().flatten().map(move |note| (taken, note))
    });
    noted.map(|(taken, note)| finding(series, &linted.linter, taken, note)).collect()
}

fn finding(series: &Series<'_>, linter: &str, taken: Taken<'_>, note: &Note) -> Finding {
    let name = linter.split(' ').next().unwrap_or_default();
    let noted = Noted {
        linter: linter.to_owned(),
        id: note.id.clone(),
        text: note.text.clone(),
        same_as: note.same_as.clone(),
    };
    Finding::new(note.severity.definition(), series, format!("{name}: {}", note.summary))
        .about(&format!("{} {}", note.id, note.summary))
        .shown_by([taken])
        .noted(noted)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample::{Sample, findings};
    use super::*;

    fn said(notes: &Value) -> Linted {
        Linted::from_json(&json!({"linter": "lint 1.2", "notes": notes}).to_string()).unwrap()
    }

    fn note(severity: &str, same_as: &[&str]) -> Value {
        json!({
            "id": "ODD", "severity": severity, "summary": "It is odd.", "text": "Why.\nSo.", "same_as": same_as,
        })
    }

    #[test]
    fn what_a_linter_says_is_told_with_its_name_and_its_text() {
        let notes = said(&json!({"0": [note("warning", &[])], "5": [note("info", &[])]}));
        let report = Sample::hops(&[("client", &Sample::page())]).linted(Some(&notes));
        assert_eq!(report["linter"], "lint 1.2");
        let found = findings(&report);
        let ids: Vec<&str> = found.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["message-broken", "message-doubtful"]);
        assert_eq!(found[0]["says"], "lint: It is odd.");
        assert_eq!(found[0]["noted"], json!({"linter": "lint 1.2", "id": "ODD", "text": "Why.\nSo."}));
        assert_eq!(found[0]["evidence"][0]["exchange"], 0);
        assert_eq!(report["totals"]["warning"], 1);
    }

    #[test]
    fn the_same_note_at_several_hops_is_told_once_with_the_innermost() {
        let page = Sample::page();
        let hops = Sample::hops(&[("origin", &page), ("client", &page)]);
        let last = hops.messages().as_array().unwrap().last().unwrap()["exchange"].to_string();
        let report = hops.linted(Some(&said(&json!({"0": [note("info", &[])], last: [note("info", &[])]}))));
        let found = findings(&report);
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0]["hop"], &found[0]["also_at"]), (&json!("origin"), &json!(["client"])));
    }

    #[test]
    fn what_a_finding_of_ours_tells_is_not_told_again() {
        let sample = Sample::page().without("ETag").without("Last-Modified");
        let told = |same_as: &[&str]| {
            let notes = said(&json!({"0": [note("warning", same_as)]}));
            let report = Sample::hops(&[("client", &sample)]).linted(Some(&notes));
            findings(&report).iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(told(&["unstable-tag"]), ["no-validator", "message-broken"]);
        assert_eq!(told(&["unstable-tag", "no-validator"]), ["no-validator"]);
    }

    #[test]
    fn of_responses_that_are_alike_but_for_the_date_one_is_looked_at() {
        let sample =
            Sample::page().answer("repeat", 200, &[("Date", "Mon, 07 Nov 1994 08:49:38 GMT")], "content");
        let messages = Sample::hops(&[("client", &sample)]).messages();
        let seen: Vec<(u64, &str)> = messages
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["status"].as_u64().unwrap(), one["method"].as_str().unwrap()))
            .collect();
        assert_eq!(seen, [(200, "GET"), (200, "HEAD"), (304, "GET"), (304, "HEAD"), (412, "GET")]);
        assert_eq!(messages[0]["content"], STANDARD.encode("content"));
    }

    #[test]
    fn content_that_is_coded_or_not_whole_is_not_looked_at_and_a_server_s_date_is_put_in() {
        let recording = Recording::from_json(
            r#"{"schema": 1, "hops": [{"name": "app"}], "pages": [{"url": "http://a/"}], "exchanges": [
            {"url": "http://a/", "hop": "app", "coding": "identity", "probe": "first", "at": 784111777000,
             "request": {"method": "GET", "target": "/", "fields": []}, "response": {"status": 200,
             "fields": [["Content-Encoding", "gzip"]], "body": {"text": "x", "length": 1, "is_whole": true}}},
            {"url": "http://a/", "hop": "app", "coding": "identity", "probe": "repeat",
             "request": {"method": "GET", "target": "/", "fields": []}, "response": {"status": 200,
             "fields": [], "body": {"text": "x", "length": 2, "is_whole": true}}, "connection": {"number": 1}},
            {"url": "http://a/", "hop": "app", "coding": "identity", "probe": "missing",
             "request": {"method": "GET", "target": "/x", "fields": []}, "response": {"status": 404, "fields": []}}
            ]}"#,
        )
        .unwrap();
        let messages = messages(&recording);
        assert_eq!(messages.len(), 2);
        assert!(messages.iter().all(|message| message.content.is_none()));
        assert_eq!(messages[0].fields.get("Date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!messages[1].fields.has("Date"));
    }
}

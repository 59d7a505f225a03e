//! Recordings for the tests: a page that is well, and what is to be otherwise.

use serde_json::{Value, json};

use super::exchange::Recording;
use super::judge::judge;
use super::lint::{Linted, messages};

/// When the sample's page last changed.
pub(super) const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const NOW: &str = "Mon, 07 Nov 1994 08:49:37 GMT";
const AT: i64 = 784_198_177_000;

type Pairs = Vec<(String, String)>;

/// A page, as it is seen at one hop.
#[derive(Clone)]
pub(super) struct Sample {
    url: String,
    is_asset: bool,
    fields: Pairs,
    changes_of_304: Vec<(String, Option<String>)>,
    answers: Vec<(String, String, u16, Pairs, String)>,
    codings: Vec<(String, Pairs)>,
    left_over: Option<(String, String)>,
    troubles: Vec<(String, String)>,
}

fn pairs(fields: &[(&str, &str)]) -> Pairs {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn set(fields: &mut Pairs, name: &str, value: Option<&str>) {
    fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
}

impl Sample {
    pub(super) fn page() -> Self {
        Self {
            url: "http://a.example/".into(),
            is_asset: false,
            fields: pairs(&[
                ("Date", NOW),
                ("ETag", "\"a\""),
                ("Last-Modified", DATE),
                ("Cache-Control", "no-cache"),
                ("Content-Type", "text/html"),
            ]),
            changes_of_304: Vec::new(),
            answers: Vec::new(),
            codings: Vec::new(),
            left_over: None,
            troubles: Vec::new(),
        }
    }

    pub(super) fn asset(url: &str) -> Self {
        Self { url: url.into(), is_asset: true, ..Self::page() }
    }

    /// With a field, on the 200s and the 304s.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        set(&mut self.fields, name, Some(value));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        set(&mut self.fields, name, None);
        self
    }

    pub(super) fn with_304(mut self, name: &str, value: &str) -> Self {
        self.changes_of_304.push((name.into(), Some(value.into())));
        self
    }

    pub(super) fn without_304(mut self, name: &str) -> Self {
        self.changes_of_304.push((name.into(), None));
        self
    }

    /// With these fields beside the others, or in their place.
    pub(super) fn answer(mut self, probe: &str, status: u16, fields: &[(&str, &str)], body: &str) -> Self {
        let all = if probe == "head" { pairs(&[("Date", NOW)]) } else { self.fields.clone() };
        self.put("identity", probe, status, all, fields, body);
        self
    }

    /// With a content coding.
    pub(super) fn coded(mut self, coding: &str, fields: &[(&str, &str)]) -> Self {
        self.codings.push((coding.into(), pairs(fields)));
        self
    }

    pub(super) fn answer_coded(
        mut self,
        coding: &str,
        probe: &str,
        status: u16,
        fields: &[(&str, &str)],
    ) -> Self {
        let all = self.fields.clone();
        self.put(coding, probe, status, all, fields, "\u{1}");
        self
    }

    fn put(
        &mut self,
        coding: &str,
        probe: &str,
        status: u16,
        mut all: Pairs,
        fields: &[(&str, &str)],
        body: &str,
    ) {
        for (name, value) in fields {
            set(&mut all, name, Some(value));
        }
        if status == 304 {
            all.retain(|(name, _)| {
                !["content-type", "last-modified"].contains(&name.to_lowercase().as_str())
            });
        }
        let body = if status == 304 { "" } else { body };
        self.answers.push((coding.into(), probe.into(), status, all, body.into()));
    }

    pub(super) fn left_over(mut self, probe: &str, octets: &str) -> Self {
        self.left_over = Some((probe.into(), octets.into()));
        self
    }

    pub(super) fn breaks_after_304(self, kind: &str) -> Self {
        self.trouble("after-304", kind)
    }

    pub(super) fn trouble(mut self, probe: &str, kind: &str) -> Self {
        self.troubles.push((probe.into(), kind.into()));
        self
    }

    fn exchanges(&self, hop: &str) -> Vec<Value> {
        let mut all = self.series(hop, "identity", &self.fields, "content");
        for (coding, fields) in &self.codings {
            let mut whole = self.fields.clone();
            for (name, value) in fields {
                set(&mut whole, name, Some(value).filter(|value| !value.is_empty()).map(String::as_str));
            }
            all.extend(self.series(hop, coding, &whole, "\u{1f}\u{8b}"));
        }
        all
    }

    fn series(&self, hop: &str, coding: &str, fields: &Pairs, content: &str) -> Vec<Value> {
        let get =
            |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let tag = get("ETag").filter(|tag| tag.ends_with('"'));
        let date = get("Last-Modified");
        let mut of_304 = fields.clone();
        of_304.retain(|(name, _)| {
            !["content-type", "last-modified", "content-encoding", "set-cookie", "content-length"]
                .contains(&name.to_lowercase().as_str())
        });
        for (name, value) in &self.changes_of_304 {
            set(&mut of_304, name, value.as_deref());
        }
        let is_first = coding == "identity";
        let mut all = Vec::new();
        for (probe, asked, status) in requests(tag, date) {
            if !is_first && !["first", "inm-exact", "head"].contains(&probe) {
                continue;
            }
            let own = self.answers.iter().find(|(of, known, ..)| of == coding && known == probe);
            let (status, answered, body) = match (own, status) {
                (Some((_, _, status, fields, body)), _) => (*status, fields, body.as_str()),
                (None, 0) => continue,
                (None, 304) => (304, &of_304, ""),
                (None, status) => {
                    (status, fields, if probe == "head" || status == 412 { "" } else { content })
                }
            };
            let trouble = self.troubles.iter().find(|(known, _)| known == probe);
            let left = self.left_over.as_ref().filter(|(known, _)| known == probe).map(|(_, octets)| octets);
            all.push(json!({
                "url": self.url, "hop": hop, "coding": coding, "probe": probe, "at": AT,
                "request": {
                    "method": if probe.contains("head") { "HEAD" } else { "GET" }, "target": "/", "fields": asked,
                },
                "response": trouble.is_none().then(|| json!({
                    "status": status, "fields": answered,
                    "body": {"text": body, "length": body.len(), "is_whole": true, "digest": body},
                })),
                "trouble": trouble.map(|(_, kind)| json!({"kind": kind, "says": "it is so"})),
                "connection": {
                    "number": 1, "served": u32::from(probe != "first"), "left_over": left.cloned().unwrap_or_default(),
                },
            }));
        }
        all
    }

    pub(super) fn report(&self) -> Value {
        Self::hops(&[("client", self)]).report()
    }

    pub(super) fn hops(hops: &[(&str, &Self)]) -> Recorded {
        let exchanges: Vec<Value> = hops.iter().flat_map(|(name, sample)| sample.exchanges(name)).collect();
        let named: Vec<Value> = hops.iter().map(|(name, _)| json!({"name": name})).collect();
        let (url, is_asset) = hops.first().map(|(_, sample)| (sample.url.clone(), sample.is_asset)).unwrap();
        Recorded(json!({
            "schema": 1, "hops": named, "pages": [{"url": url, "is_asset": is_asset}], "exchanges": exchanges,
        }))
    }
}

/// A recording.
pub(super) struct Recorded(Value);

impl Recorded {
    pub(super) fn report(&self) -> Value {
        self.linted(None)
    }

    pub(super) fn linted(&self, linted: Option<&Linted>) -> Value {
        serde_json::from_str(&judge(&self.recording(), linted).to_json().unwrap()).unwrap()
    }

    pub(super) fn messages(&self) -> Value {
        serde_json::to_value(messages(&self.recording())).unwrap()
    }

    fn recording(&self) -> Recording {
        Recording::from_json(&self.0.to_string()).unwrap()
    }
}

/// The findings of the one page.
pub(super) fn findings(report: &Value) -> Vec<Value> {
    report["pages"][0]["findings"].as_array().unwrap().clone()
}

/// The ids of the findings at a page.
pub(super) fn ids(sample: &Sample) -> Vec<String> {
    findings(&sample.report()).iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

type Asked = (&'static str, Pairs, u16);

/// What is asked of a page with these validators, and the right answer; 0 where only a test has one.
fn requests(tag: Option<&str>, date: Option<&str>) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    let mut ask = |probe, fields: &[(&str, &str)], status| all.push((probe, pairs(fields), status));
    for probe in ["first", "repeat", "replica", "head"] {
        ask(probe, &[], 200);
    }
    if let Some(tag) = tag {
        let weak = format!("W/{}", tag.trim_start_matches("W/"));
        let (list, comma) = (format!("\"x\",{tag}"), format!("\"x,y\", {tag}"));
        let strong_only = |right| if tag.starts_with("W/") { 412 } else { right };
        ask("inm-exact", &[("If-None-Match", tag)], 304);
        ask("head-inm", &[("If-None-Match", tag)], 304);
        ask("inm-weak", &[("If-None-Match", &weak)], 304);
        ask("inm-list", &[("If-None-Match", &list)], 304);
        ask("inm-lines", &[("If-None-Match", "\"x\""), ("If-None-Match", tag)], 304);
        ask("inm-tabs", &[("If-None-Match", &format!("\"x\"\t,\t,{tag}"))], 304);
        ask("inm-comma", &[("If-None-Match", &comma)], 304);
        ask("inm-star", &[("If-None-Match", "*")], 304);
        ask("inm-other", &[("If-None-Match", "\"x\"")], 200);
        ask("inm-quoted-star", &[("If-None-Match", "\"*\"")], 200);
        ask("im-exact", &[("If-Match", tag)], strong_only(200));
        ask("im-other", &[("If-Match", "\"x\"")], 412);
        ask("im-weak", &[("If-Match", &weak)], 412);
        ask("im-garbage", &[("If-Match", "x")], 412);
        ask("im-star", &[("If-Match", "*")], 200);
        ask("if-range-exact", &[("If-Range", tag), ("Range", "bytes=0-1")], 0);
        ask("range-inm", &[("If-None-Match", tag), ("Range", "bytes=0-1")], 304);
        ask("if-range-other", &[("If-Range", "\"x\""), ("Range", "bytes=0-1")], 200);
        ask("if-range-weak", &[("If-Range", &weak), ("Range", "bytes=0-1")], 200);
    }
    if let Some(date) = date {
        ask("ims-same", &[("If-Modified-Since", date)], 304);
        ask("ims-earlier", &[("If-Modified-Since", EARLIER)], 200);
        ask("ims-later", &[("If-Modified-Since", LATER)], 304);
        ask("ims-rfc850", &[("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT")], 304);
        ask("ims-asctime", &[("If-Modified-Since", "Sun Nov  6 08:49:37 1994")], 304);
        ask("ims-garbage", &[("If-Modified-Since", "yesterday")], 200);
        ask("ims-zone", &[("If-Modified-Since", &date.replace("GMT", "+0000"))], 200);
        ask("ims-lines", &[("If-Modified-Since", date), ("If-Modified-Since", date)], 200);
        ask("ius-same", &[("If-Unmodified-Since", date)], 200);
        ask("ius-earlier", &[("If-Unmodified-Since", EARLIER)], 412);
        ask("ius-garbage", &[("If-Unmodified-Since", "yesterday")], 200);
        ask("if-range-later", &[("If-Range", LATER), ("Range", "bytes=0-1")], 200);
        ask("if-range-date", &[("If-Range", date), ("Range", "bytes=0-1")], 0);
        ask("if-range-earlier", &[("If-Range", EARLIER), ("Range", "bytes=0-1")], 200);
    }
    if date.is_none() {
        ask("ius-undated", &[("If-Unmodified-Since", DATE)], 200);
    }
    if let (Some(tag), Some(date)) = (tag, date) {
        ask("inm-other-ims-same", &[("If-None-Match", "\"x\""), ("If-Modified-Since", date)], 200);
        ask("inm-exact-ims-earlier", &[("If-None-Match", tag), ("If-Modified-Since", EARLIER)], 304);
        let right = if tag.starts_with("W/") { 412 } else { 200 };
        ask("im-exact-ius-earlier", &[("If-Match", tag), ("If-Unmodified-Since", EARLIER)], right);
    }
    if tag.is_some() || date.is_some() {
        ask("after-304", &[], 200);
    }
    for probe in ["range", "range-one", "range-overlapping", "range-unit", "range-empty", "range-head"] {
        ask(probe, &[("Range", "bytes=0-1")], 0);
    }
    for probe in ["language", "cookied", "cookieless", "missing", "after-put"] {
        ask(probe, &[], 0);
    }
    for probe in ["first-star", "missing-star", "options-star", "put-star"] {
        ask(probe, &[("If-None-Match", "*")], 0);
    }
    ask("options-other", &[("If-Match", "\"x\"")], 0);
    ask("put-other", &[("If-Match", "\"x\"")], 0);
    ask("put-garbage", &[("If-Match", "x")], 0);
    all
}

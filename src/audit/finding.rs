//! One finding: its kind, what it says of this page, and what shows it.

use serde::Serialize;

use super::difference::Difference;
use super::exchange::{Exchange, Fields};
use super::lint::Noted;
use super::view::{Series, Taken};
use crate::finding::{Definition, Line, Severity};

/// Something wrong or wasteful, at a page.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its kind.
    pub definition: &'static Definition,
    /// What it means for this page: whole sentences.
    pub says: String,
    /// The hop that causes it, as far as can be told.
    pub hop: String,
    /// Hops further out, at which it is seen too.
    pub also_at: Vec<String>,
    /// The codings in which it was seen.
    pub codings: Vec<String>,
    /// Places of the exchanges that show it.
    pub shown_by: Vec<usize>,
    /// The bytes that differ, where that is the point.
    pub differences: Vec<Difference>,
    /// Lines that end it, made for this page; before those of the kind.
    pub lines: Vec<(String, String)>,
    /// What a linter said, where that is the finding.
    pub noted: Option<Noted>,
    about: String,
}

impl Finding {
    pub(super) fn new(definition: &'static Definition, series: &Series<'_>, says: impl Into<String>) -> Self {
        Self {
            definition,
            says: says.into(),
            hop: series.hop.name.clone(),
            also_at: Vec::new(),
            codings: vec![series.coding.to_owned()],
            shown_by: Vec::new(),
            differences: Vec::new(),
            lines: Vec::new(),
            noted: None,
            about: String::new(),
        }
    }

    /// Is it the same, maybe at another hop or in another coding?
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.definition == other.definition && self.about == other.about
    }

    /// Take in what is the same: the innermost hop is the cause, and its evidence is enough.
    pub(super) fn take_in(&mut self, other: Self) {
        let add = |list: &mut Vec<String>, one: String| {
            if !list.contains(&one) {
                list.push(one);
            }
        };
        if other.hop != self.hop {
            add(&mut self.also_at, other.hop);
        }
        for coding in other.codings {
            add(&mut self.codings, coding);
        }
    }

    /// What it is about, where one page may have several of the kind: the name of a field.
    pub(super) fn about(mut self, what: &str) -> Self {
        what.clone_into(&mut self.about);
        self
    }

    pub(super) fn shown_by<'a>(mut self, taken: impl IntoIterator<Item = Taken<'a>>) -> Self {
        self.shown_by.extend(taken.into_iter().map(|taken| taken.place));
        self
    }

    pub(super) fn differing(mut self, differences: Vec<Difference>) -> Self {
        self.differences = differences;
        self
    }

    pub(super) fn noted(mut self, noted: Noted) -> Self {
        self.noted = Some(noted);
        self
    }

    pub(super) fn with_line(mut self, place: &str, text: String) -> Self {
        self.lines.push((place.to_owned(), text));
        self
    }
}

/// A finding as the report has it.
#[derive(Debug, Serialize)]
pub(super) struct FindingReport {
    id: &'static str,
    severity: Severity,
    title: &'static str,
    says: String,
    meaning: &'static str,
    section: &'static str,
    fix: &'static str,
    lines: Vec<FixLine>,
    noted: Option<Noted>,
    hop: String,
    also_at: Vec<String>,
    codings: Vec<String>,
    evidence: Vec<Evidence>,
    differences: Vec<Difference>,
}

/// A line that ends it.
#[derive(Debug, Serialize)]
struct FixLine {
    place: String,
    text: String,
}

/// An exchange that shows it, its heads as text of one character an octet.
#[derive(Debug, Serialize)]
struct Evidence {
    /// Its place in the recording.
    exchange: usize,
    /// What it was sent for, in words.
    what: &'static str,
    hop: String,
    coding: String,
    request: String,
    response: Option<String>,
    /// Octets of content.
    length: u64,
    trouble: Option<String>,
}

impl Evidence {
    fn of(place: usize, exchange: &Exchange) -> Self {
        let request = &exchange.request;
        let response = exchange.response.as_ref();
        Self {
            exchange: place,
            what: exchange.probe.says(),
            hop: exchange.hop.clone(),
            coding: exchange.coding.clone(),
            request: head(&format!("{} {}", request.method, request.target), &request.fields),
            response: response.map(|response| {
                head(format!("{} {}", response.status, response.reason).trim_end(), &response.fields)
            }),
            length: response.map_or(0, |response| response.body.length),
            trouble: exchange.trouble.as_ref().map(|trouble| trouble.says.clone()),
        }
    }
}

fn head(first: &str, fields: &Fields) -> String {
    let mut text = first.to_owned();
    for (name, value) in fields.iter() {
        text.extend(["\n", name, ": ", value]);
    }
    text
}

impl FindingReport {
    pub(super) const fn severity(&self) -> Severity {
        self.severity
    }

    pub(super) fn of(finding: Finding, exchanges: &[Exchange]) -> Self {
        let definition = finding.definition;
        let own = finding.lines.into_iter().map(|(place, text)| FixLine { place, text });
        let usual = |line: &Line| FixLine { place: line.place.into(), text: line.text.into() };
        let mut lines: Vec<FixLine> = own.collect();
        for line in definition.lines {
            if lines.iter().all(|known| known.place != line.place) {
                lines.push(usual(line));
            }
        }
        let shown = finding.shown_by.into_iter();
        Self {
            id: definition.id,
            severity: definition.severity,
            title: definition.title,
            says: finding.says,
            meaning: definition.meaning,
            section: definition.section,
            fix: definition.fix,
            lines,
            noted: finding.noted,
            hop: finding.hop,
            also_at: finding.also_at,
            codings: finding.codings,
            evidence: shown.filter_map(|place| Some(Evidence::of(place, exchanges.get(place)?))).collect(),
            differences: finding.differences,
        }
    }
}

//! Where in a configuration something stands: its key, its line, and what was written there.

use serde_path_to_error::{Path, Segment};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// Characters of a value that an error message shows.
const MAX_SEEN: usize = 80;

/// Where some settings were written.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) origin: String,
    /// The text of the file, to find lines in; none for a mapping.
    pub(super) text: Option<String>,
    /// The tables that the settings are in, such as `tool.notmodified`.
    pub(super) table: &'static [&'static str],
}

impl Source {
    /// The line of the innermost part of a place that is in the text.
    pub(super) fn line(&self, place: &[Step]) -> Option<usize> {
        let text = self.text.as_deref()?;
        let document = DeTable::parse(text).ok()?;
        let mut table = document.get_ref();
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        let mut start = None;
        let outer = self.table.iter().map(|name| Step::Key((*name).to_owned()));
        for step in outer.chain(place.iter().cloned()) {
            match &step {
                Step::Key(key) => {
                    if let Some(inner) = value {
                        table = inner.get_ref().as_table()?;
                    }
                    let Some((name, inner)) = table.iter().find(|(name, _)| name.get_ref() == key) else {
                        break;
                    };
                    start = Some(name.span().start);
                    value = Some(inner);
                }
                Step::Index(index) => {
                    let Some(inner) = value.and_then(|value| value.get_ref().as_array()?.get(*index)) else {
                        break;
                    };
                    start = Some(inner.span().start);
                    value = Some(inner);
                }
            }
        }
        start.map(|at| line_at(text, at))
    }
}

/// The value at a place. A secret is not repeated, and a whole policy would say nothing.
pub(super) fn seen(values: &Table, place: &[Step]) -> Option<String> {
    let mut value: Option<&Value> = None;
    for step in place {
        value = match (step, value) {
            (Step::Key(key), None) => values.get(key),
            (Step::Key(key), Some(Value::Table(table))) => table.get(key),
            (Step::Index(index), Some(Value::Array(items))) => items.get(*index),
            _ => return None,
        };
    }
    if matches!(place.last(), Some(Step::Key(key)) if may_be_secret(key))
        || matches!(place, [Step::Key(key)] if key == "policy")
        || matches!(place, [_, Step::Index(_)] if value.is_some_and(Value::is_table))
    {
        return None;
    }
    let text = written(value?);
    let mut shown: String = text.chars().take(MAX_SEEN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Some(shown)
}

/// May the value of this key be the key for tags, even misspelt or in a wrong place?
fn may_be_secret(key: &str) -> bool {
    key.to_ascii_lowercase().contains("key")
}

/// A value as TOML would have it, on one line, without what may be a secret.
fn written(value: &Value) -> String {
    match value {
        // A URL with a password, perhaps.
        Value::String(text) if text.contains("://") && text.contains('@') => "\"…\"".into(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(written).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let pairs = table.iter().map(|(key, value)| {
                let value = if may_be_secret(key) { "…".into() } else { written(value) };
                format!("{key} = {value}")
            });
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

pub(super) fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// One step of the way to a value.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

pub(super) fn steps(path: &Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

pub(super) fn key_of(place: &[Step]) -> String {
    place.iter().fold(String::new(), |key, step| match step {
        Step::Index(index) => format!("{key}[{index}]"),
        Step::Key(name) if key.is_empty() => name.clone(),
        Step::Key(name) => format!("{key}.{name}"),
    })
}

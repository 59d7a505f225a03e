//! The one schema of `notmodified.toml`, `[tool.notmodified]` and Python mappings.
//!
//! [`Settings`] are what somebody wrote, with where they wrote it; [`Config`] is what holds, all
//! of it checked. Between them is one place that knows the keys: `schema`. Reads no files and no
//! environment: the text is handed in, and so is the function that looks up `env:NAME`.
//!
//! ```
//! use notmodified::config::Settings;
//!
//! let settings = Settings::from_toml("max_bodi = 1", "notmodified.toml").unwrap();
//! assert_eq!(
//!     settings.read(|_| None).unwrap_err().to_string(),
//!     "notmodified.toml:1: max_bodi = 1: no such key, did you mean max_body?"
//! );
//! ```

mod schema;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use self::schema::{DirectiveTable, Top};
use crate::digest::TagKey;
use crate::http::cache_control::{CacheControl, nearest};
use crate::policy::{InvalidPolicy, Policies};

/// Bytes of a body that is hashed, unless configured.
pub const MAX_BODY: u64 = 4 << 20;

/// Bytes of a file that is hashed, unless configured.
pub const MAX_FILE: u64 = 64 << 20;

/// Bytes that a tag key must have at least.
const MIN_TAG_KEY: usize = 16;

/// Characters of a value that an error message shows.
const MAX_SEEN: usize = 80;

/// Everything that can be configured, checked and ready for use.
#[derive(Debug)]
pub struct Config {
    /// Ask the app for a HEAD as for a GET, and drop the body.
    pub head_as_get: bool,
    /// Recognise the suffixes that proxies put on entity-tags, in `If-None-Match`.
    pub tag_suffixes: bool,
    /// Up to how many bytes of declared length a body that is no list is hashed.
    pub max_body: u64,
    /// Up to how many bytes the content of a file is hashed.
    pub max_file: u64,
    /// The key that entity-tags are made with.
    pub tag_key: Option<TagKey>,
    /// Which requests and responses get what.
    pub policies: Policies,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            head_as_get: true,
            tag_suffixes: true,
            max_body: MAX_BODY,
            max_file: MAX_FILE,
            tag_key: None,
            policies: Policies::default(),
        }
    }
}

/// Why a configuration is refused: where, what was seen, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or what else the configuration came from.
    pub origin: String,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The key, such as `policy[2].cache_control.max_age`. Policies are counted from 0. Empty if
    /// the text is no TOML.
    pub key: String,
    /// The value seen there, as TOML, shortened. Never one that is a secret.
    pub seen: Option<String>,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.origin)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}", self.key)?;
            if let Some(seen) = &self.seen {
                write!(f, " = {seen}")?;
            }
            f.write_str(":")?;
        }
        write!(f, " {}", self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// Tell whether the key itself is what is wrong.
    #[must_use]
    pub fn is_unknown_key(&self) -> bool {
        self.reason.starts_with(NO_SUCH_KEY)
    }
}

const NO_SUCH_KEY: &str = "no such key";

/// Where some settings were written.
#[derive(Debug)]
struct Source {
    origin: String,
    /// The text of the file, to find lines in; none for a mapping.
    text: Option<String>,
    /// The tables that the settings are in, such as `tool.notmodified`.
    table: &'static [&'static str],
}

/// Settings as somebody wrote them: TOML, not checked against the schema.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: Table,
    /// Where each top-level key came from.
    sources: BTreeMap<String, Arc<Source>>,
}

impl Settings {
    /// Read the text of a `notmodified.toml`. `origin` is its name, for error messages.
    ///
    /// # Errors
    ///
    /// If it is no TOML.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        Self::from_text(text, origin, &[])
    }

    /// Read the table `[tool.notmodified]` in the text of a `pyproject.toml`.
    ///
    /// # Errors
    ///
    /// If it is no TOML, or has no such table.
    pub fn from_pyproject(text: &str, origin: &str) -> Result<Self, ConfigError> {
        Self::from_text(text, origin, &["tool", "notmodified"])
    }

    /// Take settings from elsewhere, such as a Python mapping.
    #[must_use]
    pub fn from_table(values: Table, origin: &str) -> Self {
        Self::new(values, Source { origin: origin.to_owned(), text: None, table: &[] })
    }

    fn from_text(text: &str, origin: &str, table: &'static [&'static str]) -> Result<Self, ConfigError> {
        let failed = |line, reason| ConfigError {
            origin: origin.to_owned(),
            line,
            key: String::new(),
            seen: None,
            reason,
        };
        let mut values: Table = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| line_at(text, span.start));
            failed(line, format!("no TOML: {}", error.message()))
        })?;
        for name in table {
            values = match values.remove(*name) {
                Some(Value::Table(inner)) => inner,
                _ => {
                    return Err(failed(None, format!("there is no table [{}]", table.join("."))));
                }
            };
        }
        Ok(Self::new(values, Source { origin: origin.to_owned(), text: Some(text.to_owned()), table }))
    }

    fn new(values: Table, source: Source) -> Self {
        let source = Arc::new(source);
        let sources = values.keys().map(|key| (key.clone(), Arc::clone(&source))).collect();
        Self { values, sources }
    }

    /// Lay other settings over these: a top-level key that both have is theirs, the whole of it.
    #[must_use]
    pub fn overlaid(mut self, over: Self) -> Self {
        self.values.extend(over.values);
        self.sources.extend(over.sources);
        self
    }

    /// Read these as the directives of one `Cache-Control` field instead: `max_age`, `no_cache`
    /// and so on, as in a policy's `cache_control`.
    ///
    /// # Errors
    ///
    /// As for [`Settings::read`], save that contradictions are let through.
    pub fn read_directives(&self) -> Result<CacheControl, ConfigError> {
        let written: DirectiveTable = self.parse()?;
        written
            .into_directives()
            .map_err(|error| self.wrong(&[Step::Key("extensions".into())], error.to_string()))
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(self.values.clone()).map_err(|error| {
            let (reason, path) = (reason(error.inner().message()), error.path());
            self.wrong(&steps(path), reason)
        })
    }

    /// Check the settings. `environment` looks up a variable for `env:NAME`.
    ///
    /// # Errors
    ///
    /// If a key is unknown, a value is of the wrong kind or out of its bounds, or settings
    /// contradict each other. The first such place is told.
    pub fn read(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let written: Top = serde_path_to_error::deserialize(self.values.clone()).map_err(|error| {
            let (reason, path) = (reason(error.inner().message()), error.path());
            self.wrong(&steps(path), reason)
        })?;
        let policies = (0..)
            .zip(written.policy)
            .map(|(number, rule)| {
                rule.check().map_err(|(key, reason)| {
                    let mut place = vec![Step::Key("policy".into()), Step::Index(number)];
                    place.extend(key.map(|key| Step::Key(key.into())));
                    self.wrong(&place, reason)
                })
            })
            .collect::<Result<_, _>>()?;
        let in_top = |key: &str, reason| self.wrong(&[Step::Key(key.into())], reason);
        Ok(Config {
            head_as_get: written.head_as_get,
            tag_suffixes: written.tag_suffixes,
            max_body: written.max_body.0,
            max_file: written.max_file.0,
            tag_key: written
                .tag_key
                .map(|text| tag_key(&text, environment))
                .transpose()
                .map_err(|reason| in_top("tag_key", reason))?,
            policies: Policies::new(policies).map_err(|InvalidPolicy(reason)| in_top("policy", reason))?,
        })
    }

    /// Say where something is wrong.
    fn wrong(&self, place: &[Step], reason: String) -> ConfigError {
        let source = match place.first() {
            Some(Step::Key(key)) => self.sources.get(key),
            _ => self.sources.values().next(),
        };
        ConfigError {
            origin: source.map_or("configuration", |source| &source.origin).to_owned(),
            line: source.and_then(|source| source.line(place)),
            key: key_of(place),
            seen: self.seen(place),
            reason,
        }
    }

    /// The value at a place. A secret is not repeated, and a whole policy would say nothing.
    fn seen(&self, place: &[Step]) -> Option<String> {
        let mut value: Option<&Value> = None;
        for step in place {
            value = match (step, value) {
                (Step::Key(key), None) => self.values.get(key),
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
}

impl Source {
    /// The line of the innermost part of a place that is in the text.
    fn line(&self, place: &[Step]) -> Option<usize> {
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

/// May the value of this key be the key for tags, even misspelt or in a wrong place?
fn may_be_secret(key: &str) -> bool {
    key.to_ascii_lowercase().contains("key")
}

/// A value as TOML would have it, on one line, without what may be a secret.
fn written(value: &Value) -> String {
    match value {
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

fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// One step of the way to a value.
#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

fn steps(path: &Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn key_of(place: &[Step]) -> String {
    place.iter().fold(String::new(), |key, step| match step {
        Step::Index(index) => format!("{key}[{index}]"),
        Step::Key(name) if key.is_empty() => name.clone(),
        Step::Key(name) => format!("{key}.{name}"),
    })
}

/// Turn serde's sentence into ours: the place and the value seen are told beside it.
fn reason(message: &str) -> String {
    if let Some(names) = message.strip_prefix("unknown field ") {
        let mut names = names.split('`').skip(1).step_by(2);
        let unknown = names.next().unwrap_or_default();
        let known: Vec<&str> = names.collect();
        return match nearest(unknown, known.iter().copied()) {
            Some(meant) => format!("{NO_SUCH_KEY}, did you mean {meant}?"),
            None => format!("{NO_SUCH_KEY}; there are {}", known.join(", ")),
        };
    }
    match message.split_once(", expected ") {
        Some((_, "a boolean")) => "expected true or false".into(),
        Some((_, "a sequence")) => "expected a list of tables, each written [[policy]]".into(),
        Some((invalid, right)) if invalid.starts_with("invalid ") => format!("expected {right}"),
        _ => message.to_owned(),
    }
}

/// Find the key for tags, which is written out or named as a variable of the environment.
fn tag_key(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<TagKey, String> {
    let key = match text.strip_prefix("env:") {
        None => text.to_owned(),
        Some(name) => environment(name)
            .ok_or_else(|| format!("the environment has no variable {name}, or it is no text"))?,
    };
    if key.len() < MIN_TAG_KEY {
        return Err(format!(
            "the key has {} bytes: give {MIN_TAG_KEY} or more that nobody can guess",
            key.len()
        ));
    }
    Ok(TagKey::derive(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{EtagOption, Policy, Template};

    fn read(text: &str) -> Result<Config, String> {
        Settings::from_toml(text, "notmodified.toml")
            .and_then(|settings| settings.read(|name| (name == "KEY").then(|| "from the environment".into())))
            .map_err(|error| error.to_string())
    }

    fn refusal(text: &str) -> String {
        read(text).expect_err(text)
    }

    fn policy(text: &str) -> Policy {
        let config = read(&format!("[[policy]]\n{text}")).expect(text);
        config.policies.as_slice()[0].clone()
    }

    fn policy_refusal(text: &str) -> String {
        let refusal = refusal(&format!("[[policy]]\n{text}"));
        refusal.strip_prefix("notmodified.toml:2: policy[0].").unwrap_or(&refusal).to_owned()
    }

    #[test]
    fn nothing_configured_is_the_defaults() {
        let config = read("").unwrap();
        assert!(config.head_as_get && config.tag_suffixes && config.policies.is_empty());
        assert_eq!((config.max_body, config.max_file), (4_194_304, 67_108_864));
        assert!(config.tag_key.is_none());
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn every_key_is_read() {
        let config = read(r#"
            head_as_get = false
            tag_suffixes = false
            max_body = 0
            max_file = 1
            tag_key = "sixteen bytes, 1"

            [[policy]]
            path = ["/a/*", "/b"]
            method = ["GET", "POST"]
            status = [200, "4xx"]
            media_type = ["text/html", "image/*"]
            expires = 60
            vary = ["Cookie", "Accept", "cookie"]
            etag = "weak"
            override = true
            cache_control = { public = true, max_age = 60, no_cache = ["Set-Cookie"], private = false, extensions = { community = "U C I", x = true, y = 5, z = false } }

            [[policy]]
            path = "/**"
            take_over = true
            cache_control = "no-cache"
        "#)
        .unwrap();
        assert!(!config.head_as_get && !config.tag_suffixes && config.tag_key.is_some());
        assert_eq!((config.max_body, config.max_file), (0, 1));
        let [first, second] = config.policies.as_slice() else { panic!("two policies") };
        assert_eq!(first.paths.iter().map(Template::as_str).collect::<Vec<_>>(), ["/a/*", "/b"]);
        assert_eq!(first.methods, ["GET", "POST"]);
        assert_eq!(
            first.cache_control.as_deref(),
            Some("public, no-cache=\"set-cookie\", max-age=60, community=\"U C I\", x, y=5")
        );
        assert_eq!((first.expires, first.etag, first.override_app), (Some(60), EtagOption::Weak, true));
        assert_eq!(first.vary, ["Cookie", "Accept"]);
        assert_eq!((second.take_over, second.etag), (true, EtagOption::Content));
        assert_eq!(second.cache_control.as_deref(), Some("no-cache"));
    }

    #[test]
    fn a_secret_is_never_repeated_wherever_it_stands() {
        for text in [
            "tag_keys = \"xyzzy-secret\"",
            "tag_key = [\"xyzzy-secret\"]",
            "[[policyx]]\ntag_key = \"xyzzy-secret\"",
            "[[policy]]\npath = \"/\"\ncache_control = { tagkey = \"xyzzy-secret\" }",
            "[other.table]\ntag_key = \"xyzzy-secret\"",
        ] {
            let said = read(text).unwrap_err();
            assert!(!said.contains("xyzzy"), "{said}");
        }
    }

    #[test]
    fn errors_name_file_line_key_value_and_what_is_right() {
        for (text, want) in [
            (
                "max_body = -1",
                "notmodified.toml:1: max_body = -1: expected a whole number of bytes, 0 or more",
            ),
            (
                "\nmax_body = \"4 MiB\"",
                "notmodified.toml:2: max_body = \"4 MiB\": expected a whole number of bytes, 0 or more",
            ),
            (
                "max_file = 1.5",
                "notmodified.toml:1: max_file = 1.5: expected a whole number of bytes, 0 or more",
            ),
            ("head_as_get = 1", "notmodified.toml:1: head_as_get = 1: expected true or false"),
            (
                "# x\nhead_as_gte = true",
                "notmodified.toml:2: head_as_gte = true: no such key, did you mean head_as_get?",
            ),
            (
                "unheard = 1",
                "notmodified.toml:1: unheard = 1: no such key; there are head_as_get, tag_suffixes, max_body, max_file, tag_key, policy",
            ),
            (
                "[policy]\npath = \"/\"",
                "notmodified.toml:1: policy: expected a list of tables, each written [[policy]]",
            ),
            ("policy = [5]", "notmodified.toml:1: policy[0] = 5: expected a table, written [[policy]]"),
            ("a = ", "notmodified.toml:1: no TOML: string values must be quoted, expected literal string"),
            (
                "[[policy]]\n[[policy]]\ncache_control = { public = true, max_age = \"60s\" }",
                "notmodified.toml:3: policy[1].cache_control.max_age = \"60s\": expected a whole number of seconds, from 0 to 2147483648",
            ),
            (
                "[[policy]]\n[policy.cache_control]\npublic = true\nmaxage = 60",
                "notmodified.toml:4: policy[0].cache_control.maxage = 60: no such key, did you mean max_age?",
            ),
            (
                "[[policy]]\nvary = [\n  \"Cookie\",\n  \"Accept\\r\\nX\",\n]",
                "notmodified.toml:4: policy[0].vary[1] = \"Accept\\r\\nX\": expected the name of a field, such as \"Accept-Language\"",
            ),
        ] {
            assert_eq!(refusal(text), want);
        }
    }

    #[test]
    #[allow(clippy::too_many_lines)] // a table
    fn a_policy_that_cannot_be_meant_is_refused() {
        for (text, want) in [
            ("path = \"a\"", "path = \"a\": a path starts with `/`: write `/a`, or `/**/a` for any depth"),
            ("path = 5", "path = 5: expected a path in quotes, or a list of such"),
            ("path = []", "path = []: the list is empty: leave the key out, or put something in"),
            ("path = [\"/\", [\"/a\"]]", "path[1] = [\"/a\"]: expected a path in quotes"),
            ("method = \"get\"", "method = \"get\": methods are upper case: write \"GET\""),
            ("method = \"A B\"", "method = \"A B\": expected a method, such as \"GET\""),
            ("status = 99", "status = 99: a status is a number from 200 to 599, or a class such as \"2xx\""),
            ("status = [304]", "status[0] = 304: a 304 counts as the 200 that it stands for: write 200"),
            (
                "status = \"6xx\"",
                "status = \"6xx\": a status is a number from 200 to 599, or a class such as \"2xx\"",
            ),
            (
                "media_type = \"html\"",
                "media_type = \"html\": a media type is written type/subtype, such as \"text/html\", \"image/*\" or \"*/*\"",
            ),
            ("etag = \"strong\"", "etag = \"strong\": expected \"auto\", \"content\", \"weak\" or \"off\""),
            ("etag = [\"off\"]", "etag = [\"off\"]: expected \"auto\", \"content\", \"weak\" or \"off\""),
            ("expires = -1", "expires = -1: expected a whole number of seconds, from 0 to 2147483648"),
            (
                "vary = \"*\"",
                "vary = \"*\": no cache can reuse what varies on everything: say no_store in cache_control instead",
            ),
            (
                "cache_control = 60",
                "cache_control = 60: expected a table such as {public = true, max_age = 60}, or a string such as \"public, max-age=60\"",
            ),
            (
                "cache_control = \"public, maxage=60\"",
                "cache_control = \"public, maxage=60\": maxage is no known directive: did you mean max-age?",
            ),
            (
                "cache_control = \"x=\\\"a\\rb\\\"\"",
                "cache_control = \"x=\\\"a\\rb\\\"\": x has the argument \"a\\rb\": control characters cannot be in a header field",
            ),
            (
                "cache_control = \"public, private\"",
                "cache_control = \"public, private\": private keeps shared caches from storing the response, and public allows them to",
            ),
            (
                "cache_control = {no_store = true, max_age = 60}",
                "cache_control = { max_age = 60, no_store = true }: no-store forbids keeping the response, so max-age=60 is never used",
            ),
            (
                "cache_control = \"min-fresh=5\"",
                "cache_control = \"min-fresh=5\": min-fresh is a directive of requests, and this is about responses",
            ),
            (
                "cache_control = {extensions = {\"a b\" = true}}",
                "cache_control = { extensions = { a b = true } }: \"a b\" is no directive name: use letters, digits and hyphens",
            ),
            (
                "cache_control = {extensions = {a = \"b\\u0000\"}}",
                "cache_control = { extensions = { a = \"b\\0\" } }: a has the argument \"b\\0\": control characters cannot be in a header field",
            ),
            (
                "cache_control = {private = [\"a b\"]}",
                "cache_control.private[0] = \"a b\": expected the name of a field, such as \"Accept-Language\"",
            ),
            (
                "cache_control = {no_cache = \"x\"}",
                "cache_control.no_cache = \"x\": expected true, false or a list of field names",
            ),
            (
                "expires = 60\ncache_control = \"no-store\"",
                "expires = 60: cache_control \"no-store\" forbids reuse, so this must be 0 or be left out",
            ),
            (
                "expires = 60\ncache_control = \"max-age=5\"",
                "expires = 60: max-age is 5, and what only old caches read must say the same",
            ),
            (
                "take_over = true\nstatus = 200",
                "take_over = true: it is decided before the app runs, when status and media_type are not known: leave those out, or this",
            ),
            (
                "take_over = true\nmethod = [\"GET\", \"PUT\"]",
                "take_over = true: only GET and HEAD are judged: leave the other methods out",
            ),
        ] {
            assert_eq!(policy_refusal(text), want);
        }
    }

    #[test]
    fn expires_is_freshness_too() {
        assert_eq!(policy("expires = 60\ncache_control = \"immutable\"").expires, Some(60));
        assert_eq!(policy("expires = 0\ncache_control = \"no-store\"").expires, Some(0));
        assert_eq!(policy("expires = 60\ncache_control = \"max-age=60\"").expires, Some(60));
        assert_eq!(policy("cache_control = {}").cache_control, None);
    }

    #[test]
    fn a_tag_key_is_long_enough_and_never_repeated() {
        assert!(read("tag_key = \"env:KEY\"").unwrap().tag_key.is_some());
        assert_eq!(
            refusal("tag_key = \"hush\""),
            "notmodified.toml:1: tag_key: the key has 4 bytes: give 16 or more that nobody can guess"
        );
        assert_eq!(
            refusal("tag_key = \"env:NONE\""),
            "notmodified.toml:1: tag_key: the environment has no variable NONE, or it is no text"
        );
        assert!(!format!("{:?}", read("tag_key = \"env:KEY\"").unwrap()).contains("environment"));
    }

    #[test]
    fn pyproject_has_a_table_for_it() {
        let text = "[project]\nname = \"x\"\n\n[tool.notmodified]\nmax_body = 5\n\n[[tool.notmodified.policy]]\npath = \"a\"\n";
        let settings = Settings::from_pyproject(text, "pyproject.toml").unwrap();
        let error = settings.read(|_| None).unwrap_err();
        assert_eq!((error.line, error.key.as_str()), (Some(8), "policy[0].path"));
        assert_eq!(
            Settings::from_pyproject("[tool.x]", "pyproject.toml").unwrap_err().to_string(),
            "pyproject.toml: there is no table [tool.notmodified]"
        );
    }

    #[test]
    fn what_is_laid_over_replaces_whole_keys_and_answers_for_them() {
        let file = Settings::from_toml("max_body = 1\nmax_file = -2", "file").unwrap();
        let over: Table = toml::from_str("max_body = -3").unwrap();
        let both = file.clone().overlaid(Settings::from_table(over, "keyword argument"));
        assert_eq!(
            both.read(|_| None).unwrap_err().to_string(),
            "keyword argument: max_body = -3: expected a whole number of bytes, 0 or more"
        );
        let over: Table = toml::from_str("max_file = 3").unwrap();
        let config = file.overlaid(Settings::from_table(over, "keyword argument")).read(|_| None).unwrap();
        assert_eq!((config.max_body, config.max_file), (1, 3));
    }
}

//! The one schema of `notmodified.toml`, `[tool.notmodified]` and Python mappings.
//!
//! [`Settings`] are what somebody wrote, with where they wrote it; [`Config`] is what holds, all
//! of it checked. Between them is one place that knows the keys: the structs with `Deserialize`
//! below. Reads no files and no environment: the text is handed in, and so is the function that
//! looks up `env:NAME`.
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

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    self, Deserialize, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_path_to_error::{Path, Segment};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use crate::digest::TagKey;
use crate::http::cache_control::{CacheControl, InvalidDirective, MAX_SECONDS, MaxStale, Scope, nearest};
use crate::http::field;
use crate::policy::{EtagOption, InvalidPolicy, MediaType, Policies, Policy, Status, Template};

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
        if matches!(place, [Step::Key(key)] if key == "tag_key" || key == "policy")
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

/// A value as TOML would have it, on one line.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(written).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let pairs = table.iter().map(|(key, value)| format!("{key} = {}", written(value)));
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

// The schema. Each struct is a table, each field a key of it.

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table of settings")]
struct Top {
    head_as_get: bool,
    tag_suffixes: bool,
    max_body: Bytes,
    max_file: Bytes,
    tag_key: Option<String>,
    policy: Vec<Rule>,
}

impl Default for Top {
    fn default() -> Self {
        Self {
            head_as_get: true,
            tag_suffixes: true,
            max_body: Bytes(MAX_BODY),
            max_file: Bytes(MAX_FILE),
            tag_key: None,
            policy: Vec::new(),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table, written [[policy]]")]
struct Rule {
    #[serde(default = "none")]
    path: Many<Template>,
    #[serde(default = "none")]
    method: Many<Method>,
    #[serde(default = "none")]
    status: Many<Status>,
    #[serde(default = "none")]
    media_type: Many<MediaType>,

    cache_control: Option<Directives>,
    expires: Option<Seconds>,
    #[serde(default = "none")]
    vary: Many<FieldName>,
    etag: Option<One<EtagOption>>,
    #[serde(default)]
    take_over: bool,
    #[serde(default, rename = "override")]
    override_app: bool,
}

fn none<T>() -> Many<T> {
    Many(Vec::new())
}

/// `cache_control` as a table, and the keywords of `CacheControl` in Python. A string is read by
/// [`CacheControl`] itself. Policies refuse the directives of requests, see [`check_directives`].
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools)]
struct DirectiveTable {
    public: bool,
    private: Option<Reach>,
    no_cache: Option<Reach>,
    no_store: bool,
    no_transform: bool,
    must_revalidate: bool,
    proxy_revalidate: bool,
    must_understand: bool,
    immutable: bool,
    max_age: Option<Seconds>,
    s_maxage: Option<Seconds>,
    stale_while_revalidate: Option<Seconds>,
    stale_if_error: Option<Seconds>,
    only_if_cached: bool,
    max_stale: Option<Staleness>,
    min_fresh: Option<Seconds>,
    extensions: BTreeMap<String, Argument>,
}

impl Rule {
    /// Check what no single key can tell. The error names the key to look at.
    fn check(self) -> Result<Policy, (Option<&'static str>, String)> {
        let cache_control = self.cache_control.map(|Directives(directives)| directives);
        let expires = self.expires.map(|Seconds(seconds)| seconds);
        if let Some(directives) = &cache_control {
            check_directives(directives, expires)?;
        }
        let methods: Vec<String> = self.method.into_iter().map(|Method(name)| name).collect();
        let take_over = |reason: &str| Err((Some("take_over"), reason.to_owned()));
        if self.take_over {
            if !self.status.0.is_empty() || !self.media_type.0.is_empty() {
                return take_over(
                    "it is decided before the app runs, when status and media_type are not known: \
                     leave one or the other out",
                );
            }
            if methods.iter().any(|name| !matches!(name.as_str(), "GET" | "HEAD")) {
                return take_over("only GET and HEAD are judged: leave the other methods out");
            }
        }
        let made_from = if self.take_over { EtagOption::Content } else { EtagOption::Auto };
        let mut vary: Vec<String> = Vec::new();
        for FieldName(name) in self.vary.0 {
            if !vary.iter().any(|have| have.eq_ignore_ascii_case(&name)) {
                vary.push(name);
            }
        }
        Ok(Policy {
            paths: self.path.0,
            methods,
            statuses: self.status.0,
            media_types: self.media_type.0,
            cache_control: cache_control
                .filter(|directives| !directives.is_empty())
                .map(|directives| directives.to_string()),
            expires,
            vary,
            etag: self.etag.map_or(made_from, |One(option)| option),
            take_over: self.take_over,
            override_app: self.override_app,
        })
    }
}

/// Refuse directives that contradict each other or `expires`, or that only requests have.
fn check_directives(
    directives: &CacheControl,
    expires: Option<u32>,
) -> Result<(), (Option<&'static str>, String)> {
    let wrong = |reason: String| Err((Some("cache_control"), reason));
    if let Some(name) = directives.request_only() {
        return wrong(format!("{name} is a directive of requests, and this is about responses"));
    }
    let mut judged = directives.clone();
    if let Some(seconds) = expires {
        let everything = Some(&Scope::Everything);
        if seconds > 0 && (directives.no_store || directives.no_cache.as_ref() == everything) {
            let reason =
                format!("cache_control \"{directives}\" forbids reuse, so this must be 0 or be left out");
            return Err((Some("expires"), reason));
        }
        match directives.max_age {
            Some(max_age) if max_age != seconds => {
                let reason = format!("max-age is {max_age}, and what only old caches read must say the same");
                return Err((Some("expires"), reason));
            }
            _ => judged.max_age = Some(seconds),
        }
    }
    match judged.contradictions() {
        found if found.is_empty() => Ok(()),
        found => wrong(found.join("; ")),
    }
}

/// A value that is written as one string or number.
trait Setting: Sized {
    /// What is right, after "expected".
    const EXPECTED: &'static str;

    fn of_text(text: &str) -> Result<Self, String>;

    fn of_number(_number: i64) -> Option<Result<Self, String>> {
        None
    }
}

/// A [`Setting`] alone.
struct One<T>(T);

/// One [`Setting`] or a list of them.
struct Many<T>(Vec<T>);

impl<T> IntoIterator for Many<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, T: Setting> Deserialize<'de> for One<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor::<T> { list: false, setting: PhantomData }).and_then(
            |many| many.into_iter().next().map(One).ok_or_else(|| de::Error::custom("nothing is there")),
        )
    }
}

impl<'de, T: Setting> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor::<T> { list: true, setting: PhantomData })
    }
}

struct SettingVisitor<T> {
    list: bool,
    setting: PhantomData<T>,
}

impl<'de, T: Setting> Visitor<'de> for SettingVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)?;
        if self.list { f.write_str(", or a list of such") } else { Ok(()) }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Many<T>, E> {
        T::of_text(text).map(|value| Many(vec![value])).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Many<T>, E> {
        match T::of_number(number) {
            Some(read) => read.map(|value| Many(vec![value])).map_err(E::custom),
            None => Err(E::invalid_type(de::Unexpected::Signed(number), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Many<T>, A::Error> {
        if !self.list {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        let mut values = Vec::new();
        while let Some(One(value)) = items.next_element()? {
            values.push(value);
        }
        if values.is_empty() {
            return Err(de::Error::custom("the list is empty: leave the key out, or put something in"));
        }
        Ok(Many(values))
    }
}

impl Setting for Template {
    const EXPECTED: &'static str = "a path in quotes";

    fn of_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

impl Setting for MediaType {
    const EXPECTED: &'static str = "a media type in quotes";

    fn of_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

impl Setting for Status {
    const EXPECTED: &'static str = "a number from 200 to 599, or a class such as \"2xx\"";

    fn of_text(text: &str) -> Result<Self, String> {
        Self::class(text).map_err(|error| error.to_string())
    }

    fn of_number(number: i64) -> Option<Result<Self, String>> {
        Some(Self::one(number).map_err(|error| error.to_string()))
    }
}

/// A request method. They are compared with regard to case (RFC 9110 §9.1).
struct Method(String);

impl Setting for Method {
    const EXPECTED: &'static str = "a method in quotes";

    fn of_text(text: &str) -> Result<Self, String> {
        if !field::is_token(text.as_bytes()) {
            return Err("expected a method, such as \"GET\"".into());
        }
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(format!("methods are upper case: write {:?}", text.to_ascii_uppercase()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of a field, for `Vary`.
struct FieldName(String);

impl Setting for FieldName {
    const EXPECTED: &'static str = "the name of a field in quotes";

    fn of_text(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Err(
                "no cache can reuse what varies on everything: say no_store in cache_control instead".into(),
            );
        }
        if !field::is_token(text.as_bytes()) {
            return Err("expected the name of a field, such as \"Accept-Language\"".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl Setting for EtagOption {
    const EXPECTED: &'static str = "\"auto\", \"content\", \"weak\" or \"off\"";

    fn of_text(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|option| option.word() == text)
            .ok_or_else(|| format!("expected {}", Self::EXPECTED))
    }
}

/// A size in bytes.
#[derive(Clone, Copy)]
struct Bytes(u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer, "a whole number of bytes, 0 or more", u64::MAX).map(Self)
    }
}

/// A time in seconds, as caches count it (RFC 9111 §1.2.2).
#[derive(Clone, Copy)]
struct Seconds(u32);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a whole number of seconds, from 0 to 2147483648";
        let seconds = number(deserializer, expected, u64::from(MAX_SECONDS))?;
        Ok(Self(u32::try_from(seconds).unwrap_or(MAX_SECONDS)))
    }
}

fn number<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    most: u64,
) -> Result<u64, D::Error> {
    struct NumberVisitor(&'static str);

    impl Visitor<'_> for NumberVisitor {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
            Ok(number)
        }
    }

    let number = deserializer.deserialize_any(NumberVisitor(expected))?;
    u64::try_from(number)
        .ok()
        .filter(|number| *number <= most)
        .ok_or_else(|| de::Error::custom(format!("expected {expected}")))
}

/// How far `private` or `no_cache` reaches: true, or a list of field names. False is nothing.
struct Reach(Option<Scope>);

impl<'de> Deserialize<'de> for Reach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReachVisitor;

        impl<'de> Visitor<'de> for ReachVisitor {
            type Value = Reach;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a list of field names")
            }

            fn visit_bool<E: de::Error>(self, all: bool) -> Result<Reach, E> {
                Ok(Reach(all.then_some(Scope::Everything)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Reach, A::Error> {
                let names =
                    SettingVisitor::<FieldName> { list: true, setting: PhantomData }.visit_seq(items)?;
                let names = names.into_iter().map(|FieldName(name)| name.to_ascii_lowercase());
                Ok(Reach(Some(Scope::Fields(names.collect()))))
            }
        }

        deserializer.deserialize_any(ReachVisitor)
    }
}

/// `max_stale`: true for any, or seconds. False is nothing.
struct Staleness(Option<MaxStale>);

impl<'de> Deserialize<'de> for Staleness {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StalenessVisitor;

        impl Visitor<'_> for StalenessVisitor {
            type Value = Staleness;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a whole number of seconds")
            }

            fn visit_bool<E: de::Error>(self, any: bool) -> Result<Staleness, E> {
                Ok(Staleness(any.then_some(MaxStale::Any)))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Staleness, E> {
                let Seconds(seconds) = Seconds::deserialize(number.into_deserializer())?;
                Ok(Staleness(Some(MaxStale::Seconds(seconds))))
            }
        }

        deserializer.deserialize_any(StalenessVisitor)
    }
}

/// The argument of an extension directive: a string, or true for none. False is no directive.
enum Argument {
    Absent,
    None,
    Text(String),
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ArgumentVisitor;

        impl Visitor<'_> for ArgumentVisitor {
            type Value = Argument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number, or true where the directive has no argument")
            }

            fn visit_bool<E: de::Error>(self, present: bool) -> Result<Argument, E> {
                Ok(if present { Argument::None } else { Argument::Absent })
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Argument, E> {
                Ok(Argument::Text(number.to_string()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Argument, E> {
                Ok(Argument::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(ArgumentVisitor)
    }
}

/// `cache_control`: a table, or a string as in the field itself.
struct Directives(CacheControl);

impl<'de> Deserialize<'de> for Directives {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DirectivesVisitor;

        impl<'de> Visitor<'de> for DirectivesVisitor {
            type Value = Directives;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table such as {public = true, max_age = 60}, or a string such as \"public, max-age=60\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Directives, E> {
                text.parse().map(Directives).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<Directives, A::Error> {
                DirectiveTable::deserialize(MapAccessDeserializer::new(keys))?
                    .into_directives()
                    .map(Directives)
                    .map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(DirectivesVisitor)
    }
}

impl DirectiveTable {
    fn into_directives(self) -> Result<CacheControl, InvalidDirective> {
        let seconds = |number: Option<Seconds>| number.map(|Seconds(number)| number);
        let mut directives = CacheControl {
            public: self.public,
            private: self.private.and_then(|Reach(scope)| scope),
            no_cache: self.no_cache.and_then(|Reach(scope)| scope),
            no_store: self.no_store,
            no_transform: self.no_transform,
            must_revalidate: self.must_revalidate,
            proxy_revalidate: self.proxy_revalidate,
            must_understand: self.must_understand,
            immutable: self.immutable,
            max_age: seconds(self.max_age),
            s_maxage: seconds(self.s_maxage),
            stale_while_revalidate: seconds(self.stale_while_revalidate),
            stale_if_error: seconds(self.stale_if_error),
            only_if_cached: self.only_if_cached,
            max_stale: self.max_stale.and_then(|Staleness(stale)| stale),
            min_fresh: seconds(self.min_fresh),
            ..CacheControl::default()
        };
        for (name, argument) in &self.extensions {
            match argument {
                Argument::Absent => {}
                Argument::None => directives.extensions.add(name, None)?,
                Argument::Text(text) => directives.extensions.add(name, Some(text))?,
            }
        }
        Ok(directives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                "take_over = true: it is decided before the app runs, when status and media_type are not known: leave one or the other out",
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

//! Settings as somebody wrote them, and the way from there to a [`Config`].

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::assets::{AssetsConfig, AssetsTable};
use super::cache::{CacheConfig, CookieName, OF_THE_STORE};
use super::directives::DirectiveTable;
use super::error::{ConfigError, is_unknown, not_here, reason};
use super::place::{Source, Step, key_of, line_at, seen, steps};
use super::rule::Rule;
use super::schema::{Functions, Top};
use super::{Config, Validators};
use crate::digest::TagKey;
use crate::http::cache_control::CacheControl;
use crate::path::{InvalidPath, Routes, Template};
use crate::policy::{InvalidPolicy, Policies};

/// Bytes that a tag key must have at least.
const MIN_TAG_KEY: usize = 16;

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

    /// Whether a key was written.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The top-level keys that were written.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Whether others say the same, wherever they were written.
    #[must_use]
    pub fn has_values_of(&self, other: &Self) -> bool {
        self.values == other.values
    }

    /// Lay other settings over these: a top-level key that both have is theirs, the whole of it.
    #[must_use]
    pub fn overlaid(mut self, over: Self) -> Self {
        self.values.extend(over.values);
        self.sources.extend(over.sources);
        self
    }

    /// Leave some top-level keys out.
    #[must_use]
    pub fn without(mut self, keys: &[&str]) -> Self {
        for key in keys {
            self.values.remove(*key);
            self.sources.remove(*key);
        }
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
            let place = steps(error.path());
            let misplaced = self.misplaced(&place, error.inner().message());
            let reason = misplaced.unwrap_or_else(|| reason(error.inner().message()));
            self.wrong(&place, reason)
        })
    }

    /// Say of a key that no policy has, but all settings do, where it belongs: in TOML what is written below a
    /// `[[policy]]` is the policy's, which is easily overlooked.
    fn misplaced(&self, place: &[Step], message: &str) -> Option<String> {
        let [Step::Key(top), _, .., Step::Key(key)] = place else { return None };
        let is_misplaced =
            top == "policy" && is_unknown(message) && has_key::<Top>(key) && !has_key::<Rule>(key);
        is_misplaced.then(|| match self.sources.get(top).filter(|source| source.text.is_some()) {
            Some(source) => {
                let tables: &[_] = source.table;
                let file =
                    if tables.is_empty() { "the file".into() } else { format!("[{}]", tables.join(".")) };
                let policy = [tables, &["policy"]].concat().join(".");
                not_here(&format!(
                    "{key} is a key of {file}, not of a policy: put it above the first [[{policy}]]"
                ))
            }
            None => not_here(&format!("{key} is a key beside policy, not of one")),
        })
    }

    /// Check the settings. `environment` looks up a variable for `env:NAME`.
    ///
    /// # Errors
    ///
    /// If a key is unknown, a value is of the wrong kind or out of its bounds, or settings
    /// contradict each other. The first such place is told.
    pub fn read(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        self.read_with(environment, |path| Err(format!("{path} can't be read here")))
    }

    /// The same, with a function that reads the text of a file for `release = { file = "…" }`, or says why it
    /// can't.
    ///
    /// # Errors
    ///
    /// As [`Settings::read`].
    pub fn read_with(
        &self,
        environment: impl Fn(&str) -> Option<String>,
        read_file: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Config, ConfigError> {
        let written: Top = self.parse()?;
        let policies = (0..)
            .zip(written.policy)
            .map(|(number, rule)| {
                rule.check().map_err(|(key, reason)| {
                    let mut place = vec![Step::Key("policy".into()), Step::Index(number)];
                    place.extend(key.into_iter().map(Step::Key));
                    self.wrong(&place, reason)
                })
            })
            .collect::<Result<_, _>>()?;
        let in_top = |key: &str, reason| self.wrong(&[Step::Key(key.into())], reason);
        let cache = CacheConfig {
            store: written.store.as_ref().map(|store| store.0.kind()),
            store_address: written.store.and_then(|store| store.0.address()),
            store_timeout: written.store_timeout.0,
            store_path: written.store_path,
            store_size: written.store_size.0,
            release: written
                .release
                .map(|release| release.find(&environment, read_file))
                .transpose()
                .map_err(|reason| in_top("release", reason))?,
            vary_cookies: written.vary_cookies.into_iter().map(|CookieName(name)| name).collect(),
            settle: written.settle.0,
            obey_request_directives: written.obey_request_directives,
            cache_status: written.cache_status || written.explain,
            explain: written.explain,
            digest: self.digest(),
        };
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
            ignore: written.etag.ignore(),
            accept_weakened: written.accept_weakened,
            validators: self.validators(written.validators)?,
            assets: written.assets.map(|table| self.assets(table)).transpose()?,
            cache,
            policies: Policies::new(policies).map_err(|InvalidPolicy(reason)| in_top("policy", reason))?,
        })
    }

    fn validators(&self, Functions(written): Functions) -> Result<Validators, ConfigError> {
        let (mut templates, mut functions) = (Vec::new(), Vec::new());
        for (text, function) in written {
            let template =
                Template::parse(&text).map_err(|InvalidPath(reason)| self.wrong_validator(&text, reason))?;
            if template.names().any(|name| name == "environ") {
                let reason = "the function's first argument is the environ: give the segment another name";
                return Err(self.wrong_validator(&text, reason.into()));
            }
            templates.push(template);
            functions.push(function);
        }
        let routes = Routes::new(templates)
            .map_err(|InvalidPath(reason)| self.wrong(&[Step::Key("validators".into())], reason))?;
        Ok(Validators { routes, functions })
    }

    fn assets(&self, table: AssetsTable) -> Result<AssetsConfig, ConfigError> {
        // Relative to the file that says so, or to where the process runs.
        let file = self.sources.get("assets").filter(|source| source.text.is_some());
        let base = file.and_then(|source| FilePath::new(&source.origin).parent());
        table.check(base.unwrap_or(FilePath::new(""))).map_err(|(key, reason)| self.wrong_assets(key, reason))
    }

    /// Say what is wrong with the static files, at a key of `assets` or of all of them.
    #[must_use]
    pub fn wrong_assets(&self, key: Option<String>, reason: String) -> ConfigError {
        let mut place = vec![Step::Key("assets".into())];
        place.extend(key.map(Step::Key));
        self.wrong(&place, reason)
    }

    /// Say what is wrong with the function of a template in `validators`.
    #[must_use]
    pub fn wrong_validator(&self, template: &str, reason: String) -> ConfigError {
        self.wrong(&[Step::Key("validators".into()), Step::Key(template.to_owned())], reason)
    }

    /// Say why the store that is configured can't be used.
    #[must_use]
    pub fn wrong_store(&self, reason: String) -> ConfigError {
        let key = if self.values.contains_key("store_path") { "store_path" } else { "store" };
        self.wrong(&[Step::Key(key.into())], reason)
    }

    /// A digest of all that may change a response.
    fn digest(&self) -> [u8; 32] {
        let mut values = self.values.clone();
        for key in OF_THE_STORE {
            values.remove(key);
        }
        *blake3::hash(values.to_string().as_bytes()).as_bytes()
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
            seen: seen(&self.values, place),
            reason,
        }
    }
}

/// Does a table have this key, whatever may be in it?
fn has_key<T: DeserializeOwned>(key: &str) -> bool {
    let table = Table::from_iter([(key.to_owned(), Value::Boolean(true))]);
    !T::deserialize(table).is_err_and(|error| is_unknown(error.message()))
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

//! `[[policy]]`: what is for which requests, and what can't be meant together.

use super::directives::Directives;
use super::fields::{Group, Others, Targeted, fields, write_targeted};
use super::ignore::EtagSetting;
use super::number::Seconds;
use super::preset::Preset;
use super::setting::{FieldName, Many, One, Setting};
use crate::http::cache_control::{CacheControl, Scope};
use crate::http::field;
use crate::path::Template;
use crate::policy::{EtagOption, Guard, MediaType, Policy, Status, is_safe, narrowed};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table, written [[policy]]")]
pub(super) struct Rule {
    #[serde(default)]
    path: Many<Template>,
    #[serde(default)]
    method: Many<Method>,
    #[serde(default)]
    status: Many<Status>,
    #[serde(default)]
    media_type: Many<MediaType>,

    preset: Option<One<Preset>>,
    versioned: Option<bool>,
    cache_control: Option<Directives>,
    notmodified_cache_control: Option<Directives>,
    #[serde(default)]
    targeted: Targeted,
    #[serde(default)]
    cache_groups: Many<Group>,
    #[serde(default)]
    fields: Others,
    expires: Option<Seconds>,
    vary: Option<Many<FieldName>>,
    #[serde(default)]
    etag: EtagSetting,
    #[serde(default)]
    take_over: bool,
    #[serde(rename = "override")]
    override_app: Option<bool>,
    preconditions: Option<One<ValidatorSource>>,
    #[serde(default)]
    require: bool,
}

/// The way to the key that something is wrong with, and what.
pub(super) type Wrong = (Vec<String>, String);

fn wrong<T>(key: &str, reason: impl Into<String>) -> Result<T, Wrong> {
    Err((vec![key.to_owned()], reason.into()))
}

impl Rule {
    /// Check what no single key can tell.
    ///
    /// # Errors
    ///
    /// The key to look at, and what is wrong.
    pub(super) fn check(self) -> Result<Policy, Wrong> {
        self.check_timing()?;
        self.etag.check().or_else(|reason| wrong("etag", reason))?;
        let preset = self.preset.map(|One(preset)| preset);
        let versioned = self.versioned.unwrap_or(preset.is_some_and(Preset::is_versioned));
        let expires = self.expires.map(|Seconds(seconds)| seconds);
        let cache_control = match self.cache_control {
            Some(Directives(directives)) => Some(directives),
            None => preset.map(Preset::cache_control),
        }
        .filter(|directives| !directives.is_empty());
        if let Some(directives) = &cache_control {
            check_response(directives, versioned).or_else(|reason| wrong("cache_control", reason))?;
            check_expires(directives, expires)?;
        }
        let own = self.notmodified_cache_control.map(|Directives(directives)| directives);
        let own = own.filter(|directives| !directives.is_empty());
        if let Some(directives) = &own {
            check_response(directives, versioned)
                .and_then(|()| check_freshness(directives))
                .and_then(|()| write_targeted(directives).map(drop))
                .or_else(|reason| wrong("notmodified_cache_control", reason))?;
        }
        let fields = fields(self.targeted, self.cache_groups, self.fields, |directives| {
            check_response(directives, versioned)?;
            check_freshness(directives)
        })?;
        let made_from = if self.take_over { EtagOption::Content } else { EtagOption::Auto };
        let mut vary: Vec<String> = Vec::new();
        for name in match self.vary {
            Some(Many(names)) => names.into_iter().map(|FieldName(name)| name).collect(),
            None => {
                preset.map_or(&[][..], Preset::vary).iter().map(|&name| name.to_owned()).collect::<Vec<_>>()
            }
        } {
            if !vary.iter().any(|have| have.eq_ignore_ascii_case(&name)) {
                vary.push(name);
            }
        }
        let for_cookies = match (&cache_control, expires) {
            (None, None) => None,
            (directives, expires) => narrowed(&directives.clone().unwrap_or_default(), expires),
        };
        Ok(Policy {
            paths: self.path.0,
            methods: self.method.into_iter().map(|Method(name)| name).collect(),
            statuses: self.status.0,
            media_types: self.media_type.0,
            preset: preset.map(Preset::word),
            versioned,
            cache_control: cache_control.map(|directives| directives.to_string()),
            narrowed: for_cookies.map(|directives| directives.to_string()),
            notmodified_cache_control: own.map(|directives| directives.to_string()),
            fields,
            expires,
            vary,
            etag: self.etag.from.unwrap_or(made_from),
            ignore: self.etag.ignore,
            take_over: self.take_over,
            override_app: self.override_app.unwrap_or(preset.is_some_and(Preset::overrides)),
            guard: Guard { get: self.preconditions.is_some(), require: self.require },
        })
    }

    /// Refuse what is to be done before the app runs by what is known only afterwards.
    fn check_timing(&self) -> Result<(), Wrong> {
        let is_late = !self.status.0.is_empty() || !self.media_type.0.is_empty();
        let methods = || self.method.0.iter().map(|Method(name)| name.as_str());
        if self.take_over && is_late {
            return wrong(
                "take_over",
                "it is decided before the app runs, when status and media_type are not known: \
                 leave those out, or this",
            );
        }
        if self.take_over && methods().any(|name| !matches!(name, "GET" | "HEAD")) {
            return wrong("take_over", "only GET and HEAD are judged: leave the other methods out");
        }
        let key = match (self.preconditions.is_some(), self.require) {
            (true, _) => "preconditions",
            (false, true) => "require",
            (false, false) => return Ok(()),
        };
        if is_late {
            return wrong(
                key,
                "a write is judged before the app runs, when status and media_type are not known: leave \
                 those out, or this",
            );
        }
        if !self.method.0.is_empty() && methods().all(is_safe) {
            return wrong(
                key,
                "this is about methods that change something: name one, or leave method out for all of \
                 them",
            );
        }
        Ok(())
    }
}

/// Refuse directives that only requests have, and `immutable` where a URL may get another content.
fn check_response(directives: &CacheControl, versioned: bool) -> Result<(), String> {
    if let Some(name) = directives.request_only() {
        return Err(format!("{name} is a directive of requests, and this is about responses"));
    }
    if directives.immutable && !versioned {
        return Err("immutable keeps clients from asking even on reload, so a URL must never get another content: \
                    add versioned = true if each of these URLs has a version or digest in it, or leave immutable \
                    out"
            .into());
    }
    Ok(())
}

/// Refuse directives that contradict each other.
fn check_freshness(directives: &CacheControl) -> Result<(), String> {
    match directives.contradictions() {
        found if found.is_empty() => Ok(()),
        found => Err(found.join("; ")),
    }
}

/// Refuse directives that contradict each other or `expires`.
fn check_expires(directives: &CacheControl, expires: Option<u32>) -> Result<(), Wrong> {
    let mut judged = directives.clone();
    if let Some(seconds) = expires {
        let everything = Some(&Scope::Everything);
        if seconds > 0 && (directives.no_store || directives.no_cache.as_ref() == everything) {
            let reason =
                format!("cache_control \"{directives}\" forbids reuse, so this must be 0 or be left out");
            return wrong("expires", reason);
        }
        match directives.max_age {
            Some(max_age) if max_age != seconds => {
                let reason = format!("max-age is {max_age}, and what only old caches read must say the same");
                return wrong("expires", reason);
            }
            _ => judged.max_age = Some(seconds),
        }
    }
    check_freshness(&judged).or_else(|reason| wrong("cache_control", reason))
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

/// `preconditions`: where the validator that a write is judged by comes from.
struct ValidatorSource;

impl Setting for ValidatorSource {
    const EXPECTED: &'static str = "\"get\"";

    fn of_text(text: &str) -> Result<Self, String> {
        if text == "get" { Ok(Self) } else { Err(format!("expected {}", Self::EXPECTED)) }
    }
}

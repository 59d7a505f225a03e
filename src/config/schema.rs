//! The keys and what may be in them: each struct is a table, each field a key of it.
//!
//! What is wrong is said by the `Deserialize` implementations; where it is, by
//! [`Settings`](super::Settings).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::{MAX_BODY, MAX_FILE};
use crate::http::cache_control::{CacheControl, InvalidDirective, MAX_SECONDS, MaxStale, Scope};
use crate::http::field;
use crate::policy::{EtagOption, MediaType, Policy, Status, Template};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table of settings")]
pub(super) struct Top {
    pub(super) head_as_get: bool,
    pub(super) tag_suffixes: bool,
    pub(super) max_body: Bytes,
    pub(super) max_file: Bytes,
    pub(super) tag_key: Option<String>,
    pub(super) policy: Vec<Rule>,
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
pub(super) struct Rule {
    #[serde(default)]
    path: Many<Template>,
    #[serde(default)]
    method: Many<Method>,
    #[serde(default)]
    status: Many<Status>,
    #[serde(default)]
    media_type: Many<MediaType>,

    cache_control: Option<Directives>,
    expires: Option<Seconds>,
    #[serde(default)]
    vary: Many<FieldName>,
    etag: Option<One<EtagOption>>,
    #[serde(default)]
    take_over: bool,
    #[serde(default, rename = "override")]
    override_app: bool,
}

/// `cache_control` as a table, and the keywords of `CacheControl` in Python. A string is read by
/// [`CacheControl`] itself. Policies refuse the directives of requests, see [`check_directives`].
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DirectiveTable {
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
    pub(super) fn check(self) -> Result<Policy, (Option<&'static str>, String)> {
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
                     leave those out, or this",
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

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

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
pub(super) struct Bytes(pub(super) u64);

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
    pub(super) fn into_directives(self) -> Result<CacheControl, InvalidDirective> {
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

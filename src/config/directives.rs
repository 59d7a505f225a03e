//! `cache_control` and its like: directives as a table, or as in the field itself.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::number::Seconds;
use super::setting::{FieldName, Many};
use crate::http::cache_control::{CacheControl, InvalidDirective, MaxStale, Scope};

/// `cache_control` as a table, and the keywords of `CacheControl` in Python. A string is read by
/// [`CacheControl`] itself. Policies refuse the directives of requests, see [`check_directives`](super::rule).
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
                let names = Many::<FieldName>::of_list(items)?;
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
                f.write_str("true, false, a whole number of seconds, or a time such as \"1h\"")
            }

            fn visit_bool<E: de::Error>(self, any: bool) -> Result<Staleness, E> {
                Ok(Staleness(any.then_some(MaxStale::Any)))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Staleness, E> {
                let Seconds(seconds) = Seconds::deserialize(number.into_deserializer())?;
                Ok(Staleness(Some(MaxStale::Seconds(seconds))))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Staleness, E> {
                let Seconds(seconds) = Seconds::deserialize(text.into_deserializer())?;
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
pub(super) struct Directives(pub(super) CacheControl);

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

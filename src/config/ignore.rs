//! `etag`, at the top and in a policy: where tags come from, and what is left out of them.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::number::Seconds;
use crate::nearest::nearest;
use crate::policy::EtagOption;
use crate::volatile::{Ignore, Pattern, Rule};

/// `etag` at the top.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table such as { ignore = [\"django-csrf\"] }")]
pub(super) struct EtagTable {
    ignore: Option<List>,
}

impl EtagTable {
    /// What is left out everywhere; `None` if that is nothing.
    pub(super) fn ignore(self) -> Option<Ignore> {
        self.ignore.map(|List(ignore)| ignore).filter(|ignore| !ignore.is_empty())
    }
}

/// `etag` of a policy: a word, or a table.
#[derive(Default)]
pub(super) struct EtagSetting {
    pub(super) from: Option<EtagOption>,
    pub(super) ignore: Option<Ignore>,
}

impl EtagSetting {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.from == Some(EtagOption::Off) && self.ignore.as_ref().is_some_and(|ignore| !ignore.is_empty())
        {
            return Err(
                "no tag is made, so there is nothing to be left out of it: leave out from, or ignore".into(),
            );
        }
        Ok(())
    }
}

const WORDS: &str = "\"auto\", \"content\", \"weak\" or \"off\"";

fn option(word: &str) -> Result<EtagOption, String> {
    EtagOption::ALL
        .into_iter()
        .find(|option| option.word() == word)
        .ok_or_else(|| format!("expected {WORDS}"))
}

impl<'de> Deserialize<'de> for EtagSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EtagVisitor;

        impl<'de> Visitor<'de> for EtagVisitor {
            type Value = EtagSetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{WORDS}, or a table such as {{ from = \"auto\", ignore = [\"django-csrf\"] }}")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<EtagSetting, E> {
                Ok(EtagSetting { from: Some(option(word).map_err(E::custom)?), ignore: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<EtagSetting, A::Error> {
                let Table { from, ignore } = Table::deserialize(MapAccessDeserializer::new(keys))?;
                Ok(EtagSetting {
                    from: from.map(|From(option)| option),
                    ignore: ignore.map(|List(ignore)| ignore),
                })
            }
        }

        #[derive(Default, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct Table {
            from: Option<From>,
            ignore: Option<List>,
        }

        deserializer.deserialize_any(EtagVisitor)
    }
}

/// `from` in such a table.
struct From(EtagOption);

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FromVisitor;

        impl Visitor<'_> for FromVisitor {
            type Value = From;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(WORDS)
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<From, E> {
                option(word).map(From).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(FromVisitor)
    }
}

/// `ignore`: presets and patterns.
struct List(Ignore);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;

        impl<'de> Visitor<'de> for ListVisitor {
            type Value = List;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a list of presets and patterns, such as [\"django-csrf\", { pattern = 'id=([0-9]+)' }]",
                )
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List, A::Error> {
                let mut rules: Vec<Rule> = Vec::new();
                while let Some(Item(rule)) = items.next_element()? {
                    if rules
                        .iter()
                        .any(|known| std::mem::discriminant(known) == std::mem::discriminant(&rule))
                        && !matches!(rule, Rule::Pattern(_))
                    {
                        return Err(de::Error::custom(format!("{rule} is there twice")));
                    }
                    rules.push(rule);
                }
                Ok(List(Ignore(rules)))
            }
        }

        deserializer.deserialize_any(ListVisitor)
    }
}

/// One of them.
struct Item(Rule);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;

        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a preset, or a table such as { pattern = 'id=([0-9]+)' }")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Item, E> {
                preset(name).map(Item).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<Item, A::Error> {
                let written = ItemTable::deserialize(MapAccessDeserializer::new(keys))?;
                let rule = match written {
                    ItemTable { pattern: Some(PatternText(pattern)), preset: None, lifetime: None } => {
                        Ok(Rule::Pattern(pattern))
                    }
                    ItemTable { pattern: None, preset: Some(PresetName(rule)), lifetime } => {
                        match (rule, lifetime) {
                            (rule, None) => Ok(rule),
                            (Rule::FlaskWtfCsrf { .. }, Some(Lifetime(lifetime))) => {
                                Ok(Rule::FlaskWtfCsrf { lifetime })
                            }
                            (rule, Some(_)) => Err(format!(
                                "{rule} has no lifetime: its tokens are good as long as the secret"
                            )),
                        }
                    }
                    _ => Err("expected either pattern, or preset and perhaps its lifetime".into()),
                };
                rule.map(Item).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(ItemVisitor)
    }
}

fn preset(name: &str) -> Result<Rule, String> {
    Rule::preset(name).ok_or_else(|| match nearest(name, Rule::PRESETS) {
        Some(meant) => format!("no such preset, did you mean {meant}?"),
        None => format!(
            "no such preset; there are {}; a pattern is written {{ pattern = '…' }}",
            Rule::PRESETS.join(", ")
        ),
    })
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ItemTable {
    pattern: Option<PatternText>,
    preset: Option<PresetName>,
    lifetime: Option<Lifetime>,
}

#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct PatternText(Pattern);

impl TryFrom<String> for PatternText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Pattern::parse(&text).map(Self).map_err(|error| error.to_string())
    }
}

#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct PresetName(Rule);

impl TryFrom<String> for PresetName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        preset(&name).map(Self)
    }
}

/// In seconds. Tags change in half that time, which must be a second at least.
#[derive(serde::Deserialize)]
#[serde(try_from = "Seconds")]
struct Lifetime(u32);

impl TryFrom<Seconds> for Lifetime {
    type Error = &'static str;

    fn try_from(Seconds(seconds): Seconds) -> Result<Self, &'static str> {
        if seconds < 2 { Err("expected 2 seconds or more") } else { Ok(Self(seconds)) }
    }
}

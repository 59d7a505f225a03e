//! Values that are written as one string or number, alone or several of them in a list.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use crate::http::field;
use crate::path::Template;
use crate::policy::{MediaType, Status};

/// A value that is written as one string or number.
pub(super) trait Setting: Sized {
    /// What is right, after "expected".
    const EXPECTED: &'static str;

    fn of_text(text: &str) -> Result<Self, String>;

    fn of_number(_number: i64) -> Option<Result<Self, String>> {
        None
    }
}

/// A [`Setting`] alone.
pub(super) struct One<T>(pub(super) T);

/// One [`Setting`] or a list of them.
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<T: Setting> Many<T> {
    /// Read a list, where something else than one alone may stand in its place.
    pub(super) fn of_list<'de, A: SeqAccess<'de>>(items: A) -> Result<Self, A::Error> {
        SettingVisitor::<T> { list: true, setting: PhantomData }.visit_seq(items)
    }
}

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

/// The name of a field, for `Vary`.
pub(super) struct FieldName(pub(super) String);

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

//! The keys and what may be in them: each struct is a table, each field a key of it.
//!
//! What is wrong is said by the `Deserialize` implementations; where it is, by
//! [`Settings`](super::Settings).

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::assets::AssetsTable;
use super::cache::{CookieName, Release, STORE_SIZE, STORE_TIMEOUT, Store};
use super::ignore::EtagTable;
use super::number::{Bytes, Seconds, StoreSize, Timeout};
use super::rule::Rule;
use super::setting::{Many, One, Setting};
use super::{MAX_BODY, MAX_FILE};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table of settings")]
pub(super) struct Top {
    pub(super) head_as_get: bool,
    pub(super) tag_suffixes: bool,
    pub(super) max_body: Bytes,
    pub(super) max_file: Bytes,
    pub(super) tag_key: Option<String>,
    pub(super) etag: EtagTable,
    pub(super) accept_weakened: bool,
    pub(super) validators: Functions,
    pub(super) assets: Option<AssetsTable>,
    pub(super) store: Option<Store>,
    pub(super) store_path: Option<String>,
    pub(super) store_size: StoreSize,
    pub(super) store_timeout: Timeout,
    pub(super) release: Option<Release>,
    pub(super) vary_cookies: Many<CookieName>,
    pub(super) settle: Seconds,
    pub(super) obey_request_directives: bool,
    pub(super) cache_status: bool,
    pub(super) explain: bool,
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
            etag: EtagTable::default(),
            accept_weakened: false,
            validators: Functions::default(),
            assets: None,
            store: None,
            store_path: None,
            store_size: StoreSize(STORE_SIZE),
            store_timeout: Timeout(STORE_TIMEOUT),
            release: None,
            vary_cookies: Many::default(),
            settle: Seconds(0),
            obey_request_directives: false,
            cache_status: false,
            explain: false,
            policy: Vec::new(),
        }
    }
}

/// `validators`: path templates, each with a function, in the order in which they are written.
#[derive(Default)]
pub(super) struct Functions(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Functions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FunctionsVisitor;

        impl<'de> Visitor<'de> for FunctionsVisitor {
            type Value = Functions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of path templates, each with a function \"package.module:function\"")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut keys: A) -> Result<Functions, A::Error> {
                let mut all = Vec::new();
                while let Some(template) = keys.next_key::<String>()? {
                    let One(FunctionName(name)) = keys.next_value()?;
                    all.push((template, name));
                }
                Ok(Functions(all))
            }
        }

        deserializer.deserialize_map(FunctionsVisitor)
    }
}

/// The name of a function to import.
struct FunctionName(String);

impl Setting for FunctionName {
    const EXPECTED: &'static str = "a function, named \"package.module:function\"";

    fn of_text(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((module, name)) if !module.trim().is_empty() && !name.trim().is_empty() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(format!("expected {}", Self::EXPECTED)),
        }
    }
}

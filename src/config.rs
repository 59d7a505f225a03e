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

mod assets;
mod cache;
mod directives;
mod error;
mod fields;
mod ignore;
mod number;
mod place;
#[cfg(test)]
mod policy_tests;
mod preset;
mod rule;
mod schema;
mod setting;
mod settings;
#[cfg(test)]
mod tests;

pub use self::assets::AssetsConfig;
pub use self::cache::{Address, CacheConfig, StoreKind};
pub use self::error::ConfigError;
pub use self::settings::Settings;
use crate::digest::TagKey;
use crate::path::Routes;
use crate::policy::Policies;
use crate::volatile::Ignore;

/// Bytes of a body that is hashed, unless configured.
pub const MAX_BODY: u64 = 4 << 20;

/// Bytes of a file that is hashed, unless configured.
pub const MAX_FILE: u64 = 64 << 20;

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
    /// What is left out of tags made from the content, unless a policy says otherwise.
    pub ignore: Option<Ignore>,
    /// Take a weakened tag in `If-Match` for the strong one that a proxy made it of.
    pub accept_weakened: bool,
    /// Which paths have a function that tells their validator.
    pub validators: Validators,
    /// The folders of static files.
    pub assets: Option<AssetsConfig>,
    /// The validator cache.
    pub cache: CacheConfig,
    /// Which requests and responses get what.
    pub policies: Policies,
}

/// Path templates, each with the function that tells the validator of what is there.
#[derive(Debug, Default)]
pub struct Validators {
    /// The templates in their order.
    pub routes: Routes,
    /// The name of the function of each, `package.module:function`.
    pub functions: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            head_as_get: true,
            tag_suffixes: true,
            max_body: MAX_BODY,
            max_file: MAX_FILE,
            tag_key: None,
            ignore: None,
            accept_weakened: false,
            validators: Validators::default(),
            assets: None,
            cache: CacheConfig::default(),
            policies: Policies::default(),
        }
    }
}

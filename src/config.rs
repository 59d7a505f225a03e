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
use crate::http::preconditions::Method;
use crate::path::{Captured, Routes};
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

/// Who tells the validator that a write is judged by.
#[derive(Debug)]
pub enum Teller<'c, 'p> {
    /// A function, by its place among the [`Validators`], with what the path has for its parameters.
    Function(usize, Captured<'c, 'p>),
    /// A GET to the same app.
    Get,
}

/// What is done with a write before the app acts.
#[derive(Debug, Default)]
pub struct WriteGuard<'c, 'p> {
    /// Who tells what is current; without one the app judges for itself.
    pub teller: Option<Teller<'c, 'p>>,
    /// Must it have a precondition?
    pub require: bool,
    /// The number of the policy that says something of this.
    pub policy: Option<u32>,
}

impl Config {
    /// What is done with a request of this method and path before the app acts, if it is a write.
    #[must_use]
    pub fn guard<'c, 'p>(&'c self, method: &str, path: &'p str) -> WriteGuard<'c, 'p> {
        if Method::of(method) != Method::Other {
            return WriteGuard::default();
        }
        let (policy, said) = self.policies.guard(method, path).unzip();
        let said = said.unwrap_or_default();
        let function = self.validators.routes.find(path);
        let function = function.map(|(place, captured)| Teller::Function(place, captured));
        WriteGuard { teller: function.or(said.get.then_some(Teller::Get)), require: said.require, policy }
    }
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

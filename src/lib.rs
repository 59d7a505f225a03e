//! HTTP validators and conditional requests for Python web apps.
//!
//! | module | knows |
//! | --- | --- |
//! | [`http`] | the protocol: values in, values out; no Python, no I/O, no clock |
//! | [`digest`] | body → entity-tag |
//! | [`cache`] | what is remembered of earlier responses, and when it may no longer be used |
//! | [`file_state`] | one state of a file on disk |
//! | [`assets`] | folders of static files: the versions of their URLs, and what a request for one gets |
//! | [`versioned`] | versions in URLs, by their looks |
//! | [`path`] | templates of paths, the one syntax of them |
//! | [`volatile`] | bytes of a page that differ each time though the content is the same: found, and left out |
//! | [`policy`] | which of the user's rules a request and its response get |
//! | [`config`] | the one schema of `notmodified.toml` |
//! | [`exchange`] | one request and its answer, for whatever server interface calls it |
//! | [`access_log`] | access logs: what was needless, and what would end it |
//! | [`finding`] | what `logs` and `check` may find: kinds, how bad they are, what ends them |
//! | [`audit`] | recorded exchanges: what breaks revalidation, where, and what would end it |
//! | `python` | the binding layer, the only place that knows PyO3 (feature `python`) |
//!
//! Imports run downwards only: python → (exchange, `access_log`, audit) → (cache, config, assets, finding) → policy → (volatile, path) → (digest, `file_state`) → http.

pub mod access_log;
pub mod assets;
pub mod audit;
pub mod cache;
pub mod config;
pub mod digest;
pub mod exchange;
pub mod file_state;
pub mod finding;
pub mod http;
mod nearest;
pub mod path;
pub mod policy;
#[cfg(feature = "python")]
mod python;
pub mod versioned;
pub mod volatile;

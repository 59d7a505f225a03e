//! HTTP validators and conditional requests for Python web apps.
//!
//! | module | knows |
//! | --- | --- |
//! | [`http`] | the protocol: values in, values out; no Python, no I/O, no clock |
//! | [`digest`] | body → entity-tag |
//! | [`policy`] | which of the user's rules a request and its response get |
//! | [`config`] | the one schema of `notmodified.toml` |
//! | [`exchange`] | one request and its answer, for whatever server interface calls it |
//! | `python` | the binding layer, the only place that knows PyO3 (feature `python`) |
//!
//! Imports run downwards only: python → exchange → (config, policy, digest) → http.

pub mod config;
pub mod digest;
pub mod exchange;
pub mod http;
pub mod policy;
#[cfg(feature = "python")]
mod python;

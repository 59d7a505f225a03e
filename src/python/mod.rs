//! The binding layer, the only place that knows PyO3. Thin: it turns Python values into calls of the plain
//! Rust modules, and their answers into Python values.

#![allow(clippy::doc_markdown, reason = "the comments on what Python sees are its docstrings")]

mod body;
mod cache_control;
mod config;
mod entity_tag;
mod evaluate;
mod faults;
mod file;
mod guard;
mod start_response;
mod wsgi;

use pyo3::prelude::*;

/// The compiled core of notmodified. Import its names from `notmodified`.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::cache_control::CacheControl;
    #[pymodule_export]
    use super::config::Config;
    #[pymodule_export]
    use super::config::ConfigError;
    #[pymodule_export]
    use super::entity_tag::EntityTag;
    #[pymodule_export]
    use super::evaluate::evaluate;
    #[cfg(feature = "faults")]
    #[pymodule_export]
    use super::faults::inject_fault;
    #[pymodule_export]
    use super::wsgi::NotModified;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

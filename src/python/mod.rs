//! The binding layer, the only place that knows PyO3. Thin: it turns Python values into calls of the plain
//! Rust modules, and their answers into Python values.

#![allow(clippy::doc_markdown, reason = "the comments on what Python sees are its docstrings")]

mod access_log;
mod app_body;
mod assets;
mod audit;
mod before;
mod body;
mod cache;
mod cache_control;
mod call;
mod conditional;
mod config;
mod disguise;
mod entity_tag;
mod evaluate;
mod face;
mod faults;
mod file;
mod guard;
mod judge;
mod learn;
mod outgoing;
mod range;
mod remote;
mod result;
mod start_response;
mod stores;
mod targeted;
mod validator;
mod wsgi;

use pyo3::pymodule;

/// The compiled core of notmodified. Import its names from `notmodified`.
#[pymodule]
mod _core {
    use pyo3::exceptions::PyImportError;
    use pyo3::ffi;
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::access_log::{LogError, analyse_logs, parse_log_lines};
    #[pymodule_export]
    use super::assets::{Assets, asset_url};
    #[pymodule_export]
    use super::audit::{audit, audit_messages, audit_probes, finding_kinds};
    #[pymodule_export]
    use super::cache_control::CacheControl;
    #[pymodule_export]
    use super::conditional::{arrive, failed, finish, judge, set_policies};
    #[pymodule_export]
    use super::config::Config;
    #[pymodule_export]
    use super::config::ConfigError;
    #[pymodule_export]
    use super::config::store_config;
    #[pymodule_export]
    use super::entity_tag::EntityTag;
    #[pymodule_export]
    use super::evaluate::evaluate;
    #[pymodule_export]
    use super::face::{Exchange, Untaken};
    #[cfg(feature = "faults")]
    #[pymodule_export]
    use super::faults::inject_fault;
    #[pymodule_export]
    use super::stores::StoreError;
    #[pymodule_export]
    use super::stores::has_stores;
    #[pymodule_export]
    use super::stores::invalidate_stores;
    #[pymodule_export]
    use super::validator::AskApp;
    #[pymodule_export]
    use super::validator::Representation;
    #[pymodule_export]
    use super::wsgi::NotModified;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// Refuse a subinterpreter: strings and classes that we keep would be shared between interpreters.
    #[pymodule_init]
    #[allow(unsafe_code, reason = "PyO3 has no safe way to ask which interpreter this is")]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // SAFETY: the thread is attached, so there is a current interpreter, which is all that both ask for.
        let id = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
        if id == 0 {
            return module.add("ASK_APP", Bound::new(module.py(), AskApp)?);
        }
        Err(PyImportError::new_err(
            "notmodified does not run in a subinterpreter; under mod_wsgi set WSGIApplicationGroup %{GLOBAL}",
        ))
    }
}

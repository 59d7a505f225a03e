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

use pyo3::pymodule;

/// The compiled core of notmodified. Import its names from `notmodified`.
#[pymodule]
mod _core {
    use pyo3::exceptions::PyImportError;
    use pyo3::ffi;
    use pyo3::prelude::*;

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

    /// Refuse a subinterpreter: strings and classes that we keep would be shared between interpreters.
    #[pymodule_init]
    #[allow(unsafe_code, reason = "PyO3 has no safe way to ask which interpreter this is")]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        // SAFETY: the thread is attached, so there is a current interpreter, which is all that both ask for.
        let id = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
        if id == 0 {
            return Ok(());
        }
        Err(PyImportError::new_err(
            "notmodified does not run in a subinterpreter; under mod_wsgi set WSGIApplicationGroup %{GLOBAL}",
        ))
    }
}

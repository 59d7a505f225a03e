//! Fail open: what goes wrong in our own machinery is caught here and logged, and the app's own response
//! goes out.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::call::PyCallArgs;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Why a step of ours failed.
pub(super) enum Failure {
    Raised(PyErr),
    Panicked(String),
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// Run a step of ours; neither an exception nor a panic of it reaches the app or the server.
pub(super) fn guard<T, E: Into<Failure>>(step: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(Into::into),
        Err(panic) => Err(Failure::Panicked(message(&*panic))),
    }
}

#[cold]
fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "no message".into())
}

impl Failure {
    /// As an exception, for callers that are Python code of the user's own.
    #[cold]
    pub(super) fn into_error(self) -> PyErr {
        match self {
            Self::Raised(error) => error,
            Self::Panicked(text) => {
                PyRuntimeError::new_err(format!("a bug in notmodified, please report it: {text}"))
            }
        }
    }

    /// Say it in the log, on the logger `notmodified`. Never raises: there may be no logging left to do.
    #[cold]
    pub(super) fn log(self, py: Python<'_>, what: &str) {
        self.log_as(py, what, "the app's own response goes out");
    }

    /// The same where something else comes of it than the app's own response.
    pub(super) fn log_as(self, py: Python<'_>, what: &str, then: &str) {
        let (text, error) = match self {
            Self::Raised(error) => (error.to_string(), Some(error)),
            Self::Panicked(text) => (format!("panic: {text}"), None),
        };
        let logged = || -> PyResult<()> {
            let logger = py
                .import(intern!(py, "logging"))?
                .call_method1(intern!(py, "getLogger"), ("notmodified",))?;
            let options = PyDict::new(py);
            options.set_item(intern!(py, "exc_info"), error)?;
            let arguments = ("%s failed, %s: %s", what, then, text);
            logger.call_method(intern!(py, "error"), arguments, Some(&options))?;
            Ok(())
        };
        if let Err(error) = logged() {
            error.write_unraisable(py, None);
        }
    }
}

/// Warn in the log: a message, and what its `%s` are.
#[cold]
pub(super) fn warn<'py>(py: Python<'py>, told: impl PyCallArgs<'py>) -> PyResult<()> {
    let logger =
        py.import(intern!(py, "logging"))?.call_method1(intern!(py, "getLogger"), ("notmodified",))?;
    logger.call_method1(intern!(py, "warning"), told).map(drop)
}

//! `environ["notmodified.result"]`: what became of a request, in one word.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::wsgi::NotModified;
use crate::exchange::Outcome;

pub(super) fn result_key(py: Python<'_>) -> &Bound<'_, PyString> {
    intern!(py, "notmodified.result")
}

/// The instance that is at work on a request, which stands there meanwhile. One inside it passes through, and
/// a decorator follows its configuration.
pub(super) fn at_work<'py>(environ: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, NotModified>>> {
    let word = environ.get_item(result_key(environ.py()))?;
    Ok(word.and_then(|word| word.cast_into().ok()))
}

pub(super) fn is_pending(environ: &Bound<'_, PyDict>) -> bool {
    at_work(environ).is_ok_and(|instance| instance.is_some())
}

pub(super) fn say(environ: &Bound<'_, PyDict>, outcome: Outcome) -> PyResult<()> {
    let py = environ.py();
    let word = match outcome {
        Outcome::NotModified => intern!(py, Outcome::NotModified.word()),
        Outcome::Remembered => intern!(py, Outcome::Remembered.word()),
        Outcome::Modified => intern!(py, Outcome::Modified.word()),
        Outcome::Partial => intern!(py, Outcome::Partial.word()),
        Outcome::Unsatisfiable => intern!(py, Outcome::Unsatisfiable.word()),
        Outcome::Failed => intern!(py, Outcome::Failed.word()),
        Outcome::Required => intern!(py, Outcome::Required.word()),
        Outcome::Unavailable => intern!(py, Outcome::Unavailable.word()),
        Outcome::Passed => intern!(py, Outcome::Passed.word()),
        Outcome::Unconditional => intern!(py, Outcome::Unconditional.word()),
        Outcome::App => intern!(py, Outcome::App.word()),
        Outcome::Bypass => intern!(py, Outcome::Bypass.word()),
        Outcome::Error => intern!(py, Outcome::Error.word()),
    };
    environ.set_item(result_key(py), word)
}

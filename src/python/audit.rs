//! The judgement of recordings for Python: text in, text out.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::access_log::findings::ALL as IN_LOGS;
use crate::audit::catalogue::ALL as IN_CHECKS;
use crate::audit::probe::Probe;
use crate::audit::{Linted, Recording, judge, messages};

/// Judge a recording of exchanges; return the JSON document that `notmodified check --json` prints.
///
/// `recording` is JSON too, as `notmodified check --record` writes it. `linted` is what a linter said of its
/// `audit_messages`, if one was asked. Raises `ValueError` if it is none, or one of another form. Releases the
/// GIL.
#[pyfunction]
#[pyo3(signature = (recording, linted=None))]
pub(super) fn audit(py: Python<'_>, recording: &str, linted: Option<&str>) -> PyResult<String> {
    py.detach(|| {
        let recording = Recording::from_json(recording).map_err(|error| wrong(&error))?;
        let linted = linted.map(Linted::from_json).transpose().map_err(|error| wrong(&error))?;
        judge(&recording, linted.as_ref()).to_json().map_err(|error| wrong(&error))
    })
}

/// Return the responses of a recording that a linter of messages should look at, with their requests, as JSON.
///
/// Raises `ValueError` as `audit` does. Releases the GIL.
#[pyfunction]
pub(super) fn audit_messages(py: Python<'_>, recording: &str) -> PyResult<String> {
    py.detach(|| {
        let recording = Recording::from_json(recording).map_err(|error| wrong(&error))?;
        serde_json::to_string(&messages(&recording)).map_err(|error| wrong(&error))
    })
}

fn wrong(error: &dyn std::error::Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Return the words for what a recorded request may be sent for, each with what it is in words.
#[pyfunction]
pub(super) fn audit_probes() -> Vec<(&'static str, &'static str)> {
    Probe::WORDS.to_vec()
}

/// Return the kinds of findings as JSON: those of `notmodified check` under `check`, of `logs` beside it.
///
/// Each list is worst first.
#[pyfunction]
pub(super) fn finding_kinds() -> PyResult<String> {
    let all = std::collections::BTreeMap::from([("check", IN_CHECKS), ("logs", IN_LOGS)]);
    serde_json::to_string(&all).map_err(|error| PyValueError::new_err(error.to_string()))
}

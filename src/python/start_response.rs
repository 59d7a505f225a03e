//! The `start_response` that the app gets: it holds the head back until we know what it shall be.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyAssertionError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::evaluate::Fields;
use super::wsgi::NotModified;
use crate::exchange::Arrival;

/// One request on its way through the app.
#[pyclass(frozen, module = "notmodified._core")]
pub(super) struct StartResponse {
    pub(super) middleware: Py<NotModified>,
    pub(super) server: Py<PyAny>,
    pub(super) arrival: Arrival,
    pub(super) fields: Fields,
    state: Mutex<State>,
}

/// A head that the app gave and nobody sent yet.
pub(super) struct Held {
    pub(super) status: Py<PyAny>,
    pub(super) headers: Py<PyAny>,
}

struct State {
    /// Until the head goes out.
    environ: Option<Py<PyDict>>,
    held: Option<Held>,
    sent: bool,
    /// The server's `write`, once the app used ours; `None` in it where the content is dropped.
    write: Option<Option<Py<PyAny>>>,
}

impl StartResponse {
    pub(super) fn new(
        middleware: Py<NotModified>,
        server: Py<PyAny>,
        environ: Py<PyDict>,
        arrival: Arrival,
        fields: Fields,
    ) -> Self {
        let state = State { environ: Some(environ), held: None, sent: false, write: None };
        Self { middleware, server, arrival, fields, state: Mutex::new(state) }
    }

    /// The lock is never held while Python code runs.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The head that waits, which then waits no more.
    pub(super) fn take(&self) -> Option<Held> {
        self.with(|state| state.held.take())
    }

    pub(super) fn is_held(&self) -> bool {
        self.with(|state| state.held.is_some())
    }

    /// The head went out. The environ is let go: an app that keeps us in it would make a cycle.
    pub(super) fn mark_sent(&self) {
        let _environ = self.with(|state| {
            state.sent = true;
            state.environ.take()
        });
    }

    pub(super) fn is_sent(&self) -> bool {
        self.with(|state| state.sent)
    }

    /// Did the app use `write()`, and is its content dropped?
    pub(super) fn drops_content(&self) -> bool {
        self.with(|state| matches!(state.write, Some(None)))
    }
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, headers, exc_info = None, /))]
    fn __call__(
        slf: &Bound<'_, Self>,
        status: Py<PyAny>,
        headers: Py<PyAny>,
        exc_info: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let this = slf.get();
        if this.is_sent() {
            // The server knows whether anything is on the wire: it replaces the head or raises again.
            return this.server.call1(py, (status, headers, exc_info));
        }
        if exc_info.is_none() && this.is_held() {
            return Err(PyAssertionError::new_err("start_response called twice without exc_info (PEP 3333)"));
        }
        // Without exc_info: the server has no earlier head that could be left over.
        let _replaced = this.with(|state| state.held.replace(Held { status, headers }));
        Ok(slf.getattr(intern!(py, "write"))?.unbind())
    }

    /// PEP 3333's `write()`: the head goes out now, judged by the app's own validators.
    fn write(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        if !this.is_sent() {
            let (held, environ) = this.with(|state| (state.held.take(), state.environ.take()));
            let (Some(held), Some(environ)) = (held, environ) else {
                return Err(PyAssertionError::new_err("write() called before start_response (PEP 3333)"));
            };
            let write = this.middleware.get().write_head(slf, environ.bind(py), held)?;
            this.with(|state| state.write = Some(write));
        }
        let write = this.with(|state| match &state.write {
            Some(Some(write)) => Some(write.clone_ref(py)),
            _ => None,
        });
        match write {
            Some(write) => write.call1(py, (data,)).map(drop),
            None => Ok(()),
        }
    }
}

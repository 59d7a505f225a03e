//! The `start_response` that the app gets: it holds the head back until we know what it shall be.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::assets::AssetRequest;
use super::cache::Noted;
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
    /// What the validator cache needs to know once the app has answered.
    pub(super) noted: Option<Box<Noted>>,
    /// The static file that is asked for.
    pub(super) asset: Option<AssetRequest>,
    state: Mutex<State>,
}

/// A head that the app gave and nobody sent yet.
pub(super) struct Held {
    pub(super) status: Py<PyAny>,
    pub(super) headers: Py<PyAny>,
}

/// What the app has asked for so far.
pub(super) enum Waiting {
    /// A head.
    Held(Held),
    /// Nothing yet.
    Nothing,
    /// The head went out already, by `write()`.
    Sent {
        /// With a 304 or to a HEAD.
        content_dropped: bool,
    },
}

/// What became of the app's `write()`.
enum Write {
    Unused,
    /// It is the server's.
    Server(Py<PyAny>),
    /// The content is dropped: with a 304 or to a HEAD.
    Dropped,
}

struct State {
    /// Until the head goes out.
    environ: Option<Py<PyDict>>,
    held: Option<Held>,
    sent: bool,
    write: Write,
}

impl StartResponse {
    pub(super) fn new(
        middleware: Py<NotModified>,
        server: Py<PyAny>,
        environ: Py<PyDict>,
        arrival: Arrival,
        fields: Fields,
        noted: Option<Box<Noted>>,
        asset: Option<AssetRequest>,
    ) -> Self {
        let state = State { environ: Some(environ), held: None, sent: false, write: Write::Unused };
        Self { middleware, server, arrival, fields, noted, asset, state: Mutex::new(state) }
    }

    /// The lock is never held while Python code runs.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What waits to be sent, which then waits no more. With `last` the app can't call us any more before the
    /// head goes out, so it counts as sent.
    pub(super) fn take(&self, last: bool) -> Waiting {
        let (waiting, _environ) = self.with(|state| match (state.held.take(), &state.write) {
            (Some(held), Write::Unused) if last => (Waiting::Held(held), state.mark_sent()),
            (Some(held), Write::Unused) => (Waiting::Held(held), None),
            (None, Write::Unused) => (Waiting::Nothing, None),
            (_, Write::Server(_)) => (Waiting::Sent { content_dropped: false }, None),
            (_, Write::Dropped) => (Waiting::Sent { content_dropped: true }, None),
        });
        waiting
    }

    pub(super) fn is_held(&self) -> bool {
        self.with(|state| state.held.is_some())
    }

    /// The head goes out now.
    pub(super) fn mark_sent(&self) {
        let _environ = self.with(State::mark_sent);
    }
}

impl State {
    /// The environ is let go, for the caller to drop without the lock: an app that keeps us in it would make
    /// a cycle.
    fn mark_sent(&mut self) -> Option<Py<PyDict>> {
        self.sent = true;
        self.environ.take()
    }
}

/// The header list, whatever it is; `None` only if the argument is left out, which None is not.
#[derive(Clone, Copy)]
struct Headers<'a, 'py>(Option<Borrowed<'a, 'py, PyAny>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Headers<'a, 'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Some(object)))
    }
}

#[pymethods]
impl StartResponse {
    /// `start_response(status, headers, exc_info=None)`. It returns this very object, which called with one
    /// argument is PEP 3333's `write(data)`: an object less for each request of the many apps that never
    /// write.
    #[pyo3(signature = (status, headers = Headers(None), exc_info = None, /))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        headers: Headers<'_, 'py>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match headers.0 {
            Some(headers) => Self::hold(slf, status, headers, exc_info),
            None => Self::write(slf, status),
        }
    }
}

impl StartResponse {
    fn hold<'py>(
        slf: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        headers: Borrowed<'_, 'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let held = Held { status: status.clone().unbind(), headers: headers.to_owned().unbind() };
        let held = slf.get().with(|state| {
            if state.sent || state.held.is_some() && exc_info.is_none() {
                return Err(state.sent);
            }
            // Without exc_info: the server has no earlier head that could be left over.
            Ok(state.held.replace(held))
        });
        match held {
            Ok(_replaced) => Ok(slf.clone().into_any()),
            // The server knows whether anything is on the wire: it replaces the head or raises again.
            Err(true) => slf.get().server.bind(slf.py()).call1((status, headers, exc_info)),
            Err(false) => {
                Err(PyAssertionError::new_err("start_response called twice without exc_info (PEP 3333)"))
            }
        }
    }

    /// The head goes out now, judged by the app's own validators.
    fn write<'py>(slf: &Bound<'py, Self>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        if this.with(|state| matches!(state.write, Write::Unused)) {
            let (held, environ) = this.with(|state| (state.held.take(), state.environ.take()));
            let (Some(held), Some(environ)) = (held, environ) else {
                return Err(PyAssertionError::new_err("write() called before start_response (PEP 3333)"));
            };
            let write = this.middleware.get().write_head(slf, environ.bind(py), &held)?;
            this.with(|state| state.write = write.map_or(Write::Dropped, Write::Server));
        }
        let write = this.with(|state| match &state.write {
            Write::Server(write) => Some(write.clone_ref(py)),
            Write::Unused | Write::Dropped => None,
        });
        match write {
            Some(write) => write.bind(py).call1((data,)),
            None => Ok(py.None().into_bound(py)),
        }
    }
}

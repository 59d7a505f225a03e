//! One exchange in two calls, for the middleware of frameworks: it hands over a response, not an iterable, and
//! runs the app itself in between, which for a coroutine nobody else can do.

use std::sync::{Mutex, PoisonError};

use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::app_body::AppBody;
use super::cache::Noted;
use super::disguise::Disguise;
use super::evaluate::Fields;
use super::guard::{Failure, guard};
use super::judge::Judged;
use super::outgoing::{Following, Outgoing};
use super::range::Cut;
use super::result::is_pending;
use super::start_response::{Held, StartResponse};
use super::targeted;
use super::wsgi::{Arrived, NotModified};
use crate::exchange::{Early, Outcome, Problem, Tally};
use crate::http::preconditions::Method;

/// One request on its way through a framework's own middleware.
///
/// `Exchange.arrive(core, environ)` takes the request in: the environ is then as the app is to see it. When the
/// app is done, `answer()` says what to send; where there is no response, `abandon()` is called in its place.
#[pyclass(frozen, module = "notmodified._core")]
pub(super) struct Exchange {
    start: Py<StartResponse>,
    environ: Py<PyDict>,
    /// Until the environ is as before.
    disguise: Mutex<Option<Disguise>>,
}

/// Status line, fields, and the content where it is another than the app's: bytes, or what reads ranges of its
/// file.
type Changed<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>);

#[pymethods]
impl Exchange {
    /// Take in a request. None if the app is to be run as if we were not there: an instance outside is at work
    /// on it. Status line, fields and content if it is answered without the app. Untaken if we failed.
    #[staticmethod]
    fn arrive<'py>(
        core: &Bound<'py, NotModified>,
        environ: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = core.py();
        let nobody = py.None().into_bound(py);
        let mut disguise = Disguise::default();
        match guard(|| core.get().arrive(core, environ, &nobody, &mut disguise, false)) {
            Ok(Arrived::App(start)) => {
                let disguise = Mutex::new(Some(disguise));
                let exchange = Self { start: start.unbind(), environ: environ.clone().unbind(), disguise };
                Ok(Some(Bound::new(py, exchange)?.into_any()))
            }
            Ok(Arrived::Answered(outgoing)) => answered(core, environ, outgoing).map(Some),
            Ok(Arrived::Raised(error)) => Err(error),
            // There is no app here to ask with a GET.
            Ok(Arrived::Forwarded { .. } | Arrived::Inside) => Ok(None),
            Err(failure) => {
                if let Err(error) = disguise.take_off(environ) {
                    error.write_unraisable(py, None);
                }
                let what = "taking in the request";
                if core.get().is_doubtful(environ) {
                    failure.log_as(py, what, "the write is answered 503");
                    let early = Early::problem(Problem::NoValidator, Method::Other, None);
                    return answered(core, environ, Outgoing::early(py, &early, &Fields::default())?)
                        .map(Some);
                }
                core.get().failed(py, environ, failure, what);
                let noted = core.get().cache.as_ref().and_then(|_| Noted::blindly(environ));
                Ok(Some(Bound::new(py, Untaken { core: core.clone().unbind(), noted })?.into_any()))
            }
        }
    }

    /// What a static file is answered with in the app's place, as an iterable of bytes; a file is the `filelike` of it.
    /// Calls `start_response` before. None if the app is to answer.
    fn stand_in<'py>(
        &self,
        py: Python<'py>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let start = self.start.get();
        let core = start.middleware.get();
        let Some(asset) = start.asset.as_ref().filter(|asset| !asset.is_the_apps()) else { return Ok(None) };
        // Without the server's wrapper: the framework has its own way to that.
        let asking = PyDict::new(py);
        for name in ["HTTP_ACCEPT_ENCODING", "REQUEST_METHOD"] {
            if let Some(value) = self.environ.bind(py).get_item(name)? {
                asking.set_item(name, value)?;
            }
        }
        match guard(|| asset.respond(&asking, start_response)) {
            Ok(response) => Ok(response),
            Err(failure) => {
                core.failed_harmlessly(py, failure, "answering with a static file");
                Ok(None)
            }
        }
    }

    /// Judge the response. `status` is its status line, `headers` a list of pairs, `body` a tuple of bytes if it
    /// is all there, an object with the file as its `filelike` if it is one, or None for a stream.
    ///
    /// None if it goes out as it is, else its status line, its fields, and its content where that is another:
    /// bytes, or for ranges of a file an iterator over them.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        status: &Bound<'py, PyString>,
        headers: &Bound<'py, PyList>,
        body: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Changed<'py>>> {
        let (start, environ) = (self.start.bind(py), self.environ.bind(py));
        let core = start.get().middleware.get();
        let mut body = match body {
            Some(pieces) if pieces.is_instance_of::<PyTuple>() => AppBody::Pieces(pieces),
            Some(file) => AppBody::File(file),
            None => AppBody::Written,
        };
        let held =
            Held { status: status.clone().into_any().unbind(), headers: headers.clone().into_any().unbind() };
        let outgoing = match guard(|| core.judge(start, environ, &held, &mut body)) {
            Ok(Judged::Outgoing(outgoing)) => outgoing,
            // Neither can be: the app is done, and no code of its runs while its content is looked at.
            Ok(Judged::Replaced | Judged::Raised(_)) => core.unjudged(py, start.get(), &held),
            Err(failure) => {
                core.failed(py, environ, failure, "judging the response");
                core.unjudged(py, start.get(), &held)
            }
        };
        self.done(py);
        core.note(environ, outgoing.tally.as_ref());
        let content = content(py, outgoing.body)?;
        let as_is = content.is_none() && outgoing.status.is(status) && outgoing.headers.is(headers);
        Ok((!as_is).then_some((outgoing.status, outgoing.headers, content)))
    }

    /// The caller failed with this exception, and the app's own response goes out: count it and log it.
    fn fail(&self, py: Python<'_>, error: &Bound<'_, PyAny>) {
        self.done(py);
        let core = self.start.get().middleware.get();
        let (environ, what) = (self.environ.bind(py), "answering with the response");
        let failure = Failure::Raised(PyErr::from_value(error.clone()));
        if let (Some(cache), Some(noted)) = (&core.cache, &self.start.get().noted) {
            core.forget(py, cache, noted, None);
        }
        if is_pending(environ) {
            core.failed(py, environ, failure, what);
        } else {
            core.failed_harmlessly(py, failure, what);
        }
    }

    /// The app gave no response, but an exception: the environ is as before.
    fn abandon(&self, py: Python<'_>) {
        self.done(py);
        let environ = self.environ.bind(py);
        if is_pending(environ) {
            self.start.get().middleware.get().note(environ, Some(&Tally::of(Outcome::Bypass)));
        }
    }
}

/// In the place of an [`Exchange`] that failed to begin: the app's own response goes out, without what is for us
/// alone, and a write is heard of.
#[pyclass(frozen, module = "notmodified._core")]
pub(super) struct Untaken {
    core: Py<NotModified>,
    noted: Option<Noted>,
}

#[pymethods]
impl Untaken {
    /// As that of Exchange, but nothing is judged.
    fn answer<'py>(
        &self,
        status: &Bound<'py, PyString>,
        headers: &Bound<'py, PyList>,
        body: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Changed<'py>>> {
        let _ = body;
        self.forget(status.py());
        let kept = targeted::without(headers)?;
        Ok((!kept.is(headers)).then(|| (status.clone().into_any(), kept, None)))
    }

    /// As that of Exchange.
    fn fail(&self, py: Python<'_>, error: &Bound<'_, PyAny>) {
        self.forget(py);
        let failure = Failure::Raised(PyErr::from_value(error.clone()));
        self.core.get().failed_harmlessly(py, failure, "answering with the response");
    }

    /// As that of Exchange: the app answers.
    #[expect(clippy::unused_self, reason = "it is a method of Python's")]
    fn stand_in(&self, start_response: &Bound<'_, PyAny>) -> Option<Py<PyAny>> {
        let _ = start_response;
        None
    }

    /// As that of Exchange: there is nothing to restore.
    #[expect(clippy::unused_self, reason = "it is a method of Python's")]
    fn abandon(&self) {}
}

impl Untaken {
    fn forget(&self, py: Python<'_>) {
        let core = self.core.get();
        if let (Some(cache), Some(noted)) = (&core.cache, &self.noted) {
            core.forget(py, cache, noted, None);
        }
    }
}

impl Exchange {
    /// Put the environ back as it was, once.
    fn done(&self, py: Python<'_>) {
        let start = self.start.get();
        start.mark_sent();
        let disguise = self.disguise.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(disguise) = disguise else { return };
        if let Err(failure) = guard(|| disguise.take_off(self.environ.bind(py))) {
            start.middleware.get().failed_harmlessly(py, failure, "restoring the environ");
        }
    }
}

/// What goes out without the app.
fn answered<'py>(
    core: &Bound<'py, NotModified>,
    environ: &Bound<'py, PyDict>,
    outgoing: Outgoing<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = core.py();
    core.get().note(environ, outgoing.tally.as_ref());
    let content = content(py, outgoing.body)?.unwrap_or_else(|| PyBytes::new(py, b"").into_any());
    (outgoing.status, outgoing.headers, content).into_bound_py_any(py)
}

/// The content, where it is another than the app's.
fn content<'py>(py: Python<'py>, body: Following<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
    match body {
        Following::AsIs => Ok(None),
        Following::Instead(Cut::File(ranges)) => Ok(Some(ranges)),
        Following::Instead(Cut::Chunks(chunks)) => {
            let chunks = PyTuple::new(py, chunks)?;
            PyBytes::new(py, b"").call_method1(intern!(py, "join"), (chunks,)).map(Some)
        }
    }
}

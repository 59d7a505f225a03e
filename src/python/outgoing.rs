//! What is sent: status line, header list, and what follows them.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use smallvec::SmallVec;

use super::body::Chunks;
use super::call::call;
use super::evaluate::Fields;
use super::range::Cut;
use super::start_response::Held;
use crate::exchange::{Body, Early, Status, Tally};
use crate::http::preconditions::Method;

/// A head that is ready to go, and what follows it.
pub(super) struct Outgoing<'py> {
    pub(super) status: Bound<'py, PyAny>,
    pub(super) headers: Bound<'py, PyAny>,
    pub(super) body: Following<'py>,
    /// `None` if we failed.
    pub(super) tally: Option<Tally>,
}

impl<'py> Outgoing<'py> {
    /// The app's own response. (A HEAD was asked as a GET, so its content stays behind all the same.)
    pub(super) fn as_is(py: Python<'py>, held: &Held, method: Method) -> Self {
        Self {
            status: held.status.bind(py).clone(),
            headers: held.headers.bind(py).clone(),
            body: if method == Method::Head { Following::nothing() } else { Following::AsIs },
            tally: None,
        }
    }

    /// What is answered before the app runs, to a request with these fields.
    pub(super) fn early(py: Python<'py>, early: &Early<'_>, asked: &Fields) -> PyResult<Self> {
        let mut headers: SmallVec<[Bound<'_, PyAny>; 16]> = SmallVec::new();
        for (name, value) in &early.fields {
            headers.push((field_name(py, name), asked.value(py, name, value)).into_bound_py_any(py)?);
        }
        Ok(Self {
            status: status_line(py, early.status).into_any(),
            headers: PyList::new(py, headers)?.into_any(),
            body: Following::new(py, early.body),
            tally: Some(early.tally),
        })
    }

    pub(super) fn send(&self, server: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        call(server, &self.status, &self.headers)
    }

    /// The content, where no app's iterable is behind it.
    pub(super) fn into_body(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.body {
            Following::Instead(Cut::Chunks(chunks)) => sequence(py, chunks),
            Following::Instead(Cut::File(_)) | Following::AsIs => sequence(py, Chunks::new()),
        }
    }
}

/// What follows a head.
pub(super) enum Following<'py> {
    /// The app's own content.
    AsIs,
    Instead(Cut<'py>),
}

impl<'py> Following<'py> {
    pub(super) fn nothing() -> Self {
        Self::Instead(Cut::Chunks(Chunks::new()))
    }

    /// Of a body out of which nothing is cut.
    pub(super) fn new(py: Python<'py>, body: Body) -> Self {
        match body {
            Body::Empty => Self::nothing(),
            Body::Problem(problem) => {
                let details = PyBytes::new(py, problem.details().as_bytes());
                Self::Instead(Cut::Chunks(Chunks::from_iter([details])))
            }
            Body::AsIs | Body::Part(_) | Body::Parts => Self::AsIs,
        }
    }
}

/// An iterable of these chunks, with nothing to close.
pub(super) fn sequence<'py>(py: Python<'py>, chunks: Chunks<'py>) -> PyResult<Bound<'py, PyAny>> {
    let chunks = if chunks.is_empty() { PyTuple::empty(py) } else { PyTuple::new(py, chunks)? };
    Ok(chunks.into_any())
}

pub(super) fn field_name<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyString> {
    match name {
        "ETag" => intern!(py, "ETag").clone(),
        "Age" => intern!(py, "Age").clone(),
        "Vary" => intern!(py, "Vary").clone(),
        "Cache-Control" => intern!(py, "Cache-Control").clone(),
        _ => PyString::new(py, name),
    }
}

pub(super) fn status_line(py: Python<'_>, status: Status) -> Bound<'_, PyString> {
    match status {
        Status::NotModified => intern!(py, "304 Not Modified").clone(),
        Status::PartialContent => intern!(py, "206 Partial Content").clone(),
        Status::Problem(problem) => PyString::new(py, problem.status()),
        Status::AsIs => PyString::new(py, ""),
    }
}

pub(super) fn status_code(status: &str) -> PyResult<u16> {
    match status.as_bytes() {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9']
        | [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..] => {
            Ok([a, b, c].into_iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
        }
        _ => Err(PyValueError::new_err(format!("not a status line: {status:?}"))),
    }
}

//! What is current, learnt before the app acts: from a validator function, or from a GET to the same app.

use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::PoisonError;

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use super::body;
use super::evaluate::now;
use super::faults::{Step, trip};
use super::outgoing::status_code;
use super::result::result_key;
use super::validator::Told;
use super::wsgi::NotModified;
use crate::exchange::{Current, Head};
use crate::path::Captured;

/// Call a validator function: `fn(environ, **params)`.
pub(super) fn from_function<'py>(
    function: &Bound<'py, PyAny>,
    environ: &Bound<'py, PyDict>,
    captured: &Captured<'_, '_>,
) -> PyResult<Told> {
    let py = environ.py();
    trip(Step::Validator)?;
    let returned = if captured.is_empty() {
        function.call1((environ,))?
    } else {
        let params = PyDict::new(py);
        for (name, text) in captured {
            params.set_item(*name, decoded(text))?;
        }
        function.call((environ,), Some(&params))?
    };
    Told::read(&returned)
}

/// The text that a client's percent-encoding stands for: UTF-8, of which PATH_INFO has each octet as a
/// character (PEP 3333). What is no UTF-8 becomes U+FFFD.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let octets: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    Cow::Owned(String::from_utf8_lossy(&octets).into_owned())
}

/// What a GET says.
pub(super) enum Got<'py> {
    /// Of the resource.
    Told(Told),
    /// That the client shall log in, or go elsewhere: its answer.
    Refused { status: Bound<'py, PyAny>, headers: Bound<'py, PyAny>, body: Bound<'py, PyAny> },
}

/// Keys of an environ that make a request conditional, partial, or other than a plain GET without content.
/// Methods are overridden by some frameworks, and then the GET would be a write.
const NOT_OF_A_GET: [&str; 17] = [
    "HTTP_IF_MATCH",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_IF_RANGE",
    "HTTP_RANGE",
    "HTTP_IF",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "HTTP_CONTENT_LENGTH",
    "HTTP_CONTENT_TYPE",
    "HTTP_CONTENT_ENCODING",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_EXPECT",
    "HTTP_X_HTTP_METHOD_OVERRIDE",
    "HTTP_X_HTTP_METHOD",
    "HTTP_X_METHOD_OVERRIDE",
];

/// Ask the app with a GET as this client would send it, with its own cookies and credentials. Raises what the
/// app raises, and RuntimeError for an answer that says nothing of the resource.
pub(super) fn from_get<'py>(
    middleware: &Bound<'py, NotModified>,
    environ: &Bound<'py, PyDict>,
) -> PyResult<Got<'py>> {
    let py = environ.py();
    trip(Step::Validator)?;
    let asking = environ.copy()?;
    for name in NOT_OF_A_GET {
        if asking.contains(name)? {
            asking.del_item(name)?;
        }
    }
    // Of an instance outside, where there is one: this one is to answer.
    if asking.contains(result_key(py))? {
        asking.del_item(result_key(py))?;
    }
    asking.set_item(intern!(py, "REQUEST_METHOD"), intern!(py, "GET"))?;
    let nothing = py.import(intern!(py, "io"))?.call_method0(intern!(py, "BytesIO"))?;
    asking.set_item(intern!(py, "wsgi.input"), nothing)?;
    asking.set_item(intern!(py, "notmodified.internal"), true)?;
    let start = Bound::new(py, Start::default())?;
    let returned = NotModified::serve(middleware, &asking, start.as_any(), true)?;
    let heard = start.get().0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let learnt = (|| {
        let Some((status, headers)) = heard else {
            return Err(PyRuntimeError::new_err("the app did not call start_response for a GET"));
        };
        let (status, headers) = (status.into_bound(py), headers.into_bound(py));
        let line = status.cast::<PyString>()?.to_str()?.to_owned();
        match status_code(&line)? {
            200 => Ok(Got::Told(Told::Current(current_of(&headers)?))),
            404 | 410 => Ok(Got::Told(Told::Nothing)),
            301..=303 | 307 | 308 | 401 | 403 | 407 => {
                Ok(Got::Refused { status, headers, body: returned.clone() })
            }
            _ => Err(PyRuntimeError::new_err(format!("a GET was answered {line:?}, and not 200 or 404"))),
        }
    })();
    if !matches!(learnt, Ok(Got::Refused { .. })) {
        body::close(&returned)?;
    }
    learnt
}

fn current_of(headers: &Bound<'_, PyAny>) -> PyResult<Current> {
    let mut pairs = Vec::new();
    for pair in headers.cast::<PyList>()? {
        pairs.push(pair.cast::<PyTuple>()?.extract::<(String, String)>()?);
    }
    let fields: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(Current::of(&Head::new(200, &fields), now))
}

/// A `start_response` that keeps what it is told.
#[pyclass(frozen, module = "notmodified._core")]
#[derive(Default)]
struct Start(Mutex<Option<(Py<PyAny>, Py<PyAny>)>>);

#[pymethods]
impl Start {
    #[pyo3(signature = (status, headers, exc_info = None, /))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        status: Py<PyAny>,
        headers: Py<PyAny>,
        exc_info: Option<Py<PyAny>>,
    ) -> Bound<'py, PyAny> {
        drop(exc_info);
        let before = slf.get().0.lock().unwrap_or_else(PoisonError::into_inner).replace((status, headers));
        drop(before);
        slf.getattr("write").unwrap_or_else(|_| slf.clone().into_any())
    }

    /// What is written is not what was asked for.
    #[allow(clippy::unused_self, reason = "a method of Python's")]
    fn write(&self, _data: &Bound<'_, PyAny>) {}
}

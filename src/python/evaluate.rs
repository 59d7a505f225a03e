//! `evaluate()` for Python: preconditions from a WSGI environ, judged.

use std::time::SystemTime;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyInt, PyString};

use super::entity_tag::{self, EntityTag};
use super::faults::{Step, trip};
use super::guard::{Failure, guard};
use crate::http::date::HttpDate;
use crate::http::entity_tag as tag;
use crate::http::preconditions::{self as http, Context, LastModified, Method, Preconditions, Validators};

/// The clock of the protocol code, which has none of its own.
pub(super) fn now() -> HttpDate {
    SystemTime::now().into()
}

/// The precondition fields of an environ, held so that they can be looked at after the app ran.
#[derive(Default)]
#[allow(clippy::struct_field_names, reason = "they are the names of the fields")]
pub(super) struct Fields {
    if_match: Option<Py<PyAny>>,
    if_none_match: Option<Py<PyAny>>,
    if_modified_since: Option<Py<PyAny>>,
    if_unmodified_since: Option<Py<PyAny>>,
}

impl Fields {
    pub(super) fn gather(environ: &Bound<'_, PyDict>) -> PyResult<Self> {
        Self::gather_with(environ, true)
    }

    /// The dates only if there may be a Last-Modified: without one they decide nothing.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "what it returns is wide, and to copy it costs more than the work"
    )]
    fn gather_with(environ: &Bound<'_, PyDict>, dates: bool) -> PyResult<Self> {
        trip(Step::Fields)?;
        let py = environ.py();
        let field = |name: &Bound<'_, PyString>| -> PyResult<Option<Py<PyAny>>> {
            Ok(environ.get_item(name)?.map(Bound::unbind))
        };
        let if_match = field(intern!(py, "HTTP_IF_MATCH"))?;
        let if_none_match = field(intern!(py, "HTTP_IF_NONE_MATCH"))?;
        // A date is not looked at where its tag field is present (§13.1.3, §13.1.4).
        let unless = |tags: &Option<_>, name| if !dates || tags.is_some() { Ok(None) } else { field(name) };
        Ok(Self {
            if_unmodified_since: unless(&if_match, intern!(py, "HTTP_IF_UNMODIFIED_SINCE"))?,
            if_modified_since: unless(&if_none_match, intern!(py, "HTTP_IF_MODIFIED_SINCE"))?,
            if_match,
            if_none_match,
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.if_match.is_none()
            && self.if_none_match.is_none()
            && self.if_modified_since.is_none()
            && self.if_unmodified_since.is_none()
    }

    /// The value of a field that is sent. Where it is just the text of If-None-Match, that is it: a 304 that says
    /// the tag again needs no other object.
    pub(super) fn value<'py>(&self, py: Python<'py>, name: &str, value: &str) -> Bound<'py, PyString> {
        let asked = self.if_none_match.as_ref().filter(|_| name == "ETag");
        let asked = asked.and_then(|text| text.bind(py).cast_exact::<PyString>().ok());
        match asked {
            Some(text) if text.to_str().is_ok_and(|text| text == value) => text.clone(),
            _ => PyString::new(py, value),
        }
    }

    pub(super) fn as_http<'a>(&'a self, py: Python<'a>) -> Preconditions<'a> {
        Preconditions {
            if_match: octets(py, self.if_match.as_ref()),
            if_none_match: octets(py, self.if_none_match.as_ref()),
            if_modified_since: octets(py, self.if_modified_since.as_ref()),
            if_unmodified_since: octets(py, self.if_unmodified_since.as_ref()),
            if_range: None,
        }
    }
}

/// No grammar of a field allows this octet.
const MALFORMED: &[u8] = b"\0";

/// The octets of a field's text. What is no text, or no Unicode, counts as a malformed field: it is there.
fn octets<'a>(py: Python<'a>, value: Option<&'a Py<PyAny>>) -> Option<&'a [u8]> {
    let value = value?.bind(py);
    Some(value.cast::<PyString>().ok().and_then(|text| text.to_str().ok()).map_or(MALFORMED, str::as_bytes))
}

/// Judge the preconditions of a request (RFC 9110 §13.2.2) against the current representation.
///
/// `environ` is a WSGI environ: REQUEST_METHOD and the HTTP_IF_* fields are read. `etag` is an EntityTag, a
/// tag as it stands in a field, or None. `last_modified` is a datetime (a naive one is UTC), an HTTP-date, an
/// int of seconds since 1970, or None. `exists=False` says that there is no current representation. Returns a
/// Decision. Call it only for requests that would be answered 2xx without preconditions (§13.2.1).
///
/// No request field raises: malformed dates are ignored, a malformed If-Match is false. Raises ValueError for
/// an `etag` or a `last_modified` that is none, TypeError for one of another type.
#[pyfunction]
#[pyo3(signature = (environ, etag = None, last_modified = None, *, exists = true))]
pub(super) fn evaluate<'py>(
    py: Python<'py>,
    environ: &Bound<'py, PyDict>,
    etag: Option<&Bound<'py, PyAny>>,
    last_modified: Option<&Bound<'py, PyAny>>,
    exists: bool,
) -> PyResult<Py<PyAny>> {
    let etag = etag.map(tag_argument).transpose()?;
    let last_modified = last_modified.map(date_of).transpose()?;
    let fields = Fields::gather_with(environ, last_modified.is_some())?;
    let decision = if fields.is_empty() {
        http::Decision::Proceed
    } else {
        let validators = Validators {
            etag,
            last_modified: last_modified.map(|date| LastModified { date, strong: false }),
        };
        guard(|| judge(environ, &fields, exists.then_some(&validators))).map_err(Failure::into_error)?
    };
    decision_object(py, decision)
}

fn judge(
    environ: &Bound<'_, PyDict>,
    fields: &Fields,
    current: Option<&Validators<'_>>,
) -> PyResult<http::Decision> {
    let py = environ.py();
    let (fields, context) = (fields.as_http(py), Context { tag_suffixes: true, accept_weakened: false, now });
    // A look-up in the environ costs more than this.
    if fields.has_just_another_tag(current, context.tag_suffixes) {
        return Ok(http::Decision::Proceed);
    }
    let method = environ.get_item(intern!(py, "REQUEST_METHOD"))?;
    let method = method.as_ref().and_then(|name| name.cast::<PyString>().ok());
    let method = Method::of(method.and_then(|name| name.to_str().ok()).unwrap_or("GET"));
    Ok(fields.evaluate(method, current, &context))
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "what it returns is wide, and to copy it costs more than the work")]
fn tag_argument<'a>(etag: &'a Bound<'_, PyAny>) -> PyResult<tag::EntityTag<'a>> {
    if let Ok(text) = etag.cast::<PyString>() {
        return entity_tag::parse(text.to_str()?);
    }
    match etag.cast::<EntityTag>() {
        Ok(tag) => Ok(tag.get().as_http()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "etag: an EntityTag, a str or None, not {}",
            etag.get_type().name()?
        ))),
    }
}

/// A date as Python has it: a datetime (a naive one is UTC), an HTTP-date, or an int of seconds since 1970.
pub(super) fn date_of(value: &Bound<'_, PyAny>) -> PyResult<HttpDate> {
    let py = value.py();
    let out_of_range = || PyValueError::new_err(format!("last_modified: no HTTP-date can say {value:?}"));
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str()?;
        return HttpDate::parse(text.as_bytes(), now()).ok_or_else(|| {
            PyValueError::new_err(format!(
                "last_modified: not an HTTP-date (RFC 9110 §5.6.7): {text:?}; it is written like \
                 'Sun, 06 Nov 1994 08:49:37 GMT'"
            ))
        });
    }
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return value.extract().ok().and_then(HttpDate::from_unix).ok_or_else(out_of_range);
    }
    let datetime = py.import(intern!(py, "datetime"))?;
    if value.is_instance(&datetime.getattr(intern!(py, "datetime"))?)? {
        let utc = datetime.getattr(intern!(py, "timezone"))?.getattr(intern!(py, "utc"))?;
        let aware = if value.getattr(intern!(py, "tzinfo"))?.is_none() {
            let zone = PyDict::new(py);
            zone.set_item(intern!(py, "tzinfo"), utc)?;
            value.call_method(intern!(py, "replace"), (), Some(&zone))?
        } else {
            value.clone()
        };
        let seconds: f64 = aware.call_method0(intern!(py, "timestamp"))?.extract()?;
        #[allow(clippy::cast_possible_truncation, reason = "whole seconds is what an HTTP-date has")]
        return HttpDate::from_unix(seconds.floor() as i64).ok_or_else(out_of_range);
    }
    Err(PyTypeError::new_err(format!(
        "last_modified: a datetime, an HTTP-date as str, an int of seconds or None, not {}",
        value.get_type().name()?
    )))
}

/// The member of `notmodified.Decision`, a Python enum: looked up once.
fn decision_object(py: Python<'_>, decision: http::Decision) -> PyResult<Py<PyAny>> {
    static MEMBERS: PyOnceLock<[Py<PyAny>; 3]> = PyOnceLock::new();
    let [proceed, not_modified, failed] = MEMBERS.get_or_try_init(py, || {
        let class = py.import("notmodified.decision")?.getattr("Decision")?;
        PyResult::Ok([
            class.getattr("PROCEED")?.unbind(),
            class.getattr("NOT_MODIFIED")?.unbind(),
            class.getattr("PRECONDITION_FAILED")?.unbind(),
        ])
    })?;
    Ok(match decision {
        http::Decision::Proceed => proceed,
        http::Decision::NotModified => not_modified,
        http::Decision::PreconditionFailed => failed,
    }
    .clone_ref(py))
}

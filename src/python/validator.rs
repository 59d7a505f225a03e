//! What a validator function may return, and `Representation`, which holds all of it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyDict, PyString, PyTuple};

use super::entity_tag::{self, EntityTag};
use super::evaluate::date_of;
use crate::exchange::Current;
use crate::http::field::{is_name, is_token};

/// Where the environ holds what was judged: a Representation, or None for 'no such resource'.
pub(super) fn validator_key(py: Python<'_>) -> &Bound<'_, PyString> {
    intern!(py, "notmodified.validator")
}

/// Whether anything was ever left there in this process: of most applications nothing is, and a look at a flag
/// costs less than one at each environ.
static EVER_TOLD: AtomicBool = AtomicBool::new(false);

/// What was left there for this request, if anything.
pub(super) fn told<'py>(environ: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if EVER_TOLD.load(Relaxed) { environ.get_item(validator_key(environ.py())) } else { Ok(None) }
}

/// What a validator function says of a resource: its validators, and maybe the fields of its 200.
///
/// `etag` is an EntityTag, a tag as it stands in a field, or None; `last_modified` a datetime (a naive one is
/// UTC), an HTTP-date, an int of seconds since 1970, or None. `headers` are the other fields that the 200 has
/// (Cache-Control, Vary, Content-Location, CORS and so on), a mapping or a list of pairs: with them a GET can
/// be answered 304 without running the app (RFC 9110 §15.4.5), and they are put on the 200 too, so that both
/// say the same. `[]` says that there are no others, None that they are not known. Raises ValueError for what
/// no field can hold and for fields that are of one answer only, such as Set-Cookie; TypeError for another
/// type. Immutable.
#[pyclass(frozen, eq, module = "notmodified")]
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Representation(pub(super) Current);

#[pymethods]
impl Representation {
    #[new]
    #[pyo3(signature = (etag = None, last_modified = None, *, headers = None))]
    fn new(
        etag: Option<&Bound<'_, PyAny>>,
        last_modified: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        Ok(Self(Current {
            etag: etag.map(tag_text).transpose()?,
            last_modified: last_modified.map(date_of).transpose()?,
            fields: headers.map(fields_of).transpose()?,
        }))
    }

    /// The entity-tag, or None.
    #[getter]
    fn etag(&self) -> PyResult<Option<EntityTag>> {
        self.0.etag.as_deref().map(EntityTag::read).transpose()
    }

    /// When it last changed, to the second, in UTC; or None.
    #[getter]
    fn last_modified<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(date) = self.0.last_modified else { return Ok(None) };
        let datetime = py.import(intern!(py, "datetime"))?;
        let utc = datetime.getattr(intern!(py, "timezone"))?.getattr(intern!(py, "utc"))?;
        let class = datetime.getattr(intern!(py, "datetime"))?;
        class.call_method1(intern!(py, "fromtimestamp"), (date.unix(), utc)).map(Some)
    }

    /// The other fields of its 200 as a list of pairs, or None where they are not known.
    #[getter]
    fn headers(&self) -> Option<Vec<(String, String)>> {
        self.0.fields.clone()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = |value: Option<String>| match value {
            Some(value) => PyString::new(py, &value).repr().map(|text| text.to_string()),
            None => Ok("None".to_owned()),
        };
        Ok(format!(
            "Representation({}, {}, headers={})",
            text(self.0.etag.clone())?,
            text(self.0.last_modified.map(|date| date.to_string()))?,
            self.headers().into_pyobject(py)?.repr()?,
        ))
    }
}

/// The type of ASK_APP.
#[pyclass(frozen, module = "notmodified")]
pub(super) struct AskApp;

#[pymethods]
impl AskApp {
    #[allow(clippy::unused_self, reason = "a method of Python's")]
    fn __repr__(&self) -> &'static str {
        "notmodified.ASK_APP"
    }

    #[allow(clippy::unused_self, reason = "a method of Python's")]
    fn __reduce__(&self) -> &'static str {
        "ASK_APP"
    }
}

/// What a validator function said.
pub(super) enum Told {
    /// The resource is there.
    Current(Current),
    /// There is no such resource.
    Nothing,
    /// The app judges for itself.
    AskApp,
}

impl Told {
    /// Understand what a validator function returned.
    pub(super) fn read(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Self::Nothing);
        }
        if let Ok(all) = value.cast::<Representation>() {
            return Ok(Self::Current(all.get().0.clone()));
        }
        if value.is_instance_of::<AskApp>() {
            return Ok(Self::AskApp);
        }
        let alone = |etag, last_modified| Current { etag, last_modified, fields: None };
        if value.is_instance_of::<PyString>() || value.is_instance_of::<EntityTag>() {
            return Ok(Self::Current(alone(Some(tag_text(value)?), None)));
        }
        if value.is_instance_of::<PyDateTime>() {
            return Ok(Self::Current(alone(None, Some(date_of(value)?))));
        }
        if let Ok(pair) = value.cast::<PyTuple>()
            && let Ok((etag, last_modified)) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()
        {
            let etag = if etag.is_none() { None } else { Some(tag_text(&etag)?) };
            let date = if last_modified.is_none() { None } else { Some(date_of(&last_modified)?) };
            return Ok(Self::Current(alone(etag, date)));
        }
        Err(PyTypeError::new_err(format!(
            "a validator function returns an EntityTag, a tag as str, a datetime, a pair of them, a \
             Representation, None for 'no such resource' or ASK_APP, not {}",
            value.get_type().name()?
        )))
    }

    /// Leave it in the environ, for the app and for whoever would judge again.
    pub(super) fn note(&self, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = environ.py();
        EVER_TOLD.store(true, Relaxed);
        match self {
            Self::Current(current) => {
                environ.set_item(validator_key(py), Bound::new(py, Representation(current.clone()))?)
            }
            Self::Nothing => environ.set_item(validator_key(py), py.None()),
            Self::AskApp => Ok(()),
        }
    }
}

fn tag_text(etag: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(tag) = etag.cast::<EntityTag>() {
        return Ok(tag.get().as_http().to_field());
    }
    match etag.cast::<PyString>() {
        Ok(text) => {
            let text = text.to_str()?;
            entity_tag::parse(text).map(|_| text.to_owned())
        }
        Err(_) => Err(PyTypeError::new_err(format!(
            "etag: an EntityTag, a str or None, not {}",
            etag.get_type().name()?
        ))),
    }
}

/// Fields that are told in another way, or that belong to one answer and never come from memory.
const REFUSED: [(&str, &str); 6] = [
    ("ETag", "give it as etag"),
    ("Last-Modified", "give it as last_modified"),
    ("Set-Cookie", "a cookie is set by the app, for one answer"),
    ("Date", "the server writes it"),
    ("Content-Length", "it is the app's to say"),
    ("Transfer-Encoding", "it is the server's to say"),
];

fn fields_of(headers: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let py = headers.py();
    let pairs = match headers.getattr_opt(intern!(py, "items"))? {
        Some(items) => items.call0()?,
        None => headers.clone(),
    };
    let mut fields = Vec::new();
    for pair in pairs.try_iter()? {
        let (name, value): (String, String) = pair?.extract()?;
        if !is_token(name.as_bytes()) {
            return Err(PyValueError::new_err(format!("headers: {name:?} is no name of a field")));
        }
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| is_name(&name, refused)) {
            return Err(PyValueError::new_err(format!("headers: {name}: {why}")));
        }
        let is_fine = |c: char| c == '\t' || (' '..='~').contains(&c) || ('\u{80}'..='\u{ff}').contains(&c);
        if !value.chars().all(is_fine) {
            return Err(PyValueError::new_err(format!(
                "headers: {name}: a field holds visible Latin-1 characters and blanks, not {value:?}"
            )));
        }
        fields.push((name, value));
    }
    Ok(fields)
}

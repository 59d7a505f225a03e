//! The least that a WSGI middleware with content tags can do in PyO3: one idiomatic class whose `__call__`
//! calls the app, hashes a list body or the content of a Django response with BLAKE3, compares one tag and
//! rewrites the header list. No lists of tags, no dates, no methods, no streams, no policies, no fail-open. It
//! shows what the binding and the hash cost by themselves, and so what the rest of notmodified costs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

#[pyclass]
#[derive(Default)]
struct StartResponse {
    head: Option<(Py<PyAny>, Py<PyList>)>,
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, headers, _exc_info = None))]
    fn __call__(&mut self, status: Py<PyAny>, headers: Py<PyList>, _exc_info: Option<Py<PyAny>>) {
        self.head = Some((status, headers));
    }
}

/// No content, in place of that of a Django response. The server closes it when the head is out, as it does with
/// what any middleware returns: to close it before spares work between the head and the end of the connection.
#[pyclass(frozen)]
struct Nothing {
    response: Py<PyAny>,
}

#[pymethods]
impl Nothing {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> Option<Py<PyAny>> {
        None
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.response.bind(py).call_method0(intern!(py, "close")).map(drop)
    }
}

#[pyclass(frozen)]
struct Prototype {
    application: Py<PyAny>,
}

fn tag_of(pieces: &[u8]) -> String {
    let hash = blake3::hash(pieces);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_bytes()[..16]))
}

#[pymethods]
impl Prototype {
    #[new]
    fn new(application: Py<PyAny>) -> Self {
        Self { application }
    }

    fn __call__<'py>(
        &self,
        py: Python<'py>,
        environ: &Bound<'py, PyDict>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let held = Bound::new(py, StartResponse::default())?;
        let body = self.application.bind(py).call1((environ, &held))?;
        let Some((status, headers)) = held.borrow_mut().head.take() else { return Ok(body) };
        let headers = headers.into_bound(py);
        let pieces = body.cast::<PyList>();
        let tag = match &pieces {
            Ok(pieces) if pieces.len() == 1 => tag_of(pieces.get_item(0)?.cast::<PyBytes>()?.as_bytes()),
            Ok(pieces) => {
                let mut all = Vec::new();
                for piece in pieces.iter() {
                    all.extend_from_slice(piece.cast::<PyBytes>()?.as_bytes());
                }
                tag_of(&all)
            }
            Err(_) => tag_of(body.getattr(intern!(py, "content"))?.cast::<PyBytes>()?.as_bytes()),
        };
        let matches = match environ.get_item(intern!(py, "HTTP_IF_NONE_MATCH"))? {
            Some(field) => field.cast::<PyString>()?.to_str()? == tag,
            None => false,
        };
        let etag = (intern!(py, "ETag"), tag);
        if !matches {
            let kept = PyList::new(py, headers.iter())?;
            kept.append(etag)?;
            start_response.call1((status, kept))?;
            return Ok(body);
        }
        let kept = PyList::empty(py);
        for field in headers {
            let name = field.cast::<PyTuple>()?.get_item(0)?;
            let name = name.cast::<PyString>()?.to_str()?;
            if !name.eq_ignore_ascii_case("content-type") && !name.eq_ignore_ascii_case("content-length") {
                kept.append(field)?;
            }
        }
        kept.append(etag)?;
        start_response.call1((intern!(py, "304 Not Modified"), kept))?;
        if pieces.is_err() {
            return Ok(Bound::new(py, Nothing { response: body.unbind() })?.into_any());
        }
        Ok(PyList::empty(py).into_any())
    }
}

/// One tag of the environ against one entity-tag.
#[pyfunction]
fn evaluate(py: Python<'_>, environ: &Bound<'_, PyDict>, etag: &str) -> PyResult<bool> {
    Ok(match environ.get_item(intern!(py, "HTTP_IF_NONE_MATCH"))? {
        Some(field) => field.cast::<PyString>()?.to_str()?.split(',').any(|tag| tag.trim() == etag),
        None => false,
    })
}

#[pyfunction]
fn tag(body: &[u8]) -> String {
    tag_of(body)
}

#[pymodule]
mod prototype {
    #[pymodule_export]
    use super::{Prototype, evaluate, tag};
}

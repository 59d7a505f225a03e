//! Taking `Notmodified-Cache-Control` out of a head that goes out as the app made it (RFC 9213 §2.2).

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use crate::http::field::is_name;
use crate::http::targeted::NAME;

/// A `start_response` that does nothing else, for a request that we could not take in.
#[pyclass(frozen, module = "notmodified._core")]
pub(super) struct Untargeted {
    pub(super) server: Py<PyAny>,
}

#[pymethods]
impl Untargeted {
    #[pyo3(signature = (status, headers, exc_info = None, /))]
    fn __call__<'py>(
        &self,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let server = self.server.bind(status.py());
        let headers = without(headers).unwrap_or_else(|_| headers.clone());
        match exc_info {
            None => server.call1((status, headers)),
            Some(exc_info) => server.call1((status, headers, exc_info)),
        }
    }
}

/// The same header list if the field is not in it, else a new one without it.
///
/// # Errors
///
/// If it is no header list.
pub(super) fn without<'py>(headers: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let list = headers.cast::<PyList>()?;
    let is_ours = |pair: &Bound<'_, PyAny>| -> PyResult<bool> {
        let pair = pair.cast::<PyTuple>()?;
        Ok(is_name(pair.get_item(0)?.cast::<PyString>()?.to_str()?, NAME))
    };
    let mut kept = Vec::with_capacity(list.len());
    for pair in list.iter() {
        if !is_ours(&pair)? {
            kept.push(pair);
        }
    }
    if kept.len() == list.len() {
        return Ok(headers.clone());
    }
    Ok(PyList::new(headers.py(), kept)?.into_any())
}

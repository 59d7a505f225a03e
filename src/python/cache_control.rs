//! `CacheControl` for Python.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple, PyType};
use pyo3::{IntoPyObjectExt, intern};

use super::config::table;
use crate::config::Settings;
use crate::http::cache_control::{self as http, MaxStale, Scope};

/// The directives of a Cache-Control field, of a request or a response (RFC 9111 §5.2, RFC 5861, RFC 8246).
///
/// `CacheControl(public=True, max_age=60)` says them, `CacheControl.parse(text)` reads them. Times are
/// seconds, or such as "1h" and "30d"; `private` and `no_cache` take True or a list of field names,
/// `max_stale` True or a time, `extensions` a mapping of other directives to their argument, or to True where
/// there is none. Immutable; equal if the directives are.
#[pyclass(frozen, eq, hash, module = "notmodified")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct CacheControl(pub(super) http::CacheControl);

#[pymethods]
impl CacheControl {
    #[new]
    #[pyo3(
        signature = (**directives),
        text_signature = "(*, public=False, private=False, no_cache=False, no_store=False, no_transform=False, \
                          must_revalidate=False, proxy_revalidate=False, must_understand=False, \
                          immutable=False, max_age=None, s_maxage=None, stale_while_revalidate=None, \
                          stale_if_error=None, only_if_cached=False, max_stale=None, min_fresh=None, \
                          extensions=None)"
    )]
    fn new(directives: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let Some(directives) = directives else {
            return Ok(Self(http::CacheControl::default()));
        };
        // The schema of a policy's `cache_control` is the one place that knows these names.
        let settings = Settings::from_table(table(directives.as_mapping())?, "CacheControl");
        settings.read_directives().map(Self).map_err(|error| {
            if error.is_unknown_key() {
                let (key, reason) = (error.key, error.reason);
                PyTypeError::new_err(format!("CacheControl() got an unexpected keyword {key}: {reason}"))
            } else {
                PyValueError::new_err(error.to_string())
            }
        })
    }

    /// Read the directives in a field value.
    ///
    /// What a header off the wire has wrong is passed over, in the sense that reuses least: a max-age that is
    /// no number is 0 (RFC 9111 §4.2.1), of two the first counts. With `strict=True` anything doubtful raises
    /// `ValueError`.
    #[classmethod]
    #[pyo3(signature = (value, *, strict = false))]
    fn parse(_cls: &Bound<'_, PyType>, value: &str, strict: bool) -> PyResult<Self> {
        if strict {
            let read = value.parse().map_err(|error: http::InvalidDirective| error.to_string());
            read.map(Self).map_err(PyValueError::new_err)
        } else {
            Ok(Self(http::CacheControl::from_field(value)))
        }
    }

    /// What in these directives contradicts itself, a sentence each: `no-store` with `max-age`, `public` with
    /// `private`, `immutable` without freshness.
    fn contradictions(&self) -> Vec<String> {
        self.0.contradictions()
    }

    #[getter]
    fn public(&self) -> bool {
        self.0.public
    }

    /// True, False, or a tuple of the field names that are private.
    #[getter]
    fn private<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        scope(py, self.0.private.as_ref())
    }

    /// True, False, or a tuple of the field names that must not be used without revalidation.
    #[getter]
    fn no_cache<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        scope(py, self.0.no_cache.as_ref())
    }

    #[getter]
    fn no_store(&self) -> bool {
        self.0.no_store
    }

    #[getter]
    fn no_transform(&self) -> bool {
        self.0.no_transform
    }

    #[getter]
    fn must_revalidate(&self) -> bool {
        self.0.must_revalidate
    }

    #[getter]
    fn proxy_revalidate(&self) -> bool {
        self.0.proxy_revalidate
    }

    #[getter]
    fn must_understand(&self) -> bool {
        self.0.must_understand
    }

    #[getter]
    fn immutable(&self) -> bool {
        self.0.immutable
    }

    #[getter]
    fn max_age(&self) -> Option<u32> {
        self.0.max_age
    }

    #[getter]
    fn s_maxage(&self) -> Option<u32> {
        self.0.s_maxage
    }

    #[getter]
    fn stale_while_revalidate(&self) -> Option<u32> {
        self.0.stale_while_revalidate
    }

    #[getter]
    fn stale_if_error(&self) -> Option<u32> {
        self.0.stale_if_error
    }

    #[getter]
    fn only_if_cached(&self) -> bool {
        self.0.only_if_cached
    }

    /// True for any staleness, seconds, or None.
    #[getter]
    fn max_stale<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.0.max_stale {
            None => Ok(py.None().into_bound(py)),
            Some(MaxStale::Any) => Ok(PyBool::new(py, true).to_owned().into_any()),
            Some(MaxStale::Seconds(seconds)) => seconds.into_bound_py_any(py),
        }
    }

    #[getter]
    fn min_fresh(&self) -> Option<u32> {
        self.0.min_fresh
    }

    /// Every other directive, by its name in lower case: its argument, or True where it has none.
    #[getter]
    fn extensions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for (name, argument) in self.0.extensions.iter() {
            match argument {
                Some(argument) => all.set_item(name, argument)?,
                None => all.set_item(name, true)?,
            }
        }
        Ok(all)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("CacheControl.parse({})", PyString::new(py, &self.__str__()).repr()?))
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
        let parse = slf.get_type().getattr(intern!(slf.py(), "parse"))?;
        Ok((parse.unbind(), (slf.get().__str__(),)))
    }
}

fn scope<'py>(py: Python<'py>, scope: Option<&Scope>) -> PyResult<Bound<'py, PyAny>> {
    match scope {
        None => Ok(PyBool::new(py, false).to_owned().into_any()),
        Some(Scope::Everything) => Ok(PyBool::new(py, true).to_owned().into_any()),
        Some(Scope::Fields(names)) => Ok(PyTuple::new(py, names)?.into_any()),
    }
}

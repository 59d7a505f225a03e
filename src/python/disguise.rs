//! What the app sees differently while it works on a request.

use std::sync::OnceLock;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use smallvec::SmallVec;

use super::faults::{Step, trip};
use super::result::result_key;
use super::wsgi::NotModified;

/// The fields that decide by themselves (RFC 9110 §13.1).
fn preconditions(py: Python<'_>) -> [&Bound<'_, PyString>; 4] {
    [
        intern!(py, "HTTP_IF_MATCH"),
        intern!(py, "HTTP_IF_NONE_MATCH"),
        intern!(py, "HTTP_IF_MODIFIED_SINCE"),
        intern!(py, "HTTP_IF_UNMODIFIED_SINCE"),
    ]
}

/// What the app sees differently while it works on a request, and how it was before.
#[derive(Default)]
pub(super) struct Disguise {
    /// HEAD, where the app is asked as for GET.
    pub(super) method: Option<Py<PyAny>>,
    /// The path of a static file without its version.
    pub(super) path: Option<Py<PyString>>,
    /// The path of the request, once it is another.
    path_before: OnceLock<Py<PyAny>>,
    /// The fields that are hidden because we judge in the app's place.
    hidden: SmallVec<[(Py<PyString>, Py<PyAny>); 6]>,
}

impl Disguise {
    /// Hide If-*, but for If-Range.
    pub(super) fn hide_preconditions(&mut self, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        self.hide(environ, &preconditions(environ.py()))
    }

    /// Hide Range and what qualifies it.
    pub(super) fn hide_range(&mut self, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = environ.py();
        self.hide(environ, &[intern!(py, "HTTP_IF_RANGE"), intern!(py, "HTTP_RANGE")])
    }

    fn hide<'py>(&mut self, environ: &Bound<'py, PyDict>, names: &[&Bound<'py, PyString>]) -> PyResult<()> {
        for name in names {
            if self.hidden.iter().any(|(hidden, _)| hidden.is(*name)) {
                continue;
            }
            if let Some(value) = environ.get_item(name)? {
                self.hidden.push(((*name).clone().unbind(), value.unbind()));
            }
        }
        Ok(())
    }

    pub(super) fn put_on(
        &self,
        instance: &Bound<'_, NotModified>,
        environ: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let py = environ.py();
        trip(Step::Disguise)?;
        for (name, _) in &self.hidden {
            environ.del_item(name)?;
        }
        if self.method.is_some() {
            environ.set_item(intern!(py, "REQUEST_METHOD"), intern!(py, "GET"))?;
        }
        if let Some(path) = &self.path
            && let Some(before) = environ.get_item(intern!(py, "PATH_INFO"))?
        {
            let _ = self.path_before.set(before.unbind());
            environ.set_item(intern!(py, "PATH_INFO"), path)?;
        }
        environ.set_item(result_key(py), instance)?;
        trip(Step::Disguised)
    }

    /// Put everything back: access logs read the environ.
    pub(super) fn take_off(&self, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = environ.py();
        for (name, value) in &self.hidden {
            environ.set_item(name, value)?;
        }
        if let Some(method) = &self.method {
            environ.set_item(intern!(py, "REQUEST_METHOD"), method)?;
        }
        if let Some(path) = self.path_before.get() {
            environ.set_item(intern!(py, "PATH_INFO"), path)?;
        }
        trip(Step::Restore)
    }
}

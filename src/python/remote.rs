//! The link to a Redis or Valkey server: `notmodified.redis.Link`, called from Rust.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyTuple};
use smallvec::SmallVec;

use super::stores::now;
use crate::cache::StoreError;
use crate::cache::remote::{Failure, Link, Script};
use crate::config::Address;

/// A Python object that runs scripts on a server.
pub(super) struct PyLink {
    link: Py<PyAny>,
}

impl PyLink {
    /// The link to this address, or by this client, with these seconds to wait for an answer.
    pub(super) fn new(
        py: Python<'_>,
        address: &Address,
        client: Option<&Py<PyAny>>,
        timeout: f64,
    ) -> PyResult<Self> {
        let scripts = Script::ALL.map(Script::text);
        let class = py.import(intern!(py, "notmodified.redis"))?.getattr(intern!(py, "Link"))?;
        let link = class.call1((address.secret(), address.to_string(), timeout, scripts, client))?;
        Ok(Self { link: link.unbind() })
    }
}

impl Link for PyLink {
    fn run(&self, script: Script, keys: &[&[u8]], arguments: &[&[u8]]) -> Result<Vec<u8>, Failure> {
        Python::attach(|py| {
            let run = || {
                let words = keys.iter().chain(arguments).map(|word| PyBytes::new(py, word));
                let script = [PyInt::new(py, script as usize), PyInt::new(py, keys.len())];
                let all = script.into_iter().map(Bound::into_any).chain(words.map(Bound::into_any));
                let words = PyTuple::new(py, all.collect::<SmallVec<[_; 16]>>())?;
                let reply = self.link.bind(py).call_method1(intern!(py, "run"), words)?;
                Ok(reply.cast::<PyBytes>()?.as_bytes().to_vec())
            };
            run().map_err(|error| failed(py, &error))
        })
    }

    fn set_if_absent(&self, key: &[u8], milliseconds: u64) -> Result<bool, Failure> {
        Python::attach(|py| {
            let arguments = (PyBytes::new(py, key), milliseconds);
            let set = self.link.bind(py).call_method1(intern!(py, "set_if_absent"), arguments);
            set.and_then(|set| set.extract()).map_err(|error| failed(py, &error))
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(now()).unwrap_or(0)
    }
}

fn failed(py: Python<'_>, error: &PyErr) -> Failure {
    let value = error.value(py);
    let is_gone = value.getattr(intern!(py, "is_gone")).and_then(|is_gone| is_gone.extract());
    Failure { error: StoreError::new(value.to_string()), is_gone: is_gone.unwrap_or(true) }
}

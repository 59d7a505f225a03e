//! The iterable that the server gets where the app's own can't be handed on.

use std::sync::{Mutex, PoisonError};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator};
use smallvec::SmallVec;

/// Content, piece by piece.
pub(super) type Chunks<'py> = SmallVec<[Bound<'py, PyBytes>; 4]>;

/// The app's iterable while we look at it: what was taken out of its iterator, what is still in there.
pub(super) struct Stream<'py> {
    object: Bound<'py, PyAny>,
    iterator: Option<Bound<'py, PyIterator>>,
    pulled: SmallVec<[Bound<'py, PyAny>; 4]>,
    exhausted: bool,
}

impl<'py> Stream<'py> {
    pub(super) fn new(object: Bound<'py, PyAny>) -> Self {
        Self { object, iterator: None, pulled: SmallVec::new(), exhausted: false }
    }

    /// Take the next chunk out, if there is one. An exception is the app's own.
    pub(super) fn pull(&mut self) -> PyResult<()> {
        if self.iterator.is_none() {
            self.iterator = Some(self.object.try_iter()?);
        }
        match self.iterator.as_mut().and_then(Iterator::next) {
            Some(chunk) => self.pulled.push(chunk?),
            None => self.exhausted = true,
        }
        Ok(())
    }

    /// Take chunks out until they are as long as declared. `None` if they end before or are longer, or are
    /// no bytes: such content is not what its head says.
    pub(super) fn collect(&mut self, declared: u64) -> PyResult<Option<Chunks<'py>>> {
        let mut collected = Chunks::new();
        let mut length = 0;
        loop {
            while let Some(chunk) = self.pulled.get(collected.len()) {
                let Ok(chunk) = chunk.cast::<PyBytes>() else { return Ok(None) };
                length += chunk.as_bytes().len() as u64;
                collected.push(chunk.clone());
            }
            if length >= declared || self.exhausted {
                return Ok((length == declared).then_some(collected));
            }
            self.pull()?;
        }
    }

    pub(super) fn py(&self) -> Python<'py> {
        self.object.py()
    }

    pub(super) fn is_started(&self) -> bool {
        self.iterator.is_some()
    }

    /// Close the app's iterable without handing it on.
    pub(super) fn close(self) -> PyResult<()> {
        close(&self.object)
    }

    /// What the server gets: the app's own object if nothing was taken out, else one that goes on from here.
    pub(super) fn into_body(self) -> PyResult<Bound<'py, PyAny>> {
        let py = self.object.py();
        let Some(iterator) = self.iterator else { return Ok(self.object) };
        let mut pulled: SmallVec<[Py<PyAny>; 4]> = self.pulled.into_iter().map(Bound::unbind).collect();
        pulled.reverse();
        let rest = (!self.exhausted).then(|| iterator.into_any().unbind());
        Body::object(py, State { pulled, rest, app: Some(self.object.unbind()) })
    }

    /// What the server gets where something else, or nothing, goes out in place of the app's content.
    pub(super) fn replace(self, other: Chunks<'py>) -> PyResult<Bound<'py, PyAny>> {
        let py = self.object.py();
        let pulled = other.into_iter().rev().map(|bytes| bytes.into_any().unbind()).collect();
        Body::object(py, State { pulled, rest: None, app: Some(self.object.unbind()) })
    }
}

/// Call `close()` of an app's iterable, if it has one.
pub(super) fn close(object: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Some(close) = object.getattr_opt(intern!(object.py(), "close"))? {
        close.call0()?;
    }
    Ok(())
}

/// Iterator over the chunks that were taken out of the app's iterable and those still in it.
#[pyclass(frozen, module = "notmodified._core")]
pub(super) struct Body(Mutex<State>);

struct State {
    /// Last chunk first.
    pulled: SmallVec<[Py<PyAny>; 4]>,
    rest: Option<Py<PyAny>>,
    app: Option<Py<PyAny>>,
}

impl Body {
    fn object(py: Python<'_>, state: State) -> PyResult<Bound<'_, PyAny>> {
        Ok(Bound::new(py, Self(Mutex::new(state)))?.into_any())
    }

    /// The lock is never held while Python code runs.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl Body {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        enum Next {
            Pulled(Py<PyAny>),
            Rest(Py<PyAny>),
            End,
        }
        let next = self.with(|state| match state.pulled.pop() {
            Some(chunk) => Next::Pulled(chunk),
            None => state.rest.as_ref().map_or(Next::End, |rest| Next::Rest(rest.clone_ref(py))),
        });
        match next {
            Next::Pulled(chunk) => Ok(Some(chunk)),
            Next::End => Ok(None),
            Next::Rest(rest) => {
                let chunk = rest.bind(py).cast::<PyIterator>()?.clone().next().transpose()?;
                if chunk.is_none() {
                    self.with(|state| state.rest = None);
                }
                Ok(chunk.map(Bound::unbind))
            }
        }
    }

    /// Close the app's iterable, once.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let (app, _rest) = self.with(|state| (state.app.take(), state.rest.take()));
        match app {
            Some(app) => close(app.bind(py)),
            None => Ok(()),
        }
    }
}

//! What the app returned, and what may be known of it without hurting.

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyTuple, PyType};
use smallvec::SmallVec;

use super::body::{self, Chunks, Stream};
use super::entity_tag::tag_of;
use super::faults::{Step, trip};
use super::file::Wrapped;
use super::outgoing::sequence;
use super::range::Divisible;
use super::wsgi::NotModified;
use crate::digest::TagKey;
use crate::exchange::{Content, Head, Plan};

/// What was found out of the content, and the content itself if ranges are to be cut out of it.
pub(super) type Looked<'py> = (Content, Divisible<'py>);

/// Who is to blame that the content could not be looked at.
pub(super) enum Unseen {
    Ours(PyErr),
    TheApps(PyErr),
}

impl From<PyErr> for Unseen {
    fn from(error: PyErr) -> Self {
        Self::Ours(error)
    }
}

/// What the app returned, told apart by what may be known of it without hurting.
pub(super) enum AppBody<'py> {
    /// A list or tuple: all there.
    Pieces(Bound<'py, PyAny>),
    /// A `wsgi.file_wrapper`: the very object goes to the server, which may use sendfile.
    File(Bound<'py, PyAny>),
    /// An iterable of a framework whose response has the content at hand.
    Whole { object: Bound<'py, PyAny>, of: Framework<'py> },
    /// Any other iterable.
    Stream(Stream<'py>),
    /// Content that comes by `write()`.
    Written,
}

impl<'py> AppBody<'py> {
    pub(super) fn recognise(environ: &Bound<'py, PyDict>, returned: &Bound<'py, PyAny>) -> PyResult<Self> {
        trip(Step::Recognise)?;
        let object = returned.clone();
        Ok(if is_sequence(returned) {
            Self::Pieces(object)
        } else if is_django(returned) {
            Self::Whole { object, of: Framework::Django }
        } else if is_file_wrapper(environ, returned) {
            Self::File(object)
        } else if let Some(response) = werkzeug_response(returned) {
            Self::Whole { object, of: Framework::Werkzeug(response) }
        } else {
            Self::Stream(Stream::new(object))
        })
    }

    /// What the app returned, if it is not a stream.
    pub(super) fn object(&self) -> Option<&Bound<'py, PyAny>> {
        match self {
            Self::Pieces(object) | Self::File(object) | Self::Whole { object, .. } => Some(object),
            Self::Stream(_) | Self::Written => None,
        }
    }

    /// Find out what the plan wants to know of the content, and keep it at hand if ranges are to be cut out.
    pub(super) fn look(
        &mut self,
        middleware: &NotModified,
        plan: &Plan<'_>,
        head: &Head<'_>,
    ) -> Result<Looked<'py>, Unseen> {
        let key = middleware.config.tag_key.as_ref();
        match self {
            Self::Pieces(object) => {
                let Some(pieces) = bytes_of(object) else { return Ok(Looked::default()) };
                Ok(content_of(object.py(), pieces, plan, head, key)?)
            }
            Self::Whole { object, of } if plan.wants_content || plan.wants_length || plan.wants_ranges => {
                if let Some(pieces) = of.content(object, head)? {
                    return Ok(content_of(object.py(), pieces, plan, head, key)?);
                }
                *self = Self::Stream(Stream::new(object.clone()));
                self.look(middleware, plan, head)
            }
            Self::File(object)
                if plan.wants_content || plan.wants_ranges || head.content_length.is_none() =>
            {
                let Some(file) = Wrapped::open(object)? else { return Ok(Looked::default()) };
                let length = file.length();
                // With another length declared, it is not the file that is sent, but a part of it.
                let whole = head.content_length.is_none_or(|declared| declared == length);
                let tag = if plan.wants_content && whole {
                    file.tag(object.py(), &middleware.files, key, middleware.config.max_file)?
                } else {
                    None
                };
                let state = file.state().filter(|_| whole);
                let content =
                    Content { tag, length: Some(length), say_length: true, divisible: whole, file: state };
                Ok((content, if plan.wants_ranges { Divisible::File(file) } else { Divisible::No }))
            }
            Self::Stream(stream) if plan.wants_content || plan.wants_ranges => {
                let Some(length) = head.collectable(&middleware.config) else { return Ok(Looked::default()) };
                match stream.collect(length).map_err(Unseen::TheApps)? {
                    Some(pieces) => Ok(content_of(stream.py(), pieces, plan, head, key)?),
                    None => Ok(Looked::default()),
                }
            }
            _ => Ok(Looked::default()),
        }
    }

    /// Does the app run on when its content is looked at?
    pub(super) fn may_run(&self) -> bool {
        matches!(self, Self::Stream(_) | Self::Whole { .. })
    }

    /// Have the first chunk of a stream at hand. False if there was nothing to do.
    pub(super) fn start(&mut self) -> PyResult<bool> {
        match self {
            Self::Stream(stream) if !stream.is_started() => stream.pull().map(|()| true),
            _ => Ok(false),
        }
    }

    pub(super) fn into_body(self) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Pieces(object) | Self::File(object) | Self::Whole { object, .. } => Ok(object),
            Self::Stream(stream) => stream.into_body(),
            Self::Written => Err(PyValueError::new_err("content that was written has no iterable")),
        }
    }

    /// Something else, or nothing, in place of the content, which is closed in its time.
    pub(super) fn replace(self, py: Python<'py>, other: Chunks<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            // A list has no close(), but a class derived from it may.
            Self::Pieces(object) if is_plain_sequence(&object) => sequence(py, other),
            Self::Written => sequence(py, other),
            Self::Pieces(object) | Self::File(object) | Self::Whole { object, .. } => {
                Stream::new(object).replace(other)
            }
            Self::Stream(stream) => stream.replace(other),
        }
    }

    pub(super) fn close(self) -> PyResult<()> {
        match self {
            Self::Written => Ok(()),
            Self::Pieces(object) | Self::File(object) | Self::Whole { object, .. } => body::close(&object),
            Self::Stream(stream) => stream.close(),
        }
    }
}

fn bytes_of<'py>(object: &Bound<'py, PyAny>) -> Option<Chunks<'py>> {
    let mut pieces = Chunks::new();
    if let Ok(list) = object.cast::<PyList>() {
        // By place, which for the one piece that most have costs half of what an iterator does.
        for place in 0..list.len() {
            pieces.push(list.get_item(place).ok()?.cast_into().ok()?);
        }
    } else {
        for piece in object.cast::<PyTuple>().ok()? {
            pieces.push(piece.cast_into().ok()?);
        }
    }
    Some(pieces)
}

fn content_of<'py>(
    py: Python<'py>,
    pieces: Chunks<'py>,
    plan: &Plan<'_>,
    head: &Head<'_>,
    key: Option<&TagKey>,
) -> PyResult<Looked<'py>> {
    trip(Step::Digest)?;
    let tag_of = |octets: &[&[u8]]| {
        let length = octets.iter().map(|piece| piece.len() as u64).sum();
        (plan.wants_content.then(|| tag_of(py, octets, length, &plan.reading, key)), length)
    };
    let (tag, length) = match &pieces[..] {
        [all] => tag_of(&[all.as_bytes()]),
        pieces => tag_of(&pieces.iter().map(PyBytesMethods::as_bytes).collect::<SmallVec<[_; 4]>>()),
    };
    let content = Content {
        tag,
        length: Some(length),
        say_length: false,
        divisible: head.content_length.is_none_or(|declared| declared == length),
        file: None,
    };
    Ok((content, if plan.wants_ranges { Divisible::Pieces(pieces) } else { Divisible::No }))
}

fn length_of(pieces: &[Bound<'_, PyBytes>]) -> u64 {
    pieces.iter().map(|piece| piece.as_bytes().len() as u64).sum()
}

fn is_file_wrapper(environ: &Bound<'_, PyDict>, returned: &Bound<'_, PyAny>) -> bool {
    match environ.get_item(intern!(environ.py(), "wsgi.file_wrapper")) {
        // On servers whose wrapper is a function there is nothing to tell it by.
        Ok(Some(wrapper)) => {
            wrapper.cast::<PyType>().is_ok_and(|wrapper| returned.is_instance(wrapper).unwrap_or(false))
        }
        _ => false,
    }
}

fn is_plain_sequence(returned: &Bound<'_, PyAny>) -> bool {
    returned.is_exact_instance_of::<PyList>() || returned.is_exact_instance_of::<PyTuple>()
}

/// Is it a list or a tuple, and does iterating over it give what is in it?
fn is_sequence(returned: &Bound<'_, PyAny>) -> bool {
    let py = returned.py();
    let iterates_as = |base: Bound<'_, PyType>| {
        let iter = intern!(py, "__iter__");
        matches!((returned.get_type().getattr(iter), base.getattr(iter)), (Ok(own), Ok(base)) if own.is(&base))
    };
    is_plain_sequence(returned)
        || returned.is_instance_of::<PyList>() && iterates_as(py.get_type::<PyList>())
        || returned.is_instance_of::<PyTuple>() && iterates_as(py.get_type::<PyTuple>())
}

/// Where a framework's response keeps its content.
pub(super) enum Framework<'py> {
    /// The response itself is the iterable; its `streaming` says no and its `content` is all of it.
    Django,
    /// The iterable calls the response's `close()` back; its `is_sequence` says yes and its `response` is a
    /// list. (A Flask response is one.)
    Werkzeug(Bound<'py, PyAny>),
}

impl<'py> Framework<'py> {
    fn content(&self, object: &Bound<'py, PyAny>, head: &Head<'_>) -> PyResult<Option<Chunks<'py>>> {
        let py = object.py();
        match self {
            Self::Django => {
                // What `content` would join, and what is iterated over.
                if is_plain_django(object)
                    && let Some(container) = object.getattr_opt(intern!(py, "_container"))?
                    && let Some(pieces) = bytes_of(&container)
                {
                    return Ok(Some(pieces));
                }
                let content = object.getattr(intern!(py, "content"))?;
                Ok(content.cast_into().ok().map(|bytes| SmallVec::from_iter([bytes])))
            }
            // Text that Werkzeug would still have to encode makes it a stream like any other, and so does
            // another length than the declared one: somebody between it and us changes the content.
            Self::Werkzeug(response) => {
                let pieces = bytes_of(&response.getattr(intern!(py, "response"))?);
                Ok(pieces.filter(|pieces| head.content_length == Some(length_of(pieces))))
            }
        }
    }
}

/// Is it a response of Django's that has its content at hand? Nothing is assumed of what does not say so itself:
/// whatever looks otherwise is a stream.
fn is_django(returned: &Bound<'_, PyAny>) -> bool {
    let py = returned.py();
    let streaming = returned.getattr_opt(intern!(py, "streaming")).ok().flatten();
    streaming.is_some_and(|streaming| streaming.is(&*PyBool::new(py, false)))
}

/// Is it just Django's `HttpResponse`, of which is known where the pieces of its `content` are? A class derived
/// from it may have another `content`.
fn is_plain_django(response: &Bound<'_, PyAny>) -> bool {
    static PLAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = response.py();
    let class = PLAIN.get_or_try_init(py, || {
        let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
        let class = modules.get_item("django.http.response")?.getattr("HttpResponse")?;
        PyResult::Ok(class.unbind())
    });
    class.is_ok_and(|class| response.get_type().is(class))
}

/// The response of Werkzeug's that an iterable belongs to and that has its content at hand.
fn werkzeug_response<'py>(returned: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = returned.py();
    let callbacks = returned.getattr_opt(intern!(py, "_callbacks")).ok()??.cast_into::<PyList>().ok()?;
    callbacks.iter().find_map(|call| {
        let response = call.getattr_opt(intern!(py, "__self__")).ok()??;
        let is_sequence = response.getattr_opt(intern!(py, "is_sequence")).ok()??;
        is_sequence.is(PyBool::new(py, true)).then_some(response)
    })
}

//! Ranges cut out of content that is at hand: no more of it is copied or read than is sent.

use std::collections::VecDeque;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::process;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::body::{self, Chunks};
use super::faults::{Step, trip};
use super::file::Wrapped;
use crate::exchange::{Answer, Asked, Body};
use crate::http::range::ByteRange;

/// How much of a file is read at a time, in bytes.
const BLOCK: usize = 64 * 1024;

/// The Range of a request, with its If-Range. What is no text counts as a malformed field.
pub(super) fn asked(environ: &Bound<'_, PyDict>) -> PyResult<Option<Asked>> {
    let py = environ.py();
    let octets = |value: Bound<'_, PyAny>| -> Box<[u8]> {
        let text = value.cast::<PyString>().ok().and_then(|text| text.to_str().ok());
        text.map_or(Box::default(), |text| text.as_bytes().into())
    };
    let Some(range) = environ.get_item(intern!(py, "HTTP_RANGE"))? else { return Ok(None) };
    let if_range = environ.get_item(intern!(py, "HTTP_IF_RANGE"))?;
    Ok(Some(Asked { range: octets(range), if_range: if_range.map(octets), boundary }))
}

/// 128 bits that nobody can guess: keys that the operating system gave this process, and, since the same ones
/// may be in a process that was forked from it, whose turn it is and when.
fn boundary() -> String {
    static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let turn = (process::id(), now);
    let [one, other] = KEYS.each_ref().map(|key| key.hash_one(turn));
    format!("{one:016x}{other:016x}")
}

/// Content out of which ranges can be cut.
#[derive(Default)]
pub(super) enum Divisible<'py> {
    #[default]
    No,
    Pieces(Chunks<'py>),
    File(Wrapped),
}

/// What was cut out.
pub(super) enum Cut<'py> {
    Chunks(Chunks<'py>),
    /// An iterable that closes the app's own.
    File(Bound<'py, PyAny>),
}

impl<'py> Divisible<'py> {
    /// Cut out what the answer says; `None` if it says nothing of the kind. `returned` is what the app
    /// returned.
    pub(super) fn cut(
        self,
        py: Python<'py>,
        answer: &Answer<'_>,
        returned: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Cut<'py>>> {
        let whole;
        let (parts, tail) = match (answer.body, &answer.parts) {
            (Body::Part(range), _) => {
                whole = [(Vec::new(), range)];
                (&whole[..], &[][..])
            }
            (Body::Parts, Some(multipart)) => (&multipart.parts[..], &multipart.tail[..]),
            _ => return Ok(None),
        };
        trip(Step::Cut)?;
        match (self, returned) {
            (Self::Pieces(pieces), _) => {
                let mut chunks = Chunks::new();
                for (head, range) in parts {
                    push(py, &mut chunks, head);
                    slice(py, &mut chunks, &pieces, *range);
                }
                push(py, &mut chunks, tail);
                Ok(Some(Cut::Chunks(chunks)))
            }
            (Self::File(file), Some(wrapper)) => {
                file_ranges(wrapper, file, parts, tail).map(|cut| Some(Cut::File(cut)))
            }
            _ => Err(PyValueError::new_err("ranges of content that is not at hand")),
        }
    }
}

fn push<'py>(py: Python<'py>, chunks: &mut Chunks<'py>, octets: &[u8]) {
    if !octets.is_empty() {
        chunks.push(PyBytes::new(py, octets));
    }
}

/// Add the octets of a range; a piece that is all in it goes as it is.
fn slice<'py>(py: Python<'py>, chunks: &mut Chunks<'py>, pieces: &[Bound<'py, PyBytes>], range: ByteRange) {
    let mut start = 0;
    for piece in pieces {
        let octets = piece.as_bytes();
        let end = start + octets.len() as u64;
        // Both are within the piece, so they fit.
        let place = |at: u64| usize::try_from(at.clamp(start, end) - start).unwrap_or(octets.len());
        let wanted = octets.get(place(range.first())..place(range.end())).unwrap_or_default();
        if wanted.len() == octets.len() {
            chunks.push(piece.clone());
        } else {
            push(py, chunks, wanted);
        }
        start = end;
    }
}

fn file_ranges<'py>(
    wrapper: &Bound<'py, PyAny>,
    file: Wrapped,
    parts: &[(Vec<u8>, ByteRange)],
    tail: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    let py = wrapper.py();
    let (file, offset) = file.into_parts();
    let mut segments = VecDeque::new();
    let octets = |octets: &[u8]| Segment::Octets(PyBytes::new(py, octets).unbind());
    for (head, range) in parts {
        if !head.is_empty() {
            segments.push_back(octets(head));
        }
        segments.push_back(Segment::Range { at: offset + range.first(), end: offset + range.end() });
    }
    if !tail.is_empty() {
        segments.push_back(octets(tail));
    }
    let file = Arc::new(file);
    let state = State { file: Some(file.clone()), segments, app: Some(wrapper.clone().unbind()) };
    let ranges = Bound::new(py, FileRanges(Mutex::new(state)))?.into_any();
    let class = wrapper.get_type();
    let [(_, range)] = parts else { return Ok(ranges) };
    // Gunicorn's sends so many bytes as Content-Length says, from where the descriptor stands. Others would
    // go on to the end of the file, so they get what only iterates.
    if class.module()? != "gunicorn.http.wsgi" {
        return Ok(ranges);
    }
    let ranges = class.call1((ranges, BLOCK))?;
    // Last, since the app's own wrapper goes out from where it stands if anything fails.
    (&*file).seek(SeekFrom::Start(offset + range.first()))?;
    Ok(ranges)
}

/// Ranges of a file, read as they are sent; for one range also a file that ends where the range does. Closes
/// what the app returned.
#[pyclass(frozen, module = "notmodified._core")]
pub(super) struct FileRanges(Mutex<State>);

struct State {
    /// A descriptor of our own, until we are closed.
    file: Option<Arc<File>>,
    /// What is still to be sent.
    segments: VecDeque<Segment>,
    app: Option<Py<PyAny>>,
}

enum Segment {
    Octets(Py<PyBytes>),
    /// From here to there in the file.
    Range {
        at: u64,
        end: u64,
    },
}

enum Next {
    Octets(Py<PyBytes>),
    Read(Arc<File>, u64, usize),
    End,
}

impl State {
    fn next(&mut self, size: usize) -> Next {
        let Some(file) = &self.file else { return Next::End };
        let (next, is_over) = match self.segments.front_mut() {
            None => return Next::End,
            Some(Segment::Octets(_)) => (Next::End, true),
            Some(Segment::Range { at, end }) => {
                let length = usize::try_from(*end - *at).map_or(size, |left| left.min(size));
                let from = *at;
                *at += length as u64;
                (Next::Read(file.clone(), from, length), at == end)
            }
        };
        match if is_over { self.segments.pop_front() } else { None } {
            Some(Segment::Octets(octets)) => Next::Octets(octets),
            _ => next,
        }
    }
}

impl FileRanges {
    /// The lock is never held while Python code runs.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl FileRanges {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyBytes>>> {
        let octets = self.read(py, BLOCK)?;
        Ok((!octets.bind(py).as_bytes().is_empty()).then_some(octets))
    }

    /// The next bytes, at most so many of the file; none at the end. Raises OSError if the file has become
    /// shorter: what was promised can't be sent.
    fn read(&self, py: Python<'_>, size: usize) -> PyResult<Py<PyBytes>> {
        match self.with(|state| state.next(size)) {
            Next::Octets(octets) => Ok(octets),
            Next::End => Ok(PyBytes::new(py, b"").unbind()),
            Next::Read(file, at, length) => {
                // Always without the GIL: a file may be on a slow disk.
                let block = py.detach(|| {
                    let mut block = vec![0; length];
                    file.read_exact_at(&mut block, at).map(|()| block)
                })?;
                Ok(PyBytes::new(py, &block).unbind())
            }
        }
    }

    /// For sendfile, which starts where the descriptor stands.
    fn fileno(&self) -> PyResult<RawFd> {
        let descriptor = self.with(|state| state.file.as_ref().map(AsRawFd::as_raw_fd));
        descriptor.ok_or_else(|| PyValueError::new_err("I/O operation on closed file"))
    }

    /// Read on from there in the file. What sends files comes back to it when sendfile does not work.
    fn seek(&self, offset: u64) -> u64 {
        self.with(|state| match state.segments.front_mut() {
            Some(Segment::Range { at, end }) => {
                *at = offset.min(*end);
                *at
            }
            _ => offset,
        })
    }

    /// Close the app's wrapper, once, and let the file go.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let (app, _file) = self.with(|state| (state.app.take(), state.file.take()));
        match app {
            Some(app) => body::close(app.bind(py)),
            None => Ok(()),
        }
    }
}

//! The tag of a file that the app hands over in a `wsgi.file_wrapper`, computed once for each state of the
//! file and without touching its offset.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use pyo3::intern;
use pyo3::prelude::*;

use super::faults::{Step, trip};
use crate::digest::{ContentTag, Digester, TagKey};
use crate::file_state::FileState;

/// How many files' tags are remembered at the most (about 100 bytes each).
const REMEMBERED: usize = 4096;

const BLOCK: usize = 256 * 1024;

/// What names one state of a file's content, from one offset on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Identity {
    state: FileState,
    offset: u64,
}

impl Identity {
    fn new(metadata: &Metadata, offset: u64) -> Self {
        Self { state: FileState::new(metadata), offset }
    }

    /// The weak tag of a file that is too large to be read for one.
    fn of_size_and_mtime(&self, key: Option<&TagKey>) -> ContentTag {
        let mut digester = Digester::new(key);
        digester.update(b"size and mtime");
        digester.update(&self.state.size.to_le_bytes());
        digester.update(&self.offset.to_le_bytes());
        digester.update(&self.state.mtime.to_le_bytes());
        digester.finish()
    }
}

/// The remembered tags.
#[derive(Default)]
pub(super) struct FileTags(Mutex<HashMap<Identity, ContentTag>>);

/// A regular file that a wrapper holds, open, at the place where its content starts.
pub(super) struct Wrapped {
    file: File,
    identity: Identity,
}

impl Wrapped {
    /// The file in a `wsgi.file_wrapper`, if it is a regular one whose Python object and descriptor agree on
    /// where they stand.
    pub(super) fn open(wrapper: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        trip(Step::OpenFile)?;
        let py = wrapper.py();
        // `filelike` in wsgiref, Gunicorn, gevent and Werkzeug; `file` in waitress.
        let python_file = match wrapper.getattr_opt(intern!(py, "filelike"))? {
            Some(file) => file,
            None => match wrapper.getattr_opt(intern!(py, "file"))? {
                Some(file) => file,
                None => return Ok(None),
            },
        };
        let Ok(descriptor) = python_file
            .call_method0(intern!(py, "fileno"))
            .and_then(|descriptor| descriptor.extract::<RawFd>())
        else {
            return Ok(None); // Not over a real file: an io.BytesIO, say.
        };
        if descriptor < 0 {
            return Ok(None);
        }
        let Ok(offset) = python_file.call_method0(intern!(py, "tell")).and_then(|at| at.extract::<u64>())
        else {
            return Ok(None); // A pipe.
        };
        let Ok(file) = duplicate(descriptor) else { return Ok(None) };
        let metadata = file.metadata()?;
        // Servers that use sendfile start where the descriptor stands, the others where Python does.
        if !metadata.is_file() || position(&file)? != offset {
            return Ok(None);
        }
        Ok(Some(Self { identity: Identity::new(&metadata, offset), file }))
    }

    /// The file, and the offset at which its content starts.
    pub(super) fn into_parts(self) -> (File, u64) {
        (self.file, self.identity.offset)
    }

    /// The state of the file, if its content starts where the file does.
    pub(super) fn state(&self) -> Option<FileState> {
        (self.identity.offset == 0).then_some(self.identity.state)
    }

    /// How many bytes there are from the offset to the end.
    pub(super) fn length(&self) -> u64 {
        self.identity.state.size.saturating_sub(self.identity.offset)
    }

    /// The tag, and whether it is weak. `None` if the file changes while it is read.
    pub(super) fn tag(
        &self,
        py: Python<'_>,
        known: &FileTags,
        key: Option<&TagKey>,
        max_file: u64,
    ) -> PyResult<Option<(ContentTag, bool)>> {
        if self.length() > max_file {
            return Ok(Some((self.identity.of_size_and_mtime(key), true)));
        }
        let remembered = || known.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tag) = remembered().get(&self.identity) {
            return Ok(Some((*tag, false)));
        }
        trip(Step::ReadFile)?;
        // Always without the GIL: a file may be on a slow disk.
        let tag = py.detach(|| self.read(key))?;
        let Some(tag) = tag else { return Ok(None) };
        if self.identity.state.is_settled(SystemTime::now()) {
            let mut remembered = remembered();
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(self.identity, tag);
        }
        Ok(Some((tag, false)))
    }

    fn read(&self, key: Option<&TagKey>) -> io::Result<Option<ContentTag>> {
        let mut digester = Digester::new(key);
        let mut block = vec![0; BLOCK.min(usize::try_from(self.length()).unwrap_or(BLOCK)).max(1)];
        let mut at = self.identity.offset;
        while at < self.identity.state.size {
            let read = match self.file.read_at(&mut block, at) {
                Ok(0) => return Ok(None),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            digester.update(block.get(..read).unwrap_or_default());
            at += read as u64;
        }
        let unchanged = Identity::new(&self.file.metadata()?, self.identity.offset) == self.identity;
        Ok((unchanged && at == self.identity.state.size).then(|| digester.finish()))
    }
}

/// Our own descriptor of an open file, so that nobody closes it under us. They share one offset.
#[allow(unsafe_code, reason = "std has no safe way to duplicate a descriptor that it did not open")]
fn duplicate(descriptor: RawFd) -> io::Result<File> {
    // SAFETY: `borrow_raw` asks that the descriptor stays open as long as the borrow lives. That is this one
    // statement, in which the thread is attached to the interpreter and no Python code can run that closes
    // the file, and it is not -1. Should another (foreign) thread close it all the same, or should Python
    // have told us a number that is no descriptor, the kernel's fcntl answers EBADF: there is no memory in
    // play.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    borrowed.try_clone_to_owned().map(File::from)
}

fn position(mut file: &File) -> io::Result<u64> {
    io::Seek::stream_position(&mut file)
}

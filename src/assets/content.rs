//! A file whose content is known by its digest, for as long as that holds.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use blake3::{Hash, Hasher};

use super::AssetError;
use super::coding::Coding;
use crate::file_state::FileState;

const BLOCK: usize = 128 << 10;

/// How often a file that changes while it is read is read anew.
const ATTEMPTS: usize = 3;

/// A file with the digest that its content must have.
#[derive(Debug)]
pub struct Content {
    /// Where it is.
    pub path: PathBuf,
    /// The digest of its content.
    pub digest: Hash,
    /// Its length in bytes.
    pub size: u64,
    /// The state in which it was last found to have that digest.
    verified: Mutex<Option<FileState>>,
}

/// What was read of a file.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) content: Content,
    /// All of it, if that was asked for.
    pub(super) whole: Option<Vec<u8>>,
    /// The digest of what it decodes to, if that was asked for and it does.
    pub(super) decoded: Option<Hash>,
}

impl Content {
    /// A file that is to have this digest, which is looked at when it is first asked for.
    pub(super) fn expected(path: PathBuf, digest: Hash, size: u64) -> Self {
        Self { path, digest, size, verified: Mutex::new(None) }
    }

    /// Read a file. `keep` its content, or decode it from a `coding`.
    ///
    /// # Errors
    ///
    /// If it can't be read, or is different each time it is looked at.
    pub(super) fn read(
        path: &Path,
        keep: bool,
        coding: Option<Coding>,
        buffer: &mut Vec<u8>,
    ) -> Result<Seen, AssetError> {
        for _ in 0..ATTEMPTS {
            let read = attempt(path, keep, coding, buffer);
            if let Some((state, digest, whole, decoded)) =
                read.map_err(|error| AssetError::reading(path, &error))?
            {
                let verified = Mutex::new(Some(state).filter(|state| state.is_settled(SystemTime::now())));
                let content = Self { path: path.to_owned(), digest, size: state.size, verified };
                return Ok(Seen { content, whole, decoded });
            }
        }
        Err(AssetError::new(path, "it changes while it is read: build when nothing writes to it any more"))
    }

    /// Does the file still have this content? It is read again only where its state is another.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        self.is_in(&FileState::new(&fs::metadata(&self.path)?))
    }

    /// Is a file in this state the one that has this content? What is at its path is read again only where the
    /// state is another than that in which it had it.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub fn is_in(&self, state: &FileState) -> io::Result<bool> {
        if state.size != self.size {
            return Ok(false);
        }
        if self.is_verified_in(state) {
            return Ok(true);
        }
        let Some((found, digest, ..)) = attempt(&self.path, false, None, &mut Vec::new())? else {
            return Ok(false);
        };
        let same = digest == self.digest;
        if same && found.is_settled(SystemTime::now()) {
            *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        }
        Ok(same && found == *state)
    }

    fn is_verified_in(&self, state: &FileState) -> bool {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(state)
    }
}

type Attempt = (FileState, Hash, Option<Vec<u8>>, Option<Hash>);

/// Read a file once; `None` if it changed meanwhile.
fn attempt(
    path: &Path,
    keep: bool,
    coding: Option<Coding>,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Attempt>> {
    let mut file = File::open(path)?;
    let before = FileState::new(&file.metadata()?);
    let (mut digest, mut decoded, mut whole) = (Hasher::new(), None, None);
    if keep || coding.is_some() {
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        digest.update(&content);
        decoded = coding.and_then(|coding| hash_of(coding.decoder(&content[..]).ok()?).ok());
        whole = keep.then_some(content);
    } else {
        // Small files in one go: asking for the rest of a file costs a call.
        let wanted = usize::try_from(before.size).unwrap_or(BLOCK).clamp(1, BLOCK);
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        let mut left = before.size;
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(BLOCK).min(buffer.len());
            let Some(block) = buffer.get_mut(..room) else { break };
            let read = match file.read(block) {
                Ok(0) => return Ok(None),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            digest.update(block.get(..read).unwrap_or_default());
            left = left.saturating_sub(read as u64);
        }
    }
    let unchanged = digest.count() == before.size && FileState::new(&file.metadata()?) == before;
    Ok(unchanged.then(|| (before, digest.finalize(), whole, decoded)))
}

fn hash_of(reader: impl Read) -> io::Result<Hash> {
    let mut hasher = Hasher::new();
    hasher.update_reader(reader)?;
    Ok(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_change_is_noticed_even_where_size_and_mtime_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        let date =
            |path: &Path| File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
        date(&path);
        let content = Content::read(&path, false, None, &mut Vec::new()).unwrap().content;
        assert!(content.is_unchanged().unwrap());
        fs::write(&path, "two").unwrap();
        date(&path);
        assert!(!content.is_unchanged().unwrap());
        fs::write(&path, "one").unwrap();
        assert!(content.is_unchanged().unwrap());
        fs::remove_file(&path).unwrap();
        assert!(content.is_unchanged().is_err());
    }

    #[test]
    fn a_file_that_never_holds_still_is_refused() {
        // The kernel says that it is empty, and there is more to be read.
        let error = Content::read(Path::new("/proc/self/status"), true, None, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("changes while it is read"), "{error}");
    }
}

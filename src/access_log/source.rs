//! Where lines come from: files, plain or compressed, and standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A place that lines are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file; what it is compressed with is told by its first bytes, not by its name.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Source {
    /// How to call it in a report.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "-".into(),
        }
    }

    /// Bytes that it takes on disk, as far as known before it is read.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Self::Stdin => 0,
        }
    }

    /// Open it. `read` counts the bytes that are read from it, before they are decompressed.
    ///
    /// # Errors
    ///
    /// If it can't be opened or its first bytes can't be read.
    pub fn open(&self, read: &Arc<AtomicU64>) -> io::Result<Box<dyn Read + Send>> {
        let raw: Box<dyn Read + Send> = match self {
            Self::File(path) => Box::new(open_file(path)?),
            Self::Stdin => Box::new(io::stdin()),
        };
        decompress(Counted { inner: raw, read: Arc::clone(read) })
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory, not a log"));
    }
    Ok(file)
}

fn decompress(mut raw: Counted) -> io::Result<Box<dyn Read + Send>> {
    let mut magic = Vec::with_capacity(4);
    raw.by_ref().take(4).read_to_end(&mut magic)?;
    let all = io::Cursor::new(magic.clone()).chain(raw);
    Ok(match magic.as_slice() {
        // Several members one after the other, as `cat a.gz b.gz` and some rotations make them.
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(all)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::stream::read::Decoder::new(all)?),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(all)),
        _ => Box::new(all),
    })
}

struct Counted {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.read.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}

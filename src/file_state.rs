//! One state of a file on disk: by device, inode, size and times, whatever its name.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file that changed so recently may change once more without its times showing it.
const SETTLED: Duration = Duration::from_secs(2);

/// What names one state of a file's content. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileState {
    device: u64,
    inode: u64,
    /// Its length, in bytes.
    pub size: u64,
    /// When its content changed.
    pub mtime: i128,
    ctime: i128,
}

impl FileState {
    /// The state that this metadata tells of.
    #[must_use]
    pub fn new(metadata: &Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Is the last change so long ago that the next one will show?
    #[must_use]
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let settled = SETTLED.as_nanos();
        i128::try_from(now.saturating_sub(settled))
            .is_ok_and(|limit| self.mtime < limit && self.ctime < limit)
    }
}

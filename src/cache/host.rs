//! The store of one host: a [`Table`] in a file that all workers and masters of a user have mapped.
//!
//! There is no daemon and no lock: a process that is killed or stopped at any instant, in the middle of
//! anything, holds up nobody, and leaves behind at most a record that does not add up.
//!
//! # One file, or none
//!
//! An invalidation must reach every process that answers, so no two may use different files under one name.
//! A file that is no good is not repaired but unlinked, and a new one, with a run of its own and nothing in it, is
//! renamed into its place when it is complete. Before each use of the mapping a process asks the kernel whether
//! its file still has that name's place (`fstat`: it is still linked, and as long as it was); if not, it attaches
//! to whatever has the place now. So, if a file is replaced:
//!
//! - Who looks up in the old file after that began before that. Its request overlaps with whatever is
//!   invalidated in the new file, and may be answered as of its beginning.
//! - Who invalidates in the old file after that changed what it invalidates before that. The new file is empty,
//!   and what gets into it is from requests that took their S0 from it, after that: they saw the change. An S0
//!   of the old file is of another run, and refused.
//!
//! The child of a fork attaches anew: it may become another user, whose file is another. What is not noticed is a file that was moved away
//! or linked elsewhere and is still in use there. Delete it, don't move it.
//!
//! # What could hurt
//!
//! - A full disk: all blocks are reserved when the file is made (`fallocate`) and again when it is attached to, so
//!   that an error is told then and no write ever faults.
//! - A file that is cut off while it is mapped: whoever touches what is gone gets SIGBUS, and the kernel knows no
//!   way to forbid the cutting. Only the same user can do it (0600), and it is noticed before each use; what is
//!   left is the microsecond between the question and the use. (Reading records with `pread` would leave it too,
//!   for the stamps must be mapped, and each record read would cost as much as the question.)
//! - A crash of the machine: pages get to the disk in any order, stamps later than records. The file tells the
//!   boot that it was made in, and its own inode, so that neither it nor a copy of it is used in another.
//! - Another file under that name: it is moved aside (`….replaced`), not deleted.
//! - A newer version of this program with another layout: its file is left to it, and this process has no store.
//!   An older version's file is replaced, and the older processes then have none. They never share.

mod file;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::counts::Counts;
use super::in_table::InTable;
use super::map::Map;
use super::same_process::SameProcess;
use super::store::{Counters, StoreError};
use super::table::{Damaged, Table};
use file::Place;

pub use file::default_path;

/// The default size of the file, in octets: about 100,000 entries.
pub const DEFAULT_OCTETS: u64 = 32 << 20;

/// A store for all processes of one user on one host.
pub struct HostStore {
    path: Option<PathBuf>,
    octets: u64,
    attached: ArcSwapOption<Attached>,
    counts: Arc<Counts>,
    reattached: AtomicU64,
    failure: ArcSwapOption<Failure>,
}

/// That the file could not be attached to: it is not tried again at once, for to reserve a file on a full disk
/// takes its time.
struct Failure {
    at: Instant,
    message: String,
}

/// How long until it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The file that this process has mapped.
struct Attached {
    process: SameProcess,
    file: file::Identified,
    table: Table<Map>,
}

impl Attached {
    fn is_current(&self) -> bool {
        self.process.holds() && self.file.is_in_place() && self.table.is_intact()
    }
}

impl HostStore {
    /// The store in the file of this path, or of [`default_path`], which is made with so many octets (at least
    /// 64 KiB, in whole pages) if it is not there. A file that is in use keeps the size that it has.
    ///
    /// Nothing is opened before the first use, or [`HostStore::attach`].
    #[must_use]
    pub fn new(path: impl Into<Option<PathBuf>>, octets: u64) -> Self {
        Self {
            path: path.into(),
            octets,
            attached: ArcSwapOption::empty(),
            counts: Arc::default(),
            reattached: AtomicU64::new(0),
            failure: ArcSwapOption::empty(),
        }
    }

    /// Where the file is. By default that is told by the user that the process has now: a server's workers may
    /// have another than its master.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(default_path)
    }

    /// Look whether the file could be opened or made, as far as that can be told without doing so: for a master,
    /// whose workers will open it after the fork and maybe as another user.
    pub fn check(&self) -> Result<(), StoreError> {
        Place::new(self.path(), self.octets).check()
    }

    /// Open the file, or make it: what is wrong is told here, at the start.
    pub fn attach(&self) -> Result<(), StoreError> {
        self.attached().map(|_| ())
    }

    /// Attach to the file that has the place now.
    fn attached(&self) -> Result<Arc<Attached>, StoreError> {
        let process = same_process()?;
        match Place::new(self.path(), self.octets).attach(&self.counts) {
            Ok((file, table)) => Ok(self.keep(Attached { process, file, table })),
            Err(error) => {
                let (at, message) = (Instant::now(), error.to_string());
                self.failure.store(Some(Arc::new(Failure { at, message })));
                Err(error)
            }
        }
    }

    /// Several threads may be at it. Each uses what it attached to, and whichever comes last stays.
    fn keep(&self, attached: Attached) -> Arc<Attached> {
        let attached = Arc::new(attached);
        let before = self.attached.swap(Some(Arc::clone(&attached)));
        if before.is_some_and(|before| !before.file.is(&attached.file)) {
            self.reattached.fetch_add(1, Ordering::Relaxed);
        }
        self.failure.store(None);
        attached
    }

    /// The same, unless it has failed a moment ago.
    fn attached_again(&self) -> Result<Arc<Attached>, StoreError> {
        match self.failure.load().as_deref() {
            Some(failure) if failure.at.elapsed() < PAUSE => Err(StoreError::new(failure.message.clone())),
            _ => self.attached(),
        }
    }
}

fn same_process() -> Result<SameProcess, StoreError> {
    SameProcess::new().map_err(|error| StoreError::io("no memory for a store", error))
}

impl fmt::Debug for HostStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostStore").field("path", &self.path()).finish_non_exhaustive()
    }
}

impl InTable for HostStore {
    fn with<T>(&self, act: impl FnOnce(&Table<Map>) -> Result<T, Damaged>) -> Result<T, StoreError> {
        let attached = self.attached.load();
        let done = match attached.as_deref() {
            Some(attached) if attached.is_current() => act(&attached.table),
            _ => act(&self.attached_again()?.table),
        };
        done.map_err(|Damaged| {
            StoreError::new(format!(
                "{}: the store was written over while it was used",
                self.path().display()
            ))
        })
    }

    /// As long as there is no file nobody remembers anything: what will be stored in one that is made later is from
    /// requests that took their S0 from it, after that.
    fn is_there(&self) -> Result<bool, StoreError> {
        if self.attached.load().as_deref().is_some_and(Attached::is_current) {
            return Ok(true);
        }
        let process = same_process()?;
        let found = Place::new(self.path(), self.octets).find(&self.counts)?;
        Ok(found.map(|(file, table)| self.keep(Attached { process, file, table })).is_some())
    }

    fn counted(&self) -> Counters {
        Counters { reattached: self.reattached.load(Ordering::Relaxed), ..self.counts.read() }
    }
}

#[cfg(test)]
mod tests;

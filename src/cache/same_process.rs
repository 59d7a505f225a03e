//! Whether this is still the process that it was, or the child of a fork: asked before every use of a store, so it
//! may not cost what `getpid` costs.

use std::io;
use std::process;
use std::sync::atomic::Ordering::Relaxed;

use super::layout::PAGE;
use super::map::Map;
use super::words::Memory;

/// A mark that the child of a fork does not have. On Linux the kernel wipes it; elsewhere the process id tells.
#[derive(Debug)]
pub(super) struct SameProcess {
    mark: Map,
    id: u32,
}

impl SameProcess {
    /// The mark of this process.
    pub(super) fn new() -> io::Result<Self> {
        let mark = Map::anonymous(PAGE)?;
        if let Some(word) = mark.words().first() {
            word.store(1, Relaxed);
        }
        Ok(Self { mark, id: process::id() })
    }

    /// Whether it is this process that has it.
    pub(super) fn holds(&self) -> bool {
        let marked = self.mark.words().first().is_some_and(|word| word.load(Relaxed) == 1);
        marked && (cfg!(target_os = "linux") || self.id == process::id())
    }
}

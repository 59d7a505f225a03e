//! The store of one process: a [`Table`] in its own memory.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::counts::Counts;
use super::in_table::InTable;
use super::layout::LEAST_WORDS;
use super::map::Map;
use super::random;
use super::same_process::SameProcess;
use super::store::{Counters, StoreError};
use super::table::{Damaged, Table};

/// A store for one process. After a fork the child has an empty one of its own: what its parent invalidates it
/// would not hear of.
///
/// No lock is held at any time, so a fork at any time leaves none behind.
pub struct ProcessStore {
    words: usize,
    life: ArcSwapOption<Life>,
    counts: Arc<Counts>,
}

/// The table of one process.
struct Life {
    process: SameProcess,
    table: Table<Map>,
}

impl Life {
    fn is_ours(&self) -> bool {
        self.process.holds() && self.table.is_intact()
    }
}

impl ProcessStore {
    /// A store of so many octets, at least 64 KiB, which are taken when they are needed.
    #[must_use]
    pub fn new(octets: usize) -> Self {
        Self {
            words: (octets / size_of::<u64>()).max(LEAST_WORDS),
            life: ArcSwapOption::empty(),
            counts: Arc::default(),
        }
    }

    /// The first use in this process. Several threads may be at it: one of them wins.
    fn begin(&self) -> Result<Arc<Life>, StoreError> {
        let no_memory =
            |error| StoreError::io(format!("no memory for a store of {} words", self.words), error);
        let process = SameProcess::new().map_err(no_memory)?;
        let memory = Map::anonymous(self.words).map_err(no_memory)?;
        let table = Table::create(memory, random::run()?, &[], Arc::clone(&self.counts))
            .ok_or_else(|| StoreError::new(format!("{} words are too few for a store", self.words)))?;
        let new = Arc::new(Life { process, table });
        self.life.rcu(|life| match life {
            Some(life) if life.is_ours() => Arc::clone(life),
            _ => Arc::clone(&new),
        });
        self.life.load_full().ok_or_else(|| StoreError::new("the process store is gone"))
    }
}

impl InTable for ProcessStore {
    fn with<T>(&self, act: impl FnOnce(&Table<Map>) -> Result<T, Damaged>) -> Result<T, StoreError> {
        let life = self.life.load();
        let done = match life.as_deref() {
            Some(life) if life.is_ours() => act(&life.table),
            _ => act(&self.begin()?.table),
        };
        done.map_err(|Damaged| StoreError::new("the memory of the process store was written over"))
    }

    fn counted(&self) -> Counters {
        self.counts.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::key::{KeySpace, Target};
    use crate::cache::store::{Entry, Outcome, Store};

    #[test]
    fn a_wiped_store_begins_anew() {
        let store = ProcessStore::new(1 << 20);
        let key = KeySpace::new(b"", b"", b"").key(&Target::default());
        let s0 = store.sequence().expect("a store");
        let entry = Entry { s0, began: 0, keep: 0, names: &[], payload: b"own", shared: b"shared" };
        assert_eq!(store.store(&key, &entry).expect("a store"), Outcome::Stored);
        assert!(store.look_up(&key, &mut Vec::new()).expect("a store").found.is_some());

        // As the child of a fork finds it.
        store.life.load_full().expect("begun").table.wipe();
        assert_ne!(store.sequence().expect("a store").run, s0.run);
        assert!(store.look_up(&key, &mut Vec::new()).expect("a store").found.is_none());
        assert_eq!(store.store(&key, &entry).expect("a store"), Outcome::OtherRun);
        assert_eq!(store.counters().stored, 1);
    }

    #[test]
    fn many_threads_begin_one_store() {
        let store = ProcessStore::new(0);
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| store.sequence().expect("a store").run)).collect();
            let runs: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
            assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
        });
    }
}

//! What the stores have in common that keep their entries in a [`Table`] which this process has mapped.

use super::key::{Key, Name};
use super::map::Map;
use super::stamps::Sequence;
use super::store::{Counters, Entry, LookUp, Outcome, Store, StoreError};
use super::table::{Damaged, Table};

/// A store that finds its table anew for each use: a fork, or another process, may have taken it away.
pub trait InTable: Send + Sync {
    /// Do something with the table.
    ///
    /// # Errors
    ///
    /// If there is none that can be used, or it was damaged meanwhile.
    fn with<T>(&self, act: impl FnOnce(&Table<Map>) -> Result<T, Damaged>) -> Result<T, StoreError>;

    /// See [`Store::is_there`].
    ///
    /// # Errors
    ///
    /// If it can't be told, or can't be used.
    fn is_there(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// See [`Store::counters`].
    fn counted(&self) -> Counters;
}

impl<S: InTable> Store for S {
    fn sequence(&self) -> Result<Sequence, StoreError> {
        self.with(Table::sequence)
    }

    fn look_up<'b>(&self, key: &Key, buffer: &'b mut Vec<u8>) -> Result<LookUp<'b>, StoreError> {
        self.with(|table| table.look_up(key, buffer))
    }

    fn store(&self, key: &Key, entry: &Entry<'_>) -> Result<Outcome, StoreError> {
        self.with(|table| table.store(key, entry))
    }

    fn invalidate(&self, names: &[Name], unsettled_until: u64) -> Result<Sequence, StoreError> {
        self.with(|table| table.invalidate(names, unsettled_until))
    }

    fn lease(&self, key: &Key, now: u64, until: u64) -> Result<bool, StoreError> {
        self.with(|table| table.lease(key, now, until))
    }

    fn is_there(&self) -> Result<bool, StoreError> {
        InTable::is_there(self)
    }

    fn counters(&self) -> Counters {
        self.counted()
    }
}

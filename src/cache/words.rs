//! Words of memory that threads or processes share: what a [`Table`](super::table::Table) lies in.

use std::sync::atomic::{AtomicU64, Ordering};

/// One word that is read and written as a whole.
pub trait Word {
    /// The value.
    fn load(&self, order: Ordering) -> u64;
    /// Another value.
    fn store(&self, value: u64, order: Ordering);
    /// Another value if it still is `current`; else the one that it is, which is read relaxed.
    fn compare_exchange(&self, current: u64, new: u64, order: Ordering) -> Result<u64, u64>;
    /// One more; the value before.
    fn increment(&self, order: Ordering) -> u64;
    /// At least this; the value before.
    fn raise(&self, value: u64, order: Ordering) -> u64;
}

/// A row of words.
pub trait Memory {
    /// What it consists of.
    type Word: Word;
    /// All of them.
    fn words(&self) -> &[Self::Word];
}

impl Word for AtomicU64 {
    #[inline]
    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    #[inline]
    fn store(&self, value: u64, order: Ordering) {
        self.store(value, order);
    }

    #[inline]
    fn compare_exchange(&self, current: u64, new: u64, order: Ordering) -> Result<u64, u64> {
        self.compare_exchange(current, new, order, Ordering::Relaxed)
    }

    #[inline]
    fn increment(&self, order: Ordering) -> u64 {
        self.fetch_add(1, order)
    }

    #[inline]
    fn raise(&self, value: u64, order: Ordering) -> u64 {
        self.fetch_max(value, order)
    }
}

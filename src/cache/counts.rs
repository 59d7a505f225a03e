//! What stores count while they are used.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::store::Counters;

/// What is counted, in this process, whichever store or table it happens in.
#[derive(Debug, Default)]
pub struct Counts {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) invalid: AtomicU64,
    pub(super) torn: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) not_stored: AtomicU64,
    pub(super) evictions: AtomicU64,
    pub(super) invalidations: AtomicU64,
}

impl Counts {
    /// What was counted.
    #[must_use]
    pub fn read(&self) -> Counters {
        let of = |counter: &AtomicU64| counter.load(Relaxed);
        Counters {
            hits: of(&self.hits),
            misses: of(&self.misses),
            invalid: of(&self.invalid),
            torn: of(&self.torn),
            stored: of(&self.stored),
            not_stored: of(&self.not_stored),
            evictions: of(&self.evictions),
            invalidations: of(&self.invalidations),
            ..Counters::default()
        }
    }
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

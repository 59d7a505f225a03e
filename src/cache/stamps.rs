//! The protocol by which no stored response outlives its invalidation: a few pure functions.
//!
//! A store has one sequence number, and a *stamp* for each name, both 0 at first.
//!
//! - A request notes the sequence number before the application runs: its S0, which is stored with the entry.
//! - An invalidation takes the [`next`] number n, then raises the stamp of each name that it hits to n
//!   ([`raised`]), and then returns.
//! - A look-up reads the entry, and then the stamps of the entry's own names; the entry answers only if it
//!   [`is_valid`]: its S0 is at least each of them.
//! - An entry is stored only if it is valid then and its request [`is_settled`], and over an earlier entry of its key
//!   only if it [`may_overwrite`] that.
//!
//! Why that is enough. Whoever changed something invalidates afterwards. If the application of a request read the
//! old state, it did so before the change, so the request's S0 was read before n was taken: S0 < n. Once the
//! invalidation has returned the stamps are ≥ n for ever, and the entry is invalid, whether it was stored before
//! or will be stored later. If S0 ≥ n, the request began after the change and saw it. A number that was taken by a
//! process that died before it raised the stamps is lost, and nothing else: that invalidation never returned.
//!
//! The names are those of the entry that was read, which is why the stamps come second: the stamps of the names
//! of some earlier entry say nothing about the one that took its place.
//!
//! Every store decides by these functions, and the model checker runs the very same.

/// A number of the sequence: of one run of one store. Numbers of two runs are never compared: an entry or a
/// request of another run is a miss, so that a store that was replaced, emptied or restored from a snapshot
/// brings nothing back to life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// Which life of which store: a random number, made when the store was made empty.
    pub run: u64,
    /// How many invalidations that store had begun.
    pub number: u64,
}

/// The number that an invalidation takes, which becomes the sequence number.
#[must_use]
pub const fn next(sequence: u64) -> u64 {
    sequence.saturating_add(1)
}

/// The stamp of a name after the invalidation with this number has hit it. Stamps never fall.
#[must_use]
pub const fn raised(stamp: u64, number: u64) -> u64 {
    if stamp < number { number } else { stamp }
}

/// Whether an entry of a request that began at `s0` may answer: nothing that bears one of its names was
/// invalidated since.
#[must_use]
pub fn is_valid(s0: u64, stamps: impl IntoIterator<Item = u64>) -> bool {
    stamps.into_iter().all(|stamp| s0 >= stamp)
}

/// Whether an entry with this S0 may take the place of an entry of the same key with that one. An equal S0 may:
/// the later response is the better one.
#[must_use]
pub const fn may_overwrite(stored_s0: u64, s0: u64) -> bool {
    s0 >= stored_s0
}

/// Whether a request that began at this time read what was already settled: not in the time after an
/// invalidation in which replicas of a database may still serve what was there before.
#[must_use]
pub const fn is_settled(began: u64, unsettled_until: u64) -> bool {
    began >= unsettled_until
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalidation_ends_what_began_before_it_and_nothing_that_begins_after() {
        let before = 7;
        let number = next(before);
        let stamp = raised(raised(3, number), 2);
        assert!(!is_valid(before, [0, stamp]));
        assert!(is_valid(number, [0, stamp]));
        assert!(is_valid(before, [0, before]));
        assert!(is_valid(0, []));
    }

    #[test]
    fn an_older_entry_never_takes_the_place_of_a_newer_one() {
        assert!(!may_overwrite(8, 7));
        assert!(may_overwrite(7, 7));
        assert!(may_overwrite(7, 8));
    }

    #[test]
    fn a_request_that_began_too_soon_after_an_invalidation_is_not_settled() {
        assert!(!is_settled(999, 1000));
        assert!(is_settled(1000, 1000));
        assert!(is_settled(1, 0));
    }
}

//! Where what lies in the words of a table: a head, the stamps, the leases, and the sets of records.

use std::ops::Range;

/// What tells a table from anything else: `notmodif`.
pub const MAGIC: u64 = u64::from_be_bytes(*b"notmodif");

/// The version of all that is said here and in `record.rs` and `entry.rs`. A change of any of it is a new one.
pub const VERSION: u64 = 1;

/// The words of a page of 4096 octets, in which everything is counted.
pub const PAGE: usize = 512;

/// What the words of the first page are. Each that is written often has 128 octets for itself.
pub mod head {
    /// [`MAGIC`](super::MAGIC).
    pub const MAGIC: usize = 0;
    /// [`VERSION`](super::VERSION).
    pub const VERSION: usize = 1;
    /// The words of the whole table, from which all else follows.
    pub const WORDS: usize = 2;
    /// The run of the store (see [`Sequence`](super::super::stamps::Sequence)), never 0.
    pub const RUN: usize = 3;
    /// Which file it is in, if it is in one: a copy of that is no store.
    pub const FILE: usize = 4;
    /// The boot of the machine in which that was made.
    pub const BOOT: usize = 5;
    /// The sequence number.
    pub const SEQUENCE: usize = 16;
}

/// The records of a set, each in a slot of [`SLOT`] words, after [`SET_HEAD`] words: 4096 octets in all.
pub const WAYS: usize = 16;
/// The words of a slot.
pub const SLOT: usize = 31;
/// The words at the start of a set: the tags of its records, and what eviction needs.
pub const SET_HEAD: usize = PAGE - WAYS * SLOT;

/// The fewest words of a table: 64 KiB.
pub const LEAST_WORDS: usize = 16 * PAGE;

/// How many there are of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Stamps, a power of two. There are as many times at which names are settled.
    pub cells: usize,
    /// Leases.
    pub leases: usize,
    /// Sets of records.
    pub sets: usize,
}

impl Layout {
    /// What fits into so many words: nothing, if they are fewer than [`LEAST_WORDS`].
    ///
    /// About a thirty-second part is for stamps, 64 Ki of them in 32 MiB: the more there are, the seldomer
    /// invalidates a name what bears another.
    #[must_use]
    pub fn of_words(words: usize) -> Option<Self> {
        if words < LEAST_WORDS {
            return None;
        }
        let cells = ((words / 64 + 1).next_power_of_two() / 2).clamp(PAGE, 1 << 20);
        let leases = PAGE;
        let rest = words - PAGE - 2 * cells - leases;
        Some(Self { cells, leases, sets: rest / PAGE })
    }

    /// The stamps.
    #[must_use]
    pub fn stamps(&self) -> Range<usize> {
        PAGE..PAGE + self.cells
    }

    /// Until when each name is unsettled.
    #[must_use]
    pub fn unsettled(&self) -> Range<usize> {
        let start = self.stamps().end;
        start..start + self.cells
    }

    /// The leases.
    #[must_use]
    pub fn leases(&self) -> Range<usize> {
        let start = self.unsettled().end;
        start..start + self.leases
    }

    /// The words of a set.
    #[must_use]
    pub fn set(&self, number: usize) -> Range<usize> {
        let start = self.leases().end + number * PAGE;
        start..start + PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_lies_inside_and_nothing_in_two_places() {
        assert_eq!(Layout::of_words(LEAST_WORDS - 1), None);
        for words in (LEAST_WORDS..100_000).step_by(37).chain([4 << 20, 12_500_000, 1 << 30]) {
            let layout = Layout::of_words(words).expect("enough");
            assert!(layout.sets > 0 && layout.cells.is_power_of_two());
            assert!(head::SEQUENCE < layout.stamps().start);
            assert_eq!(layout.stamps().end, layout.unsettled().start);
            assert_eq!(layout.unsettled().end, layout.leases().start);
            assert_eq!(layout.leases().end, layout.set(0).start);
            assert_eq!(layout.set(0).start % PAGE, 0, "a set is a page");
            let end = layout.set(layout.sets - 1).end;
            assert!(end <= words && words - end < PAGE, "{words}: {end}");
        }
    }

    #[test]
    fn the_default_has_64_ki_stamps() {
        assert_eq!(Layout::of_words((32 << 20) / 8).expect("enough").cells, 1 << 16);
    }
}

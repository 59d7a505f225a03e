//! One record in its slot: some octets under a 128-bit key, found whole or not at all.
//!
//! Nobody locks a slot. Who writes it first claims it, by putting its S0 where that of the record before stood,
//! if it is still there; then it writes the words one by one, in any order, and among them a checksum of all.
//! Who reads takes the words one by one too, and what does not add up is no record: half written, written by two
//! at once, left behind by a process that was killed. A writer that was stopped in the middle and goes on when
//! the slot has long been another's only makes it add up no more, for the S0 is not written again.

use std::sync::atomic::Ordering::Relaxed;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::layout::SLOT;
use super::words::Word;

/// The most octets of one record.
pub const CAPACITY: usize = (SLOT - DATA) * 8;

// The words of a slot.
const CHECK: usize = 0;
const S0: usize = 1;
const KEY: usize = 2;
const KIND_AND_LENGTH: usize = 4;
const DATA: usize = 5;

/// What a record is for. Records of different kinds are different even if their keys are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An entry, or its first part.
    Entry = 1,
    /// A part of what many entries have in common.
    Piece = 2,
}

/// The key of a record, and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordKey {
    /// What it is for.
    pub kind: Kind,
    /// The key in two words, evenly distributed.
    pub words: [u64; 2],
}

/// A record as it is in memory of our own: the octets that the checksum is of.
#[derive(Clone, Debug)]
pub struct Record {
    length: usize,
    image: [u8; Self::HEAD + CAPACITY],
}

impl Record {
    /// S0, the key, kind and length, before the data.
    const HEAD: usize = (DATA - S0) * 8;

    /// A record of `length` octets, at most [`CAPACITY`], which are still to be put in.
    fn new(s0: u64, key: &RecordKey, length: usize) -> Self {
        let mut image = [0; Self::HEAD + CAPACITY];
        let [high, low] = key.words;
        let words = [s0, high, low, (key.kind as u64) << 32 | length as u64];
        for (octets, word) in image.chunks_exact_mut(8).zip(words) {
            octets.copy_from_slice(&word.to_le_bytes());
        }
        Self { length, image }
    }

    /// S0 of the request that it came from.
    #[must_use]
    pub fn s0(&self) -> u64 {
        self.words().next().unwrap_or_default()
    }

    /// What was written.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.image[Self::HEAD..Self::HEAD + self.length]
    }

    fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.image[Self::HEAD..Self::HEAD + self.length]
    }

    /// Head and data in whole words; what is after the data is 0.
    fn covered(&self) -> usize {
        Self::HEAD + self.length.next_multiple_of(8)
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.image[..self.covered()].chunks_exact(8).map(|octets| {
            let mut word = [0; 8];
            word.copy_from_slice(octets);
            u64::from_le_bytes(word)
        })
    }

    fn checksum(&self, run: u64) -> u64 {
        xxh3_64_with_seed(&self.image[..self.covered()], run)
    }
}

/// The record that was looked for, or a part of it, is there, and does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn;

/// The record of a key, if it is in this slot. `run` is that of the store.
pub fn read<W: Word>(slot: &[W], key: &RecordKey, run: u64) -> Result<Option<Record>, Torn> {
    // Of a length that the compiler knows: without a check for each word.
    let Some(slot) = slot.first_chunk::<SLOT>() else { return Ok(None) };
    let word = |at: usize| slot[at].load(Relaxed);
    if [word(KEY), word(KEY + 1)] != key.words {
        return Ok(None);
    }
    let kind_and_length = word(KIND_AND_LENGTH);
    if kind_and_length >> 32 != key.kind as u64 {
        return Ok(None);
    }
    let length = (kind_and_length & 0xffff_ffff) as usize;
    if length > CAPACITY {
        return Err(Torn);
    }
    let mut record = Record::new(word(S0), key, length);
    let data = Record::HEAD..record.covered();
    for (octets, word) in record.image[data].chunks_exact_mut(8).zip(&slot[DATA..]) {
        octets.copy_from_slice(&word.load(Relaxed).to_le_bytes());
    }
    if record.checksum(run) != word(CHECK) {
        return Err(Torn);
    }
    Ok(Some(record))
}

/// The S0 that a slot is claimed with now.
pub fn claim_of<W: Word>(slot: &[W]) -> u64 {
    slot.get(S0).map_or(0, |word| word.load(Relaxed))
}

/// Write a record into a slot which is still claimed with `claimed`; whether it was. At most [`CAPACITY`] octets.
pub fn write<W: Word>(slot: &[W], claimed: u64, s0: u64, key: &RecordKey, octets: &[u8], run: u64) -> bool {
    let Some(claim) = slot.get(S0) else { return false };
    if octets.len() > CAPACITY || claim.compare_exchange(claimed, s0, Relaxed).is_err() {
        return false;
    }
    let mut record = Record::new(s0, key, octets.len());
    record.octets_mut().copy_from_slice(octets);
    let put = |at: usize, value: u64| {
        if let Some(word) = slot.get(at) {
            word.store(value, Relaxed);
        }
    };
    put(CHECK, record.checksum(run));
    // All but S0, which only the claim may change.
    for (word, at) in record.words().zip(S0..).skip(1) {
        put(at, word);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use proptest::prelude::*;

    use super::*;

    const RUN: u64 = 0xdead_beef;

    fn slot() -> Vec<AtomicU64> {
        (0..SLOT).map(|_| AtomicU64::new(0)).collect()
    }

    fn key(words: [u64; 2]) -> RecordKey {
        RecordKey { kind: Kind::Entry, words }
    }

    fn found(slot: &[AtomicU64], key: &RecordKey) -> Option<(u64, Vec<u8>)> {
        let record = read(slot, key, RUN).ok()??;
        Some((record.s0(), record.octets().to_vec()))
    }

    proptest! {
        #[test]
        fn what_is_written_is_found_and_nothing_of_what_was_there(
            before in prop::collection::vec(any::<u8>(), 0..=CAPACITY),
            after in prop::collection::vec(any::<u8>(), 0..=CAPACITY),
            words: [u64; 2],
            s0: u64,
        ) {
            let slot = slot();
            prop_assert!(write(&slot, 0, 1, &key([1, 2]), &before, RUN));
            prop_assert!(write(&slot, 1, s0, &key(words), &after, RUN));
            prop_assert_eq!(found(&slot, &key(words)), Some((s0, after)));
        }

        #[test]
        fn any_other_bits_are_no_record(octets in prop::collection::vec(any::<u8>(), 0..=CAPACITY), at in 0..SLOT, flip in 1_u64..) {
            let slot = slot();
            let key = key([1, 2]);
            prop_assert!(write(&slot, 0, 1, &key, &octets, RUN));
            let whole = found(&slot, &key);
            slot[at].fetch_xor(flip, Relaxed);
            let then = found(&slot, &key);
            // What comes after the octets of a record is nobody's.
            prop_assert!(then.is_none() || at >= DATA + octets.len().div_ceil(8) && then == whole);
        }

        #[test]
        fn random_words_are_no_record(words in prop::collection::vec(any::<u64>(), 0..=SLOT)) {
            let slot: Vec<_> = words.iter().copied().map(AtomicU64::new).collect();
            let key = key([words.get(KEY).copied().unwrap_or(0), words.get(KEY + 1).copied().unwrap_or(0)]);
            prop_assert!(found(&slot, &key).is_none());
        }
    }

    #[test]
    fn a_record_of_another_run_or_kind_is_none() {
        let slot = slot();
        let entry = key([1, 2]);
        assert!(write(&slot, 0, 1, &entry, b"octets", RUN));
        assert!(read(&slot, &entry, RUN + 1).is_err());
        assert!(matches!(read(&slot, &RecordKey { kind: Kind::Piece, ..entry }, RUN), Ok(None)));
    }

    #[test]
    fn what_was_claimed_by_another_is_not_written() {
        let slot = slot();
        assert!(write(&slot, 0, 6, &key([1, 2]), b"new", RUN));
        assert!(!write(&slot, 0, 5, &key([1, 2]), b"old", RUN));
        assert_eq!(found(&slot, &key([1, 2])), Some((6, b"new".to_vec())));
    }

    #[test]
    fn a_writer_that_was_stopped_and_goes_on_too_late_leaves_no_record() {
        let late = slot();
        assert!(write(&late, 0, 5, &key([1, 2]), b"of five", RUN));
        let ours = slot();
        assert!(write(&ours, 0, 6, &key([1, 2]), b"of six", RUN));
        // All that the late one had still to write after its claim.
        for (at, word) in late.iter().enumerate().filter(|(at, _)| *at != S0) {
            ours[at].store(word.load(Relaxed), Relaxed);
            assert!(read(&ours, &key([1, 2]), RUN).is_err(), "after word {at}");
        }
    }
}

//! The store itself, in any row of words: records in sets, stamps, leases, one sequence number. No lock.
//!
//! The same table lies in the memory of one process ([`process`](super::process)) and in a file that the
//! processes of a host have mapped ([`host`](super::host)).
//!
//! A record may lie in any of the 16 slots of one set, which its key says. The head of the set has 32 bits of
//! each record's key, so that a look-up reads one or two slots; a bit for each record that was used, and a hand
//! that goes round, by which the record to make room is chosen (the clock algorithm). All of that is a hint: if
//! it is wrong, something is not found that is there. What is found adds up (`record.rs`) and is valid
//! (`stamps.rs`), or it is not found.
//!
//! # Which order of memory, and why it is enough
//!
//! The sequence number and the stamps are changed by read-modify-write operations that acquire and release, and
//! are read with acquire. Two things follow.
//!
//! - A request whose S0 is at least n has read the number that an invalidation took, or a later one of the same
//!   release sequence. What the invalidator did before, to change what it invalidates, happened before what the
//!   request does after. So an application that saw the old state has an S0 below n.
//! - What happens after an invalidation has returned (the client has its answer and asks anew) happens after the
//!   stamps were raised, and reads them raised: a stamp that was once seen never falls.
//!
//! Records are relaxed all through, because the checksum says what acquire and release would, and leases because
//! they order nothing. `tests/cache_atomics.rs` explores what the memory model of C11 allows.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::counts::{Counts, count};
use super::entry::{self, Decoded, Encoded};
use super::key::{Key, Name};
use super::layout::{Layout, MAGIC, SET_HEAD, SLOT, VERSION, WAYS, head};
use super::record::{self, Record, RecordKey, Torn};
use super::stamps::{self, Sequence};
use super::store::{Entry, Found, LookUp, Outcome};
use super::words::{Memory, Word};

/// The bits of a lease's word that say until when it is; the others say whose it is.
const LEASE_TIME_BITS: u32 = 42;

// The words of a set's head, after the tags.
const USED: usize = WAYS / 2;
const HAND: usize = USED + 1;

/// A store in a row of words.
pub struct Table<M> {
    memory: M,
    layout: Layout,
    run: u64,
    counts: Arc<Counts>,
}

/// The table is no longer what it was: somebody wrote over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

impl<M: Memory> Table<M> {
    /// An empty table in words that are all 0, of a run which is not 0, with what else is to stand in its head;
    /// `None` if they are too few.
    pub fn create(memory: M, run: u64, marks: &[(usize, u64)], counts: Arc<Counts>) -> Option<Self> {
        let words = memory.words();
        let layout = Layout::of_words(words.len())?;
        let run = run.max(1);
        let known = [(head::VERSION, VERSION), (head::WORDS, words.len() as u64), (head::RUN, run)];
        for &(at, value) in known.iter().chain(marks).chain(&[(head::MAGIC, MAGIC)]) {
            words.get(at)?.store(value, Release);
        }
        Some(Self { memory, layout, run, counts })
    }

    /// The table that is in these words already; `None` if there is none, or one of another version or length.
    pub fn attach(memory: M, counts: Arc<Counts>) -> Option<Self> {
        let words = memory.words();
        let layout = Layout::of_words(words.len())?;
        let word = |at: usize| words.get(at).map_or(0, |word| word.load(Acquire));
        let run = word(head::RUN);
        let ours = word(head::MAGIC) == MAGIC
            && word(head::VERSION) == VERSION
            && word(head::WORDS) == words.len() as u64
            && run != 0;
        ours.then_some(Self { memory, layout, run, counts })
    }

    /// Whether it is still the table that it was.
    pub fn is_intact(&self) -> bool {
        self.word(head::RUN).load(Acquire) == self.run && self.word(head::MAGIC).load(Acquire) == MAGIC
    }

    /// The sequence number.
    pub fn sequence(&self) -> Result<Sequence, Damaged> {
        let number = self.word(head::SEQUENCE).load(Acquire);
        self.intact()?;
        Ok(Sequence { run: self.run, number })
    }

    /// See [`Store::look_up`](super::Store::look_up).
    pub fn look_up<'b>(&self, key: &Key, buffer: &'b mut Vec<u8>) -> Result<LookUp<'b>, Damaged> {
        // Before anything else: it is the S0 of a request that finds nothing.
        let sequence = self.sequence()?;
        let found = self.find_entry(key, buffer);
        // If somebody wrote over the stamps, then they wrote over this too.
        self.intact()?;
        count(if found.is_some() { &self.counts.hits } else { &self.counts.misses });
        Ok(LookUp { sequence, found })
    }

    fn find_entry<'b>(&self, key: &Key, buffer: &'b mut Vec<u8>) -> Option<Found<'b>> {
        let record = self.find(&entry::record_key(key))?.1;
        let decoded = Decoded::of(record.octets())?;
        buffer.clear();
        buffer.reserve(decoded.lengths.total());
        buffer.extend_from_slice(decoded.own);
        if let Some(rest) = decoded.rest {
            for (key, length) in rest.pieces() {
                let (_, piece) = self.find(&key)?;
                if piece.octets().len() != length {
                    return None;
                }
                buffer.extend_from_slice(piece.octets());
            }
        }
        let (names, payload, shared) = decoded.lengths.split(buffer)?;
        // Only now, for the names are those of the entry that was read.
        let stamps = names.map(|name| self.stamp(name)).chain([self.stamp(entry::short(Name::site()))]);
        if !stamps::is_valid(record.s0(), stamps) {
            count(&self.counts.invalid);
            return None;
        }
        Some(Found { s0: record.s0(), payload, shared })
    }

    /// See [`Store::store`](super::Store::store).
    pub fn store(&self, key: &Key, entry: &Entry<'_>) -> Result<Outcome, Damaged> {
        let outcome = self.store_entry(key, entry);
        self.intact()?;
        count(if outcome == Outcome::Stored { &self.counts.stored } else { &self.counts.not_stored });
        Ok(outcome)
    }

    fn store_entry(&self, key: &Key, entry: &Entry<'_>) -> Outcome {
        if entry.s0.run != self.run {
            return Outcome::OtherRun;
        }
        let s0 = entry.s0.number;
        let names = || entry.names.iter().copied().chain([Name::site()]).map(entry::short);
        if !stamps::is_valid(s0, names().map(|name| self.stamp(name))) {
            return Outcome::Invalidated;
        }
        if !names().all(|name| stamps::is_settled(entry.began, self.unsettled_until(name))) {
            return Outcome::Unsettled;
        }
        let Some(encoded) = Encoded::of(entry) else { return Outcome::TooLarge };
        let key = entry::record_key(key);
        let existing = self.find(&key);
        if let Some((_, stored)) = &existing
            && !stamps::may_overwrite(stored.s0(), s0)
        {
            return Outcome::Superseded;
        }
        // What the entry refers to goes first. It is named by what it is, so it has no time.
        for (key, octets) in encoded.pieces() {
            if self.find(&key).is_none() && !self.write(&key, None, 0, octets) {
                return Outcome::Contended;
            }
        }
        let place = existing.map(|(way, stored)| (way, stored.s0()));
        if self.write(&key, place, s0, &encoded.record) { Outcome::Stored } else { Outcome::Contended }
    }

    /// See [`Store::invalidate`](super::Store::invalidate).
    pub fn invalidate(&self, names: &[Name], unsettled_until: u64) -> Result<Sequence, Damaged> {
        // Before the number is taken, so that who has an S0 from after it knows.
        if unsettled_until > 0 {
            for name in names {
                self.cell(self.layout.unsettled().start, entry::short(*name)).raise(unsettled_until, AcqRel);
            }
        }
        let number = stamps::next(self.word(head::SEQUENCE).increment(AcqRel));
        for name in names {
            self.cell(self.layout.stamps().start, entry::short(*name)).raise(number, AcqRel);
        }
        self.intact()?;
        count(&self.counts.invalidations);
        Ok(Sequence { run: self.run, number })
    }

    /// See [`Store::lease`](super::Store::lease).
    pub fn lease(&self, key: &Key, now: u64, until: u64) -> Result<bool, Damaged> {
        let [high, low] = entry::record_key(key).words;
        let word = self.word(self.layout.leases().start + below(low, self.layout.leases));
        let latest = (1 << LEASE_TIME_BITS) - 1;
        let whose = high << LEASE_TIME_BITS;
        let held = word.load(Relaxed);
        self.intact()?;
        if held & !latest == whose && held & latest > now {
            return Ok(false);
        }
        Ok(word.compare_exchange(held, whose | until.min(latest), Relaxed).is_ok())
    }

    fn intact(&self) -> Result<(), Damaged> {
        if self.is_intact() { Ok(()) } else { Err(Damaged) }
    }

    fn stamp(&self, name: u32) -> u64 {
        self.cell(self.layout.stamps().start, name).load(Acquire)
    }

    fn unsettled_until(&self, name: u32) -> u64 {
        self.cell(self.layout.unsettled().start, name).load(Acquire)
    }

    fn cell(&self, start: usize, name: u32) -> &M::Word {
        self.word(start + (name as usize & (self.layout.cells - 1)))
    }

    /// `at` comes from the layout, which is of just these words.
    fn word(&self, at: usize) -> &M::Word {
        &self.memory.words()[at]
    }

    fn set(&self, key: &RecordKey) -> Set<'_, M::Word> {
        Set(&self.memory.words()[self.layout.set(below(key.words[1], self.layout.sets))])
    }

    /// The newest record of a key, and in which way of its set it is.
    fn find(&self, key: &RecordKey) -> Option<(usize, Record)> {
        let set = self.set(key);
        let tag = tag_of(key);
        let mut newest: Option<(usize, Record)> = None;
        for way in set.ways_of(tag) {
            match record::read(set.slot(way), key, self.run) {
                Ok(Some(record)) => {
                    if newest.as_ref().is_none_or(|(_, other)| other.s0() < record.s0()) {
                        newest = Some((way, record));
                    }
                }
                Ok(None) => {}
                Err(Torn) => count(&self.counts.torn),
            }
        }
        if let Some((way, _)) = newest {
            set.mark_used(way);
        }
        newest
    }

    /// Write a record in the place of another with this way and S0, or wherever there is room or some is made.
    fn write(&self, key: &RecordKey, place: Option<(usize, u64)>, s0: u64, octets: &[u8]) -> bool {
        let set = self.set(key);
        let room = || {
            let free = (0..WAYS).find(|&way| set.tag(way) == 0);
            let way = free.unwrap_or_else(|| {
                count(&self.counts.evictions);
                set.victim()
            });
            (way, record::claim_of(set.slot(way)))
        };
        let (way, claimed) = place.unwrap_or_else(room);
        // Not marked as used: what is stored and never asked for makes room first.
        let written = record::write(set.slot(way), claimed, s0, key, octets, self.run);
        if written {
            set.put_tag(way, tag_of(key));
        }
        written
    }
}

/// One of `count` numbers, as evenly as the bits of a key are.
fn below(bits: u64, count: usize) -> usize {
    let scaled = (u128::from(bits) * count as u128) >> 64;
    usize::try_from(scaled).unwrap_or_default()
}

/// 32 bits of a key, of which its set was not chosen; never 0, which is no record.
fn tag_of(key: &RecordKey) -> u64 {
    (key.words[0] & 0xffff_ffff) | 1
}

/// The words of one set.
struct Set<'t, W>(&'t [W]);

impl<'t, W: Word> Set<'t, W> {
    fn slot(&self, way: usize) -> &'t [W] {
        let start = SET_HEAD + way * SLOT;
        &self.0[start..start + SLOT]
    }

    fn tag(&self, way: usize) -> u64 {
        self.0[way / 2].load(Relaxed) >> (32 * (way % 2)) & 0xffff_ffff
    }

    /// The ways with a tag.
    fn ways_of(&self, tag: u64) -> impl Iterator<Item = usize> {
        let both = |(at, word): (usize, &W)| {
            let tags = word.load(Relaxed);
            u32::from(tags & 0xffff_ffff == tag) << (2 * at) | u32::from(tags >> 32 == tag) << (2 * at + 1)
        };
        let mut ways = self.0[..WAYS / 2].iter().enumerate().map(both).fold(0, |ways, both| ways | both);
        std::iter::from_fn(move || {
            let way = ways.trailing_zeros();
            ways &= ways.wrapping_sub(1);
            (way < u32::BITS).then_some(way as usize)
        })
    }

    fn put_tag(&self, way: usize, tag: u64) {
        let shift = 32 * (way % 2);
        self.change(way / 2, |both| both & !(0xffff_ffff << shift) | tag << shift);
    }

    /// Written only when it changes: many processes may be reading a record that is used often.
    fn mark_used(&self, way: usize) {
        if self.0[USED].load(Relaxed) & 1 << way == 0 {
            self.change(USED, |used| used | 1 << way);
        }
    }

    /// The record that makes room: the first from the hand on that was not used since the hand last passed it.
    fn victim(&self) -> usize {
        let hand = usize::try_from(self.0[HAND].load(Relaxed)).unwrap_or_default();
        let (way, used) = clock(self.0[USED].load(Relaxed), hand % WAYS);
        self.0[USED].store(used, Relaxed);
        self.0[HAND].store((way + 1) as u64, Relaxed);
        way
    }

    fn change(&self, at: usize, change: impl Fn(u64) -> u64) {
        let word = &self.0[at];
        let mut now = word.load(Relaxed);
        while let Err(other) = word.compare_exchange(now, change(now), Relaxed) {
            now = other;
        }
    }
}

/// From the hand on, the first way whose bit is not set, and the bits without those that were passed.
fn clock(used: u64, hand: usize) -> (usize, u64) {
    let mut used = used;
    for way in (hand..WAYS).chain(0..hand) {
        if used & 1 << way == 0 {
            return (way, used);
        }
        used &= !(1 << way);
    }
    (hand, used)
}

#[cfg(test)]
mod races;
#[cfg(test)]
mod tests;

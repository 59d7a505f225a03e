//! The store of many hosts: a Redis or Valkey server that runs three scripts.
//!
//! All that is here is plain Rust; who carries a script to the server is a [`Link`]. A look-up, a store and an
//! invalidation are each one script, which the server runs as one step. A look-up's script returns what it found,
//! and the functions of [`stamps`] judge it here; whether an entry may be stored is to be judged in the same step as
//! it is written, so `store.lua` has their comparisons in Lua, which `tests/remote_store.rs` holds against them.
//!
//! # Runs
//!
//! A run is an epoch: a random number that stands in the same key as all stamps. A new one is made when that key is
//! gone, and when the server's replication id is not the one beside it: that is another whenever a server starts and
//! whenever a replica is promoted. So a server that lost anything (restarted from a snapshot or empty, replaced by a
//! replica that lagged behind, flushed, with stamps evicted) is another run, and nothing of what was stored before is
//! ever valid again. Within a run nothing that was acknowledged is lost, as one process has it in its memory.
//!
//! # Clocks
//!
//! The server's clock counts, by which entries expire, leases end and names settle: what is told to it are
//! lengths of time. Freshness is judged by the host's clock as well, so that one that is behind can't lengthen it
//! and one that is ahead shortens it.
//!
//! # When it is gone
//!
//! After a failure a [`Breaker`] keeps callers from asking. An invalidation that failed is kept (as far as this
//! process lives) and sent before anything else is asked.

pub mod breaker;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use smallvec::SmallVec;

use super::counts::{Counts, count};
use super::key::{Key, Name};
use super::random;
use super::stamps::{self, Sequence};
use super::store::{Counters, Entry, Found, LookUp, MAX_NAMES, MAX_OCTETS, Outcome, Store, StoreError};
use breaker::Breaker;

/// The key of the state. What is in braces has all keys in one slot of a Cluster. The number is the version of all
/// that is in the keys, and of the scripts.
const STATE: &[u8] = b"{notmodified}:1:state";
const ENTRY: &[u8] = b"{notmodified}:1:entry:";
const LEASE: &[u8] = b"{notmodified}:1:lease:";

/// The octets of an entry before its names: run, S0, number of names.
const HEAD: usize = 34;

/// The longest that an entry is kept, in milliseconds: a month.
const LONGEST: u64 = 30 * 24 * 3600 * 1000;

/// The most names whose invalidation failed that are kept; more are the whole site.
const MAX_PENDING: usize = 1_000;

/// What the server runs. `SHA1` of the text is its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Find an entry, with the stamps of its names, and the sequence number.
    LookUp,
    /// Store an entry.
    Store,
    /// Raise stamps.
    Invalidate,
}

impl Script {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::LookUp, Self::Store, Self::Invalidate];

    /// Its text, in Lua.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::LookUp => concat!(include_str!("remote/common.lua"), include_str!("remote/look_up.lua")),
            Self::Store => concat!(
                include_str!("remote/common.lua"),
                include_str!("remote/clock.lua"),
                include_str!("remote/store.lua")
            ),
            Self::Invalidate => concat!(
                include_str!("remote/common.lua"),
                include_str!("remote/clock.lua"),
                include_str!("remote/invalidate.lua")
            ),
        }
    }
}

/// Why a call failed.
#[derive(Debug)]
pub struct Failure {
    /// What to say.
    pub error: StoreError,
    /// Whether the server did not answer, or not in time. Else it refused.
    pub is_gone: bool,
}

/// Who carries a script to the server, and its reply back.
pub trait Link: Send + Sync {
    /// Run a script. Its reply is octets.
    ///
    /// # Errors
    ///
    /// If there is none.
    fn run(&self, script: Script, keys: &[&[u8]], arguments: &[&[u8]]) -> Result<Vec<u8>, Failure>;

    /// Set a key that expires after so many milliseconds, if it is not there; whether it was not.
    ///
    /// # Errors
    ///
    /// If the server does not say.
    fn set_if_absent(&self, key: &[u8], milliseconds: u64) -> Result<bool, Failure>;

    /// The wall clock by which the callers of the store give times.
    fn now(&self) -> u64;
}

/// A store on a server that many hosts reach.
pub struct RemoteStore<L> {
    link: L,
    breaker: Breaker,
    since: Instant,
    has_pending: AtomicBool,
    pending: Mutex<Pending>,
    /// How far the server's clock is ahead of this host's, in milliseconds; at least that far.
    ahead: AtomicI64,
    counts: Counts,
    postponed: AtomicU64,
    /// The run that was seen last, and how many were.
    run: AtomicU64,
    runs: AtomicU64,
}

/// Invalidations that failed.
#[derive(Debug, Default)]
struct Pending {
    names: Vec<Name>,
    unsettled_until: u64,
}

impl<L: Link> RemoteStore<L> {
    /// The store that this link leads to. Nothing is asked before the first use.
    pub fn new(link: L) -> Self {
        Self {
            link,
            breaker: Breaker::default(),
            since: Instant::now(),
            has_pending: AtomicBool::new(false),
            pending: Mutex::default(),
            ahead: AtomicI64::new(0),
            counts: Counts::default(),
            postponed: AtomicU64::new(0),
            run: AtomicU64::new(0),
            runs: AtomicU64::new(0),
        }
    }

    /// Milliseconds of a clock that only goes on, never 0.
    fn clock(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX >> 2) + 1
    }

    /// Tell the breaker what came of a call.
    fn heard<T>(&self, result: Result<T, Failure>, is_vital: bool) -> Result<T, StoreError> {
        match result {
            Ok(value) => {
                self.breaker.succeeded();
                Ok(value)
            }
            Err(Failure { error, is_gone }) => {
                if is_gone || is_vital {
                    self.breaker.failed(self.clock(), random::run().unwrap_or(1));
                }
                Err(error)
            }
        }
    }

    fn run(
        &self,
        script: Script,
        keys: &[&[u8]],
        arguments: &[&[u8]],
        is_vital: bool,
    ) -> Result<Vec<u8>, StoreError> {
        self.heard(self.link.run(script, keys, arguments), is_vital)
    }

    /// Send what was to be invalidated before: nothing may be answered before that stands.
    fn catch_up(&self) -> Result<(), StoreError> {
        if !self.has_pending.load(Relaxed) {
            return Ok(());
        }
        let Pending { names, unsettled_until } = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            self.has_pending.store(false, Relaxed);
            std::mem::take(&mut *pending)
        };
        for part in names.chunks(MAX_NAMES) {
            if let Err(error) = self.raise(part, unsettled_until) {
                self.postpone_all(&names, unsettled_until);
                return Err(error);
            }
        }
        Ok(())
    }

    fn postpone_all(&self, names: &[Name], unsettled_until: u64) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if !pending.names.contains(name) {
                pending.names.push(*name);
            }
        }
        if pending.names.len() > MAX_PENDING {
            pending.names = vec![Name::site()];
        }
        pending.unsettled_until = pending.unsettled_until.max(unsettled_until);
        self.has_pending.store(true, Relaxed);
    }

    fn raise(&self, names: &[Name], unsettled_until: u64) -> Result<Sequence, StoreError> {
        let epoch = epoch()?;
        let unsettled = decimal(unsettled_until.saturating_sub(self.link.now()));
        let places: SmallVec<[[u8; 2]; 8]> = names.iter().map(|name| place(*name)).collect();
        let mut arguments: SmallVec<[&[u8]; 16]> = SmallVec::new();
        arguments.push(epoch.as_bytes());
        arguments.push(unsettled.as_bytes());
        arguments.extend(places.iter().map(<[u8; 2]>::as_slice));
        let reply = self.run(Script::Invalidate, &[STATE], &arguments, true)?;
        sequence_of(&mut numbers_of(&reply)).ok_or_else(unreadable)
    }

    /// Look at nothing, or at the entry of a key.
    fn ask(&self, key: Option<&Key>) -> Result<(Sequence, Vec<u8>), StoreError> {
        self.catch_up()?;
        let entry = key.map(|key| named(ENTRY, key));
        let mut keys: SmallVec<[&[u8]; 2]> = SmallVec::new();
        keys.push(STATE);
        keys.extend(entry.as_deref());
        let mut reply = self.run(Script::LookUp, &keys, &[], true)?;
        if reply.is_empty() {
            reply = self.run(Script::LookUp, &keys, &[epoch()?.as_bytes()], true)?;
        }
        let (time, sequence) = time_and_sequence_of(head_of(&reply).0).ok_or_else(unreadable)?;
        // The server read its clock before this host reads its own now.
        self.ahead.store(time.cast_signed().saturating_sub(self.link.now().cast_signed()), Relaxed);
        if self.run.swap(sequence.run, Relaxed) != sequence.run {
            count(&self.runs);
        }
        Ok((sequence, reply))
    }

    /// The valid entry in a reply.
    fn find<'b>(&self, sequence: Sequence, reply: &'b [u8]) -> Option<Found<'b>> {
        let (head, entry) = head_of(reply);
        let Some(decoded) = Decoded::of(entry?) else {
            count(&self.counts.torn);
            return None;
        };
        // A stamp that can't be read is as one that is higher than any S0.
        let stamps = || numbers_of(head).skip(4).map(|stamp| number(stamp).unwrap_or(u64::MAX));
        if stamps().count() != decoded.names {
            count(&self.counts.torn);
            return None;
        }
        if decoded.run != sequence.run || !stamps::is_valid(decoded.s0, stamps()) {
            count(&self.counts.invalid);
            return None;
        }
        Some(Found { s0: decoded.s0, payload: decoded.payload, shared: decoded.shared })
    }
}

impl<L: Link> Store for RemoteStore<L> {
    fn sequence(&self) -> Result<Sequence, StoreError> {
        self.ask(None).map(|(sequence, _)| sequence)
    }

    fn look_up<'b>(&self, key: &Key, buffer: &'b mut Vec<u8>) -> Result<LookUp<'b>, StoreError> {
        let (sequence, reply) = self.ask(Some(key))?;
        *buffer = reply;
        let found = self.find(sequence, buffer);
        count(if found.is_some() { &self.counts.hits } else { &self.counts.misses });
        Ok(LookUp { sequence, found })
    }

    fn store(&self, key: &Key, entry: &Entry<'_>) -> Result<Outcome, StoreError> {
        let Some(octets) = encoded(entry) else {
            count(&self.counts.not_stored);
            return Ok(Outcome::TooLarge);
        };
        let began = entry.began.saturating_add_signed(self.ahead.load(Relaxed));
        let (began, until) = (decimal(began), decimal(began + entry.keep.min(LONGEST)));
        let name = named(ENTRY, key);
        let arguments = [octets.as_slice(), began.as_bytes(), until.as_bytes()];
        // That it refuses an entry, for it has no room, says nothing of look-ups.
        let reply = self.run(Script::Store, &[STATE, &name], &arguments, false)?;
        let outcome = match reply.as_slice() {
            b"stored" => Outcome::Stored,
            b"invalidated" => Outcome::Invalidated,
            b"unsettled" => Outcome::Unsettled,
            b"superseded" => Outcome::Superseded,
            b"other run" => Outcome::OtherRun,
            b"too late" => Outcome::Contended,
            _ => return Err(unreadable()),
        };
        let counter = if outcome == Outcome::Stored { &self.counts.stored } else { &self.counts.not_stored };
        count(counter);
        Ok(outcome)
    }

    fn invalidate(&self, names: &[Name], unsettled_until: u64) -> Result<Sequence, StoreError> {
        match self.raise(names, unsettled_until) {
            Ok(sequence) => {
                count(&self.counts.invalidations);
                Ok(sequence)
            }
            Err(error) => {
                self.postpone(names, unsettled_until);
                Err(error)
            }
        }
    }

    fn lease(&self, key: &Key, now: u64, until: u64) -> Result<bool, StoreError> {
        let milliseconds = until.saturating_sub(now).max(1);
        self.heard(self.link.set_if_absent(&named(LEASE, key), milliseconds), true)
    }

    fn counters(&self) -> Counters {
        Counters {
            reattached: self.runs.load(Relaxed).saturating_sub(1),
            breaker_opened: self.breaker.opened(),
            skipped: self.breaker.skipped(),
            postponed: self.postponed.load(Relaxed),
            ..self.counts.read()
        }
    }

    fn admits(&self) -> bool {
        self.breaker.admits(self.clock())
    }

    fn postpone(&self, names: &[Name], unsettled_until: u64) {
        self.postpone_all(names, unsettled_until);
        count(&self.postponed);
    }
}

/// An entry as the server has it.
struct Decoded<'e> {
    run: u64,
    s0: u64,
    names: usize,
    payload: &'e [u8],
    shared: &'e [u8],
}

impl<'e> Decoded<'e> {
    fn of(entry: &'e [u8]) -> Option<Self> {
        let (run, after) = entry.split_at_checked(16)?;
        let (s0, after) = after.split_at_checked(16)?;
        let (names, after) = after.split_first_chunk::<2>()?;
        let names = usize::from(u16::from_be_bytes(*names));
        let (_, after) = after.split_at_checked(names * 2)?;
        let (payload, after) = after.split_first_chunk::<2>()?;
        let (payload, shared) = after.split_at_checked(usize::from(u16::from_be_bytes(*payload)))?;
        Some(Self { run: hexadecimal(run)?, s0: hexadecimal(s0)?, names, payload, shared })
    }
}

/// See `common.lua`. `None` if it is too large.
fn encoded(entry: &Entry<'_>) -> Option<Vec<u8>> {
    if entry.names.len() > MAX_NAMES || entry.payload.len() + entry.shared.len() > MAX_OCTETS {
        return None;
    }
    let names = u16::try_from(entry.names.len() + 1).ok()?;
    let payload = u16::try_from(entry.payload.len()).ok()?;
    let (own, shared) = (entry.payload, entry.shared);
    let mut octets = Vec::with_capacity(HEAD + 2 * usize::from(names) + 2 + own.len() + shared.len());
    octets.extend_from_slice(format!("{:016x}{:016x}", entry.s0.run, entry.s0.number).as_bytes());
    octets.extend_from_slice(&names.to_be_bytes());
    for name in entry.names.iter().copied().chain([Name::site()]) {
        octets.extend_from_slice(&place(name));
    }
    octets.extend_from_slice(&payload.to_be_bytes());
    octets.extend_from_slice(own);
    octets.extend_from_slice(shared);
    Some(octets)
}

/// Where the stamp of a name is: there are 65,536 of them. Names that share one are invalidated together.
fn place(name: Name) -> [u8; 2] {
    ((name.bits() & 0xffff) as u16).to_be_bytes()
}

fn named(kind: &[u8], key: &Key) -> SmallVec<[u8; 64]> {
    let mut name = SmallVec::from_slice(kind);
    for octet in key.octets() {
        name.extend([octet >> 4, octet & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
    }
    name
}

/// What a look-up returned: its numbers, and the entry.
fn head_of(reply: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = reply.splitn(2, |&octet| octet == b'\n');
    let head = parts.next().unwrap_or_default();
    (head.trim_ascii_end(), parts.next().and_then(|entry| entry.strip_prefix(b" ")))
}

fn numbers_of(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|&octet| octet == b' ')
}

/// The time is in milliseconds.
fn time_and_sequence_of(head: &[u8]) -> Option<(u64, Sequence)> {
    let mut numbers = numbers_of(head);
    let (seconds, microseconds) = (number(numbers.next()?)?, number(numbers.next()?)?);
    Some((seconds.saturating_mul(1000).saturating_add(microseconds / 1000), sequence_of(&mut numbers)?))
}

fn sequence_of<'h>(head: &mut impl Iterator<Item = &'h [u8]>) -> Option<Sequence> {
    Some(Sequence { run: hexadecimal(head.next()?)?, number: number(head.next()?)? })
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

fn number(digits: &[u8]) -> Option<u64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

fn decimal(number: u64) -> String {
    number.to_string()
}

fn epoch() -> Result<String, StoreError> {
    random::run().map(|random| format!("{random:016x}"))
}

fn unreadable() -> StoreError {
    StoreError::new("the server answers what no script of this version does")
}

#[cfg(test)]
mod tests;

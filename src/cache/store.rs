//! What every store of the validator cache can do.
//!
//! One look-up is one call (for a store across the network one round trip), and so is a store and an invalidation.
//! Times are milliseconds since the Unix epoch, by one clock for all processes of a store.

use std::fmt;
use std::io;

use super::key::{Key, Name};
use super::stamps::Sequence;

/// The longest payload and shared part of one entry, together, in octets.
pub const MAX_OCTETS: usize = 8 * 1024;

/// The most names of one entry.
pub const MAX_NAMES: usize = 255;

/// Where stored responses are kept. All its functions may be called by any thread at any time.
pub trait Store: Send + Sync {
    /// The sequence number, to be noted before the application runs: the request's S0. [`Store::look_up`] tells
    /// it too.
    fn sequence(&self) -> Result<Sequence, StoreError>;

    /// The entry of a key, if there is one and [it is valid](super::stamps::is_valid). `buffer` is where it is
    /// put; what it held before is dropped.
    fn look_up<'b>(&self, key: &Key, buffer: &'b mut Vec<u8>) -> Result<LookUp<'b>, StoreError>;

    /// Store an entry. That it was not is no error: the [`Outcome`] tells why.
    fn store(&self, key: &Key, entry: &Entry<'_>) -> Result<Outcome, StoreError>;

    /// Invalidate every entry that bears one of these names, and every one that a request which has begun will
    /// store. It returns when that stands: from then on no look-up of any process finds them.
    ///
    /// What requests that begin before `unsettled_until` say is not stored under these names (`settle`; 0 for
    /// at once).
    fn invalidate(&self, names: &[Name], unsettled_until: u64) -> Result<Sequence, StoreError>;

    /// Whether it is there, which nothing is made for: where it is not, nobody has stored anything, and there is
    /// nothing to invalidate.
    fn is_there(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Whether the caller is the one that runs the application for a stale entry of this key, while others are
    /// answered from it: true for one caller until the time `until`, and then for one again. More than one may
    /// be told so if two keys' leases collide, which costs a run of the application and nothing else.
    fn lease(&self, key: &Key, now: u64, until: u64) -> Result<bool, StoreError>;

    /// What happened in this process so far.
    fn counters(&self) -> Counters;

    /// Whether the store is to be asked now. One that has failed a moment ago is not: it would cost time, and
    /// most likely fail again. Whoever is told to ask does.
    fn admits(&self) -> bool {
        true
    }

    /// Invalidate these names when the store is to be asked again, before anything is: if this process lives.
    fn postpone(&self, _names: &[Name], _unsettled_until: u64) {}
}

/// What is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The sequence number before the application ran.
    pub s0: Sequence,
    /// When the request began, in milliseconds since the Unix epoch.
    pub began: u64,
    /// For how many milliseconds after that it can be of use. A store may forget it then.
    pub keep: u64,
    /// The names that it bears beside the site's, which all have: its path, its URI, its groups. At most
    /// [`MAX_NAMES`].
    pub names: &'a [Name],
    /// What is this entry's own.
    pub payload: &'a [u8],
    /// What many entries have in common, such as the fields of the 304: kept once.
    pub shared: &'a [u8],
}

/// The answer to a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookUp<'b> {
    /// The sequence number when the look-up began: S0, if the application is to run now.
    pub sequence: Sequence,
    /// The valid entry.
    pub found: Option<Found<'b>>,
}

/// An entry that is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'b> {
    /// S0 of the request that it came from.
    pub s0: u64,
    /// What was stored as [`Entry::payload`].
    pub payload: &'b [u8],
    /// What was stored as [`Entry::shared`].
    pub shared: &'b [u8],
}

/// What became of an entry that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Stored,
    /// One of its names was invalidated after its request began.
    Invalidated,
    /// The time after an invalidation of one of its names is not over.
    Unsettled,
    /// There is an entry of a later request.
    Superseded,
    /// The store was replaced after its request began.
    OtherRun,
    /// Another process was storing at the same place.
    Contended,
    /// It is longer than [`MAX_OCTETS`], or has more than [`MAX_NAMES`] names.
    TooLarge,
}

/// What a store counts, in this process, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Look-ups that found a valid entry.
    pub hits: u64,
    /// Look-ups that found none.
    pub misses: u64,
    /// Of these, such as found an entry that was invalidated.
    pub invalid: u64,
    /// Of these, such as found damaged octets: half written, or written over.
    pub torn: u64,
    /// Entries stored.
    pub stored: u64,
    /// Entries that were not stored; the [`Outcome`] told why.
    pub not_stored: u64,
    /// Records that had to make room.
    pub evictions: u64,
    /// Invalidations.
    pub invalidations: u64,
    /// How often the store was found gone, damaged or replaced, and attached anew.
    pub reattached: u64,
    /// How often a store that failed was given up for a while.
    pub breaker_opened: u64,
    /// How often a store was not asked because it had failed a moment ago.
    pub skipped: u64,
    /// Invalidations that failed, to be made up for when the store is there again.
    pub postponed: u64,
}

/// Why a store could not be used.
#[derive(Debug)]
pub struct StoreError {
    message: String,
    source: Option<io::Error>,
}

impl StoreError {
    /// An error with a sentence that names the place and what would be right.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// What the operating system said, and of what.
    pub fn io(message: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self { message: message.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

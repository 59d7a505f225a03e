//! The validator cache as the middleware uses it: a store, the keys of one application, and between them the
//! rules of RFC 9111 for look-ups, storing and invalidation.
//!
//! Under the key of a request stands its stored response, or, once a response has had a Vary, the names of the
//! request fields that tell its variants apart. Those names only grow until the record is dropped, so a response
//! is always stored under every field that its own Vary names, and perhaps under more: over-key, never under-key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use smallvec::SmallVec;

use super::key::{Key, KeySpace, Name, Target, is_same_host};
use super::stamps::Sequence;
use super::store::{Counters as StoreCounters, Entry, Outcome, Store, StoreError};
use super::stored_response::{Question, StoredResponse, Use, decode_variants, variants};
use crate::http::cache_control::CacheControl;
use crate::http::freshness::{self, MAX_VARY, Millis, Refusal, VaryNames};
use crate::http::preconditions::Context;
use crate::http::reference;

/// How long one request has to renew a stale response before another one tries, in milliseconds.
const LEASE: Millis = 10_000;

/// For how long at least the names of fields that tell variants apart are kept, in milliseconds: a day.
const KEEP_NAMES: u64 = 24 * 3600 * 1000;

/// What is configured of it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The cookies that `Vary: Cookie` stands for; all if there are none.
    pub vary_cookies: Vec<String>,
    /// For how long after an invalidation nothing is stored, in milliseconds.
    pub settle: Millis,
    /// Obey the directives of requests (RFC 9111 §5.2.1).
    pub obey_request_directives: bool,
}

/// A request as the cache sees it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What it asks for.
    pub target: Target<'a>,
    /// Fields that may change what the application answers although no Vary says so: each that is there, by its
    /// lower-case name.
    pub also: &'a [(&'static str, Vec<u8>)],
    /// Any other field of it, by its lower-case name.
    pub field: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// When it came.
    pub at: Millis,
}

/// Why the application has to run for a request that asked about a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Nothing is stored for it, or what was is invalid.
    Nothing,
    /// Nothing is stored for it with these values of the fields in Vary.
    Variant,
    /// The client has another representation than the stored one.
    OtherValidator,
    /// What is stored is stale.
    Stale,
    /// What is stored is stale, others are answered from it, and this request renews it (RFC 5861 §3).
    Renews,
    /// It has credentials, and the stored response may not be shared.
    Credentials,
    /// The request asks for something fresher.
    Asked,
}

impl Miss {
    const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Variant,
        Self::OtherValidator,
        Self::Stale,
        Self::Renews,
        Self::Credentials,
        Self::Asked,
    ];

    /// The documented word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Variant => "variant",
            Self::OtherValidator => "other-validator",
            Self::Stale => "stale",
            Self::Renews => "renews",
            Self::Credentials => "credentials",
            Self::Asked => "asked",
        }
    }

    /// The reason why a request is forwarded, as RFC 9211 §2.2 has it.
    #[must_use]
    pub const fn forwarded(self) -> &'static str {
        match self {
            Self::Nothing => "uri-miss",
            Self::Variant => "vary-miss",
            Self::OtherValidator => "miss",
            Self::Stale | Self::Renews => "stale",
            Self::Credentials => "bypass",
            Self::Asked => "request",
        }
    }
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// It must not be.
    Refused(Refusal),
    /// It has neither entity-tag nor date to be revalidated by.
    NoValidator,
    /// Its Cache-Groups can't be read, or are too many, so that no invalidation could be sure of it.
    Groups,
    /// It does not fit into an entry of the store.
    TooLarge,
    /// The representation was invalidated while it was made, or a moment before (`settle`).
    Invalidated,
    /// What a later request was told is stored already, or another process is just storing it.
    Superseded,
}

impl NotStored {
    /// Those that are no [`Refusal`].
    const OTHERS: [Self; 5] =
        [Self::NoValidator, Self::Groups, Self::TooLarge, Self::Invalidated, Self::Superseded];

    /// The documented word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.word(),
            Self::NoValidator => "no-validator",
            Self::Groups => "groups",
            Self::TooLarge => "too-large",
            Self::Invalidated => "invalidated",
            Self::Superseded => "superseded",
        }
    }

    /// Whether another request for the page is most likely told the same.
    #[must_use]
    pub const fn is_of_the_page(self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(
                refusal,
                Refusal::NothingSaid
                    | Refusal::NoStore
                    | Refusal::Private
                    | Refusal::NoCache
                    | Refusal::Vary
                    | Refusal::Stale
            ),
            Self::NoValidator | Self::Groups | Self::TooLarge => true,
            Self::Invalidated | Self::Superseded => false,
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::Refused(refusal) => refusal as usize,
            Self::NoValidator => Refusal::ALL.len(),
            Self::Groups => Refusal::ALL.len() + 1,
            Self::TooLarge => Refusal::ALL.len() + 2,
            Self::Invalidated => Refusal::ALL.len() + 3,
            Self::Superseded => Refusal::ALL.len() + 4,
        }
    }
}

/// Where the octets of an entry are put while it is looked at.
#[derive(Debug, Default)]
pub struct Buffers {
    first: Vec<u8>,
    second: Vec<u8>,
}

/// The answer to a look-up.
#[derive(Debug)]
pub struct Looked<'b> {
    /// To be noted before the application runs.
    pub sequence: Sequence,
    /// What may answer, or why nothing may.
    pub answer: Result<StoredResponse<'b>, Miss>,
}

/// A response that is to be remembered.
#[derive(Debug)]
pub struct Remembered<'a> {
    /// What is stored of it.
    pub response: StoredResponse<'a>,
    /// The fields that it varies on.
    pub vary: VaryNames,
    /// Its cache groups (RFC 9875).
    pub groups: Vec<String>,
}

/// The validator cache of one application.
pub struct ValidatorCache {
    store: Arc<dyn Store>,
    keys: KeySpace,
    options: Options,
    counts: Counts,
}

impl ValidatorCache {
    /// The cache of the application with these keys, in this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, keys: KeySpace, options: Options) -> Self {
        Self { store, keys, options, counts: Counts::default() }
    }

    /// Whether the store is to be asked for this request.
    #[must_use]
    pub fn admits(&self) -> bool {
        self.store.admits()
    }

    /// The number to note before the application runs.
    ///
    /// # Errors
    ///
    /// If the store can't be used.
    pub fn sequence(&self) -> Result<Sequence, StoreError> {
        self.count_errors(self.store.sequence())
    }

    /// Find what may answer a question that [is for a cache](Question::is_for_cache).
    ///
    /// # Errors
    ///
    /// If the store can't be used.
    pub fn look_up<'b>(
        &self,
        request: &Request<'_>,
        question: &Question<'_>,
        context: &Context,
        buffers: &'b mut Buffers,
    ) -> Result<Looked<'b>, StoreError> {
        let looked = self.count_errors(self.find(request, question, context, buffers))?;
        match &looked.answer {
            Ok(response) => {
                self.counts.answered.fetch_add(1, Relaxed);
                self.counts.app_time_saved.fetch_add(response.app_time.into(), Relaxed);
            }
            Err(miss) => {
                if let Some(counter) = self.counts.missed.get(*miss as usize) {
                    counter.fetch_add(1, Relaxed);
                }
            }
        }
        Ok(looked)
    }

    fn find<'b>(
        &self,
        request: &Request<'_>,
        question: &Question<'_>,
        context: &Context,
        buffers: &'b mut Buffers,
    ) -> Result<Looked<'b>, StoreError> {
        let Buffers { first, second } = buffers;
        let mut key = self.key(request);
        let looked = self.store.look_up(&key, first)?;
        let sequence = looked.sequence;
        let miss = |why| Ok(Looked { sequence, answer: Err(why) });
        let Some(mut found) = looked.found else { return miss(Miss::Nothing) };
        if let Some(names) = decode_variants(found.payload) {
            key = self.variant(&key, &names, request);
            match self.store.look_up(&key, second)?.found {
                Some(variant) => found = variant,
                None => return miss(Miss::Variant),
            }
        }
        let Some(response) = StoredResponse::decode(found.payload, found.shared) else {
            return miss(Miss::Nothing);
        };
        if self.options.obey_request_directives {
            let text = |name| (request.field)(name).map(|value| String::from_utf8_lossy(&value).into_owned());
            let said = text("cache-control");
            let directives = said.as_deref().map(CacheControl::from_field).unwrap_or_default();
            // Pragma counts where there is no Cache-Control (RFC 9111 §5.4).
            let no_cache = said.is_none() && text("pragma").is_some_and(|value| value.contains("no-cache"));
            if !freshness::request_allows(&directives, no_cache, &response.freshness, request.at) {
                return miss(Miss::Asked);
            }
        }
        match response.use_for(question, context, request.at) {
            Use::Answer => {}
            Use::AnswerWhileRevalidated => {
                let (now, until) = (unsigned(request.at), unsigned(request.at.saturating_add(LEASE)));
                if self.store.lease(&key, now, until)? {
                    return miss(Miss::Renews);
                }
            }
            Use::OtherValidator => return miss(Miss::OtherValidator),
            Use::Stale => return miss(Miss::Stale),
            Use::Credentials => return miss(Miss::Credentials),
        }
        Ok(Looked { sequence, answer: Ok(response) })
    }

    /// The stored response of a request, fresh or not, with the tag that an answer of the application's own
    /// confirms (RFC 9111 §4.3.4).
    ///
    /// # Errors
    ///
    /// If the store can't be used.
    pub fn stored<'b>(
        &self,
        request: &Request<'_>,
        buffers: &'b mut Buffers,
    ) -> Result<Option<StoredResponse<'b>>, StoreError> {
        let Buffers { first, second } = buffers;
        let key = self.key(request);
        let Some(found) = self.count_errors(self.store.look_up(&key, first))?.found else { return Ok(None) };
        let found = match decode_variants(found.payload) {
            None => Some(found),
            Some(names) => {
                let key = self.variant(&key, &names, request);
                self.count_errors(self.store.look_up(&key, second))?.found
            }
        };
        Ok(found.and_then(|found| StoredResponse::decode(found.payload, found.shared)))
    }

    /// Store a response to a request that began at `sequence`. Counts what became of it.
    ///
    /// # Errors
    ///
    /// If the store can't be used.
    pub fn remember(
        &self,
        request: &Request<'_>,
        sequence: Sequence,
        remembered: &Remembered<'_>,
    ) -> Result<Result<(), NotStored>, StoreError> {
        let stored = self.count_errors(self.put(request, sequence, remembered))?;
        match stored {
            Ok(()) => {
                self.counts.stored.fetch_add(1, Relaxed);
            }
            Err(why) => self.not_stored(why),
        }
        Ok(stored)
    }

    /// Count a response that is not stored.
    pub fn not_stored(&self, why: NotStored) {
        if let Some(counter) = self.counts.refused.get(why.place()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    fn put(
        &self,
        request: &Request<'_>,
        sequence: Sequence,
        remembered: &Remembered<'_>,
    ) -> Result<Result<(), NotStored>, StoreError> {
        let mut names = names_of(&request.target);
        let mut key = self.key(request);
        let mut buffer = Vec::new();
        let known = self.store.look_up(&key, &mut buffer)?.found;
        let known = known.and_then(|found| decode_variants(found.payload));
        let keep = unsigned(remembered.response.freshness.ends().saturating_sub(request.at));
        let store = |key: &Key, names: &[Name], payload: &[u8], shared: &[u8], keep: u64| {
            let entry = Entry { s0: sequence, began: unsigned(request.at), keep, names, payload, shared };
            Ok(match self.store.store(key, &entry)? {
                Outcome::Stored => Ok(()),
                Outcome::Invalidated | Outcome::Unsettled | Outcome::OtherRun => Err(NotStored::Invalidated),
                Outcome::Superseded | Outcome::Contended => Err(NotStored::Superseded),
                Outcome::TooLarge => Err(NotStored::TooLarge),
            })
        };
        let vary = &remembered.vary;
        let has_all = |known: &VaryNames| vary.iter().all(|name| known.contains(name));
        let told_apart_by = match known {
            None if vary.is_empty() => None,
            Some(known) if has_all(&known) => Some(known),
            known => {
                let mut union = known.unwrap_or_default();
                union.extend(vary.iter().cloned());
                union.sort_unstable();
                union.dedup();
                let union = if union.len() > MAX_VARY { vary.clone() } else { union };
                if let Err(why) = store(&key, &names, &variants(&union), &[], keep.max(KEEP_NAMES))? {
                    return Ok(Err(why));
                }
                Some(union)
            }
        };
        if let Some(fields) = told_apart_by {
            key = self.variant(&key, &fields, request);
        }
        for group in &remembered.groups {
            names.push(Name::group_anywhere(group.as_bytes()));
            for host in hosts(&request.target) {
                names.push(Name::group(host, group.as_bytes()));
            }
        }
        let encoded = remembered.response.encode();
        store(&key, &names, &encoded.own, &encoded.field_set, keep)
    }

    /// After an unsafe method was answered 2xx or 3xx: invalidate its path and those that same-origin Location
    /// and Content-Location name (RFC 9111 §4.4), and these groups of its origin (RFC 9875 §3).
    ///
    /// # Errors
    ///
    /// If the store can't be used.
    pub fn invalidate_after(
        &self,
        target: &Target<'_>,
        has_changed_target: bool,
        locations: &[&[u8]],
        groups: &[String],
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut names: SmallVec<[Name; 8]> = SmallVec::new();
        if has_changed_target {
            names.push(Name::path(target.script_name, target.path));
            let base = [target.script_name, target.path].concat();
            for place in locations.iter().filter_map(|location| reference::resolve(location, &base)) {
                let own = |host: &Vec<u8>| hosts(target).any(|own| is_same_host(own, host));
                if place.host.as_ref().is_none_or(own) {
                    names.push(Name::path(b"", &place.path));
                }
            }
        }
        for group in groups {
            names.extend(hosts(target).map(|host| Name::group(host, group.as_bytes())));
        }
        if names.is_empty() { Ok(()) } else { self.invalidate(&names, now) }
    }

    /// Invalidate everything that bears one of these names. When it returns, that stands.
    ///
    /// # Errors
    ///
    /// If the store can't be used: then nothing may have been invalidated.
    pub fn invalidate(&self, names: &[Name], now: Millis) -> Result<(), StoreError> {
        let until =
            if self.options.settle == 0 { 0 } else { unsigned(now.saturating_add(self.options.settle)) };
        if !self.store.admits() {
            self.store.postpone(names, until);
            return self.count_errors(Err(StoreError::new(
                "it failed a moment ago and is not asked: what was to be invalidated may be answered until it is",
            )));
        }
        self.count_errors(self.store.invalidate(names, until)).map(|_| {
            self.counts.invalidations.fetch_add(1, Relaxed);
        })
    }

    fn key(&self, request: &Request<'_>) -> Key {
        let key = self.keys.key(&request.target);
        if request.also.is_empty() {
            return key;
        }
        self.keys.variant(&key, request.also.iter().map(|(name, value)| (name.as_bytes(), Some(&value[..]))))
    }

    fn variant(&self, key: &Key, names: &VaryNames, request: &Request<'_>) -> Key {
        let values: SmallVec<[Option<Vec<u8>>; 4]> = names
            .iter()
            .map(|name| {
                let value = (request.field)(name);
                if name == "cookie" && !self.options.vary_cookies.is_empty() {
                    // None of these cookies is as no cookie at all.
                    value
                        .map(|cookies| narrowed(&cookies, &self.options.vary_cookies))
                        .filter(|own| !own.is_empty())
                } else {
                    value
                }
            })
            .collect();
        let fields = names.iter().zip(&values).map(|(name, value)| (name.as_bytes(), value.as_deref()));
        self.keys.variant(key, fields)
    }

    fn count_errors<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if result.is_err() {
            self.counts.store_errors.fetch_add(1, Relaxed);
        }
        result
    }

    /// All counts by name, those of the store too.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(String, u64)> {
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        let named = |name: &str, count| (format!("cache_{}", name.replace('-', "_")), count);
        let Counts { answered, missed, stored, refused, invalidations, store_errors, app_time_saved } =
            &self.counts;
        let StoreCounters { evictions, torn, reattached, breaker_opened, skipped, postponed, .. } =
            self.store.counters();
        let mut all = vec![
            named("answered", load(answered)),
            named("app_time_saved", load(app_time_saved)),
            named("stored", load(stored)),
            named("invalidations", load(invalidations)),
            named("store_errors", load(store_errors)),
            named("evictions", evictions),
            named("torn", torn),
            named("reattached", reattached),
            named("breaker_opened", breaker_opened),
            named("skipped", skipped),
            named("postponed", postponed),
        ];
        for (miss, counter) in Miss::ALL.iter().zip(missed) {
            all.push(named(&format!("missed_{}", miss.word()), load(counter)));
        }
        let reasons = Refusal::ALL.map(NotStored::Refused).into_iter().chain(NotStored::OTHERS);
        for why in reasons {
            let count = refused.get(why.place()).map_or(0, load);
            all.push(named(&format!("refused_{}", why.word()), count));
        }
        all
    }
}

#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    missed: [AtomicU64; Miss::ALL.len()],
    stored: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len() + NotStored::OTHERS.len()],
    invalidations: AtomicU64,
    store_errors: AtomicU64,
    /// Microseconds.
    app_time_saved: AtomicU64,
}

/// The store's clock has no time before 1970.
fn unsigned(time: Millis) -> u64 {
    u64::try_from(time).unwrap_or(0)
}

/// The names of a request's host: its own, and the one that a proxy says the client asked for.
fn hosts<'a>(target: &Target<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let forwarded = target.forwarded_host.into_iter().flat_map(|hosts| hosts.split(|octet| *octet == b','));
    [target.host.unwrap_or_default()].into_iter().chain(forwarded.map(crate::http::field::trim_ows))
}

/// The names that hit every entry of a request, whatever it varies on and belongs to.
fn names_of(target: &Target<'_>) -> SmallVec<[Name; 8]> {
    let mut names = SmallVec::new();
    names.push(Name::site());
    names.push(Name::path(target.script_name, target.path));
    for host in hosts(target).take(8) {
        names.push(Name::uri(host, target.script_name, target.path, target.query));
    }
    names
}

/// The cookies of these names out of a Cookie field (RFC 6265 §4.2.1), in their order there. Servers join several
/// lines with a comma, which applications take for a part of a value: such a cookie is kept if one of the names
/// is anywhere in it.
fn narrowed(cookies: &[u8], names: &[String]) -> Vec<u8> {
    let mut kept = Vec::new();
    for cookie in cookies.split(|octet| *octet == b';') {
        let cookie = cookie.trim_ascii();
        let end = cookie.iter().position(|octet| *octet == b'=').unwrap_or(cookie.len());
        let name = cookie.get(..end).unwrap_or(cookie).trim_ascii_end();
        let is_one = |ours: &String| {
            let ours = ours.as_bytes();
            name == ours || cookie.contains(&b',') && memchr::memmem::find(cookie, ours).is_some()
        };
        if names.iter().any(is_one) {
            kept.extend_from_slice(cookie);
            kept.push(b';');
        }
    }
    kept
}

//! What one thread keeps of the lines that it takes apart: tables and events of its own, so that none waits for
//! another. [`gather`](super::gather) makes one of all.

use std::borrow::Cow;

use super::event::{Event, Method, PRIVATE, UNKNOWN, VALIDATORS, validators};
use super::format::Format;
use super::lines::Piece;
use super::record::{Escaping, Field, Record};
use super::scan::MAX_LINE;
use super::slots::Slots;
use super::tables::{Strings, half_of, hash_of, place_of};
use super::time;
use super::totals::{Sum, Tally};

/// Shares of the clients, each of which is replayed by itself.
pub(super) const SHARES: usize = 64;

/// The user of requests without one.
const NOBODY: u32 = 0;

/// Events of a block. All are of one size, so that one that is given back serves for what is kept next; what is not
/// used of it takes no memory.
pub(super) const BLOCK: usize = 2048;

/// Events in blocks, so that their list never has to be copied to grow.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    full: Vec<Vec<Event>>,
    last: Vec<Event>,
    /// How many there are in those that are full.
    before: usize,
}

impl Blocks {
    fn push(&mut self, event: Event) {
        if self.last.len() == self.last.capacity() {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(BLOCK));
            self.before += full.len();
            if !full.is_empty() {
                self.full.push(full);
            }
        }
        self.last.push(event);
    }

    pub(super) fn len(&self) -> usize {
        self.before + self.last.len()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Vec<Event>> {
        self.full.iter_mut().chain([&mut self.last])
    }

    /// Take them out, block by block, so that each can be given back as soon as it is dealt with.
    pub(super) fn into_blocks(self) -> impl Iterator<Item = Vec<Event>> {
        self.full.into_iter().chain([self.last])
    }
}

/// An address as it is looked for: itself if it is short, as all of IPv4 and many of IPv6 are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Short {
    octets: [u8; 16],
    /// Of a longer one nothing else is here.
    length: u32,
}

impl Short {
    fn of(address: &[u8]) -> Self {
        let mut octets = [0; 16];
        if let (8..=16, Some(start), Some(end)) = (address.len(), address.first_chunk(), address.last_chunk())
        {
            // Two halves that overlap: as many octets as it happens to have are copied more slowly.
            let [start, end] = [start, end].map(|half| u128::from(u64::from_le_bytes(*half)));
            octets = (start | end << (8 * (address.len() - 8))).to_le_bytes();
        } else if let Some(whole) = octets.get_mut(..address.len()) {
            whole.copy_from_slice(address);
        }
        Self { octets, length: u32::try_from(address.len()).unwrap_or(u32::MAX) }
    }

    const fn is_whole(&self) -> bool {
        self.length as usize <= self.octets.len()
    }
}

/// Who asks.
#[derive(Debug)]
pub(super) struct Who {
    /// If it is long, where it starts stands in it.
    address: Short,
    hash: u32,
    pub(super) user: u32,
    pub(super) agent: u32,
}

impl Who {
    /// The share that a client belongs to, whichever thread meets it.
    pub(super) const fn share(&self) -> usize {
        share(self.hash)
    }
}

const fn share(hash: u32) -> usize {
    hash as usize % SHARES
}

/// Clients and their numbers.
#[derive(Debug, Default)]
pub(super) struct Clients {
    all: Vec<Who>,
    /// Addresses that are longer than most.
    long: Vec<u8>,
    numbers: Slots,
}

impl Clients {
    pub(super) fn all(&self) -> &[Who] {
        &self.all
    }

    pub(super) fn address<'a>(&'a self, who: &'a Who) -> &'a [u8] {
        address(&self.long, who)
    }

    fn has_address(&self, who: &Who, short: Short, text: &[u8]) -> bool {
        if short.is_whole() { who.address == short } else { self.address(who) == text }
    }

    /// The number of a client of that hash, which is kept if it is new.
    fn number(&mut self, hash: u32, short: Short, text: &[u8], user: u32, agent: u32) -> u32 {
        let same = |number: u32| {
            self.all.get(number as usize).is_some_and(|who| {
                who.hash == hash
                    && who.agent == agent
                    && who.user == user
                    && self.has_address(who, short, text)
            })
        };
        if let Some(number) = self.numbers.find(hash, same) {
            return number;
        }
        let mut own = short;
        if !short.is_whole() {
            own.octets[..8].copy_from_slice(&(self.long.len() as u64).to_le_bytes());
            self.long.extend_from_slice(text);
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Who { hash, address: own, user, agent });
        self.numbers.insert(hash, number);
        number
    }

    /// The number of a client that likely has this hash.
    fn likely(&self, hash: u32) -> Option<u32> {
        self.numbers.find(hash, |_| true)
    }

    /// Read where a client of another table is looked for, so that it is at hand.
    pub(super) fn touch(&self, who: &Who) -> u64 {
        self.numbers.touch(who.hash)
    }

    /// The number of a client of another table, whose user and agent have these numbers here.
    pub(super) fn number_of(&mut self, others: &Self, who: &Who, user: u32, agent: u32) -> u32 {
        let address = others.address(who);
        self.number(who.hash, Short::of(address), address, user, agent)
    }

    fn memory(&self) -> usize {
        self.all.capacity() * size_of::<Who>() + self.long.capacity() + self.numbers.memory()
    }
}

fn address<'a>(long: &'a [u8], who: &'a Who) -> &'a [u8] {
    let Short { octets, length } = &who.address;
    octets.get(..*length as usize).unwrap_or_else(|| {
        let start = u64::from_le_bytes(octets.first_chunk().copied().unwrap_or_default());
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        long.get(start..start.saturating_add(*length as usize)).unwrap_or_default()
    })
}

/// What one thread keeps.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) tally: Tally,
    pub(super) users: Strings,
    pub(super) agents: Strings,
    pub(super) urls: Strings,
    /// The line in which each URL was first met.
    pub(super) met: Vec<u32>,
    pub(super) clients: Clients,
    pub(super) shares: Vec<Blocks>,
    /// Clients whose place is higher are not kept.
    below: u64,
}

impl Part {
    pub(super) fn new() -> Self {
        Self::within(u64::MAX, Tally::default())
    }

    fn within(below: u64, tally: Tally) -> Self {
        let shares = std::iter::repeat_with(Blocks::default).take(SHARES).collect();
        let mut users = Strings::default();
        users.number(b"");
        Self {
            tally,
            users,
            agents: Strings::default(),
            urls: Strings::default(),
            met: Vec::new(),
            clients: Clients::default(),
            shares,
            below,
        }
    }

    /// Take the lines of a piece apart. `keeps` says whether to keep them or only count.
    pub(super) fn read(&mut self, format: &Format, piece: &Piece, rooms: &mut Rooms, keeps: bool) {
        let mut clock = Clock::default();
        let has_validators = VALIDATORS.iter().any(|field| format.has(*field));
        let mut lines = piece.lines();
        loop {
            let mut some: Vec<Seen<'_>> = Vec::with_capacity(ABREAST);
            let mut any = false;
            for room in &mut rooms.0 {
                let Some(line) = lines.next() else { break };
                any = true;
                self.tally.lines += 1;
                let mut record = Record::new(line.text, Escaping::Unsure);
                let understood = line.text.len() <= MAX_LINE && format.parse_into(line, room, &mut record);
                let Some(exchange) = understood.then(|| Exchange::of(&record, &mut clock)).flatten() else {
                    self.tally.count_unparsable(line.number, line.text);
                    continue;
                };
                self.tally.ambiguous += u64::from(record.ambiguous);
                self.tally.count(exchange.time, exchange.method, exchange.status, exchange.cost());
                if keeps {
                    some.push(Seen::of(line.number, &record, exchange, has_validators));
                }
            }
            for (seen, likely) in some.iter().zip(self.likely(&some)) {
                self.keep(seen, likely);
            }
            if !any {
                return;
            }
        }
    }

    /// The client and the URL that each line likely has, if they are known. What they are is read, so that it is
    /// brought near: the tables are larger than what a processor has at hand, and it fetches from many places at a
    /// time if there is nothing else to be done in between.
    fn likely(&self, some: &[Seen<'_>]) -> [Likely; ABREAST] {
        let slots =
            some.iter().map(|seen| self.clients.numbers.touch(seen.hash) ^ self.urls.touch(seen.url_hash));
        std::hint::black_box(slots.fold(0, |all, slot| all ^ slot));
        let mut likely = [Likely::default(); ABREAST];
        for (likely, seen) in likely.iter_mut().zip(some) {
            *likely = Likely { client: self.clients.likely(seen.hash), url: self.urls.likely(seen.url_hash) };
        }
        let mut all = 0;
        for Likely { client, url } in likely {
            // Both ends, for it may stand in two lines of a processor's cache.
            let ends = |who: &Who| who.agent as usize ^ usize::from(who.address.octets[0]);
            let who = client.and_then(|number| self.clients.all.get(number as usize)).map_or(0, ends);
            all ^= who ^ url.map_or(0, |number| self.urls.touch_text(number));
        }
        std::hint::black_box(all);
        likely
    }

    fn keep(&mut self, seen: &Seen<'_>, likely: Likely) {
        let Seen { address, user, agent, hash, .. } = seen;
        if self.below != u64::MAX && place_of(address, user, agent) > self.below {
            return;
        }
        let is_it = |client: &u32| self.is(*client, seen);
        let client = likely.client.filter(is_it).unwrap_or_else(|| self.client(seen));
        let is_it = |url: &u32| self.urls.get(*url) == &*seen.target;
        let url = likely.url.filter(is_it).unwrap_or_else(|| {
            let line = seen.event.line;
            self.url(seen.url_hash, &seen.target, line)
        });
        if let Some(share) = self.shares.get_mut(share(*hash)) {
            share.push(Event { client, url, ..seen.event });
        }
    }

    /// Is that client the one of this line?
    fn is(&self, client: u32, seen: &Seen<'_>) -> bool {
        self.clients.all.get(client as usize).is_some_and(|who| {
            who.hash == seen.hash
                && self.clients.has_address(who, seen.short, seen.address)
                // No comparing with nothing, here too.
                && if seen.user.is_empty() { who.user == NOBODY } else { self.users.get(who.user) == &*seen.user }
                && self.agents.get(who.agent) == &*seen.agent
        })
    }

    /// The number of the client that a line has.
    fn client(&mut self, seen: &Seen<'_>) -> u32 {
        let Seen { address, user, agent, hash, .. } = seen;
        let user = if user.is_empty() { NOBODY } else { self.users.number(user) };
        let agent = self.agents.number_of(half_of(seen.agent_hash), agent);
        self.clients.number(*hash, seen.short, address, user, agent)
    }

    /// The number of a URL that a line has.
    fn url(&mut self, hash: u32, url: &[u8], line: u32) -> u32 {
        let number = self.urls.number_of(hash, url);
        if number as usize == self.met.len() {
            self.met.push(line);
        }
        number
    }

    /// Bytes of memory that it takes, and that replaying it takes beside: a share in order, sums of URLs.
    pub(super) fn memory(&self) -> usize {
        let (mut events, mut largest) = (0, 0);
        for share in &self.shares {
            events += share.len();
            largest = largest.max(share.len());
        }
        (events + largest) * size_of::<Event>()
            + self.users.memory()
            + self.agents.memory()
            + self.urls.memory()
            + self.clients.memory()
            + self.clients.all.len() * 40
            + self.urls.len() * 160
    }

    /// Let go of the clients whose place is higher.
    pub(super) fn shrink(&mut self, below: u64) {
        let tally = std::mem::take(&mut self.tally);
        let old = std::mem::replace(self, Self::within(below, tally));
        let users: Vec<u32> = old.users.iter().map(|user| self.users.number(user)).collect();
        let agents: Vec<u32> = old.agents.iter().map(|agent| self.agents.number(agent)).collect();
        let named = |numbers: &[u32], number: u32| numbers.get(number as usize).copied().unwrap_or_default();
        let clients: Vec<Option<u32>> = old
            .clients
            .all
            .iter()
            .map(|who| {
                let place =
                    place_of(old.clients.address(who), old.users.get(who.user), old.agents.get(who.agent));
                (place <= below).then(|| {
                    let (user, agent) = (named(&users, who.user), named(&agents, who.agent));
                    self.clients.number_of(&old.clients, who, user, agent)
                })
            })
            .collect();
        let mut urls: Vec<Option<u32>> = vec![None; old.urls.len()];
        for (number, share) in old.shares.into_iter().enumerate() {
            for event in share.into_blocks().flatten() {
                let Some(Some(client)) = clients.get(event.client as usize) else { continue };
                let Some(url) = urls.get_mut(event.url as usize) else { continue };
                let url = *url.get_or_insert_with(|| {
                    let text = old.urls.get(event.url);
                    self.url(half_of(hash_of(text)), text, event.line)
                });
                if let Some(own) = self.met.get_mut(url as usize) {
                    *own = event.line.min(*own);
                }
                if let Some(share) = self.shares.get_mut(number) {
                    share.push(Event { client: *client, url, ..event });
                }
            }
        }
    }
}

/// Lines that are taken apart before any is kept.
pub(super) const ABREAST: usize = 32;

/// Where values are put that can't be read where they stand.
#[derive(Debug)]
pub(super) struct Rooms([Vec<u8>; ABREAST]);

impl Default for Rooms {
    fn default() -> Self {
        Self([const { Vec::new() }; ABREAST])
    }
}

/// What a line that is to be kept likely has: the numbers of it, if there are some of the same hash.
#[derive(Clone, Copy, Default)]
struct Likely {
    client: Option<u32>,
    url: Option<u32>,
}

/// A line to be kept.
struct Seen<'a> {
    address: &'a [u8],
    short: Short,
    user: Cow<'a, [u8]>,
    agent: Cow<'a, [u8]>,
    target: Cow<'a, [u8]>,
    /// Of all that tells a client.
    hash: u32,
    agent_hash: u64,
    url_hash: u32,
    /// All but who and what.
    event: Event,
}

impl<'a> Seen<'a> {
    fn of(number: u64, record: &Record<'a>, exchange: Exchange<'a>, has_validators: bool) -> Self {
        let user = record.value(Field::User).unwrap_or_default();
        let agent = record.value(Field::UserAgent).unwrap_or_default();
        let address = exchange.address;
        let (etag, if_none_match, flags) = if has_validators { validators(record) } else { (0, 0, 0) };
        let flags = flags | if user.is_empty() { 0 } else { PRIVATE };
        let small = |number: Option<u64>| {
            number.map_or(UNKNOWN, |number| u32::try_from(number).unwrap_or(UNKNOWN - 1))
        };
        let agent_hash = hash_of(&*agent);
        let user_hash = if user.is_empty() { 0 } else { hash_of(&*user) };
        let short = Short::of(address);
        let address_hash =
            if short.is_whole() { hash_of(&u128::from_le_bytes(short.octets)) } else { hash_of(address) };
        let hash = half_of(hash_of(&(address_hash, user_hash, agent_hash)));
        Self {
            hash,
            short,
            agent_hash,
            url_hash: half_of(hash_of(&*exchange.target)),
            address,
            user,
            agent,
            target: exchange.target,
            event: Event {
                client: 0,
                time: u32::try_from(exchange.time).unwrap_or(0),
                line: u32::try_from(number).unwrap_or(u32::MAX),
                url: 0,
                bytes: small(exchange.bytes),
                micros: small(exchange.micros),
                etag,
                if_none_match,
                status: exchange.status,
                method: Method::of(exchange.method),
                flags,
            },
        }
    }
}

/// What each line must have, and what is counted of it.
struct Exchange<'a> {
    time: i64,
    method: &'a [u8],
    target: Cow<'a, [u8]>,
    address: &'a [u8],
    status: u16,
    bytes: Option<u64>,
    micros: Option<u64>,
}

impl<'a> Exchange<'a> {
    fn of(record: &Record<'a>, clock: &mut Clock) -> Option<Self> {
        let (method, target) = record.method_and_target()?;
        let status = record.status()?;
        Some(Self {
            time: clock.read(record.raw(Field::Time)?)?,
            method,
            target,
            address: client_address(record),
            status,
            bytes: record.bytes_of(Some(status)),
            micros: record.microseconds(),
        })
    }

    fn cost(&self) -> Sum {
        Sum { requests: 1, bytes: self.bytes.unwrap_or(0), micros: self.micros.unwrap_or(0) }
    }
}

/// The address that a proxy in front saw, where the log has one, else the peer's.
fn client_address<'a>(record: &Record<'a>) -> &'a [u8] {
    let forwarded =
        record.raw(Field::ForwardedFor).and_then(|list| list.split(|octet| *octet == b',').next());
    let forwarded = forwarded.map(<[u8]>::trim_ascii).filter(|address| !address.is_empty());
    forwarded.or_else(|| record.raw(Field::Address)).unwrap_or_default()
}

/// Octets of a time in the common format, in its brackets.
const COMMON: usize = 28;

/// Neighbouring lines mostly have the same time.
#[derive(Default)]
struct Clock {
    /// The last time if it was in the common format.
    common: Option<[u8; COMMON]>,
    /// The last time that was not.
    other: Vec<u8>,
    time: i64,
}

impl Clock {
    fn read(&mut self, text: &[u8]) -> Option<i64> {
        if let Ok(octets) = <&[u8; COMMON]>::try_from(text) {
            if self.common.as_ref() != Some(octets) {
                let time = self.later(text).or_else(|| written(text));
                self.time = time.filter(|time| *time >= 0)?;
                (self.common, self.other) = (Some(*octets), Vec::new());
            }
        } else if self.other.is_empty() || self.other != text {
            self.time = written(text).filter(|time| *time >= 0)?;
            self.common = None;
            self.other.clear();
            self.other.extend_from_slice(text);
        }
        Some(self.time)
    }

    /// The time if it is the same day and offset, in the common format.
    fn later(&self, text: &[u8]) -> Option<i64> {
        let (date, clock, offset) = time::common_parts(text)?;
        let (own_date, own_clock, own_offset) = time::common_parts(self.common.as_ref()?)?;
        (date == own_date && offset == own_offset)
            .then(|| Some(self.time - time::of_day(own_clock)? + time::of_day(clock)?))?
    }
}

fn written(text: &[u8]) -> Option<i64> {
    time::common(text).or_else(|| time::any(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_the_same_whatever_came_before() {
        let mut clock = Clock::default();
        for text in [
            "[17/May/2015:10:05:03 +0000]",
            "[17/May/2015:23:59:60 +0000]",
            "[17/May/2015:24:00:00 +0000]",
            "[17/May/2015:10:05:03 +0000]",
            "[17/May/2015:10:6x:03 +0000]",
            "[17/May/2015:10:05:04 +0200]",
            "[18/May/2015:10:05:04 +0200]",
            "17/May/2015:10:05:05 +0200",
            "2015-05-17T10:05:03Z",
            "[18/May/2015:10:05:04 -0200]",
            "[18/May/2015:10:05:09 -0200]",
            "[01/Jan/1970:00:00:05 +0000]",
            "[01/Jan/1970:00:00:04 +0200]",
        ] {
            let alone = written(text.as_bytes());
            assert_eq!(clock.read(text.as_bytes()), alone.filter(|time| *time >= 0), "{text}");
        }
    }

    #[test]
    fn a_client_has_one_number_however_long_its_address_is() {
        let mut clients = Clients::default();
        let names: Vec<Vec<u8>> = (0..40).map(|length| (b'0'..).take(length).collect()).collect();
        // All hashes alike: they alone must not tell.
        let numbers = |clients: &mut Clients| -> Vec<u32> {
            names.iter().map(|name| clients.number(7, Short::of(name), name, 0, 0)).collect()
        };
        assert!(numbers(&mut clients).into_iter().eq(0..40));
        assert!(numbers(&mut clients).into_iter().eq(0..40));
        let mut another = |user, agent| clients.number(7, Short::of(b"0"), b"0", user, agent);
        assert_eq!([another(1, 0), another(0, 1), another(1, 0)], [40, 41, 40]);
        assert!(clients.all().iter().zip(&names).all(|(who, name)| clients.address(who) == name));
    }
}

//! What all threads kept, as one: the same numbers for the same things, events by client and in their order.

use super::event::{Event, Events, Method};
use super::part::{ABREAST, BLOCK, Blocks, Clients, Part, SHARES};
use super::tables::{Client, Strings, Tables};
use super::totals::Totals;

/// Make one of all parts.
pub(super) fn gather(mut parts: Vec<Part>, threads: usize) -> (Totals, Tables, Events) {
    let mut totals = Totals::default();
    for part in &mut parts {
        totals.merge(std::mem::take(&mut part.tally).totals());
    }
    let (urls, url_numbers) = urls(&mut parts);
    let (mut tables, clients_before, client_numbers) = clients(&mut parts);
    tables.urls = urls;
    let numbers: Vec<Numbers> = client_numbers
        .into_iter()
        .zip(url_numbers)
        .map(|(clients, urls)| Numbers { clients, urls })
        .collect();
    let mut shares: Vec<Vec<Blocks>> = std::iter::repeat_with(Vec::new).take(SHARES).collect();
    for part in parts {
        for (share, blocks) in shares.iter_mut().zip(part.shares) {
            share.push(blocks);
        }
    }
    (totals, tables, in_order(shares, &numbers, &clients_before, threads))
}

/// What the numbers of one part have become.
struct Numbers {
    clients: Vec<u32>,
    urls: Vec<u32>,
}

/// URLs, numbered as they come in the log, whoever read which line.
fn urls(parts: &mut [Part]) -> (Strings, Vec<Vec<u32>>) {
    let mut numbers: Vec<Vec<u32>> = parts.iter().map(|part| vec![0; part.urls.len()]).collect();
    let mut met: Vec<(u32, u32, u32)> = Vec::new();
    for (from, part) in (0..).zip(&*parts) {
        met.extend((0..).zip(&part.met).map(|(url, line)| (*line, from, url)));
    }
    met.sort_unstable();
    let mut all = Strings::with_room(numbers.iter().map(Vec::len).max().unwrap_or_default());
    for (_, from, url) in met {
        let part = parts.get(from as usize);
        let slot = numbers.get_mut(from as usize).and_then(|numbers| numbers.get_mut(url as usize));
        if let (Some(part), Some(slot)) = (part, slot) {
            *slot = all.number(part.urls.get(url));
        }
    }
    for part in parts {
        (part.urls, part.met) = Default::default();
    }
    (all, numbers)
}

/// Clients, numbered by their share. Beside the tables: how many there are in the shares before each, and the
/// numbers that those of each part have got.
fn clients(parts: &mut [Part]) -> (Tables, Vec<u32>, Vec<Vec<u32>>) {
    let mut tables = Tables::default();
    let mut all = Clients::default();
    let mut numbers: Vec<Vec<u32>> = Vec::new();
    for part in parts {
        let users: Vec<u32> = part.users.iter().map(|user| tables.users.number(user)).collect();
        let agents: Vec<u32> = part.agents.iter().map(|agent| tables.agents.number(agent)).collect();
        let named = |numbers: &[u32], number: u32| numbers.get(number as usize).copied().unwrap_or_default();
        let own = std::mem::take(&mut part.clients);
        if numbers.is_empty() {
            // The first part's stay as they are.
            numbers.push((0..).take(own.all().len()).collect());
            all = own;
            continue;
        }
        let mut of_part = Vec::with_capacity(own.all().len());
        for some in own.all().chunks(ABREAST) {
            std::hint::black_box(some.iter().fold(0, |slots, who| slots ^ all.touch(who)));
            for who in some {
                of_part.push(all.number_of(&own, who, named(&users, who.user), named(&agents, who.agent)));
            }
        }
        numbers.push(of_part);
    }
    let mut before = vec![0_u32; SHARES + 1];
    for who in all.all() {
        if let Some(count) = before.get_mut(who.share() + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for count in &mut before {
        sum += *count;
        *count = sum;
    }
    let mut next = before.clone();
    let mut place: Vec<u32> = Vec::with_capacity(all.all().len());
    tables.addresses = Strings::with_room(all.all().len());
    tables.clients = vec![Client { address: 0, user: 0, agent: 0 }; all.all().len()];
    for who in all.all() {
        let Some(number) = next.get_mut(who.share()) else { continue };
        place.push(*number);
        if let Some(slot) = tables.clients.get_mut(*number as usize) {
            let address = tables.addresses.number(all.address(who));
            *slot = Client { address, user: who.user, agent: who.agent };
        }
        *number += 1;
    }
    for number in numbers.iter_mut().flatten() {
        *number = place.get(*number as usize).copied().unwrap_or_default();
    }
    (tables, before, numbers)
}

/// Each share by client, and each client's events as they were in time.
fn in_order(shares: Vec<Vec<Blocks>>, numbers: &[Numbers], clients_before: &[u32], threads: usize) -> Events {
    let threads = threads.max(1);
    let mut work: Vec<Vec<(usize, Vec<Blocks>)>> = std::iter::repeat_with(Vec::new).take(threads).collect();
    for (number, share) in shares.into_iter().enumerate() {
        if let Some(work) = work.get_mut(number % threads) {
            work.push((number, share));
        }
    }
    let of_share = |number: usize| match clients_before.get(number..number + 2) {
        Some(&[first, after]) => first..after,
        _ => 0..0,
    };
    let mut done: Vec<Sorted> = std::thread::scope(|scope| {
        let of_share = &of_share;
        let running: Vec<_> = work
            .into_iter()
            .map(|work| {
                scope.spawn(move || {
                    let mut sorted = Sorted::default();
                    let mut room = Vec::new();
                    for (number, share) in work {
                        sorted.take(share, numbers, of_share(number), &mut room);
                    }
                    sorted
                })
            })
            .collect();
        running.into_iter().filter_map(|work| work.join().ok()).collect()
    });
    let flags = done.iter().fold(0, |flags, sorted| flags | sorted.flags);
    let has_tags = done.iter().any(|sorted| sorted.has_tags);
    Events::new(done.iter_mut().flat_map(|sorted| sorted.pieces.drain(..)).collect(), flags, has_tags)
}

/// Events in order, some whole clients in each piece.
#[derive(Default)]
struct Sorted {
    pieces: Vec<Vec<Event>>,
    /// Blocks that have been dealt with, for the next pieces.
    spare: Vec<Vec<Event>>,
    flags: u8,
    has_tags: bool,
}

impl Sorted {
    /// Take over the events of one share, whose clients have these numbers.
    fn take(
        &mut self,
        mut share: Vec<Blocks>,
        numbers: &[Numbers],
        clients: std::ops::Range<u32>,
        room: &mut Vec<Event>,
    ) {
        // Where the events of each client go: counted first, so that each is moved once.
        let mut next = vec![0_u32; clients.len() + 1];
        for (blocks, numbers) in share.iter_mut().zip(numbers) {
            let number = |numbers: &[u32], old: u32| numbers.get(old as usize).copied().unwrap_or_default();
            for block in blocks.iter_mut() {
                for event in block {
                    event.client = number(&numbers.clients, event.client);
                    event.url = number(&numbers.urls, event.url);
                    self.flags |= event.flags;
                    self.has_tags |= event.etag != 0;
                    if let Some(count) = next.get_mut((event.client - clients.start) as usize + 1) {
                        *count += 1;
                    }
                }
            }
        }
        let mut sum = 0;
        for count in &mut next {
            sum += *count;
            *count = sum;
        }
        room.clear();
        room.resize(share.iter().map(Blocks::len).sum(), NONE);
        by_line(share, &mut self.spare, |event| {
            let Some(place) = next.get_mut((event.client - clients.start) as usize) else { return };
            if let Some(slot) = room.get_mut(*place as usize) {
                *slot = *event;
            }
            *place += 1;
        });
        for client in room.chunk_by_mut(|a, b| a.client == b.client) {
            // They are as lines are, which may be out of order, as whole logs may be.
            let when = |event: &Event| (event.time, event.line);
            if !client.is_sorted_by_key(when) {
                client.sort_unstable_by_key(when);
            }
            self.keep(client);
        }
    }

    /// Keep the events of a client.
    fn keep(&mut self, client: &[Event]) {
        let has_room = |piece: &&mut Vec<Event>| piece.capacity() - piece.len() >= client.len();
        if let Some(piece) = self.pieces.last_mut().filter(has_room) {
            piece.extend_from_slice(client);
            return;
        }
        let mut piece = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(BLOCK));
        piece.clear();
        piece.extend_from_slice(client);
        self.pieces.push(piece);
    }
}

/// Go through what all threads kept in the order of lines, which is that of each thread. Blocks are spared as soon as
/// they are dealt with.
fn by_line(share: Vec<Blocks>, spare: &mut Vec<Vec<Event>>, mut take: impl FnMut(&Event)) {
    let mut threads: Vec<_> = share.into_iter().map(|blocks| Rest::new(blocks.into_blocks())).collect();
    loop {
        // The first of all, and where another thread goes on.
        let (mut first, mut until) = (None, u32::MAX);
        for thread in &mut threads {
            let Some(line) = thread.line(spare) else { continue };
            match &first {
                Some((_, least)) if *least <= line => until = until.min(line),
                _ => until = first.replace((thread, line)).map_or(until, |(_, other)| other.min(until)),
            }
        }
        let Some((thread, _)) = first else { return };
        thread.take_until(until, &mut take);
    }
}

/// What is left of the events of one thread.
struct Rest<I> {
    blocks: I,
    block: Vec<Event>,
    at: usize,
}

impl<I: Iterator<Item = Vec<Event>>> Rest<I> {
    const fn new(blocks: I) -> Self {
        Self { blocks, block: Vec::new(), at: 0 }
    }

    /// The line of the next one.
    fn line(&mut self, spare: &mut Vec<Vec<Event>>) -> Option<u32> {
        while self.at == self.block.len() {
            let next = self.blocks.next();
            let is_last = next.is_none();
            let block = std::mem::replace(&mut self.block, next.unwrap_or_default());
            self.at = 0;
            if block.capacity() > 0 {
                spare.push(block);
            }
            if is_last {
                return None;
            }
        }
        self.block.get(self.at).map(|event| event.line)
    }

    /// Take those of a block up to that line.
    fn take_until(&mut self, line: u32, take: &mut impl FnMut(&Event)) {
        for event in
            self.block.get(self.at..).unwrap_or_default().iter().take_while(|event| event.line <= line)
        {
            take(event);
            self.at += 1;
        }
    }
}

const NONE: Event = Event {
    client: 0,
    time: 0,
    line: 0,
    url: 0,
    bytes: 0,
    micros: 0,
    etag: 0,
    if_none_match: 0,
    status: 0,
    method: Method::Other,
    flags: 0,
};

//! What is known of the lines as such.

use std::collections::BTreeMap;

/// Methods that are counted each by its name.
const METHODS: usize = 40;

/// What all methods past those are called.
const OTHERS: &[u8] = b"(others)";

/// Unreadable lines that a report shows.
const UNPARSABLE: usize = 5;

/// Bytes of each of them.
const SHOWN_OF_LINE: usize = 2000;

/// Counts of lines, exact, whether they are kept or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All lines but empty ones.
    pub lines: u64,
    /// Those that were understood.
    pub parsed: u64,
    /// Those among them that could be read in another way too.
    pub ambiguous: u64,
    /// By status.
    pub by_status: BTreeMap<u16, Sum>,
    /// By method.
    pub by_method: BTreeMap<Vec<u8>, u64>,
    /// The first moment, in seconds since 1970.
    pub from: Option<i64>,
    /// The last.
    pub to: Option<i64>,
    /// Some of the lines that were not understood: the line's number and its octets.
    pub unparsable: Vec<(u64, Vec<u8>)>,
}

/// How many exchanges there were and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Exchanges.
    pub requests: u64,
    /// Bytes of content that were sent.
    pub bytes: u64,
    /// Microseconds of workers.
    pub micros: u64,
}

impl Sum {
    pub(super) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.bytes += other.bytes;
        self.micros += other.micros;
    }
}

impl Totals {
    /// All statuses together.
    #[must_use]
    pub fn all(&self) -> Sum {
        let mut all = Sum::default();
        self.by_status.values().for_each(|sum| all.add(*sum));
        all
    }

    fn count_method(&mut self, method: &[u8], count: u64) {
        if let Some(known) = self.by_method.get_mut(method) {
            *known += count;
        } else {
            let method = if self.by_method.len() < METHODS { method } else { OTHERS };
            *self.by_method.entry(method.to_vec()).or_default() += count;
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.lines += other.lines;
        self.parsed += other.parsed;
        self.ambiguous += other.ambiguous;
        for (status, sum) in other.by_status {
            self.by_status.entry(status).or_default().add(sum);
        }
        for (method, count) in other.by_method {
            self.count_method(&method, count);
        }
        self.from = self.from.into_iter().chain(other.from).min();
        self.to = self.to.into_iter().chain(other.to).max();
        self.unparsable.extend(other.unparsable);
        self.unparsable.sort_unstable();
        self.unparsable.truncate(UNPARSABLE);
    }
}

/// Statuses that there are: three digits.
const STATUSES: usize = 1000;

/// The same while lines are read, one thread's: in tables that take no searching.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) lines: u64,
    pub(super) ambiguous: u64,
    by_status: Vec<Sum>,
    /// GET, which most are.
    gets: u64,
    /// The others.
    by_method: Vec<(Vec<u8>, u64)>,
    from: i64,
    to: i64,
    unparsable: Vec<(u64, Vec<u8>)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            lines: 0,
            ambiguous: 0,
            by_status: vec![Sum::default(); STATUSES],
            gets: 0,
            by_method: Vec::new(),
            from: i64::MAX,
            to: i64::MIN,
            unparsable: Vec::new(),
        }
    }
}

impl Tally {
    /// Count an exchange.
    pub(super) fn count(&mut self, time: i64, method: &[u8], status: u16, cost: Sum) {
        if let Some(sum) = self.by_status.get_mut(usize::from(status)) {
            sum.add(cost);
        }
        self.from = self.from.min(time);
        self.to = self.to.max(time);
        if method == b"GET" {
            self.gets += 1;
            return;
        }
        let known = self.by_method.iter().position(|(known, _)| *known == method);
        // A client may make up as many as it likes.
        let place = known.unwrap_or_else(|| self.by_method.len().min(METHODS));
        if place == self.by_method.len() {
            let method = if place < METHODS { method } else { OTHERS };
            self.by_method.push((method.to_vec(), 0));
        }
        if let Some((_, count)) = self.by_method.get_mut(place) {
            *count += 1;
        }
    }

    /// Count a line that makes no sense.
    pub(super) fn count_unparsable(&mut self, number: u64, line: &[u8]) {
        if self.unparsable.len() < UNPARSABLE {
            self.unparsable
                .push((number, line.get(..line.len().min(SHOWN_OF_LINE)).unwrap_or_default().to_vec()));
        }
    }

    /// What it comes to.
    pub(super) fn totals(self) -> Totals {
        let mut totals = Totals {
            lines: self.lines,
            ambiguous: self.ambiguous,
            unparsable: self.unparsable,
            ..Totals::default()
        };
        for (status, sum) in (0..).zip(self.by_status).filter(|(_, sum)| sum.requests > 0) {
            totals.parsed += sum.requests;
            totals.by_status.insert(status, sum);
        }
        totals.by_method = self.by_method.into_iter().collect();
        if self.gets > 0 {
            totals.by_method.insert(b"GET".to_vec(), self.gets);
        }
        if totals.parsed > 0 {
            (totals.from, totals.to) = (Some(self.from), Some(self.to));
        }
        totals
    }
}

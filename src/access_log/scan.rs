//! Reading logs: lines from all sources, taken apart on all cores, kept as [`Events`].
//!
//! Each thread takes the next piece of the input, cut at a line's end, and takes it apart while it is at hand. It
//! has tables of its own for what it keeps, which become one in the end.
//!
//! # Memory
//!
//! It is bounded by drawing whole clients by a hash of who they are: what is not drawn is counted but not kept.
//! Half of the clients go each time the bound is reached. A client is in or out with all that it asked for, so
//! what is found in the sample, multiplied, is an unbiased estimate of the whole.

use std::fmt;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::event::Events;
use super::format::Format;
use super::gather::gather;
use super::lines::{Lines, Piece};
use super::part::{Part, Rooms};
use super::recognise::{Recognised, recognise};
use super::source::Source;
use super::tables::Tables;
use super::totals::Totals;

/// Bytes of a line that are looked at. No server writes a longer one; what is longer is counted as unreadable.
pub const MAX_LINE: usize = 1 << 20;

/// Bytes of memory that a process takes before it keeps anything: Python, the program, pieces being parsed.
const FIXED: usize = 64 << 20;

/// Bytes that what is kept may take at least.
const LEAST: usize = 256 << 10;

/// Lines that a format is recognised by.
const SAMPLE: usize = 400;

/// How to read.
#[derive(Debug)]
pub struct Options {
    /// The format; recognised from the first lines if there is none.
    pub format: Option<Format>,
    /// Bytes of memory that the whole process may take.
    pub max_memory: usize,
    /// Threads that parse.
    pub threads: usize,
}

/// What can go wrong while reading.
#[derive(Debug)]
pub enum ScanError {
    /// A source can't be read.
    Unreadable {
        /// Which.
        source: String,
        /// Why.
        error: io::Error,
    },
    /// Hardly a line makes sense.
    Unparsable {
        /// Where the line is from.
        source: String,
        /// The first line that makes none.
        line: Vec<u8>,
        /// The format that it was read with.
        format: String,
        /// Lines that make sense.
        parsed: u64,
        /// All lines.
        lines: u64,
    },
    /// There is no line.
    Empty,
    /// The caller wants no more.
    Stopped,
}

/// Characters of a line that an error shows.
const SHOWN_OF_LINE: usize = 300;

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { source, error } => write!(f, "{source}: {error}"),
            Self::Unparsable { source, line, format, parsed, lines } => write!(
                f,
                "{source}: {parsed} of {lines} lines make sense in the format {format}; the first that does not:\n  {}\n\
                 Say with --format how the server writes its lines: Gunicorn's access_log_format or nginx's log_format",
                printable(line),
            ),
            Self::Empty => f.write_str("there is not one line"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for ScanError {}

/// The start of a line, safe on a terminal.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let shown = text
        .chars()
        .take(SHOWN_OF_LINE)
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() });
    shown.collect()
}

/// Everything that was read.
#[derive(Debug)]
pub struct Log {
    /// The format of the lines.
    pub format: Format,
    /// Counts of all lines.
    pub totals: Totals,
    /// The exchanges of the clients that were drawn.
    pub events: Events,
    /// What they name by number.
    pub tables: Tables,
    /// One client in so many was drawn: 1 for all.
    pub one_in: u64,
    /// The sources by the number of their first line.
    pub sources: Vec<(u64, String)>,
}

impl Log {
    /// Where a line is from: its source and its number there, from 1.
    #[must_use]
    pub fn place(&self, line: u32) -> (&str, u64) {
        let line = u64::from(line);
        let before = self.sources.partition_point(|(first, _)| *first <= line);
        match before.checked_sub(1).and_then(|at| self.sources.get(at)) {
            Some((first, name)) => (name, line - first + 1),
            None => ("", line + 1),
        }
    }
}

/// Read all sources. `progress` is told the bytes read so far, now and then, and says whether to go on.
///
/// # Errors
///
/// If a source can't be read, or most lines of it all make no sense in the format.
pub fn scan(
    sources: &[Source],
    options: Options,
    progress: impl FnMut(u64) -> bool,
) -> Result<Log, ScanError> {
    read(sources, options, true, progress)
}

/// Read all sources as [`scan`] does, but only count.
///
/// # Errors
///
/// As [`scan`].
pub fn count(
    sources: &[Source],
    options: Options,
    progress: impl FnMut(u64) -> bool,
) -> Result<Totals, ScanError> {
    read(sources, options, false, progress).map(|log| log.totals)
}

fn read(
    sources: &[Source],
    options: Options,
    keeps: bool,
    mut progress: impl FnMut(u64) -> bool,
) -> Result<Log, ScanError> {
    let octets = Arc::new(AtomicU64::new(0));
    let mut lines = Lines::new(sources, &octets);
    let mut first = Piece::new();
    if !lines.next_piece(&mut first)? {
        return Err(ScanError::Empty);
    }
    let format = match options.format {
        Some(format) => format,
        None => recognised(&first, &lines)?,
    };
    let threads = options.threads.max(1);
    let reading = Reading {
        input: Mutex::new(Input { first: Some(first), lines, error: None }),
        stopped: AtomicBool::new(false),
        parts: std::iter::repeat_with(Keeping::default).take(threads).collect(),
        budget: (options.max_memory.saturating_sub(FIXED) / 10 * 7).max(LEAST),
        one_in: Mutex::new(1),
    };
    let (sender, finished) = channel::<()>();
    thread::scope(|scope| {
        for part in &reading.parts {
            let sender = sender.clone();
            let (reading, format) = (&reading, &format);
            scope.spawn(move || reading.work(part, format, keeps, sender));
        }
        drop(sender);
        // Nobody sends anything: the last thread that ends hangs up.
        while finished.recv_timeout(TOLD) == Err(RecvTimeoutError::Timeout) {
            if !progress(octets.load(Relaxed)) {
                reading.stopped.store(true, Relaxed);
            }
        }
    });
    let stopped = reading.stopped.into_inner();
    let Input { lines, error, .. } = reading.input.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = error {
        return Err(error);
    }
    if stopped {
        return Err(ScanError::Stopped);
    }
    progress(octets.load(Relaxed));
    let parts = reading.parts.into_iter();
    let parts = parts.map(|part| part.part.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
    let (totals, tables, events) = gather(parts, threads);
    if totals.lines == 0 {
        return Err(ScanError::Empty);
    }
    let sources = lines.starts;
    if totals.parsed * 2 < totals.lines {
        let (number, line) = totals.unparsable.into_iter().next().unwrap_or_default();
        let at = sources.partition_point(|(first, _)| *first <= number).saturating_sub(1);
        return Err(ScanError::Unparsable {
            source: sources.into_iter().nth(at).map(|(_, name)| name).unwrap_or_default(),
            line,
            format: format.name,
            parsed: totals.parsed,
            lines: totals.lines,
        });
    }
    let one_in = reading.one_in.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Log { format, totals, events, tables, one_in, sources })
}

fn recognised(piece: &Piece, from: &Lines<'_>) -> Result<Format, ScanError> {
    let lines: Vec<&[u8]> = piece.lines().map(|line| line.text).take(SAMPLE).collect();
    match recognise(&lines) {
        Recognised::As(format) => Ok(format),
        Recognised::Unknown { line, nearest } => Err(ScanError::Unparsable {
            source: from.starts.last().map(|(_, name)| name.clone()).unwrap_or_default(),
            line,
            format: nearest,
            parsed: 0,
            lines: lines.len() as u64,
        }),
    }
}

/// How often the caller is told.
const TOLD: Duration = Duration::from_millis(100);

/// What all threads that read share.
struct Reading<'a> {
    input: Mutex<Input<'a>>,
    stopped: AtomicBool,
    /// One for each thread.
    parts: Vec<Keeping>,
    /// Bytes of memory that what is kept may take.
    budget: usize,
    /// One client in so many is kept.
    one_in: Mutex<u64>,
}

struct Input<'a> {
    /// The piece that the format was told from.
    first: Option<Piece>,
    lines: Lines<'a>,
    error: Option<ScanError>,
}

struct Keeping {
    part: Mutex<Part>,
    memory: AtomicUsize,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { part: Mutex::new(Part::new()), memory: AtomicUsize::new(0) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reading<'_> {
    fn work(&self, keeping: &Keeping, format: &Format, keeps: bool, _until_the_end: Sender<()>) {
        let mut piece = Piece::new();
        let mut rooms = Rooms::default();
        while !self.stopped.load(Relaxed) && self.next(&mut piece) {
            let mut part = lock(&keeping.part);
            part.read(format, &piece, &mut rooms, keeps);
            keeping.memory.store(part.memory(), Relaxed);
            drop(part);
            self.stay_within();
        }
    }

    fn next(&self, piece: &mut Piece) -> bool {
        let mut input = lock(&self.input);
        if let Some(first) = input.first.take() {
            *piece = first;
            return true;
        }
        if input.error.is_some() {
            return false;
        }
        input.lines.next_piece(piece).unwrap_or_else(|error| {
            input.error = Some(error);
            false
        })
    }

    /// Let half of the clients go, as long as too much is kept.
    fn stay_within(&self) {
        let too_much =
            || self.parts.iter().map(|part| part.memory.load(Relaxed)).sum::<usize>() > self.budget;
        if !too_much() {
            return;
        }
        let mut one_in = lock(&self.one_in);
        while too_much() && *one_in < 1 << 20 {
            *one_in *= 2;
            for keeping in &self.parts {
                let mut part = lock(&keeping.part);
                part.shrink(u64::MAX / *one_in);
                keeping.memory.store(part.memory(), Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::access_log::event::Event;
    use crate::access_log::lines::PIECE;

    fn options() -> Options {
        Options { format: None, max_memory: usize::MAX, threads: 2 }
    }

    fn line(client: u32, second: u32, path: u32, status: u16) -> String {
        format!(
            "10.0.{}.{} - - [17/May/2015:10:{:02}:{:02} +0000] \"GET /p/{path} HTTP/1.1\" {status} 100 \"-\" \"UA\"\n",
            client / 250,
            client % 250,
            second / 60 % 60,
            second % 60,
        )
    }

    fn file(text: &[u8]) -> (std::path::PathBuf, Source) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("notmodified-scan-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::File::create(&path).and_then(|mut file| file.write_all(text)).expect("a temporary file");
        (path.clone(), Source::File(path))
    }

    #[test]
    fn all_lines_are_counted_whatever_pieces_they_come_in() {
        let text: String =
            (0..40_000).map(|n| line(n % 700, n, n % 90, if n % 3 == 0 { 304 } else { 200 })).collect();
        let (path, source) = file(text.as_bytes());
        let log = scan(&[source], options(), |_| true).expect("a log");
        std::fs::remove_file(path).expect("gone");
        assert!(text.len() > 3 * PIECE);
        assert_eq!((log.totals.lines, log.totals.parsed, log.events.len()), (40_000, 40_000, 40_000));
        assert_eq!(log.totals.by_status[&304].requests, 13_334);
        assert_eq!(log.totals.all().bytes, 4_000_000);
        assert_eq!((log.tables.clients().len(), log.tables.urls.len()), (700, 90));
        let mut lines: Vec<_> = log.events.iter().map(|event| event.line).collect();
        lines.sort_unstable();
        assert!(lines.into_iter().eq(0..40_000));
        assert_eq!(log.events.by_client().count(), 700);
        let in_order = |events: &[Event]| {
            events.is_sorted_by_key(|event| (event.time, event.line)) && events.len() >= 57
        };
        assert!(log.events.by_client().all(in_order));
    }

    #[test]
    fn urls_are_numbered_as_they_come_whoever_read_them() {
        let text: String = (0..20_000).map(|n| line(n % 700, n, n * 7919 % 9000, 200)).collect();
        let (path, source) = file(text.as_bytes());
        let log = scan(&[source], Options { threads: 3, ..options() }, |_| true).expect("a log");
        std::fs::remove_file(path).expect("gone");
        let urls: Vec<_> = log.tables.urls.iter().map(<[u8]>::to_vec).collect();
        assert!(urls.into_iter().eq((0..9000).map(|n| format!("/p/{}", n * 7919 % 9000).into_bytes())));
    }

    #[test]
    fn memory_is_bounded_by_drawing_whole_clients() {
        let text: String = (0..60_000).map(|n| line(n % 3000, n, n % 90, 200)).collect();
        let (path, source) = file(text.as_bytes());
        let log = scan(&[source], Options { max_memory: FIXED, ..options() }, |_| true).expect("a log");
        std::fs::remove_file(path).expect("gone");
        assert_eq!(log.totals.parsed, 60_000);
        assert!(log.one_in > 1);
        let mut of_client = std::collections::HashMap::new();
        for event in &log.events {
            *of_client.entry(event.client).or_insert(0) += 1;
        }
        assert!(of_client.values().all(|count| *count == 20));
        let estimate = of_client.len() as u64 * log.one_in;
        assert!((1500..6000).contains(&estimate), "{estimate}");
    }

    #[test]
    fn compressed_logs_are_told_by_their_first_bytes() {
        let text: String = (0..100).map(|n| line(n, n, n, 200)).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).expect("memory");
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(text.as_bytes()).expect("memory");
        let zstd = zstd::encode_all(text.as_bytes(), 1).expect("memory");
        for bytes in [gzip.finish().expect("memory"), bzip2.finish().expect("memory"), zstd] {
            let (path, source) = file(&bytes);
            let log = scan(&[source], options(), |_| true).expect("a log");
            std::fs::remove_file(path).expect("gone");
            assert_eq!(log.totals.parsed, 100);
        }
    }

    #[test]
    fn places_are_told_by_source() {
        let (one, first) = file(line(1, 1, 1, 200).repeat(3).as_bytes());
        let (two, second) = file(line(1, 1, 1, 200).repeat(2).as_bytes());
        let log = scan(&[first, second], options(), |_| true).expect("a log");
        assert_eq!(log.place(2), (one.display().to_string().as_str(), 3));
        assert_eq!(log.place(4), (two.display().to_string().as_str(), 2));
        std::fs::remove_file(one).and_then(|()| std::fs::remove_file(two)).expect("gone");
    }

    #[test]
    fn what_is_no_log_is_an_error_that_shows_a_line() {
        let (path, source) = file(b"{not json\nnor anything\n");
        let error = scan(&[source], options(), |_| true).expect_err("no log");
        std::fs::remove_file(path).expect("gone");
        assert!(matches!(error, ScanError::Unparsable { line, .. } if line == b"{not json"));
        assert!(matches!(scan(&[], options(), |_| true), Err(ScanError::Empty)));
    }
}

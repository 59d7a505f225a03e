//! Whole lines of all sources, a piece at a time.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::scan::{MAX_LINE, ScanError};
use super::source::Source;

/// Bytes that are read at a time: few enough that they are still at hand when they are parsed.
pub(super) const PIECE: usize = 256 << 10;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Its number in all that is read.
    pub(super) number: u64,
    pub(super) text: &'a [u8],
    /// May something be escaped in it? Looked for in all of a piece: most have no backslash.
    pub(super) has_backslash: bool,
}

/// Whole lines, one after the other. The room is used again for the next ones.
pub(super) struct Piece {
    room: Vec<u8>,
    len: usize,
    /// The number of the first line.
    first: u64,
}

impl Piece {
    pub(super) fn new() -> Self {
        Self { room: vec![0; PIECE], len: 0, first: 0 }
    }

    /// The lines that are not empty.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut rest = self.room.get(..self.len).unwrap_or_default();
        let mut next = self.first;
        // Where the next backslash is, once it has been looked for.
        let mut backslash = None;
        std::iter::from_fn(move || {
            loop {
                if rest.is_empty() {
                    return None;
                }
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                let at = backslash.unwrap_or_else(|| memchr::memchr(b'\\', rest).unwrap_or(usize::MAX));
                let has_backslash = at < end;
                backslash =
                    if has_backslash { None } else { Some(if at == usize::MAX { at } else { at - end - 1 }) };
                let (text, after) = rest.split_at(end);
                rest = after.get(1..).unwrap_or_default();
                let number = next;
                next += 1;
                if !text.trim_ascii().is_empty() {
                    return Some(Line { number, text, has_backslash });
                }
            }
        })
    }

    /// Read on until the room is full or the source has no more. Is there room left?
    fn fill(&mut self, reader: &mut dyn Read) -> io::Result<bool> {
        while let Some(room) = self.room.get_mut(self.len..).filter(|room| !room.is_empty()) {
            match reader.read(room) {
                Ok(0) => return Ok(true),
                Ok(read) => self.len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// Lines of all sources.
pub(super) struct Lines<'a> {
    waiting: std::slice::Iter<'a, Source>,
    read: &'a Arc<AtomicU64>,
    current: Option<(String, Box<dyn Read + Send>)>,
    /// What is left of the last piece: the start of a line.
    left: Vec<u8>,
    number: u64,
    /// The sources by the number of their first line.
    pub(super) starts: Vec<(u64, String)>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(sources: &'a [Source], read: &'a Arc<AtomicU64>) -> Self {
        Self { waiting: sources.iter(), read, current: None, left: Vec::new(), number: 0, starts: Vec::new() }
    }

    /// Read the next piece. Is there one?
    pub(super) fn next_piece(&mut self, piece: &mut Piece) -> Result<bool, ScanError> {
        loop {
            let Some((name, reader)) = &mut self.current else {
                let Some(source) = self.waiting.next() else { return Ok(false) };
                let name = source.name();
                let reader = source
                    .open(self.read)
                    .map_err(|error| ScanError::Unreadable { source: name.clone(), error })?;
                self.starts.push((self.number, name.clone()));
                self.current = Some((name, reader));
                continue;
            };
            let least = PIECE.max(self.left.len() * 2);
            if piece.room.len() < least {
                piece.room.resize(least, 0);
            }
            piece.len = self.left.len();
            if let Some(start) = piece.room.get_mut(..piece.len) {
                start.copy_from_slice(&self.left);
            }
            self.left.clear();
            let at_end =
                piece.fill(reader).map_err(|error| ScanError::Unreadable { source: name.clone(), error })?;
            let text = piece.room.get(..piece.len).unwrap_or_default();
            if at_end {
                self.current = None;
            } else if let Some(end) = memchr::memrchr(b'\n', text) {
                self.left.extend_from_slice(text.get(end + 1..).unwrap_or_default());
                piece.len = end + 1;
            } else if text.len() < MAX_LINE {
                self.left.extend_from_slice(text);
                continue;
            }
            let text = piece.room.get(..piece.len).unwrap_or_default();
            if text.is_empty() {
                continue;
            }
            piece.first = self.number;
            let ends = memchr::memchr_iter(b'\n', text).count() as u64;
            self.number += ends + u64::from(!text.ends_with(b"\n"));
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_are_what_stands_between_their_ends(text in "[ab\\\\ \n]{0,40}", first in 0_u64..9) {
            let piece = Piece { room: text.clone().into_bytes(), len: text.len(), first };
            let lines = (first..).zip(text.split('\n')).filter(|(_, text)| !text.trim_ascii().is_empty());
            let lines = lines.map(|(number, text)| {
                Line { number, text: text.as_bytes(), has_backslash: text.contains('\\') }
            });
            prop_assert!(piece.lines().eq(lines));
        }
    }
}

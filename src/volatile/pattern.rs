//! Patterns of the user's: regular expressions over bytes.

use std::fmt;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;

use super::{Kind, Region};

/// How much memory the automaton of a pattern may take, in bytes: some two thousand states.
const MAX_AUTOMATON: usize = 128 << 10;

/// How many bytes may be read in all for the matches of a pattern that has no longest one: each of them may
/// have looked at the rest of the page in vain, which makes a square of its length.
const MAX_READ: usize = 1 << 27;

/// A regular expression in the syntax of the crate `regex`, without Unicode: it matches bytes, in time linear in
/// their number.
///
/// ```
/// use notmodified::volatile::Pattern;
///
/// assert!(Pattern::parse(r"request-id: ([0-9a-f]{32})").is_ok());
/// assert!(Pattern::parse("[0-9]*").unwrap_err().to_string().starts_with("it matches nothing at all"));
/// ```
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    has_longest: bool,
}

/// Why a pattern is refused: one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPattern(String);

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidPattern {}

impl Pattern {
    /// Read a pattern.
    ///
    /// # Errors
    ///
    /// If it is no regular expression, is too large, or matches the empty text (which is everywhere).
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let bytes = syntax::Config::new().unicode(false).utf8(false);
        let parsed = syntax::parse_with(text, &bytes).map_err(|error| {
            // Its message draws an arrow under the pattern; the last line says what it is.
            let message = error.to_string();
            let said = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
            InvalidPattern(format!("no regular expression: {said}"))
        })?;
        if parsed.properties().minimum_len().is_none_or(|least| least == 0) {
            return Err(InvalidPattern(
                "it matches nothing at all, or the empty text, which is everywhere: write what must be there"
                    .into(),
            ));
        }
        let config = Config::new().utf8_empty(false).nfa_size_limit(Some(MAX_AUTOMATON));
        let regex = Regex::builder().configure(config).build_from_hir(&parsed).map_err(|error| {
            InvalidPattern(match error.size_limit() {
                Some(_) => "it is too large: repeat less often, or name fewer things".into(),
                None => format!("no regular expression that can be used: {error}"),
            })
        })?;
        let has_longest = parsed.properties().maximum_len().is_some();
        Ok(Self { text: text.to_owned(), regex, has_longest })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Find what is to be masked: the groups of a match if the pattern has any, else all of it. False if there
    /// is too much of it, or it is too costly to find.
    pub(super) fn find(&self, content: &[u8], most: usize, regions: &mut Vec<Region>) -> bool {
        let most = if self.has_longest { most } else { most.min(MAX_READ / content.len().max(1)) };
        if self.regex.captures_len() == 1 {
            let before = regions.len();
            let found = self.regex.find_iter(content).take(most + 1);
            regions.extend(found.map(|found| region(found.start(), found.end())));
            return regions.len() - before <= most;
        }
        for (number, groups) in self.regex.captures_iter(content).enumerate() {
            if number >= most {
                return false;
            }
            let all = groups.iter().skip(1).flatten();
            regions.extend(all.map(|group| region(group.start, group.end)));
        }
        true
    }
}

const fn region(start: usize, end: usize) -> Region {
    Region { start, end, kind: Kind::Pattern }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(pattern: &str, content: &'a str) -> Vec<&'a str> {
        let mut regions = Vec::new();
        assert!(Pattern::parse(pattern).unwrap().find(content.as_bytes(), 100, &mut regions));
        regions.iter().map(|region| &content[region.start..region.end]).collect()
    }

    #[test]
    fn the_whole_match_is_masked_or_its_groups() {
        assert_eq!(found("id=[0-9]+", "id=1 id=23 id="), ["id=1", "id=23"]);
        assert_eq!(found("id=([0-9]+)", "id=1 id=23"), ["1", "23"]);
        assert_eq!(found("a(1)?b(2)?", "ab a1b ab2"), ["1", "2"]);
        assert_eq!(found(r"(?:é)(.)", "é!"), ["!"]);
    }

    #[test]
    fn a_pattern_that_could_harm_is_refused() {
        for (pattern, says) in [
            ("(", "no regular expression: unclosed group"),
            ("a*", "it matches nothing at all, or the empty text"),
            ("", "it matches nothing at all"),
            (r"\b", "it matches nothing at all"),
            ("[a&&b]", "it matches nothing at all"),
            ("(?:[a-z]{1000}){1000}", "it is too large"),
            (r"(a)\1", "no regular expression: backreferences are not supported"),
        ] {
            let refusal = Pattern::parse(pattern).unwrap_err().to_string();
            assert!(refusal.starts_with(says), "{pattern}: {refusal}");
        }
    }

    #[test]
    fn a_page_that_may_be_made_to_cost_much_is_left_as_it_is() {
        let page = "a ".repeat(10_000).into_bytes();
        let found = |pattern| {
            let mut regions = Vec::new();
            let all = Pattern::parse(pattern).unwrap().find(&page, 10_000, &mut regions);
            (all, regions.len())
        };
        // Each `a` might look for another one to the end of the page.
        assert_eq!(found("a+"), (false, MAX_READ / page.len() + 1));
        assert_eq!(found("(a+)"), (false, MAX_READ / page.len()));
        assert_eq!(found("a{1,9}"), (true, 10_000));
        assert_eq!(found("(a{1,9})"), (true, 10_000));
    }
}

//! Why a configuration is refused.

use std::fmt;

use crate::nearest::nearest;

/// Why a configuration is refused: where, what was seen, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or what else the configuration came from.
    pub origin: String,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The key, such as `policy[2].cache_control.max_age`. Policies are counted from 0. Empty if
    /// the text is no TOML.
    pub key: String,
    /// The value seen there, as TOML, shortened. Never one that is a secret.
    pub seen: Option<String>,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.origin)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}", self.key)?;
            if let Some(seen) = &self.seen {
                write!(f, " = {seen}")?;
            }
            f.write_str(":")?;
        }
        write!(f, " {}", self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// Tell whether the key itself is what is wrong.
    #[must_use]
    pub fn is_unknown_key(&self) -> bool {
        self.reason.starts_with(NO_SUCH_KEY)
    }
}

const NO_SUCH_KEY: &str = "no such key";

/// How serde's sentence begins.
const UNKNOWN_FIELD: &str = "unknown field ";

/// Is this serde's sentence about a key that there is not?
pub(super) fn is_unknown(message: &str) -> bool {
    message.starts_with(UNKNOWN_FIELD)
}

/// Say of a key why it is none here.
pub(super) fn not_here(why: &str) -> String {
    format!("{NO_SUCH_KEY} here; {why}")
}

/// Turn serde's sentence into ours: the place and the value seen are told beside it.
pub(super) fn reason(message: &str) -> String {
    if let Some(names) = message.strip_prefix(UNKNOWN_FIELD) {
        let mut names = names.split('`').skip(1).step_by(2);
        let unknown = names.next().unwrap_or_default();
        let known: Vec<&str> = names.collect();
        return match nearest(unknown, known.iter().copied()) {
            Some(meant) => format!("{NO_SUCH_KEY}, did you mean {meant}?"),
            None => format!("{NO_SUCH_KEY}; there are {}", known.join(", ")),
        };
    }
    match message.split_once(", expected ") {
        Some((_, "a boolean")) => "expected true or false".into(),
        Some((_, "a sequence")) => "expected a list of tables, each written [[policy]]".into(),
        Some((invalid, right)) if invalid.starts_with("invalid ") => format!("expected {right}"),
        _ => message.to_owned(),
    }
}

//! What `logs` and `check` may find: kinds of findings, each with its id, what it means and what ends it.
//!
//! Both have a catalogue of their own. Where they see the same defect, from the side of the log and from that
//! of the network, its id is the same, and so is its page in `docs/findings/`.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// It costs something.
    Warning,
    /// It is wrong: clients get what they should not, or never what they should.
    Error,
}

/// A kind of finding.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Its name, for programs: it never changes.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// In a few words.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What ends it.
    pub fix: &'static str,
    /// The section of an RFC that says so; empty where it is no question of the protocol.
    pub section: &'static str,
    /// The very lines that end it, by where they are written.
    pub lines: &'static [Line],
}

/// A line of a configuration or a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Where it is written: `notmodified.toml`, `Django`, `Flask`, `nginx`, `Apache`.
    pub place: &'static str,
    /// The line, or lines.
    pub text: &'static str,
}

/// Define statics of a catalogue, and `ALL` of them in their order.
macro_rules! definitions {
    ($(
        $name:ident: $severity:ident, $id:literal, $title:literal, $meaning:literal, $fix:literal
        $(, $section:literal, [$($place:literal => $text:literal),* $(,)?])?;
    )*) => {
        $(
            #[doc = $title]
            pub static $name: $crate::finding::Definition = $crate::finding::Definition {
                id: $id,
                severity: $crate::finding::Severity::$severity,
                title: $title,
                meaning: $meaning,
                fix: $fix,
                section: concat!($($section)?),
                lines: &[$($($crate::finding::Line { place: $place, text: $text }),*)?],
            };
        )*
        /// Every kind, worst first.
        pub static ALL: &[&$crate::finding::Definition] = &[$(&$name),*];
    };
}
pub(crate) use definitions;

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_words_that_a_file_can_be_called_by_and_each_catalogue_has_them_once() {
        for catalogue in [crate::access_log::findings::ALL, crate::audit::catalogue::ALL] {
            for (place, definition) in catalogue.iter().enumerate() {
                let is_word =
                    |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
                assert!(definition.id.bytes().all(is_word), "{}", definition.id);
                assert!(catalogue.iter().skip(place + 1).all(|other| other.id != definition.id));
                assert!(
                    definition.meaning.ends_with('.') && definition.fix.ends_with('.'),
                    "{}",
                    definition.id
                );
            }
        }
    }
}

//! Access logs: from lines to what was needless, and what would end it.
//!
//! | file | knows |
//! | --- | --- |
//! | `record.rs` | one line, taken apart |
//! | `format.rs`, `json.rs`, `recognise.rs` | how servers write lines |
//! | `time.rs` | how they write times |
//! | `source.rs`, `lines.rs`, `scan.rs`, `totals.rs` | reading and counting all of them, on all cores |
//! | `part.rs`, `gather.rs` | what each thread keeps of them, and all of that as one |
//! | `routes.rs` | which URLs are one |
//! | `clients.rs` | the log replayed, client by client |
//! | `recommend.rs` | the freshness that saves most at a stated risk |
//! | `timeline.rs` | requests over time |
//! | `findings.rs` | what is wasteful or wrong, and what ends it |
//! | `simulate.rs` | what would have happened under other policies |
//! | `report.rs` | all of it as one document |
//! | `event.rs`, `tables.rs`, `slots.rs` | what is kept of a line |
//!
//! No Python. What it can't know from a log it says, and does not guess.

pub mod clients;
pub mod event;
pub mod findings;
mod format;
mod gather;
mod json;
mod lines;
mod part;
mod recognise;
pub mod recommend;
mod record;
pub mod report;
pub mod routes;
pub mod scan;
pub mod simulate;
mod slots;
mod source;
pub mod tables;
pub mod time;
pub mod timeline;
pub mod totals;

pub use self::format::{COMBINED, COMMON, Format, InvalidFormat, NOTMODIFIED, Prefix};
pub use self::recognise::{Recognised, readable, recognise};
pub use self::record::{Escaping, Field, Record};
pub use self::source::Source;

//! Audits: from recorded exchanges to what breaks revalidation, where, and what ends it.
//!
//! | file | knows |
//! | --- | --- |
//! | `exchange.rs` | a recording: which request was sent where, and what came back; its JSON form |
//! | `probe.rs` | what each recorded request was sent for |
//! | `view.rs` | the recording sorted: a page, as it is seen at a hop, in a content coding |
//! | `catalogue.rs` | the kinds of findings |
//! | `finding.rs` | one finding: its kind, its sentence, its evidence |
//! | `difference.rs`, `element.rs` | which bytes of two responses differ, and what stands there |
//! | `validators.rs` | no validator, one that changes, one that lies |
//! | `preconditions.rs` | what the judgement of §13.2.2 should have been, and was |
//! | `not_modified.rs` | what a 304 carries, and whether the connection serves on |
//! | `ranges.rs` | Range and If-Range |
//! | `writes.rs` | PUTs whose precondition is false |
//! | `vary.rs` | what the response depends on, and says that it depends on |
//! | `hops.rs` | which hop did it |
//! | `freshness.rs` | what each kind of cache may do, and for how long |
//! | `lint.rs` | what a linter of messages has against them too |
//! | `network.rs` | what is no question of configuration |
//! | `judge.rs` | all rules over all pages: the report, which is the JSON document of `notmodified check --json` |
//!
//! Pure: no Python, no I/O, no clock. A recording that was saved is judged again without asking anybody.

pub mod catalogue;
pub mod difference;
mod element;
pub mod exchange;
pub mod finding;
mod freshness;
mod hops;
pub mod judge;
pub mod lint;
mod network;
mod not_modified;
mod preconditions;
pub mod probe;
mod ranges;
#[cfg(test)]
mod sample;
mod validators;
mod vary;
mod view;
mod writes;

pub use self::exchange::Recording;
pub use self::judge::{Report, judge};
pub use self::lint::{Linted, messages};

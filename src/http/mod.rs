//! The protocol: values in, values out. No Python, no I/O, no clock.

#![forbid(unsafe_code)]

pub mod cache_control;
pub mod cache_groups;
pub mod date;
pub mod entity_tag;
pub mod field;
pub mod freshness;
pub mod not_modified;
pub mod preconditions;
pub mod range;
pub mod reference;
pub mod targeted;

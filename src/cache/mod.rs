//! The validator cache: what is remembered of earlier responses, never their bodies.
//!
//! | module | knows |
//! | --- | --- |
//! | [`key`] | which request a stored response is for, and the names that an invalidation hits |
//! | [`stamps`] | the protocol: when a stored response is valid. Pure functions, which the model checker runs |
//! | [`store`] | what every store can do: the trait |
//! | [`counts`] | what a store counts |
//! | [`process`], [`host`] | the store of one process, and that of all processes of a user on a host |
//! | [`table`] | what a store in shared words is: records, stamps, leases |
//! | [`learned`] | which paths are worth a look-up |
//! | [`layout`], [`record`], [`entry`] | where what lies in a table; one record in its slot; an entry in records |
//! | [`words`], [`map`] | words that are shared; mapped memory as such |
//! | [`remote`] | the store of many hosts, on a Redis or Valkey server |
//! | [`stored_response`] | what is remembered of a response, and which requests it may answer |
//! | [`validator_cache`] | all of it as the middleware uses it: look up, remember, invalidate |
//!
//! Nothing here reads a clock: times are passed in. A store knows nothing of what is in a stored response, which
//! is octets to it.

pub mod counts;
pub mod entry;
pub mod host;
mod in_table;
pub mod key;
pub mod layout;
pub mod learned;
pub mod map;
pub mod process;
mod random;
pub mod record;
pub mod remote;
mod same_process;
pub mod stamps;
pub mod store;
pub mod stored_response;
pub mod table;
pub mod validator_cache;
pub mod words;

pub use host::HostStore;
pub use key::{Key, KeySpace, Name, Target};
pub use process::ProcessStore;
pub use remote::RemoteStore;
pub use stamps::Sequence;
pub use store::{Counters, Entry, Found, LookUp, Outcome, Store, StoreError};

//! Fields that a policy sets besides Cache-Control, Expires and Vary: targeted ones (RFC 9213), groups (RFC
//! 9875), and others by name.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::directives::Directives;
use super::setting::{Many, Setting};
use crate::http::cache_control::{CacheControl, Scope};
use crate::http::field::is_field_text;
use crate::http::{cache_groups, field, targeted};
use crate::policy::{Field, Reach};

/// What is wrong, and under which key.
type Wrong = (Vec<String>, String);

/// `targeted`: the name of each field, and its directives.
pub(super) type Targeted = BTreeMap<String, Directives>;

/// `fields`: the name of each field, and its value.
pub(super) type Others = BTreeMap<String, Value>;

/// Fields that only the app, the server or another key may set, and why.
const NOT_HERE: [(&str, &str); 40] = [
    ("Cache-Control", "that is what cache_control is for"),
    ("Expires", "that is what expires is for"),
    ("Vary", "that is what vary is for"),
    ("Cache-Groups", "that is what cache_groups is for"),
    (targeted::NAME, "that is what notmodified_cache_control is for"),
    ("ETag", "it is made from the content: see the key etag"),
    ("Last-Modified", "only the application knows when the content changed"),
    ("Age", OF_CACHES),
    ("Cache-Status", OF_CACHES),
    ("Warning", OF_CACHES),
    ("Date", OF_THE_SERVER),
    ("Server", OF_THE_SERVER),
    ("Via", OF_THE_SERVER),
    ("Connection", OF_THE_SERVER),
    ("Keep-Alive", OF_THE_SERVER),
    ("Proxy-Connection", OF_THE_SERVER),
    ("Proxy-Authenticate", OF_THE_SERVER),
    ("Proxy-Authentication-Info", OF_THE_SERVER),
    ("TE", OF_THE_SERVER),
    ("Trailer", OF_THE_SERVER),
    ("Transfer-Encoding", OF_THE_SERVER),
    ("Upgrade", OF_THE_SERVER),
    ("Status", OF_THE_SERVER),
    ("Alt-Svc", OF_THE_SERVER),
    ("Content-Length", OF_THE_CONTENT),
    ("Content-Type", OF_THE_CONTENT),
    ("Content-Encoding", OF_THE_CONTENT),
    ("Content-Language", OF_THE_CONTENT),
    ("Content-Location", OF_THE_CONTENT),
    ("Content-Range", OF_THE_CONTENT),
    ("Content-Disposition", OF_THE_CONTENT),
    ("Content-Digest", OF_THE_CONTENT),
    ("Repr-Digest", OF_THE_CONTENT),
    ("Accept-Ranges", OF_THE_CONTENT),
    ("Set-Cookie", "a cookie for everybody is a session for everybody"),
    ("Set-Cookie2", "a cookie for everybody is a session for everybody"),
    ("Location", OF_THE_APP),
    ("WWW-Authenticate", OF_THE_APP),
    ("Authentication-Info", OF_THE_APP),
    (cache_groups::INVALIDATION, OF_THE_APP),
];

const OF_CACHES: &str = "only caches say that";
const OF_THE_SERVER: &str = "it is between server and client, and another one breaks the connection";
const OF_THE_CONTENT: &str = "it belongs to the content, which a policy does not know";
const OF_THE_APP: &str = "only the application can know that";

/// Fields of single vendors that tell shared caches to keep a response, in a syntax of their own.
const OF_VENDORS: [&str; 3] = ["Surrogate-Control", "X-Accel-Expires", "Edge-Control"];

fn check_name(name: &str) -> Result<(), String> {
    if !field::is_token(name.as_bytes()) {
        return Err(format!("{name:?} is no field name: use letters, digits and hyphens"));
    }
    match NOT_HERE.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((known, why)) => Err(format!("a policy can't set {known} here: {why}")),
        None => Ok(()),
    }
}

/// The value of a field, as text.
pub(super) struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl Visitor<'_> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the value of the field in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                let fault = if text.trim_matches([' ', '\t']).is_empty() {
                    "an empty field says nothing: leave it out"
                } else if text.trim_matches([' ', '\t']).len() < text.len() {
                    "space at its ends is not part of a value: leave it out"
                } else if !text.is_ascii() {
                    "a field value is ASCII: encode what is not"
                } else if !text.bytes().all(is_field_text) {
                    "control characters cannot be in a header field"
                } else {
                    return Ok(Value(text.to_owned()));
                };
                Err(E::custom(fault))
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

/// The name of a group.
pub(super) struct Group(String);

impl Setting for Group {
    const EXPECTED: &'static str = "the name of a group in quotes";

    fn of_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a group without a name can't be told from another".into());
        }
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err("the name of a group is printable ASCII (RFC 9875 §2)".into());
        }
        Ok(Self(text.to_owned()))
    }
}

/// Write a targeted field: a dictionary of directives (RFC 9213 §2.1).
///
/// # Errors
///
/// The directives that have no place in it.
pub(super) fn write_targeted(directives: &CacheControl) -> Result<String, String> {
    for (name, _) in directives.extensions.iter() {
        let is_key = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !is_key {
            return Err(format!("{name} can't be the key of a structured field (RFC 9651 §3.1.2)"));
        }
    }
    let text = directives.to_string();
    match targeted::read(&text) {
        Some(_) => Ok(text),
        None => Err(format!("{text:?} is no dictionary, which targeted fields are (RFC 9213 §2.1)")),
    }
}

/// Read what a policy sets besides Cache-Control. `check` is what directives have to pass.
///
/// # Errors
///
/// The key under which something is wrong, and what.
pub(super) fn fields(
    targeted: Targeted,
    groups: Many<Group>,
    others: Others,
    check: impl Fn(&CacheControl) -> Result<(), String>,
) -> Result<Vec<Field>, Wrong> {
    let mut all = Vec::new();
    for (name, Directives(directives)) in targeted {
        let wrong = |reason| (vec!["targeted".to_owned(), name.clone()], reason);
        check_name(&name).map_err(wrong)?;
        if all.iter().any(|have: &Field| have.name.eq_ignore_ascii_case(&name)) {
            return Err(wrong("it is there twice".into()));
        }
        if directives.is_empty() {
            return Err(wrong("it says nothing, which is as if it were not there: leave it out".into()));
        }
        check(&directives).map_err(wrong)?;
        let value = write_targeted(&directives).map_err(wrong)?;
        let keeps = !directives.no_store && directives.private != Some(Scope::Everything);
        let reach = if keeps { Reach::Shared } else { Reach::Anybody };
        all.push(Field { name, value, reach });
    }
    let mut names: Vec<String> = groups.into_iter().map(|Group(name)| name).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > cache_groups::MAX_GROUPS {
        let reason =
            format!("{} groups are more than are kept, which is {}", names.len(), cache_groups::MAX_GROUPS);
        return Err((vec!["cache_groups".to_owned()], reason));
    }
    if !names.is_empty() {
        let value = cache_groups::write(&names);
        all.push(Field { name: cache_groups::GROUPS.to_owned(), value, reach: Reach::Beside });
    }
    for (name, Value(value)) in others {
        let wrong = |reason| (vec!["fields".to_owned(), name.clone()], reason);
        check_name(&name).map_err(wrong)?;
        if name.to_ascii_lowercase().ends_with("cache-control") {
            return Err(wrong(
                "that is a targeted field, whose directives are checked: write it under targeted".into(),
            ));
        }
        if all.iter().any(|have| have.name.eq_ignore_ascii_case(&name)) {
            return Err(wrong("it is there twice".into()));
        }
        let is_vendors = OF_VENDORS.iter().any(|vendors| vendors.eq_ignore_ascii_case(&name));
        let keeps = is_vendors && !CacheControl::has_no_store(&value) && value != "0";
        let reach = if keeps { Reach::Shared } else { Reach::Anybody };
        all.push(Field { name, value, reach });
    }
    Ok(all)
}

//! Which of the user's policies a request and its response get: the first that matches.
//!
//! Knows paths, methods, statuses and media types as plain values. Knows nothing of files and
//! schemas (that is [`crate::config`]) nor of how a server hands requests over.
//!
//! Paths are matched by [`crate::path`], all of them at once.

mod sent;

use std::fmt;

use crate::http::field;
use crate::http::preconditions::Method;
use crate::path::{InvalidPath, Numbers, Paths, Template};
use crate::volatile::Ignore;

pub use sent::{Field, Narrowed, Reach, narrowed};

/// Why a media type, method or set of policies was refused: one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPolicy(pub(crate) String);

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidPolicy {}

impl From<InvalidPath> for InvalidPolicy {
    fn from(InvalidPath(sentence): InvalidPath) -> Self {
        Self(sentence)
    }
}

fn refuse<T>(sentence: impl Into<String>) -> Result<T, InvalidPolicy> {
    Err(InvalidPolicy(sentence.into()))
}

/// Which statuses a policy is for: one, or a class such as `2xx` (RFC 9110 §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    first: u16,
    last: u16,
}

impl Status {
    /// The successful ones, 200 to 299: what policies are for unless they say otherwise.
    pub const SUCCESSFUL: Self = Self { first: 200, last: 299 };

    /// One status.
    ///
    /// # Errors
    ///
    /// If it is no final status (200 to 599), or is 304: the app's own 304 counts as the 200
    /// that it stands for.
    pub fn one(status: i64) -> Result<Self, InvalidPolicy> {
        match u16::try_from(status) {
            Ok(304) => refuse("a 304 counts as the 200 that it stands for: write 200"),
            Ok(status @ 200..=599) => Ok(Self { first: status, last: status }),
            _ => refuse("a status is a number from 200 to 599, or a class such as \"2xx\""),
        }
    }

    /// A class, such as `2xx`.
    ///
    /// # Errors
    ///
    /// If it is anything else than `2xx`, `3xx`, `4xx` or `5xx`.
    pub fn class(text: &str) -> Result<Self, InvalidPolicy> {
        let first = match text {
            "2xx" => 200,
            "3xx" => 300,
            "4xx" => 400,
            "5xx" => 500,
            _ => return refuse("a status is a number from 200 to 599, or a class such as \"2xx\""),
        };
        Ok(Self { first, last: first + 99 })
    }

    fn matches(self, status: u16) -> bool {
        let status = if status == 304 { 200 } else { status };
        (self.first..=self.last).contains(&status)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}xx", self.first / 100)
        }
    }
}

/// Which media types a policy is for: one, all of a type (`image/*`) or all (`*/*`)
/// (RFC 9110 §8.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    kind: String,
    subtype: String,
}

impl MediaType {
    /// Read a media type or a range of them.
    ///
    /// # Errors
    ///
    /// If it is no `type/subtype`; parameters are none of its business.
    pub fn parse(text: &str) -> Result<Self, InvalidPolicy> {
        if text.contains(';') {
            return refuse(
                "parameters are not compared: write the type and subtype alone, such as \"text/html\"",
            );
        }
        match text.split_once('/') {
            // `*` is a token, so a range needs no case of its own.
            Some((kind, subtype))
                if field::is_token(kind.as_bytes())
                    && field::is_token(subtype.as_bytes())
                    && (kind != "*" || subtype == "*") =>
            {
                Ok(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase() })
            }
            _ => {
                refuse("a media type is written type/subtype, such as \"text/html\", \"image/*\" or \"*/*\"")
            }
        }
    }

    /// Compare with a `Content-Type` value, whose parameters don't count.
    fn matches(&self, content_type: &str) -> bool {
        let essence = content_type.split_once(';').map_or(content_type, |(essence, _)| essence);
        let Some((kind, subtype)) = essence.trim_matches([' ', '\t']).split_once('/') else {
            return false;
        };
        let same = |pattern: &str, value: &str| pattern == "*" || pattern.eq_ignore_ascii_case(value);
        same(&self.kind, kind) && same(&self.subtype, subtype)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)
    }
}

/// Where the entity-tag of a response comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EtagOption {
    /// The app's own well-formed tag, else one made from the content.
    #[default]
    Auto,
    /// Always one made from the content; the app's tag is replaced.
    Content,
    /// As [`EtagOption::Auto`], but the tags that we make are weak.
    Weak,
    /// None is made.
    Off,
}

impl EtagOption {
    /// Every option.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Content, Self::Weak, Self::Off];

    /// The word for it in configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Content => "content",
            Self::Weak => "weak",
            Self::Off => "off",
        }
    }
}

/// What a write has to pass before the app acts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Guard {
    /// Its preconditions are judged by what a GET to the same app gives.
    pub get: bool,
    /// It must have one.
    pub require: bool,
}

impl Guard {
    /// Tell whether there is anything to pass.
    #[must_use]
    pub const fn is_set(self) -> bool {
        self.get || self.require
    }
}

/// Is this one of the methods that change nothing (RFC 9110 §9.2.1 and IANA's registry), or that no
/// precondition applies to (§13.2.1)? Others, known or not, are unsafe.
#[must_use]
pub fn is_safe(method: &str) -> bool {
    matches!(
        method,
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "CONNECT" | "PROPFIND" | "REPORT" | "SEARCH" | "QUERY" | "PRI"
    )
}

/// One rule of the user's: what it is for, and what then holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Path templates, one of which must match; none stands for every path.
    pub paths: Vec<Template>,
    /// Methods; none stands for GET. GET stands for HEAD too (RFC 9110 §9.3.2).
    pub methods: Vec<String>,
    /// Statuses; none stands for [`Status::SUCCESSFUL`].
    pub statuses: Vec<Status>,
    /// Media types; none stands for every response, also one without `Content-Type`.
    pub media_types: Vec<MediaType>,

    /// The preset that it was made of.
    pub preset: Option<&'static str>,
    /// Does each URL that it is for name one content for ever?
    pub versioned: bool,
    /// `Cache-Control`, ready to be sent.
    pub cache_control: Option<String>,
    /// The same for responses that set a cookie, where it is [another](narrowed). There is no Expires then: it
    /// would be read by caches that don't know `private`.
    pub narrowed: Option<String>,
    /// Further fields, ready to be sent.
    pub fields: Vec<Field>,
    /// `Notmodified-Cache-Control`: the same for our validator cache alone (RFC 9213).
    pub notmodified_cache_control: Option<String>,
    /// `Expires`, as seconds after `Date`.
    pub expires: Option<u32>,
    /// Names to add to the app's `Vary`.
    pub vary: Vec<String>,
    /// Where the entity-tag comes from.
    pub etag: EtagOption,
    /// What is left out of tags made from the content; none stands for what all responses have.
    pub ignore: Option<Ignore>,
    /// Whether `If-*` and `Range` are hidden from the app, and we alone judge.
    pub take_over: bool,
    /// Whether our `Cache-Control` and `Expires` replace the app's.
    pub override_app: bool,
    /// What writes have to pass: those of the methods, or all where no method is named.
    pub guard: Guard,
}

impl Policy {
    fn for_method(&self, method: &str) -> bool {
        let for_head = method == "HEAD";
        if self.methods.is_empty() {
            return method == "GET" || for_head;
        }
        self.methods.iter().any(|ours| ours == method || for_head && ours == "GET")
    }

    fn guards(&self, method: &str) -> bool {
        if self.methods.is_empty() {
            self.guard.is_set()
        } else {
            self.methods.iter().any(|ours| ours == method)
        }
    }

    fn for_status(&self, status: u16) -> bool {
        if self.statuses.is_empty() {
            Status::SUCCESSFUL.matches(status)
        } else {
            self.statuses.iter().any(|ours| ours.matches(status))
        }
    }

    fn for_media_type(&self, content_type: Option<&str>) -> bool {
        self.media_types.is_empty()
            || content_type.is_some_and(|given| self.media_types.iter().any(|ours| ours.matches(given)))
    }

    fn depends_on_response(&self) -> bool {
        !self.statuses.is_empty() || !self.media_types.is_empty()
    }
}

/// The user's policies in their order, ready to be matched.
#[derive(Debug, Default)]
pub struct Policies {
    policies: Vec<Policy>,
    paths: Option<Paths>,
}

/// The policies whose path and method match a request, as [`Policies::on_the_way_in`] found them.
///
/// Owned, so that it can be kept while the app runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates(Numbers);

impl Candidates {
    /// Tell whether no policy is for this request, whatever the response will be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Which policy there is depends on a media type that is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownMediaType;

/// What became of one policy when it was a request's and response's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// This is the policy that they get.
    Applies,
    /// It would match, but an earlier one did.
    Later,
    /// Its path does not match.
    Path,
    /// Its path matches, its method does not.
    Method,
    /// Its path and method match, its status does not.
    Status,
    /// Only its media type does not match.
    MediaType,
}

impl Verdict {
    /// A word for it, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Applies => "applies",
            Self::Later => "later",
            Self::Path => "path",
            Self::Method => "method",
            Self::Status => "status",
            Self::MediaType => "media-type",
        }
    }
}

impl Policies {
    /// Take the policies in their order.
    ///
    /// # Errors
    ///
    /// If there are more paths than one automaton can hold (some ten thousand).
    pub fn new(policies: Vec<Policy>) -> Result<Self, InvalidPolicy> {
        let paths = if policies.is_empty() { None } else { Some(paths_of(&policies)?) };
        Ok(Self { policies, paths })
    }

    /// Tell whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// The policies in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[Policy] {
        &self.policies
    }

    /// Find the policies that a request may get, from its method and path. Once a request.
    #[must_use]
    pub fn on_the_way_in(&self, method: &str, path: &str) -> Candidates {
        let mut found = self.on_path(path);
        found.0.retain(|number| self.get(*number).is_some_and(|policy| policy.for_method(method)));
        found
    }

    /// The policy by which we judge in the app's place, if the request has one.
    ///
    /// This must be known before the app runs, so the response cannot matter: a policy takes over
    /// if it is the first for the path and method, or if all such policies before it have a status
    /// or media type matcher (and so may turn out not to be for this response). Should one of
    /// those then be for the response after all, it is what [`Policies::on_the_way_out`] answers,
    /// and the judging has been taken over nevertheless.
    #[must_use]
    pub fn takes_over(&self, candidates: &Candidates) -> Option<&Policy> {
        self.each(candidates)
            .map(|(_, policy)| policy)
            .find(|policy| !policy.depends_on_response())
            .filter(|policy| policy.take_over)
    }

    /// What a write has to pass, and the number of the policy that says so: the first that is for its path and
    /// method and does not depend on the response.
    #[must_use]
    pub fn guard(&self, method: &str, path: &str) -> Option<(u32, Guard)> {
        if is_safe(method) || !self.has_guard() {
            return None;
        }
        let candidates = self.on_path(path);
        self.each(&candidates)
            .find(|(_, policy)| policy.guards(method) && !policy.depends_on_response())
            .map(|(number, policy)| (number, policy.guard))
            .filter(|(_, guard)| guard.is_set())
    }

    /// Tell whether any policy has something for writes to pass.
    #[must_use]
    pub fn has_guard(&self) -> bool {
        self.policies.iter().any(|policy| policy.guard.is_set())
    }

    /// The policy that a 200 to the request will get, if it is known before the app runs. `Err` if its media
    /// type decides, and that is not known.
    pub fn before_a_200(
        &self,
        candidates: &Candidates,
        content_type: Option<&str>,
    ) -> Result<Option<&Policy>, UnknownMediaType> {
        for (_, policy) in self.each(candidates).filter(|(_, policy)| policy.for_status(200)) {
            if policy.media_types.is_empty() {
                return Ok(Some(policy));
            }
            match content_type {
                None => return Err(UnknownMediaType),
                Some(_) if policy.for_media_type(content_type) => return Ok(Some(policy)),
                Some(_) => {}
            }
        }
        Ok(None)
    }

    /// The policy that a response gets: the first of the candidates whose status and media type
    /// match too. `content_type` is the `Content-Type` value, parameters and all.
    #[must_use]
    pub fn on_the_way_out(
        &self,
        candidates: &Candidates,
        status: u16,
        content_type: Option<&str>,
    ) -> Option<&Policy> {
        self.each(candidates)
            .map(|(_, policy)| policy)
            .find(|policy| policy.for_status(status) && policy.for_media_type(content_type))
    }

    /// The first of these that such a response gets, whatever its path: of policies that a view has.
    #[must_use]
    pub fn of_a_view(&self, method: Method, status: u16, content_type: Option<&str>) -> Option<&Policy> {
        let is_for = |policy: &&Policy| policy.for_status(status) && policy.for_media_type(content_type);
        if method.is_read() { self.policies.iter().find(is_for) } else { None }
    }

    /// What became of every policy, in their order: for showing, not for serving.
    #[must_use]
    pub fn explain(&self, method: &str, path: &str, status: u16, content_type: Option<&str>) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Path; self.policies.len()];
        let mut applied = false;
        for (number, policy) in self.each(&self.on_path(path)) {
            let verdict = if !policy.for_method(method) {
                Verdict::Method
            } else if !policy.for_status(status) {
                Verdict::Status
            } else if !policy.for_media_type(content_type) {
                Verdict::MediaType
            } else if std::mem::replace(&mut applied, true) {
                Verdict::Later
            } else {
                Verdict::Applies
            };
            if let Some(slot) = verdicts.get_mut(number as usize) {
                *slot = verdict;
            }
        }
        verdicts
    }

    fn on_path(&self, path: &str) -> Candidates {
        Candidates(self.paths.as_ref().map(|paths| paths.matches(path)).unwrap_or_default())
    }

    fn get(&self, number: u32) -> Option<&Policy> {
        self.policies.get(number as usize)
    }

    fn each<'a, 'b>(
        &'a self,
        candidates: &'b Candidates,
    ) -> impl Iterator<Item = (u32, &'a Policy)> + use<'a, 'b> {
        candidates.0.iter().filter_map(|&number| Some((number, self.get(number)?)))
    }
}

/// The paths of all policies, each with the number of its policy.
fn paths_of(policies: &[Policy]) -> Result<Paths, InvalidPath> {
    let mut all = Vec::new();
    for (number, policy) in (0u32..).zip(policies) {
        all.extend(policy.paths.iter().map(|path| (number, Some(path))));
        if policy.paths.is_empty() {
            all.push((number, None));
        }
    }
    Paths::new(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(path: &str) -> Policy {
        Policy { paths: vec![Template::parse(path).unwrap()], ..Policy::default() }
    }

    fn numbers(candidates: &Candidates) -> Vec<u32> {
        candidates.0.to_vec()
    }

    #[test]
    fn the_first_match_wins() {
        let policies = Policies::new(vec![
            Policy { methods: vec!["POST".into()], ..policy("/a/**") },
            Policy { statuses: vec![Status::one(404).unwrap()], ..policy("/a/**") },
            Policy { media_types: vec![MediaType::parse("text/*").unwrap()], ..policy("/a/b") },
            Policy::default(),
            policy("/a/b"),
        ])
        .unwrap();
        let number = |status, media_type| {
            let candidates = policies.on_the_way_in("GET", "/a/b");
            let chosen = policies.on_the_way_out(&candidates, status, media_type)?;
            policies.as_slice().iter().position(|policy| std::ptr::eq(policy, chosen))
        };
        assert_eq!(numbers(&policies.on_the_way_in("GET", "/a/b")), [1, 2, 3, 4]);
        assert_eq!(number(404, None), Some(1));
        assert_eq!(number(200, Some("Text/HTML; charset=utf-8")), Some(2));
        assert_eq!(number(200, Some("image/png")), Some(3));
        assert_eq!(number(304, None), Some(3));
        assert_eq!(number(302, None), None);
        assert_eq!(
            policies.explain("GET", "/a/b", 200, Some("image/png")),
            [Verdict::Method, Verdict::Status, Verdict::MediaType, Verdict::Applies, Verdict::Later]
        );
        assert_eq!(
            policies.explain("POST", "/c", 200, None),
            [Verdict::Path, Verdict::Path, Verdict::Path, Verdict::Method, Verdict::Path]
        );
    }

    #[test]
    fn head_is_treated_as_get() {
        let policies = Policies::new(vec![Policy::default()]).unwrap();
        assert!(!policies.on_the_way_in("HEAD", "/").is_empty());
        assert!(policies.on_the_way_in("POST", "/").is_empty());
        assert!(policies.on_the_way_in("get", "/").is_empty());
    }

    #[test]
    fn several_paths_are_one_policy() {
        let mut both = policy("/a/*");
        both.paths.extend([Template::parse("/b").unwrap(), Template::parse("/**").unwrap()]);
        let policies = Policies::new(vec![policy("/x"), both, policy("/a/**")]).unwrap();
        assert_eq!(numbers(&policies.on_the_way_in("GET", "/a/c")), [1, 2]);
    }

    #[test]
    fn taking_over_is_decided_by_path_and_method_alone() {
        let taking = || Policy { take_over: true, ..policy("/**") };
        let for_404 = || Policy { statuses: vec![Status::one(404).unwrap()], ..policy("/**") };
        for (rules, want) in [
            (vec![taking()], true),
            (vec![for_404(), taking()], true),
            (vec![policy("/**"), taking()], false),
            (vec![policy("/other"), taking()], true),
            (vec![for_404(), policy("/**"), taking()], false),
            (vec![for_404()], false),
            (vec![], false),
        ] {
            let policies = Policies::new(rules).unwrap();
            let candidates = policies.on_the_way_in("GET", "/a");
            assert_eq!(policies.takes_over(&candidates).is_some(), want);
        }
    }

    #[test]
    fn statuses_and_media_types_are_checked() {
        for status in [-1, 0, 199, 304, 600, 65_736] {
            assert!(Status::one(status).is_err(), "{status}");
        }
        for class in ["", "1xx", "2XX", "20x", "200"] {
            assert!(Status::class(class).is_err(), "{class}");
        }
        for text in
            ["", "text", "text/", "/html", "*/html", "text/html;charset=utf-8", "a b/c", "text/html/x"]
        {
            assert!(MediaType::parse(text).is_err(), "{text}");
        }
        assert!(MediaType::parse("*/*").unwrap().matches("a/b"));
        assert!(!MediaType::parse("*/*").unwrap().matches("nonsense"));
    }
}

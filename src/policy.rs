//! Which of the user's policies a request and its response get: the first that matches.
//!
//! Knows paths, methods, statuses and media types as plain values. Knows nothing of files and
//! schemas (that is [`crate::config`]) nor of how a server hands requests over.
//!
//! # Paths
//!
//! | in a template | stands for |
//! | --- | --- |
//! | `*` | any run of characters within a segment, also none |
//! | `**` | a whole segment of the template: any number of segments, also none |
//! | `{name}` | a whole segment of the template: one segment, not empty |
//! | anything else | itself, letter case and all |
//!
//! The path is matched as a WSGI server gives it in `PATH_INFO`: percent-decoded, each octet a
//! character (PEP 3333). An empty path is `/`.
//!
//! # Speed
//!
//! All templates are one automaton (a lazy DFA over the regular expressions that globset makes of
//! them), walked once a request: the price depends on the length of the path, not on how many
//! policies there are. `benches/policy.rs` measures it beside [`globset::GlobSet`], which tries
//! templates with a common extension one by one.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use globset::GlobBuilder;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::pool::Pool;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind, nfa::thompson};
use smallvec::SmallVec;

use crate::http::field;

/// How much memory the automaton may fill with states it has seen, per thread: so much, and so
/// much for each path. Usual requests need a tenth of it; paths made to visit more states start it
/// anew.
const AUTOMATON_BYTES: (usize, usize) = (2 << 20, 4 << 10);

/// A path template, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    regex: String,
}

/// Why a template, media type, method or set of policies was refused: one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPolicy(pub(crate) String);

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidPolicy {}

fn refuse<T>(sentence: impl Into<String>) -> Result<T, InvalidPolicy> {
    Err(InvalidPolicy(sentence.into()))
}

impl Template {
    /// Read a template.
    ///
    /// ```
    /// use notmodified::policy::Template;
    ///
    /// assert!(Template::parse("/articles/{slug}/*.html").is_ok());
    /// assert_eq!(
    ///     Template::parse("/static/**.css").unwrap_err().to_string(),
    ///     "`**` must be a segment of its own: write `/static/**/*.css`"
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// If it does not start with `/`, if `**` or a `{name}` is not a segment of its own, if a name
    /// is malformed or comes twice, or if it has a percent-encoding in it.
    pub fn parse(text: &str) -> Result<Self, InvalidPolicy> {
        let Some(path) = text.strip_prefix('/') else {
            return refuse(format!("a path starts with `/`: write `/{text}`, or `/**/{text}` for any depth"));
        };
        if let Some(encoded) = percent_encoding(text) {
            return refuse(format!(
                "paths are matched percent-decoded: write the character that `{encoded}` stands for"
            ));
        }
        let mut glob = String::with_capacity(text.len() + 8);
        let mut names = Vec::new();
        for segment in path.split('/') {
            glob.push('/');
            if segment == "**" {
                glob.push_str("**");
            } else if let Some(name) = name_of(segment) {
                if names.contains(&name) {
                    return refuse(format!("`{{{name}}}` is there twice: give each segment its own name"));
                }
                names.push(name);
                glob.push_str("?*");
            } else if segment.contains("**") {
                let right = text.replace("**", "**/*").replace("/*/*", "/*");
                return refuse(format!("`**` must be a segment of its own: write `{right}`"));
            } else if segment.contains(['{', '}']) {
                return refuse(format!(
                    "`{segment}` is no segment: braces hold the name of a whole one, such as `/{{slug}}/`, \
                     a letter first, then letters, digits and `_`"
                ));
            } else {
                // PEP 3333: each octet of the UTF-8 that clients send is one character.
                for octet in segment.bytes() {
                    if matches!(octet, b'?' | b'[' | b']' | b'\\') {
                        glob.push('\\');
                    }
                    glob.push(char::from(octet));
                }
            }
        }
        let glob = GlobBuilder::new(&glob)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|error| InvalidPolicy(error.kind().to_string()))?;
        Ok(Self { text: text.to_owned(), regex: glob.regex().to_owned() })
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The name in a segment that is `{name}` and nothing else.
fn name_of(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    let letter_first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
    (letter_first && name.chars().all(plain)).then_some(name)
}

/// The first `%` with two hexadecimal digits after it.
fn percent_encoding(text: &str) -> Option<&str> {
    text.match_indices('%')
        .filter_map(|(at, _)| text.get(at..at + 3))
        .find(|encoded| encoded.bytes().skip(1).all(|digit| digit.is_ascii_hexdigit()))
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

    /// `Cache-Control`, ready to be sent.
    pub cache_control: Option<String>,
    /// `Expires`, as seconds after `Date`.
    pub expires: Option<u32>,
    /// Names to add to the app's `Vary`.
    pub vary: Vec<String>,
    /// Where the entity-tag comes from.
    pub etag: EtagOption,
    /// Whether `If-*` and `Range` are hidden from the app, and we alone judge.
    pub take_over: bool,
    /// Whether our `Cache-Control` and `Expires` replace the app's.
    pub override_app: bool,
}

impl Policy {
    fn for_method(&self, method: &str) -> bool {
        let for_head = method == "HEAD";
        if self.methods.is_empty() {
            return method == "GET" || for_head;
        }
        self.methods.iter().any(|ours| ours == method || for_head && ours == "GET")
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
    paths: Option<Automaton>,
}

/// The policies whose path and method match a request, as [`Policies::on_the_way_in`] found them.
///
/// Owned, so that it can be kept while the app runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates(SmallVec<[u32; 8]>);

impl Candidates {
    /// Tell whether no policy is for this request, whatever the response will be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

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
        let paths = if policies.is_empty() { None } else { Some(Automaton::of(&policies)?) };
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
        let path = if path.is_empty() { "/" } else { path };
        self.paths.as_ref().map(|paths| paths.matches(path)).unwrap_or_default()
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

/// All paths of all policies in one automaton.
struct Automaton {
    dfa: DFA,
    /// A cache for each thread that matches at the same time. It never waits for a lock, so a
    /// fork at any moment leaves it usable.
    caches: Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>>,
    /// The policy that each pattern of the automaton belongs to.
    policies: Vec<u32>,
}

impl Automaton {
    fn of(policies: &[Policy]) -> Result<Self, InvalidPolicy> {
        let mut regexes = Vec::new();
        let mut numbers = Vec::new();
        for (number, policy) in (0u32..).zip(policies) {
            for path in &policy.paths {
                regexes.push(path.regex.as_str());
                numbers.push(number);
            }
            if policy.paths.is_empty() {
                regexes.push(".*$");
                numbers.push(number);
            }
        }
        let (base, each) = AUTOMATON_BYTES;
        let room = each.saturating_mul(regexes.len()).saturating_add(base);
        let dfa = DFA::builder()
            .configure(
                DFA::config().match_kind(MatchKind::All).cache_capacity(room).skip_cache_capacity_check(true),
            )
            // Octets, as in globset's own use of its expressions; a template has no wildcard for
            // a single character, so octets and characters cannot differ.
            .syntax(syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true))
            .thompson(thompson::Config::new().utf8(false))
            .build_many(&regexes)
            .map_err(|error| InvalidPolicy(format!("the paths cannot be matched together: {error}")))?;
        let maker = dfa.clone();
        Ok(Self { dfa, caches: Pool::new(Box::new(move || maker.create_cache())), policies: numbers })
    }

    /// The policies that have a matching path, in their order. None if the automaton gives up,
    /// which it is not configured to do: then the app's own response goes out.
    fn matches(&self, path: &str) -> Candidates {
        self.try_matches(path).unwrap_or_default()
    }

    fn try_matches(&self, path: &str) -> Option<Candidates> {
        let mut cache = self.caches.get();
        let anchored = start::Config::new().anchored(Anchored::Yes);
        let mut state = self.dfa.start_state(&mut cache, &anchored).ok()?;
        for octet in path.bytes() {
            state = self.dfa.next_state(&mut cache, state, octet).ok()?;
            if state.is_dead() {
                return None;
            }
        }
        state = self.dfa.next_eoi_state(&mut cache, state).ok()?;
        let mut found = Candidates::default();
        if state.is_match() {
            for index in 0..self.dfa.match_len(&cache, state) {
                let pattern = self.dfa.match_pattern(&cache, state, index);
                // Patterns come in their order, so a policy's paths are neighbours.
                if let Some(&number) = self.policies.get(pattern.as_usize())
                    && found.0.last() != Some(&number)
                {
                    found.0.push(number);
                }
            }
        }
        Some(found)
    }
}

impl fmt::Debug for Automaton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Automaton").field("paths", &self.policies.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(path: &str) -> Policy {
        Policy { paths: vec![Template::parse(path).unwrap()], ..Policy::default() }
    }

    fn matches(template: &str, path: &str) -> bool {
        let policies = Policies::new(vec![policy(template)]).unwrap();
        !policies.on_the_way_in("GET", path).is_empty()
    }

    fn refusal(template: &str) -> String {
        Template::parse(template).unwrap_err().to_string()
    }

    fn numbers(candidates: &Candidates) -> Vec<u32> {
        candidates.0.to_vec()
    }

    #[test]
    fn a_star_stays_within_its_segment() {
        assert!(matches("/a/*", "/a/b"));
        assert!(matches("/a/*", "/a/"));
        assert!(matches("/a/*.css", "/a/.css"));
        assert!(matches("/a/b*d*f", "/a/bcdef"));
        assert!(!matches("/a/*", "/a/b/c"));
        assert!(!matches("/a/*", "/a"));
    }

    #[test]
    fn two_stars_cross_segments() {
        for path in ["/a/", "/a/b", "/a/b/c/"] {
            assert!(matches("/a/**", path), "{path}");
        }
        assert!(!matches("/a/**", "/a"));
        assert!(matches("/**", "/"));
        for path in ["/a/x.css", "/a/b/x.css", "/a/b/c/x.css"] {
            assert!(matches("/a/**/*.css", path), "{path}");
        }
        assert!(!matches("/a/**/*.css", "/ax.css"));
        assert!(matches("/**/a/**", "/b/c/a/d"));
    }

    #[test]
    fn a_name_is_one_segment_and_not_an_empty_one() {
        assert!(matches("/{year}/{slug}", "/2024/hello"));
        assert!(!matches("/{year}/{slug}", "/2024/"));
        assert!(!matches("/{year}/{slug}", "/2024/a/b"));
    }

    #[test]
    fn everything_else_stands_for_itself() {
        assert!(matches("/a?[b]\\c!,-", "/a?[b]\\c!,-"));
        assert!(!matches("/a?", "/ab"));
        assert!(!matches("/[ab]", "/a"));
        assert!(!matches("/A", "/a"));
        assert!(!matches("/a", "/a/"));
        assert!(!matches("/a.b", "/axb"));
        assert!(matches("/a/**", "/a/\n\u{0}"));
    }

    #[test]
    fn a_path_is_compared_as_wsgi_gives_it() {
        let wsgi: String = "/größe/日本".bytes().map(char::from).collect();
        assert!(matches("/größe/日本", &wsgi));
        assert!(matches("/{word}/*", &wsgi));
        assert!(matches("/", ""));
    }

    #[test]
    fn a_template_that_cannot_be_meant_is_refused_with_the_reason() {
        for (template, want) in [
            ("*.css", "a path starts with `/`: write `/*.css`, or `/**/*.css` for any depth"),
            ("/a/**.css", "`**` must be a segment of its own: write `/a/**/*.css`"),
            ("/a/{x}/{x}", "`{x}` is there twice: give each segment its own name"),
            ("/a%20b", "paths are matched percent-decoded: write the character that `%20` stands for"),
        ] {
            assert_eq!(refusal(template), want);
        }
        for template in
            ["/{a,b}", "/{}", "/{1}", "/a-{b}", "/{a", "/a}", "/{a}{b}", "/{a b}", "/***", "/a**", ""]
        {
            assert!(Template::parse(template).is_err(), "{template}");
        }
        assert!(Template::parse("/100%").is_ok());
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

    /// The same path syntax, read off its definition: segments against segments.
    fn naive(template: &[&str], path: &[&str]) -> bool {
        match template {
            [] => path.is_empty(),
            ["**"] => !path.is_empty(),
            ["**", rest @ ..] => (0..=path.len()).any(|skip| naive(rest, &path[skip..])),
            [segment, rest @ ..] => match path {
                [] => false,
                [first, others @ ..] => {
                    let this = if segment.starts_with('{') {
                        !first.is_empty()
                    } else {
                        naive_segment(segment.as_bytes(), first.as_bytes())
                    };
                    this && naive(rest, others)
                }
            },
        }
    }

    fn naive_segment(template: &[u8], text: &[u8]) -> bool {
        match template {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|skip| naive_segment(rest, &text[skip..])),
            [byte, rest @ ..] => text.first() == Some(byte) && naive_segment(rest, &text[1..]),
        }
    }

    fn template() -> impl Strategy<Value = String> {
        let segment = prop_oneof![
            Just("**".to_owned()),
            Just("{}".to_owned()),
            "[ab?\\[\\]\\\\]{0,2}\\*?[ab]{0,2}\\*?",
        ];
        proptest::collection::vec(segment, 1..5).prop_map(|segments| {
            let named = segments.iter().enumerate().map(|(number, segment)| {
                if segment == "{}" { format!("/{{n{number}}}") } else { format!("/{segment}") }
            });
            named.collect::<String>()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_automaton_agrees_with_a_plain_matcher(
            templates in proptest::collection::vec(template(), 1..6),
            path in proptest::collection::vec("[ab?\\[\\]\\\\\n]{0,3}", 1..6),
        ) {
            prop_assume!(templates.iter().all(|template| Template::parse(template).is_ok()));
            let policies = Policies::new(templates.iter().map(|one| policy(one)).collect()).unwrap();
            let segments: Vec<&str> = path.iter().map(String::as_str).collect();
            let text = format!("/{}", segments.join("/"));
            let want: Vec<u32> = (0u32..)
                .zip(&templates)
                .filter(|(_, template)| naive(&template[1..].split('/').collect::<Vec<_>>(), &segments))
                .map(|(number, _)| number)
                .collect();
            prop_assert_eq!(numbers(&policies.on_the_way_in("GET", &text)), want);
        }

        #[test]
        fn no_path_and_no_template_panics(template in any::<String>(), path in any::<String>()) {
            let policies = Template::parse(&format!("/{template}"))
                .and_then(|path| Policies::new(vec![Policy { paths: vec![path], ..Policy::default() }]));
            if let Ok(policies) = policies {
                let _ = policies.on_the_way_in("GET", &path);
            }
        }
    }
}

//! One request and its answer: what to do when it arrives, what to do with what the app said.
//!
//! Knows no server interface. A caller (WSGI here, others later) tells it the method, the path and the
//! precondition fields ([`Arrival`]), then the head of the app's response ([`Head`]); it is told where the
//! validator comes from ([`Plan`]) and, once that is there, what to send ([`Answer`]).

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use smallvec::SmallVec;

use crate::config::Config;
use crate::digest::ContentTag;
use crate::http::cache_control::CacheControl;
use crate::http::date::HttpDate;
use crate::http::entity_tag::EntityTag;
use crate::http::field::{self, is_name};
use crate::http::not_modified::{describes_content, goes_with_304, goes_with_412, has_no_content};
use crate::http::preconditions::{Context, Decision, LastModified, Method, Preconditions, Validators};
use crate::policy::{Candidates, EtagOption, Policy};

/// What became of an exchange, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 304, made here.
    NotModified,
    /// The request was conditional and was judged; the whole response goes out.
    Modified,
    /// 412, made here.
    Failed,
    /// No precondition; the response has a validator.
    Unconditional,
    /// The app judged for itself: its own 304 or 412.
    App,
    /// Nothing to judge: another method or status, or no validator.
    Bypass,
    /// Our machinery failed; the app's own response goes out.
    Error,
}

impl Outcome {
    /// The documented word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotModified => "not-modified",
            Self::Modified => "modified",
            Self::Failed => "failed",
            Self::Unconditional => "unconditional",
            Self::App => "app",
            Self::Bypass => "bypass",
            Self::Error => "error",
        }
    }
}

/// A request, as far as it matters before the app runs.
#[derive(Debug)]
pub struct Arrival {
    /// Its method, as preconditions see it.
    pub method: Method,
    candidates: Candidates,
    /// Hide If-* and Range from the app, and judge here.
    pub takes_over: bool,
}

impl Arrival {
    /// Take in a request. `path` is asked for only if there are policies.
    pub fn new<E>(
        config: &Config,
        method: &str,
        path: impl FnOnce() -> Result<String, E>,
    ) -> Result<Self, E> {
        let candidates = if config.policies.is_empty() {
            Candidates::default()
        } else {
            config.policies.on_the_way_in(method, &path()?)
        };
        let takes_over = config.policies.takes_over(&candidates).is_some();
        Ok(Self { method: Method::of(method), candidates, takes_over })
    }

    /// Is the app to be asked as for GET, and its body dropped, so that HEAD has the GET's validators?
    #[must_use]
    pub fn asks_as_get(&self, config: &Config) -> bool {
        self.method == Method::Head && config.head_as_get
    }
}

/// The head of the app's response: status and fields, and the few fields that matter here.
#[derive(Debug)]
pub struct Head<'a> {
    status: u16,
    fields: &'a [(&'a str, &'a str)],
    etag: Etag<'a>,
    last_modified: Option<&'a str>,
    content_type: Option<&'a str>,
    /// The declared Content-Length in bytes, if it is one number.
    pub content_length: Option<u64>,
    no_store: bool,
    partial: bool,
    has_freshness: bool,
    has_vary: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Etag<'a> {
    Absent,
    Good(EntityTag<'a>),
    /// Not a tag by the grammar, or several of them.
    IllFormed,
}

impl<'a> Head<'a> {
    /// Look through the fields once.
    #[must_use]
    pub fn new(status: u16, fields: &'a [(&'a str, &'a str)]) -> Self {
        let mut head = Self {
            status,
            fields,
            etag: Etag::Absent,
            last_modified: None,
            content_type: None,
            content_length: None,
            no_store: false,
            partial: false,
            has_freshness: false,
            has_vary: false,
        };
        let mut lengths = 0;
        for &(name, value) in fields {
            // Told apart by length first: most fields of a response are none of these.
            match name.len() {
                4 if is_name(name, "ETag") => {
                    head.etag = match (head.etag, EntityTag::parse(field::trim_ows(value.as_bytes()))) {
                        (Etag::Absent, Some(tag)) => Etag::Good(tag),
                        _ => Etag::IllFormed,
                    };
                }
                4 if is_name(name, "Vary") => head.has_vary = true,
                7 if is_name(name, "Expires") => head.has_freshness = true,
                12 if is_name(name, "Content-Type") => head.content_type = Some(value),
                13 if is_name(name, "Last-Modified") => head.last_modified = Some(value),
                13 if is_name(name, "Content-Range") => head.partial = true,
                13 if is_name(name, "Cache-Control") => {
                    head.has_freshness = true;
                    head.no_store |= CacheControl::has_no_store(value);
                }
                14 if is_name(name, "Content-Length") => {
                    lengths += 1;
                    head.content_length = parse_length(value).filter(|_| lengths == 1);
                }
                _ => {}
            }
        }
        head
    }

    /// Does the response have no content whatever the app hands over, by its status?
    #[must_use]
    pub const fn has_no_content(&self) -> bool {
        has_no_content(self.status)
    }

    /// How long an iterator may be, in bytes, to be collected for a tag of its content: as long as it says,
    /// if that is within `max_body` and it is no event stream.
    #[must_use]
    pub fn collectable(&self, config: &Config) -> Option<u64> {
        let is_events = self.content_type.is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or(value).trim_matches([' ', '\t']);
            media_type.eq_ignore_ascii_case("text/event-stream")
        });
        self.content_length.filter(|length| *length <= config.max_body && !is_events)
    }

    const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

fn parse_length(value: &str) -> Option<u64> {
    let digits = field::trim_ows(value.as_bytes());
    let first = if digits.is_empty() { None } else { Some(0_u64) };
    digits.iter().try_fold(first?, |length, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        length.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// What is to be done with the app's response, known from its head.
#[derive(Debug)]
pub struct Plan<'c> {
    policy: Option<&'c Policy>,
    judged: bool,
    /// Is an entity-tag to be made from the content, where it can be had?
    pub wants_content: bool,
    /// Is its length to be found out, where that costs little? (The app did not say it, and HEAD has no
    /// content to count.)
    pub wants_length: bool,
    weak: bool,
}

/// What the caller found out of the content.
#[derive(Clone, Copy, Debug, Default)]
pub struct Content {
    /// Its tag, if it was wanted and could be had; whether it is weak for a reason of its own.
    pub tag: Option<(ContentTag, bool)>,
    /// Its length in bytes, if that is known.
    pub length: Option<u64>,
    /// Say the length although the app did not (a file's: some servers fail on an empty one without it).
    pub say_length: bool,
}

/// The status line of an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The app's own.
    AsIs,
    /// 304 Not Modified.
    NotModified,
    /// 412 Precondition Failed.
    PreconditionFailed,
}

/// The content of an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The app's own.
    AsIs,
    /// None.
    Empty,
    /// [`PROBLEM_412`].
    Problem,
}

/// The problem details (RFC 9457) of a 412.
pub const PROBLEM_412: &str = concat!(
    r#"{"title":"Precondition Failed","status":412,"#,
    r#""detail":"The representation is not, or no longer, the one that the request's If-Match or If-Unmodified-Since names."}"#,
    "\n"
);

/// What to send: the app's fields without those at `drop`, and then those of `add`.
#[derive(Debug)]
pub struct Answer<'a> {
    /// What there is to count of it.
    pub tally: Tally,
    /// The status line.
    pub status: Status,
    /// Places of the app's fields that are left out, ascending.
    pub drop: SmallVec<[usize; 8]>,
    /// Fields that are added.
    pub add: SmallVec<[(&'static str, Cow<'a, str>); 4]>,
    /// The content.
    pub body: Body,
}

/// What there is to count of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What became of it.
    pub outcome: Outcome,
    /// Was an entity-tag made?
    pub tag_made: bool,
    /// Was an ill-formed ETag of the app's taken out?
    pub ill_formed_tag: bool,
    /// Bytes of content that a 304 saved, as far as known.
    pub bytes_not_sent: u64,
}

impl Tally {
    /// The tally of an exchange of which there is no more to say than this.
    #[must_use]
    pub const fn of(outcome: Outcome) -> Self {
        Self { outcome, tag_made: false, ill_formed_tag: false, bytes_not_sent: 0 }
    }
}

impl Arrival {
    /// Decide from the head where the validator comes from.
    #[must_use]
    pub fn plan<'c>(&self, config: &'c Config, head: &Head<'_>) -> Plan<'c> {
        // An app's own 304 stands for the 200 that it confirms.
        let status = if head.status == 304 { 200 } else { head.status };
        let policy = if self.candidates.is_empty() {
            None
        } else {
            config.policies.on_the_way_out(&self.candidates, status, head.content_type)
        };
        let judged = self.method.is_read() && head.is_success();
        let option = match policy.map_or(EtagOption::Auto, |policy| policy.etag) {
            // Who judges in the app's place does not rely on the app's tag.
            EtagOption::Auto if self.takes_over => EtagOption::Content,
            option => option,
        };
        let has_own = matches!(head.etag, Etag::Good(_));
        let wanted = match option {
            EtagOption::Auto | EtagOption::Weak => !has_own,
            EtagOption::Content => true,
            EtagOption::Off => false,
        };
        // A policy that replaces the app's directives replaces its no-store too.
        let no_store = match policy {
            Some(policy) if sets_freshness(policy, head) => {
                policy.cache_control.as_deref().is_some_and(CacheControl::has_no_store)
            }
            _ => head.no_store,
        };
        let content_is_the_get_s = self.method == Method::Get || self.asks_as_get(config);
        let wants_content =
            wanted && judged && content_is_the_get_s && head.status == 200 && !head.partial && !no_store;
        Plan {
            policy,
            judged,
            wants_content,
            wants_length: self.method == Method::Head && head.content_length.is_none(),
            weak: option == EtagOption::Weak,
        }
    }

    /// Judge the preconditions and put together what is sent. `now` is the clock.
    #[must_use]
    pub fn answer<'a>(
        &self,
        config: &Config,
        preconditions: &Preconditions<'_>,
        head: &Head<'a>,
        plan: &Plan<'a>,
        content: &'a Content,
        now: fn() -> HttpDate,
    ) -> Answer<'a> {
        let made = content.tag.as_ref().map(|(tag, weak)| tag.entity_tag(*weak || plan.weak));
        let own = if let Etag::Good(tag) = head.etag { Some(tag) } else { None };
        let etag = made.or(own);
        let last_modified = if plan.judged { head.last_modified } else { None };
        let (decision, dated) = if plan.judged && !preconditions.is_empty() {
            let date = last_modified.and_then(|value| HttpDate::parse(value.as_bytes(), now()));
            let validators = Validators {
                etag,
                // Strength is for If-Range, which is not judged here.
                last_modified: date.map(|date| LastModified { date, strong: false }),
            };
            let context = Context { tag_suffixes: config.tag_suffixes, now };
            (preconditions.evaluate(self.method, Some(&validators), &context), date.is_some())
        } else {
            (Decision::Proceed, last_modified.is_some())
        };
        let has_validator = etag.is_some() || dated;

        let outcome = match decision {
            Decision::NotModified => Outcome::NotModified,
            Decision::PreconditionFailed => Outcome::Failed,
            Decision::Proceed if self.method.is_read() && matches!(head.status, 304 | 412) => Outcome::App,
            Decision::Proceed if !plan.judged || !has_validator => Outcome::Bypass,
            Decision::Proceed if preconditions.is_empty() => Outcome::Unconditional,
            Decision::Proceed => Outcome::Modified,
        };
        let ill_formed_tag = plan.judged && head.etag == Etag::IllFormed;
        let mut answer = Answer {
            tally: Tally { outcome, tag_made: made.is_some(), ill_formed_tag, bytes_not_sent: 0 },
            status: Status::AsIs,
            drop: SmallVec::new(),
            add: SmallVec::new(),
            body: Body::AsIs,
        };
        let replaces_tag = made.is_some() && head.etag != Etag::Absent || ill_formed_tag;
        match &content.tag {
            Some((tag, false)) if !plan.weak => answer.add.push(("ETag", Cow::Borrowed(tag.as_field()))),
            Some((tag, _)) => answer.add.push(("ETag", Cow::Owned(tag.entity_tag(true).to_field()))),
            None => {}
        }
        let length = content.length.or(head.content_length);
        match decision {
            Decision::NotModified => {
                answer.status = Status::NotModified;
                answer.body = Body::Empty;
                if self.method == Method::Get {
                    answer.tally.bytes_not_sent = length.unwrap_or(0);
                }
                answer.drop_unless(head, |name| goes_with_304(name, etag.is_some()));
            }
            Decision::PreconditionFailed => {
                answer.status = Status::PreconditionFailed;
                answer.body = if self.method == Method::Head { Body::Empty } else { Body::Problem };
                answer.drop_unless(head, goes_with_412);
                answer.add.push(("Content-Type", Cow::Borrowed("application/problem+json")));
                answer.add.push(("Content-Length", Cow::Owned(PROBLEM_412.len().to_string())));
            }
            Decision::Proceed => self.frame(head, content, &mut answer),
        }
        if replaces_tag {
            answer.drop_unless(head, |name| !is_name(name, "ETag"));
        }
        if let Some(policy) = plan.policy {
            apply(policy, head, decision, now, &mut answer);
        }
        answer.drop.sort_unstable();
        answer.drop.dedup();
        answer
    }

    /// What servers leave to the app: no content and no framing fields where there must be none.
    fn frame(&self, head: &Head<'_>, content: &Content, answer: &mut Answer<'_>) {
        if head.has_no_content() {
            answer.body = Body::Empty;
            if head.status == 304 {
                answer.drop_unless(head, |name| !describes_content(name));
            } else {
                answer.drop_unless(head, |name| {
                    !is_name(name, "Content-Length") && !is_name(name, "Transfer-Encoding")
                });
            }
            return;
        }
        let is_head = self.method == Method::Head;
        if is_head {
            answer.body = Body::Empty;
        }
        if (is_head || content.say_length)
            && head.content_length.is_none()
            && let Some(length) = content.length
        {
            answer.add.push(("Content-Length", Cow::Owned(length.to_string())));
        }
    }
}

impl Answer<'_> {
    fn drop_unless(&mut self, head: &Head<'_>, stays: impl Fn(&str) -> bool) {
        let gone = head.fields.iter().enumerate().filter(|(_, (name, _))| !stays(name));
        self.drop.extend(gone.map(|(place, _)| place));
    }
}

/// Does the policy's freshness count, or the app's own?
fn sets_freshness(policy: &Policy, head: &Head<'_>) -> bool {
    (policy.cache_control.is_some() || policy.expires.is_some())
        && (policy.override_app || !head.has_freshness)
}

/// Write the fields that the policy sets. A 412 gets no freshness, whatever the page has.
fn apply<'a>(
    policy: &'a Policy,
    head: &Head<'a>,
    decision: Decision,
    now: fn() -> HttpDate,
    answer: &mut Answer<'a>,
) {
    if decision != Decision::PreconditionFailed && sets_freshness(policy, head) {
        answer.drop_unless(head, |name| !is_name(name, "Cache-Control") && !is_name(name, "Expires"));
        if let Some(value) = &policy.cache_control {
            answer.add.push(("Cache-Control", Cow::Borrowed(value)));
        }
        if let Some(seconds) = policy.expires {
            answer.add.push(("Expires", Cow::Owned(now().plus(seconds).to_string())));
        }
    }
    if policy.vary.is_empty() {
        return;
    }
    if !head.has_vary {
        answer.add.push(("Vary", Cow::Owned(policy.vary.join(", "))));
        return;
    }
    let lines = || head.fields.iter().filter(|(name, _)| is_name(name, "Vary")).map(|line| line.1);
    let missing =
        |name: &&String| !lines().any(|line| field::list_has(line, name) || field::list_has(line, "*"));
    let mut missing = policy.vary.iter().filter(missing).map(String::as_str).peekable();
    if missing.peek().is_some() {
        // One line: not every cache reads several.
        let merged: Vec<_> = lines().chain(missing).collect();
        answer.add.push(("Vary", Cow::Owned(merged.join(", "))));
        answer.drop_unless(head, |name| !is_name(name, "Vary"));
    }
}

/// Counts of what became of exchanges, since the process started.
#[derive(Debug, Default)]
pub struct Counters {
    not_modified: AtomicU64,
    modified: AtomicU64,
    failed: AtomicU64,
    unconditional: AtomicU64,
    app: AtomicU64,
    bypass: AtomicU64,
    error: AtomicU64,
    /// Failures of ours that changed nothing for a request with another outcome.
    harmless_errors: AtomicU64,
    tags_made: AtomicU64,
    ill_formed_tags: AtomicU64,
    bytes_not_sent: AtomicU64,
}

impl Counters {
    /// Count an exchange.
    pub fn count(&self, tally: &Tally) {
        let counter = match tally.outcome {
            Outcome::NotModified => &self.not_modified,
            Outcome::Modified => &self.modified,
            Outcome::Failed => &self.failed,
            Outcome::Unconditional => &self.unconditional,
            Outcome::App => &self.app,
            Outcome::Bypass => &self.bypass,
            Outcome::Error => &self.error,
        };
        counter.fetch_add(1, Relaxed);
        if tally.tag_made {
            self.tags_made.fetch_add(1, Relaxed);
        }
        if tally.ill_formed_tag {
            self.ill_formed_tags.fetch_add(1, Relaxed);
        }
        if tally.bytes_not_sent > 0 {
            self.bytes_not_sent.fetch_add(tally.bytes_not_sent, Relaxed);
        }
    }

    /// Count a failure of ours that changed nothing for the request, which is counted as what it is.
    pub fn error(&self) {
        self.harmless_errors.fetch_add(1, Relaxed);
    }

    /// All counts by name. A request has one outcome, so `requests` is their sum.
    #[must_use]
    pub fn snapshot(&self) -> [(&'static str, u64); 11] {
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        let [not_modified, modified, failed, unconditional, app, bypass, error] = [
            &self.not_modified,
            &self.modified,
            &self.failed,
            &self.unconditional,
            &self.app,
            &self.bypass,
            &self.error,
        ]
        .map(load);
        [
            ("requests", not_modified + modified + failed + unconditional + app + bypass + error),
            ("not_modified", not_modified),
            ("modified", modified),
            ("failed", failed),
            ("unconditional", unconditional),
            ("app", app),
            ("bypass", bypass),
            ("errors", error + load(&self.harmless_errors)),
            ("tags_made", load(&self.tags_made)),
            ("ill_formed_tags", load(&self.ill_formed_tags)),
            ("bytes_not_sent", load(&self.bytes_not_sent)),
        ]
    }
}

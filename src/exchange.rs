//! One request and its answer: what to do when it arrives, what to do with what the app said.
//!
//! Knows no server interface. A caller (WSGI here, others later) tells it the method, the path and the
//! precondition fields ([`Arrival`]), then the head of the app's response ([`Head`]); it is told where the
//! validator comes from ([`Plan`]) and, once that is there, what to send ([`Answer`]).

mod apply;
mod asset;
mod current;
mod early;
mod problem;
mod ranges;
mod remember;
mod tally;

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::config::Config;
use crate::digest::ContentTag;
use crate::file_state::FileState;
use crate::http::cache_control::CacheControl;
use crate::http::date::HttpDate;
use crate::http::entity_tag::EntityTag;
use crate::http::field::{self, is_name};
use crate::http::not_modified::{describes_content, goes_with_304, goes_with_412, has_no_content};
use crate::http::preconditions::{Context, Decision, LastModified, Method, Preconditions, Validators};
use crate::http::range::{ByteRange, Multipart};
use crate::http::targeted;
use crate::policy::{Candidates, EtagOption, Policies, Policy};
use crate::volatile::{Coding, Reading};

use apply::{apply, sets_freshness};
use ranges::Ranges;

pub use current::{Current, is_conditional_write, judge_write, lacks_precondition};
pub use early::Early;
pub use problem::Problem;
pub use ranges::Asked;
pub use remember::{cache_status, groups};
pub use tally::{Counters, Outcome, Tally};

/// A request, as far as it matters before the app runs.
#[derive(Debug)]
pub struct Arrival {
    /// Its method, as preconditions see it.
    pub method: Method,
    candidates: Candidates,
    asked: Option<Box<Asked>>,
    /// Hide If-* and Range from the app, and judge here.
    pub takes_over: bool,
    /// A GET of our own, to learn what is current: neither counted nor remembered.
    pub internal: bool,
}

impl Arrival {
    /// Take in a request. `path` is looked at only if there are policies.
    #[must_use]
    pub fn new(config: &Config, method: &str, path: &str) -> Self {
        let candidates = if config.policies.is_empty() {
            Candidates::default()
        } else {
            config.policies.on_the_way_in(method, path)
        };
        let takes_over = config.policies.takes_over(&candidates).is_some();
        Self { method: Method::of(method), candidates, asked: None, takes_over, internal: false }
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
    coding: Coding,
    /// The declared Content-Length in bytes, if it is one number.
    pub content_length: Option<u64>,
    no_store: bool,
    partial: bool,
    accept_ranges: Option<&'a str>,
    has_freshness: bool,
    has_vary: bool,
    sets_cookie: bool,
    /// It has our targeted field.
    targeted: bool,
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
            coding: Coding::Identity,
            content_length: None,
            no_store: false,
            partial: false,
            accept_ranges: None,
            has_freshness: false,
            has_vary: false,
            sets_cookie: false,
            targeted: false,
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
                10 if is_name(name, "Set-Cookie") => head.sets_cookie = true,
                12 if is_name(name, "Content-Type") => head.content_type = Some(value),
                13 if is_name(name, "Last-Modified") => head.last_modified = Some(value),
                13 if is_name(name, "Content-Range") => head.partial = true,
                13 if is_name(name, "Cache-Control") => {
                    head.has_freshness = true;
                    head.no_store |= CacheControl::has_no_store(value);
                }
                13 if is_name(name, "Accept-Ranges") => head.accept_ranges = Some(value),
                14 if is_name(name, "Content-Length") => {
                    lengths += 1;
                    head.content_length = parse_length(value).filter(|_| lengths == 1);
                }
                16 if is_name(name, "Content-Encoding") => head.coding = head.coding.and(value),
                25 if is_name(name, targeted::NAME) => head.targeted = true,
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

    /// The app's own entity-tag, if it is well-formed.
    #[must_use]
    pub const fn own_tag(&self) -> Option<EntityTag<'a>> {
        match self.etag {
            Etag::Good(tag) => Some(tag),
            Etag::Absent | Etag::IllFormed => None,
        }
    }

    /// Is the content coded (RFC 9110 §8.4)?
    #[must_use]
    pub fn is_coded(&self) -> bool {
        self.coding != Coding::Identity
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
    /// How the content is read for it.
    pub reading: Reading<'c>,
    /// Is its length to be found out, where that costs little? (The app did not say it, and HEAD has no
    /// content to count.)
    pub wants_length: bool,
    /// Is the content to be kept at hand where it can be had, since ranges may be cut out of it?
    pub wants_ranges: bool,
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
    /// Is it at hand, and just as long as the app says, so that ranges can be cut out of it?
    pub divisible: bool,
    /// The state of the open file that it is all of.
    pub file: Option<FileState>,
}

/// The status line of an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The app's own.
    AsIs,
    /// 304 Not Modified.
    NotModified,
    /// 206 Partial Content.
    PartialContent,
    /// That of an error that we answer with.
    Problem(Problem),
}

/// The content of an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The app's own.
    AsIs,
    /// None.
    Empty,
    /// Problem details.
    Problem(Problem),
    /// A part of the app's own.
    Part(ByteRange),
    /// Those of [`Answer::parts`].
    Parts,
}

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
    pub add: SmallVec<[(&'a str, Cow<'a, str>); 4]>,
    /// The content.
    pub body: Body,
    /// The current tag where the answer says [another](Preconditions::marked_tag), by which a proxy has made
    /// the client know it.
    pub unmarked: Option<String>,
    /// The parts of the app's own content that are sent, with what stands between them.
    pub parts: Option<Box<Multipart>>,
}

impl Arrival {
    /// Decide from the head where the validator comes from.
    #[must_use]
    pub fn plan<'c>(&self, config: &'c Config, head: &Head<'c>) -> Plan<'c> {
        self.plan_by(config, head, None)
    }

    /// The same where the view has a policy of its own, which comes before those that are configured.
    #[must_use]
    pub fn plan_by<'c>(&self, config: &'c Config, head: &Head<'c>, own: Option<&'c Policies>) -> Plan<'c> {
        // An app's own 304 stands for the 200 that it confirms.
        let status = if head.status == 304 { 200 } else { head.status };
        let policy = match own.and_then(|own| own.of_a_view(self.method, status, head.content_type)) {
            Some(policy) => Some(policy),
            None if self.candidates.is_empty() => None,
            None => config.policies.on_the_way_out(&self.candidates, status, head.content_type),
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
        let ignore = policy.and_then(|policy| policy.ignore.as_ref()).or(config.ignore.as_ref());
        let reading = if ignore.is_none() && head.coding == Coding::Identity {
            Reading::plain()
        } else {
            let is_304 = head.status == 304;
            Reading::of(ignore, config.max_body, head.content_type, is_304, head.coding, head.fields)
        };
        Plan {
            policy,
            judged,
            wants_content,
            reading,
            wants_length: self.method == Method::Head && head.content_length.is_none(),
            wants_ranges: self.wants_ranges(head),
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
        let etag = made.or(head.own_tag());
        let last_modified = if plan.judged { head.last_modified } else { None };
        let context = context(config, now);
        let (decision, dated) = if plan.judged && !preconditions.is_empty() {
            let date = last_modified.and_then(|value| HttpDate::parse(value.as_bytes(), now()));
            let validators = Validators {
                etag,
                // Strength is for If-Range, which comes after these.
                last_modified: date.map(|date| LastModified { date, strong: false }),
            };
            (preconditions.evaluate(self.method, Some(&validators), &context), date.is_some())
        } else {
            (Decision::Proceed, last_modified.is_some())
        };
        let has_validator = etag.is_some() || dated;
        let ranges = match decision {
            Decision::Proceed => self.ranges(preconditions, head, plan, content, etag, &context),
            _ => Ranges::None,
        };

        let outcome = match decision {
            Decision::NotModified => Outcome::NotModified,
            Decision::PreconditionFailed => Outcome::Failed,
            Decision::Proceed if self.method.is_read() && matches!(head.status, 206 | 304 | 412 | 416) => {
                Outcome::App
            }
            Decision::Proceed => match ranges {
                Ranges::One(_) | Ranges::Several(_) => Outcome::Partial,
                Ranges::Unsatisfiable => Outcome::Unsatisfiable,
                _ if !plan.judged || !has_validator => Outcome::Bypass,
                Ranges::None if preconditions.is_empty() => Outcome::Unconditional,
                Ranges::None | Ranges::Changed => Outcome::Modified,
            },
        };
        let ill_formed_tag = plan.judged && head.etag == Etag::IllFormed;
        let mut answer = Answer {
            tally: Tally { tag_made: made.is_some(), ill_formed_tag, ..Tally::of(outcome) },
            status: Status::AsIs,
            drop: SmallVec::new(),
            add: SmallVec::new(),
            body: Body::AsIs,
            unmarked: None,
            parts: None,
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
                let problem = Problem::PreconditionFailed;
                answer.status = Status::Problem(problem);
                answer.body = problem.body(self.method);
                answer.drop_unless(head, goes_with_412);
                answer.add.extend(problem.fields());
            }
            Decision::Proceed => match (ranges, length) {
                (Ranges::One(range), Some(length)) => answer.one(head, range, length),
                (Ranges::Several(multipart), _) => answer.several(head, multipart),
                (Ranges::Unsatisfiable, Some(length)) => answer.unsatisfiable(head, length),
                _ => {
                    self.frame(head, content, &mut answer);
                    answer.accept_ranges(head, content);
                }
            },
        }
        if replaces_tag {
            answer.drop_unless(head, |name| !is_name(name, "ETag"));
        }
        if decision == Decision::NotModified
            && config.tag_suffixes
            && let Some(etag) = etag
        {
            answer.mark(head, etag, preconditions);
        }
        // With a strong tag of ours the client's page has these very nonces.
        let is_304 = decision == Decision::NotModified || outcome == Outcome::App && head.status == 304;
        if is_304 && !matches!(content.tag, Some((_, false))) {
            answer.drop.extend(plan.reading.foreign_to_the_stored_page(head.fields));
        }
        if let Some(policy) = plan.policy {
            apply(policy, head, now, &mut answer);
        }
        if head.targeted {
            // It was for us (RFC 9213 §2.2).
            answer.drop_unless(head, |name| !is_name(name, targeted::NAME));
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
    /// Say the tag that a proxy has made of this one, where the client knows no other.
    fn mark(&mut self, head: &Head<'_>, etag: EntityTag<'_>, preconditions: &Preconditions<'_>) {
        if let Some(marked) = preconditions.marked_tag(etag) {
            self.unmarked = Some(etag.to_field());
            self.drop_unless(head, |name| !is_name(name, "ETag"));
            self.add.retain(|(name, _)| *name != "ETag");
            self.add.push(("ETag", Cow::Owned(marked.to_field())));
        }
    }

    fn drop_unless(&mut self, head: &Head<'_>, stays: impl Fn(&str) -> bool) {
        for (place, (name, _)) in head.fields.iter().enumerate() {
            if !stays(name) {
                self.drop.push(place);
            }
        }
    }
}

/// What judging needs besides the request and the representation.
#[must_use]
pub fn context(config: &Config, now: fn() -> HttpDate) -> Context {
    Context { tag_suffixes: config.tag_suffixes, accept_weakened: config.accept_weakened, now }
}

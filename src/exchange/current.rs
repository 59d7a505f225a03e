//! What is current: the validators of a resource as somebody told them who knows without the page.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Arrival, Content, Early, Head, Problem, context, early, sets_freshness};
use crate::config::Config;
use crate::http::date::HttpDate;
use crate::http::entity_tag::EntityTag;
use crate::http::field::{is_name, trim_ows};
use crate::http::not_modified::goes_with_304;
use crate::http::preconditions::{Context, Decision, LastModified, Method, Preconditions, Validators};
use crate::policy::Policy;

/// The validators of the current representation, and maybe the fields of its 200.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Current {
    /// The entity-tag as it stands in a field, well-formed.
    pub etag: Option<String>,
    /// When it last changed.
    pub last_modified: Option<HttpDate>,
    /// The fields that its 200 has beside these validators; `None` if nobody says.
    pub fields: Option<Vec<(String, String)>>,
}

impl Current {
    /// What a response tells of the representation that it carries.
    #[must_use]
    pub fn of(head: &Head<'_>, now: fn() -> HttpDate) -> Self {
        Self {
            etag: head.own_tag().map(EntityTag::to_field),
            last_modified: head.last_modified.and_then(|value| HttpDate::parse(value.as_bytes(), now())),
            fields: None,
        }
    }

    fn validators(&self) -> Validators<'_> {
        Validators {
            etag: self.etag.as_deref().and_then(|etag| EntityTag::parse(etag.as_bytes())),
            last_modified: self.last_modified.map(|date| LastModified { date, strong: false }),
        }
    }

    /// The fields of a response with these validators and fields in the place of its own of the same names.
    /// A validator that is not told is none: the client must not get one that would never be true again.
    #[must_use]
    pub fn laid_over<'a>(&'a self, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, Cow<'a, str>)> {
        let is_ours = |name: &str| {
            is_name(name, "ETag")
                || is_name(name, "Last-Modified")
                || self.carried().any(|(ours, _)| ours.eq_ignore_ascii_case(name))
        };
        let theirs = fields.iter().filter(|(name, _)| !is_ours(name));
        let mut all: Vec<_> = theirs.map(|(name, value)| (*name, Cow::Borrowed(*value))).collect();
        all.extend(self.etag.as_deref().map(|etag| ("ETag", Cow::Borrowed(etag))));
        all.extend(self.last_modified.map(|date| ("Last-Modified", Cow::Owned(date.to_string()))));
        all.extend(self.carried().map(|(name, value)| (name, Cow::Borrowed(value))));
        all
    }

    /// The value of one of the fields.
    #[must_use]
    pub fn field(&self, wanted: &str) -> Option<&str> {
        let found = self.fields.iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    }

    /// The fields that stand on the 304 as on the 200.
    fn carried(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.fields.iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
        fields.filter(|(name, _)| goes_with_304(name, false))
    }
}

/// Does a write lack what a resource that demands a precondition (RFC 6585 §3) asks for? That is one which
/// says of which state the client knows: If-Match, a date that is one in If-Unmodified-Since, or
/// `If-None-Match: *` for what shall be created.
#[must_use]
pub fn lacks_precondition(preconditions: &Preconditions<'_>, now: fn() -> HttpDate) -> bool {
    let date =
        || preconditions.if_unmodified_since.is_some_and(|field| HttpDate::parse(field, now()).is_some());
    let star = || preconditions.if_none_match.is_some_and(|field| trim_ows(field) == b"*");
    preconditions.if_match.is_none() && !date() && !star()
}

/// Does a write have a precondition at all? (If-Modified-Since is for reads.)
#[must_use]
pub const fn is_conditional_write(preconditions: &Preconditions<'_>) -> bool {
    preconditions.if_match.is_some()
        || preconditions.if_none_match.is_some()
        || preconditions.if_unmodified_since.is_some()
}

/// Judge a write before the app acts. `current` is `None` where there is no such resource. With `require`, a
/// date alone does not do where the resource has none, because it would then be ignored.
#[must_use]
pub fn judge_write<'a>(
    preconditions: &Preconditions<'_>,
    current: Option<&'a Current>,
    require: bool,
    context: &Context,
) -> Option<Early<'a>> {
    let etag = || current.and_then(|current| current.etag.as_deref()).map(Cow::Borrowed);
    let validators = current.map(Current::validators);
    let decision = preconditions.evaluate(Method::Other, validators.as_ref(), context);
    if decision == Decision::PreconditionFailed {
        return Some(Early::problem(Problem::PreconditionFailed, Method::Other, etag()));
    }
    let ignored = preconditions.if_match.is_none()
        && preconditions.if_none_match.is_none()
        && validators.is_none_or(|validators| validators.last_modified.is_none());
    (require && ignored).then(|| Early::problem(Problem::PreconditionRequired, Method::Other, etag()))
}

impl Arrival {
    /// Answer a read with 304 where its validator is known and so are the fields of its 200: from `current`,
    /// or from a policy that writes Cache-Control whatever the app says.
    #[must_use]
    pub fn answer_read(
        &self,
        config: &Config,
        preconditions: &Preconditions<'_>,
        current: &Current,
        now: fn() -> HttpDate,
    ) -> Option<Early<'static>> {
        if preconditions.is_empty() {
            return None;
        }
        let validators = current.validators();
        let context = context(config, now);
        if preconditions.evaluate(self.method, Some(&validators), &context) != Decision::NotModified {
            return None;
        }
        let content_type = current.field("Content-Type");
        let policy = config.policies.before_a_200(&self.candidates, content_type).ok()?;
        let overlaid = current.laid_over(&[]);
        let mut fields: SmallVec<[(&str, &str); 8]> =
            overlaid.iter().map(|(name, value)| (*name, &**value)).collect();
        fields.extend(content_type.map(|value| ("Content-Type", value)));
        let head = Head::new(200, &fields);
        let says_it_all = |policy: &Policy| policy.override_app && sets_freshness(policy, &head);
        if current.fields.is_none() && !policy.is_some_and(says_it_all) {
            return None;
        }
        let plan = self.plan(config, &head);
        let content = Content::default();
        let answer = self.answer(config, preconditions, &head, &plan, &content, now);
        let owned = |name: &str, value: &str| (Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned()));
        let kept = fields.iter().enumerate().filter(|(place, _)| !answer.drop.contains(place));
        let mut all: early::Fields<'_> = kept.map(|(_, (name, value))| owned(name, value)).collect();
        all.extend(answer.add.iter().map(|(name, value)| owned(name, value)));
        Some(Early::not_modified(all))
    }
}

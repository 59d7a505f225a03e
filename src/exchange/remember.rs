//! What of an answer goes into the validator cache, and the answer that is made from there.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Answer, Arrival, Body, Content, Early, Etag, Head, Outcome, Plan, Status, Tally, early};
use crate::cache::stored_response::{Question, StoredResponse, remembered};
use crate::cache::validator_cache::{Miss, NotStored, Remembered};
use crate::config::Config;
use crate::http::cache_groups;
use crate::http::date::HttpDate;
use crate::http::entity_tag::EntityTag;
use crate::http::field::is_name;
use crate::http::freshness::{Asked, Millis, Refusal, Said};
use crate::http::preconditions::Method;
use crate::http::targeted;

impl<'a> Head<'a> {
    /// The values of a field's lines.
    pub fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'a str> + 'b {
        self.fields.iter().filter(move |(field, _)| is_name(field, name)).map(|line| line.1)
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Is it an answer of the app's own that something is unchanged, with the tag of that? A stored response
    /// with this tag is confirmed by it (RFC 9111 §4.3.4).
    #[must_use]
    pub fn confirms(&self) -> Option<EntityTag<'a>> {
        match self.etag {
            Etag::Good(tag) if self.status == 304 => Some(tag),
            _ => None,
        }
    }
}

impl Arrival {
    /// Is anything said about storing this response, by the app or a policy? Of most nothing is, and this must
    /// cost them next to nothing.
    #[must_use]
    pub fn says_something(head: &Head<'_>, plan: &Plan<'_>) -> bool {
        head.has_freshness
            || head.targeted
            || head.status == 304
            || plan.policy.is_some_and(|policy| {
                policy.cache_control.is_some()
                    || policy.expires.is_some()
                    || policy.notmodified_cache_control.is_some()
            })
    }

    /// What of this answer is to be remembered, once `Arrival::answer` has put it together. `confirmed` is the
    /// stored response that an answer of the app's own [confirms](Head::confirms).
    ///
    /// # Errors
    ///
    /// The reason why nothing is.
    #[expect(clippy::too_many_arguments, reason = "it is all of an exchange")]
    pub fn remember<'a>(
        &self,
        config: &Config,
        head: &'a Head<'_>,
        plan: &'a Plan<'_>,
        content: &Content,
        answer: &'a Answer<'_>,
        confirmed: Option<&'a StoredResponse<'_>>,
        (asked, app_time): (&Asked, u32),
        now: HttpDate,
    ) -> Result<Remembered<'a>, NotStored> {
        let refused = |refusal| Err(NotStored::Refused(refusal));
        let by_policy = plan.policy.and_then(|policy| {
            let says = policy.notmodified_cache_control.as_deref()?;
            (policy.override_app || !head.targeted).then_some(says)
        });
        let is_the_gets = self.method == Method::Get || self.asks_as_get(config);
        let status = match (head.status, answer.status) {
            (200, Status::AsIs | Status::NotModified) if is_the_gets && !head.partial => 200,
            (304, Status::AsIs) if confirmed.is_some() => 200,
            _ => return refused(Refusal::Status),
        };
        let kept = head.fields.iter().enumerate();
        let kept =
            kept.filter(|(place, (name, _))| !answer.drop.contains(place) || is_name(name, targeted::NAME));
        let mut fields: Vec<(&str, &str)> = kept.map(|(_, field)| *field).collect();
        fields.extend(answer.add.iter().map(|(name, value)| (&**name, &**value)));
        if let Some(says) = by_policy {
            fields.retain(|(name, _)| !is_name(name, targeted::NAME));
            fields.push((targeted::NAME, says));
        }
        if let Some(stored) = confirmed {
            fields = stored.updated_by(&fields);
        }
        let said = Said::of(fields.iter().copied(), now);
        let terms = said.terms(status, asked).map_err(NotStored::Refused)?;
        let groups = groups(fields.iter().copied(), cache_groups::GROUPS).map_err(|_| NotStored::Groups)?;
        let says = || fields.iter().find(|(name, _)| is_name(name, "ETag")).map(|(_, tag)| *tag);
        let etag = answer.unmarked.as_deref().or_else(says);
        let dated = head.last_modified.and_then(|value| HttpDate::parse(value.as_bytes(), now));
        let last_modified = dated.or_else(|| confirmed.and_then(|stored| stored.last_modified));
        if etag.is_none() && last_modified.is_none() {
            return Err(NotStored::NoValidator);
        }
        let length = match confirmed {
            Some(stored) => stored.length,
            None => content.length.or(head.content_length).unwrap_or(0),
        };
        let fields = remembered(&fields, &terms, etag.is_some());
        let response = StoredResponse {
            etag,
            last_modified,
            freshness: terms.freshness,
            sharing: terms.sharing,
            length,
            app_time,
            fields,
        };
        Ok(Remembered { response, vary: terms.vary, groups })
    }
}

/// The groups that the lines of a field name.
///
/// # Errors
///
/// If they can't be read.
pub fn groups<'a>(
    fields: impl Iterator<Item = (&'a str, &'a str)>,
    name: &str,
) -> Result<Vec<String>, cache_groups::Unreadable> {
    let mut lines = fields.filter(|(field, _)| is_name(field, name)).map(|line| line.1);
    let Some(first) = lines.next() else { return Ok(Vec::new()) };
    match lines.next() {
        None => cache_groups::read(first),
        Some(second) => {
            let all: Vec<_> = [first, second].into_iter().chain(lines).collect();
            cache_groups::read(&all.join(", "))
        }
    }
}

impl<'a> Early<'a> {
    /// The 304 that a stored response stands for, with its Age (RFC 9111 §5.1), for who asks this.
    #[must_use]
    pub fn remembered(
        response: &'a StoredResponse<'_>,
        question: &Question<'_>,
        config: &Config,
        now: Millis,
    ) -> Self {
        let age = response.freshness.age(now);
        let mut fields = early::Fields::new();
        let tag = response.etag.and_then(|tag| EntityTag::parse(tag.as_bytes()));
        let marked =
            tag.filter(|_| config.tag_suffixes).and_then(|tag| question.preconditions.marked_tag(tag));
        fields.extend(response.outgoing().map(|(name, value)| match marked {
            Some(marked) if name == "ETag" => (Cow::Borrowed(name), Cow::Owned(marked.to_field())),
            _ => (Cow::Borrowed(name), Cow::Borrowed(value)),
        }));
        if response.etag.is_none()
            && let Some(date) = response.last_modified
        {
            fields.push((Cow::Borrowed("Last-Modified"), Cow::Owned(date.to_string())));
        }
        fields.push((Cow::Borrowed("Age"), Cow::Owned(age.to_string())));
        if config.cache.cache_status {
            let left = i64::from(response.freshness.lifetime) - i64::from(age);
            fields.push((Cow::Borrowed("Cache-Status"), Cow::Owned(format!("notmodified; hit; ttl={left}"))));
        }
        let bytes_not_sent = if question.method == Method::Get { response.length } else { 0 };
        let tally = Tally { without_app: true, bytes_not_sent, ..Tally::of(Outcome::Remembered) };
        Self { tally, status: Status::NotModified, fields, body: Body::Empty }
    }
}

/// The value of Cache-Status (RFC 9211) on an answer for which the app ran. `stored` is `None` where there was
/// nothing to store.
#[must_use]
pub fn cache_status(
    method: Method,
    missed: Option<Miss>,
    stored: Option<Result<(), NotStored>>,
    explain: bool,
) -> String {
    let forwarded = match missed {
        _ if !method.is_read() => "method",
        Some(miss) => miss.forwarded(),
        // It asked about no validator that a 304 from memory could confirm.
        None => "bypass",
    };
    let mut value = format!("notmodified; fwd={forwarded}");
    if stored == Some(Ok(())) {
        value.push_str("; stored");
    }
    if explain {
        let missed = missed.map(Miss::word);
        let refused = match stored {
            Some(Err(why)) => Some(why.word()),
            _ => None,
        };
        let words: SmallVec<[String; 2]> = missed
            .map(|word| format!("missed: {word}"))
            .into_iter()
            .chain(refused.map(|word| format!("not stored: {word}")))
            .collect();
        if !words.is_empty() {
            value.push_str("; detail=\"");
            value.push_str(&words.join(", "));
            value.push('"');
        }
    }
    value
}

//! What a policy writes on a response, and what of it must not be written there.

use std::borrow::Cow;

use super::{Answer, Head, Status};
use crate::http::cache_control::{CacheControl, Scope};
use crate::http::date::HttpDate;
use crate::http::field::{self, is_name};
use crate::policy::{Narrowed, Policy, Reach};

/// Does the policy's freshness count, or the app's own?
pub(super) fn sets_freshness(policy: &Policy, head: &Head<'_>) -> bool {
    (policy.cache_control.is_some() || policy.expires.is_some())
        && (policy.override_app || !head.has_freshness)
}

/// Write the fields that the policy sets. An error of ours gets no freshness, whatever the page has.
pub(super) fn apply<'a>(policy: &'a Policy, head: &Head<'a>, now: fn() -> HttpDate, answer: &mut Answer<'a>) {
    if !matches!(answer.status, Status::Problem(_)) {
        // First, because nginx before 1.23 heeds X-Accel-Expires only where it comes before Cache-Control.
        if !policy.fields.is_empty() {
            fields(policy, head, answer);
        }
        if sets_freshness(policy, head) {
            freshness(policy, head, now, answer);
        }
    }
    if !policy.vary.is_empty() {
        vary(policy, head, answer);
    }
}

fn freshness<'a>(policy: &'a Policy, head: &Head<'a>, now: fn() -> HttpDate, answer: &mut Answer<'a>) {
    answer.drop_unless(head, |name| !is_name(name, "Cache-Control") && !is_name(name, "Expires"));
    if let Some(value) = policy.narrowed.as_deref().filter(|_| head.sets_cookie) {
        answer.tally.narrowed = Some(Narrowed::SetCookie);
        answer.add.push(("Cache-Control", Cow::Borrowed(value)));
        return;
    }
    if let Some(value) = &policy.cache_control {
        answer.add.push(("Cache-Control", Cow::Borrowed(value)));
    }
    if let Some(seconds) = policy.expires {
        answer.add.push(("Expires", Cow::Owned(now().plus(seconds).to_string())));
    }
}

fn fields<'a>(policy: &'a Policy, head: &Head<'a>, answer: &mut Answer<'a>) {
    for ours in &policy.fields {
        if ours.reach != Reach::Beside {
            let has_own = head.all(&ours.name).next().is_some();
            if has_own && !policy.override_app {
                continue;
            }
            if ours.reach == Reach::Shared
                && let Some(why) = is_one_clients(policy, head)
            {
                answer.tally.narrowed = Some(why);
                continue;
            }
            if has_own {
                answer.drop_unless(head, |name| !name.eq_ignore_ascii_case(&ours.name));
            }
        }
        answer.add.push((&ours.name, Cow::Borrowed(&ours.value)));
    }
}

/// Why no shared cache must be told to keep the response, if so. It would obey that, and not Cache-Control
/// (RFC 9213 §2.2).
fn is_one_clients(policy: &Policy, head: &Head<'_>) -> Option<Narrowed> {
    if head.sets_cookie {
        return Some(Narrowed::SetCookie);
    }
    if policy.override_app || !head.has_freshness {
        return None;
    }
    let mut own = CacheControl::default();
    for line in head.all("Cache-Control") {
        own.add_field(line);
    }
    (own.no_store || own.private == Some(Scope::Everything)).then_some(Narrowed::OwnWord)
}

fn vary<'a>(policy: &'a Policy, head: &Head<'a>, answer: &mut Answer<'a>) {
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

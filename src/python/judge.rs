//! What is done once the app has answered: its head is read, judged, and put together anew.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use smallvec::SmallVec;

use super::app_body::{AppBody, Unseen};
use super::before::judged;
use super::cache::{Cache, Noted};
use super::conditional::view_policies;
use super::evaluate::now;
use super::faults::{Step, trip};
use super::guard::guard;
use super::outgoing::{Following, Outgoing, field_name, status_code, status_line};
use super::start_response::{Held, StartResponse};
use super::targeted;
use super::validator::{self, Representation};
use super::wsgi::NotModified;
use crate::cache::validator_cache::NotStored;
use crate::exchange::{Answer, Content, Head, Outcome, Plan, Status, cache_status};
use crate::http::preconditions::Method;

pub(super) enum Judged<'py> {
    Outgoing(Outgoing<'py>),
    /// The app called start_response once more meanwhile.
    Replaced,
    /// The app's iterable raised.
    Raised(PyErr),
}

impl NotModified {
    /// Read the app's head, find its validators, judge, and put the new head together.
    pub(super) fn judge<'py>(
        &self,
        exchange: &Bound<'py, StartResponse>,
        environ: &Bound<'py, PyDict>,
        held: &Held,
        body: &mut AppBody<'py>,
    ) -> PyResult<Judged<'py>> {
        let py = exchange.py();
        let this = exchange.get();
        trip(Step::Head)?;
        if self.is_replaced(environ)? {
            return Ok(Judged::Outgoing(Outgoing::as_is(py, held, this.arrival.method)));
        }
        let status = held.status.bind(py).cast::<PyString>()?;
        let mut headers = held.headers.bind(py).cast::<PyList>()?.clone();
        let line = status.to_str()?;
        let told = told(environ, this.arrival.method, line)?;
        if let Some(told) = &told {
            headers = laid_over(told, &headers)?;
        }
        // A copy that nobody changes: other threads run while the GIL is released for hashing.
        let copy = headers.to_tuple();
        let mut fields: SmallVec<[(&str, &str); 16]> = SmallVec::new();
        for pair in copy.iter_borrowed() {
            fields.push(pair.extract()?);
        }
        let head = Head::new(status_code(line)?, &fields);
        let own = view_policies(environ)?;
        let own = own.as_ref().map(|own| &own.get().checked().policies);
        let mut plan = this.arrival.plan_by(&self.config, &head, own);
        plan.wants_content &= told.is_none();
        trip(Step::Look)?;
        let (content, divisible) = match body.look(self, &plan, &head) {
            Ok(looked) => looked,
            Err(Unseen::Ours(error)) => return Err(error),
            Err(Unseen::TheApps(error)) => return Ok(Judged::Raised(error)),
        };
        if body.may_run() && this.is_held() {
            return Ok(Judged::Replaced);
        }
        trip(Step::Looked)?;
        trip(Step::Answer)?;
        let mut answer =
            this.arrival.answer(&self.config, &this.fields.as_http(py), &head, &plan, &content, now);
        if let Some(asset) = &this.asset {
            answer.freshen(&head, asset.freshness(py, &self.config, &head, &content));
        }
        if let (Some(cache), Some(noted)) = (&self.cache, &this.noted) {
            let stored = self.remember(py, cache, noted, this, (&head, &plan), &content, &answer);
            if self.config.cache.cache_status {
                let status =
                    cache_status(this.arrival.method, noted.missed, stored, self.config.cache.explain);
                answer.add.push(("Cache-Status", status.into()));
            }
        }
        let mut tally = answer.tally;
        if this.arrival.method == Method::Other
            && let Some(outcome) = judged(environ)?
        {
            tally.outcome = outcome;
        }
        // A decorator's 304 is not the app's own.
        if tally.outcome == Outcome::App && line.starts_with("304") && validator::told(environ)?.is_some() {
            tally.outcome = Outcome::NotModified;
        }
        let status = match answer.status {
            Status::AsIs => status.clone(),
            status => status_line(py, status),
        };
        trip(Step::Headers)?;
        let headers = if answer.drop.is_empty() && answer.add.is_empty() {
            headers.clone()
        } else {
            let mut outgoing: SmallVec<[Bound<'_, PyAny>; 16]> = SmallVec::new();
            for (place, pair) in copy.iter_borrowed().enumerate() {
                if !answer.drop.contains(&place) {
                    outgoing.push(pair.to_owned());
                }
            }
            for (name, value) in &answer.add {
                let value = this.fields.value(py, name, value);
                outgoing.push((field_name(py, name), value).into_bound_py_any(py)?);
            }
            PyList::new(py, outgoing)?
        };
        let body = match divisible.cut(py, &answer, body.object())? {
            Some(cut) => Following::Instead(cut),
            None => Following::new(py, answer.body),
        };
        Ok(Judged::Outgoing(Outgoing {
            status: status.into_any(),
            headers: headers.into_any(),
            body,
            tally: (!this.arrival.internal).then_some(tally),
        }))
    }

    /// Have the cache remember what the app said to a read, and forget what it changed by a write.
    #[expect(clippy::too_many_arguments, reason = "it is all of an exchange")]
    fn remember(
        &self,
        py: Python<'_>,
        cache: &Cache,
        noted: &Noted,
        this: &StartResponse,
        (head, plan): (&Head<'_>, &Plan<'_>),
        content: &Content,
        answer: &Answer<'_>,
    ) -> Option<Result<(), NotStored>> {
        if !this.arrival.method.is_read() {
            self.forget(py, cache, noted, Some(head));
            return None;
        }
        let step = || cache.remember(py, noted, &this.arrival, &self.config, (head, plan), content, answer);
        guard(step).unwrap_or_else(|failure| {
            self.cache_failed(py, cache, failure, "remembering the response");
            None
        })
    }

    pub(super) fn forget(&self, py: Python<'_>, cache: &Cache, noted: &Noted, head: Option<&Head<'_>>) {
        if let Err(failure) = guard(|| cache.invalidate(py, noted, head)) {
            self.cache_failed(py, cache, failure, "invalidating what was changed");
        }
    }

    /// The app takes back the head that was judged, or fails over the content that belongs to it.
    pub(super) fn take_back(&self, py: Python<'_>, this: &StartResponse) {
        let (Some(cache), Some(noted)) = (&self.cache, &this.noted) else { return };
        if let Err(failure) = guard(|| cache.take_back(py, noted)) {
            self.cache_failed(py, cache, failure, "forgetting what the application took back");
        }
    }

    /// The app's own response, because we could not judge it.
    pub(super) fn unjudged<'py>(&self, py: Python<'py>, this: &StartResponse, held: &Held) -> Outgoing<'py> {
        if let (Some(cache), Some(noted)) = (&self.cache, &this.noted) {
            self.forget(py, cache, noted, None);
        }
        let mut outgoing = Outgoing::as_is(py, held, this.arrival.method);
        // What is no header list is the server's to refuse.
        if let Ok(headers) = targeted::without(&outgoing.headers) {
            outgoing.headers = headers;
        }
        outgoing
    }
}

/// The validators that somebody told before the app made a response of this status, a function or a decorator.
fn told<'py>(
    environ: &Bound<'py, PyDict>,
    method: Method,
    status: &str,
) -> PyResult<Option<Bound<'py, Representation>>> {
    if !method.is_read() {
        return Ok(None);
    }
    match validator::told(environ)? {
        Some(told) if status.starts_with("200") || status.starts_with("206") => Ok(told.cast_into().ok()),
        _ => Ok(None),
    }
}

/// The header list with the validators that were told in it.
fn laid_over<'py>(
    told: &Bound<'py, Representation>,
    headers: &Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyList>> {
    let mut pairs = Vec::new();
    for pair in headers {
        pairs.push(pair.cast::<PyTuple>()?.extract::<(String, String)>()?);
    }
    let fields: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let all = told.get().0.laid_over(&fields);
    PyList::new(headers.py(), all.iter().map(|(name, value)| (*name, &**value)))
}

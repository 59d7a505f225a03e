//! What the decorators of the frameworks stand on: a view's preconditions, judged inside of it.
//!
//! The same steps as in `before.rs`, one call each, because a framework has its own ways to call functions
//! and to answer.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::before::{drain, judged_key};
use super::config::Config as Policies;
use super::evaluate::{Fields, now};
use super::result::{at_work, is_pending};
use super::validator::{Representation, Told, validator_key};
use crate::config::Config;
use crate::exchange::{
    Arrival, Body, Content, Early, Head, Outcome, Problem, Status, context, is_conditional_write,
    judge_write, lacks_precondition,
};
use crate::http::preconditions::Method;
use crate::policy::is_safe;

/// An answer: status, fields, and the content, or None for the view's own.
type Answer = (u16, Vec<(String, String)>, Option<Vec<u8>>);

fn method_of(environ: &Bound<'_, PyDict>) -> PyResult<Method> {
    with_method(environ, Method::of)
}

fn with_method<T>(environ: &Bound<'_, PyDict>, act: impl FnOnce(&str) -> T) -> PyResult<T> {
    let method = environ.get_item(intern!(environ.py(), "REQUEST_METHOD"))?;
    let method = method.as_ref().and_then(|name| name.cast::<PyString>().ok());
    Ok(act(method.map(|name| name.to_str()).transpose()?.unwrap_or("GET")))
}

/// How a decorator judges: as the middleware around it is configured, where there is one.
fn config_of(environ: &Bound<'_, PyDict>) -> PyResult<Config> {
    let mut config = Config::default();
    if let Some(middleware) = at_work(environ)? {
        let theirs = &middleware.get().config;
        (config.tag_suffixes, config.accept_weakened) = (theirs.tag_suffixes, theirs.accept_weakened);
    }
    Ok(config)
}

fn answer(environ: &Bound<'_, PyDict>, early: Early<'_>) -> PyResult<Answer> {
    if Outcome::OF_WRITES.contains(&early.tally.outcome) {
        environ.set_item(judged_key(environ.py()), early.tally.outcome.word())?;
        drain(environ);
    }
    let (status, body) = match (early.status, early.body) {
        (Status::Problem(problem), Body::Problem(_)) => (problem.code(), problem.details().into()),
        (Status::Problem(problem), _) => (problem.code(), Vec::new()),
        _ => (304, Vec::new()),
    };
    let fields = early.fields.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned()));
    Ok((status, fields.collect(), Some(body)))
}

/// Where the environ holds the policies of a view's own.
fn policies_key(py: Python<'_>) -> &Bound<'_, PyString> {
    intern!(py, "notmodified.policies")
}

/// Whether any view of this process ever had some: a look at a flag costs less than one at each environ.
static EVER_SET: AtomicBool = AtomicBool::new(false);

/// Leave a view's own policies in the environ, for the middleware around it.
#[pyfunction]
pub(super) fn set_policies(environ: &Bound<'_, PyDict>, policies: &Bound<'_, Policies>) -> PyResult<()> {
    EVER_SET.store(true, Relaxed);
    environ.set_item(policies_key(environ.py()), policies)
}

/// What was left there for this request, if anything.
pub(super) fn view_policies<'py>(environ: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, Policies>>> {
    if !EVER_SET.load(Relaxed) {
        return Ok(None);
    }
    let policies = environ.get_item(policies_key(environ.py()))?;
    Ok(policies.and_then(|policies| policies.cast_into().ok()))
}

/// Is the validator function to be called? False if there is nothing to judge, or it has been; an answer if the
/// request lacks the precondition that it must have (`require`, RFC 6585 §3).
#[pyfunction]
#[pyo3(signature = (environ, *, require = false))]
pub(super) fn arrive<'py>(environ: &Bound<'py, PyDict>, require: bool) -> PyResult<Bound<'py, PyAny>> {
    let py = environ.py();
    if environ.contains(validator_key(py))? {
        return Ok(false.into_pyobject(py)?.to_owned().into_any());
    }
    let asks = match method_of(environ)? {
        Method::Get | Method::Head => true,
        Method::Exempt => false,
        Method::Other => {
            let fields = Fields::gather(environ)?;
            let preconditions = fields.as_http(py);
            if require && lacks_precondition(&preconditions, now) && !with_method(environ, is_safe)? {
                let early = Early::problem(Problem::PreconditionRequired, Method::Other, None);
                return Ok(answer(environ, early)?.into_pyobject(py)?.into_any());
            }
            is_conditional_write(&preconditions)
        }
    };
    Ok(asks.into_pyobject(py)?.to_owned().into_any())
}

/// Judge by what the validator function returned, and leave it in the environ. Returns an answer, or None if the
/// view is to run. `accept_weakened` is None where the middleware's configuration says. Raises TypeError and
/// ValueError if it is nothing that such a function may return.
#[pyfunction]
#[pyo3(signature = (environ, told, *, require = false, accept_weakened = None))]
pub(super) fn judge(
    environ: &Bound<'_, PyDict>,
    told: &Bound<'_, PyAny>,
    require: bool,
    accept_weakened: Option<bool>,
) -> PyResult<Option<Answer>> {
    let py = environ.py();
    let told = Told::read(told)?;
    let fields = Fields::gather(environ)?;
    let preconditions = fields.as_http(py);
    let method = method_of(environ)?;
    let mut config = config_of(environ)?;
    let early = match (&told, method.is_read()) {
        (Told::AskApp, _) | (Told::Nothing, true) => return Ok(None),
        (Told::Current(current), true) => {
            told.note(environ)?;
            let mut early = arrival_of(&config, method).answer_read(&config, &preconditions, current, now);
            if let Some(early) = &mut early
                && is_pending(environ)
                && let Some(media_type) = current.field("Content-Type")
            {
                // The middleware around us may have a policy for it. It takes the field out.
                early.fields.push(("Content-Type".into(), media_type.to_owned().into()));
            }
            early
        }
        (Told::Current(_) | Told::Nothing, false) => {
            told.note(environ)?;
            let current = if let Told::Current(current) = &told { Some(current) } else { None };
            config.accept_weakened = accept_weakened.unwrap_or(config.accept_weakened);
            let require = require && !with_method(environ, is_safe)?;
            let early = judge_write(&preconditions, current, require, &context(&config, now));
            if early.is_none() {
                environ.set_item(judged_key(py), Outcome::Passed.word())?;
            }
            return early.map(|early| answer(environ, early)).transpose();
        }
    };
    early.map(|early| answer(environ, early)).transpose()
}

/// The validator function failed: the answer to a write whose validator could not be had. None for a read, which
/// the view answers; the middleware counts the failure.
#[pyfunction]
pub(super) fn failed(environ: &Bound<'_, PyDict>) -> PyResult<Option<Answer>> {
    if method_of(environ)?.is_read() {
        if let Some(middleware) = at_work(environ)? {
            middleware.get().counters.error();
        }
        return Ok(None);
    }
    answer(environ, Early::problem(Problem::NoValidator, Method::Other, None)).map(Some)
}

/// Put the validators that `judge()` left in the environ on the view's own answer to a read, and judge it unless a
/// middleware of ours does that. Returns an answer; None if there is nothing to do.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 makes it for us")]
pub(super) fn finish(
    environ: &Bound<'_, PyDict>,
    status: u16,
    headers: Vec<(String, String)>,
) -> PyResult<Option<Answer>> {
    let py = environ.py();
    let method = method_of(environ)?;
    let told = if method.is_read() { environ.get_item(validator_key(py))? } else { None };
    let Some(told) = told.and_then(|told| told.cast_into::<Representation>().ok()) else { return Ok(None) };
    if !matches!(status, 200 | 206) {
        return Ok(None);
    }
    let theirs: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let overlaid = told.get().0.laid_over(&theirs);
    let fields: Vec<_> = overlaid.iter().map(|(name, value)| (*name, &**value)).collect();
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let as_it_is = || fields.iter().copied().map(owned).collect::<Vec<_>>();
    if is_pending(environ) {
        return Ok(Some((status, as_it_is(), None)));
    }
    let config = config_of(environ)?;
    let arrival = arrival_of(&config, method);
    let head = Head::new(status, &fields);
    let mut plan = arrival.plan(&config, &head);
    plan.wants_content = false;
    let preconditions = Fields::gather(environ)?;
    let content = Content::default();
    let answer = arrival.answer(&config, &preconditions.as_http(py), &head, &plan, &content, now);
    let (status, body) = match answer.status {
        Status::NotModified => (304, Vec::new()),
        Status::Problem(problem) => match answer.body {
            Body::Problem(_) => (problem.code(), problem.details().into()),
            _ => (problem.code(), Vec::new()),
        },
        // Nobody asked for a part here: the middleware outside does.
        Status::AsIs | Status::PartialContent => return Ok(Some((status, as_it_is(), None))),
    };
    let kept = fields.iter().enumerate().filter(|(place, _)| !answer.drop.contains(place));
    let mut all: Vec<_> = kept.map(|(_, field)| owned(*field)).collect();
    all.extend(answer.add.iter().map(|(name, value)| owned((name, value))));
    Ok(Some((status, all, Some(body))))
}

fn arrival_of(config: &Config, method: Method) -> Arrival {
    Arrival::new(config, method_name(method), "")
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Head => "HEAD",
        _ => "GET",
    }
}

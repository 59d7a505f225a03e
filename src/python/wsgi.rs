//! The WSGI middleware (PEP 3333): turns environ and start_response into calls of `exchange.rs`.
//!
//! The shape of a call: take in the request, run the app with a `start_response` that holds the head back,
//! find out what can be known of the content without hurting, judge, forward one head, hand on the content.
//! Every step of ours runs in a [`guard`]; exceptions of the app and of the server pass through.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString, PyTuple, PyType};
use smallvec::SmallVec;

use super::body::{self, Stream};
use super::config;
use super::entity_tag::tag_of;
use super::evaluate::{Fields, now};
use super::faults::{Step, trip};
use super::file::{FileTags, Wrapped};
use super::guard::{Failure, guard};
use super::start_response::{Held, StartResponse, Waiting};
use crate::config::Config;
use crate::digest::TagKey;
use crate::exchange::{Arrival, Body, Content, Counters, Head, Outcome, PROBLEM_412, Plan, Status, Tally};
use crate::http::preconditions::Method;

/// WSGI middleware that gives responses their validators and answers conditional GET and HEAD.
///
/// `application` is the WSGI app. `config` is a path to a configuration file, a Config, a mapping or None;
/// keyword options are laid over it. Raises ConfigError (a ValueError) if the configuration is wrong.
///
/// What became of a request stands in `environ["notmodified.result"]` before the last byte goes out:
/// `not-modified`, `modified`, `failed`, `unconditional`, `app`, `bypass` or `error`.
#[pyclass(frozen, subclass, module = "notmodified")]
pub(super) struct NotModified {
    application: Py<PyAny>,
    config: Config,
    counters: Counters,
    files: FileTags,
}

/// The word in the environ while an instance is at work on a request: one inside it passes through.
fn pending(py: Python<'_>) -> &Bound<'_, PyString> {
    intern!(py, "pending")
}

fn is_pending(environ: &Bound<'_, PyDict>) -> bool {
    let py = environ.py();
    environ.get_item(result_key(py)).is_ok_and(|word| word.is_some_and(|word| word.is(pending(py))))
}

fn result_key(py: Python<'_>) -> &Bound<'_, PyString> {
    intern!(py, "notmodified.result")
}

#[pymethods]
impl NotModified {
    #[new]
    #[pyo3(signature = (application, config = None, **options))]
    fn new(
        application: &Bound<'_, PyAny>,
        config: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        if !application.is_callable() {
            return Err(PyTypeError::new_err(format!(
                "application: a WSGI app is callable, {} is not",
                application.get_type().name()?
            )));
        }
        Ok(Self {
            application: application.clone().unbind(),
            config: config::resolve(application.py(), config, options)?,
            counters: Counters::default(),
            files: FileTags::default(),
        })
    }

    /// The WSGI app that is wrapped.
    #[getter]
    fn application(&self, py: Python<'_>) -> Py<PyAny> {
        self.application.clone_ref(py)
    }

    /// Counts since this process started, by name: `requests`, one for each word of
    /// `environ["notmodified.result"]` (`errors` for `error`), `tags_made`, `ill_formed_tags` and
    /// `bytes_not_sent` (bytes of content that 304s saved, as far as their length was known).
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        for (name, count) in self.counters.snapshot() {
            stats.set_item(name, count)?;
        }
        Ok(stats)
    }

    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        let mut disguise = Disguise::default();
        let exchange = match guard(|| this.arrive(slf, environ, start_response, &mut disguise)) {
            Ok(Some(exchange)) => exchange,
            Ok(None) => return this.application.bind(py).call1((environ, start_response)),
            Err(failure) => {
                // As far as it was put on; what can't be restored is logged beside the first failure.
                if let Err(error) = disguise.take_off(environ) {
                    error.write_unraisable(py, None);
                }
                this.failed(py, environ, failure, "taking in the request");
                return this.application.bind(py).call1((environ, start_response));
            }
        };
        let response = this
            .application
            .bind(py)
            .call1((environ, &exchange))
            .and_then(|returned| this.respond(&exchange, environ, returned));
        if let Err(failure) = guard(|| disguise.take_off(environ)) {
            this.counters.error();
            failure.log(py, "restoring the environ");
        }
        if response.is_err() && is_pending(environ) {
            this.note(environ, Some(&Tally::of(Outcome::Bypass)));
        }
        response
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.application)
    }
}

impl NotModified {
    /// Take in a request; `None` if an instance outside this one is at work on it.
    fn arrive<'py>(
        &self,
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
        server: &Bound<'py, PyAny>,
        disguise: &mut Disguise<'py>,
    ) -> PyResult<Option<Bound<'py, StartResponse>>> {
        let py = environ.py();
        trip(Step::Arrive)?;
        if is_pending(environ) {
            return Ok(None);
        }
        let method = environ.get_item(intern!(py, "REQUEST_METHOD"))?;
        let name = method.as_ref().map(|name| name.cast::<PyString>()).transpose()?;
        let name = name.map(|name| name.to_str()).transpose()?.unwrap_or("GET");
        let path = || match environ.get_item(intern!(py, "PATH_INFO"))? {
            Some(path) => Ok(path.cast::<PyString>()?.to_string_lossy().into_owned()),
            None => PyResult::Ok(String::new()),
        };
        let arrival = Arrival::new(&self.config, name, path)?;
        let fields = Fields::gather(environ)?;
        if arrival.asks_as_get(&self.config) {
            disguise.method = method;
        }
        if arrival.takes_over {
            disguise.hide_fields(environ)?;
        }
        let exchange = StartResponse::new(
            slf.clone().unbind(),
            server.clone().unbind(),
            environ.clone().unbind(),
            arrival,
            fields,
        );
        let exchange = Bound::new(py, exchange)?;
        disguise.put_on(environ)?;
        Ok(Some(exchange))
    }

    /// The app has returned its iterable: answer with it, or with less.
    fn respond<'py>(
        &self,
        exchange: &Bound<'py, StartResponse>,
        environ: &Bound<'py, PyDict>,
        returned: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = environ.py();
        let mut body = match guard(|| AppBody::recognise(environ, &returned)) {
            Ok(body) => body,
            Err(failure) => {
                self.counters.error();
                failure.log(py, "looking at the app's iterable");
                AppBody::Stream(Stream::new(returned))
            }
        };
        match self.send_head(exchange, environ, &mut body) {
            Ok(Body::AsIs) => body.into_body(),
            Ok(Body::Empty) => body.replace(py, None),
            Ok(Body::Problem) => body.replace(py, Some(PyBytes::new(py, PROBLEM_412.as_bytes()))),
            Err(error) => {
                // The server never gets the iterable, so its close() is ours to call.
                if let Err(another) = body.close() {
                    another.write_unraisable(py, None);
                }
                Err(error)
            }
        }
    }

    /// Judge and send the head, once it is certain. Returns what follows it.
    fn send_head<'py>(
        &self,
        exchange: &Bound<'py, StartResponse>,
        environ: &Bound<'py, PyDict>,
        body: &mut AppBody<'py>,
    ) -> PyResult<Body> {
        let py = environ.py();
        let this = exchange.get();
        loop {
            let may_run = body.may_run();
            let held = match this.take(!may_run) {
                Waiting::Held(held) => held,
                // An app may call start_response as late as in its first iteration.
                Waiting::Nothing if body.start()? => continue,
                // By write(): what is left of the content follows the head that went out.
                Waiting::Sent { content_dropped: true } => return Ok(Body::Empty),
                Waiting::Sent { content_dropped: false } => return Ok(Body::AsIs),
                // It never did: the server has the words for that.
                Waiting::Nothing => {
                    self.note(environ, Some(&Tally::of(Outcome::Bypass)));
                    return Ok(Body::AsIs);
                }
            };
            let outgoing = match guard(|| self.judge(exchange, &held, body)) {
                Ok(Judged::Outgoing(outgoing)) => outgoing,
                Ok(Judged::Raised(error)) => return Err(error),
                Ok(Judged::Replaced) => continue,
                Err(failure) => {
                    self.failed(py, environ, failure, "judging the response");
                    Outgoing::as_is(py, held, this.arrival.method)
                }
            };
            // The head waits for the first chunk: until then the app may change its mind.
            if outgoing.body == Body::AsIs && body.start()? && this.is_held() {
                continue;
            }
            self.note(environ, outgoing.tally.as_ref());
            if may_run {
                this.mark_sent();
            }
            outgoing.send(this.server.bind(py))?;
            return Ok(outgoing.body);
        }
    }

    /// The head goes out because the app uses `write()`. Returns the server's `write`, or `None` if the
    /// content is to be dropped.
    pub(super) fn write_head(
        &self,
        exchange: &Bound<'_, StartResponse>,
        environ: &Bound<'_, PyDict>,
        held: Held,
    ) -> PyResult<Option<Py<PyAny>>> {
        let py = environ.py();
        let outgoing = match guard(|| self.judge(exchange, &held, &mut AppBody::Written)) {
            Ok(Judged::Outgoing(outgoing)) => outgoing,
            Ok(Judged::Raised(error)) => return Err(error),
            Ok(Judged::Replaced) => Outgoing::as_is(py, held, exchange.get().arrival.method),
            Err(failure) => {
                self.failed(py, environ, failure, "judging the response");
                Outgoing::as_is(py, held, exchange.get().arrival.method)
            }
        };
        self.note(environ, outgoing.tally.as_ref());
        exchange.get().mark_sent();
        let write = outgoing.send(exchange.get().server.bind(py))?;
        match outgoing.body {
            Body::AsIs => Ok(Some(write.unbind())),
            Body::Empty => Ok(None),
            Body::Problem => write.call1((PyBytes::new(py, PROBLEM_412.as_bytes()),)).map(|_| None),
        }
    }

    /// Read the app's head, find its validators, judge, and put the new head together.
    fn judge<'py>(
        &self,
        exchange: &Bound<'py, StartResponse>,
        held: &Held,
        body: &mut AppBody<'py>,
    ) -> PyResult<Judged<'py>> {
        let py = exchange.py();
        let this = exchange.get();
        trip(Step::Head)?;
        let status = held.status.bind(py).cast::<PyString>()?;
        let headers = held.headers.bind(py).cast::<PyList>()?;
        // A copy that nobody changes: other threads run while the GIL is released for hashing.
        let copy = headers.to_tuple();
        let mut pairs: SmallVec<[_; 16]> = SmallVec::new();
        for field in copy.iter_borrowed() {
            pairs.push(field.cast::<PyTuple>()?);
        }
        let mut strings: SmallVec<[_; 16]> = SmallVec::new();
        for pair in &pairs {
            let name = pair.get_borrowed_item(0)?.cast::<PyString>()?;
            let value = pair.get_borrowed_item(1)?.cast::<PyString>()?;
            strings.push((name, value));
        }
        let mut fields: SmallVec<[_; 16]> = SmallVec::new();
        for (name, value) in &strings {
            fields.push((name.to_str()?, value.to_str()?));
        }
        let head = Head::new(status_code(status.to_str()?)?, &fields);
        let plan = this.arrival.plan(&self.config, &head);
        trip(Step::Look)?;
        let content = match body.look(self, &plan, &head) {
            Ok(content) => content,
            Err(Unseen::Ours(error)) => return Err(error),
            Err(Unseen::TheApps(error)) => return Ok(Judged::Raised(error)),
        };
        if body.may_run() && this.is_held() {
            return Ok(Judged::Replaced);
        }
        trip(Step::Looked)?;
        trip(Step::Answer)?;
        let answer = this.arrival.answer(&self.config, &this.fields.as_http(py), &head, &plan, &content, now);
        let status = match answer.status {
            Status::AsIs => status,
            Status::NotModified => intern!(py, "304 Not Modified"),
            Status::PreconditionFailed => intern!(py, "412 Precondition Failed"),
        };
        trip(Step::Headers)?;
        let headers = if answer.drop.is_empty() && answer.add.is_empty() {
            headers.clone()
        } else {
            let mut outgoing: SmallVec<[Bound<'_, PyAny>; 16]> = SmallVec::new();
            for (place, pair) in pairs.iter().enumerate() {
                if !answer.drop.contains(&place) {
                    outgoing.push(pair.as_any().clone());
                }
            }
            for (name, value) in &answer.add {
                outgoing.push((field_name(py, name), &**value).into_bound_py_any(py)?);
            }
            PyList::new(py, outgoing)?
        };
        Ok(Judged::Outgoing(Outgoing {
            status: status.clone().into_any(),
            headers: headers.into_any(),
            body: answer.body,
            tally: Some(answer.tally),
        }))
    }

    /// Count an answer and tell the access log.
    fn note(&self, environ: &Bound<'_, PyDict>, tally: Option<&Tally>) {
        let Some(tally) = tally else { return }; // It failed, which is noted already.
        let noted = guard(|| {
            trip(Step::Note)?;
            self.counters.count(tally);
            say(environ, tally.outcome)
        });
        if let Err(failure) = noted {
            self.counters.error();
            failure.log(environ.py(), "counting the answer");
        }
    }

    fn failed(&self, py: Python<'_>, environ: &Bound<'_, PyDict>, failure: Failure, what: &str) {
        self.counters.count(&Tally::of(Outcome::Error));
        if let Err(error) = say(environ, Outcome::Error) {
            error.write_unraisable(py, None);
        }
        failure.log(py, what);
    }
}

fn say(environ: &Bound<'_, PyDict>, outcome: Outcome) -> PyResult<()> {
    let py = environ.py();
    let word = match outcome {
        Outcome::NotModified => intern!(py, Outcome::NotModified.word()),
        Outcome::Modified => intern!(py, Outcome::Modified.word()),
        Outcome::Failed => intern!(py, Outcome::Failed.word()),
        Outcome::Unconditional => intern!(py, Outcome::Unconditional.word()),
        Outcome::App => intern!(py, Outcome::App.word()),
        Outcome::Bypass => intern!(py, Outcome::Bypass.word()),
        Outcome::Error => intern!(py, Outcome::Error.word()),
    };
    environ.set_item(result_key(py), word)
}

fn field_name<'py>(py: Python<'py>, name: &'static str) -> Bound<'py, PyString> {
    if name == "ETag" { intern!(py, "ETag").clone() } else { PyString::new(py, name) }
}

fn status_code(status: &str) -> PyResult<u16> {
    match status.as_bytes() {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9']
        | [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..] => {
            Ok([a, b, c].into_iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
        }
        _ => Err(PyValueError::new_err(format!("not a status line: {status:?}"))),
    }
}

/// What the app sees differently while it works on a request, and how it was before.
#[derive(Default)]
struct Disguise<'py> {
    /// HEAD, where the app is asked as for GET.
    method: Option<Bound<'py, PyAny>>,
    /// The fields that are hidden because we judge in the app's place.
    hidden: SmallVec<[(&'static str, Bound<'py, PyAny>); 6]>,
}

impl<'py> Disguise<'py> {
    fn hide_fields(&mut self, environ: &Bound<'py, PyDict>) -> PyResult<()> {
        for name in [
            "HTTP_IF_MATCH",
            "HTTP_IF_NONE_MATCH",
            "HTTP_IF_MODIFIED_SINCE",
            "HTTP_IF_UNMODIFIED_SINCE",
            "HTTP_IF_RANGE",
            "HTTP_RANGE",
        ] {
            if let Some(value) = environ.get_item(name)? {
                self.hidden.push((name, value));
            }
        }
        Ok(())
    }

    fn put_on(&self, environ: &Bound<'py, PyDict>) -> PyResult<()> {
        let py = environ.py();
        trip(Step::Disguise)?;
        for (name, _) in &self.hidden {
            environ.del_item(name)?;
        }
        if self.method.is_some() {
            environ.set_item(intern!(py, "REQUEST_METHOD"), intern!(py, "GET"))?;
        }
        environ.set_item(result_key(py), pending(py))?;
        trip(Step::Disguised)
    }

    /// Put everything back: access logs read the environ.
    fn take_off(&self, environ: &Bound<'py, PyDict>) -> PyResult<()> {
        let py = environ.py();
        for (name, value) in &self.hidden {
            environ.set_item(name, value)?;
        }
        if let Some(method) = &self.method {
            environ.set_item(intern!(py, "REQUEST_METHOD"), method)?;
        }
        trip(Step::Restore)
    }
}

/// A head that is ready to go, and what follows it.
struct Outgoing<'py> {
    status: Bound<'py, PyAny>,
    headers: Bound<'py, PyAny>,
    body: Body,
    /// `None` if we failed.
    tally: Option<Tally>,
}

enum Judged<'py> {
    Outgoing(Outgoing<'py>),
    /// The app called start_response once more meanwhile.
    Replaced,
    /// The app's iterable raised.
    Raised(PyErr),
}

impl<'py> Outgoing<'py> {
    /// The app's own response. (A HEAD was asked as a GET, so its content stays behind all the same.)
    fn as_is(py: Python<'py>, held: Held, method: Method) -> Self {
        Self {
            status: held.status.into_bound(py),
            headers: held.headers.into_bound(py),
            body: if method == Method::Head { Body::Empty } else { Body::AsIs },
            tally: None,
        }
    }

    fn send(&self, server: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        server.call1((&self.status, &self.headers))
    }
}

/// Who is to blame that the content could not be looked at.
enum Unseen {
    Ours(PyErr),
    TheApps(PyErr),
}

impl From<PyErr> for Unseen {
    fn from(error: PyErr) -> Self {
        Self::Ours(error)
    }
}

/// What the app returned, told apart by what may be known of it without hurting.
enum AppBody<'py> {
    /// A list or tuple: all there.
    Pieces(Bound<'py, PyAny>),
    /// A `wsgi.file_wrapper`: the very object goes to the server, which may use sendfile.
    File(Bound<'py, PyAny>),
    /// An iterable of a framework whose response has the content at hand.
    Whole { object: Bound<'py, PyAny>, of: Framework<'py> },
    /// Any other iterable.
    Stream(Stream<'py>),
    /// Content that comes by `write()`.
    Written,
}

impl<'py> AppBody<'py> {
    fn recognise(environ: &Bound<'py, PyDict>, returned: &Bound<'py, PyAny>) -> PyResult<Self> {
        trip(Step::Recognise)?;
        let object = returned.clone();
        Ok(if is_sequence(returned) {
            Self::Pieces(object)
        } else if is_file_wrapper(environ, returned) {
            Self::File(object)
        } else if let Some(of) = whole(returned) {
            Self::Whole { object, of }
        } else {
            Self::Stream(Stream::new(object))
        })
    }

    /// Find out what the plan wants to know of the content.
    fn look(
        &mut self,
        middleware: &NotModified,
        plan: &Plan<'_>,
        head: &Head<'_>,
    ) -> Result<Content, Unseen> {
        let key = middleware.config.tag_key.as_ref();
        match self {
            Self::Pieces(object) => {
                let Some(pieces) = bytes_of(object) else { return Ok(Content::default()) };
                Ok(content_of(object.py(), &pieces, plan, key)?)
            }
            Self::Whole { object, of } if plan.wants_content || plan.wants_length => {
                if let Some(pieces) = of.content(head)? {
                    return Ok(content_of(object.py(), &pieces, plan, key)?);
                }
                *self = Self::Stream(Stream::new(object.clone()));
                self.look(middleware, plan, head)
            }
            Self::File(object) if plan.wants_content || head.content_length.is_none() => {
                let Some(file) = Wrapped::open(object)? else { return Ok(Content::default()) };
                let length = file.length();
                // With another length declared, it is not the file that is sent, but a part of it.
                let whole = head.content_length.is_none_or(|declared| declared == length);
                let tag = if plan.wants_content && whole {
                    file.tag(object.py(), &middleware.files, key, middleware.config.max_file)?
                } else {
                    None
                };
                Ok(Content { tag, length: Some(length), say_length: true })
            }
            Self::Stream(stream) if plan.wants_content => {
                let Some(length) = head.collectable(&middleware.config) else {
                    return Ok(Content::default());
                };
                match stream.collect(length).map_err(Unseen::TheApps)? {
                    Some(pieces) => Ok(content_of(stream.py(), &pieces, plan, key)?),
                    None => Ok(Content::default()),
                }
            }
            _ => Ok(Content::default()),
        }
    }

    /// Does the app run on when its content is looked at?
    fn may_run(&self) -> bool {
        matches!(self, Self::Stream(_) | Self::Whole { .. })
    }

    /// Have the first chunk of a stream at hand. False if there was nothing to do.
    fn start(&mut self) -> PyResult<bool> {
        match self {
            Self::Stream(stream) if !stream.is_started() => stream.pull().map(|()| true),
            _ => Ok(false),
        }
    }

    fn into_body(self) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Pieces(object) | Self::File(object) | Self::Whole { object, .. } => Ok(object),
            Self::Stream(stream) => stream.into_body(),
            Self::Written => Err(PyValueError::new_err("content that was written has no iterable")),
        }
    }

    /// Something else, or nothing, in place of the content, which is closed in its time.
    fn replace(self, py: Python<'py>, other: Option<Bound<'py, PyBytes>>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            // A list has no close(), but a class derived from it may.
            Self::Pieces(object) if is_plain_sequence(&object) => Ok(PyTuple::new(py, other)?.into_any()),
            Self::Written => Ok(PyTuple::new(py, other)?.into_any()),
            Self::Pieces(object) | Self::File(object) | Self::Whole { object, .. } => {
                Stream::new(object).replace(other)
            }
            Self::Stream(stream) => stream.replace(other),
        }
    }

    fn close(self) -> PyResult<()> {
        match self {
            Self::Written => Ok(()),
            Self::Pieces(object) | Self::File(object) | Self::Whole { object, .. } => body::close(&object),
            Self::Stream(stream) => stream.close(),
        }
    }
}

fn bytes_of<'py>(object: &Bound<'py, PyAny>) -> Option<SmallVec<[Bound<'py, PyBytes>; 4]>> {
    match object.cast::<PyList>() {
        Ok(list) => list.iter().map(|piece| piece.cast_into().ok()).collect(),
        Err(_) => object.cast::<PyTuple>().ok()?.iter().map(|piece| piece.cast_into().ok()).collect(),
    }
}

fn content_of(
    py: Python<'_>,
    pieces: &[Bound<'_, PyBytes>],
    plan: &Plan<'_>,
    key: Option<&TagKey>,
) -> PyResult<Content> {
    trip(Step::Digest)?;
    let length = length_of(pieces);
    let pieces: SmallVec<[&[u8]; 4]> = pieces.iter().map(PyBytesMethods::as_bytes).collect();
    Ok(Content {
        tag: plan.wants_content.then(|| (tag_of(py, &pieces, key), false)),
        length: Some(length),
        say_length: false,
    })
}

fn length_of(pieces: &[Bound<'_, PyBytes>]) -> u64 {
    pieces.iter().map(|piece| piece.as_bytes().len() as u64).sum()
}

fn is_file_wrapper(environ: &Bound<'_, PyDict>, returned: &Bound<'_, PyAny>) -> bool {
    match environ.get_item(intern!(environ.py(), "wsgi.file_wrapper")) {
        // On servers whose wrapper is a function there is nothing to tell it by.
        Ok(Some(wrapper)) => {
            wrapper.cast::<PyType>().is_ok_and(|wrapper| returned.is_instance(wrapper).unwrap_or(false))
        }
        _ => false,
    }
}

fn is_plain_sequence(returned: &Bound<'_, PyAny>) -> bool {
    returned.is_exact_instance_of::<PyList>() || returned.is_exact_instance_of::<PyTuple>()
}

/// Is it a list or a tuple, and does iterating over it give what is in it?
fn is_sequence(returned: &Bound<'_, PyAny>) -> bool {
    let py = returned.py();
    let iterates_as = |base: Bound<'_, PyType>| {
        let iter = intern!(py, "__iter__");
        matches!((returned.get_type().getattr(iter), base.getattr(iter)), (Ok(own), Ok(base)) if own.is(&base))
    };
    is_plain_sequence(returned)
        || returned.is_instance_of::<PyList>() && iterates_as(py.get_type::<PyList>())
        || returned.is_instance_of::<PyTuple>() && iterates_as(py.get_type::<PyTuple>())
}

/// Where a framework's response keeps its content.
enum Framework<'py> {
    /// The response itself is the iterable; its `streaming` says no and its `content` is all of it.
    Django(Bound<'py, PyAny>),
    /// The iterable calls the response's `close()` back; its `is_sequence` says yes and its `response` is a
    /// list. (A Flask response is one.)
    Werkzeug(Bound<'py, PyAny>),
}

impl<'py> Framework<'py> {
    fn content(&self, head: &Head<'_>) -> PyResult<Option<SmallVec<[Bound<'py, PyBytes>; 4]>>> {
        match self {
            Self::Django(response) => {
                let content = response.getattr(intern!(response.py(), "content"))?;
                Ok(content.cast_into().ok().map(|bytes| SmallVec::from_iter([bytes])))
            }
            // Text that Werkzeug would still have to encode makes it a stream like any other, and so does
            // another length than the declared one: somebody between it and us changes the content.
            Self::Werkzeug(response) => {
                let pieces = bytes_of(&response.getattr(intern!(response.py(), "response"))?);
                Ok(pieces.filter(|pieces| head.content_length == Some(length_of(pieces))))
            }
        }
    }
}

/// Does the iterable belong to a framework's response that has its content at hand? Nothing is assumed of
/// what does not say so itself: whatever looks otherwise is a stream.
fn whole<'py>(returned: &Bound<'py, PyAny>) -> Option<Framework<'py>> {
    let py = returned.py();
    let no = PyBool::new(py, false);
    if returned.getattr_opt(intern!(py, "streaming")).ok()?.is_some_and(|streaming| streaming.is(no)) {
        return Some(Framework::Django(returned.clone()));
    }
    let callbacks = returned.getattr_opt(intern!(py, "_callbacks")).ok()??.cast_into::<PyList>().ok()?;
    callbacks.iter().find_map(|call| {
        let response = call.getattr_opt(intern!(py, "__self__")).ok()??;
        let is_sequence = response.getattr_opt(intern!(py, "is_sequence")).ok()??;
        is_sequence.is(PyBool::new(py, true)).then_some(Framework::Werkzeug(response))
    })
}

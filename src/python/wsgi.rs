//! The WSGI middleware (PEP 3333): turns environ and start_response into calls of `exchange.rs`.
//!
//! The shape of a call: take in the request, run the app with a `start_response` that holds the head back,
//! find out what can be known of the content without hurting, judge, forward one head, hand on the content.
//! Every step of ours runs in a [`guard`]; exceptions of the app and of the server pass through.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::app_body::AppBody;
use super::assets::{AssetRequest, Assets, use_in_process};
use super::before::Before;
use super::body::{self, Stream};
use super::cache::{Cache, Found, Noted};
use super::call::call;
use super::config::{self, Resolved};
use super::disguise::Disguise;
use super::evaluate::Fields;
use super::faults::{Step, trip};
use super::file::FileTags;
use super::guard::{Failure, guard, warn};
use super::judge::Judged;
use super::outgoing::{Following, Outgoing};
use super::range::{self, Cut};
use super::result::{at_work, is_pending, say};
use super::start_response::{Held, StartResponse, Waiting};
use super::targeted::Untargeted;
use crate::assets::Assets as Files;
use crate::config::{Config, Settings};
use crate::exchange::{Arrival, Counters, Early, Outcome, Problem, Tally};
use crate::http::preconditions::Method;
use crate::policy::Narrowed;

/// WSGI middleware that gives responses their validators and answers conditional GET and HEAD.
///
/// `application` is the WSGI app. `config` is a path to a configuration file, a Config, a mapping or None;
/// keyword options are laid over it. Raises ConfigError (a ValueError) if the configuration is wrong.
///
/// What became of a request stands in `environ["notmodified.result"]` before the last byte goes out:
/// `not-modified`, `remembered`, `modified`, `partial`, `unsatisfiable`, `failed`, `required`,
/// `unavailable`, `passed`, `unconditional`, `app`, `bypass` or `error`.
#[pyclass(frozen, subclass, module = "notmodified")]
pub(super) struct NotModified {
    application: Py<PyAny>,
    pub(super) config: Config,
    /// What `config` was read from.
    settings: Settings,
    /// The validator function of each template, in their order.
    pub(super) functions: Vec<Py<PyAny>>,
    /// The static files.
    pub(super) assets: Option<Arc<Files>>,
    pub(super) counters: Counters,
    pub(super) files: FileTags,
    pub(super) cache: Option<Cache>,
    /// Has the log heard of a response that did not get all of its policy?
    told_narrowed: AtomicBool,
    /// Has it heard that the configuration of an instance outside is looked at in the place of this one's?
    told_covered: AtomicBool,
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
        let Resolved { settings, checked: config, functions, client, files } =
            config::resolve(application.py(), config, options)?;
        if let Some(files) = &files {
            use_in_process(files);
        }
        Ok(Self {
            application: application.clone().unbind(),
            cache: Cache::new(application, &config, client.as_ref())?,
            config,
            settings,
            functions,
            assets: files,
            counters: Counters::default(),
            files: FileTags::default(),
            told_narrowed: AtomicBool::new(false),
            told_covered: AtomicBool::new(false),
        })
    }

    /// The WSGI app that is wrapped.
    #[getter]
    fn application(&self, py: Python<'_>) -> Py<PyAny> {
        self.application.clone_ref(py)
    }

    /// Whether a policy has `preconditions = "get"`, so that the app is asked with a GET before a write.
    #[getter]
    fn asks_application(&self) -> bool {
        self.config.policies.as_slice().iter().any(|policy| policy.guard.get)
    }

    /// The static files that `assets` names, or None.
    #[getter]
    fn assets(&self) -> Option<Assets> {
        self.assets.clone().map(Assets)
    }

    /// Counts since this process started, by name: `requests`, one for each word of
    /// `environ["notmodified.result"]` (`errors` for `error`), `tags_made`, `ill_formed_tags`, `bytes_not_sent`
    /// (bytes of content that 304s saved, as far as their length was known), `without_app` (requests that were
    /// answered without running the app) and `narrowed` (responses that did not get what their policy says to
    /// shared caches, because they are for one client). With a store those of the validator cache too, `cache_answered`
    /// and so on.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        for (name, count) in self.counters.snapshot() {
            stats.set_item(name, count)?;
        }
        for (name, count) in self.cache.iter().flat_map(Cache::snapshot) {
            stats.set_item(name, count)?;
        }
        Ok(stats)
    }

    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::serve(slf, environ, start_response, false)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for function in &self.functions {
            visit.call(function)?;
        }
        visit.call(&self.application)
    }
}

impl NotModified {
    /// Answer a request. One that is `internal` is our own.
    pub(super) fn serve<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
        start_response: &Bound<'py, PyAny>,
        internal: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        let mut disguise = Disguise::default();
        let exchange = match guard(|| this.arrive(slf, environ, start_response, &mut disguise, internal)) {
            Ok(Arrived::App(exchange)) => exchange,
            Ok(Arrived::Answered(outgoing)) => return this.answer(environ, start_response, outgoing),
            Ok(Arrived::Forwarded { status, headers, body }) => {
                this.note(environ, Some(&Tally { without_app: true, ..Tally::of(Outcome::Bypass) }));
                if let Err(error) = start_response.call1((status, headers)) {
                    body::close(&body)?;
                    return Err(error);
                }
                return Ok(body);
            }
            Ok(Arrived::Raised(error)) => return Err(error),
            Ok(Arrived::Inside) => return call(this.application.bind(py), environ, start_response),
            Err(failure) => {
                // As far as it was put on; what can't be restored is logged beside the first failure.
                if let Err(error) = disguise.take_off(environ) {
                    error.write_unraisable(py, None);
                }
                if this.is_doubtful(environ) {
                    failure.log_as(py, "taking in the request", "the write is answered 503");
                    let early = Early::problem(Problem::NoValidator, Method::Other, None);
                    return this.answer(
                        environ,
                        start_response,
                        Outgoing::early(py, &early, &Fields::default())?,
                    );
                }
                this.failed(py, environ, failure, "taking in the request");
                return this.run_without_us(environ, start_response);
            }
        };
        let response =
            this.run(&exchange, environ).and_then(|returned| this.respond(&exchange, environ, returned));
        if let Err(failure) = guard(|| disguise.take_off(environ)) {
            this.failed_harmlessly(py, failure, "restoring the environ");
        }
        if !internal && response.is_err() && is_pending(environ) {
            this.note(environ, Some(&Tally::of(Outcome::Bypass)));
        }
        response
    }

    /// Does this instance do the work of the one outside, which is at work on the request? Of two the outer one
    /// does it, since it sees what goes out, unless nothing is configured there, but here.
    fn replaces(&self, py: Python<'_>, outer: &Self) -> PyResult<bool> {
        if self.settings.is_empty() {
            return Ok(false);
        }
        if !outer.settings.is_empty()
            && !outer.settings.has_values_of(&self.settings)
            && !self.told_covered.swap(true, Relaxed)
        {
            let message = "one NotModified stands inside another, and each has a configuration: that of the outer one \
                           counts, and %s of the inner one is not looked at, but for the guards of writes. Say it \
                           there, or configure one of both only (said once)";
            warn(py, (message, self.settings.keys().collect::<Vec<_>>().join(", ")))?;
        }
        Ok(outer.settings.is_empty())
    }

    /// Did an instance inside do the work of this one? Then it has said what became of the request.
    pub(super) fn is_replaced(&self, environ: &Bound<'_, PyDict>) -> PyResult<bool> {
        Ok(self.settings.is_empty() && !at_work(environ)?.is_some_and(|one| ptr::eq(one.get(), self)))
    }

    /// Are there writes to judge, or reads to answer, before the app runs?
    pub(super) fn watches(&self) -> bool {
        !self.functions.is_empty() || self.config.policies.has_guard()
    }

    /// Does it matter which path a request is for?
    fn asks_for_path(&self) -> bool {
        !self.config.policies.is_empty() || self.assets.is_some() || self.watches()
    }

    /// Send what was made before the app ran.
    fn answer<'py>(
        &self,
        environ: &Bound<'py, PyDict>,
        start_response: &Bound<'py, PyAny>,
        outgoing: Outgoing<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.note(environ, outgoing.tally.as_ref());
        outgoing.send(start_response)?;
        outgoing.into_body(environ.py())
    }

    /// Take in a request, and answer it at once where that can be done without the app.
    pub(super) fn arrive<'py>(
        &self,
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
        server: &Bound<'py, PyAny>,
        disguise: &mut Disguise,
        internal: bool,
    ) -> PyResult<Arrived<'py>> {
        let py = environ.py();
        trip(Step::Arrive)?;
        if let Some(outer) = at_work(environ)?
            && !self.replaces(py, outer.get())?
        {
            return Self::inside(slf, environ);
        }
        let method = environ.get_item(intern!(py, "REQUEST_METHOD"))?;
        let name = method.as_ref().map(|name| name.cast::<PyString>()).transpose()?;
        let name = name.map(|name| name.to_str()).transpose()?.unwrap_or("GET");
        let path = if self.asks_for_path() { environ.get_item(intern!(py, "PATH_INFO"))? } else { None };
        let path = path.as_ref().map(|path| path.cast::<PyString>()).transpose()?;
        let path = path.map(|path| path.to_string_lossy()).unwrap_or_default();
        let mut arrival = Arrival::new(&self.config, name, &path);
        arrival.internal = internal;
        let fields = Fields::gather(environ)?;
        let asset = self.asset(environ, &arrival, &path)?;
        // Handlers of static files make tags of times, which differ between replicas.
        arrival.takes_over |= asset.as_ref().is_some_and(AssetRequest::is_there);
        let mut noted = None;
        // An internal GET is asked for the current validator, which is not to come from memory.
        if let Some(cache) = self.cache.as_ref().filter(|_| !internal && asset.is_none()) {
            match guard(|| cache.arrive(environ, &arrival, name, &fields, &self.config)) {
                Ok(Found::Answer(outgoing)) => return Ok(Arrived::Answered(outgoing)),
                Ok(Found::Nothing(all)) => noted = Some(Box::new(all)),
                Ok(Found::Apart) => {}
                Err(failure) => self.cache_failed(py, cache, failure, "asking the validator cache"),
            }
        }
        let range = if arrival.method == Method::Get { range::asked(environ)? } else { None };
        let has_range = range.is_some();
        if let Some(range) = range {
            arrival.ask(range);
        }
        if self.watches() {
            match Self::before(slf, environ, &arrival, &fields, name, &path)? {
                Before::Run { judged: true } => disguise.hide_preconditions(environ)?,
                Before::Run { judged: false } => {}
                Before::Answer(outgoing) => return Ok(Arrived::Answered(outgoing)),
                Before::Forward { status, headers, body } => {
                    return Ok(Arrived::Forwarded { status, headers, body });
                }
                Before::Raised(error) => return Ok(Arrived::Raised(error)),
            }
        }
        if arrival.asks_as_get(&self.config) {
            disguise.method = method.map(Bound::unbind);
            // It means nothing to HEAD (RFC 9110 §14.2), and the app would take it for a GET's.
            disguise.hide_range(environ)?;
        }
        if arrival.takes_over {
            if !fields.is_empty() {
                disguise.hide_preconditions(environ)?;
            }
            // If-Range means nothing without a Range (RFC 9110 §13.1.5).
            if has_range || arrival.method != Method::Get {
                disguise.hide_range(environ)?;
            }
        }
        if let Some(asset) = &asset {
            disguise.path = asset.path_info(py, &path).map(Bound::unbind);
        }
        let exchange = StartResponse::new(
            slf.clone().unbind(),
            server.clone().unbind(),
            environ.clone().unbind(),
            arrival,
            fields,
            noted,
            asset,
        );
        let exchange = Bound::new(py, exchange)?;
        disguise.put_on(slf, environ)?;
        Ok(Arrived::App(exchange))
    }

    /// Is it a request for a static file?
    fn asset(
        &self,
        environ: &Bound<'_, PyDict>,
        arrival: &Arrival,
        path: &str,
    ) -> PyResult<Option<AssetRequest>> {
        let Some(files) = self.assets.as_ref().filter(|_| arrival.method.is_read()) else { return Ok(None) };
        let py = environ.py();
        let query = environ.get_item(intern!(py, "QUERY_STRING"))?;
        let query = query.as_ref().map(|query| query.cast::<PyString>()).transpose()?;
        let query = query.map(|query| query.to_string_lossy()).unwrap_or_default();
        let serve = self.config.assets.as_ref().is_some_and(|config| config.serve);
        Ok(AssetRequest::new(py, files, serve, path, &query))
    }

    /// Run the app, or answer with a static file in its place.
    fn run<'py>(
        &self,
        exchange: &Bound<'py, StartResponse>,
        environ: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = environ.py();
        if let Some(asset) = exchange.get().asset.as_ref().filter(|asset| !asset.is_the_apps()) {
            match guard(|| asset.respond(environ, exchange)) {
                Ok(Some(response)) => return Ok(response),
                Ok(None) => {}
                Err(failure) => self.failed_harmlessly(py, failure, "answering with a static file"),
            }
        }
        call(self.application.bind(py), environ, exchange)
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
                self.failed_harmlessly(py, failure, "looking at the app's iterable");
                AppBody::Stream(Stream::new(returned))
            }
        };
        match self.send_head(exchange, environ, &mut body) {
            Ok(Following::AsIs) => body.into_body(),
            Ok(Following::Instead(Cut::Chunks(chunks))) => body.replace(py, chunks),
            Ok(Following::Instead(Cut::File(ranges))) => Ok(ranges),
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
    ) -> PyResult<Following<'py>> {
        let py = environ.py();
        let this = exchange.get();
        loop {
            let may_run = body.may_run();
            let held = match this.take(!may_run) {
                Waiting::Held(held) => held,
                // An app may call start_response as late as in its first iteration.
                Waiting::Nothing if body.start()? => continue,
                // By write(): what is left of the content follows the head that went out.
                Waiting::Sent { content_dropped: true } => return Ok(Following::nothing()),
                Waiting::Sent { content_dropped: false } => return Ok(Following::AsIs),
                // It never did: the server has the words for that.
                Waiting::Nothing => {
                    if !this.arrival.internal {
                        self.note(environ, Some(&Tally::of(Outcome::Bypass)));
                    }
                    return Ok(Following::AsIs);
                }
            };
            let outgoing = match guard(|| self.judge(exchange, environ, &held, body)) {
                Ok(Judged::Outgoing(outgoing)) => outgoing,
                Ok(Judged::Raised(error)) => return Err(error),
                Ok(Judged::Replaced) => continue,
                Err(failure) => {
                    self.failed(py, environ, failure, "judging the response");
                    self.unjudged(py, this, &held)
                }
            };
            // The head waits for the first chunk: until then the app may change its mind.
            if matches!(outgoing.body, Following::AsIs) {
                match body.start() {
                    Ok(started) if started && this.is_held() => {
                        self.take_back(py, this);
                        continue;
                    }
                    Ok(_) => {}
                    Err(error) => {
                        self.take_back(py, this);
                        return Err(error);
                    }
                }
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
        held: &Held,
    ) -> PyResult<Option<Py<PyAny>>> {
        let py = environ.py();
        let outgoing = match guard(|| self.judge(exchange, environ, held, &mut AppBody::Written)) {
            Ok(Judged::Outgoing(outgoing)) => outgoing,
            Ok(Judged::Raised(error)) => return Err(error),
            Ok(Judged::Replaced) => self.unjudged(py, exchange.get(), held),
            Err(failure) => {
                self.failed(py, environ, failure, "judging the response");
                self.unjudged(py, exchange.get(), held)
            }
        };
        self.note(environ, outgoing.tally.as_ref());
        exchange.get().mark_sent();
        let write = outgoing.send(exchange.get().server.bind(py))?;
        match outgoing.body {
            Following::AsIs => Ok(Some(write.unbind())),
            Following::Instead(Cut::Chunks(chunks)) => {
                chunks.iter().try_for_each(|chunk| write.call1((chunk,)).map(drop)).map(|()| None)
            }
            Following::Instead(Cut::File(_)) => Ok(None), // Not of what was written.
        }
    }

    /// Run the app for a request that we could not take in.
    fn run_without_us<'py>(
        &self,
        environ: &Bound<'py, PyDict>,
        server: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = environ.py();
        let noted = self.cache.as_ref().and_then(|cache| Some((cache, Noted::blindly(environ)?)));
        let start_response = Bound::new(py, Untargeted { server: server.clone().unbind() })?;
        let response = call(self.application.bind(py), environ, &start_response);
        if let (Ok(_), Some((cache, noted))) = (&response, &noted) {
            self.forget(py, cache, noted, None);
        }
        response
    }

    /// The cache failed, which leaves the request as if there were none.
    pub(super) fn cache_failed(&self, py: Python<'_>, cache: &Cache, failure: Failure, what: &str) {
        self.counters.error();
        if cache.may_log() {
            failure.log(py, what);
        }
    }

    /// Count an answer and tell the access log.
    pub(super) fn note(&self, environ: &Bound<'_, PyDict>, tally: Option<&Tally>) {
        let Some(tally) = tally else { return }; // It failed, which is noted already.
        let noted = guard(|| {
            trip(Step::Note)?;
            self.counters.count(tally);
            say(environ, tally.outcome)
        });
        if let Err(failure) = noted {
            self.failed_harmlessly(environ.py(), failure, "counting the answer");
        }
        if let Some(why) = tally.narrowed
            && !self.told_narrowed.swap(true, Relaxed)
            && let Err(failure) = guard(|| narrowed(environ, why))
        {
            self.failed_harmlessly(environ.py(), failure, "logging what a policy left out");
        }
    }

    #[cold]
    pub(super) fn failed(&self, py: Python<'_>, environ: &Bound<'_, PyDict>, failure: Failure, what: &str) {
        self.counters.count(&Tally::of(Outcome::Error));
        if let Err(error) = say(environ, Outcome::Error) {
            error.write_unraisable(py, None);
        }
        failure.log(py, what);
    }

    /// A failure that changed nothing for the request, which is counted as what it is.
    pub(super) fn failed_harmlessly(&self, py: Python<'_>, failure: Failure, what: &str) {
        self.counters.error();
        failure.log(py, what);
    }
}

/// Say in the log, once, that a response did not get all of its policy.
#[cold]
fn narrowed(environ: &Bound<'_, PyDict>, why: Narrowed) -> PyResult<()> {
    let py = environ.py();
    let path = environ.get_item(intern!(py, "PATH_INFO"))?;
    let why = match why {
        Narrowed::SetCookie => "the response sets a cookie",
        Narrowed::OwnWord => "the application's own Cache-Control says private or no-store",
    };
    let message = "a policy lets shared caches keep %s, but %s: what is for them was left out (said once; \
                   stats() counts these as narrowed)";
    warn(py, (message, path, why))
}

/// What comes of a request before the app runs.
pub(super) enum Arrived<'py> {
    /// The app runs, with this for its `start_response`.
    App(Bound<'py, StartResponse>),
    /// The app does not run: this is the answer.
    Answered(Outgoing<'py>),
    /// The app does not run again: this is its answer to a GET of ours.
    Forwarded { status: Bound<'py, PyAny>, headers: Bound<'py, PyAny>, body: Bound<'py, PyAny> },
    /// The request ends with this exception.
    Raised(PyErr),
    /// An instance outside this one is at work on it, and this one has nothing to say.
    Inside,
}

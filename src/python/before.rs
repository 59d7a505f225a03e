//! What is done before the app runs: guarded writes are judged, and reads answered whose validator a function
//! knows. Reads fail open, writes fail closed.

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::evaluate::{Fields, now};
use super::guard::{Failure, guard};
use super::learn::{Got, from_function, from_get};
use super::outgoing::Outgoing;
use super::validator::{Told, validator_key};
use super::wsgi::{Arrived, NotModified};
use crate::config::{Teller, WriteGuard};
use crate::exchange::{
    self, Arrival, Early, Outcome, Problem, is_conditional_write, judge_write, lacks_precondition,
};
use crate::http::preconditions::Method;

/// What comes of a request before the app runs.
pub(super) enum Before<'py> {
    /// The app runs.
    Run {
        /// The preconditions are judged here, and none of the app's business.
        judged: bool,
    },
    /// The app does not run: this is the answer.
    Answer(Outgoing<'py>),
    /// A GET was answered that the client shall log in, or go elsewhere: so is the write.
    Forward { status: Bound<'py, PyAny>, headers: Bound<'py, PyAny>, body: Bound<'py, PyAny> },
    /// Something that is no failure but ends the request, such as SystemExit.
    Raised(PyErr),
}

const fn run<'py>() -> Before<'py> {
    Before::Run { judged: false }
}

/// Where the environ holds what became of a write's preconditions, as a word of `notmodified.result`.
pub(super) fn judged_key(py: Python<'_>) -> &Bound<'_, PyString> {
    intern!(py, "notmodified.judged")
}

/// What became of a write's preconditions, if they were judged before the app or in it.
pub(super) fn judged(environ: &Bound<'_, PyDict>) -> PyResult<Option<Outcome>> {
    let Some(word) = environ.get_item(judged_key(environ.py()))? else { return Ok(None) };
    let word = word.cast::<PyString>()?.to_str()?;
    Ok(Outcome::OF_WRITES.into_iter().find(|outcome| outcome.word() == word))
}

impl NotModified {
    /// Judge and answer what can be before the app runs. `method` and `path` are those of the request.
    #[inline(never)]
    pub(super) fn before<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
        arrival: &Arrival,
        fields: &Fields,
        method: &str,
        path: &str,
    ) -> PyResult<Before<'py>> {
        match arrival.method {
            _ if arrival.internal => Ok(run()),
            Method::Get | Method::Head => slf.get().before_read(environ, arrival, fields, path),
            Method::Other => Self::before_write(slf, environ, fields, method, path),
            Method::Exempt => Ok(run()),
        }
    }

    /// An instance outside is at work on the request and will answer it. But it may not know what this one is
    /// to guard, so a write that was not judged is judged here.
    #[cold]
    pub(super) fn inside<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
    ) -> PyResult<Arrived<'py>> {
        let py = environ.py();
        if !slf.get().watches() || environ.contains(validator_key(py))? {
            return Ok(Arrived::Inside);
        }
        let text = |key| -> PyResult<Option<Bound<'py, PyString>>> {
            Ok(environ.get_item(key)?.map(Bound::cast_into).transpose()?)
        };
        let method = text(intern!(py, "REQUEST_METHOD"))?;
        let method = method.as_ref().map(|name| name.to_str()).transpose()?.unwrap_or("GET");
        if Method::of(method) != Method::Other {
            return Ok(Arrived::Inside);
        }
        let path = text(intern!(py, "PATH_INFO"))?;
        let path = path.as_ref().map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        Ok(match Self::before_write(slf, environ, &Fields::gather(environ)?, method, &path)? {
            Before::Run { .. } => Arrived::Inside,
            Before::Answer(outgoing) => {
                if let Some(tally) = &outgoing.tally {
                    environ.set_item(judged_key(py), tally.outcome.word())?;
                }
                Arrived::Answered(outgoing)
            }
            Before::Forward { status, headers, body } => Arrived::Forwarded { status, headers, body },
            Before::Raised(error) => Arrived::Raised(error),
        })
    }

    fn before_read<'py>(
        &self,
        environ: &Bound<'py, PyDict>,
        arrival: &Arrival,
        fields: &Fields,
        path: &str,
    ) -> PyResult<Before<'py>> {
        let py = environ.py();
        let Some((place, captured)) = self.config.validators.routes.find(path) else { return Ok(run()) };
        let Some(function) = self.functions.get(place) else { return Ok(run()) };
        let told = match guard(|| from_function(function.bind(py), environ, &captured)) {
            Ok(told) => told,
            Err(Failure::Raised(error)) if is_the_end(py, &error) => return Ok(Before::Raised(error)),
            Err(failure) => {
                self.counters.error();
                failure.log(py, &self.name_of(place));
                return Ok(run());
            }
        };
        // Of what it does not know, the app's own answer tells.
        let Told::Current(current) = &told else { return Ok(run()) };
        told.note(environ)?;
        let early = arrival.answer_read(&self.config, &fields.as_http(py), current, now);
        match early {
            Some(early) => Ok(Before::Answer(Outgoing::early(py, &early, fields)?)),
            None => Ok(Before::Run { judged: true }),
        }
    }

    fn before_write<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyDict>,
        fields: &Fields,
        method: &str,
        path: &str,
    ) -> PyResult<Before<'py>> {
        let py = environ.py();
        let this = slf.get();
        let WriteGuard { teller, require, .. } = this.config.guard(method, path);
        let preconditions = fields.as_http(py);
        let answer = |early: &Early<'_>| {
            drain(environ);
            Ok(Before::Answer(Outgoing::early(py, early, fields)?))
        };
        let problem = |problem| answer(&Early::problem(problem, Method::Other, None));
        if require && lacks_precondition(&preconditions, now) {
            return problem(Problem::PreconditionRequired);
        }
        if !is_conditional_write(&preconditions) {
            return Ok(run());
        }
        let learnt = match &teller {
            Some(Teller::Function(place, captured)) => {
                let Some(function) = this.functions.get(*place) else { return problem(Problem::NoValidator) };
                guard(|| from_function(function.bind(py), environ, captured).map(Got::Told))
            }
            Some(Teller::Get) => guard(|| from_get(slf, environ)),
            None => return Ok(run()),
        };
        let told = match learnt {
            Ok(Got::Told(told)) => told,
            Ok(Got::Refused { status, headers, body }) => {
                return Ok(Before::Forward { status, headers, body });
            }
            Err(Failure::Raised(error)) if is_the_end(py, &error) => return Ok(Before::Raised(error)),
            Err(failure) => {
                let what = match &teller {
                    Some(Teller::Function(place, _)) => this.name_of(*place),
                    _ => format!("the GET that tells the validator of {path:?}"),
                };
                failure.log_as(py, &what, "the write is answered 503");
                return problem(Problem::NoValidator);
            }
        };
        told.note(environ)?;
        let context = exchange::context(&this.config, now);
        let current = match &told {
            Told::Current(current) => Some(current),
            Told::Nothing => None,
            Told::AskApp => return Ok(run()),
        };
        if let Some(early) = judge_write(&preconditions, current, require, &context) {
            return answer(&early);
        }
        environ.set_item(judged_key(py), Outcome::Passed.word())?;
        Ok(Before::Run { judged: true })
    }

    /// Is this a write that may have to be judged, though we failed to find out? Then it must not reach the
    /// app.
    pub(super) fn is_doubtful(&self, environ: &Bound<'_, PyDict>) -> bool {
        let py = environ.py();
        if !self.watches() {
            return false;
        }
        let method = environ.get_item(intern!(py, "REQUEST_METHOD")).ok().flatten();
        let method = method.as_ref().and_then(|name| name.cast::<PyString>().ok());
        let Some(method) = method.and_then(|name| name.to_str().ok()) else { return true };
        let is_there = |name: &Bound<'_, PyString>| environ.contains(name).unwrap_or(true);
        Method::of(method) == Method::Other
            && (self.config.policies.has_guard()
                || is_there(intern!(py, "HTTP_IF_MATCH"))
                || is_there(intern!(py, "HTTP_IF_NONE_MATCH"))
                || is_there(intern!(py, "HTTP_IF_UNMODIFIED_SINCE")))
    }

    fn name_of(&self, place: usize) -> String {
        let template = self.config.validators.routes.as_slice().get(place);
        format!("the validator function of {:?}", template.map_or("", |template| template.as_str()))
    }
}

/// Content of a refused write that is read and thrown away, in bytes at most.
const DRAINED: u64 = 64 << 10;

/// Read the content of a write that is refused: a server that closes the connection with octets unread resets
/// it, and the client may never see the answer. Not where the client waits to be told to send it.
pub(super) fn drain(environ: &Bound<'_, PyDict>) {
    let py = environ.py();
    let read = || -> PyResult<()> {
        let Some(length) = environ.get_item(intern!(py, "CONTENT_LENGTH"))? else { return Ok(()) };
        let length: u64 = length.cast::<PyString>()?.to_str()?.parse().unwrap_or(0);
        if length > 0
            && length <= DRAINED
            && !environ.contains(intern!(py, "HTTP_EXPECT"))?
            && let Some(input) = environ.get_item(intern!(py, "wsgi.input"))?
        {
            input.call_method1(intern!(py, "read"), (length,))?;
        }
        Ok(())
    };
    // The client is gone, or has sent less than it said: the answer goes out all the same.
    drop(read());
}

fn is_the_end(py: Python<'_>, error: &PyErr) -> bool {
    !error.is_instance_of::<PyException>(py)
}

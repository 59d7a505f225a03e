//! The analysis of access logs for Python: one function, whose answer is the JSON document.

use std::collections::HashMap;
use std::path::PathBuf;

use pyo3::create_exception;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use super::config::Config;
use crate::access_log::report::{self, Report};
use crate::access_log::routes::path_info;
use crate::access_log::scan::{self, ScanError, scan};
use crate::access_log::simulate::Simulation;
use crate::access_log::{Field, Format, Recognised, Source, recognise};
use crate::path::{Routes, Template};

create_exception!(
    notmodified,
    LogError,
    PyValueError,
    "An access log makes no sense. The text shows a line and the format that it was read with."
);

/// Analyse access logs; return the JSON document that `notmodified logs --json` prints.
///
/// `sources` are paths, or `-` for standard input; gzip, zstd and bzip2 are told by their first bytes.
/// `format` is Gunicorn's or nginx's notation or a name, None for whatever the first lines are in; `fields` are
/// pairs of a field's word and its key in JSON lines. `routes` are path templates that come before those that
/// are found, each with the place where it is written, which errors name. `risk` is the share of outdated uses that a proposed lifetime may have. Past `max_memory` bytes,
/// of the whole process, whole clients are drawn. `threads` of 0 are as many as there are processors. `simulate` is a Config
/// whose policies are tried out, with caches of `client_cache` bytes and a shared one if asked for. `progress` is called now and
/// then with the bytes read.
///
/// Raises `OSError` if a source can't be read, `LogError` if it makes no sense, `ConfigError` if the static files
/// of `simulate` can't be had, `ValueError` if an argument is wrong or a shared cache is to be simulated for a log that does not fit. Releases the GIL.
#[pyfunction]
#[pyo3(signature = (
    sources, *, format = None, fields = Vec::new(), routes = Vec::new(), risk = 0.01, max_memory = 1_073_741_824,
    threads = 0, simulate = None, shared_cache = false, client_cache = 268_435_456, progress = None,
))]
#[allow(clippy::too_many_arguments, reason = "keywords")]
#[allow(clippy::needless_pass_by_value, reason = "what Python gives")]
pub(super) fn analyse_logs(
    py: Python<'_>,
    sources: Vec<PathBuf>,
    format: Option<&str>,
    fields: Vec<(String, String)>,
    routes: Vec<(String, String)>,
    risk: f64,
    max_memory: usize,
    threads: usize,
    simulate: Option<&Bound<'_, Config>>,
    shared_cache: bool,
    client_cache: u64,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    if !(0.0..=1.0).contains(&risk) {
        return Err(PyValueError::new_err(format!("a risk is a share from 0 to 1, not {risk}")));
    }
    let format = chosen(format, &fields)?;
    let parse = |(text, place): &(String, String)| {
        Template::parse(text).map_err(|error| PyValueError::new_err(format!("{place}: {error}")))
    };
    let templates: Vec<Template> = routes.iter().map(parse).collect::<PyResult<_>>()?;
    let routes = Routes::new(templates).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let sources: Vec<Source> = sources
        .into_iter()
        .map(|path| if path.as_os_str() == "-" { Source::Stdin } else { Source::File(path) })
        .collect();
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        many => many,
    };
    let config = simulate.map(Bound::get);
    let assets = config.map(|config| config.files(py)).transpose()?.flatten();
    py.detach(|| {
        let mut raised = None;
        let told = |read: u64| match tell(progress.as_ref(), read) {
            Ok(()) => true,
            Err(error) => {
                raised = Some(error);
                false
            }
        };
        let log = scan(&sources, scan::Options { format, max_memory, threads }, told);
        let mut log = log.map_err(|error| raised.take().unwrap_or_else(|| refusal(error)))?;
        if shared_cache && config.is_some() && log.one_in > 1 {
            return Err(PyValueError::new_err(format!(
                "a shared cache can't be simulated: the log is too large for {} MiB of memory, and what some of the \
                 clients find in it depends on all others. Allow more, take a shorter log, or simulate without it",
                max_memory >> 20,
            )));
        }
        let given = |path: &[u8]| {
            if routes.as_slice().is_empty() {
                return None;
            }
            let path = path_info(path);
            let (place, _) = routes.find(&path)?;
            routes.as_slice().get(place).map(|template| template.as_str().to_owned())
        };
        let simulation = config.map(|config| Simulation {
            policies: &config.checked().policies,
            assets: assets.as_deref(),
            client_cache,
            shared_cache,
        });
        let report = Report::of(&mut log, &report::Options { risk, threads, simulation }, given);
        report.to_json().map_err(|error| PyValueError::new_err(error.to_string()))
    })
}

/// A line taken apart: the values by their words, and whether it could be read in another way too.
type Parts = (HashMap<&'static str, Vec<u8>>, bool);

/// Take lines of a log apart, as `analyse_logs` does: return the format and the parts of each line, None for one
/// that makes no sense in it. Values are as they were before the server put them in the line.
///
/// Without a format it is told from the lines. Raises `ValueError` if a format or a field is wrong, `LogError` if
/// the format can't be told.
#[pyfunction]
#[pyo3(signature = (lines, *, format = None, fields = Vec::new()))]
#[allow(clippy::needless_pass_by_value, reason = "what Python gives")]
pub(super) fn parse_log_lines(
    lines: Vec<Vec<u8>>,
    format: Option<&str>,
    fields: Vec<(String, String)>,
) -> PyResult<(String, Vec<Option<Parts>>)> {
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let format = match chosen(format, &fields)? {
        Some(format) => format,
        None => match recognise(&lines) {
            Recognised::As(format) => format,
            Recognised::Unknown { nearest, .. } => return Err(LogError::new_err(nearest)),
        },
    };
    let mut room = Vec::new();
    let parts = lines.iter().map(|line| {
        let record = format.parse(line, &mut room)?;
        let value = |field: &Field| Some((field.word()?, record.value(*field)?.into_owned()));
        Some((Field::ALL.iter().filter_map(value).collect(), record.ambiguous))
    });
    let parts = parts.collect();
    Ok((format.name, parts))
}

fn chosen(format: Option<&str>, fields: &[(String, String)]) -> PyResult<Option<Format>> {
    let format = match format {
        Some("json") | None if !fields.is_empty() => Some(Format::json(fields)),
        Some(_) if !fields.is_empty() => {
            return Err(PyValueError::new_err(
                "only JSON lines have keys: leave the format or the fields out",
            ));
        }
        Some(notation) => Some(Format::compile(notation)),
        None => None,
    };
    format.transpose().map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Call the user's function, and let Ctrl-C through.
fn tell(progress: Option<&Py<PyAny>>, read: u64) -> PyResult<()> {
    Python::attach(|py| {
        py.check_signals()?;
        progress.map_or(Ok(()), |progress| progress.call1(py, (read,)).map(drop))
    })
}

fn refusal(error: ScanError) -> PyErr {
    match error {
        ScanError::Unreadable { source, error } => match error.raw_os_error() {
            // With its number, Python makes it a FileNotFoundError or whichever it is.
            Some(number) => {
                let text = error.to_string();
                let text = text.split(" (os error").next().unwrap_or_default().to_owned();
                PyOSError::new_err((number, text, source))
            }
            None => PyOSError::new_err(format!("{source}: {error}")),
        },
        error => LogError::new_err(error.to_string()),
    }
}

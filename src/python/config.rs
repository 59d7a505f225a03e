//! `Config` for Python: from a file, a mapping or keywords to the one schema of [`crate::config`].

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple, PyType};
use pyo3::{create_exception, intern};
use toml::{Table, Value};

use super::cache_control::CacheControl;
use crate::config as schema;
use crate::config::Settings;
use crate::policy::{Policy, Template};

create_exception!(
    notmodified,
    ConfigError,
    PyValueError,
    "A configuration is wrong. The text names the file, the line, the key, the value seen and what would be \
     right."
);

/// How deep values may be nested. The schema needs five levels; a list that contains itself has no end.
const MAX_DEPTH: usize = 16;

/// A configuration, checked.
///
/// `Config(max_body=1_000_000, policy=[...])` says it in keywords, `Config.load(path)` reads a
/// `notmodified.toml` or the table [tool.notmodified] of a `pyproject.toml`, `Config.from_mapping(mapping)`
/// takes the same keys from a mapping. All of them raise `ConfigError` if something is wrong. Immutable.
#[pyclass(frozen, module = "notmodified")]
pub(super) struct Config {
    settings: Settings,
    checked: schema::Config,
}

#[pymethods]
impl Config {
    #[new]
    #[pyo3(
        signature = (**options),
        text_signature = "(*, head_as_get=True, tag_suffixes=True, max_body=4194304, max_file=67108864, \
                          tag_key=None, policy=())"
    )]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::of(py, keywords(options)?)
    }

    /// Read a file. One that is called `pyproject.toml` has the settings in its table [tool.notmodified].
    ///
    /// Raises `OSError` if it cannot be read, `ConfigError` if something in it is wrong.
    #[classmethod]
    fn load(_cls: &Bound<'_, PyType>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::of(path.py(), file(path)?)
    }

    /// Take the settings from a mapping with the keys of the file. None counts as left out.
    #[classmethod]
    fn from_mapping(_cls: &Bound<'_, PyType>, mapping: &Bound<'_, PyMapping>) -> PyResult<Self> {
        Self::of(mapping.py(), from_mapping(mapping)?)
    }

    #[getter]
    fn head_as_get(&self) -> bool {
        self.checked.head_as_get
    }

    #[getter]
    fn tag_suffixes(&self) -> bool {
        self.checked.tag_suffixes
    }

    #[getter]
    fn max_body(&self) -> u64 {
        self.checked.max_body
    }

    #[getter]
    fn max_file(&self) -> u64 {
        self.checked.max_file
    }

    /// Whether tags are made with a key. The key itself is not shown.
    #[getter]
    fn has_tag_key(&self) -> bool {
        self.checked.tag_key.is_some()
    }

    /// The policies in their order, each a dict with every key of it, what was left out filled in. An empty
    /// list of media types stands for any.
    #[getter]
    fn policies<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let policies = self.checked.policies.as_slice().iter();
        policies.map(|policy| describe(py, policy)).collect()
    }

    /// What becomes of each policy for a request and its response, a word each:
    ///
    /// `applies` for the one they get, `later` for one that would match but comes after it, else what does not
    /// match: `path`, `method`, `status` or `media-type`. `path` is a `PATH_INFO` (PEP 3333): percent-decoded,
    /// each octet a character.
    #[pyo3(signature = (path, *, method = "GET", status = 200, media_type = None))]
    fn explain(&self, path: &str, method: &str, status: u16, media_type: Option<&str>) -> Vec<&'static str> {
        let verdicts = self.checked.policies.explain(method, path, status, media_type);
        verdicts.into_iter().map(crate::policy::Verdict::word).collect()
    }

    /// Whether a policy takes over judging for such a request: If-* and Range are then hidden from the app.
    #[pyo3(signature = (path, *, method = "GET"))]
    fn takes_over(&self, path: &str, method: &str) -> bool {
        let candidates = self.checked.policies.on_the_way_in(method, path);
        self.checked.policies.takes_over(&candidates).is_some()
    }

    fn __repr__(&self) -> String {
        let Self { checked, .. } = self;
        let word = |yes| if yes { "True" } else { "False" };
        format!(
            "<Config head_as_get={} tag_suffixes={} max_body={} max_file={} has_tag_key={} policies={}>",
            word(checked.head_as_get),
            word(checked.tag_suffixes),
            checked.max_body,
            checked.max_file,
            word(checked.tag_key.is_some()),
            checked.policies.as_slice().len(),
        )
    }
}

impl Config {
    fn of(py: Python<'_>, settings: Settings) -> PyResult<Self> {
        let checked = read(py, &settings)?;
        Ok(Self { settings, checked })
    }
}

/// The configuration that `NotModified(application, config, **options)` means: `config` is a path, a Config, a
/// mapping or None, and the options are laid over it.
pub(super) fn resolve(
    py: Python<'_>,
    config: Option<&Bound<'_, PyAny>>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<schema::Config> {
    let settings = match config {
        None => Settings::default(),
        Some(config) => {
            if let Ok(config) = config.cast::<Config>() {
                config.get().settings.clone()
            } else if let Ok(mapping) = config.cast::<PyMapping>() {
                from_mapping(mapping)?
            } else {
                file(config)?
            }
        }
    };
    read(py, &settings.overlaid(keywords(options)?))
}

/// Check settings, with `os.environ` as the environment.
fn read(py: Python<'_>, settings: &Settings) -> PyResult<schema::Config> {
    let getenv = py.import(intern!(py, "os"))?.getattr(intern!(py, "getenv"))?;
    settings.read(|name| getenv.call1((name,)).ok()?.extract().ok()).map_err(|error| refused(&error))
}

fn refused(error: &schema::ConfigError) -> PyErr {
    ConfigError::new_err(error.to_string())
}

fn keywords(options: Option<&Bound<'_, PyDict>>) -> PyResult<Settings> {
    let values = options.map(|options| table(options.as_mapping())).transpose()?;
    Ok(Settings::from_table(values.unwrap_or_default(), "keyword argument"))
}

fn from_mapping(mapping: &Bound<'_, PyMapping>) -> PyResult<Settings> {
    Ok(Settings::from_table(table(mapping)?, "mapping"))
}

/// Read a file with Python's own means, so that what goes wrong raises what it always does there.
fn file(path: &Bound<'_, PyAny>) -> PyResult<Settings> {
    let py = path.py();
    let name = py.import(intern!(py, "os"))?.call_method1(intern!(py, "fspath"), (path,)).map_err(|_| {
        let given = path.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("config is a path, a Config or a mapping, not {given}"))
    })?;
    let path = py.import(intern!(py, "pathlib"))?.call_method1(intern!(py, "Path"), (&name,))?;
    let bytes: Vec<u8> = path.call_method0(intern!(py, "read_bytes"))?.extract()?;
    let origin: String = path.str()?.extract()?;
    let file_name: String = path.getattr(intern!(py, "name"))?.extract()?;
    let text = String::from_utf8(bytes)
        .map_err(|_| ConfigError::new_err(format!("{origin}: no TOML: the file is not UTF-8")))?;
    let settings = if file_name == "pyproject.toml" {
        Settings::from_pyproject(&text, &origin)
    } else {
        Settings::from_toml(&text, &origin)
    };
    settings.map_err(|error| refused(&error))
}

/// A mapping as a table: its keys must be strings, and what is None is left out.
pub(super) fn table(mapping: &Bound<'_, PyMapping>) -> PyResult<Table> {
    nested(mapping, "", 0)
}

fn nested(mapping: &Bound<'_, PyMapping>, place: &str, depth: usize) -> PyResult<Table> {
    let mut values = Table::new();
    for pair in mapping.items()?.iter() {
        let (key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
        let Ok(key) = key.cast::<PyString>() else {
            let message = format!("{place}: a key is a string, not {}", key.repr()?);
            return Err(PyTypeError::new_err(message.trim_start_matches(": ").to_owned()));
        };
        let key = key.to_str()?;
        if item.is_none() {
            continue;
        }
        let place = if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
        values.insert(key.to_owned(), value(&item, &place, depth)?);
    }
    Ok(values)
}

fn value(item: &Bound<'_, PyAny>, place: &str, depth: usize) -> PyResult<Value> {
    if depth > MAX_DEPTH {
        return Err(PyValueError::new_err(format!("{place}: nested too deep")));
    }
    // A bool is an int for Python, so it is asked first.
    if let Ok(yes) = item.cast::<PyBool>() {
        Ok(Value::Boolean(yes.is_true()))
    } else if item.cast::<PyInt>().is_ok() {
        let number = item.extract().map_err(|_| {
            PyValueError::new_err(format!("{place}: the number is greater than any that is right here"))
        })?;
        Ok(Value::Integer(number))
    } else if let Ok(text) = item.cast::<PyString>() {
        Ok(Value::String(text.to_str()?.to_owned()))
    } else if let Ok(number) = item.cast::<PyFloat>() {
        Ok(Value::Float(number.value()))
    } else if let Ok(directives) = item.cast::<CacheControl>() {
        Ok(Value::String(directives.get().0.to_string()))
    } else if let Ok(mapping) = item.cast::<PyMapping>() {
        Ok(Value::Table(nested(mapping, place, depth + 1)?))
    } else if item.cast::<PyList>().is_ok() || item.cast::<PyTuple>().is_ok() {
        let items = item.try_iter()?.enumerate();
        let items = items.map(|(index, item)| value(&item?, &format!("{place}[{index}]"), depth + 1));
        Ok(Value::Array(items.collect::<PyResult<_>>()?))
    } else {
        // Its type alone: what it shows of itself may be a secret.
        let kind = item.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "{place}: {kind} is no setting: give a str, int, bool, list, tuple or mapping"
        )))
    }
}

fn describe<'py>(py: Python<'py>, policy: &Policy) -> PyResult<Bound<'py, PyDict>> {
    let or = |written: Vec<String>, default: &[&str]| {
        if written.is_empty() { default.iter().map(|text| (*text).to_owned()).collect() } else { written }
    };
    let strings = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>();
    let paths = strings(&mut policy.paths.iter().map(Template::as_str).map(str::to_owned));
    let statuses = strings(&mut policy.statuses.iter().map(ToString::to_string));
    let media_types = strings(&mut policy.media_types.iter().map(ToString::to_string));
    let all = PyDict::new(py);
    all.set_item("path", or(paths, &["/**"]))?;
    all.set_item("method", or(policy.methods.clone(), &["GET"]))?;
    all.set_item("status", or(statuses, &["2xx"]))?;
    all.set_item("media_type", media_types)?;
    all.set_item("cache_control", &policy.cache_control)?;
    all.set_item("expires", policy.expires)?;
    all.set_item("vary", &policy.vary)?;
    all.set_item("etag", policy.etag.word())?;
    all.set_item("take_over", policy.take_over)?;
    all.set_item("override", policy.override_app)?;
    Ok(all)
}

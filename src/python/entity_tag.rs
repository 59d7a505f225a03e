//! `EntityTag` for Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyString, PyType};

use crate::digest::{ContentTag, TagKey};
use crate::http::entity_tag as http;
use crate::volatile::Reading;

/// From how many bytes on hashing releases the GIL. Below it, the hand-over costs more than it gives, and a
/// busy thread beside makes the way back wait for 5 ms.
const DETACH_FROM: u64 = 256 * 1024;

/// An entity-tag (RFC 9110 §8.8.3): a validator that names one state of a representation.
///
/// `EntityTag.of(body)` makes one from content, `EntityTag.parse(text)` reads one. Immutable; equal if the
/// opaque part and the weakness are.
#[pyclass(frozen, eq, hash, module = "notmodified")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct EntityTag {
    opaque: String,
    weak: bool,
}

impl EntityTag {
    pub(super) fn read(text: &str) -> PyResult<Self> {
        let tag = parse(text)?;
        // The opaque part lies between two quotes, so it is cut at character boundaries.
        Ok(Self { opaque: String::from_utf8_lossy(tag.opaque()).into_owned(), weak: tag.is_weak() })
    }

    pub(super) fn as_http(&self) -> http::EntityTag<'_> {
        http::EntityTag::of_etagc(self.opaque.as_bytes(), self.weak)
    }
}

/// Read one entity-tag from text, or say why it is none.
#[inline(always)]
#[expect(clippy::inline_always, reason = "what it returns is wide, and to copy it costs more than the work")]
pub(super) fn parse(text: &str) -> PyResult<http::EntityTag<'_>> {
    // A field value is octets: a character past U+00FF can't stand in one.
    let is_latin_1 = text.is_ascii() || text.chars().all(|c| c <= '\u{ff}');
    http::EntityTag::parse(text.as_bytes()).filter(|_| is_latin_1).ok_or_else(|| no_tag(text))
}

#[cold]
fn no_tag(text: &str) -> PyErr {
    PyValueError::new_err(format!(
        "not an entity-tag (RFC 9110 §8.8.3): {text:?}; it is written \"…\" or W/\"…\", quotes included, \
         without spaces or control characters"
    ))
}

#[pymethods]
impl EntityTag {
    /// The tag of some content, given as a bytes-like object.
    ///
    /// The same bytes have the same tag everywhere: it is the first 128 bits of their BLAKE3 hash. With
    /// `key` (bytes, best 16 or more secret ones) only who has the key can compute it. `weak=True` makes a
    /// weak tag, for content that is equivalent but not the same octet for octet. Raises TypeError for what
    /// is not bytes-like.
    #[classmethod]
    #[pyo3(signature = (body, weak = false, key = None))]
    fn of(
        _cls: &Bound<'_, PyType>,
        py: Python<'_>,
        body: &Bound<'_, PyAny>,
        weak: bool,
        key: Option<&[u8]>,
    ) -> PyResult<Self> {
        let key = key.map(TagKey::derive);
        let tag = match body.cast::<PyBytes>() {
            Ok(bytes) => tag_of_all(py, bytes.as_bytes(), key.as_ref()),
            Err(_) => tag_of_all(py, copied(body)?.as_bytes(), key.as_ref()),
        };
        Ok(Self { opaque: tag.0.opaque().to_owned(), weak })
    }

    /// Read an entity-tag as it stands in a field, for instance `W/"abc"`. Raises ValueError on anything
    /// else, a list of tags and `*` included.
    #[classmethod]
    fn parse(_cls: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        Self::read(text)
    }

    /// The opaque part, without quotes.
    #[getter]
    fn opaque(&self) -> &str {
        &self.opaque
    }

    /// Whether it is a weak validator.
    #[getter]
    fn weak(&self) -> bool {
        self.weak
    }

    /// Strong comparison (RFC 9110 §8.8.3.2): both strong and the same. For If-Match and If-Range.
    fn strong_eq(&self, other: &Self) -> bool {
        self.as_http().strong_eq(other.as_http())
    }

    /// Weak comparison (RFC 9110 §8.8.3.2): the same opaque part, weak or not. For If-None-Match.
    fn weak_eq(&self, other: &Self) -> bool {
        self.as_http().weak_eq(other.as_http())
    }

    fn __str__(&self) -> String {
        self.as_http().to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("EntityTag.parse({})", PyString::new(py, &self.__str__()).repr()?))
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
        Ok((slf.get_type().getattr("parse")?.unbind(), (slf.get().__str__(),)))
    }
}

fn tag_of_all(py: Python<'_>, body: &[u8], key: Option<&TagKey>) -> (ContentTag, bool) {
    tag_of(py, &[body], body.len() as u64, &Reading::plain(), key)
}

/// The tag of content in pieces of this length together, and whether it is weak; releases the GIL where that is
/// worth it.
pub(super) fn tag_of(
    py: Python<'_>,
    pieces: &[&[u8]],
    length: u64,
    reading: &Reading<'_>,
    key: Option<&TagKey>,
) -> (ContentTag, bool) {
    if length >= DETACH_FROM { py.detach(|| reading.tag(pieces, key)) } else { reading.tag(pieces, key) }
}

/// A copy of a buffer's bytes: what is not `bytes` may change while it is hashed.
fn copied<'py>(body: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    // Through memoryview: the buffer protocol itself is no part of the stable ABI of Python 3.10.
    Ok(PyMemoryView::from(body)?.call_method0("tobytes")?.cast_into()?)
}

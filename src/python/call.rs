//! Calls of Python objects, at the least price that the stable ABI has.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

/// `callable(first, second)`, as every WSGI call is.
///
/// The same as `call1`, which has to make a tuple of the arguments because vectorcall is no part of the stable
/// ABI before Python 3.12. This function of it uses vectorcall by itself.
#[allow(unsafe_code, reason = "PyO3 has no safe face for PyObject_CallFunctionObjArgs")]
pub(super) fn call<'py>(
    callable: &Bound<'py, PyAny>,
    first: &Bound<'py, PyAny>,
    second: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the thread is attached and the three objects live throughout the call, for they are bound and
    // borrowed here; a null pointer of a pointer's size ends the arguments, as the function wants; it returns
    // a new reference, or null with an exception set.
    unsafe {
        let returned = ffi::PyObject_CallFunctionObjArgs(
            callable.as_ptr(),
            first.as_ptr(),
            second.as_ptr(),
            ptr::null_mut::<ffi::PyObject>(),
        );
        Bound::from_owned_ptr_or_err(callable.py(), returned)
    }
}

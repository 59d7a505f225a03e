//! Named steps of a read at which the tests make us fail (feature `faults`, never in a wheel that is
//! published). Without the feature nothing of this is left in the code.

/// The steps, in the order in which a request passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Reading method, path and policy of the request.
    Arrive,
    /// Gathering the precondition fields.
    Fields,
    /// Asking the validator cache.
    LookUp,
    /// Asking for the current validator.
    Validator,
    /// Changing the environ for the app.
    Disguise,
    /// Having changed it.
    Disguised,
    /// Telling what the app returned.
    Recognise,
    /// Reading the app's head.
    Head,
    /// Looking at the content.
    Look,
    /// Having looked at it (and taken it out of its iterator).
    Looked,
    /// Opening a wrapped file.
    OpenFile,
    /// Reading it.
    ReadFile,
    /// Hashing.
    Digest,
    /// Judging.
    Answer,
    /// Remembering the response in the validator cache.
    Remember,
    /// Having invalidated what a write changed.
    Invalidate,
    /// Writing the new head.
    Headers,
    /// Cutting ranges out of the content.
    Cut,
    /// Counting, and telling the access log.
    Note,
    /// Restoring the environ.
    Restore,
}

#[cfg(not(feature = "faults"))]
#[inline(always)]
#[allow(clippy::unnecessary_wraps, clippy::inline_always, reason = "with the feature it fails")]
pub(super) fn trip(_step: Step) -> pyo3::PyResult<()> {
    Ok(())
}

#[cfg(feature = "faults")]
pub(super) use injected::{inject_fault, trip};

#[cfg(feature = "faults")]
mod injected {
    use std::sync::{Mutex, PoisonError};

    use pyo3::exceptions::{PyRuntimeError, PyValueError};
    use pyo3::prelude::*;

    use super::Step;

    const STEPS: [Step; 20] = [
        Step::Arrive,
        Step::Fields,
        Step::LookUp,
        Step::Validator,
        Step::Disguise,
        Step::Disguised,
        Step::Recognise,
        Step::Head,
        Step::Look,
        Step::Looked,
        Step::OpenFile,
        Step::ReadFile,
        Step::Digest,
        Step::Answer,
        Step::Remember,
        Step::Invalidate,
        Step::Headers,
        Step::Cut,
        Step::Note,
        Step::Restore,
    ];

    static ARMED: Mutex<Option<(Step, bool)>> = Mutex::new(None);

    /// Fail if this step is armed, once.
    pub(in crate::python) fn trip(step: Step) -> PyResult<()> {
        let armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner).take_if(|(armed, _)| *armed == step);
        match armed {
            None => Ok(()),
            Some((_, false)) => Err(PyRuntimeError::new_err(format!("injected at {step:?}"))),
            Some((_, true)) => panic!("injected at {step:?}"),
        }
    }

    /// Arm a step by its name, to raise or to panic the next time it is passed; None disarms. Returns the
    /// names of all steps, and whether one was still armed.
    #[pyfunction]
    #[pyo3(signature = (step = None, *, panic = false))]
    pub(in crate::python) fn inject_fault(step: Option<&str>, panic: bool) -> PyResult<(Vec<String>, bool)> {
        let names = STEPS.map(|step| format!("{step:?}"));
        let wanted = match step {
            None => None,
            Some(name) => {
                let found = STEPS.into_iter().find(|step| format!("{step:?}") == name);
                Some((found.ok_or_else(|| PyValueError::new_err("no such step"))?, panic))
            }
        };
        let before = std::mem::replace(&mut *ARMED.lock().unwrap_or_else(PoisonError::into_inner), wanted);
        Ok((names.into(), before.is_some()))
    }
}

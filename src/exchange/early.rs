//! An answer made before the app runs, and without it.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Body, Outcome, Problem, Status, Tally};
use crate::http::preconditions::Method;

/// Names and values, of which few answers have more than these.
pub(super) type Fields<'a> = SmallVec<[(Cow<'a, str>, Cow<'a, str>); 4]>;

/// What is sent without running the app: a 304 whose fields are known, or a [`Problem`].
#[derive(Debug)]
pub struct Early<'a> {
    /// What there is to count of it.
    pub tally: Tally,
    /// The status line, never [`Status::AsIs`].
    pub status: Status,
    /// All its fields.
    pub fields: Fields<'a>,
    /// The content, never [`Body::AsIs`].
    pub body: Body,
}

impl<'a> Early<'a> {
    /// A 304 with these fields: all that the 200 would carry and that [goes with a
    /// 304](crate::http::not_modified::goes_with_304).
    #[must_use]
    pub fn not_modified(fields: Fields<'a>) -> Self {
        let tally = Tally { without_app: true, ..Tally::of(Outcome::NotModified) };
        Self { tally, status: Status::NotModified, fields, body: Body::Empty }
    }

    /// An error; `etag` is the current one, as a field, where the client may know it.
    #[must_use]
    pub fn problem(problem: Problem, method: Method, etag: Option<Cow<'a, str>>) -> Self {
        let outcome = match problem {
            Problem::PreconditionFailed => Outcome::Failed,
            Problem::Unsatisfiable => Outcome::Unsatisfiable,
            Problem::PreconditionRequired => Outcome::Required,
            Problem::NoValidator => Outcome::Unavailable,
        };
        let mut fields = Fields::new();
        fields.extend(etag.map(|etag| (Cow::Borrowed("ETag"), etag)));
        fields.extend(problem.fields().map(|(name, value)| (Cow::Borrowed(name), value)));
        // RFC 6585 §3 for the 428; the others are as little worth keeping.
        fields.push((Cow::Borrowed("Cache-Control"), Cow::Borrowed("no-store")));
        Self {
            tally: Tally { without_app: true, ..Tally::of(outcome) },
            status: Status::Problem(problem),
            fields,
            body: problem.body(method),
        }
    }
}

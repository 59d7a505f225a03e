//! Step 5 of RFC 9110 §13.2.2: which part of a whole response a GET with a Range gets.

use std::borrow::Cow;

use super::{Answer, Arrival, Body, Content, Head, Plan, Problem, Status};
use crate::http::date::HttpDate;
use crate::http::entity_tag::EntityTag;
use crate::http::field::{is_name, list_has};
use crate::http::not_modified::goes_with_412;
use crate::http::preconditions::{Context, LastModified, Method, Preconditions, Validators};
use crate::http::range::{ByteRange, Multipart, Selected, select, unsatisfied};

/// From how many bytes on a response says that ranges of it can be had. Browsers look for that before they
/// resume a download or read a document page by page, neither of which is worth it below.
const WORTH_SAYING: u64 = 64 * 1024;

/// The Range of a GET.
#[derive(Debug)]
pub struct Asked {
    /// The field.
    pub range: Box<[u8]>,
    /// The representation of which a part is wanted, else the whole (§13.1.5).
    pub if_range: Option<Box<[u8]>>,
    /// What makes a boundary that no content has in it by chance or by malice: a token that nobody can guess.
    pub boundary: fn() -> String,
}

/// What becomes of a Range.
pub(super) enum Ranges {
    /// There is none, or it is ignored.
    None,
    /// If-Range is false: the client needs the whole.
    Changed,
    One(ByteRange),
    Several(Box<Multipart>),
    Unsatisfiable,
}

impl Arrival {
    /// The request has a Range, which means something for GET alone (§14.2).
    pub fn ask(&mut self, asked: Asked) {
        if self.method == Method::Get {
            self.asked = Some(Box::new(asked));
        }
    }

    /// Are ranges to be cut out of such a response? Not of the app's own 206, and not if it says that it
    /// wants none.
    pub(super) fn wants_ranges(&self, head: &Head<'_>) -> bool {
        self.asked.is_some() && is_divisible(head)
    }

    /// Judge the Range of a request whose other preconditions hold.
    pub(super) fn ranges(
        &self,
        preconditions: &Preconditions<'_>,
        head: &Head<'_>,
        plan: &Plan<'_>,
        content: &Content,
        etag: Option<EntityTag<'_>>,
        context: &Context,
    ) -> Ranges {
        let Some(asked) = self.asked.as_deref().filter(|_| plan.wants_ranges) else { return Ranges::None };
        let Some(length) = content.length.filter(|_| content.divisible) else { return Ranges::None };
        let now = (context.now)();
        let strength = |date: HttpDate| LastModified { date, strong: now.unix() > date.unix() };
        let last_modified =
            head.last_modified.and_then(|value| HttpDate::parse(value.as_bytes(), now)).map(strength);
        let preconditions = Preconditions { if_range: asked.if_range.as_deref(), ..*preconditions };
        if !preconditions.range_applies(self.method, &Validators { etag, last_modified }, context) {
            return Ranges::Changed;
        }
        match select(&asked.range, length) {
            Selected::Whole => Ranges::None,
            Selected::One(range) => Ranges::One(range),
            Selected::Several(ranges) => {
                let multipart = Multipart::new(&ranges, length, head.content_type, (asked.boundary)());
                // Never more than the whole.
                if multipart.len() < length { Ranges::Several(Box::new(multipart)) } else { Ranges::None }
            }
            Selected::Unsatisfiable => Ranges::Unsatisfiable,
        }
    }
}

/// Could ranges be had of a response with this head?
pub(super) fn is_divisible(head: &Head<'_>) -> bool {
    head.status == 200 && !head.partial && head.accept_ranges.is_none_or(|units| list_has(units, "bytes"))
}

impl<'a> Answer<'a> {
    /// Say on a whole response that ranges of it can be had.
    pub(super) fn accept_ranges(&mut self, head: &Head<'_>, content: &Content) {
        if content.divisible
            && head.accept_ranges.is_none()
            && content.length.is_some_and(|length| length >= WORTH_SAYING)
            && is_divisible(head)
        {
            self.add.push(("Accept-Ranges", Cow::Borrowed("bytes")));
        }
    }

    /// A 206 with this part: all fields of the 200, but for those that are about what is sent (§15.3.7).
    pub(super) fn one(&mut self, head: &Head<'a>, range: ByteRange, length: u64) {
        self.partial(head, range.len(), |_| true);
        self.add.push(("Content-Range", Cow::Owned(range.content_range(length))));
        self.body = Body::Part(range);
    }

    /// A 206 with several parts, each of which has its own Content-Range and the Content-Type of the 200.
    pub(super) fn several(&mut self, head: &Head<'a>, multipart: Box<Multipart>) {
        self.partial(head, multipart.len(), |name| !is_name(name, "Content-Type"));
        self.add.push(("Content-Type", Cow::Owned(multipart.content_type())));
        self.body = Body::Parts;
        self.parts = Some(multipart);
    }

    fn partial(&mut self, head: &Head<'a>, length: u64, stays: impl Fn(&str) -> bool) {
        const OF_THE_WHOLE: [&str; 3] = ["Content-Length", "Content-MD5", "Content-Digest"];
        self.status = Status::PartialContent;
        self.drop_unless(head, |name| stays(name) && !OF_THE_WHOLE.iter().any(|field| is_name(name, field)));
        self.add.push(("Content-Length", Cow::Owned(length.to_string())));
    }

    /// A 416.
    pub(super) fn unsatisfiable(&mut self, head: &Head<'a>, length: u64) {
        self.status = Status::Problem(Problem::Unsatisfiable);
        self.body = Body::Problem(Problem::Unsatisfiable);
        self.drop_unless(head, goes_with_412);
        self.add.extend(Problem::Unsatisfiable.fields());
        self.add.push(("Content-Range", Cow::Owned(unsatisfied(length))));
    }
}

//! The errors that we answer with ourselves, each with problem details (RFC 9457).

use std::borrow::Cow;

use super::Body;
use crate::http::preconditions::Method;

/// An error of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// 412: a precondition is false (RFC 9110 §15.5.13).
    PreconditionFailed,
    /// 416: no range that the request asks for begins within the content (RFC 9110 §15.5.17).
    Unsatisfiable,
    /// 428: the resource is only changed by conditional requests (RFC 6585 §3).
    PreconditionRequired,
    /// 503: a write has a precondition and nobody can say what is current (RFC 9110 §15.6.4).
    NoValidator,
}

impl Problem {
    /// The status line.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self::PreconditionFailed => "412 Precondition Failed",
            Self::Unsatisfiable => "416 Range Not Satisfiable",
            Self::PreconditionRequired => "428 Precondition Required",
            Self::NoValidator => "503 Service Unavailable",
        }
    }

    /// The status code.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::PreconditionFailed => 412,
            Self::Unsatisfiable => 416,
            Self::PreconditionRequired => 428,
            Self::NoValidator => 503,
        }
    }

    /// The problem details, as JSON.
    #[must_use]
    pub const fn details(self) -> &'static str {
        match self {
            Self::PreconditionFailed => concat!(
                r#"{"title":"Precondition Failed","status":412,"#,
                r#""detail":"The representation is not, or no longer, the one that the request's preconditions ask for."}"#,
                "\n"
            ),
            Self::Unsatisfiable => concat!(
                r#"{"title":"Range Not Satisfiable","status":416,"#,
                r#""detail":"No range that the request asks for begins within the content; its length stands in Content-Range."}"#,
                "\n"
            ),
            Self::PreconditionRequired => concat!(
                r#"{"title":"Precondition Required","status":428,"#,
                r#""detail":"This is only changed by requests that say of which state: send the ETag of your last GET in If-Match, or If-None-Match: * to create it."}"#,
                "\n"
            ),
            Self::NoValidator => concat!(
                r#"{"title":"Service Unavailable","status":503,"#,
                r#""detail":"The request has a precondition and the current state cannot be told, so nothing was done. It is safe to try again."}"#,
                "\n"
            ),
        }
    }

    /// The fields that describe the problem details.
    #[must_use]
    pub fn fields(self) -> [(&'static str, Cow<'static, str>); 2] {
        [
            ("Content-Type", Cow::Borrowed("application/problem+json")),
            ("Content-Length", Cow::Owned(self.details().len().to_string())),
        ]
    }

    /// The content of the answer: none to HEAD.
    #[must_use]
    pub fn body(self, method: Method) -> Body {
        if method == Method::Head { Body::Empty } else { Body::Problem(self) }
    }
}

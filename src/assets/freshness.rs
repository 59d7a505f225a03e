//! The freshness of a static file, which its URL decides.

use super::Asked;

/// What the URL of a static file says of its freshness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// What is there never changes (RFC 8246).
    Immutable,
    /// What is there is not what the URL names: to be asked for each time.
    Revalidate,
    /// The same, if neither the app nor a policy says anything.
    RevalidateUnlessSaid,
    /// It names what is not there, or not yet.
    NoStore,
}

impl Freshness {
    /// As Cache-Control says it. A response with a cookie is for one client.
    ///
    /// `public`, because browsers send a site's cookies with requests for its files too, and a site behind a password
    /// its Authorization: caches that are shared, our own among them, answer those only where it is said (RFC
    /// 9111 §3.5, §5.2.2.9).
    #[must_use]
    pub const fn directives(self, sets_cookie: bool) -> &'static str {
        match self {
            Self::Immutable if sets_cookie => "private, max-age=31536000, immutable",
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Revalidate | Self::RevalidateUnlessSaid => "no-cache",
            Self::NoStore => "no-store",
        }
    }

    /// What becomes of it with an answer of that status; none if the answer's freshness is none of the URL's business. An
    /// error in the place of a version is not to be stored: the next server may have it. One in the place of a plain
    /// file is the app's.
    #[must_use]
    pub const fn of_answer(self, status: u16) -> Option<Self> {
        match (self, status) {
            (Self::NoStore, _) | (Self::Immutable | Self::Revalidate, 400..) => Some(Self::NoStore),
            (_, 200..=299 | 304) => Some(self),
            _ => None,
        }
    }
}

impl Asked<'_> {
    /// What the URL says of the freshness.
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        match self {
            Self::Current(_) | Self::Kept(_) => Freshness::Immutable,
            Self::Old(_) => Freshness::Revalidate,
            Self::Plain(_) => Freshness::RevalidateUnlessSaid,
            Self::Missing => Freshness::NoStore,
        }
    }
}

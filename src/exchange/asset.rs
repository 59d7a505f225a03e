//! The freshness of a static file, which its URL decides.

use std::borrow::Cow;

use super::{Answer, Head, Status};
use crate::http::field::is_name;

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
}

impl<'a> Answer<'a> {
    /// Say the freshness of a static file, in place of what the app and the policies say. An error in the place of a
    /// version is not to be stored: the next server may have it. One in the place of a plain file is the app's.
    pub fn freshen(&mut self, head: &Head<'a>, freshness: Freshness) {
        let is_good = head.is_success() || head.status == 304;
        let is_error = head.status >= 400;
        let freshness = match freshness {
            Freshness::Immutable | Freshness::Revalidate if is_error => Freshness::NoStore,
            other => other,
        };
        if freshness != Freshness::NoStore && (!is_good || matches!(self.status, Status::Problem(_))) {
            return;
        }
        let is_said = head.has_freshness || self.add.iter().any(|(name, _)| says(name));
        if freshness == Freshness::RevalidateUnlessSaid && is_said {
            return;
        }
        // What a policy says to CDNs is meant for the version that the URL names.
        let of_no_version = freshness != Freshness::Immutable;
        let goes = |name: &str| says(name) || of_no_version && says_to_some(name);
        self.add.retain(|(name, _)| !goes(name));
        self.drop_unless(head, |name| !goes(name));
        self.add.push(("Cache-Control", Cow::Borrowed(freshness.directives(head.sets_cookie))));
        self.drop.sort_unstable();
        self.drop.dedup();
    }
}

fn says(name: &str) -> bool {
    is_name(name, "Cache-Control") || is_name(name, "Expires")
}

/// Targeted fields (RFC 9213), and the one that was there before them.
fn says_to_some(name: &str) -> bool {
    let ends = |end: &str| name.len() > end.len() && name.to_ascii_lowercase().ends_with(end);
    is_name(name, "Surrogate-Control") || ends("-cache-control")
}

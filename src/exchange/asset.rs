//! The freshness of a static file, said in place of everybody else's.

use std::borrow::Cow;

use super::{Answer, Head, Status};
use crate::assets::Freshness;
use crate::http::field::is_name;

impl<'a> Answer<'a> {
    /// Say the freshness of a static file, in place of what the app and the policies say.
    pub fn freshen(&mut self, head: &Head<'a>, freshness: Freshness) {
        let Some(freshness) = freshness.of_answer(head.status) else { return };
        if freshness != Freshness::NoStore && matches!(self.status, Status::Problem(_)) {
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

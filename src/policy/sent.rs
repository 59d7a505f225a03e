//! What a policy sends besides Cache-Control as it stands, made once when the server starts.

use crate::http::cache_control::{CacheControl, Scope};

/// A field that a policy sets, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as it was written.
    pub name: String,
    /// Its value.
    pub value: String,
    /// When it is sent.
    pub reach: Reach,
}

/// When a [`Field`] is sent, if the app has one of this name or what it says is for one client alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It stands beside the app's own.
    Beside,
    /// The app's own stands in its place.
    Anybody,
    /// The same; and it tells shared caches to keep the response, which they must not with what is one
    /// client's.
    Shared,
}

/// Why something of a policy was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrowed {
    /// The response sets a cookie.
    SetCookie,
    /// The app's own Cache-Control says `private` or `no-store`.
    OwnWord,
}

/// `Cache-Control` for responses that set a cookie, which a shared cache would hand to everybody with the rest
/// (RFC 9111 §7.3). `None` if these directives are right for them: no shared cache may use such a response
/// without asking, or the directives speak of Set-Cookie themselves.
///
/// ```
/// use notmodified::http::cache_control::CacheControl;
/// use notmodified::policy::narrowed;
///
/// let shared = CacheControl::from_field("public, max-age=60, s-maxage=600");
/// assert_eq!(narrowed(&shared, None).unwrap().to_string(), "private, max-age=60");
/// assert!(narrowed(&CacheControl::from_field("no-cache"), None).is_none());
/// ```
#[must_use]
pub fn narrowed(directives: &CacheControl, expires: Option<u32>) -> Option<CacheControl> {
    let everything = Some(Scope::Everything);
    let asks = directives.no_store || directives.private == everything || directives.no_cache == everything;
    let speaks_of_it = |scope: &Option<Scope>| match scope {
        Some(Scope::Fields(names)) => names.iter().any(|name| name == "set-cookie"),
        _ => false,
    };
    let lasts = directives.s_maxage.or(directives.max_age).or(expires).unwrap_or(0) > 0;
    if asks || speaks_of_it(&directives.private) || speaks_of_it(&directives.no_cache) {
        return None;
    }
    if !lasts && !directives.public {
        return None;
    }
    Some(CacheControl {
        public: false,
        private: everything,
        s_maxage: None,
        proxy_revalidate: false,
        max_age: directives.max_age.or(expires),
        ..directives.clone()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_shared_caches_would_keep_becomes_one_clients() {
        for (said, expires, want) in [
            ("public, max-age=60", None, Some("private, max-age=60")),
            ("max-age=60", None, Some("private, max-age=60")),
            ("max-age=0, s-maxage=60", None, Some("private, max-age=0")),
            ("", Some(60), Some("private, max-age=60")),
            ("public", None, Some("private")),
            ("max-age=60, proxy-revalidate, x=y", None, Some("private, max-age=60, x=y")),
            ("private=\"x\", max-age=60", None, Some("private, max-age=60")),
            ("private, max-age=60", None, None),
            ("no-store", None, None),
            ("no-cache", None, None),
            ("max-age=0, must-revalidate", None, None),
            ("public, max-age=60, no-cache=\"set-cookie\"", None, None),
            ("public, max-age=60, private=\"Set-Cookie\"", None, None),
        ] {
            let got = narrowed(&CacheControl::from_field(said), expires).map(|narrow| narrow.to_string());
            assert_eq!(got.as_deref(), want, "{said}");
        }
    }

    proptest! {
        #[test]
        fn it_never_contradicts_itself_where_the_policy_does_not(
            public: bool, max_age: Option<u32>, s_maxage: Option<u32>, immutable: bool, must_revalidate: bool,
            proxy_revalidate: bool, while_revalidate in proptest::option::of(0u32..9),
        ) {
            let said = CacheControl {
                public, max_age, s_maxage, immutable, must_revalidate, proxy_revalidate,
                stale_while_revalidate: while_revalidate,
                ..CacheControl::default()
            };
            prop_assume!(said.contradictions().is_empty());
            if let Some(narrow) = narrowed(&said, None) {
                prop_assert!(!narrow.public && narrow.s_maxage.is_none());
                prop_assert_eq!(&narrow.private, &Some(Scope::Everything));
                // Of what held in shared caches alone nothing is left to hold.
                let left: Vec<_> =
                    narrow.contradictions().into_iter().filter(|fault| !fault.starts_with("immutable")).collect();
                prop_assert!(left.is_empty(), "{:?}", left);
            }
        }
    }
}

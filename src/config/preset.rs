//! `preset`: what to do, by what it is for. Keys beside it replace those that it sets.

use super::setting::Setting;
use crate::http::cache_control::{CacheControl, Scope};
use crate::nearest::nearest;

/// What a preset stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    /// Files whose URL changes with their content.
    StaticVersioned,
    /// Files whose URL stays.
    StaticUnversioned,
    /// Pages that must be current.
    Page,
    /// Answers of an API.
    Api,
    /// Pages of one user.
    Private,
    /// Nothing is to be kept.
    Never,
}

/// A year, the longest that RFC 2616 §14.21 once allowed, which nobody needs to exceed.
const YEAR: u32 = 365 * 24 * 60 * 60;

impl Preset {
    const ALL: [Self; 6] =
        [Self::StaticVersioned, Self::StaticUnversioned, Self::Page, Self::Api, Self::Private, Self::Never];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::StaticVersioned => "static-versioned",
            Self::StaticUnversioned => "static-unversioned",
            Self::Page => "page",
            Self::Api => "api",
            Self::Private => "private",
            Self::Never => "never",
        }
    }

    /// None says `public`: it only adds answers to requests with Authorization to what shared caches keep (RFC
    /// 9111 §5.2.2.9).
    pub(super) fn cache_control(self) -> CacheControl {
        let none = CacheControl::default();
        let everything = Some(Scope::Everything);
        match self {
            Self::StaticVersioned => CacheControl { max_age: Some(YEAR), immutable: true, ..none },
            Self::StaticUnversioned => CacheControl { max_age: Some(300), ..none },
            Self::Page => CacheControl { no_cache: everything, ..none },
            Self::Api | Self::Private => {
                CacheControl { private: everything.clone(), no_cache: everything, ..none }
            }
            Self::Never => CacheControl { no_store: true, ..none },
        }
    }

    pub(super) const fn vary(self) -> &'static [&'static str] {
        match self {
            Self::Api => &["Accept", "Authorization"],
            _ => &[],
        }
    }

    /// Does it hold against what the app says? Where a laxer word of its own would undo what was asked for.
    pub(super) const fn overrides(self) -> bool {
        matches!(self, Self::Private | Self::Never)
    }

    pub(super) const fn is_versioned(self) -> bool {
        matches!(self, Self::StaticVersioned)
    }
}

impl Setting for Preset {
    const EXPECTED: &'static str = "the name of a preset in quotes";

    fn of_text(text: &str) -> Result<Self, String> {
        let words = || Self::ALL.into_iter().map(Self::word);
        Self::ALL.into_iter().find(|preset| preset.word() == text).ok_or_else(|| {
            match nearest(text, words()) {
                Some(meant) => format!("no such preset, did you mean {meant}?"),
                None => format!("no such preset; there are {}", words().collect::<Vec<_>>().join(", ")),
            }
        })
    }
}

//! What each recorded request was sent for.

use serde::{Deserialize, Serialize};

macro_rules! probes {
    ($($name:ident $word:literal $says:literal),* $(,)?) => {
        /// What a request was sent for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
        pub enum Probe {
            $(
                #[doc = $says]
                #[serde(rename = $word)]
                $name,
            )*
            /// One that this version does not know.
            #[serde(other, rename = "other")]
            Other,
        }

        impl Probe {
            /// All but [`Probe::Other`]: word, and what it is in words.
            pub const WORDS: &[(&'static str, &'static str)] = &[$(($word, $says)),*];

            /// What it is, in words.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self {
                    $(Self::$name => $says,)*
                    Self::Other => "a request",
                }
            }
        }
    };
}

probes! {
    Redirect "redirect" "what the URL redirects to",
    RedirectStar "redirect-star" "the same with If-None-Match: *, which is for what would be 2xx",
    First "first" "a plain GET",
    FirstStar "first-star" "the same with If-None-Match: *, which is for what would be 2xx",
    Repeat "repeat" "the same GET again",
    Replica "replica" "the same GET once more, over a new connection",
    Head "head" "HEAD",
    InmExact "inm-exact" "If-None-Match with the tag as it was given",
    HeadInm "head-inm" "HEAD with If-None-Match and the tag as it was given",
    After304 "after-304" "a GET over the connection of that 304",
    InmWeak "inm-weak" "If-None-Match with the tag in its weak form, as proxies make it",
    InmList "inm-list" "If-None-Match with a list that has no blanks",
    InmLines "inm-lines" "If-None-Match on two lines",
    InmTabs "inm-tabs" "If-None-Match with a list that has tabs and empty elements",
    InmComma "inm-comma" "If-None-Match with the tag after another one that has a comma in it",
    InmStar "inm-star" "If-None-Match: *",
    InmOther "inm-other" "If-None-Match with a tag that is not the current one",
    InmQuotedStar "inm-quoted-star" "If-None-Match with the tag \"*\", which is no wildcard",
    ImsSame "ims-same" "If-Modified-Since with the date as it was given",
    ImsEarlier "ims-earlier" "If-Modified-Since with an earlier date",
    ImsLater "ims-later" "If-Modified-Since with a later date",
    ImsRfc850 "ims-rfc850" "If-Modified-Since with the date in the form of RFC 850",
    ImsAsctime "ims-asctime" "If-Modified-Since with the date in the form of asctime",
    ImsGarbage "ims-garbage" "If-Modified-Since with what is no date",
    ImsZone "ims-zone" "If-Modified-Since with the date and +0000, which makes it no HTTP-date",
    ImsLines "ims-lines" "If-Modified-Since on two lines, which are no date",
    InmOtherImsSame "inm-other-ims-same" "If-None-Match with another tag beside If-Modified-Since with the current date",
    InmExactImsEarlier "inm-exact-ims-earlier" "If-None-Match with the current tag beside If-Modified-Since with an earlier date",
    ImExact "im-exact" "If-Match with the tag as it was given",
    ImOther "im-other" "If-Match with a tag that is not the current one",
    ImWeak "im-weak" "If-Match with the tag in its weak form",
    ImGarbage "im-garbage" "If-Match with what is no tag",
    ImStar "im-star" "If-Match: *",
    ImExactIusEarlier "im-exact-ius-earlier" "If-Match with the current tag beside If-Unmodified-Since with an earlier date",
    IusSame "ius-same" "If-Unmodified-Since with the date as it was given",
    IusEarlier "ius-earlier" "If-Unmodified-Since with an earlier date",
    IusGarbage "ius-garbage" "If-Unmodified-Since with what is no date",
    IusUndated "ius-undated" "If-Unmodified-Since where the response has no date",
    Range "range" "the first two octets",
    RangeInm "range-inm" "a range with If-None-Match that matches",
    RangeOne "range-one" "the fourth octet alone",
    RangeOverlapping "range-overlapping" "three ranges, each of them the whole",
    RangeUnit "range-unit" "a range in a unit that nobody knows",
    RangeEmpty "range-empty" "the last 0 octets",
    RangeHead "range-head" "HEAD with a range",
    IfRangeExact "if-range-exact" "If-Range with the tag as it was given",
    IfRangeOther "if-range-other" "If-Range with a tag that is not the current one",
    IfRangeWeak "if-range-weak" "If-Range with the tag in its weak form",
    IfRangeEarlier "if-range-earlier" "If-Range with an earlier date",
    IfRangeLater "if-range-later" "If-Range with a later date",
    IfRangeDate "if-range-date" "If-Range with the date as it was given",
    Language "language" "the same GET with another Accept-Language",
    Cookieless "cookieless" "the same GET without its cookies",
    Cookied "cookied" "the same GET with a cookie that nobody set",
    Missing "missing" "a URL at which nothing is",
    MissingStar "missing-star" "the same with If-None-Match: *",
    OptionsStar "options-star" "OPTIONS with If-None-Match: *",
    OptionsOther "options-other" "OPTIONS with an If-Match that can't match",
    PutOther "put-other" "PUT with an If-Match that can't match",
    PutGarbage "put-garbage" "PUT with an If-Match that is no tag",
    PutStar "put-star" "PUT with If-None-Match: *, which is false where something is",
    AfterPut "after-put" "the same GET after these",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_is_not_known_is_read_as_other() {
        let probe = |word: &str| serde_json::from_value::<Probe>(word.into()).unwrap();
        assert_eq!(probe("im-exact"), Probe::ImExact);
        assert_eq!(probe("of-the-future"), Probe::Other);
    }
}

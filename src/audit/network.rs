//! Rules on the network: what is no question of configuration, told apart from what is.

use super::catalogue as kinds;
use super::exchange::{Fields, TroubleKind};
use super::finding::Finding;
use super::preconditions::cut_off;
use super::probe::Probe;
use super::view::{Series, Taken};
use crate::finding::Definition;

/// All rules on one series.
pub(super) const RULES: &[fn(&Series<'_>) -> Option<Finding>] = &[trouble, framing, after_the_end];

fn all<'s, 'a>(series: &'s Series<'a>) -> impl Iterator<Item = Taken<'a>> + use<'s, 'a> {
    series.exchanges.iter().map(|(place, exchange)| Taken { place: *place, exchange })
}

/// The worst that went wrong, but what comes of a 304, which has a kind of its own.
fn trouble(series: &Series<'_>) -> Option<Finding> {
    let known: Vec<usize> = cut_off(series).iter().map(|taken| taken.place).collect();
    let mut troubled = all(series).filter(|taken| {
        taken.exchange.trouble.is_some()
            && taken.exchange.probe != Probe::After304
            && !is_by_design(taken)
            && !known.contains(&taken.place)
    });
    let taken = troubled.next()?;
    let trouble = taken.exchange.trouble.as_ref()?;
    let count = 1 + troubled.count();
    let definition: &'static Definition = match trouble.kind {
        TroubleKind::Dns
        | TroubleKind::Connect
        | TroubleKind::Tls
        | TroubleKind::Reset
        | TroubleKind::Other => &kinds::UNREACHABLE,
        TroubleKind::Timeout => &kinds::TOO_SLOW,
        TroubleKind::Malformed => &kinds::NOT_HTTP,
        TroubleKind::Truncated => &kinds::TRUNCATED,
        TroubleKind::Limit => &kinds::ENDLESS,
        TroubleKind::Redirects => &kinds::REDIRECT_LOOP,
        TroubleKind::Raised => &kinds::APP_RAISED,
    };
    let what = match trouble.kind {
        TroubleKind::Dns => "The name has no address",
        TroubleKind::Connect => "No connection can be made",
        TroubleKind::Tls => "TLS fails",
        TroubleKind::Timeout => "There is no end within the time allowed",
        TroubleKind::Reset => "The connection ends without an answer",
        TroubleKind::Malformed => "The answer can't be read",
        TroubleKind::Truncated => "The content ends before it should",
        TroubleKind::Limit => "The content is longer than is looked at",
        TroubleKind::Redirects => "Redirects lead nowhere",
        TroubleKind::Raised => "The application raised",
        TroubleKind::Other => "Something went wrong",
    };
    let asked = series.exchanges.len();
    let often = if asked > 1 { format!(" ({count} of {asked} requests)") } else { String::new() };
    let says = format!("{what}{often}: {}.", trouble.says.trim_end_matches('.'));
    Some(Finding::new(definition, series, says).shown_by([taken]))
}

/// Three times the whole may be more than is read, where the whole is not.
fn is_by_design(taken: &Taken<'_>) -> bool {
    taken.exchange.probe == Probe::RangeOverlapping
        && taken.exchange.trouble.as_ref().is_some_and(|trouble| trouble.kind == TroubleKind::Limit)
}

/// A length that each recipient may take for another one (RFC 9112 §6.3): what response smuggling is made of.
fn framing(series: &Series<'_>) -> Option<Finding> {
    let wrong = |taken: Taken<'_>| wrong_framing(&taken.exchange.response.as_ref()?.fields);
    let (taken, what) = all(series).find_map(|taken| Some((taken, wrong(taken)?)))?;
    let says = format!("Where the answer ends can't be told: {what}.");
    Some(Finding::new(&kinds::NOT_HTTP, series, says).about("framing").shown_by([taken]))
}

fn wrong_framing(fields: &Fields) -> Option<String> {
    let elements = |name| -> Vec<String> {
        let joined = fields.joined(name).unwrap_or_default();
        joined.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
    };
    let codings = elements("Transfer-Encoding");
    let mut lengths = elements("Content-Length");
    lengths.dedup();
    if !codings.is_empty() && !lengths.is_empty() {
        return Some("it has both Transfer-Encoding and Content-Length".into());
    }
    // Nobody said TE, so nothing else may come.
    if let Some(coding) =
        codings.iter().find(|coding| codings.len() > 1 || !coding.eq_ignore_ascii_case("chunked"))
    {
        return Some(format!(
            "its Transfer-Encoding has {coding}, and the request did not allow for more than chunked"
        ));
    }
    match lengths.as_slice() {
        [one, other, ..] => Some(format!("it has Content-Length {one} and {other}")),
        [one] if !one.bytes().all(|octet| octet.is_ascii_digit()) => {
            Some(format!("Content-Length {one} is no number"))
        }
        _ => None,
    }
}

/// Octets after the end of an answer that is no 304, which has a kind of its own.
fn after_the_end(series: &Series<'_>) -> Option<Finding> {
    let taken = all(series).find(|taken| {
        let exchange = taken.exchange;
        exchange.answer().is_some_and(|answer| answer.status != 304)
            && !exchange.connection.left_over.is_empty()
    })?;
    let what = if taken.exchange.request.method == "HEAD" {
        "An answer to HEAD came with content"
    } else {
        "There was more content than the length that the answer says"
    };
    let says = format!("{what}: whoever reads the connection takes it for the next response.");
    Some(Finding::new(&kinds::NOT_HTTP, series, says).about("more").shown_by([taken]))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, ids};
    use super::{Fields, wrong_framing};

    #[test]
    fn a_length_that_can_be_read_in_two_ways_is_told() {
        let wrong = |lines: &[(&str, &str)]| {
            let owned = lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            wrong_framing(&Fields(owned.collect())).is_some()
        };
        let (coding, length) = ("Transfer-Encoding", "Content-Length");
        for lines in [
            &[(coding, "chunked"), (length, "7")][..],
            &[(length, "7"), (length, "8")],
            &[(length, "7, 8")],
            &[(length, "+7")],
            &[(length, "-1")],
            &[(length, "0x7")],
            &[(coding, "gzip, chunked")],
            &[(coding, "identity")],
            &[(coding, "chunked"), (coding, "chunked")],
        ] {
            assert!(wrong(lines), "{lines:?}");
        }
        for lines in [&[][..], &[(coding, "Chunked")], &[(length, "7")], &[(length, "7"), (length, "7")]] {
            assert!(!wrong(lines), "{lines:?}");
        }
        assert_eq!(ids(&Sample::page().with(length, "+7")), ["not-http"]);
    }

    #[test]
    fn octets_after_the_end_are_told() {
        for probe in ["first", "head"] {
            assert_eq!(ids(&Sample::page().left_over(probe, "more")), ["not-http"], "{probe}");
        }
    }

    #[test]
    fn each_trouble_has_its_kind() {
        for (kind, id) in [
            ("dns", "unreachable"),
            ("connect", "unreachable"),
            ("tls", "unreachable"),
            ("reset", "unreachable"),
            ("timeout", "too-slow"),
            ("malformed", "not-http"),
            ("truncated", "truncated-body"),
            ("limit", "large-body"),
            ("redirects", "redirect-loop"),
            ("raised", "app-raised"),
            ("of the future", "unreachable"),
        ] {
            let sample = Sample::page().trouble("first", kind);
            assert_eq!(ids(&sample), [id], "{kind}");
        }
    }
}

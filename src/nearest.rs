//! The known name that an unknown one is most likely a slip of.

/// The candidate that `name` is most likely a slip of, if any is close; `-` and `_` are one.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let name = plain(name);
    candidates
        .into_iter()
        .map(|candidate| (strsim::levenshtein(&name, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(8) / 6)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_told_from_another_word() {
        let known = ["max-age", "s-maxage", "no-store", "private"];
        for (slip, meant) in [("max_age", "max-age"), ("MAXAGE", "max-age"), ("no-stor", "no-store")] {
            assert_eq!(nearest(slip, known), Some(meant), "{slip}");
        }
        assert_eq!(nearest("community", known), None);
    }
}

//! What somebody may have meant.

/// The candidate that is most like `word`: a slip of the keyboard away, not a guess. Never `word` itself.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slips_are_corrected() {
        let names = ["include", "indent", "index", "image"];
        assert_eq!(nearest("inclde", names), Some("include"));
        assert_eq!(nearest("imgae", names), Some("image"));
        assert_eq!(nearest("Image", names), Some("image"));
        assert_eq!(nearest("image", ["image"]), None);
        assert_eq!(nearest("deployment", names), None);
        assert_eq!(nearest("x", names), None);
    }
}

//! Unicode's general categories, as Go's `unicode.IsLetter` and its relatives ask for them. Rust's own questions are about
//! properties, which take in more: a combining vowel is alphabetic and no letter.

use std::sync::LazyLock;

use regex::Regex;

/// Characters of one category.
struct Category(LazyLock<Option<Regex>>);

impl Category {
    fn has(&self, rune: char) -> bool {
        let mut text = [0; 4];
        self.0.as_ref().is_some_and(|class| class.is_match(rune.encode_utf8(&mut text)))
    }
}

macro_rules! category {
    ($class:literal) => {{
        static CATEGORY: Category = Category(LazyLock::new(|| Regex::new($class).ok()));
        &CATEGORY
    }};
}

/// `unicode.IsLetter`
pub(super) fn is_letter(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_alphabetic() } else { category!(r"\pL").has(rune) }
}

/// `unicode.IsUpper`
pub(super) fn is_upper(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_uppercase() } else { category!(r"\p{Lu}").has(rune) }
}

/// `unicode.IsLower`
pub(super) fn is_lower(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_lowercase() } else { category!(r"\p{Ll}").has(rune) }
}

/// `unicode.IsTitle`
pub(super) fn is_title(rune: char) -> bool {
    !rune.is_ascii() && category!(r"\p{Lt}").has(rune)
}

/// `unicode.IsPunct`
pub(super) fn is_punctuation(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_punctuation() && !matches!(rune, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    category!(r"\pP").has(rune)
}

#[cfg(test)]
mod tests {
    use super::{is_letter, is_lower, is_punctuation, is_title, is_upper};

    #[test]
    fn categories_are_not_properties() {
        let letters = ['a', 'é', 'ß', 'ʰ', '中', '\u{900}', 'Ⅷ', '1'].map(is_letter);
        assert_eq!(letters, [true, true, true, true, true, false, false, false]);
        assert_eq!(['É', 'Ⅷ', 'ǅ'].map(is_upper), [true, false, false]);
        assert_eq!(['é', 'ª', 'ʰ'].map(is_lower), [true, false, false]);
        assert!(is_title('ǅ') && is_punctuation('¿') && !is_punctuation('+'));
    }
}

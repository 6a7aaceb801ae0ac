//! The names of Unicode classes that Go knows, which are fewer than the engine's.

/// Categories, by their short and their long names.
const CATEGORIES: &str = "\
    C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs \
    Cased_Letter Close_Punctuation Combining_Mark Connector_Punctuation Control Currency_Symbol Dash_Punctuation \
    Decimal_Number Enclosing_Mark Final_Punctuation Format Initial_Punctuation Letter Letter_Number Line_Separator \
    Lowercase_Letter Mark Math_Symbol Modifier_Letter Modifier_Symbol Nonspacing_Mark Number Open_Punctuation Other \
    Other_Letter Other_Number Other_Punctuation Other_Symbol Paragraph_Separator Private_Use Punctuation Separator \
    Space_Separator Spacing_Mark Surrogate Symbol Titlecase_Letter Unassigned Uppercase_Letter cntrl digit punct";

/// Scripts. Those whose names have two parts are out of reach in Go: it looks for them without the part between.
const SCRIPTS: &str = "\
    Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese \
    Buhid Carian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari Dogra \
    Duployan Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul Hanunoo \
    Hatran Hebrew Hiragana Inherited Javanese Kaithi Kannada Katakana Kawi Kharoshthi Khmer Khojki Khudawadi Lao \
    Latin Lepcha Limbu Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Medefaidrin Miao \
    Modi Mongolian Mro Multani Myanmar Nabataean Nandinagari Newa Nko Nushu Ogham Oriya Osage Osmanya Palmyrene \
    Phoenician Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham Sinhala Sogdian Soyombo Sundanese Syriac \
    Tagalog Tagbanwa Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai \
    Vithkuqi Wancho Yezidi Yi";

/// A name without what does not count in it: upper and lower case, and separators.
fn plain(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase())
}

/// What the engine calls the class that Go knows by this name; behind `^` what is not in it.
pub(super) fn named(name: &str) -> Option<String> {
    let is = |known: &&str| plain(known).eq(plain(name));
    // No text holds a surrogate, and the engine has no class of them.
    if is(&"Cs") || is(&"Surrogate") {
        return Some("^any".to_owned());
    }
    if let Some(known) = ["any", "assigned", "ascii"].iter().find(|known| is(known)) {
        return Some((*known).to_owned());
    }
    let category = CATEGORIES.split_whitespace().find(is).map(|known| format!("gc={known}"));
    category.or_else(|| SCRIPTS.split_whitespace().find(is).map(|known| format!("sc={known}")))
}

#[cfg(test)]
mod tests {
    use super::{CATEGORIES, SCRIPTS, named};

    #[test]
    fn the_engine_knows_every_class() {
        for name in CATEGORIES.split_whitespace().chain(SCRIPTS.split_whitespace()) {
            let class = named(name).unwrap_or_default();
            let class = class.trim_start_matches('^');
            assert!(regex::Regex::new(&format!("\\p{{{class}}}")).is_ok(), "{class}");
        }
        assert_eq!(named("cased letter"), named("Cased_Letter"));
        assert_eq!(named("Old_Persian"), None);
        assert_eq!(named("IsGreek"), None);
    }
}

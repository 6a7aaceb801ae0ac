//! The patterns of `.Files.Glob`: `*` and `?` stop at `/`, `**` does not, `[abc]`, `[!a-z]`, `{one,two}`, `\` escapes.

/// A pattern taken apart.
#[derive(Debug)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(char),
    /// `?`
    One,
    /// `*`
    Some,
    /// `**`
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Either(Vec<Pattern>),
}

impl Pattern {
    /// `None` for a pattern that cannot be read.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        let pattern = Self::parse_until(&chars, &mut at, false)?;
        (at == chars.len()).then_some(pattern)
    }

    fn parse_until(chars: &[char], at: &mut usize, inside: bool) -> Option<Self> {
        let mut parts = Vec::new();
        while let Some(&c) = chars.get(*at) {
            if inside && matches!(c, ',' | '}') {
                break;
            }
            *at += 1;
            parts.push(match c {
                '\\' => {
                    let escaped = *chars.get(*at)?;
                    *at += 1;
                    Part::Literal(escaped)
                }
                '?' => Part::One,
                '*' if chars.get(*at) == Some(&'*') => {
                    *at += 1;
                    Part::Any
                }
                '*' => Part::Some,
                '[' => Self::parse_class(chars, at)?,
                '{' => {
                    let mut either = Vec::new();
                    loop {
                        either.push(Self::parse_until(chars, at, true)?);
                        let end = *chars.get(*at)?;
                        *at += 1;
                        if end == '}' {
                            break;
                        }
                    }
                    Part::Either(either)
                }
                c => Part::Literal(c),
            });
        }
        Some(Self { parts })
    }

    fn parse_class(chars: &[char], at: &mut usize) -> Option<Part> {
        let negated = chars.get(*at) == Some(&'!');
        *at += usize::from(negated);
        let mut ranges = Vec::new();
        loop {
            let mut low = *chars.get(*at)?;
            *at += 1;
            if low == ']' && !ranges.is_empty() {
                return Some(Part::Class { negated, ranges });
            }
            if low == '\\' {
                low = *chars.get(*at)?;
                *at += 1;
            }
            let is_range = chars.get(*at) == Some(&'-') && chars.get(*at + 1).is_some_and(|c| *c != ']');
            let high = if is_range { chars[*at + 1] } else { low };
            *at += if is_range { 2 } else { 0 };
            ranges.push((low, high));
        }
    }

    /// Whether all of a path matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let parts: Vec<&Part> = self.parts.iter().collect();
        let path: Vec<char> = path.chars().collect();
        match_parts(&parts, &path)
    }
}

fn match_parts(parts: &[&Part], path: &[char]) -> bool {
    let Some((part, rest)) = parts.split_first() else { return path.is_empty() };
    let one = |fits: bool| fits && match_parts(rest, &path[1..]);
    match part {
        Part::Literal(c) => one(path.first() == Some(c)),
        Part::One => one(path.first().is_some_and(|c| *c != '/')),
        Part::Class { negated, ranges } => one(path.first().is_some_and(|c| {
            let found = ranges.iter().any(|(low, high)| low <= c && c <= high);
            *c != '/' && found != *negated
        })),
        Part::Some | Part::Any => {
            let reach = path.iter().take_while(|c| matches!(part, Part::Any) || **c != '/').count();
            (0..=reach).any(|skipped| match_parts(rest, &path[skipped..]))
        }
        Part::Either(patterns) => patterns.iter().any(|pattern| {
            let parts: Vec<&Part> = pattern.parts.iter().chain(rest.iter().copied()).collect();
            match_parts(&parts, path)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_as_in_helm() {
        let cases = [
            ("conf/*", "conf/a.txt", true),
            ("conf/*", "conf/a/b.txt", false),
            ("conf/**", "conf/a/b.txt", true),
            ("**.yaml", "a/b.yaml", true),
            ("*.{yaml,yml}", "b.yml", true),
            ("file?.txt", "file1.txt", true),
            ("[!a]*", "b", true),
            ("[a-c]x", "bx", true),
            ("a\\*", "a*", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(path), expected, "{pattern} {path}");
        }
        assert!(Pattern::parse("{a").is_none());
    }
}

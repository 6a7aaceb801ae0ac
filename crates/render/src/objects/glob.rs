//! Path patterns: `*`, `**`, `?`, `[a-z]`, `[!x]`, `{a,b}`, with `/` between directories.

/// A pattern, as the ways to read its alternatives.
pub(super) struct Glob {
    alternatives: Vec<Vec<Part>>,
}

/// How many ways a pattern may be read before it counts as senseless.
const MAX_ALTERNATIVES: usize = 1000;

#[derive(Clone, Debug)]
enum Part {
    Char(char),
    /// One character of a directory or file name.
    One,
    /// Any characters of a name.
    Name,
    /// Any characters.
    Path,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// `None` where the pattern makes no sense.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let chars: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let alternatives = sequence(&chars, &mut at, false)?;
        (at == chars.len()).then_some(Self { alternatives })
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        self.alternatives.iter().any(|parts| matches(parts, &path))
    }
}

/// Reads parts up to the end, or inside braces up to `,` or `}`.
fn sequence(chars: &[char], at: &mut usize, braces: bool) -> Option<Vec<Vec<Part>>> {
    let mut ways: Vec<Vec<Part>> = vec![Vec::new()];
    let push = |ways: &mut Vec<Vec<Part>>, part: Part| ways.iter_mut().for_each(|way| way.push(part.clone()));
    while let Some(&char) = chars.get(*at) {
        if braces && matches!(char, ',' | '}') {
            break;
        }
        *at += 1;
        match char {
            '*' if chars.get(*at) == Some(&'*') => {
                *at += 1;
                push(&mut ways, Part::Path);
            }
            '*' => push(&mut ways, Part::Name),
            '?' => push(&mut ways, Part::One),
            '[' => push(&mut ways, class(chars, at)?),
            '{' => {
                let mut inner = Vec::new();
                loop {
                    inner.extend(sequence(chars, at, true)?);
                    *at += 1;
                    match chars.get(*at - 1) {
                        Some(',') => {}
                        Some(_) => break,
                        None => return None,
                    }
                }
                ways = ways.iter().flat_map(|way| inner.iter().map(|rest| [&way[..], &rest[..]].concat())).collect();
                if ways.len() > MAX_ALTERNATIVES {
                    return None;
                }
            }
            '\\' => {
                push(&mut ways, Part::Char(*chars.get(*at)?));
                *at += 1;
            }
            other => push(&mut ways, Part::Char(other)),
        }
    }
    Some(ways)
}

fn class(chars: &[char], at: &mut usize) -> Option<Part> {
    let negated = chars.get(*at) == Some(&'!');
    *at += usize::from(negated);
    let end = *at + chars[*at..].iter().position(|char| *char == ']')?;
    let inner = &chars[*at..end];
    *at = end + 1;
    let ranges = match inner {
        [] => return None,
        [low, '-', high] => vec![(*low, *high)],
        list => list.iter().map(|char| (*char, *char)).collect(),
    };
    Some(Part::Class { negated, ranges })
}

/// Matches from both ends of every star, remembering what failed so that many stars stay cheap.
fn matches(parts: &[Part], path: &[char]) -> bool {
    // reachable[i]: the parts so far can match the first i characters.
    let mut reachable = vec![false; path.len() + 1];
    reachable[0] = true;
    for part in parts {
        let mut next = vec![false; path.len() + 1];
        match part {
            Part::Name | Part::Path => {
                let mut open = false;
                for i in 0..=path.len() {
                    if i > 0 && path[i - 1] == '/' && matches!(part, Part::Name) {
                        open = false;
                    }
                    open |= reachable[i];
                    next[i] = open;
                }
            }
            _ => {
                for (i, char) in path.iter().enumerate() {
                    let fits = match part {
                        Part::Char(wanted) => wanted == char,
                        Part::One => *char != '/',
                        Part::Class { negated, ranges } => {
                            ranges.iter().any(|(low, high)| (low..=high).contains(&char)) != *negated
                        }
                        Part::Name | Part::Path => false,
                    };
                    next[i + 1] = reachable[i] && fits;
                }
            }
        }
        reachable = next;
    }
    reachable[path.len()]
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn patterns() {
        for (pattern, path, want) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "d/a.yaml", false),
            ("**.yaml", "d/e/a.yaml", true),
            ("conf/*", "conf/a", true),
            ("conf/*", "conf/d/a", false),
            ("conf/**", "conf/d/a", true),
            ("{a,b}/?.txt", "b/x.txt", true),
            ("{a,b}/?.txt", "c/x.txt", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("\\*", "*", true),
            ("", "", true),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().matches(path), want, "{pattern} {path}");
        }
        assert!(Glob::new("[a").is_none());
        assert!(Glob::new("{a").is_none());
    }
}

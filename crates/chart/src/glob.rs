//! Go's `filepath.Match`.

/// A pattern that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Whether a shell pattern matches all of a name: `*` and `?` stop at `/`, `[a-z]` and `[^a-z]` are classes, `\` escapes.
///
/// # Errors
/// A malformed pattern, if the match got as far as the fault (as in Go).
pub fn glob_match(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let mut pattern = pattern;
    let mut name = name;
    'pattern: while !pattern.is_empty() {
        let stripped = pattern.trim_start_matches('*');
        let star = stripped.len() < pattern.len();
        let (chunk, rest) = stripped.split_at(chunk_len(stripped));
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains('/'));
        }
        if let Some(after) = match_chunk(chunk, name)?
            && (after.is_empty() || !pattern.is_empty())
        {
            name = after;
            continue;
        }
        if star {
            for (at, c) in name.char_indices() {
                if c == '/' {
                    break;
                }
                if let Some(after) = match_chunk(chunk, &name[at + c.len_utf8()..])? {
                    if pattern.is_empty() && !after.is_empty() {
                        continue;
                    }
                    name = after;
                    continue 'pattern;
                }
            }
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// The bytes up to the next star outside of a class.
fn chunk_len(pattern: &str) -> usize {
    let mut in_class = false;
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            '[' => in_class = true,
            ']' => in_class = false,
            '*' if !in_class => return at,
            _ => {}
        }
    }
    pattern.len()
}

/// What is left of the name behind the chunk. A failed match goes on reading the chunk to find faults in it.
fn match_chunk<'n>(chunk: &str, name: &'n str) -> Result<Option<&'n str>, BadPattern> {
    let mut chunk = chunk.chars();
    let mut name = name.chars();
    let mut failed = false;
    while let Some(c) = chunk.next() {
        let candidate = if failed { None } else { name.next() };
        failed |= candidate.is_none();
        match c {
            '[' => {
                let matched = match_class(&mut chunk, candidate)?;
                failed |= !matched;
            }
            '?' => failed |= candidate == Some('/'),
            '\\' => failed |= Some(chunk.next().ok_or(BadPattern)?) != candidate,
            _ => failed |= Some(c) != candidate,
        }
    }
    Ok(if failed { None } else { Some(name.as_str()) })
}

fn match_class(chunk: &mut std::str::Chars<'_>, candidate: Option<char>) -> Result<bool, BadPattern> {
    let negated = chunk.as_str().starts_with('^');
    if negated {
        chunk.next();
    }
    let mut matched = false;
    let mut ranges = 0;
    loop {
        if ranges > 0 && chunk.as_str().starts_with(']') {
            chunk.next();
            return Ok(matched != negated);
        }
        let low = class_char(chunk)?;
        let mut high = low;
        if chunk.as_str().starts_with('-') {
            chunk.next();
            high = class_char(chunk)?;
        }
        matched |= candidate.is_some_and(|c| low <= c && c <= high);
        ranges += 1;
    }
}

fn class_char(chunk: &mut std::str::Chars<'_>) -> Result<char, BadPattern> {
    let c = match chunk.next() {
        None | Some('-' | ']') => return Err(BadPattern),
        Some('\\') => chunk.next().ok_or(BadPattern)?,
        Some(c) => c,
    };
    if chunk.as_str().is_empty() { Err(BadPattern) } else { Ok(c) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        let cases = [
            ("*.yaml", "a.yaml", Ok(true)),
            ("*.yaml", "a/b.yaml", Ok(false)),
            ("templates/.?*", "templates/.x", Ok(true)),
            ("templates/.?*", "templates/x", Ok(false)),
            ("a[b-d]e", "ace", Ok(true)),
            ("a[^b-d]e", "ace", Ok(false)),
            ("a\\*", "a*", Ok(true)),
            ("*x*", "axb", Ok(true)),
            ("", "", Ok(true)),
            ("[", "a", Err(BadPattern)),
            ("a[", "a", Err(BadPattern)),
            ("[a-]", "a", Err(BadPattern)),
            ("ab*c*d", "abxcyd", Ok(true)),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(glob_match(pattern, name), expected, "{pattern} {name}");
        }
    }
}

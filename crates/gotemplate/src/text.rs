use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A Go string: immutable bytes, usually UTF-8 but not always (`trunc` cuts between bytes). Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<[u8]>);

impl Text {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The characters; what is not UTF-8 shows as U+FFFD, as it does where Go decodes runes.
    pub fn to_str(&self) -> Cow<'_, str> {
        lossy(&self.0)
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(Arc::from(&[][..]))
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_str())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

impl From<&[u8]> for Text {
    fn from(text: &[u8]) -> Self {
        Self(Arc::from(text))
    }
}

impl From<Arc<[u8]>> for Text {
    fn from(text: Arc<[u8]>) -> Self {
        Self(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Arc::from(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Text {
    fn from(text: Vec<u8>) -> Self {
        Self(Arc::from(text))
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

/// The characters of bytes that need not be UTF-8: each byte that belongs to none shows as U+FFFD, as where Go ranges over
/// a string.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut out = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                out.push_str(chunk.valid());
                out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
            }
            Cow::Owned(out)
        }
    }
}

/// Decodes the first rune of `bytes` as `utf8.DecodeRune` does: the rune and its width, U+FFFD and 1 where the bytes are
/// not UTF-8; `None` at the end.
pub fn first_rune(bytes: &[u8]) -> Option<(char, usize)> {
    let &lead = bytes.first()?;
    if lead < 0x80 {
        return Some((char::from(lead), 1));
    }
    let width = match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((char::REPLACEMENT_CHARACTER, 1)),
    };
    let rune = bytes.get(..width).and_then(|part| std::str::from_utf8(part).ok()).and_then(|part| part.chars().next());
    Some(rune.map_or((char::REPLACEMENT_CHARACTER, 1), |rune| (rune, width)))
}

/// The runes of `bytes` with their offsets, as Go's `for i, r := range s` yields them.
pub fn runes(bytes: &[u8]) -> impl Iterator<Item = (usize, char, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (rune, width) = first_rune(&bytes[at..])?;
        let start = at;
        at += width;
        Some((start, rune, width))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runes_of_broken_text_count_one_byte_each() {
        let all: Vec<_> = runes(b"a\xe2\x98x\xc3\xa9").map(|(at, rune, _)| (at, rune)).collect();
        assert_eq!(all, [(0, 'a'), (1, '\u{fffd}'), (2, '\u{fffd}'), (3, 'x'), (4, 'é')]);
    }
}

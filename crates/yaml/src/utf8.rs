//! Bytes to characters, with the errors of Go's reader.

use crate::{Error, Mark};

/// The text that bytes are.
///
/// # Errors
/// With the message of `sigs.k8s.io/yaml` for the first bytes that are none.
pub fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u32;
        let mark = Mark { offset: at, line, column: 1 };
        Error::yaml(fault(&bytes[at..]), mark)
    })
}

/// The text that bytes are, with U+FFFD for each byte that belongs to no character, as Go's JSON writes them.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}

/// What is wrong with the character that these bytes should begin with.
fn fault(bytes: &[u8]) -> &'static str {
    let width = match bytes[0] {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    if width > bytes.len() {
        return "incomplete UTF-8 octet sequence";
    }
    let mut value = u32::from(bytes[0]) & (0x7f >> width);
    for byte in &bytes[1..width] {
        if byte & 0xc0 != 0x80 {
            return "invalid trailing UTF-8 octet";
        }
        value = value << 6 | u32::from(byte & 0x3f);
    }
    let shortest = [0x80, 0x800, 0x1_0000][width - 2];
    if value < shortest { "invalid length of a UTF-8 sequence" } else { "invalid Unicode character" }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn bytes_that_are_no_text() {
        let message = |bytes: &[u8]| text(bytes).map_or_else(|error| error.yaml_message().to_owned(), str::to_owned);
        assert_eq!(message("é".as_bytes()), "é");
        assert!(message(b"a\x80").ends_with("invalid leading UTF-8 octet"));
        assert!(message(b"a\xe2\x98").ends_with("incomplete UTF-8 octet sequence"));
        assert!(message(b"\xe2\x98a").ends_with("invalid trailing UTF-8 octet"));
        assert!(message(b"\xc0\x80").ends_with("invalid length of a UTF-8 sequence"));
        assert!(message(b"\xed\xa0\x80").ends_with("invalid Unicode character"));
    }
}

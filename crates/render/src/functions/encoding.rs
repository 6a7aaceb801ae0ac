//! Base 64 and base 32.

use super::arguments::bytes;
use super::{Host, pure};
use bowline_gotemplate::Type::Text;
use bowline_gotemplate::{Function, Value};

const BASE64: &Alphabet =
    &Alphabet { bits: 6, letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" };
const BASE32: &Alphabet = &Alphabet { bits: 5, letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" };

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("b64enc", &[Text], Text, |args| Ok(Value::from(BASE64.encode(bytes(&args[0]))))),
        // The error is the answer.
        pure("b64dec", &[Text], Text, |args| Ok(decode64(bytes(&args[0])).map_or_else(Value::from, Value::from))),
        pure("b32enc", &[Text], Text, |args| Ok(Value::from(BASE32.encode(bytes(&args[0]))))),
        pure("b32dec", &[Text], Text, |args| Ok(decode32(bytes(&args[0])).map_or_else(Value::from, Value::from))),
    ]
}

/// The text of `encodeBase64` for other functions.
pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// An encoding with padding, and with Go's way of decoding: line ends are skipped, errors name a byte.
struct Alphabet {
    bits: u32,
    letters: &'static [u8],
}

impl Alphabet {
    /// Letters and bytes of a full group.
    fn group(&self) -> (usize, usize) {
        if self.bits == 6 { (4, 3) } else { (8, 5) }
    }

    fn encode(&self, bytes: &[u8]) -> String {
        let (letters, size) = self.group();
        let mut out = String::with_capacity(bytes.len().div_ceil(size) * letters);
        for chunk in bytes.chunks(size) {
            let mut value = 0u64;
            for i in 0..size {
                value = value << 8 | u64::from(chunk.get(i).copied().unwrap_or(0));
            }
            let used = (chunk.len() * 8).div_ceil(self.bits as usize);
            for i in 0..letters {
                let shift = self.bits as usize * (letters - 1 - i);
                let index = (value >> shift) as usize & (self.letters.len() - 1);
                out.push(if i < used { char::from(self.letters[index]) } else { '=' });
            }
        }
        out
    }

    fn digit(&self, byte: u8) -> Option<u64> {
        self.letters.iter().position(|letter| *letter == byte).map(|digit| digit as u64)
    }

    /// The bytes of a group of which `count` letters are there.
    fn unpack(&self, out: &mut Vec<u8>, digits: &[u64]) {
        let (letters, size) = self.group();
        let missing = self.bits as usize * (letters - digits.len());
        let value = digits.iter().fold(0, |value, digit| value << self.bits | digit) << missing;
        let bytes = digits.len() * self.bits as usize / 8;
        out.extend((0..bytes).map(|i| (value >> (8 * (size - 1 - i))) as u8));
    }
}

/// # Errors
/// With Go's text: the byte where it stopped.
pub(super) fn decode64(text: &[u8]) -> Result<Vec<u8>, String> {
    let wrong = |at: usize| format!("illegal base64 data at input byte {at}");
    let skip = |mut at: usize| {
        while matches!(text.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        at
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut digits = Vec::with_capacity(4);
    let mut at = skip(0);
    while let Some(&byte) = text.get(at) {
        at += 1;
        match BASE64.digit(byte) {
            Some(digit) => digits.push(digit),
            None if byte == b'=' && digits.len() >= 2 => {
                if digits.len() == 2 {
                    at = skip(at);
                    match text.get(at) {
                        Some(b'=') => at += 1,
                        Some(_) => return Err(wrong(at - 1)),
                        None => return Err(wrong(text.len())),
                    }
                }
                at = skip(at);
                if at < text.len() {
                    return Err(wrong(at));
                }
                BASE64.unpack(&mut out, &digits);
                return Ok(out);
            }
            None => return Err(wrong(at - 1)),
        }
        if digits.len() == 4 {
            BASE64.unpack(&mut out, &digits);
            digits.clear();
        }
        at = skip(at);
    }
    if digits.is_empty() { Ok(out) } else { Err(wrong(at - digits.len())) }
}

/// # Errors
/// With Go's text: the byte where it stopped, line ends not counted.
fn decode32(text: &[u8]) -> Result<Vec<u8>, String> {
    let wrong = |at: usize| format!("illegal base32 data at input byte {at}");
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5 + 5);
    let mut digits = Vec::with_capacity(8);
    for (at, &byte) in text.iter().enumerate() {
        let rest = &text[at + 1..];
        let count = digits.len();
        if byte == b'=' && count >= 2 && rest.len() < 8 {
            if rest.len() + count < 7 {
                return Err(wrong(text.len()));
            }
            if let Some(k) = rest.iter().take(7 - count).position(|byte| *byte != b'=') {
                return Err(wrong(at + k));
            }
            if matches!(count, 3 | 6) {
                return Err(wrong(at));
            }
            BASE32.unpack(&mut out, &digits);
            return Ok(out);
        }
        digits.push(BASE32.digit(byte).ok_or_else(|| wrong(at))?);
        if digits.len() == 8 {
            BASE32.unpack(&mut out, &digits);
            digits.clear();
        }
    }
    if digits.is_empty() { Ok(out) } else { Err(wrong(text.len() - digits.len())) }
}

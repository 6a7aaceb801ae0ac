//! Base 64 and base 32.

use super::arguments::bytes;
use super::{Host, pure};
use bowline_gotemplate::Type::Text;
use bowline_gotemplate::{Function, Value};

const BASE64: &Alphabet =
    &Alphabet { name: "base64", bits: 6, letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" };
const BASE32: &Alphabet = &Alphabet { name: "base32", bits: 5, letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" };

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("b64enc", &[Text], Text, |args| Ok(Value::from(BASE64.encode(bytes(&args[0]))))),
        // The error is the answer.
        pure("b64dec", &[Text], Text, |args| Ok(BASE64.decode(bytes(&args[0])).map_or_else(Value::from, Value::from))),
        pure("b32enc", &[Text], Text, |args| Ok(Value::from(BASE32.encode(bytes(&args[0]))))),
        pure("b32dec", &[Text], Text, |args| Ok(BASE32.decode(bytes(&args[0])).map_or_else(Value::from, Value::from))),
    ]
}

/// The text of `encodeBase64` for other functions.
pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// An encoding with padding, and with Go's way of decoding: line ends are skipped, errors name a byte.
struct Alphabet {
    name: &'static str,
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

    /// # Errors
    /// With Go's text.
    fn decode(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let wrong = |at: usize| format!("illegal {} data at input byte {at}", self.name);
        // Base 32 counts without the line ends, which it takes out beforehand.
        let stripped: Vec<u8>;
        let text = if self.bits == 5 {
            stripped = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            &stripped
        } else {
            text
        };
        let (letters, size) = self.group();
        let mut out = Vec::with_capacity(text.len() / letters * size + size);
        let mut at = 0;
        let skip = |mut at: usize| {
            while matches!(text.get(at), Some(b'\r' | b'\n')) {
                at += 1;
            }
            at
        };
        loop {
            let mut value = 0u64;
            let mut count = 0;
            let mut padded = false;
            while count < letters {
                at = skip(at);
                let Some(&byte) = text.get(at) else {
                    if count == 0 {
                        return Ok(out);
                    }
                    // Base 64 points at the start of the group that is not full, base 32 at the end.
                    return Err(wrong(if self.bits == 6 { at - count } else { at }));
                };
                at += 1;
                if let Some(digit) = self.letters.iter().position(|letter| *letter == byte) {
                    value = value << self.bits | digit as u64;
                    count += 1;
                    continue;
                }
                if byte != b'=' {
                    return Err(wrong(at - 1));
                }
                at = self.padding(text, at, count, &skip).map_err(&wrong)?;
                padded = true;
                break;
            }
            let bytes = count * self.bits as usize / 8;
            let value = value << (self.bits as usize * (letters - count));
            out.extend((0..bytes).map(|i| (value >> (8 * (size - 1 - i))) as u8));
            if padded {
                return Ok(out);
            }
        }
    }

    /// Reads the rest of the padding after its first `=`; the error is the position of what is wrong.
    fn padding(&self, text: &[u8], at: usize, count: usize, skip: &dyn Fn(usize) -> usize) -> Result<usize, usize> {
        let (letters, _) = self.group();
        let mut at = at;
        let allowed: &[usize] = if self.bits == 6 { &[2, 3] } else { &[2, 4, 5, 7] };
        if !allowed.contains(&count) {
            return Err(at - 1);
        }
        for _ in count + 1..letters {
            at = skip(at);
            match text.get(at) {
                Some(b'=') => at += 1,
                Some(_) if self.bits == 6 => return Err(at),
                Some(_) => return Err(at),
                None => return Err(text.len()),
            }
        }
        at = skip(at);
        if at < text.len() { Err(at) } else { Ok(at) }
    }
}

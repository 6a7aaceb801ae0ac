//! Random texts and numbers, from the environment's randomness.

use super::arguments::{int, string};
use super::{Answer, Host, fail, hosted};
use crate::environment::Environment;
use bowline_gotemplate::Type::{Int, Text};
use bowline_gotemplate::{Call, Function, Value};

/// The longest text, in characters.
const MAX_LENGTH: i64 = 1 << 24;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        hosted("randAlphaNum", &[Int], Text, |call| text(call, |byte| byte.is_ascii_alphanumeric())),
        hosted("randAlpha", &[Int], Text, |call| text(call, |byte| byte.is_ascii_alphabetic())),
        hosted("randNumeric", &[Int], Text, |call| text(call, |byte| byte.is_ascii_digit())),
        hosted("randAscii", &[Int], Text, |call| text(call, |byte| (b' '..0x7f).contains(&byte))),
        hosted("randBytes", &[Int], Text, |call| {
            let count = int(&call.args()[0]);
            if !(0..=MAX_LENGTH).contains(&count) {
                return fail("runtime error: makeslice: len out of range");
            }
            let mut bytes = vec![0; count as usize];
            call.host().environment.random(&mut bytes);
            Ok(Value::from(super::encoding::base64(&bytes)))
        }),
        hosted("randInt", &[Int, Int], Int, |call| {
            let (low, high) = (int(&call.args()[0]), int(&call.args()[1]));
            let range = high.wrapping_sub(low);
            if range <= 0 {
                return fail("invalid argument to Intn");
            }
            Ok(Value::Int(low.wrapping_add(below(call.host().environment.as_ref(), range as u64) as i64)))
        }),
        hosted("shuffle", &[Text], Text, |call| {
            let mut runes: Vec<char> = string(&call.args()[0]).chars().collect();
            let environment = &call.host().environment;
            for i in (1..runes.len()).rev() {
                runes.swap(i, below(environment.as_ref(), i as u64 + 1) as usize);
            }
            Ok(Value::from(runes.into_iter().collect::<String>()))
        }),
        hosted("uuidv4", &[], Text, |call| {
            let mut bytes = [0; 16];
            call.host().environment.random(&mut bytes);
            bytes[6] = bytes[6] & 0x0f | 0x40;
            bytes[8] = bytes[8] & 0x3f | 0x80;
            let hex = super::digests::hex(&bytes);
            let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            Ok(Value::from(parts.join("-")))
        }),
    ]
}

/// A number below `bound`, all equally likely.
fn below(environment: &dyn Environment, bound: u64) -> u64 {
    let mut bytes = [0; 8];
    environment.random(&mut bytes);
    ((u128::from(u64::from_le_bytes(bytes)) * u128::from(bound)) >> 64) as u64
}

fn text(call: &mut Call<'_, Host>, allowed: fn(u8) -> bool) -> Answer {
    let count = int(&call.args()[0]).min(MAX_LENGTH);
    let letters: Vec<char> = (0..=u8::MAX).filter(|byte| allowed(*byte)).map(char::from).collect();
    let environment = &call.host().environment;
    let letter = |_| letters[below(environment.as_ref(), letters.len() as u64) as usize];
    Ok(Value::from((0..count).map(letter).collect::<String>()))
}

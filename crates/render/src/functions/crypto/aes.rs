//! AES-256 in CBC mode with a random start, as Sprig encrypts.

use crate::functions::arguments::bytes;
use crate::functions::encoding::{base64, decode64};
use crate::functions::{Answer, Host, fail, hosted, pure};
use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use bowline_gotemplate::Type::Text;
use bowline_gotemplate::{Call, Failure, Function, Value};

/// The bytes of a block.
const BLOCK: usize = 16;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        hosted("encryptAES", &[Text, Text], Text, encrypt),
        pure("decryptAES", &[Text, Text], Text, |args| decrypt(bytes(&args[0]), bytes(&args[1]))),
    ]
}

fn key(password: &[u8]) -> Result<UnboundCipherKey, Failure> {
    let mut key = [0; 32];
    let length = password.len().min(32);
    key[..length].copy_from_slice(&password[..length]);
    UnboundCipherKey::new(&AES_256, &key).map_err(|_| Failure::new("crypto/aes: invalid key"))
}

fn encrypt(call: &mut Call<'_, Host>) -> Answer {
    let (password, text) = (bytes(&call.args()[0]), bytes(&call.args()[1]));
    if text.is_empty() {
        return Ok(Value::from(""));
    }
    let mut start = [0; BLOCK];
    call.host().environment.random(&mut start);
    let failed = |_| Failure::new("crypto/cipher: encryption failed");
    let mut content = text.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(start));
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key(password)?).map_err(failed)?;
    key.less_safe_encrypt(&mut content, context).map_err(failed)?;
    Ok(Value::from(base64(&[&start[..], &content].concat())))
}

fn decrypt(password: &[u8], text: &[u8]) -> Answer {
    if text.is_empty() {
        return Ok(Value::from(""));
    }
    let content = decode64(text).map_err(Failure::new)?;
    if content.len() < BLOCK {
        let capacity = text.len() / 4 * 3;
        return fail(format!("runtime error: slice bounds out of range [:{BLOCK}] with capacity {capacity}"));
    }
    let (start, content) = content.split_at(BLOCK);
    if content.is_empty() {
        return fail("runtime error: index out of range [-1]");
    }
    if content.len() % BLOCK != 0 {
        return fail("crypto/cipher: input not full blocks");
    }
    // Block by block, since Sprig looks at nothing of the padding but its last byte.
    let failed = |_| Failure::new("crypto/cipher: decryption failed");
    let mut plain = content.to_vec();
    DecryptingKey::ecb(key(password)?)
        .and_then(|key| key.decrypt(&mut plain, DecryptionContext::None).map(drop))
        .map_err(failed)?;
    for (byte, before) in plain.iter_mut().zip(start.iter().chain(content)) {
        *byte ^= before;
    }
    let padding = plain.last().copied().map_or(0, usize::from);
    match plain.len().checked_sub(padding) {
        Some(length) => Ok(Value::text(&plain[..length])),
        None => fail(format!("runtime error: slice bounds out of range [:-{}]", padding - plain.len())),
    }
}

//! Private keys, in the PEM forms that Go gives them.
//!
//! Keys come from the cryptographic library's own randomness: the environment's is not made for secrets.

use crate::functions::arguments::string;
use crate::functions::encoding::{base64, decode64};
use crate::functions::{Host, pure};
use bowline_gotemplate::Type::Text;
use bowline_gotemplate::{Function, Value};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};

pub(super) fn table() -> Vec<Function<Host>> {
    vec![pure("genPrivateKey", &[Text], Text, |args| {
        let kind = string(&args[0]);
        let key = match kind.as_ref() {
            "" | "rsa" => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
            "ecdsa" => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            "ed25519" => KeyPair::generate_for(&PKCS_ED25519),
            "dsa" => return super::super::fail("genPrivateKey: DSA keys are not supported: use rsa, ecdsa or ed25519"),
            other => return Ok(Value::from(format!("Unknown type {other}"))),
        };
        Ok(Value::from(match key {
            Ok(key) => to_pem(&key),
            Err(error) => format!("failed to generate private key: {error}"),
        }))
    })]
}

/// A key of the kind that certificates get.
///
/// # Errors
/// With the text that Sprig gives.
pub(super) fn generate_rsa() -> Result<KeyPair, String> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
        .map_err(|error| format!("error generating rsa key: {error}"))
}

/// A block of PEM.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.collect::<String>())
}

/// The label and the bytes of the first block of PEM.
pub(super) fn from_pem(text: &str) -> Option<(String, Vec<u8>)> {
    let start = text.find("-----BEGIN ")?;
    let rest = &text[start + "-----BEGIN ".len()..];
    let (label, rest) = rest.split_once("-----")?;
    let end = rest.find(&format!("-----END {label}-----"))?;
    let body: Vec<u8> = rest[..end].bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Some((label.to_owned(), decode64(&body).ok()?))
}

/// The key in the form that Go writes: RSA and elliptic-curve keys without their envelope.
pub(super) fn to_pem(key: &KeyPair) -> String {
    let der = key.serialized_der();
    let inner = || envelope_content(der);
    if key.is_compatible(&PKCS_RSA_SHA256)
        && let Some(inner) = inner()
    {
        return pem("RSA PRIVATE KEY", inner);
    }
    if key.is_compatible(&PKCS_ECDSA_P256_SHA256)
        && let Some(inner) = inner()
    {
        return pem("EC PRIVATE KEY", &with_curve(inner));
    }
    pem("PRIVATE KEY", &first_version(der).unwrap_or_else(|| der.to_vec()))
}

/// A PKCS #8 envelope without the public key that its second version adds.
fn first_version(der: &[u8]) -> Option<Vec<u8>> {
    let (_, inner, _) = split(der)?;
    let (_, _, after_version) = split(inner)?;
    let (_, _, after_algorithm) = split(after_version)?;
    let (_, _, rest) = split(after_algorithm)?;
    let kept = &after_version[..after_version.len() - rest.len()];
    Some(element(0x30, &[&[0x02, 0x01, 0x00][..], kept].concat()))
}

/// # Errors
/// With the text that Sprig gives.
pub(super) fn parse(text: &str) -> Result<KeyPair, String> {
    let Some((label, der)) = from_pem(text) else { return Err("no PEM data in input".to_owned()) };
    let kind = match label.as_str() {
        "PRIVATE KEY" => {
            return KeyPair::try_from(der).map_err(|error| format!("decoding PEM as PKCS#8: {error}"));
        }
        label => match label.strip_suffix(" PRIVATE KEY") {
            Some(kind) => kind,
            None => return Err(format!("no private key data in PEM block of type {label}")),
        },
    };
    let algorithm: &[u8] = match kind {
        "RSA" => &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00],
        "EC" => &P256,
        "DSA" => return Err("DSA keys are not supported".to_owned()),
        _ => return Err(format!("invalid private key type {label}")),
    };
    let enveloped = element(0x30, &[&[0x02, 0x01, 0x00][..], algorithm, &element(0x04, &der)].concat());
    KeyPair::try_from(enveloped).map_err(|error| format!("parsing {kind} private key from PEM: {error}"))
}

/// The algorithm of a key on the curve P-256.
const P256: [u8; 21] = [
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];

/// An element of DER.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..0x80 => out.push(length as u8),
        length @ 0x80..0x100 => out.extend([0x81, length as u8]),
        length => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// Tag, content and rest of the first element.
pub(super) fn split(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), &rest[2..]),
        _ => return None,
    };
    Some((tag, rest.get(..length)?, &rest[length..]))
}

/// The key inside of a PKCS #8 envelope.
fn envelope_content(der: &[u8]) -> Option<&[u8]> {
    let (_, inner, _) = split(der)?;
    let (_, _, rest) = split(inner)?;
    let (_, _, rest) = split(rest)?;
    let (tag, content, _) = split(rest)?;
    (tag == 0x04).then_some(content)
}

/// An elliptic-curve key with the name of its curve, which the envelope held.
fn with_curve(der: &[u8]) -> Vec<u8> {
    let parts = || {
        let (_, inner, _) = split(der)?;
        let (_, _, rest) = split(inner)?;
        let (_, _, rest) = split(rest)?;
        Some((inner, rest))
    };
    let Some((inner, rest)) = parts() else { return der.to_vec() };
    if rest.first() == Some(&0xa0) {
        return der.to_vec();
    }
    let (before, after) = inner.split_at(inner.len() - rest.len());
    element(0x30, &[before, &element(0xa0, &P256[11..]), after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_from_what_was_written() {
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let again = parse(&to_pem(&key)).unwrap();
            assert_eq!(key.public_key_raw(), again.public_key_raw());
        }
        let key = generate_rsa().unwrap();
        let text = to_pem(&key);
        assert!(text.starts_with("-----BEGIN RSA PRIVATE KEY-----\nMII"), "{text}");
        assert_eq!(key.public_key_raw(), parse(&text).unwrap().public_key_raw());
    }
}

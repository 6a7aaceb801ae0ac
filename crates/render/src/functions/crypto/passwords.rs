//! Hashed and derived passwords.

use crate::functions::arguments::{bytes, string};
use crate::functions::{Host, hosted, pure};
use aws_lc_rs::hmac;
use bowline_gotemplate::Type::{Text, Uint32};
use bowline_gotemplate::{Call, Function, Value};

/// bcrypt's number of rounds, as a power of two; Go's default.
const COST: u32 = 10;
/// The longest password that Go's bcrypt takes, in bytes.
const MAX_PASSWORD: usize = 72;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        hosted("bcrypt", &[Text], Text, |call| {
            let password = &call.args()[0];
            Ok(Value::from(hashed(call, bytes(password))))
        }),
        hosted("htpasswd", &[Text, Text], Text, |call| {
            let args = call.args();
            let user = string(&args[0]);
            if user.contains(':') {
                return Ok(Value::from(format!("invalid username: {user}")));
            }
            Ok(Value::from(format!("{user}:{}", hashed(call, bytes(&args[1])))))
        }),
        pure("derivePassword", &[Uint32, Text, Text, Text, Text], Text, |args| {
            let counter = args[0].unsigned().unwrap_or(0) as u32;
            let [kind, password, user, site] = [1, 2, 3, 4].map(|i| &args[i]);
            Ok(Value::from(derived(counter, &string(kind), bytes(password), bytes(user), bytes(site))))
        }),
    ]
}

fn hashed(call: &mut Call<'_, Host>, password: &[u8]) -> String {
    const FAILED: &str = "failed to encrypt string with bcrypt";
    if password.len() > MAX_PASSWORD {
        return format!("{FAILED}: bcrypt: password length exceeds 72 bytes");
    }
    let mut salt = [0; 16];
    call.host().environment.random(&mut salt);
    match bcrypt::hash_with_salt(password, COST, salt) {
        Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("{FAILED}: {error}"),
    }
}

const SEED: &[u8] = b"com.lyndir.masterpassword";

/// The forms of a kind of password: each letter stands for a set of characters.
fn forms(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The Master Password algorithm: the same site and master password give the same password.
fn derived(counter: u32, kind: &str, password: &[u8], user: &[u8], site: &[u8]) -> String {
    let Some(forms) = forms(kind) else { return format!("cannot find password template {kind}") };
    let length = |text: &[u8]| (text.len() as u32).to_be_bytes();
    let salt = [SEED, &length(user), user].concat();
    let mut key = [0; 64];
    let derived = scrypt::Params::new(15, 8, 2).map(|params| scrypt::scrypt(password, &salt, &params, &mut key));
    if !matches!(derived, Ok(Ok(()))) {
        return "failed to derive password: scrypt: invalid parameters".to_owned();
    }
    let message = [SEED, &length(site), site, &counter.to_be_bytes()].concat();
    let seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &message);
    let seed = seed.as_ref();
    let form = forms[usize::from(seed[0]) % forms.len()];
    let letters = form.bytes().zip(&seed[1..]).map(|(letter, random)| {
        let characters = characters(letter);
        char::from(characters[usize::from(*random) % characters.len()])
    });
    letters.collect()
}

//! Provenance files: a chart's `Chart.yaml` and the checksum of its archive, signed.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use bowline_chart::Chart;
use bowline_yaml::{Decoder, Target, parse_first, quote};
use jiff::Timestamp;
use pgp::composed::{ArmorOptions, CleartextSignedMessage};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, Password};
use sha2::{Digest, Sha256};

use crate::encode::{self, Ordered};
use crate::error::Error;
use crate::keyring::{Entity, Keyring};

/// What a successful verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The user ids of the key that signed.
    pub signed_by: Vec<String>,
    /// The key's fingerprint, in capital hexadecimal digits.
    pub fingerprint: String,
    /// Checksum of the archive: `sha256:` and hexadecimal digits.
    pub hash: String,
}

impl Verification {
    /// What Helm prints of it.
    pub fn report(&self) -> String {
        let signers: String = self.signed_by.iter().map(|name| format!("Signed by: {name}\n")).collect();
        format!("{signers}Using Key With Fingerprint: {}\nChart Hash Verified: {}\n", self.fingerprint, self.hash)
    }
}

/// SHA-256 in hexadecimal digits.
pub fn digest(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// The same of a file.
///
/// # Errors
/// It cannot be read.
pub fn digest_of_file(path: &Path) -> Result<String, Error> {
    let mut hash = Sha256::new();
    let hashed = fs::File::open(path).and_then(|mut file| {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok::<(), io::Error>(()),
                length => hash.update(&buffer[..length]),
            }
        }
    });
    hashed.map_err(|error| Error::io("open", path, &error))?;
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the provenance file of an archive beside it, signed with the key of `keyring` whose user id contains `id`.
/// `passphrase` is asked for the key's, by its user id, where it has one.
///
/// # Errors
/// No such key, not a secret one, a wrong passphrase, or an archive that is no chart.
pub fn sign(
    archive: &Path,
    keyring: &Path,
    id: &str,
    passphrase: &mut dyn FnMut(&str) -> Result<Vec<u8>, Error>,
    now: Timestamp,
) -> Result<(), Error> {
    let keyring = Keyring::load(keyring)?;
    let missing = || Error::Provenance("private key not found".to_owned());
    let entity = keyring.find(id)?.ok_or_else(missing)?;
    let Some(secret) = &entity.secret else {
        let what = "provided key is not a private key. Try providing a keyring with secret keys";
        return Err(Error::Provenance(what.to_owned()));
    };
    let mut password = Password::empty();
    if secret.primary_key.secret_params().is_encrypted() {
        let names = entity.identities();
        password = Password::from(&passphrase(names.first().map_or("Unknown", String::as_str))?[..]);
        let wrong = || Error::Provenance("openpgp: invalid data: private key checksum failure".to_owned());
        secret.primary_key.unlock(&password, |_, _| Ok(())).map_err(|_| wrong())?.map_err(|_| wrong())?;
    }
    let chart = Chart::load(archive).map_err(|error| Error::from(error).after("failed to load chart for signing"))?;
    let metadata = encode::chart_yaml(&chart.metadata);
    let metadata = metadata.map_err(|error| Error::Invalid(format!("failed to marshal chart metadata: {error}")))?;
    let data =
        fs::read(archive).map_err(|error| Error::io("open", archive, &error).after("failed to read chart archive"))?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sums = Ordered::Object(vec![(
        "files",
        Ordered::Named(vec![(name, format!("sha256:{}", digest(&data)).as_str().into())]),
    )]);
    let sums = sums.to_yaml().map_err(|error| Error::Invalid(error.to_string()))?;
    // What YAML begins documents with may not begin a line of signed text; so its end marker separates them.
    let text = clearsigned(&format!("{metadata}\n...\n{sums}"), secret, &password, now)?;
    let mut provenance = archive.as_os_str().to_owned();
    provenance.push(".prov");
    fs::write(&provenance, text).map_err(|error| Error::io("open", Path::new(&provenance), &error))
}

fn clearsigned(
    text: &str,
    key: &pgp::composed::SignedSecretKey,
    password: &Password,
    now: Timestamp,
) -> Result<String, Error> {
    let failed =
        |error: pgp::errors::Error| Error::Provenance(format!("failed to either sign or armor message block: {error}"));
    // The last line break belongs to the armor and not to what is signed (RFC 9580, section 7.1).
    let text = text.strip_suffix('\n').unwrap_or(text);
    let seconds = u32::try_from(now.as_second()).unwrap_or_default();
    let signed = |_: &str| -> Result<Vec<Signature>, pgp::errors::Error> {
        let key = &key.primary_key;
        let mut config = SignatureConfig::v4(SignatureType::Text, key.algorithm(), HashAlgorithm::Sha512);
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(pgp::types::Timestamp::from_secs(seconds)))?,
            Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
            Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?,
        ];
        Ok(vec![config.sign(key, password, canonical(text).as_bytes())?])
    };
    let message = CleartextSignedMessage::new_many(text, signed).map_err(failed)?;
    message.to_armored_string(ArmorOptions::default()).map_err(failed)
}

/// Text as it is signed: lines end in CR LF, and spaces and tabs at their ends do not count.
fn canonical(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
    lines.join("\r\n")
}

/// Checks an archive against its provenance file: the signature by a key of the ring, and the checksum.
///
/// # Errors
/// Something of that is missing or wrong.
pub fn verify(archive: &Path, provenance: &Path, keyring: &Path, now: Timestamp) -> Result<Verification, Error> {
    let found = fs::metadata(archive).map_err(|error| Error::io("stat", archive, &error))?;
    let refuse = |what: &str| Err(Error::Provenance(what.to_owned()));
    if found.is_dir() {
        return refuse("unpacked charts cannot be verified");
    }
    if !archive.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tgz")) {
        return refuse("chart must be a tgz file");
    }
    fs::metadata(provenance).map_err(|error| {
        let doing = format!("could not load provenance file {}", provenance.display());
        Error::io("stat", provenance, &error).after(doing)
    })?;
    let keyring = Keyring::load(keyring).map_err(|error| error.after("failed to load keyring"))?;
    let read = |path: &Path, what: &str| {
        fs::read(path).map_err(|error| Error::io("open", path, &error).after(format!("failed to read {what}")))
    };
    let data = read(archive, "chart archive")?;
    let signed = read(provenance, "provenance file")?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    check(&data, &signed, &name, &keyring, now)
}

/// The same for an archive and a provenance file in memory; `name` is what the archive is called in it.
///
/// # Errors
/// The signature or the checksum is wrong.
pub fn check(
    archive: &[u8],
    provenance: &[u8],
    name: &str,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<Verification, Error> {
    let fail = |what: String| Error::Provenance(what);
    let (message, text) = signed_message(provenance).ok_or_else(|| fail("signature block not found".to_owned()))?;
    let entity = signer(&message, &text, keyring, now)?;
    let sums = checksums(&text)?;
    let hash = format!("sha256:{}", digest(archive));
    match sums.iter().find(|(file, _)| file == name) {
        None => Err(fail(format!("provenance does not contain a SHA for a file named {}", quote(name)))),
        Some((_, sum)) if *sum != hash => {
            Err(fail(format!("sha256 sum does not match for {name}: {} != {}", quote(sum), quote(&hash))))
        }
        Some(_) => Ok(Verification { signed_by: entity.identities(), fingerprint: entity.fingerprint(), hash }),
    }
}

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// The signed message of a file, wherever it stands in it, and its text.
fn signed_message(data: &[u8]) -> Option<(CleartextSignedMessage, String)> {
    let text = String::from_utf8_lossy(data);
    let start = text.find(BEGIN).filter(|at| *at == 0 || text[..*at].ends_with('\n'))?;
    let end = start + text[start..].find(END)? + END.len();
    let (message, _) = CleartextSignedMessage::from_string(&format!("{}\n", &text[start..end])).ok()?;
    let lines = message.signed_text().replace("\r\n", "\n");
    Some((message, lines))
}

/// The key that made one of the signatures.
fn signer<'k>(
    message: &CleartextSignedMessage,
    text: &str,
    keyring: &'k Keyring,
    now: Timestamp,
) -> Result<&'k Entity, Error> {
    let fail = |what: &str| Err(Error::Provenance(what.to_owned()));
    let signed = canonical(text);
    for signature in message.signatures() {
        let mut known = false;
        for entity in &keyring.keys {
            for key in entity.signers(signature) {
                known = true;
                if key.verify(signature, signed.as_bytes()) {
                    if let Some(why) = entity.unusable(now.as_second()) {
                        return fail(why);
                    }
                    let until = signature.signature_expiration_time().map(|after| i64::from(after.as_secs()));
                    let made = signature.created().map_or(0, |time| i64::from(time.as_secs()));
                    if until.is_some_and(|after| after > 0 && made + after < now.as_second()) {
                        return fail("openpgp: signature expired");
                    }
                    return Ok(entity);
                }
            }
        }
        if known {
            let kind = match signature.config().map(|config| config.pub_alg) {
                Some(PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign) => "RSA",
                Some(PublicKeyAlgorithm::DSA) => "DSA",
                Some(PublicKeyAlgorithm::ECDSA) => "ECDSA",
                Some(PublicKeyAlgorithm::EdDSALegacy) => "EdDSA",
                Some(PublicKeyAlgorithm::Ed25519) => "Ed25519",
                Some(PublicKeyAlgorithm::Ed448) => "ed448",
                _ => "signature",
            };
            return fail(&format!("openpgp: invalid signature: {kind} verification failure"));
        }
    }
    fail("openpgp: signature made by unknown entity")
}

/// The checksums of a signed text: file and sum.
fn checksums(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut parts = text.split("\n...\n");
    let (Some(_), Some(sums)) = (parts.next(), parts.next()) else {
        return Err(Error::Provenance("message block must have at least two parts".to_owned()));
    };
    let invalid = |error: bowline_yaml::Error| Error::Provenance(error.to_string());
    let Some(node) = parse_first(sums).map_err(invalid)? else { return Ok(Vec::new()) };
    let mut decoder = Decoder::new();
    let mut files = Vec::new();
    for (key, value) in decoder.root(&node, "provenance.SumCollection") {
        if key.eq_ignore_ascii_case("files") && !value.is_null() {
            files = decoder.string_map(value, Target { structure: "SumCollection", path: "files" });
        }
    }
    decoder.finish(files).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_signed_without_what_does_not_show() {
        assert_eq!(canonical("a \t\nb\r\n- c"), "a\r\nb\r\n- c");
    }

    #[test]
    fn a_file_without_a_signature_verifies_nothing() {
        let keyring = Keyring { keys: Vec::new() };
        let now = Timestamp::UNIX_EPOCH;
        for text in ["", "files: {}", "-----BEGIN PGP SIGNED MESSAGE-----\n\nx"] {
            let error = check(b"", text.as_bytes(), "a.tgz", &keyring, now).unwrap_err();
            assert_eq!(error.to_string(), "signature block not found");
        }
    }
}

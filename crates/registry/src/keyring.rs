//! Files with OpenPGP keys.

use std::fs;
use std::io::Read;
use std::path::Path;

use pgp::armor::Dearmor;
use pgp::composed::{SignedPublicKey, SignedPublicKeyParser, SignedSecretKey, SignedSecretKeyParser};
use pgp::packet::{Packet, PacketParser, PacketTrait, Signature, SignatureType};
use pgp::types::{KeyDetails, Tag, VerifyingKey};

use crate::error::Error;

/// The most a keyring may have: a stranger's file is not read to the end of memory.
const MAX_KEYRING: u64 = 64 * 1024 * 1024;

/// The keys of a file: GnuPG's old format (`pubring.gpg`, `secring.gpg`, `gpg --export`), a keybox (`pubring.kbx`), or
/// armored text.
pub struct Keyring {
    pub(crate) keys: Vec<Entity>,
}

/// A key with what belongs to it.
pub(crate) struct Entity {
    pub(crate) public: SignedPublicKey,
    pub(crate) secret: Option<SignedSecretKey>,
}

impl Keyring {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or holds something else than keys.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let failed = |error: &std::io::Error| Error::io("open", path, error);
        if fs::metadata(path).map_err(|error| failed(&error))?.len() > MAX_KEYRING {
            return Err(Error::Provenance(format!(
                "{} is no keyring: larger than {MAX_KEYRING} bytes",
                path.display()
            )));
        }
        let data = fs::read(path).map_err(|error| failed(&error))?;
        let named = |error: Error, what: &str| error.after(format!("reading {what} {}", path.display()));
        if is_keybox(&data) {
            let keys = keybox_keys(&data).map_err(|error| named(error, "keybox"))?;
            return Self::from_packets(&keys);
        }
        if data.trim_ascii_start().starts_with(b"-----BEGIN PGP") {
            return Self::from_armor(&data).map_err(|error| named(error, "armored keyring"));
        }
        Self::from_packets(&data)
    }

    fn from_packets(data: &[u8]) -> Result<Self, Error> {
        if data.first().is_some_and(|tag| tag & 0x80 == 0) {
            return Err(Error::Provenance("openpgp: invalid data: tag byte does not have MSB set".to_owned()));
        }
        // What GnuPG keeps for itself between the packets of a key (trust), and keys of a kind that is not known here, are no
        // reason to refuse the others.
        let packets = PacketParser::new(data).filter_map(Result::ok).filter(|packet| packet.tag() != Tag::Trust);
        let mut groups: Vec<Vec<Packet>> = Vec::new();
        for packet in packets {
            match groups.last_mut() {
                Some(group) if !matches!(packet.tag(), Tag::PublicKey | Tag::SecretKey) => group.push(packet),
                _ => groups.push(vec![packet]),
            }
        }
        Ok(Self { keys: groups.into_iter().filter_map(Entity::of_packets).collect() })
    }

    /// Reads all blocks of a text, as `cat key1.asc key2.asc` puts them together.
    fn from_armor(data: &[u8]) -> Result<Self, Error> {
        let text = String::from_utf8_lossy(data);
        let mut keys = Vec::new();
        let mut rest: &str = &text;
        while let Some(start) = rest.find("-----BEGIN PGP ") {
            let block = &rest[start..];
            let kind = block["-----BEGIN PGP ".len()..].split("-----").next().unwrap_or_default();
            if kind != "PUBLIC KEY BLOCK" && kind != "PRIVATE KEY BLOCK" {
                let kind = bowline_yaml::quote(&format!("PGP {kind}"));
                return Err(Error::Provenance(format!("expected a public or private key block, got {kind}")));
            }
            let end = format!("-----END PGP {kind}-----");
            let Some(length) = block.find(&end).map(|at| at + end.len()) else {
                return Err(Error::Provenance("unexpected EOF".to_owned()));
            };
            let mut packets = Vec::new();
            let mut armor = Dearmor::new(&block.as_bytes()[..length]);
            let read = armor.read_to_end(&mut packets);
            read.map_err(|error| Error::Provenance(format!("openpgp: invalid data: {error}")))?;
            keys.extend(Self::from_packets(&packets)?.keys);
            rest = &block[length..];
        }
        if keys.is_empty() {
            return Err(Error::Provenance("no keys found".to_owned()));
        }
        Ok(Self { keys })
    }

    /// The key one of whose user ids is `id`, or contains it.
    ///
    /// # Errors
    /// Several user ids contain it.
    pub(crate) fn find(&self, id: &str) -> Result<Option<&Entity>, Error> {
        let mut found = None;
        let mut vague = false;
        for entity in &self.keys {
            for name in entity.identities() {
                if name == id {
                    return Ok(Some(entity));
                }
                if name.contains(id) {
                    vague |= found.is_some();
                    found = Some(entity);
                }
            }
        }
        if vague {
            let id = bowline_yaml::quote(id);
            return Err(Error::Provenance(format!("more than one key contain the id {id}")));
        }
        Ok(found)
    }
}

impl Entity {
    /// A key from its packets, where they are understood.
    fn of_packets(packets: Vec<Packet>) -> Option<Self> {
        let is_secret = packets.first()?.tag() == Tag::SecretKey;
        let packets = packets.into_iter().map(Ok).peekable();
        if is_secret {
            let secret = SignedSecretKeyParser::from_packets(packets).next()?.ok()?;
            return Some(Self { public: secret.to_public_key(), secret: Some(secret) });
        }
        Some(Self { public: SignedPublicKeyParser::from_packets(packets).next()?.ok()?, secret: None })
    }

    /// The user ids that the key itself vouches for.
    pub(crate) fn identities(&self) -> Vec<String> {
        let key = &self.public.primary_key;
        let vouched = |signature: &Signature, user: &pgp::types::SignedUser| {
            signature.is_certification() && signature.verify_certification(key, Tag::UserId, &user.id).is_ok()
        };
        let users = self.public.details.users.iter();
        users
            .filter(|user| user.signatures.iter().any(|signature| vouched(signature, user)))
            .map(|user| String::from_utf8_lossy(user.id.id()).into_owned())
            .collect()
    }

    /// The primary key's fingerprint in capital hexadecimal digits.
    pub(crate) fn fingerprint(&self) -> String {
        self.public.primary_key.fingerprint().as_bytes().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// The certifications of the key's own user ids.
    fn own_certifications(&self) -> impl Iterator<Item = &Signature> {
        let key = &self.public.primary_key;
        self.public.details.users.iter().flat_map(move |user| {
            user.signatures.iter().filter(move |signature| {
                signature.is_certification() && signature.verify_certification(key, Tag::UserId, &user.id).is_ok()
            })
        })
    }

    /// Why nothing the key signs counts at `now` (seconds since 1970), where that is so.
    pub(crate) fn unusable(&self, now: i64) -> Option<&'static str> {
        let key = &self.public.primary_key;
        if self.public.details.revocation_signatures.iter().any(|signature| signature.verify_key(key).is_ok()) {
            return Some("openpgp: signature made by revoked key");
        }
        // The newest certification says how long the key is good for.
        let newest = self.own_certifications().max_by_key(|signature| signature.created());
        let expires = newest.and_then(Signature::key_expiration_time).map(|after| i64::from(after.as_secs()));
        let created = i64::from(key.created_at().as_secs());
        expires.filter(|after| *after > 0 && created + after < now).map(|_| "openpgp: key expired")
    }

    /// Those of its keys that may sign data and that `signature` says it is by.
    pub(crate) fn signers(&self, signature: &Signature) -> Vec<&dyn VerifyData> {
        let is_by = |key: &dyn KeyDetails| {
            signature.issuer_key_id().iter().any(|id| **id == key.legacy_key_id())
                || signature.issuer_fingerprint().iter().any(|print| **print == key.fingerprint())
        };
        let mut signers: Vec<&dyn VerifyData> = Vec::new();
        let primary = &self.public.primary_key;
        let newest = self.own_certifications().max_by_key(|signature| signature.created());
        let may_sign = newest.is_none_or(|signature| signature.key_flags().sign() || is_silent(signature));
        if is_by(primary) && may_sign {
            signers.push(primary);
        }
        for subkey in &self.public.public_subkeys {
            let bound = subkey.signatures.iter().any(|signature| {
                signature.typ() == Some(SignatureType::SubkeyBinding)
                    && signature.key_flags().sign()
                    && signature.verify_subkey_binding(primary, &subkey.key).is_ok()
            });
            let revoked =
                subkey.signatures.iter().any(|signature| signature.typ() == Some(SignatureType::SubkeyRevocation));
            if is_by(&subkey.key) && bound && !revoked {
                signers.push(&subkey.key);
            }
        }
        signers
    }
}

/// A certification that says nothing about what the key is for.
fn is_silent(signature: &Signature) -> bool {
    let flags = signature.key_flags();
    !(flags.sign() || flags.certify() || flags.encrypt_comms() || flags.encrypt_storage() || flags.authentication())
}

/// A key that can tell whether data was signed with it.
pub(crate) trait VerifyData {
    fn verify(&self, signature: &Signature, data: &[u8]) -> bool;
}

impl<K: VerifyingKey> VerifyData for K {
    fn verify(&self, signature: &Signature, data: &[u8]) -> bool {
        signature.verify(self, data).is_ok()
    }
}

const BLOB_HEADER: u8 = 1;
const BLOB_KEY: u8 = 2;
const EPHEMERAL: u16 = 2;

/// GnuPG's keybox: blobs of which the first is a header with a magic word (`kbx/keybox-blob.c` of GnuPG).
fn is_keybox(data: &[u8]) -> bool {
    data.len() >= 12 && data[4] == BLOB_HEADER && &data[8..12] == b"KBXf"
}

/// The OpenPGP keys of a keybox, one after the other.
fn keybox_keys(data: &[u8]) -> Result<Vec<u8>, Error> {
    let broken = |what: String| Error::Provenance(what);
    let number = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes) as usize
    };
    let (mut keys, mut at) = (Vec::new(), 0);
    while at < data.len() {
        let rest = &data[at..];
        if rest.len() < 5 {
            return Err(broken(format!("truncated blob header at offset {at}")));
        }
        let length = number(rest, 0);
        if length < 5 {
            return Err(broken(format!("invalid blob length {length} at offset {at}")));
        }
        if length > rest.len() {
            let left = rest.len();
            return Err(broken(format!(
                "blob at offset {at} has length {length} exceeding the {left} remaining bytes"
            )));
        }
        let blob = &rest[..length];
        if blob[4] == BLOB_KEY {
            if blob.len() < 16 {
                return Err(broken(format!("OpenPGP blob at offset {at} is too short")));
            }
            let (start, size) = (number(blob, 8), number(blob, 12));
            let key = start.checked_add(size).and_then(|end| blob.get(start..end));
            let key = key.ok_or_else(|| broken(format!("OpenPGP blob at offset {at} has an out-of-range keyblock")))?;
            if u16::from_be_bytes([blob[6], blob[7]]) & EPHEMERAL == 0 {
                keys.extend_from_slice(key);
            }
        }
        at += length;
    }
    if keys.is_empty() {
        return Err(broken("keybox contains no OpenPGP keys".to_owned()));
    }
    Ok(keys)
}

//! Functions whose results nobody can foretell: passwords, keys, certificates, ciphers. Compared by what they look like, by
//! what the other side makes of them, and, where they fail, word for word.

use std::collections::BTreeSet;

use bowline_peers::oracle::Oracle;
use x509_parser::prelude::{FromDer, ParsedExtension, Pem, X509Certificate};

use bowline_render::Environment;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;

use crate::{Case, assert_same, ours_in, theirs};

/// Where there is a clock, and randomness.
struct World;

impl Environment for World {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn random(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let fresh = RandomState::new().build_hasher().finish().to_le_bytes();
            part.copy_from_slice(&fresh[..part.len()]);
        }
    }
}

/// What both sides make of a template.
fn both(oracle: &Oracle, template: &str) -> [String; 2] {
    let case = Case::of(template);
    let world: Rc<dyn Environment> = Rc::new(World);
    let text = |said: crate::Said| {
        let files = said.unwrap_or_else(|error| panic!("{template}: {error}"));
        String::from_utf8(files["web/templates/a.yaml"].clone()).unwrap()
    };
    [text(theirs(oracle, &case).expect("an answer of Go")), text(ours_in(&case, &world))]
}

/// Asserts that both sides' results have the same shape.
fn same_shape<T: PartialEq + std::fmt::Debug>(oracle: &Oracle, template: &str, shape: impl Fn(&str) -> T) {
    let [theirs, ours] = both(oracle, template);
    assert_eq!(shape(&theirs), shape(&ours), "helm and ours of {template}\n{theirs}\n{ours}");
}

#[test]
fn random_texts_have_the_same_lengths_and_alphabets() {
    let Some(oracle) = Oracle::find() else { return };
    // Long enough that each character occurs.
    for function in ["randAlphaNum", "randAlpha", "randNumeric", "randAscii"] {
        let template = format!("{{{{ {function} 8000 }}}}");
        same_shape(&oracle, &template, |text| (text.len(), text.chars().collect::<BTreeSet<_>>()));
        let template = format!("{{{{ {function} 0 }}}}|{{{{ {function} 1 | len }}}}|{{{{ {function} 17 | len }}}}");
        same_shape(&oracle, &template, str::to_owned);
    }
    same_shape(
        &oracle,
        "{{ range until 70 }}{{ randBytes . | len }} {{ randBytes . | b64dec | len }},{{ end }}",
        str::to_owned,
    );
    same_shape(&oracle, "{{ range until 2000 }}{{ randInt -3 4 }} {{ end }}", |text| {
        text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>()
    });
    same_shape(&oracle, "{{ randInt 5 6 }}{{ typeOf (randInt 1 2) }}", str::to_owned);
    same_shape(&oracle, "{{ shuffle \"hello ☃ world é\" }}", |text| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    });
    same_shape(&oracle, "{{ range until 500 }}{{ uuidv4 }}\n{{ end }}", |text| {
        let kind = |c: char| if c.is_ascii_hexdigit() { 'x' } else { c };
        let shapes: BTreeSet<String> = text.lines().map(|line| line.chars().map(kind).collect()).collect();
        // The version, and the two bits of the variant.
        let marks: BTreeSet<(char, char)> =
            text.lines().map(|line| (line.chars().nth(14).unwrap(), line.chars().nth(19).unwrap())).collect();
        (shapes, marks)
    });
    let types =
        "{{ typeOf now }} {{ kindOf now }} {{ ago now }} {{ (now).Year | typeOf }} {{ now | unixEpoch | typeOf }}";
    same_shape(&oracle, types, str::to_owned);
}

#[test]
fn hashed_passwords_are_right_on_both_sides() {
    let Some(oracle) = Oracle::find() else { return };
    for password in ["secret", "", "é☃ with blanks", &"x".repeat(72)] {
        let template = format!("{{{{ bcrypt {password:?} }}}} {{{{ htpasswd \"me\" {password:?} }}}}");
        for said in both(&oracle, &template) {
            let (hash, file) = said.split_once(" me:").unwrap();
            for hash in [hash, file] {
                assert!(hash.starts_with("$2a$10$") && hash.len() == 60, "{said}");
                assert!(bcrypt::verify(password, hash).unwrap(), "{password}: {said}");
            }
        }
    }
}

#[test]
fn each_side_decrypts_what_the_other_encrypted() {
    let Some(oracle) = Oracle::find() else { return };
    let texts = ["a", "sixteen bytes ok", "é☃ and more than one block of text, so that there are several"];
    for (password, text) in texts
        .iter()
        .flat_map(|text| [("secret", text), ("", text), ("longer than thirty-two bytes, which is cut", text)])
    {
        for encrypted in both(&oracle, &format!("{{{{ encryptAES {password:?} {text:?} }}}}")) {
            for decrypted in both(&oracle, &format!("{{{{ decryptAES {password:?} {encrypted:?} }}}}")) {
                assert_eq!(decrypted, *text, "by {password:?} of {encrypted}");
            }
            // With another password it seldom has a padding, and says what Go says.
            assert_same(&[&format!("{{{{ decryptAES \"other\" {encrypted:?} }}}}")]);
        }
    }
}

/// What can be told of a certificate but its serial number, its key and its signature.
fn certificate(pem: &str) -> Vec<String> {
    let pem = Pem::iter_from_buffer(pem.as_bytes()).next().unwrap().unwrap();
    let (rest, certificate) = X509Certificate::from_der(&pem.contents).unwrap();
    assert!(rest.is_empty());
    let validity = certificate.validity();
    let key = certificate.public_key().parsed().unwrap();
    let mut told = vec![
        pem.label.clone(),
        format!("version {:?}", certificate.version()),
        format!("subject {}", certificate.subject()),
        format!("issuer {}", certificate.issuer()),
        format!("subject bytes {:?}", certificate.subject().as_raw()),
        format!("seconds {}", validity.not_after.timestamp() - validity.not_before.timestamp()),
        format!("signed {:?}", certificate.signature_algorithm.algorithm.to_id_string()),
        format!("key {:?} {}", certificate.public_key().algorithm.algorithm.to_id_string(), key.key_size()),
    ];
    let serial = certificate.raw_serial();
    assert!(serial.len() <= 17 && serial[0] < 0x80 && serial.iter().any(|byte| *byte != 0), "{serial:?}");
    for extension in certificate.extensions() {
        let value = match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => format!("{} bytes", id.0.len()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                format!("{:?} bytes", id.key_identifier.as_ref().map(|id| id.0.len()))
            }
            _ => format!("{:?}", extension.value),
        };
        told.push(format!("{} critical {} {value}", extension.oid.to_id_string(), extension.critical));
    }
    told
}

/// The label of a key and how many bytes it has, as far as that is always the same.
fn key(pem: &str) -> (String, usize) {
    let pem = Pem::iter_from_buffer(pem.as_bytes()).next().unwrap().unwrap();
    (pem.label, pem.contents.len() / 64)
}

#[test]
fn certificates_say_the_same() {
    let Some(oracle) = Oracle::find() else { return };
    let print = "{{ $c.Cert }}~{{ $c.Key }}";
    let make = [
        "{{ $c := genCA \"my ca\" 365 }}",
        "{{ $c := genCA \"é☃ a=b, c\" 0 }}",
        "{{ $c := genSelfSignedCert \"self\" nil nil 10 }}",
        "{{ $c := genSelfSignedCert \"self.example.com\" (list \"10.0.0.1\" \"::1\" \"fe80::1\") (list \"a.example.com\" \"*.b\") 3650 }}",
        "{{ $c := genSignedCert \"\" (list) (list \"x\") 1 (genCA \"ca\" 2) }}",
        "{{ $c := genSignedCert \"leaf\" (list \"127.0.0.1\") (list \"svc\" \"svc.ns.svc\") 365 (genCA \"the ca\" 365) }}",
        "{{ $c := genCAWithKey \"with\" 30 (genPrivateKey \"ecdsa\") }}",
        "{{ $c := genCAWithKey \"with\" 30 (genPrivateKey \"ed25519\") }}",
        "{{ $c := genSelfSignedCertWithKey \"with\" nil (list \"d\") 30 (genPrivateKey \"ecdsa\") }}",
        "{{ $c := genSignedCertWithKey \"with\" nil (list \"d\") 30 (genCAWithKey \"k\" 5 (genPrivateKey \"ecdsa\")) (genPrivateKey \"ed25519\") }}",
    ];
    for make in make {
        same_shape(&oracle, &format!("{make}{print}"), |text| {
            let (made, with) = text.split_once('~').unwrap();
            (certificate(made), key(with))
        });
    }
    // A CA that one side made signs on the other.
    for ca in both(&oracle, "{{ $c := genCA \"handed over\" 365 }}{{ b64enc $c.Cert }} {{ b64enc $c.Key }}") {
        let (made, with) = ca.split_once(' ').unwrap();
        let template = format!(
            "{{{{ $ca := buildCustomCert {made:?} {with:?} }}}}{{{{ $c := genSignedCert \"leaf\" nil (list \"d\") 5 $ca }}}}{{{{ $c.Cert }}}}~{{{{ $ca.Cert }}}}{{{{ $ca.Key }}}}"
        );
        same_shape(&oracle, &template, |text| {
            let (leaf, ca) = text.split_once('~').unwrap();
            (certificate(leaf), ca.to_owned())
        });
    }
    same_shape(&oracle, "{{ genPrivateKey \"ecdsa\" }}", key);
    same_shape(&oracle, "{{ genPrivateKey \"ed25519\" }}", key);
    same_shape(&oracle, "{{ genPrivateKey \"rsa\" }}", key);
}

#[test]
fn what_they_refuse_they_refuse_in_the_same_words() {
    assert_same(&[
        "{{ randAlphaNum -1 }}",
        "{{ randNumeric \"a\" }}",
        "{{ randBytes -1 }}",
        "{{ randInt 5 5 }}",
        "{{ randInt 6 5 }}",
        "{{ randInt \"a\" 5 }}",
        "{{ shuffle \"\" }}{{ shuffle 1 }}",
        "{{ uuidv4 1 }}",
        "{{ bcrypt (repeat 73 \"x\") }}",
        "{{ bcrypt nil }}",
        "{{ htpasswd \"a:b\" \"c\" }}",
        "{{ htpasswd \"a\" (repeat 73 \"x\") }}",
        "{{ genPrivateKey \"x\" }}",
        "{{ genPrivateKey 1 }}",
        "{{ encryptAES \"p\" \"\" }}|{{ decryptAES \"p\" \"\" }}",
        "{{ encryptAES 1 \"\" }}",
        "{{ decryptAES \"p\" \"x\" }}",
        "{{ decryptAES \"p\" \"=\" }}",
        "{{ decryptAES \"p\" \"YWJj\" }}",
        "{{ decryptAES \"p\" \"YWJjYWJjYWJjYWJjYQ==\" }}",
        "{{ decryptAES \"p\" \"YWJjYWJjYWJjYWJjYWJjYWJjYWJj\" }}",
        "{{ decryptAES \"p\" (b64enc (repeat 16 \"x\")) }}",
        "{{ decryptAES \"p\" (b64enc (repeat 32 \"x\")) }}",
        "{{ decryptAES \"p\" (b64enc (repeat 33 \"x\")) }}",
        "{{ genCA 1 2 }}",
        "{{ genCA \"a\" \"b\" }}",
        "{{ genCA \"a\" }}",
        "{{ genSelfSignedCert \"a\" (list \"x\") nil 1 }}",
        "{{ genSelfSignedCert \"a\" (list 1) nil 1 }}",
        "{{ genSelfSignedCert \"a\" nil (list 1) 1 }}",
        "{{ genSelfSignedCert \"a\" (list \"\") nil 1 }}",
        "{{ genSelfSignedCert \"a\" (list \"01.2.3.4\") nil 1 }}",
        "{{ genSelfSignedCert \"a\" (list \"fe80::1%eth0\") nil 1 }}",
        "{{ genSelfSignedCert \"a\" \"b\" nil 1 }}",
        "{{ genSelfSignedCert \"a\" nil (list \"é\") 1 }}",
        "{{ genSignedCert \"a\" nil nil 1 nil }}",
        "{{ genSignedCert \"a\" nil nil 1 \"x\" }}",
        "{{ genSignedCert \"a\" nil nil 1 (dict \"Cert\" \"x\") }}",
        "{{ genCAWithKey \"a\" 1 \"\" }}",
        "{{ genCAWithKey \"a\" 1 \"x\" }}",
        "{{ genCAWithKey \"a\" 1 \"-----BEGIN X PRIVATE KEY-----\\nYQ==\\n-----END X PRIVATE KEY-----\\n\" }}",
        "{{ genCAWithKey \"a\" 1 \"-----BEGIN CERTIFICATE-----\\nYQ==\\n-----END CERTIFICATE-----\\n\" }}",
        "{{ genCAWithKey \"a\" 1 \"-----BEGIN EC PRIVATE KEY-----\\nYQ=\\n-----END EC PRIVATE KEY-----\\n\" }}",
        "{{ buildCustomCert \"\" \"\" }}",
        "{{ buildCustomCert \"=\" \"\" }}",
        "{{ buildCustomCert \"YQ==\" \"=\" }}",
        "{{ buildCustomCert \"YQ==\" \"YQ==\" }}",
        "{{ buildCustomCert (b64enc \"-----BEGIN CERTIFICATE-----\\nYQ=\\n-----END CERTIFICATE-----\\n\") \"YQ==\" }}",
        "{{ derivePassword \"a\" \"long\" \"p\" \"u\" \"s\" }}",
        "{{ derivePassword -1 \"long\" \"p\" \"u\" \"s\" }}",
        "{{ derivePassword 4294967296 \"long\" \"p\" \"u\" \"s\" }}",
        "{{ derivePassword 1 \"none\" \"p\" \"u\" \"s\" }}",
        "{{ derivePassword 1 \"\" \"p\" \"u\" \"s\" }}",
        "{{ getHostByName 1 }}",
        "{{ ago \"x\" }}",
    ]);
}

#[test]
fn derived_passwords_are_the_same() {
    let kinds = ["maximum", "long", "medium", "short", "basic", "pin"];
    let templates: Vec<String> = kinds
        .iter()
        .enumerate()
        .map(|(at, kind)| {
            let site = ["example.com", "", "é☃"][at % 3];
            format!(
                "{{{{ derivePassword {} {kind:?} \"pass {at}\" \"user\" {site:?} }}}}",
                [1, 0, 4_294_967_295_u32][at % 3]
            )
        })
        .collect();
    assert_same(&templates.iter().map(String::as_str).collect::<Vec<_>>());
}

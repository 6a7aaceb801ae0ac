//! Certificates, self-signed or signed by another.

use super::keys::{element, from_pem, generate_rsa, parse, pem, split, to_pem};
use crate::functions::arguments::{bytes, int, string};
use crate::functions::encoding::decode64;
use crate::functions::{Answer, Host, hosted, pure};
use bowline_gotemplate::Type::{Int, List, Named, Text};
use bowline_gotemplate::{Call, Failure, Function, Object, Type, Value, fmt, lossy};
use rcgen::string::PrintableString;
use rcgen::{CertificateParams, CustomExtension, DnType, DnValue, Issuer, KeyPair, SerialNumber};
use sha2::{Digest, Sha256};
use std::any::Any;
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

const CERTIFICATE: Type = Named("sprig.certificate");

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        hosted("genCA", &[Text, Int], CERTIFICATE, |call| {
            let key = generate_rsa().map_err(Failure::new)?;
            authority(call, &key)
        }),
        hosted("genCAWithKey", &[Text, Int, Text], CERTIFICATE, |call| {
            let key = given_key(&call.args()[2])?;
            authority(call, &key)
        }),
        hosted("genSelfSignedCert", &[Text, List, List, Int], CERTIFICATE, |call| {
            let key = generate_rsa().map_err(Failure::new)?;
            self_signed(call, &key)
        }),
        hosted("genSelfSignedCertWithKey", &[Text, List, List, Int, Text], CERTIFICATE, |call| {
            let key = given_key(&call.args()[4])?;
            self_signed(call, &key)
        }),
        hosted("genSignedCert", &[Text, List, List, Int, CERTIFICATE], CERTIFICATE, |call| {
            let key = generate_rsa().map_err(Failure::new)?;
            signed(call, &key)
        }),
        hosted("genSignedCertWithKey", &[Text, List, List, Int, CERTIFICATE, Text], CERTIFICATE, |call| {
            let key = given_key(&call.args()[5])?;
            signed(call, &key)
        }),
        pure("buildCustomCert", &[Text, Text], CERTIFICATE, custom),
    ]
}

/// `sprig.certificate`: both parts as PEM.
struct Certificate {
    certificate: String,
    key: String,
}

impl Object for Certificate {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed("sprig.certificate")
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        vec![("Cert".into(), self.certificate.as_str().into()), ("Key".into(), self.key.as_str().into())]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Self>();
        other.is_some_and(|other| (&self.certificate, &self.key) == (&other.certificate, &other.key))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn given_key(text: &Value) -> Result<KeyPair, Failure> {
    parse(&string(text)).map_err(|error| Failure::new(format!("parsing private key: {error}")))
}

/// What the texts of a list of names are, one after another.
fn names<T>(
    value: &Value,
    no_text: impl Fn(&Value) -> String,
    read: impl Fn(String) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let items = value.as_list().map(bowline_gotemplate::List::to_vec).unwrap_or_default();
    let name = |item: &Value| match item {
        Value::Text(text) => read(text.to_str().into_owned()),
        other => Err(Failure::new(no_text(other))),
    };
    items.iter().map(name).collect()
}

fn shown(value: &Value) -> String {
    lossy(&fmt::sprint(std::slice::from_ref(value))).into_owned()
}

/// What a certificate says about alternative names: hosts, then addresses.
struct Alternatives {
    hosts: Vec<String>,
    addresses: Vec<IpAddr>,
}

fn alternatives(args: &[Value]) -> Result<Alternatives, Failure> {
    let address = |text: String| text.parse().map_err(|_| Failure::new(format!("error parsing ip: {text}")));
    let not_an_address = |item: &Value| format!("error parsing ip: {} is not a string", shown(item));
    let not_a_host = |item: &Value| format!("error processing alternate dns name: {} is not a string", shown(item));
    let addresses = names(&args[1], not_an_address, address)?;
    let hosts = names(&args[2], not_a_host, Ok)?;
    if let Some(host) = hosts.iter().find(|host| !host.is_ascii()) {
        let shown = fmt::quoted(host.as_bytes());
        let message = format!("error creating certificate: x509: {shown} cannot be encoded as an IA5String");
        return Err(Failure::new(message));
    }
    Ok(Alternatives { hosts, addresses })
}

/// A certificate without its extensions.
fn parameters(call: &mut Call<'_, Host>, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = string(&call.args()[0]).into_owned();
    // As in Go: the plainest type of string that can hold it, and nothing where there is nothing.
    if !name.is_empty() {
        let name = PrintableString::try_from(name.as_str()).map_or(DnValue::Utf8String(name), DnValue::PrintableString);
        params.distinguished_name.push(DnType::CommonName, name);
    }
    let environment = &call.host().environment;
    let mut serial = [0; 16];
    environment.random(&mut serial);
    // Serial numbers are positive.
    serial[0] &= 0x7f;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let now = u64::try_from(environment.now().as_second()).unwrap_or(0);
    let until = now.saturating_add_signed(days.saturating_mul(86_400));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    // The last second that a certificate can name.
    let at = |seconds: u64| epoch + Duration::from_secs(seconds.min(253_402_300_799));
    (params.not_before, params.not_after) = (at(now), at(until));
    params
}

/// `2.5.29.N`
const fn extension_id(number: u64) -> [u64; 4] {
    [2, 5, 29, number]
}

/// The extensions that Go writes, in its order. `own` is the key's identifier, which only authorities state; `signer` is
/// that of the authority that signs.
fn extensions(
    own: Option<&[u8]>,
    signer: Option<&[u8]>,
    alternatives: Option<&Alternatives>,
    is_nameless: bool,
) -> Vec<CustomExtension> {
    let extension = |number, critical, content: Vec<u8>| {
        let mut extension = CustomExtension::from_oid_content(&extension_id(number), content);
        extension.set_criticality(critical);
        extension
    };
    // Signatures and the encryption of keys; authorities sign certificates, too.
    let usage: [u8; 4] = if own.is_some() { [3, 2, 2, 0xa4] } else { [3, 2, 5, 0xa0] };
    let purpose = |last: u8| [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last];
    let constraints: &[u8] = if own.is_some() { &[1, 1, 0xff] } else { &[] };
    let mut all = vec![
        extension(15, true, usage.to_vec()),
        extension(37, false, element(0x30, &[purpose(1), purpose(2)].concat())),
        extension(19, true, element(0x30, constraints)),
    ];
    all.extend(own.map(|id| extension(14, false, element(0x04, id))));
    all.extend(signer.map(|id| extension(35, false, element(0x30, &element(0x80, id)))));
    let names: Vec<u8> = alternatives.map_or_else(Vec::new, |Alternatives { hosts, addresses }| {
        let hosts = hosts.iter().flat_map(|host| element(0x82, host.as_bytes()));
        let addresses = addresses.iter().flat_map(|address| match address.to_canonical() {
            IpAddr::V4(address) => element(0x87, &address.octets()),
            IpAddr::V6(address) => element(0x87, &address.octets()),
        });
        hosts.chain(addresses).collect()
    });
    if !names.is_empty() {
        all.push(extension(17, is_nameless, element(0x30, &names)));
    }
    all
}

fn answer(certificate: Result<rcgen::Certificate, rcgen::Error>, key: &KeyPair) -> Answer {
    match certificate {
        Ok(certificate) => {
            Ok(Value::object(Certificate { certificate: pem("CERTIFICATE", certificate.der()), key: to_pem(key) }))
        }
        Err(error) => Err(Failure::new(format!("error creating certificate: {error}"))),
    }
}

fn authority(call: &mut Call<'_, Host>, key: &KeyPair) -> Answer {
    let days = int(&call.args()[1]);
    let mut params = parameters(call, days);
    let id = Sha256::digest(key.public_key_raw());
    params.custom_extensions = extensions(Some(&id[..20]), None, None, false);
    answer(params.self_signed(key), key)
}

fn self_signed(call: &mut Call<'_, Host>, key: &KeyPair) -> Answer {
    let alternatives = alternatives(call.args())?;
    let days = int(&call.args()[3]);
    let mut params = parameters(call, days);
    let is_nameless = string(&call.args()[0]).is_empty();
    params.custom_extensions = extensions(None, None, Some(&alternatives), is_nameless);
    answer(params.self_signed(key), key)
}

fn signed(call: &mut Call<'_, Host>, key: &KeyPair) -> Answer {
    let field = |value: &Value, name: &str| match value {
        Value::Object(object) => object.field(name).map(|text| string(&text).into_owned()).unwrap_or_default(),
        _ => String::new(),
    };
    let ca = &call.args()[4];
    let Some((_, certificate)) = from_pem(&field(ca, "Cert")) else {
        return Err(Failure::new("unable to decode certificate"));
    };
    let signer =
        parse(&field(ca, "Key")).map_err(|error| Failure::new(format!("error parsing private key: {error}")))?;
    let id = key_id(&certificate);
    let issuer = Issuer::from_ca_cert_der(&certificate.into(), signer)
        .map_err(|error| Failure::new(format!("error parsing certificate: decodedSignerCert.Bytes: {error}")))?;
    let alternatives = alternatives(call.args())?;
    let days = int(&call.args()[3]);
    let mut params = parameters(call, days);
    let is_nameless = string(&call.args()[0]).is_empty();
    params.custom_extensions = extensions(None, id.as_deref(), Some(&alternatives), is_nameless);
    answer(params.signed_by(key, &issuer), key)
}

/// The identifier that a certificate states for its key.
fn key_id(certificate: &[u8]) -> Option<Vec<u8>> {
    const ID: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x0e];
    let at = memchr::memmem::find(certificate, ID)?;
    let (_, content, _) = split(&certificate[at + ID.len()..])?;
    split(content).map(|(_, id, _)| id.to_vec())
}

fn custom(args: &[Value]) -> Answer {
    let decode = |value: &Value, what: &str| {
        decode64(bytes(value)).map_err(|_| Failure::new(format!("unable to decode base64 {what}")))
    };
    let text = |bytes: Vec<u8>| lossy(&bytes).into_owned();
    let certificate = text(decode(&args[0], "certificate")?);
    let key = text(decode(&args[1], "private key")?);
    let Some((_, der)) = from_pem(&certificate) else { return Err(Failure::new("unable to decode certificate")) };
    let key_pair = parse(&key).map_err(|error| Failure::new(format!("error parsing private key: {error}")))?;
    if let Err(error) = Issuer::from_ca_cert_der(&der.into(), key_pair) {
        return Err(Failure::new(format!("error parsing certificate: decodedCert.Bytes: {error}")));
    }
    Ok(Value::object(Certificate { certificate, key }))
}

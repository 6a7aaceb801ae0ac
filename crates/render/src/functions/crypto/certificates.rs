//! Certificates, self-signed or signed by another.

use super::keys::{from_pem, generate_rsa, parse, pem, to_pem};
use crate::functions::arguments::{bytes, int, string};
use crate::functions::encoding::decode64;
use crate::functions::{Answer, Host, hosted, pure};
use bowline_gotemplate::Type::{Int, List, Named, Text};
use bowline_gotemplate::{Call, Failure, Function, Object, Type, Value, fmt, lossy};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};
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

fn parameters(
    call: &mut Call<'_, Host>,
    alternatives: Option<(&Value, &Value)>,
    days: i64,
) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, string(&call.args()[0]).into_owned());
    if let Some((addresses, hosts)) = alternatives {
        let address = |text: String| {
            let parsed = text.parse::<IpAddr>().map_err(|_| Failure::new(format!("error parsing ip: {text}")));
            parsed.map(SanType::IpAddress)
        };
        let host = |text: String| Ok(text);
        let not_an_address = |item: &Value| format!("error parsing ip: {} is not a string", shown(item));
        let not_a_host = |item: &Value| format!("error processing alternate dns name: {} is not a string", shown(item));
        let addresses = names(addresses, not_an_address, address)?;
        let hosts = names(hosts, not_a_host, host)?;
        for host in hosts {
            let refused = || {
                let shown = fmt::quoted(host.as_bytes());
                Failure::new(format!("error creating certificate: x509: {shown} cannot be encoded as an IA5String"))
            };
            let name = host.as_str().try_into().map_err(|_| refused())?;
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        params.subject_alt_names.extend(addresses);
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
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
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
    let mut params = parameters(call, None, days)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    answer(params.self_signed(key), key)
}

fn alternatives(call: &mut Call<'_, Host>) -> Result<CertificateParams, Failure> {
    let args = call.args();
    parameters(call, Some((&args[1], &args[2])), int(&args[3]))
}

fn self_signed(call: &mut Call<'_, Host>, key: &KeyPair) -> Answer {
    answer(alternatives(call)?.self_signed(key), key)
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
    let issuer = Issuer::from_ca_cert_der(&certificate.into(), signer)
        .map_err(|error| Failure::new(format!("error parsing certificate: decodedSignerCert.Bytes: {error}")))?;
    answer(alternatives(call)?.signed_by(key, &issuer), key)
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

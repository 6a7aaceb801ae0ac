//! The values of `format`, with what is said of a text that is not of it.

use jiff::tz::TimeZone;

use crate::functions::{check_time, urls};
use bowline_gotemplate::fmt::quoted_rune;

/// A format that is checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format(&'static str, fn(&str) -> Checked);

type Checked = Result<(), String>;

const FORMATS: [Format; 19] = [
    Format("json-pointer", json_pointer),
    Format("relative-json-pointer", relative_json_pointer),
    Format("uuid", uuid),
    Format("duration", duration),
    Format("period", period),
    Format("ipv4", ipv4),
    Format("ipv6", ipv6),
    Format("hostname", hostname),
    Format("email", email),
    Format("date", date),
    Format("time", time),
    Format("date-time", date_time),
    Format("uri", uri),
    Format("iri", uri),
    Format("uri-reference", uri_reference),
    Format("iri-reference", uri_reference),
    Format("uri-template", uri_template),
    Format("semver", semver),
    Format("regex", regex),
];

impl Format {
    /// The format of a name; unknown ones are not checked.
    pub(super) fn named(name: &str) -> Option<Self> {
        FORMATS.iter().find(|format| format.0 == name).copied()
    }

    pub(super) fn name(&self) -> &'static str {
        self.0
    }

    pub(super) fn check(&self, text: &str) -> Checked {
        (self.1)(text)
    }
}

fn wrong<T>(why: impl Into<String>) -> Result<T, String> {
    Err(why.into())
}

fn rune(c: char) -> String {
    quoted_rune(c, false)
}

fn regex(text: &str) -> Checked {
    crate::functions::go_regex(text).map(|_| ())
}

fn json_pointer(text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    if !text.starts_with('/') {
        return wrong("not starting with /");
    }
    for step in text.split('/').skip(1) {
        let mut escape = false;
        for c in step.chars() {
            if escape && !matches!(c, '0' | '1') {
                return wrong("~ must be followed by 0 or 1");
            }
            escape = !escape && c == '~';
        }
        if escape {
            return wrong("~ must be followed by 0 or 1");
        }
    }
    Ok(())
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn relative_json_pointer(text: &str) -> Checked {
    let digits = leading_digits(text);
    if digits == 0 {
        return wrong("must start with non-negative integer");
    }
    if digits > 1 && text.starts_with('0') {
        return wrong("starts with zero");
    }
    match &text[digits..] {
        "#" => Ok(()),
        rest => json_pointer(rest),
    }
}

fn uuid(text: &str) -> Checked {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != LENGTHS.len() {
        return wrong(format!("must have {} elements", LENGTHS.len()));
    }
    for (at, (group, length)) in groups.iter().zip(LENGTHS).enumerate() {
        if group.len() != length {
            return wrong(format!("element {} must be {length} characters long", at + 1));
        }
        if let Some(c) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return wrong(format!("non-hex character {}", rune(c)));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Checked {
    let Some(rest) = text.strip_prefix('P') else { return wrong("must start with P") };
    if rest.is_empty() {
        return wrong("nothing after P");
    }
    if let Some(weeks) = rest.strip_suffix('W') {
        return match weeks {
            "" => wrong("no number in week"),
            weeks if weeks.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
            _ => wrong("invalid week"),
        };
    }
    const UNITS: [&str; 2] = ["YMD", "HMS"];
    for (at, mut part) in rest.split('T').enumerate() {
        if at != 0 && part.is_empty() {
            return wrong("no time elements");
        }
        let Some(all) = UNITS.get(at) else { return wrong("more than one T") };
        let mut units = *all;
        while !part.is_empty() {
            let digits = leading_digits(part);
            if digits == 0 {
                return wrong("missing number");
            }
            part = &part[digits..];
            let Some(unit) = part.bytes().next() else { return wrong("missing unit") };
            let shown = rune(char::from(unit));
            match units.bytes().position(|known| known == unit) {
                Some(place) => units = &units[place + 1..],
                None if all.bytes().any(|known| known == unit) => return wrong(format!("unit {shown} out of order")),
                None => return wrong(format!("invalid unit {shown}")),
            }
            part = part.get(1..).unwrap_or_default();
        }
    }
    Ok(())
}

fn atoi(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let quoted = bowline_yaml::quote(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return wrong(format!("strconv.Atoi: parsing {quoted}: invalid syntax"));
    }
    text.parse().or_else(|_| wrong(format!("strconv.Atoi: parsing {quoted}: value out of range")))
}

fn ipv4(text: &str) -> Checked {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return wrong("expected four decimals");
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return wrong("leading zeros");
        }
        if !(0..=255).contains(&atoi(group)?) {
            return wrong("decimal must be between 0 and 255");
        }
    }
    Ok(())
}

fn ipv6(text: &str) -> Checked {
    if !text.contains(':') {
        return wrong("missing colon");
    }
    match urls::parse_address(text)? {
        (_, true) => wrong("zone id is not a part of ipv6 address"),
        (_, false) => Ok(()),
    }
}

fn hostname(text: &str) -> Checked {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return wrong("more than 253 characters long");
    }
    for label in text.split('.') {
        if !(1..=63).contains(&label.len()) {
            return wrong("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return wrong("label starts with hyphen");
        }
        if label.ends_with('-') {
            return wrong("label ends with hyphen");
        }
        if let Some(c) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return wrong(format!("invalid character {}", rune(c)));
        }
    }
    Ok(())
}

fn email(text: &str) -> Checked {
    if text.len() > 254 {
        return wrong("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return wrong("missing @") };
    if local.len() > 64 {
        return wrong("local part more than 64 characters long");
    }
    let inner = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(inner) = inner {
        if inner.contains(['\\', '"']) {
            return wrong("backslash and quote are not allowed within quoted local part");
        }
    } else {
        if local.starts_with('.') {
            return wrong("starts with dot");
        }
        if local.ends_with('.') {
            return wrong("ends with dot");
        }
        if local.contains("..") {
            return wrong("consecutive dots");
        }
        let allowed = |c: &char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(*c);
        if let Some(c) = local.chars().find(|c| !allowed(c)) {
            return wrong(format!("invalid character {}", rune(c)));
        }
    }
    if let Some(address) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|why| format!("invalid ipv6 address: {why}")),
            None => ipv4(address).map_err(|why| format!("invalid ipv4 address: {why}")),
        };
    }
    hostname(domain).map_err(|why| format!("invalid domain: {why}"))
}

fn date(text: &str) -> Checked {
    check_time("2006-01-02", text, &TimeZone::UTC)
}

fn time(text: &str) -> Checked {
    if text.len() < 9 {
        return wrong("less than 9 characters long");
    }
    let bytes = text.as_bytes();
    if bytes[2] != b':' || bytes[5] != b':' {
        return wrong("missing colon in correct place");
    }
    let part = |part: &[u8], wrong_part: &str, negative: &str| -> Result<i64, String> {
        let value = atoi(&String::from_utf8_lossy(part)).map_err(|_| wrong_part.to_owned())?;
        if value < 0 { wrong(negative) } else { Ok(value) }
    };
    let hms = |range| part(range, "invalid hour/min/sec", "non-positive hour/min/sec");
    let (mut hour, mut minute, second) = (hms(&bytes[..2])?, hms(&bytes[3..5])?, hms(&bytes[6..8])?);
    if hour > 23 || minute > 59 || second > 60 {
        return wrong("hour/min/sec out of range");
    }
    let mut rest = &bytes[8..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return wrong("no digits in second fraction");
        }
        rest = &fraction[digits..];
    }
    if !matches!(rest, b"z" | b"Z") {
        if rest.len() != 6 {
            return wrong("offset must be 6 characters long");
        }
        let sign = match rest[0] {
            b'+' => -1,
            b'-' => 1,
            _ => return wrong("offset must begin with plus/minus"),
        };
        if rest[3] != b':' {
            return wrong("missing colon in offset in correct place");
        }
        let offset = |range| part(range, "invalid hour/min in offset", "non-positive hour/min in offset");
        let (hours, minutes) = (offset(&rest[1..3])?, offset(&rest[4..])?);
        if hours > 23 || minutes > 59 {
            return wrong("hour/min in offset out of range");
        }
        let mut total = hour * 60 + minute + sign * (hours * 60 + minutes);
        if total < 0 {
            total += 24 * 60;
        }
        (hour, minute) = (total / 60, total % 60);
    }
    if second >= 60 && (hour, minute) != (23, 59) {
        return wrong("invalid leap second");
    }
    Ok(())
}

fn date_time(text: &str) -> Checked {
    if text.len() < 20 {
        return wrong("less than 20 characters long");
    }
    if !matches!(text.as_bytes()[10], b't' | b'T') {
        return wrong("11th character must be t or T");
    }
    let (day, rest) = text.as_bytes().split_at(10);
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    date(&lossy(day)).map_err(|why| format!("invalid date element: {why}"))?;
    time(&lossy(&rest[1..])).map_err(|why| format!("invalid time element: {why}"))
}

fn parse_url(text: &str) -> Result<urls::Shape, String> {
    let url = urls::shape(text)?;
    if url.hostname.contains(':') {
        if !url.host.contains('[') || !url.host.contains(']') {
            return wrong("ipv6 address not enclosed in brackets");
        }
        ipv6(&url.hostname).map_err(|why| format!("invalid ipv6 address: {why}"))?;
    }
    Ok(url)
}

fn uri(text: &str) -> Checked {
    if parse_url(text)?.absolute { Ok(()) } else { wrong("relative url") }
}

fn uri_reference(text: &str) -> Checked {
    if text.contains('\\') {
        return wrong("contains \\");
    }
    parse_url(text).map(|_| ())
}

fn uri_template(text: &str) -> Checked {
    let url = parse_url(text)?;
    for part in url.raw_path.split('/') {
        let part = urls::path_unescape(part).map_err(|why| format!("percent decode failed: {why}"))?;
        let mut open = false;
        for c in part.chars().filter(|c| matches!(c, '{' | '}')) {
            if (c == '{') == open {
                return wrong("nested curly braces");
            }
            open = !open;
        }
        if open {
            return wrong("no matching closing brace");
        }
    }
    Ok(())
}

fn period(text: &str) -> Checked {
    let Some((start, end)) = text.split_once('/') else { return wrong("missing slash") };
    if start.starts_with('P') {
        duration(start).map_err(|why| format!("invalid start duration: {why}"))?;
        return date_time(end).map_err(|why| format!("invalid end date-time: {why}"));
    }
    date_time(start).map_err(|why| format!("invalid start date-time: {why}"))?;
    if end.starts_with('P') {
        return duration(end).map_err(|why| format!("invalid end duration: {why}"));
    }
    date_time(end).map_err(|why| format!("invalid end date-time: {why}"))
}

fn semver(text: &str) -> Checked {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let mut core = text;
    if let Some((before, build)) = core.split_once('+') {
        if build.is_empty() {
            return wrong("build is empty");
        }
        for part in build.split('.') {
            if part.is_empty() {
                return wrong("build identifier is empty");
            }
            if let Some(c) = part.chars().find(|c| !allowed(c)) {
                return wrong(format!("invalid character {} in build identifier", rune(c)));
            }
        }
        core = before;
    }
    if let Some((before, pre)) = core.split_once('-') {
        for part in pre.split('.') {
            if part.is_empty() {
                return wrong("pre-release identifier is empty");
            }
            if let Some(c) = part.chars().find(|c| !allowed(c)) {
                return wrong(format!("invalid character {} in pre-release identifier", rune(c)));
            }
            if part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit()) {
                return wrong("pre-release numeric identifier starts with zero");
            }
        }
        core = before;
    }
    let numbers: Vec<&str> = core.split('.').collect();
    if numbers.len() != 3 {
        return wrong("versionCore must have 3 numbers separated by dot");
    }
    for (name, number) in ["major", "minor", "patch"].into_iter().zip(numbers) {
        if number.is_empty() {
            return wrong(format!("{name} is empty"));
        }
        if number.len() > 1 && number.starts_with('0') {
            return wrong(format!("{name} starts with zero"));
        }
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return wrong(format!("{name} contains non-digit"));
        }
    }
    Ok(())
}

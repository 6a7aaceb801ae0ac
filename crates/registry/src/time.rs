//! Times in files, as Go reads and writes them (RFC 3339).

use bowline_yaml::quote;

/// A time as Go prints it again: without zeros at the end of the fraction.
pub(crate) fn time(text: &str) -> String {
    let Some(dot) = text.find('.') else { return text.to_owned() };
    let end = text[dot + 1..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |at| dot + 1 + at);
    let fraction = text[dot..end].trim_end_matches('0').trim_end_matches('.');
    format!("{}{fraction}{}", &text[..dot], &text[end..])
}

/// Whether Go takes it for a time.
///
/// # Errors
/// In Go's words.
pub(crate) fn check_time(text: &str) -> Result<(), String> {
    const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
    let wrong = |rest: &str, part: &str| {
        let (text, rest, part) = (quote(text), quote(rest), quote(part));
        format!("parsing time {text} as {}: cannot parse {rest} as {part}", quote(LAYOUT))
    };
    let mut rest = text;
    let mut numbers = [0u32; 6];
    for (at, (digits, part, separator)) in
        [(4, "2006", "-"), (2, "01", "-"), (2, "02", "T"), (2, "15", ":"), (2, "04", ":"), (2, "05", "")]
            .into_iter()
            .enumerate()
    {
        let number = rest.get(..digits).filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
        numbers[at] = number.and_then(|number| number.parse().ok()).ok_or_else(|| wrong(rest, part))?;
        rest = &rest[digits..];
        rest = rest.strip_prefix(separator).ok_or_else(|| wrong(rest, separator))?;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let zone = rest.strip_prefix(['+', '-']).is_some_and(|zone| {
        let mut parts = zone.split(':');
        let two =
            |part: Option<&str>| part.is_some_and(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()));
        two(parts.next()) && two(parts.next()) && parts.next().is_none()
    });
    if rest != "Z" && !zone {
        return Err(wrong(rest, "Z07:00"));
    }
    let [year, month, day, hour, minute, second] = numbers;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let out = [
        ("month", !(1..=12).contains(&month)),
        ("day", !(1..=days).contains(&day)),
        ("hour", hour > 23),
        ("minute", minute > 59),
        ("second", second > 59),
    ];
    let out = out.iter().find(|(_, out)| *out);
    out.map_or(Ok(()), |(part, _)| Err(format!("parsing time {}: {part} out of range", quote(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_gos() {
        assert_eq!(time("2020-01-01T00:00:00.5000+02:00"), "2020-01-01T00:00:00.5+02:00");
        assert_eq!(time("2020-01-01T00:00:00.000Z"), "2020-01-01T00:00:00Z");
        for good in ["2020-02-29T00:00:00Z", "2020-01-01T00:00:00.123456789-11:30"] {
            assert_eq!(check_time(good), Ok(()));
        }
        let ends = |text: &str, end: &str| assert!(check_time(text).unwrap_err().ends_with(end), "{text}");
        ends("yesterday", "cannot parse \"yesterday\" as \"2006\"");
        ends("2020-01-01", "cannot parse \"\" as \"T\"");
        ends("2020-01-01T00:00:00", "cannot parse \"\" as \"Z07:00\"");
        ends("2021-02-29T00:00:00Z", "day out of range");
        ends("é", "cannot parse \"é\" as \"2006\"");
    }
}

//! Times in JSON, as Go's `time.Time` takes them.

const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";

/// Checks a text of RFC 3339; `None` stands for what is no text.
///
/// # Errors
/// With Go's text.
pub(crate) fn check(text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else { return Err("Time.UnmarshalJSON: input is not a JSON string".to_owned()) };
    let quoted = bowline_yaml::quote(text);
    let fail = |rest: &str, part: &str| {
        let (rest, layout) = (bowline_yaml::quote(rest), bowline_yaml::quote(LAYOUT));
        Err(format!("parsing time {quoted} as {layout}: cannot parse {rest} as {}", bowline_yaml::quote(part)))
    };
    let range = |what: &str| Err(format!("parsing time {quoted}: {what} out of range"));
    let mut rest = text;
    let mut numbers = [0_u32; 6];
    let parts = [("2006", "-"), ("01", "-"), ("02", "T"), ("15", ":"), ("04", ":"), ("05", "")];
    for (number, (part, separator)) in numbers.iter_mut().zip(parts) {
        let digits = rest.get(..part.len()).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let Some(digits) = digits else { return fail(rest, part) };
        *number = digits.parse().unwrap_or_default();
        rest = &rest[part.len()..];
        match rest.strip_prefix(separator) {
            Some(after) => rest = after,
            None => return fail(rest, separator),
        }
    }
    let [year, month, day, hour, minute, second] = numbers;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            rest = &fraction[digits..];
        }
    }
    let zone = rest.strip_prefix('Z').or_else(|| {
        let (sign, digits) = rest.split_at_checked(1)?;
        let fine = matches!(sign, "+" | "-") && digits.len() >= 5 && digits.as_bytes()[2] == b':';
        let number = |range| digits.get(range).is_some_and(|part: &str| part.bytes().all(|b| b.is_ascii_digit()));
        (fine && number(0..2) && number(3..5)).then(|| &digits[5..])
    });
    let Some(after) = zone else { return fail(rest, "Z07:00") };
    if !after.is_empty() {
        return Err(format!("parsing time {quoted}: extra text: {}", bowline_yaml::quote(after)));
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return range("month"),
    };
    if day == 0 || day > days {
        return range("day");
    }
    match (hour > 23, minute > 59, second > 59) {
        (true, ..) => range("hour"),
        (_, true, _) => range("minute"),
        (.., true) => range("second"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn times_of_locks() {
        for text in ["2020-01-01T00:00:00Z", "2024-02-29T23:59:59.123456789+02:00"] {
            assert_eq!(check(Some(text)), Ok(()), "{text}");
        }
        for text in
            ["", "2020", "2020-13-01T00:00:00Z", "2021-02-29T00:00:00Z", "2020-01-01T00:00:00", "2020-01-01T24:00:00Z"]
        {
            assert!(check(Some(text)).is_err(), "{text}");
        }
    }
}

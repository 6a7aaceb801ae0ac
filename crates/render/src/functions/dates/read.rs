//! Times read with a layout (`time.ParseInLocation`), with Go's errors.

use super::layout::{self, Part, Precision};
use super::time::{DAYS, MONTHS, Time, Zone, days_to, is_leap, to_utc};
use jiff::tz::TimeZone;

/// What has been read so far.
#[derive(Default)]
struct Found {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    after_noon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone: String,
}

/// Why a part does not fit.
enum Misfit {
    /// The text is not of the part's form.
    Form,
    /// Its number is too large; the word for it.
    Range(&'static str),
}

type Reading<'v, T> = Result<(T, &'v str), Misfit>;

/// # Errors
/// With Go's text.
pub(super) fn read(layout_text: &str, value_text: &str, zone: &TimeZone) -> Result<Time, String> {
    let quoted = bowline_gotemplate::duration::quote;
    let cannot = |value: &str, part: &str| {
        let (whole, layout) = (quoted(value_text), quoted(layout_text));
        format!("parsing time {whole} as {layout}: cannot parse {} as {}", quoted(value), quoted(part))
    };
    let message = |message: String| format!("parsing time {}{message}", quoted(value_text));
    let mut found = Found::default();
    let (mut layout, mut value) = (layout_text, value_text);
    loop {
        let next = layout::next(layout);
        let prefix = next.map_or(layout, |(prefix, ..)| prefix);
        value = skip(value, prefix).map_err(|rest| cannot(rest, prefix))?;
        let Some((_, written, part, rest)) = next else {
            if !value.is_empty() {
                return Err(message(format!(": extra text: {}", quoted(value))));
            }
            break;
        };
        layout = rest;
        match found.read(part, value, layout) {
            Ok(after) => value = after,
            Err(Misfit::Form) => return Err(cannot(value, written)),
            Err(Misfit::Range(what)) => return Err(message(format!(": {what} out of range"))),
        }
    }
    found.time(zone).map_err(|what| message(format!(": {what}")))
}

/// What follows `prefix`; spaces match spaces.
fn skip<'v>(value: &'v str, prefix: &str) -> Result<&'v str, &'v str> {
    let (mut value, mut prefix) = (value, prefix);
    while let Some(wanted) = prefix.chars().next() {
        if wanted == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            (prefix, value) = (prefix.trim_start_matches(' '), value.trim_start_matches(' '));
            continue;
        }
        value = value.strip_prefix(wanted).ok_or(value)?;
        prefix = &prefix[wanted.len_utf8()..];
    }
    Ok(value)
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// One or two digits; exactly two where `fixed`.
fn number(value: &str, fixed: bool) -> Reading<'_, i64> {
    let count = digits(value).min(2);
    if count == 0 || (fixed && count == 1) {
        return Err(Misfit::Form);
    }
    Ok((value[..count].parse().unwrap_or(0), &value[count..]))
}

fn name<'v>(names: &[&str], short: bool, value: &'v str) -> Reading<'v, i64> {
    for (i, name) in names.iter().enumerate() {
        let name = if short { &name[..3] } else { name };
        if value.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return Ok((i as i64 + 1, &value[name.len()..]));
        }
    }
    Err(Misfit::Form)
}

fn limited<'v>(what: &'static str, range: std::ops::RangeInclusive<i64>, read: Reading<'v, i64>) -> Reading<'v, i64> {
    match read {
        Ok((number, _)) if !range.contains(&number) => Err(Misfit::Range(what)),
        other => other,
    }
}

impl Found {
    /// Reads one part; gives what follows.
    fn read<'v>(&mut self, part: Part, value: &'v str, layout: &str) -> Result<&'v str, Misfit> {
        let take = |count: usize| value.get(..count).map(|text| (text, &value[count..])).ok_or(Misfit::Form);
        Ok(match part {
            Part::Year => {
                let (text, rest) = take(2)?;
                let year: i64 = text.parse().map_err(|_| Misfit::Form)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                rest
            }
            Part::LongYear => {
                let (text, rest) = take(4)?;
                if digits(text) == 0 {
                    return Err(Misfit::Form);
                }
                self.year = text.parse().map_err(|_| Misfit::Form)?;
                rest
            }
            Part::Month | Part::LongMonth => self.month(name(&MONTHS, part == Part::Month, value)?),
            Part::NumMonth | Part::ZeroMonth => {
                self.month(limited("month", 1..=12, number(value, part == Part::ZeroMonth))?)
            }
            Part::Weekday | Part::LongWeekday => name(&DAYS, part == Part::Weekday, value)?.1,
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                let value = if part == Part::UnderDay { value.strip_prefix(' ').unwrap_or(value) } else { value };
                let (day, rest) = number(value, part == Part::ZeroDay)?;
                self.day = Some(day);
                rest
            }
            Part::UnderYearDay | Part::ZeroYearDay => {
                let mut value = value;
                if part == Part::UnderYearDay {
                    value = value.strip_prefix(' ').unwrap_or(value);
                    value = value.strip_prefix(' ').unwrap_or(value);
                }
                let count = digits(value).min(3);
                if count == 0 || (part == Part::ZeroYearDay && count != 3) {
                    return Err(Misfit::Form);
                }
                self.day_of_year = value[..count].parse().ok();
                &value[count..]
            }
            Part::Hour => set(&mut self.hour, limited("hour", 0..=23, number(value, false))?),
            Part::Hour12 | Part::ZeroHour12 => {
                set(&mut self.hour, limited("hour", 0..=12, number(value, part == Part::ZeroHour12))?)
            }
            Part::Minute | Part::ZeroMinute => {
                set(&mut self.minute, limited("minute", 0..=59, number(value, part == Part::ZeroMinute))?)
            }
            Part::Second | Part::ZeroSecond => {
                let second = limited("second", 0..=59, number(value, part == Part::ZeroSecond))?;
                let rest = set(&mut self.second, second);
                // A fraction may follow that the layout does not name.
                let named = matches!(layout::next(layout), Some((_, _, Part::Fraction { .. }, _)));
                match rest.strip_prefix(['.', ',']).map(digits) {
                    Some(count) if count > 0 && !named => self.fraction(rest, count + 1),
                    _ => rest,
                }
            }
            Part::Pm | Part::SmallPm => {
                let (text, rest) = take(2)?;
                self.after_noon = match (part, text) {
                    (Part::Pm, "PM") | (Part::SmallPm, "pm") => Some(true),
                    (Part::Pm, "AM") | (Part::SmallPm, "am") => Some(false),
                    _ => return Err(Misfit::Form),
                };
                rest
            }
            Part::Offset { z: true, .. } if value.starts_with('Z') => {
                self.utc = true;
                &value[1..]
            }
            Part::Offset { precision, colons, .. } => self.offset(value, precision, colons)?,
            Part::ZoneName => self.zone_name(value)?,
            Part::Fraction { digits: count, all: true, .. } => {
                let (text, _) = take(count + 1)?;
                if !text.starts_with(['.', ',']) || digits(&text[1..]) != count {
                    return Err(Misfit::Form);
                }
                self.fraction(value, count + 1)
            }
            Part::Fraction { .. } => match value.strip_prefix(['.', ',']).map(digits) {
                Some(count) if count > 0 => self.fraction(value, count + 1),
                _ => value,
            },
        })
    }

    fn month<'v>(&mut self, (month, rest): (i64, &'v str)) -> &'v str {
        self.month = Some(month);
        rest
    }

    /// Takes a mark and digits, `length` bytes in all.
    fn fraction<'v>(&mut self, value: &'v str, length: usize) -> &'v str {
        let nine = format!("{:0<9}", &value[1..length.min(10)]);
        self.nanosecond = nine.parse().unwrap_or(0);
        &value[length..]
    }

    fn offset<'v>(&mut self, value: &'v str, precision: Precision, colons: bool) -> Result<&'v str, Misfit> {
        let (places, length): (&[usize], usize) = match (precision, colons) {
            (Precision::Hours, _) => (&[1], 3),
            (Precision::Minutes, false) => (&[1, 3], 5),
            (Precision::Minutes, true) => (&[1, 4], 6),
            (Precision::Seconds, false) => (&[1, 3, 5], 7),
            (Precision::Seconds, true) => (&[1, 4, 7], 9),
        };
        let text = value.get(..length).filter(|text| text.is_ascii()).ok_or(Misfit::Form)?;
        if colons && places.iter().skip(1).any(|place| text.as_bytes()[place - 1] != b':') {
            return Err(Misfit::Form);
        }
        let mut parts = [0; 3];
        let mut form = Ok(());
        for (part, place) in parts.iter_mut().zip(places) {
            match number(&text[*place..place + 2], true) {
                Ok((number, _)) => *part = number,
                Err(_) => {
                    form = Err(Misfit::Form);
                    break;
                }
            }
        }
        let limits = [(24, "time zone offset hour"), (60, "time zone offset minute"), (60, "time zone offset second")];
        for (part, (limit, what)) in parts.iter().zip(limits) {
            if *part > limit {
                return Err(Misfit::Range(what));
            }
        }
        form?;
        let size = (parts[0] * 60 + parts[1]) * 60 + parts[2];
        self.offset = Some(match text.as_bytes()[0] {
            b'+' => size,
            b'-' => -size,
            _ => return Err(Misfit::Form),
        });
        Ok(&value[length..])
    }

    fn zone_name<'v>(&mut self, value: &'v str) -> Result<&'v str, Misfit> {
        if let Some(rest) = value.strip_prefix("UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = zone_name_length(value).ok_or(Misfit::Form)?;
        self.zone = value[..length].to_owned();
        Ok(&value[length..])
    }

    fn time(self, local: &TimeZone) -> Result<Time, &'static str> {
        let hour = match self.after_noon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = self.date()?;
        let clock = (days_to(self.year, month) + day - 1) * 86_400 + hour * 3600 + self.minute * 60 + self.second;
        let at = |seconds, zone| Time::new(seconds, self.nanosecond as i32, zone);
        let named = Zone::Local(local.clone());
        if self.utc {
            return Ok(at(clock, Zone::utc()));
        }
        if let Some(offset) = self.offset {
            let seconds = clock - offset;
            let (there, name) = named.at(seconds);
            let is_local = there == offset && (self.zone.is_empty() || self.zone == name);
            return Ok(at(seconds, if is_local { named } else { Zone::Fixed(self.zone, offset as i32) }));
        }
        if !self.zone.is_empty() {
            let (there, name) = named.at(clock);
            if name == self.zone {
                return Ok(at(clock - there, named));
            }
            let offset = self.zone.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok()).unwrap_or(0) * 3600;
            return Ok(at(clock, Zone::Fixed(self.zone, offset)));
        }
        Ok(at(to_utc(clock, &named), named))
    }

    /// Month and day, from either or from the day of the year.
    fn date(&self) -> Result<(i64, i64), &'static str> {
        let length =
            |month: i64| days_to(self.year + i64::from(month == 12), month % 12 + 1) - days_to(self.year, month);
        if let Some(day_of_year) = self.day_of_year {
            if day_of_year < 1 || day_of_year > 365 + i64::from(is_leap(self.year)) {
                return Err("day-of-year out of range");
            }
            let mut month = 1;
            let mut day = day_of_year;
            while day > length(month) {
                day -= length(month);
                month += 1;
            }
            if self.month.is_some_and(|known| known != month) {
                return Err("day-of-year does not match month");
            }
            if self.day.is_some_and(|known| known != day) {
                return Err("day-of-year does not match day");
            }
            return Ok((month, day));
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if day < 1 || day > length(month) { Err("day out of range") } else { Ok((month, day)) }
    }
}

fn set<'v>(field: &mut i64, (number, rest): (i64, &'v str)) -> &'v str {
    *field = number;
    rest
}

/// How long a zone's abbreviation is.
fn zone_name_length(value: &str) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with("ChST") || value.starts_with("MeST") {
        return Some(4);
    }
    let signed = |text: &str| -> usize {
        let Some(rest) = text.strip_prefix(['+', '-']) else { return 0 };
        let count = digits(rest);
        if count > 0 && rest[..count].parse::<u32>().is_ok_and(|hours| hours <= 23) { count + 1 } else { 0 }
    };
    if let Some(rest) = value.strip_prefix("GMT") {
        return Some(3 + signed(rest));
    }
    if value.starts_with(['+', '-']) {
        return Some(signed(value)).filter(|length| *length > 0);
    }
    let capitals = value.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match capitals {
        5 if value.as_bytes()[4] == b'T' => Some(5),
        4 if value.as_bytes()[3] == b'T' || value.starts_with("WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

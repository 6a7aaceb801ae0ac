//! Go's layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` written the way a time is to be written.

use super::time::{DAYS, MONTHS, Time};

/// A part of a layout that stands for a part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Pm,
    SmallPm,
    ZoneName,
    /// An offset: whether `Z` stands for none, how far it goes, with colons or not.
    Offset {
        z: bool,
        precision: Precision,
        colons: bool,
    },
    /// Digits of the second, all of them or without zeros at the end.
    Fraction {
        digits: usize,
        all: bool,
        mark: char,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Hours,
    Minutes,
    Seconds,
}

const FIXED: [(&str, Part); 33] = [
    ("January", Part::LongMonth),
    ("Jan", Part::Month),
    ("Monday", Part::LongWeekday),
    ("Mon", Part::Weekday),
    ("MST", Part::ZoneName),
    ("002", Part::ZeroYearDay),
    ("01", Part::ZeroMonth),
    ("02", Part::ZeroDay),
    ("03", Part::ZeroHour12),
    ("04", Part::ZeroMinute),
    ("05", Part::ZeroSecond),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("1", Part::NumMonth),
    ("2006", Part::LongYear),
    ("2", Part::Day),
    ("__2", Part::UnderYearDay),
    ("_2", Part::UnderDay),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::Pm),
    ("pm", Part::SmallPm),
    ("-070000", offset(false, Precision::Seconds, false)),
    ("-07:00:00", offset(false, Precision::Seconds, true)),
    ("-0700", offset(false, Precision::Minutes, false)),
    ("-07:00", offset(false, Precision::Minutes, true)),
    ("-07", offset(false, Precision::Hours, false)),
    ("Z070000", offset(true, Precision::Seconds, false)),
    ("Z07:00:00", offset(true, Precision::Seconds, true)),
    ("Z0700", offset(true, Precision::Minutes, false)),
    ("Z07:00", offset(true, Precision::Minutes, true)),
    ("Z07", offset(true, Precision::Hours, false)),
];

const fn offset(z: bool, precision: Precision, colons: bool) -> Part {
    Part::Offset { z, precision, colons }
}

/// The text before the next part, the part as written, what it is, and the rest.
pub(super) fn next(layout: &str) -> Option<(&str, &str, Part, &str)> {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        if let Some((length, part)) = part_at(rest) {
            return Some((&layout[..at], &rest[..length], part, &rest[length..]));
        }
        // `_2006` is a line and a year.
        if let Some(after) = rest.strip_prefix("_2006") {
            return Some((&layout[..=at], &rest[1..5], Part::LongYear, after));
        }
    }
    None
}

fn part_at(text: &str) -> Option<(usize, Part)> {
    let first = text.chars().next()?;
    if first == '.' || first == ',' {
        return fraction(text, first);
    }
    let (name, part) = FIXED.iter().find(|(name, _)| text.starts_with(name))?;
    let follows_small = text[name.len()..].starts_with(|c: char| c.is_ascii_lowercase());
    if (matches!(part, Part::Month | Part::Weekday) && follows_small) || text.starts_with("_2006") {
        return None;
    }
    Some((name.len(), *part))
}

fn fraction(text: &str, mark: char) -> Option<(usize, Part)> {
    let digits = &text[1..];
    let digit = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let count = digits.chars().take_while(|c| *c == digit).count();
    if digits[count..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some((1 + count, Part::Fraction { digits: count, all: digit == '0', mark }))
}

/// A time in a layout.
pub(super) fn write(time: &Time, layout: &str) -> String {
    let civil = time.civil();
    let (offset, zone) = time.offset();
    let mut out = String::with_capacity(layout.len() + 10);
    let mut rest = layout;
    while let Some((before, _, part, after)) = next(rest) {
        out.push_str(before);
        rest = after;
        let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
        match part {
            Part::LongMonth => out.push_str(MONTHS[civil.month - 1]),
            Part::Month => out.push_str(&MONTHS[civil.month - 1][..3]),
            Part::NumMonth => out.push_str(&civil.month.to_string()),
            Part::ZeroMonth => out.push_str(&format!("{:02}", civil.month)),
            Part::LongWeekday => out.push_str(DAYS[civil.weekday]),
            Part::Weekday => out.push_str(&DAYS[civil.weekday][..3]),
            Part::Day => out.push_str(&civil.day.to_string()),
            Part::UnderDay => out.push_str(&format!("{:2}", civil.day)),
            Part::ZeroDay => out.push_str(&format!("{:02}", civil.day)),
            Part::UnderYearDay => out.push_str(&format!("{:3}", civil.day_of_year)),
            Part::ZeroYearDay => out.push_str(&format!("{:03}", civil.day_of_year)),
            Part::Hour => out.push_str(&format!("{:02}", civil.hour)),
            Part::Hour12 => out.push_str(&hour12.to_string()),
            Part::ZeroHour12 => out.push_str(&format!("{hour12:02}")),
            Part::Minute => out.push_str(&civil.minute.to_string()),
            Part::ZeroMinute => out.push_str(&format!("{:02}", civil.minute)),
            Part::Second => out.push_str(&civil.second.to_string()),
            Part::ZeroSecond => out.push_str(&format!("{:02}", civil.second)),
            Part::LongYear if civil.year < 0 => out.push_str(&format!("-{:04}", -civil.year)),
            Part::LongYear => out.push_str(&format!("{:04}", civil.year)),
            Part::Year => out.push_str(&format!("{:02}", civil.year.max(0) % 100)),
            Part::Pm => out.push_str(if civil.hour >= 12 { "PM" } else { "AM" }),
            Part::SmallPm => out.push_str(if civil.hour >= 12 { "pm" } else { "am" }),
            Part::ZoneName if zone.is_empty() => {
                // A zone without a name shows its offset.
                push_offset(&mut out, offset, Precision::Minutes, false);
            }
            Part::ZoneName => out.push_str(&zone),
            Part::Offset { z: true, .. } if offset == 0 => out.push('Z'),
            Part::Offset { precision, colons, .. } => push_offset(&mut out, offset, precision, colons),
            Part::Fraction { digits, all, mark } => {
                let text = format!("{:09}", time.nanoseconds);
                let text = &text[..digits.min(9)];
                let text = if all { text } else { text.trim_end_matches('0') };
                if !text.is_empty() {
                    out.push(mark);
                    out.push_str(text);
                }
            }
        }
    }
    out.push_str(rest);
    out
}

fn push_offset(out: &mut String, offset: i64, precision: Precision, colons: bool) {
    // The sign is that of the whole minutes.
    let minutes = offset / 60;
    out.push(if minutes < 0 { '-' } else { '+' });
    let size = minutes.abs();
    out.push_str(&format!("{:02}", size / 60));
    let colon = if colons { ":" } else { "" };
    if precision != Precision::Hours {
        out.push_str(&format!("{colon}{:02}", size % 60));
    }
    if precision == Precision::Seconds {
        out.push_str(&format!("{colon}{:02}", offset.abs() % 60));
    }
}

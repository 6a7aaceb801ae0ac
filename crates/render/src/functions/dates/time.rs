//! `time.Time`, `time.Month` and `time.Weekday`.

use super::layout;
use bowline_gotemplate::duration::quote;
use bowline_gotemplate::{Failure, Kind, MethodType, Object, Type, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::any::Any;
use std::borrow::Cow;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The year 1, where Go's times begin.
const ZERO: i64 = -62_135_596_800;

/// Where a clock hangs.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// A zone with its rules.
    Named(TimeZone),
    /// The zone of the machine, which Go tells apart from others with the same rules.
    Local(TimeZone),
    /// A fixed offset in seconds, with a name or none.
    Fixed(String, i32),
}

impl Zone {
    pub(super) fn utc() -> Self {
        Self::Named(TimeZone::UTC)
    }

    /// Offset and name at a time.
    pub(super) fn at(&self, seconds: i64) -> (i64, String) {
        match self {
            Self::Fixed(name, offset) => (i64::from(*offset), name.clone()),
            Self::Named(zone) | Self::Local(zone) => {
                let clamped = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let info = Timestamp::from_second(clamped).ok().map(|at| {
                    let info = zone.to_offset_info(at);
                    (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
                });
                info.unwrap_or_else(|| (0, "UTC".to_owned()))
            }
        }
    }
}

/// A point in time with the zone to show it in.
#[derive(Clone, Debug)]
pub(super) struct Time {
    pub(super) seconds: i64,
    pub(super) nanoseconds: i32,
    zone: Zone,
}

/// Date and time of day as a clock shows them.
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: usize,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) weekday: usize,
    pub(super) day_of_year: i64,
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 1970 to the first of a month.
pub(super) fn days_to(year: i64, month: i64) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

impl Time {
    /// The name of its zone, where that is nothing but an offset with a name.
    pub(super) fn fixed_zone(&self) -> Option<&str> {
        match &self.zone {
            Zone::Fixed(name, _) => Some(name),
            Zone::Named(_) | Zone::Local(_) => None,
        }
    }

    pub(super) fn new(seconds: i64, nanoseconds: i32, zone: Zone) -> Self {
        Self { seconds, nanoseconds, zone }
    }

    pub(super) fn zero() -> Self {
        Self::new(ZERO, 0, Zone::utc())
    }

    /// The time in a value.
    pub(super) fn of(value: &Value) -> Option<&Self> {
        match value {
            Value::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    pub(super) fn in_zone(&self, zone: Zone) -> Self {
        Self { zone, ..*self }
    }

    pub(super) fn offset(&self) -> (i64, String) {
        self.zone.at(self.seconds)
    }

    pub(super) fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(self.offset().0);
        let (days, time) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = (march_month + 2) % 12 + 1;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Civil {
            year,
            month: month as usize,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
            weekday: (days + 4).rem_euclid(7) as usize,
            day_of_year: days - days_to(year, 1) + 1,
        }
    }

    /// Nanoseconds from `other` to this, as far as a duration reaches.
    pub(super) fn since(&self, other: &Self) -> i64 {
        let difference =
            i128::from(self.seconds - other.seconds) * 1_000_000_000 + i128::from(self.nanoseconds - other.nanoseconds);
        i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
    }

    pub(super) fn plus(&self, nanoseconds: i64) -> Self {
        let total = i64::from(self.nanoseconds) + nanoseconds % 1_000_000_000;
        Self {
            seconds: self
                .seconds
                .saturating_add(nanoseconds / 1_000_000_000)
                .saturating_add(total.div_euclid(1_000_000_000)),
            nanoseconds: total.rem_euclid(1_000_000_000) as i32,
            zone: self.zone.clone(),
        }
    }

    /// Units since 1970, of which a second has so many; what does not fit wraps, as in Go.
    fn units_since_epoch(&self, per_second: i64) -> i64 {
        let part = i64::from(self.nanoseconds) / (1_000_000_000 / per_second);
        self.seconds.wrapping_mul(per_second).wrapping_add(part)
    }

    fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let month = civil.month as i64 - 1 + months;
        let year = civil.year + years + month.div_euclid(12);
        let day = days_to(year, month.rem_euclid(12) + 1) + civil.day - 1 + days;
        let local = day * 86_400 + civil.hour * 3600 + civil.minute * 60 + civil.second;
        Self { seconds: to_utc(local, &self.zone), ..self.clone() }
    }

    /// To a multiple of `unit` since the year 1.
    fn truncated(&self, unit: i64) -> Self {
        if unit <= 0 {
            return self.clone();
        }
        self.plus(-self.rest(unit))
    }

    fn rounded(&self, unit: i64) -> Self {
        if unit <= 0 {
            return self.clone();
        }
        let rest = self.rest(unit);
        self.plus(bowline_gotemplate::duration::round(rest, unit) - rest)
    }

    fn rest(&self, unit: i64) -> i64 {
        let since = i128::from(self.seconds - ZERO) * 1_000_000_000 + i128::from(self.nanoseconds);
        since.rem_euclid(i128::from(unit)) as i64
    }
}

/// Seconds since 1970 of what a clock in `zone` shows as `local`.
pub(super) fn to_utc(local: i64, zone: &Zone) -> i64 {
    let (offset, _) = zone.at(local);
    let (there, _) = zone.at(local - offset);
    local - there
}

const DURATION: Type = Type::Named("time.Duration");
const TIME: Type = Type::Named("time.Time");

impl Object for Time {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed("time.Time")
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        // Go's own layout of the parts; nobody should look at them.
        vec![
            ("wall".into(), Value::Uint64(self.nanoseconds as u64)),
            ("ext".into(), Value::Int64(self.seconds - ZERO)),
            ("loc".into(), Value::Nil),
        ]
    }

    fn method(&self, name: &str) -> Option<MethodType> {
        let (params, returns): (&'static [Type], Type) = match name {
            "Year" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "YearDay" => (&[], Type::Int),
            "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" => (&[], Type::Int64),
            "Month" => (&[], Type::Named("time.Month")),
            "Weekday" => (&[], Type::Named("time.Weekday")),
            "String" => (&[], Type::Text),
            "Format" => (&[Type::Text], Type::Text),
            "UTC" => (&[], TIME),
            "IsZero" => (&[], Type::Bool),
            "Add" | "Truncate" | "Round" => (&[DURATION], TIME),
            "AddDate" => (&[Type::Int, Type::Int, Type::Int], TIME),
            "Sub" => (&[TIME], DURATION),
            "After" | "Before" | "Equal" => (&[TIME], Type::Bool),
            "Compare" => (&[TIME], Type::Int),
            _ => return None,
        };
        Some(MethodType { params, returns })
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, Failure> {
        let number = |i: usize| args.get(i).and_then(Value::signed).unwrap_or(0);
        let other = || args.first().and_then(Self::of).cloned().unwrap_or_else(Self::zero);
        let order = || (self.seconds, self.nanoseconds).cmp(&(other().seconds, other().nanoseconds));
        let civil = self.civil();
        Ok(match name {
            "Year" => Value::Int(civil.year),
            "Month" => {
                Value::object(Name { kind: "time.Month", number: civil.month as i64, text: MONTHS[civil.month - 1] })
            }
            "Weekday" => {
                Value::object(Name { kind: "time.Weekday", number: civil.weekday as i64, text: DAYS[civil.weekday] })
            }
            "Day" => Value::Int(civil.day),
            "Hour" => Value::Int(civil.hour),
            "Minute" => Value::Int(civil.minute),
            "Second" => Value::Int(civil.second),
            "Nanosecond" => Value::Int(i64::from(self.nanoseconds)),
            "YearDay" => Value::Int(civil.day_of_year),
            "Unix" => Value::Int64(self.seconds),
            "UnixMilli" => Value::Int64(self.units_since_epoch(1_000)),
            "UnixMicro" => Value::Int64(self.units_since_epoch(1_000_000)),
            "UnixNano" => Value::Int64(self.units_since_epoch(1_000_000_000)),
            "String" => Value::from(self.string().unwrap_or_default()),
            "Format" => Value::from(layout::write(self, &super::string(&args[0]))),
            "UTC" => Value::object(self.in_zone(Zone::utc())),
            "IsZero" => (self.seconds == ZERO && self.nanoseconds == 0).into(),
            "Add" => Value::object(self.plus(number(0))),
            "AddDate" => Value::object(self.add_date(number(0), number(1), number(2))),
            "Truncate" => Value::object(self.truncated(number(0))),
            "Round" => Value::object(self.rounded(number(0))),
            "Sub" => Value::Duration(self.since(&other())),
            "After" => order().is_gt().into(),
            "Before" => order().is_lt().into(),
            "Equal" => order().is_eq().into(),
            _ => Value::Int(order() as i64),
        })
    }

    fn go_string(&self) -> Option<String> {
        let Civil { year, month, day, hour, minute, second, .. } = self.civil();
        let month = MONTHS[month - 1];
        let zone = match &self.zone {
            Zone::Local(_) => "time.Local".to_owned(),
            Zone::Named(zone) if zone.iana_name().is_none_or(|name| name == "UTC") => "time.UTC".to_owned(),
            Zone::Named(zone) => format!("time.Location({})", quote(zone.iana_name().unwrap_or_default())),
            Zone::Fixed(name, _) => format!("time.Location({})", quote(name)),
        };
        let nanoseconds = self.nanoseconds;
        Some(format!("time.Date({year}, time.{month}, {day}, {hour}, {minute}, {second}, {nanoseconds}, {zone})"))
    }

    fn string(&self) -> Option<String> {
        Some(layout::write(self, "2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn json(&self) -> Option<Value> {
        Some(Value::from(layout::write(self, "2006-01-02T15:04:05.999999999Z07:00")))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| {
            (self.seconds, self.nanoseconds, self.offset()) == (other.seconds, other.nanoseconds, other.offset())
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An integer with a name.
struct Name {
    kind: &'static str,
    number: i64,
    text: &'static str,
}

impl Object for Name {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.kind)
    }

    fn kind(&self) -> Kind {
        Kind::Int
    }

    fn method(&self, name: &str) -> Option<MethodType> {
        (name == "String").then_some(MethodType { params: &[], returns: Type::Text })
    }

    fn call(&self, _: &str, _: &[Value]) -> Result<Value, Failure> {
        Ok(Value::from(self.text))
    }

    fn string(&self) -> Option<String> {
        Some(self.text.to_owned())
    }

    fn as_int(&self) -> Option<i64> {
        Some(self.number)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

//! Times and dates, written and read with Go's layouts.

mod layout;
mod read;
mod time;

use super::arguments::{bytes, int, string};
use super::{Answer, Host, fail, hosted, pure};
use bowline_gotemplate::Type::{Any, Named, Text};
use bowline_gotemplate::{Call, Failure, Function, Type, Value, duration, lossy};
use time::{Time, Zone};

/// Whether a text is a time in a layout.
///
/// # Errors
/// With the text of `time.Parse`.
pub(crate) fn check_time(layout: &str, text: &str, zone: &jiff::tz::TimeZone) -> Result<(), String> {
    read::read(layout, text, zone).map(|_| ())
}

const TIME: Type = Named("time.Time");
const SECOND: i64 = 1_000_000_000;

pub(super) fn table() -> Vec<Function<Host>> {
    let mut table = vec![
        hosted("now", &[], TIME, |call| Ok(Value::object(now(call)))),
        hosted("date", &[Text, Any], Text, |call| in_zone(call, string(&call.args()[0]).as_ref(), 1, "Local")),
        hosted("htmlDate", &[Any], Text, |call| in_zone(call, "2006-01-02", 0, "Local")),
        hosted("htmlDateInZone", &[Any, Text], Text, |call| {
            in_zone(call, "2006-01-02", 0, string(&call.args()[1]).as_ref())
        }),
        hosted("ago", &[Any], Text, |call| {
            let now = now(call);
            let then = moment(&call.args()[0]).unwrap_or_else(|| now.clone());
            Ok(Value::from(duration::to_string(duration::round(now.since(&then), SECOND))))
        }),
        hosted("toDate", &[Text, Text], TIME, |call| Ok(Value::object(parsed(call).unwrap_or_else(|_| Time::zero())))),
        hosted("mustToDate", &[Text, Text], TIME, |call| parsed(call).map(Value::object).map_err(Failure::new)),
        hosted("durationRound", &[Any], Text, |call| {
            let nanoseconds = match &call.args()[0] {
                Value::Text(_) => duration::parse(&string(&call.args()[0])).unwrap_or(0),
                Value::Int64(nanoseconds) => *nanoseconds,
                value => match Time::of(value) {
                    Some(time) => now(call).since(time),
                    None => 0,
                },
            };
            Ok(Value::from(rounded(nanoseconds)))
        }),
        pure("duration", &[Any], Text, |args| {
            let seconds = match &args[0] {
                Value::Text(_) => {
                    string(&args[0]).parse().unwrap_or_else(|error: std::num::ParseIntError| match error.kind() {
                        // What is too large is the largest there is, and then overflows.
                        std::num::IntErrorKind::PosOverflow => i64::MAX,
                        std::num::IntErrorKind::NegOverflow => i64::MIN,
                        _ => 0,
                    })
                }
                Value::Int64(seconds) => *seconds,
                _ => 0,
            };
            Ok(Value::from(duration::to_string(i64::wrapping_mul(seconds, SECOND))))
        }),
        pure("unixEpoch", &[TIME], Text, |args| {
            Ok(Value::from(Time::of(&args[0]).map_or(0, |time| time.seconds).to_string()))
        }),
    ];
    for name in ["dateInZone", "date_in_zone"] {
        table.push(hosted(name, &[Text, Any, Text], Text, |call| {
            in_zone(call, string(&call.args()[0]).as_ref(), 1, string(&call.args()[2]).as_ref())
        }));
    }
    for name in ["dateModify", "date_modify"] {
        table.push(pure(name, &[Text, TIME], TIME, |args| Ok(modified(args).unwrap_or_else(|_| args[1].clone()))));
    }
    for name in ["mustDateModify", "must_date_modify"] {
        table.push(pure(name, &[Text, TIME], TIME, modified));
    }
    table
}

fn now(call: &mut Call<'_, Host>) -> Time {
    let environment = &call.host().environment;
    let now = environment.now();
    Time::new(now.as_second(), now.subsec_nanosecond(), Zone::Local(environment.time_zone()))
}

/// The time that a value means, where it means one.
fn moment(value: &Value) -> Option<Time> {
    match value {
        Value::Int(_) | Value::Int64(_) => Some(Time::new(int(value), 0, Zone::utc())),
        _ => Time::of(value).cloned(),
    }
}

fn in_zone(call: &mut Call<'_, Host>, layout: &str, index: usize, zone: &str) -> Answer {
    let time = match moment(&call.args()[index]) {
        Some(time) => time,
        None => now(call),
    };
    let refused = zone.contains("..") || zone.starts_with(['/', '\\']);
    let named = if refused { None } else { call.host().environment.named_time_zone(zone) };
    let zone = named.map_or_else(Zone::utc, Zone::Named);
    Ok(Value::from(layout::write(&time.in_zone(zone), layout)))
}

fn parsed(call: &mut Call<'_, Host>) -> Result<Time, String> {
    let args = call.args();
    read::read(&string(&args[0]), &string(&args[1]), &call.host().environment.time_zone())
}

fn modified(args: &[Value]) -> Answer {
    let Some(time) = Time::of(&args[1]) else { return fail("not a time") };
    match duration::parse(&lossy(bytes(&args[0]))) {
        Ok(nanoseconds) => Ok(Value::object(time.plus(nanoseconds))),
        Err(error) => fail(error),
    }
}

/// The largest unit of which there is more than one.
fn rounded(nanoseconds: i64) -> String {
    const MINUTE: u64 = 60 * SECOND as u64;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let size = nanoseconds.unsigned_abs();
    let units = [(365 * DAY, "y"), (30 * DAY, "mo"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND as u64, "s")];
    let unit = units.into_iter().find(|(unit, _)| size > *unit);
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", size / unit))
}

/// Layouts of TOML's times, in the order in which they are tried; of local ones with the zone that stands for "none".
const TOML_LAYOUTS: [(&str, Option<&str>); 7] = [
    ("2006-01-02T15:04:05.999999999Z07:00", None),
    ("2006-01-02T15:04:05.999999999", Some("datetime-local")),
    ("2006-01-02", Some("date-local")),
    ("15:04:05.999999999", Some("time-local")),
    ("2006-01-02T15:04Z07:00", None),
    ("2006-01-02T15:04", Some("datetime-local")),
    ("15:04", Some("time-local")),
];

/// A time as TOML writes it: with an offset, or a date or time alone.
pub(super) fn read_toml_time(text: &str) -> Option<impl bowline_gotemplate::Object + 'static> {
    let (layout, zone, time) = TOML_LAYOUTS
        .iter()
        .find_map(|(layout, zone)| Some((layout, zone, read::read(layout, text, &jiff::tz::TimeZone::UTC).ok()?)))?;
    // Go reads numbers without their leading zeros; then a separator is not where it should be.
    let mut before_fraction = layout.bytes().zip(text.bytes()).take_while(|(wanted, _)| !matches!(wanted, b'.' | b'Z'));
    if before_fraction.any(|(wanted, found)| !wanted.is_ascii_digit() && wanted != found) {
        return None;
    }
    Some(match zone {
        Some(name) => time.in_zone(Zone::Fixed((*name).to_owned(), 0)),
        None => time,
    })
}

/// A time as TOML writes it.
pub(super) fn toml_time(value: &Value) -> Option<String> {
    let time = Time::of(value)?;
    let layout = |name: &str| TOML_LAYOUTS.iter().find(|(_, zone)| *zone == Some(name)).map(|(layout, _)| *layout);
    let layout = time.fixed_zone().and_then(layout).unwrap_or(TOML_LAYOUTS[0].0);
    Some(layout::write(time, layout))
}

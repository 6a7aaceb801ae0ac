//! Arithmetic: on `int64`, on `float64`, and on decimals that were floats.

use super::arguments::{bytes, int};
use super::cast::{to_float, to_int};
use super::lists::MAX_ELEMENTS;
use super::{Answer, Host, fail, pure, variadic};
use bowline_gotemplate::Type::{Any, Float, Int, Int64, Text};
use bowline_gotemplate::{Failure, Function, INTS, List, Type, Value, fmt, lossy};

pub(super) fn table() -> Vec<Function<Host>> {
    const DIVIDE: &str = "runtime error: integer divide by zero";
    vec![
        pure("atoi", &[Text], Int, |args| Ok(Value::Int(atoi(bytes(&args[0]))))),
        pure("int", &[Any], Int, |args| Ok(Value::Int(to_int(&args[0])))),
        pure("int64", &[Any], Int64, |args| Ok(Value::Int64(to_int(&args[0])))),
        pure("float64", &[Any], Float, |args| Ok(Value::Float(to_float(&args[0])))),
        pure("toDecimal", &[Any], Int64, |args| Ok(Value::Int64(octal(&fmt::sprint(args))))),
        pure("add1", &[Any], Int64, |args| Ok(Value::Int64(to_int(&args[0]).wrapping_add(1)))),
        variadic("add", &[Any], Int64, |args| Ok(folded(0, args, i64::wrapping_add))),
        pure("sub", &[Any, Any], Int64, |args| Ok(Value::Int64(to_int(&args[0]).wrapping_sub(to_int(&args[1]))))),
        pure("div", &[Any, Any], Int64, |args| match to_int(&args[1]) {
            0 => fail(DIVIDE),
            by => Ok(Value::Int64(to_int(&args[0]).wrapping_div(by))),
        }),
        pure("mod", &[Any, Any], Int64, |args| match to_int(&args[1]) {
            0 => fail(DIVIDE),
            by => Ok(Value::Int64(to_int(&args[0]).wrapping_rem(by))),
        }),
        variadic("mul", &[Any, Any], Int64, |args| Ok(folded(to_int(&args[0]), &args[1..], i64::wrapping_mul))),
        variadic("max", &[Any, Any], Int64, |args| Ok(folded(to_int(&args[0]), &args[1..], i64::max))),
        variadic("biggest", &[Any, Any], Int64, |args| Ok(folded(to_int(&args[0]), &args[1..], i64::max))),
        variadic("min", &[Any, Any], Int64, |args| Ok(folded(to_int(&args[0]), &args[1..], i64::min))),
        variadic("maxf", &[Any, Any], Float, |args| Ok(folded_floats(args, larger))),
        variadic("minf", &[Any, Any], Float, |args| Ok(folded_floats(args, |one, two| -larger(-one, -two)))),
        pure("ceil", &[Any], Float, |args| Ok(Value::Float(to_float(&args[0]).ceil()))),
        pure("floor", &[Any], Float, |args| Ok(Value::Float(to_float(&args[0]).floor()))),
        variadic("round", &[Any, Int, Float], Float, round),
        pure("until", &[Int], Type::Named("[]int"), |args| {
            let count = int(&args[0]);
            until_step(0, count, if count < 0 { -1 } else { 1 }).map(ints)
        }),
        pure("untilStep", &[Int, Int, Int], Type::Named("[]int"), |args| {
            until_step(int(&args[0]), int(&args[1]), int(&args[2])).map(ints)
        }),
        variadic("seq", &[Int], Text, seq),
    ]
}

/// `strconv.Atoi` without its error: 0 where there is none, the nearest number where it does not fit.
fn atoi(text: &[u8]) -> i64 {
    saturating(text, 10)
}

/// `strconv.ParseInt` of a number in base 8; 0 where it is none.
fn octal(text: &[u8]) -> i64 {
    std::str::from_utf8(text).ok().and_then(|text| i64::from_str_radix(text, 8).ok()).unwrap_or(0)
}

fn saturating(text: &[u8], radix: u32) -> i64 {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let text = lossy(text);
    match i64::from_str_radix(&text, radix) {
        Ok(number) => number,
        Err(error) if *error.kind() == PosOverflow => i64::MAX,
        Err(error) if *error.kind() == NegOverflow => i64::MIN,
        Err(_) => 0,
    }
}

fn folded(start: i64, args: &[Value], step: fn(i64, i64) -> i64) -> Value {
    Value::Int64(args.iter().map(to_int).fold(start, step))
}

fn folded_floats(args: &[Value], step: fn(f64, f64) -> f64) -> Value {
    Value::Float(args.iter().map(to_float).reduce(step).unwrap_or_default())
}

/// `math.Max`: not-a-number wins, unless there is an infinity.
fn larger(one: f64, two: f64) -> f64 {
    if one == f64::INFINITY || two == f64::INFINITY {
        f64::INFINITY
    } else if one.is_nan() || two.is_nan() {
        f64::NAN
    } else if one == 0.0 && two == 0.0 {
        if one.is_sign_negative() { two } else { one }
    } else if one > two {
        one
    } else {
        two
    }
}

fn round(args: &[Value]) -> Answer {
    let Some(places) = args.get(1) else { return fail("round needs places") };
    let on = args.get(2).map_or(0.5, to_float);
    let power = power_of_ten(to_float(places));
    let digits = power * to_float(&args[0]);
    let rounded = if digits.fract() >= on { digits.ceil() } else { digits.floor() };
    Ok(Value::Float(rounded / power))
}

/// `math.Pow(10, exponent)`, for a whole exponent: other ways to raise differ in the last digit.
fn power_of_ten(exponent: f64) -> f64 {
    if exponent == 0.0 || exponent == 1.0 {
        return if exponent == 0.0 { 1.0 } else { 10.0 };
    }
    let mut left = exponent.abs();
    if left >= 5000.0 {
        return if exponent > 0.0 { f64::INFINITY } else { 0.0 };
    }
    // 10 and the product as fractions below one, with the exponents of two apart.
    let (mut product, mut product_exponent) = (1.0_f64, 0_i32);
    let (mut factor, mut factor_exponent) = (0.625_f64, 4_i32);
    while left >= 1.0 {
        if left % 2.0 >= 1.0 {
            product *= factor;
            product_exponent += factor_exponent;
        }
        factor *= factor;
        factor_exponent *= 2;
        if factor < 0.5 {
            factor += factor;
            factor_exponent -= 1;
        }
        left = (left / 2.0).floor();
    }
    if exponent < 0.0 {
        (product, product_exponent) = (1.0 / product, -product_exponent);
    }
    scaled(product, product_exponent)
}

/// `math.Ldexp`: rounded once, below the smallest normal number too.
fn scaled(fraction: f64, exponent: i32) -> f64 {
    let two_to = |exponent: i32| f64::from_bits(((exponent + 1023) as u64) << 52);
    if exponent > 1024 {
        return f64::INFINITY;
    }
    if exponent > 1000 {
        return fraction * two_to(1000) * two_to(exponent - 1000);
    }
    if exponent >= -1000 {
        return fraction * two_to(exponent);
    }
    if exponent < -1200 {
        return 0.0;
    }
    // Halving is exact but for the last step, which rounds.
    let shift = -1000;
    fraction * two_to(shift) * two_to(exponent - shift)
}

fn ints(numbers: Vec<i64>) -> Value {
    Value::List(List::of(&INTS, numbers.into_iter().map(Value::Int).collect()))
}

fn until_step(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Failure> {
    let forward = stop >= start;
    if (forward && step <= 0) || (!forward && step >= 0) {
        return Ok(Vec::new());
    }
    let count = (i128::from(stop) - i128::from(start)).unsigned_abs().div_ceil(i128::from(step).unsigned_abs());
    if count > MAX_ELEMENTS as u128 {
        return fail(format!("a list of {count} numbers is too long"));
    }
    Ok((0..count as i64).map(|i| start.wrapping_add(i.wrapping_mul(step))).collect())
}

fn seq(args: &[Value]) -> Answer {
    let numbers: Vec<i64> = args.iter().map(int).collect();
    let toward = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match numbers[..] {
        [end] => (1, end, toward(1, end)),
        [start, end] => (start, end, toward(start, end)),
        [start, step, end] => {
            if end < start && step > 0 {
                return Ok(Value::from(""));
            }
            (start, end, step)
        }
        _ => return Ok(Value::from("")),
    };
    let numbers = until_step(start, end.wrapping_add(toward(start, end)), step)?;
    Ok(Value::from(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")))
}

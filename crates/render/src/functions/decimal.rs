//! Arithmetic on decimals that were floats: `0.1 + 0.2` is `0.3`.

use super::cast::to_float;
use super::{Answer, Host, fail, pure, variadic};
use bowline_gotemplate::Type::{Any, Float};
use bowline_gotemplate::{Failure, Function, Value, fmt};
use num_bigint::{BigInt, Sign};

/// Places after the point of a quotient.
const DIVISION_PLACES: i64 = 16;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("add1f", &[Any], Float, |args| folded(&args[0], &[Value::Int(1)], |one, two| Ok(one.add(&two)))),
        variadic("addf", &[Any], Float, |args| folded(&Value::Int(0), args, |one, two| Ok(one.add(&two)))),
        variadic("subf", &[Any, Any], Float, |args| {
            folded(&args[0], &args[1..], |one, two| Ok(one.add(&two.negated())))
        }),
        variadic("mulf", &[Any, Any], Float, |args| folded(&args[0], &args[1..], |one, two| Ok(one.multiply(&two)))),
        variadic("divf", &[Any, Any], Float, |args| folded(&args[0], &args[1..], |one, two| one.divide(&two))),
    ]
}

fn folded(first: &Value, rest: &[Value], step: fn(Decimal, Decimal) -> Result<Decimal, Failure>) -> Answer {
    let mut result = Decimal::new(to_float(first))?;
    for value in rest {
        result = step(result, Decimal::new(to_float(value))?)?;
    }
    Ok(Value::Float(result.to_float()))
}

/// `digits` × 10^`exponent`
struct Decimal {
    digits: BigInt,
    exponent: i64,
}

impl Decimal {
    /// The shortest decimal that reads back as the float.
    fn new(float: f64) -> Result<Self, Failure> {
        if !float.is_finite() {
            return fail(format!("Cannot create a Decimal from {}", fmt::format_float(float, b'g', -1)));
        }
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
        let digits = mantissa.replace('.', "").parse().unwrap_or_default();
        Ok(Self { digits, exponent: exponent.parse::<i64>().unwrap_or(0) - places })
    }

    /// The digits for a smaller exponent.
    fn scaled(&self, exponent: i64) -> BigInt {
        &self.digits * power(self.exponent - exponent)
    }

    fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self { digits: self.scaled(exponent) + other.scaled(exponent), exponent }
    }

    fn negated(self) -> Self {
        Self { digits: -self.digits, exponent: self.exponent }
    }

    fn multiply(self, other: &Self) -> Self {
        Self { digits: self.digits * &other.digits, exponent: self.exponent + other.exponent }
    }

    /// Rounded half away from zero.
    fn divide(self, other: &Self) -> Result<Self, Failure> {
        if other.digits.sign() == Sign::NoSign {
            return fail("decimal division by 0");
        }
        let shift = self.exponent - other.exponent + DIVISION_PLACES;
        let (above, below) = if shift >= 0 {
            (self.digits * power(shift), other.digits.clone())
        } else {
            (self.digits, &other.digits * power(-shift))
        };
        let (quotient, rest) = (&above / &below, &above % &below);
        let half_or_more = rest.magnitude() * 2u32 >= *below.magnitude();
        let away = if above.sign() == below.sign() { 1 } else { -1 };
        Ok(Self { digits: if half_or_more { quotient + away } else { quotient }, exponent: -DIVISION_PLACES })
    }

    fn to_float(&self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(0.0)
    }
}

fn power(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(0))
}

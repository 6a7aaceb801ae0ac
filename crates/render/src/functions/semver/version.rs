//! A version, also a partial one, also with a `v` in front.

use bowline_gotemplate::{Failure, Kind, MethodType, Object, Type, Value};
use std::any::Any;
use std::borrow::Cow;
use std::cmp::Ordering;

/// The longest version, in bytes.
const MAX_LENGTH: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    pub(super) prerelease: String,
    metadata: String,
    original: String,
    /// A `semver.Version`, as the methods that change it give, not a pointer to one.
    plain: bool,
}

impl Version {
    /// # Errors
    /// With the text of `semver.NewVersion`.
    pub(in crate::functions) fn parse(text: &str) -> Result<Self, String> {
        const INVALID: &str = "invalid semantic version";
        if text.len() > MAX_LENGTH {
            return Err(format!("version string is too long (max {MAX_LENGTH} bytes)"));
        }
        let body = text.strip_prefix('v').unwrap_or(text);
        let (body, metadata) = body.split_once('+').map_or((body, None), |(body, metadata)| (body, Some(metadata)));
        let (numbers, prerelease) = body.split_once('-').map_or((body, None), |(body, pre)| (body, Some(pre)));
        let parts: Vec<&str> = numbers.split('.').collect();
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if parts.len() > 3 || !parts.iter().all(is_number) {
            return Err(INVALID.to_owned());
        }
        for extra in [prerelease, metadata].into_iter().flatten() {
            let fits =
                |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !extra.split('.').all(fits) {
                return Err(INVALID.to_owned());
            }
        }
        let mut segments = [0; 3];
        for (segment, part) in segments.iter_mut().zip(&parts) {
            *segment = part.parse().map_err(|_| {
                let part = bowline_gotemplate::fmt::quoted(part.as_bytes());
                format!("error parsing version segment: strconv.ParseUint: parsing {part}: value out of range")
            })?;
        }
        let prerelease = prerelease.unwrap_or_default();
        let zero_first =
            |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit());
        if prerelease.split('.').any(zero_first) {
            return Err("version segment starts with 0".to_owned());
        }
        let [major, minor, patch] = segments;
        Ok(Self {
            major,
            minor,
            patch,
            prerelease: prerelease.to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
            plain: false,
        })
    }

    /// What Go's deep copy makes of a version: none of its parts can be seen from outside, so none is copied.
    pub(in crate::functions) fn without_parts(&self) -> Self {
        let none = String::new;
        Self { major: 0, minor: 0, patch: 0, prerelease: none(), metadata: none(), original: none(), plain: self.plain }
    }

    /// Order by precedence; metadata does not count.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }

    fn text(&self) -> String {
        let Self { major, minor, patch, prerelease, metadata, .. } = self;
        let mut text = format!("{major}.{minor}.{patch}");
        for (mark, extra) in [('-', prerelease), ('+', metadata)] {
            if !extra.is_empty() {
                text.push(mark);
                text.push_str(extra);
            }
        }
        text
    }

    fn increased(&self, name: &str) -> Result<Self, Failure> {
        let overflow = |what: &str| Failure::new(format!("{what} version increment would overflow uint64"));
        let mut next = Self { prerelease: String::new(), metadata: String::new(), ..self.clone() };
        match name {
            "IncPatch" if !self.prerelease.is_empty() => {}
            "IncPatch" => next.patch = self.patch.checked_add(1).ok_or_else(|| overflow("patch"))?,
            "IncMinor" => {
                next.minor = self.minor.checked_add(1).ok_or_else(|| overflow("minor"))?;
                next.patch = 0;
            }
            _ => {
                next.major = self.major.checked_add(1).ok_or_else(|| overflow("major"))?;
                (next.minor, next.patch) = (0, 0);
            }
        }
        Ok(next.renamed(&self.original))
    }

    fn renamed(mut self, before: &str) -> Self {
        self.plain = true;
        self.original = if before.starts_with('v') { format!("v{}", self.text()) } else { self.text() };
        self
    }
}

pub(super) fn compare_prereleases(one: &str, two: &str) -> Ordering {
    match (one.is_empty(), two.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut ones, mut twos) = (one.split('.'), two.split('.'));
    loop {
        let order = match (ones.next(), twos.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(two)) => compare_parts(one, two),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_parts(one: &str, two: &str) -> Ordering {
    match (one.parse::<u64>(), two.parse::<u64>()) {
        (Ok(one), Ok(two)) => one.cmp(&two),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => one.cmp(two),
    }
}

const VERSION: Type = Type::Pointer("*semver.Version");

impl Object for Version {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(if self.plain { "semver.Version" } else { "*semver.Version" })
    }

    fn kind(&self) -> Kind {
        if self.plain { Kind::Struct } else { Kind::Ptr }
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        let text = |text: &str| Value::from(text);
        vec![
            ("major".into(), Value::Uint64(self.major)),
            ("minor".into(), Value::Uint64(self.minor)),
            ("patch".into(), Value::Uint64(self.patch)),
            ("pre".into(), text(&self.prerelease)),
            ("metadata".into(), text(&self.metadata)),
            ("original".into(), text(&self.original)),
        ]
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<MethodType> {
        let (params, returns): (&'static [Type], Type) = match name {
            "Major" | "Minor" | "Patch" => (&[], Type::Uint64),
            "Prerelease" | "Metadata" | "String" => (&[], Type::Text),
            "Original" | "Compare" | "Equal" | "GreaterThan" | "GreaterThanEqual" | "LessThan" | "LessThanEqual"
                if self.plain =>
            {
                return None;
            }
            "Original" => (&[], Type::Text),
            "IncMajor" | "IncMinor" | "IncPatch" => (&[], Type::Named("semver.Version")),
            "SetPrerelease" | "SetMetadata" => (&[Type::Text], Type::Named("semver.Version")),
            "Compare" => (&[VERSION], Type::Int),
            "Equal" | "GreaterThan" | "GreaterThanEqual" | "LessThan" | "LessThanEqual" => (&[VERSION], Type::Bool),
            _ => return None,
        };
        Some(MethodType { params, returns })
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, Failure> {
        let order = || match args.first() {
            Some(Value::Object(other)) => other.as_any().downcast_ref::<Self>().map(|other| self.compare(other)),
            _ => None,
        };
        let ordered = |test: fn(Ordering) -> bool| order().is_some_and(test).into();
        Ok(match name {
            "Major" => Value::Uint64(self.major),
            "Minor" => Value::Uint64(self.minor),
            "Patch" => Value::Uint64(self.patch),
            "Prerelease" => self.prerelease.as_str().into(),
            "Metadata" => self.metadata.as_str().into(),
            "Original" => self.original.as_str().into(),
            "String" => self.text().into(),
            "IncMajor" | "IncMinor" | "IncPatch" => Value::object(self.increased(name)?),
            "SetPrerelease" | "SetMetadata" => {
                let text = super::string(&args[0]).into_owned();
                let mut next = self.clone();
                if name == "SetMetadata" {
                    next.metadata = text;
                } else {
                    next.prerelease = text;
                }
                Value::object(next.renamed(&self.original))
            }
            "Compare" => Value::Int(order().map_or(0, |order| order as i64)),
            "Equal" => ordered(Ordering::is_eq),
            "GreaterThan" => ordered(Ordering::is_gt),
            "GreaterThanEqual" => ordered(Ordering::is_ge),
            "LessThan" => ordered(Ordering::is_lt),
            _ => ordered(Ordering::is_le),
        })
    }

    fn string(&self) -> Option<String> {
        Some(self.text())
    }

    fn json(&self) -> Option<Value> {
        Some(self.text().into())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

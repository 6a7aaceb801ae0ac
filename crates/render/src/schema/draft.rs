//! The drafts of JSON Schema, and where each has schemas in schemas.

use super::json::{Json, Object};
use super::location::{below, split};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    V4,
    V6,
    V7,
    V2019,
    V2020,
}

/// Where a keyword has schemas.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    One,
    List,
    Named,
}

/// Keywords with schemas, and the draft that brought them.
const KEYWORDS: [(&str, Holds, Draft); 23] = [
    ("definitions", Holds::Named, Draft::V4),
    ("not", Holds::One, Draft::V4),
    ("allOf", Holds::List, Draft::V4),
    ("anyOf", Holds::List, Draft::V4),
    ("oneOf", Holds::List, Draft::V4),
    ("properties", Holds::Named, Draft::V4),
    ("additionalProperties", Holds::One, Draft::V4),
    ("patternProperties", Holds::Named, Draft::V4),
    ("items", Holds::One, Draft::V4),
    ("items", Holds::List, Draft::V4),
    ("additionalItems", Holds::One, Draft::V4),
    ("dependencies", Holds::Named, Draft::V4),
    ("propertyNames", Holds::One, Draft::V6),
    ("contains", Holds::One, Draft::V6),
    ("if", Holds::One, Draft::V7),
    ("then", Holds::One, Draft::V7),
    ("else", Holds::One, Draft::V7),
    ("$defs", Holds::Named, Draft::V2019),
    ("dependentSchemas", Holds::Named, Draft::V2019),
    ("unevaluatedProperties", Holds::One, Draft::V2019),
    ("unevaluatedItems", Holds::One, Draft::V2019),
    ("contentSchema", Holds::One, Draft::V2019),
    ("prefixItems", Holds::List, Draft::V2020),
];

impl Draft {
    pub(super) const ALL: [Self; 5] = [Self::V4, Self::V6, Self::V7, Self::V2019, Self::V2020];
    pub(super) const LATEST: Self = Self::V2020;

    /// The draft that a `$schema` names, where it is one of them.
    pub(super) fn named(url: &str) -> Option<Self> {
        let (url, fragment) = split(url);
        if !fragment.is_empty() {
            return None;
        }
        let url = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url);
        match url {
            "json-schema.org/schema" => Some(Self::LATEST),
            "json-schema.org/draft/2020-12/schema" => Some(Self::V2020),
            "json-schema.org/draft/2019-09/schema" => Some(Self::V2019),
            "json-schema.org/draft-07/schema" => Some(Self::V7),
            "json-schema.org/draft-06/schema" => Some(Self::V6),
            "json-schema.org/draft-04/schema" => Some(Self::V4),
            _ => None,
        }
    }

    /// Address of the draft's own schema.
    pub(super) fn url(self) -> &'static str {
        match self {
            Self::V4 => "http://json-schema.org/draft-04/schema",
            Self::V6 => "http://json-schema.org/draft-06/schema",
            Self::V7 => "http://json-schema.org/draft-07/schema",
            Self::V2019 => "https://json-schema.org/draft/2019-09/schema",
            Self::V2020 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The keyword that names a schema.
    pub(super) fn id_keyword(self) -> &'static str {
        if self == Self::V4 { "id" } else { "$id" }
    }

    /// The name of a schema, without its fragment; empty where it has none.
    pub(super) fn id(self, schema: &Object) -> &str {
        if self < Self::V2019 && schema.contains_key("$ref") {
            return "";
        }
        schema.get(self.id_keyword()).and_then(Json::text).map_or("", |id| split(id).0)
    }

    /// The schemas directly in a schema, with their pointers.
    pub(super) fn subschemas<'s>(self, schema: &'s Object, pointer: &str) -> Vec<(String, &'s Json)> {
        let mut found = Vec::new();
        for (keyword, holds, since) in KEYWORDS {
            let Some(value) = schema.get(keyword).filter(|_| since <= self) else { continue };
            match (holds, value) {
                (Holds::One, value) => found.push((below(pointer, &[keyword]), value)),
                (Holds::List, Json::List(items)) => {
                    let item = |(at, item)| (below(pointer, &[keyword, &usize::to_string(&at)]), item);
                    found.extend(items.iter().enumerate().map(item));
                }
                (Holds::Named, Json::Object(named)) => {
                    found.extend(named.iter().map(|(name, value)| (below(pointer, &[keyword, name]), value)));
                }
                _ => {}
            }
        }
        found
    }
}

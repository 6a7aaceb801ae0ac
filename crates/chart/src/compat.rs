/// Which Helm a chart is read, rendered and printed as.
///
/// It is said once, where the chart is loaded ([`crate::Chart::load_as`]), and goes with the chart from there. What differs
/// stands at the place that it belongs to; `docs/helm.md` lists it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compat {
    /// Helm 3.22.0.
    Helm3,
    /// Helm 4.3.1.
    #[default]
    Helm4,
}

impl Compat {
    /// Whether it is Helm 3.
    pub fn is_helm3(self) -> bool {
        self == Self::Helm3
    }

    /// The first for Helm 3, the second for Helm 4.
    pub fn either<T>(self, helm3: T, helm4: T) -> T {
        match self {
            Self::Helm3 => helm3,
            Self::Helm4 => helm4,
        }
    }
}

impl std::str::FromStr for Compat {
    type Err = UnknownCompat;

    /// `3` or `4`.
    fn from_str(text: &str) -> Result<Self, UnknownCompat> {
        match text {
            "3" => Ok(Self::Helm3),
            "4" => Ok(Self::Helm4),
            _ => Err(UnknownCompat(text.to_owned())),
        }
    }
}

/// There is no such Helm.
#[derive(Clone, Debug, thiserror::Error)]
#[error("there is no Helm {0:?} to be compatible with: 3 or 4")]
pub struct UnknownCompat(String);

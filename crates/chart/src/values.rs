//! From a chart and the user's values to what templates see.

use bowline_yaml::Map;

use crate::coalesce::coalesce;
use crate::dependencies::process;
use crate::{Chart, Compat, Error, UserValues};

/// A chart made ready for one set of values.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The chart: subcharts that are switched off are gone, others have their alias.
    pub chart: Chart,
    /// `.Values` of the top chart; a subchart's are below its name.
    pub values: Map,
    /// What Helm would say on standard error.
    pub warnings: Vec<String>,
}

impl Chart {
    /// Applies conditions, tags, aliases and imports, and coalesces all values, as Helm does before it renders.
    ///
    /// # Errors
    /// In Helm's words.
    pub fn prepare(&self, user: &UserValues) -> Result<Prepared, Error> {
        let mut warnings = Vec::new();
        let chart = process(self, user.values(), &mut warnings).map_err(|error| match self.compat {
            Compat::Helm3 => error,
            Compat::Helm4 => error.wrapped("chart dependencies processing failed"),
        })?;
        let values = coalesce(&chart, user.values().clone(), false, &mut warnings)?;
        Ok(Prepared { chart, values, warnings })
    }
}

impl Prepared {
    /// The values laid over the chart's once more, as `lint` does: a default that a null had deleted is back.
    ///
    /// # Errors
    /// In Helm's words.
    pub fn coalesced_again(mut self) -> Result<Self, Error> {
        self.warnings.clear();
        self.values = coalesce(&self.chart, self.values, false, &mut self.warnings)?;
        Ok(self)
    }
}

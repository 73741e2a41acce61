use super::search::planned_epochs;
use super::{Metric, Phase, Space};
use crate::recipe::{Recipe, Settings, read_toml};
use crate::{Error, Result};
use furlough::data::{Dataset, Targets};
use serde::{Deserialize, Serialize};

/// Into how many parts the training examples are cut when nothing is said; one is held out.
pub const FOLDS: u32 = 5;

/// What a tune is asked for. With the data it determines all that is tried, except how many trials
/// a budget of time allows.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneOptions {
    /// What the trials change, with folds: its seed is that of the search, and those of the
    /// replications follow it.
    pub recipe: Recipe,
    /// What is searched.
    pub space: Space,
    /// Trials at most, those to begin with included; at least 4. None for as many as there is time
    /// for.
    pub trials: Option<usize>,
    /// Seconds that all of it may take, as far as the least that has to be done allows.
    pub budget: Option<f64>,
    /// Over how many paired seeds the finalists are compared; 2 to 1000.
    pub seeds: u32,
    /// Judge each trial by the mean over all folds, each held out once, and not by one fold.
    pub cross_validation: bool,
    /// What trials are compared by; none for the accuracy, or where numbers are predicted, the
    /// loss.
    pub metric: Option<Metric>,
}

impl TuneOptions {
    /// The options for a base recipe and what is searched ([`Space::parse`]), with 30 trials and 5
    /// seeds. Without folds the base gets 5. They are stratified unless the base says otherwise.
    ///
    /// ```
    /// use furlough_lab::{recipe::Settings, tune::TuneOptions};
    /// let options = TuneOptions::new(Settings::parse("data = 'digits'", None)?, "lr")?;
    /// assert_eq!((options.trials, options.seeds, options.recipe.partition().folds), (Some(30), 5, Some(5)));
    /// # Ok::<(), furlough_lab::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Settings::resolve`] and [`Space::parse`].
    pub fn new(base: Settings, search: &str) -> Result<Self> {
        if let Some(members) = base.members.filter(|&members| members != 1) {
            let reason = "a trial is a single network; tune without members, and train with them by what was found";
            return Err(Error::setting("members", members, reason));
        }
        let (folds, stratified) = (base.folds.or(Some(FOLDS)), base.stratified.or(Some(true)));
        let recipe = Settings { folds, stratified, ..base }.resolve()?;
        let space = Space::parse(search, &recipe)?;
        Ok(TuneOptions {
            recipe,
            space,
            trials: Some(30),
            budget: None,
            seeds: 5,
            cross_validation: false,
            metric: None,
        })
    }

    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] naming the flag that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.space.validate(&self.recipe)?;
        if let Some(few) = self.trials.filter(|&trials| trials < super::STARTS.len()) {
            return Err(Error::setting("trials", few, "at least 4: it begins with 0.5, 0.1, 0.9 and no dropout"));
        }
        if let Some(many) = self.trials.filter(|&trials| trials > MOST) {
            return Err(Error::setting("trials", many, format!("at most {MOST}")));
        }
        if self.trials.is_none() && self.budget.is_none() {
            return Err(Error::setting("trials", "without end", "say how many, or give a budget of time"));
        }
        if let Some(budget) = self.budget.filter(|budget| !budget.is_finite() || *budget <= 0.0) {
            return Err(Error::setting(
                "budget",
                budget,
                "there is no time to try anything; give it some, such as 10m",
            ));
        }
        if !(2..=1000).contains(&self.seeds) {
            return Err(Error::setting("seeds", self.seeds, "a comparison needs 2 seeds or more, and 1000 at most"));
        }
        let part = self.recipe.partition();
        if self.cross_validation && part.fold != 0 {
            return Err(Error::setting("fold", part.fold, "cross-validation holds out each fold in turn"));
        }
        Ok(())
    }

    /// What trials on these data are compared by.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] when accuracy is asked for where numbers are predicted.
    pub fn metric(&self, data: &Dataset) -> Result<Metric> {
        match (self.metric, data.targets()) {
            (Some(Metric::Accuracy), Targets::Values(_)) => {
                Err(Error::setting("metric", "accuracy", "these data have numbers to predict and no classes; use loss"))
            }
            (Some(metric), _) => Ok(metric),
            (None, Targets::Classes { .. }) => Ok(Metric::Accuracy),
            (None, Targets::Values(_)) => Ok(Metric::Loss),
        }
    }

    /// The folds that are held out, one after the other.
    pub fn folds(&self) -> Vec<u32> {
        let part = self.recipe.partition();
        if self.cross_validation { (0..part.folds.unwrap_or(FOLDS)).collect() } else { vec![part.fold] }
    }

    /// How many epochs a phase takes if no training diverges and there is time for all of them.
    /// None for a search that goes on as long as there is time.
    pub fn planned_epochs(&self, phase: Phase) -> Option<u64> {
        let (epochs, folds) = (u64::from(self.recipe.options().epochs), self.folds().len() as u64);
        match phase {
            Phase::Search => Some(planned_epochs(&self.recipe, &self.space, self.trials?) * folds),
            Phase::Replication => Some(2 * u64::from(self.seeds) * epochs * folds),
            Phase::Refit => Some(epochs),
        }
    }

    /// How many trials there may be.
    pub(super) fn most(&self) -> usize {
        self.trials.unwrap_or(MOST)
    }

    /// The options as TOML; [`Self::parse`] reads it. `data` is the fingerprint of the training
    /// set.
    pub(super) fn to_toml(&self, data: &str) -> String {
        let Self { recipe, space, trials, budget, seeds, cross_validation, metric } = self.clone();
        let file =
            Written { version: VERSION, data, trials, budget, seeds, cross_validation, metric, search: space, recipe };
        toml::to_string(&file).expect("numbers, strings and tables of them are always TOML")
    }

    /// The options that [`Self::to_toml`] wrote, and the data's fingerprint. The reason when it is
    /// something else.
    pub(super) fn parse(text: &str) -> std::result::Result<(Self, String), String> {
        let file: Read = read_toml(text)?;
        if file.version != VERSION {
            let reason = "and needs a newer furlough; this one reads version 1";
            return Err(format!("has format version {} {reason}", file.version));
        }
        let Read { data, trials, budget, seeds, cross_validation, metric, search: space, recipe, .. } = file;
        let recipe = recipe.resolve().map_err(|error| error.to_string())?;
        let options = TuneOptions { recipe, space, trials, budget, seeds, cross_validation, metric };
        options.validate().map_err(|error| error.to_string())?;
        Ok((options, data))
    }
}

/// Trials at most, so that their number fits a counter of the random words.
const MOST: usize = 1_000_000_000;

/// Version of the files that a tune writes.
pub(super) const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trials: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<f64>,
    seeds: u32,
    cross_validation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<Metric>,
    search: Space,
    recipe: Recipe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    version: u32,
    data: String,
    trials: Option<usize>,
    budget: Option<f64>,
    seeds: u32,
    cross_validation: bool,
    metric: Option<Metric>,
    search: Space,
    recipe: Settings,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str, search: &str) -> TuneOptions {
        TuneOptions::new(Settings::parse(text, None).unwrap(), search).unwrap()
    }

    #[test]
    fn options_survive_being_written() {
        let plain = options("data = 'digits'", "");
        let full = TuneOptions {
            trials: None,
            budget: Some(90.5),
            seeds: 3,
            cross_validation: true,
            metric: Some(Metric::Loss),
            ..options("data = 'idx'\nhidden = [8, 4]\nfolds = 3\nsplit_seed = 2\nmax_norm = 3", "width=4..8,lr")
        };
        for options in [plain, full] {
            assert_eq!(TuneOptions::parse(&options.to_toml("abc")).unwrap(), (options, "abc".into()));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let good = || options("data = 'digits'", "");
        for (bad, expected) in [
            (TuneOptions { trials: Some(3), ..good() }, "trials = 3: at least 4"),
            (TuneOptions { trials: None, ..good() }, "trials = without end"),
            (TuneOptions { trials: Some(usize::MAX), ..good() }, "at most 1000000000"),
            (TuneOptions { budget: Some(0.0), ..good() }, "budget = 0: there is no time"),
            (TuneOptions { budget: Some(f64::NAN), ..good() }, "budget = NaN"),
            (TuneOptions { seeds: 1, ..good() }, "seeds = 1"),
            (TuneOptions { cross_validation: true, ..options("data = 'digits'\nfolds = 5\nfold = 2", "") }, "fold = 2"),
        ] {
            let error = bad.validate().unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} should mention {expected:?}");
        }
        assert!(TuneOptions::parse("version = 1").unwrap_err().contains("missing field"));
        let newer = good().to_toml("abc").replace("version = 1", "version = 2");
        assert!(TuneOptions::parse(&newer).unwrap_err().contains("format version 2"));
    }
}

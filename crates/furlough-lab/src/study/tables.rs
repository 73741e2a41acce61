use super::statistics::Estimate;
use super::{ArmResult, Measure, Missing, MissingState, Results};
use crate::csv_text::quoted;
use furlough::counted;
use std::fmt::Write;

impl Results {
    /// A line for each finished trial, as CSV (RFC 4180): axes, seed, trial, measurements.
    pub fn to_csv(&self) -> String {
        let axes = self.axes.iter().map(|axis| quoted(axis));
        let measures = self.single().map(|measure| measure.to_string());
        let mut csv = line(axes.chain(["seed".into(), "trial".into()]).chain(measures));
        for arm in &self.arms {
            for trial in &arm.trials {
                let labels = self.axes.iter().map(|axis| quoted(arm.labels.get(axis).map_or("", |label| &label.text)));
                let values = self.single().map(|m| trial.values.get(&m).map_or(String::new(), f64::to_string));
                csv += &line(labels.chain([trial.seed.to_string(), trial.id.clone()]).chain(values));
            }
        }
        csv
    }

    /// The means with their intervals and the differences from the baseline, as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        for part in [&self.question, &self.paper].into_iter().flatten() {
            let _ = write!(text, "\n{}\n", part.trim());
        }
        let n = self.arms.iter().map(|arm| arm.trials.len()).max().unwrap_or(0);
        let _ = write!(
            text,
            "\n{}: {} training and {}. Mean over the seeds ({}{n}), with Student's 95 % interval.\n\n",
            self.data.name,
            self.data.train,
            counted(self.data.test, "test example"),
            if self.arms.iter().all(|arm| arm.trials.len() == n) { "" } else { "at most " },
        );
        if self.single().next().is_some() {
            let heads = self.axes.iter().cloned().chain(self.single().map(Measure::heading));
            text += &table(heads, self.axes.len(), self.arms.iter().map(|arm| self.row(arm)));
        }
        text += &self.averaged();
        if !self.comparisons.is_empty() {
            text += &self.differences();
        }
        let (failed, others): (Vec<_>, Vec<_>) =
            self.missing.iter().partition(|missing| missing.state == MissingState::Failed);
        self.list(&mut text, &failed, ["failed", "failed"]);
        self.list(&mut text, &others, ["is missing", "are missing"]);
        text
    }

    /// Adds a list of trials without results and why they have none.
    fn list(&self, text: &mut String, trials: &[&Missing], [one, many]: [&str; 2]) {
        if trials.is_empty() {
            return;
        }
        let verb = if trials.len() == 1 { one } else { many };
        let _ = write!(text, "\n{} {verb}:\n\n", counted(trials.len(), "trial"));
        for missing in trials {
            let _ = writeln!(text, "- {}, seed {}: {}", self.arms[missing.arm].title, missing.seed, missing.reason);
        }
    }

    /// What has one number for each trial; the rest has tables of its own.
    fn single(&self) -> impl Iterator<Item = Measure> {
        self.measures.iter().copied().filter(|measure| measure.is_single())
    }

    fn row(&self, arm: &ArmResult) -> Vec<String> {
        let value = |measure| cell(measure, arm.estimates.get(&measure));
        self.labels(arm).chain(self.single().map(value)).collect()
    }

    fn labels(&self, arm: &ArmResult) -> impl Iterator<Item = String> {
        self.axes.iter().map(|axis| arm.labels.get(axis).map_or(String::new(), |label| label.text.clone()))
    }

    /// What was averaged over masked passes, arm by arm, beside the full network. Nothing where no
    /// trial was measured so.
    fn averaged(&self) -> String {
        let measures = self.measures.iter().filter_map(|&measure| Some((measure, measure.of_full_network()?)));
        let measures: Vec<(Measure, Measure)> = measures.collect();
        let mut rows = Vec::new();
        for arm in &self.arms {
            let passes = arm.passes();
            let row = |what: String, cells: Vec<String>| self.labels(arm).chain([what]).chain(cells).collect();
            for &count in &passes {
                let cells = measures.iter().map(|&(measure, _)| cell(measure, arm.averaged(measure, count).as_ref()));
                rows.push(row(count.to_string(), cells.collect()));
            }
            if !passes.is_empty() {
                let cells = measures.iter().map(|&(_, full)| cell(full, arm.at_the_end(full).as_ref()));
                rows.push(row("full network".into(), cells.collect()));
            }
        }
        if rows.is_empty() {
            return String::new();
        }
        let heads = measures.iter().map(|(measure, _)| measure.heading());
        let heads = self.axes.iter().cloned().chain(["k".into()]).chain(heads);
        let rows = table(heads, self.axes.len(), rows.into_iter());
        format!(
            "\n## Masked passes\n\nProbabilities of k passes with dropout on, averaged, beside the full \
             network.\n\n{rows}"
        )
    }

    fn differences(&self) -> String {
        let mut text = String::from(
            "\n## Paired differences\n\nArm less baseline, seed by seed: mean, 95 % interval, and the \
                                     two-sided p-value of the exact sign-flip test. Bold where the interval leaves out \
                                     0.\n\n",
        );
        let heads = ["arm", "baseline", "measurement", "seeds", "difference", "p"].map(String::from);
        let rows = self.comparisons.iter().map(|c| {
            let difference = said(c.measure, &c.difference, true);
            vec![
                self.arms[c.arm].title.clone(),
                self.arms[c.baseline].title.clone(),
                c.measure.title().into(),
                c.difference.n.to_string(),
                if c.difference.excludes_zero() { format!("**{difference}**") } else { difference },
                c.p_value.map_or("–".into(), |p| format!("{p:.3}")),
            ]
        });
        text += &table(heads, 3, rows);
        text
    }
}

fn cell(measure: Measure, estimate: Option<&Estimate>) -> String {
    estimate.map_or("–".into(), |estimate| said(measure, estimate, false))
}

/// `11.23 ± 0.12`.
fn said(measure: Measure, estimate: &Estimate, signed: bool) -> String {
    let mean = measure.format(estimate.mean);
    let plus = if signed && estimate.mean > 0.0 { "+" } else { "" };
    let mean = format!("{plus}{mean}").replace('-', "−");
    match estimate.half_width {
        Some(half) if half > 0.0 => format!("{mean} ± {}", measure.format(half)),
        _ => mean,
    }
}

/// A Markdown table; the first `left` columns are texts.
fn table(heads: impl IntoIterator<Item = String>, left: usize, rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = heads.into_iter().collect();
    let rules: Vec<String> = (0..heads.len()).map(|place| if place < left { "---" } else { "---:" }.into()).collect();
    let mut text = line(&heads) + &line(&rules);
    for row in rows {
        text += &line(&row.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>());
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(",") + "\r\n"
}

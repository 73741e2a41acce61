use super::{EpochRow, TrainPlan};
use crate::terminal::{Style, duration};
use furlough_lab::recipe::TrainFigures;
use furlough_tables::figures::in_digits;

/// What the columns are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowKind {
    /// Losses and accuracies.
    Classes,
    /// Losses.
    Losses,
    /// RMSE in the target's units: the root of the loss, times this.
    Rmse(f64),
}

impl RowKind {
    /// Returns what suits a plan.
    pub fn of(plan: &TrainPlan) -> Self {
        match (plan.classes, plan.deviation) {
            (Some(_), _) => RowKind::Classes,
            (None, None) => RowKind::Losses,
            (None, Some(deviation)) => RowKind::Rmse(deviation),
        }
    }
}

/// The names over the columns of [`row`].
pub fn heading(plan: &TrainPlan, style: Style) -> String {
    let split = if plan.recipe.partition().folds.is_none() { "test" } else { "val." };
    let full = plan.recipe.train_figures() == TrainFigures::Full;
    let loss = match RowKind::of(plan) {
        RowKind::Rmse(_) => "RMSE",
        RowKind::Classes | RowKind::Losses => "loss",
    };
    style.dim(&match (plan.classes.is_some(), full) {
        (true, false) => format!("     epoch   train loss   accuracy   {split} loss   accuracy       time"),
        (true, true) => {
            format!("     epoch   train loss   accuracy    full loss   accuracy   {split} loss   accuracy       time")
        }
        (false, false) => format!("     epoch   train {loss}   {split} {loss}       time"),
        (false, true) => format!("     epoch   train {loss}    full {loss}   {split} {loss}       time"),
    })
}

/// An epoch as a line. A figure that there is none of is left blank.
pub fn row(row: &EpochRow, of: u32, kind: RowKind, style: Style) -> String {
    let loss = |loss: Option<f64>| match kind {
        RowKind::Rmse(deviation) => loss.map_or_else(String::new, |loss| in_digits(deviation * loss.sqrt())),
        RowKind::Classes | RowKind::Losses => loss.map_or_else(String::new, |loss| format!("{loss:.4}")),
    };
    let share = |share: Option<f64>| share.map_or_else(String::new, |share| format!("{:.2} %", 100.0 * share));
    let summary = &row.summary;
    let epoch = format!("{}/{of}", summary.epoch);
    let time = row.seconds.map(duration).unwrap_or_default();
    let (train, test) = (loss(Some(summary.train_loss)), loss(summary.eval_loss()));
    let full_loss = summary.full_train.map_or_else(String::new, |full| format!("   {:>10}", loss(Some(full.loss))));
    if kind != RowKind::Classes {
        let time = style.dim(&format!("{time:>8}"));
        return format!("  {epoch:>8}   {train:>10}{full_loss}   {test:>9}   {time}");
    }
    let (train_share, test_share) = (share(summary.train_accuracy), share(summary.eval_accuracy()));
    let full_share = summary.full_train.map_or_else(String::new, |full| format!("   {:>8}", share(full.accuracy)));
    let full = full_loss + &full_share;
    format!(
        "  {epoch:>8}   {train:>10}   {train_share:>8}{full}   {test:>9}   {}   {}",
        style.bold(&format!("{test_share:>8}")),
        style.dim(&format!("{time:>8}"))
    )
}

use super::{EpochRow, TrainPlan};
use crate::terminal::{Style, duration};

/// The names over the columns of [`row`].
pub fn heading(plan: &TrainPlan, style: Style) -> String {
    let loss = if plan.recipe.partition().folds.is_none() { "test loss" } else { "val. loss" };
    style.dim(&if plan.classes.is_some() {
        format!("     epoch   train loss   accuracy   {loss}   accuracy       time")
    } else {
        format!("     epoch   train loss   {loss}       time")
    })
}

/// An epoch as a line. A figure that there is none of is left blank.
pub fn row(row: &EpochRow, of: u32, classes: bool, style: Style) -> String {
    let loss = |loss: Option<f64>| loss.map_or_else(String::new, |loss| format!("{loss:.4}"));
    let share = |share: Option<f64>| share.map_or_else(String::new, |share| format!("{:.2} %", 100.0 * share));
    let summary = &row.summary;
    let epoch = format!("{}/{of}", summary.epoch);
    let time = row.seconds.map(duration).unwrap_or_default();
    let (train, test) = (loss(Some(summary.train_loss)), loss(summary.eval_loss()));
    if !classes {
        return format!("  {epoch:>8}   {train:>10}   {test:>9}   {}", style.dim(&format!("{time:>8}")));
    }
    let (train_share, test_share) = (share(summary.train_accuracy), share(summary.eval_accuracy()));
    format!(
        "  {epoch:>8}   {train:>10}   {train_share:>8}   {test:>9}   {}   {}",
        style.bold(&format!("{test_share:>8}")),
        style.dim(&format!("{time:>8}"))
    )
}

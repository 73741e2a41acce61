use super::{EpochRow, TrainPlan};
use crate::terminal::{Style, duration};
use furlough_lab::recipe::TrainFigures;

/// The names over the columns of [`row`].
pub fn heading(plan: &TrainPlan, style: Style) -> String {
    let loss = if plan.recipe.partition().folds.is_none() { "test loss" } else { "val. loss" };
    let full = plan.recipe.train_figures() == TrainFigures::Full;
    style.dim(&match (plan.classes.is_some(), full) {
        (true, false) => format!("     epoch   train loss   accuracy   {loss}   accuracy       time"),
        (true, true) => {
            format!("     epoch   train loss   accuracy    full loss   accuracy   {loss}   accuracy       time")
        }
        (false, false) => format!("     epoch   train loss   {loss}       time"),
        (false, true) => format!("     epoch   train loss    full loss   {loss}       time"),
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
    let full_loss = summary.full_train.map_or_else(String::new, |full| format!("   {:>10}", loss(Some(full.loss))));
    if !classes {
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

use super::table::RowKind;
use super::{Ending, TrainPlan};
use super::{Output, Renderer, Run, curves, ending, header, table, training::TrainingProgress};
use crate::terminal::{Style, duration, thousands};
use furlough::train::Event;

/// A line an epoch.
pub struct Lines {
    style: Style,
    kind: RowKind,
}

impl Lines {
    /// Lines in this style.
    pub fn new(style: Style) -> Self {
        Lines { style, kind: RowKind::Classes }
    }
}

/// How far a run is, in a row.
pub fn bar(progress: &TrainingProgress, style: Style) -> String {
    let label = format!("{}/{}", progress.now.epoch.min(progress.of), progress.of);
    let share = progress.steps as f64 / progress.total_steps().max(1) as f64;
    super::bar(&label, share, &format!("{} · {}", rate(progress), time_left(progress)), style)
}

/// `152k examples/s`.
fn rate(progress: &TrainingProgress) -> String {
    match progress.rate() {
        rate if rate >= 1e4 => format!("{}k examples/s", thousands((rate / 1e3).round() as u64)),
        rate => format!("{} examples/s", thousands(rate.round() as u64)),
    }
}

/// `3 s left`, without digits that would only flicker.
fn time_left(progress: &TrainingProgress) -> String {
    match progress.time_left() {
        seconds if seconds < 99.5 => format!("{seconds:.0} s left"),
        seconds => format!("{} left", duration(seconds)),
    }
}

impl Renderer<Run> for Lines {
    fn begin(&mut self, plan: &TrainPlan, out: &mut Output) {
        self.kind = RowKind::of(plan);
        out.print(&header(plan, self.style));
        out.print(&table::heading(plan, self.style));
        for row in &plan.earlier {
            out.print(&table::row(row, plan.recipe.options().epochs, self.kind, self.style));
        }
    }

    fn event(&mut self, (event, progress): &(&Event<'_>, &TrainingProgress), out: &mut Output) {
        match event {
            Event::Epoch(_) => {
                let row = progress.epochs.last().expect("the progress has the epoch");
                out.print(&table::row(row, progress.of, self.kind, self.style));
            }
            Event::Stop { .. } => out.end_picture(),
            _ => {}
        }
    }

    fn end(&mut self, (progress, ending): &(&TrainingProgress, &Ending), out: &mut Output) {
        if progress.epochs.len() > 1 {
            out.print(&format!("\n{}", curves::text(progress, 1, curves::HEIGHT, self.style)));
        }
        out.print(&ending::text(progress, ending, self.style));
    }
}

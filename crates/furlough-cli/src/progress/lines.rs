use super::target::Target;
use super::{Ending, Plan, Renderer, curves, ending, header, table, training::TrainingProgress};
use crate::terminal::{Style, duration, thousands};
use furlough::train::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// A line an epoch on `out`, and a progress bar on standard error while there is a terminal.
pub struct Lines<W> {
    out: W,
    style: Style,
    with_bar: bool,
    bar: ProgressBar,
    drawn: Instant,
    classes: bool,
}

/// Often enough to look alive, seldom enough to cost nothing.
const REDRAW: Duration = Duration::from_millis(80);

impl<W: Write> Lines<W> {
    /// Shows a run on `out`.
    pub fn new(out: W, style: Style, with_bar: bool) -> Self {
        Lines { out, style, with_bar, bar: ProgressBar::hidden(), drawn: Instant::now(), classes: true }
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        let out = &mut self.out;
        self.bar.suspend(|| writeln!(out, "{text}").and_then(|()| out.flush()))
    }

    fn draw_bar(&mut self, progress: &TrainingProgress<'_>) {
        self.drawn = Instant::now();
        self.bar.set_position(progress.steps);
        self.bar.set_prefix(format!("{}/{}", progress.now.epoch.min(progress.of), progress.of));
        self.bar.set_message(self.style.text(&format!("{} · {}", rate(progress), time_left(progress))));
    }
}

/// `152k examples/s`.
pub fn rate(progress: &TrainingProgress<'_>) -> String {
    match progress.rate() {
        rate if rate >= 1e4 => format!("{}k examples/s", thousands((rate / 1e3).round() as u64)),
        rate => format!("{} examples/s", thousands(rate.round() as u64)),
    }
}

/// `3 s left`, without digits that would only flicker.
pub fn time_left(progress: &TrainingProgress<'_>) -> String {
    match progress.time_left() {
        seconds if seconds < 99.5 => format!("{seconds:.0} s left"),
        seconds => format!("{} left", duration(seconds)),
    }
}

impl<W: Write> Renderer for Lines<W> {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        self.classes = plan.classes.is_some();
        self.print(&header::header(plan, self.style))?;
        self.print(&table::heading(plan, self.style))?;
        for row in &plan.earlier {
            self.print(&table::row(row, plan.recipe.options().epochs, self.classes, self.style))?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>, progress: &TrainingProgress<'_>) -> io::Result<()> {
        match event {
            Event::Start { .. } if self.with_bar => {
                self.bar = ProgressBar::with_draw_target(
                    Some(progress.total_steps()),
                    ProgressDrawTarget::term_like_with_hz(Box::new(Target(io::stderr())), 15),
                );
                let (template, chars) = if self.style.unicode {
                    ("  {prefix:>8}   {bar:28.cyan/238} {percent:>3} %   {msg:.dim}", "━╸━")
                } else {
                    ("  {prefix:>8}   {bar:28} {percent:>3} %   {msg}", "=>-")
                };
                let style = ProgressStyle::with_template(template).expect("a fixed template");
                self.bar.set_style(style.progress_chars(chars));
            }
            Event::Step { .. } if self.drawn.elapsed() >= REDRAW => self.draw_bar(progress),
            Event::Epoch(_) => {
                let row = progress.epochs.last().expect("the progress has the epoch");
                let line = table::row(row, progress.of, self.classes, self.style);
                self.print(&line)?;
            }
            Event::Stop { .. } => {
                self.bar.finish_and_clear();
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, progress: &TrainingProgress<'_>, ending: &Ending) -> io::Result<()> {
        if progress.epochs.len() > 1 {
            let chart = curves::text(progress, self.style);
            self.print(&format!("\n{chart}"))?;
        }
        let text = ending::text(progress, ending, self.style);
        self.print(&text)
    }

    fn abandon(&mut self) {
        self.bar.finish_and_clear();
    }
}

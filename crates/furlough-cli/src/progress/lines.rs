use super::target::Target;
use super::{Ending, Plan, Show, curves, ending, header, story::Story, table};
use crate::terminal::{Look, duration, thousands};
use furlough::train::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// A line an epoch on `out`, and a progress bar on standard error while there is a terminal.
pub struct Lines<W> {
    out: W,
    look: Look,
    with_bar: bool,
    bar: ProgressBar,
    drawn: Instant,
    classes: bool,
}

/// Often enough to look alive, seldom enough to cost nothing.
const REDRAW: Duration = Duration::from_millis(80);

impl<W: Write> Lines<W> {
    /// Shows a run on `out`.
    pub fn new(out: W, look: Look, with_bar: bool) -> Self {
        Lines { out, look, with_bar, bar: ProgressBar::hidden(), drawn: Instant::now(), classes: true }
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        let out = &mut self.out;
        self.bar.suspend(|| writeln!(out, "{text}").and_then(|()| out.flush()))
    }

    fn draw_bar(&mut self, story: &Story<'_>) {
        self.drawn = Instant::now();
        self.bar.set_position(story.steps);
        self.bar.set_prefix(format!("{}/{}", story.now.epoch.min(story.of), story.of));
        self.bar.set_message(self.look.text(&format!("{} · {}", rate(story), time_left(story))));
    }
}

/// `152k examples/s`.
pub fn rate(story: &Story<'_>) -> String {
    match story.rate() {
        rate if rate >= 1e4 => format!("{}k examples/s", thousands((rate / 1e3).round() as u64)),
        rate => format!("{} examples/s", thousands(rate.round() as u64)),
    }
}

/// `3 s left`, without digits that would only flicker.
pub fn time_left(story: &Story<'_>) -> String {
    match story.time_left() {
        seconds if seconds < 99.5 => format!("{seconds:.0} s left"),
        seconds => format!("{} left", duration(seconds)),
    }
}

impl<W: Write> Show for Lines<W> {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        self.classes = plan.classes.is_some();
        self.print(&header::header(plan, self.look))?;
        self.print(&table::heading(plan, self.look))?;
        for told in &plan.earlier {
            self.print(&table::row(told, plan.recipe.options().epochs, self.classes, self.look))?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>, story: &Story<'_>) -> io::Result<()> {
        match event {
            Event::Start { .. } if self.with_bar => {
                self.bar = ProgressBar::with_draw_target(
                    Some(story.total_steps()),
                    ProgressDrawTarget::term_like_with_hz(Box::new(Target(io::stderr())), 15),
                );
                let (template, chars) = if self.look.unicode {
                    ("  {prefix:>8}   {bar:28.cyan/238} {percent:>3} %   {msg:.dim}", "━╸━")
                } else {
                    ("  {prefix:>8}   {bar:28} {percent:>3} %   {msg}", "=>-")
                };
                let style = ProgressStyle::with_template(template).expect("a fixed template");
                self.bar.set_style(style.progress_chars(chars));
            }
            Event::Step { .. } if self.drawn.elapsed() >= REDRAW => self.draw_bar(story),
            Event::Epoch(_) => {
                let told = story.epochs.last().expect("the story has the epoch");
                let line = table::row(told, story.of, self.classes, self.look);
                self.print(&line)?;
            }
            Event::Stop { .. } => {
                self.bar.finish_and_clear();
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, story: &Story<'_>, ending: &Ending) -> io::Result<()> {
        if story.epochs.len() > 1 {
            let chart = curves::text(story, self.look);
            self.print(&format!("\n{chart}"))?;
        }
        let text = ending::text(story, ending, self.look);
        self.print(&text)
    }

    fn abandon(&mut self) {
        self.bar.finish_and_clear();
    }
}

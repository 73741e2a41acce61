use super::{Ending, Plan, Renderer, curves, ending, header, lines, table, training::TrainingProgress};
use crate::terminal::Style;
use furlough::train::Event;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style as CellStyle};
use ratatui::text::Line;
use ratatui::widgets::{LineGauge, Widget};
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::io::{self, IsTerminal, Stdout, Write};
use std::time::{Duration, Instant};

/// Curves that grow while the run goes on, at the lower end of what was printed, with the epochs' lines above them.
pub struct Live {
    style: Style,
    terminal: Option<Screen>,
    /// Lines of epochs that the next picture will bring along: a small network has more epochs a second than pictures.
    waiting: Vec<String>,
    drawn: Instant,
    classes: bool,
}

/// Some ten pictures a second.
const REDRAW: Duration = Duration::from_millis(100);

impl Live {
    /// For the terminal on standard output; the reason when it cannot show curves.
    pub fn new(style: Style, plan: &Plan) -> Result<Self, String> {
        if !io::stdout().is_terminal() {
            return Err("standard output is not a terminal".into());
        }
        if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
            return Err("the terminal is a dumb one".into());
        }
        // Asking the terminal where the cursor is shows early whether the view can be placed.
        ratatui::crossterm::cursor::position().map_err(|error| format!("the terminal does not answer ({error})"))?;
        Ok(Live { style, terminal: None, waiting: Vec::new(), drawn: Instant::now(), classes: plan.classes.is_some() })
    }

    fn draw(&mut self, progress: &TrainingProgress<'_>) -> io::Result<()> {
        self.drawn = Instant::now();
        let style = self.style;
        if let Some(terminal) = &mut self.terminal {
            print_above(terminal, &mut self.waiting)?;
            terminal.draw(|frame| picture(progress, frame.area(), frame.buffer_mut(), style))?;
        }
        Ok(())
    }

    /// Takes the view away, so that what is printed next follows the epochs' lines.
    fn close(&mut self) -> io::Result<()> {
        if let Some(mut terminal) = self.terminal.take() {
            print_above(&mut terminal, &mut self.waiting)?;
            let top = terminal.get_frame().area().y;
            terminal.clear()?;
            terminal.set_cursor_position((0, top))?;
            terminal.show_cursor()?;
        }
        Ok(())
    }
}

type Screen = Terminal<CrosstermBackend<Stdout>>;

/// Moves `lines` out into the terminal's own history above the view.
fn print_above(terminal: &mut Screen, lines: &mut Vec<String>) -> io::Result<()> {
    let count = lines.len().min(usize::from(u16::MAX));
    if count == 0 {
        return Ok(());
    }
    terminal.insert_before(count as u16, |buffer| {
        for (row, line) in buffer.area.rows().zip(lines.drain(..)) {
            Line::raw(line).render(row, buffer);
        }
    })
}

fn picture(progress: &TrainingProgress<'_>, area: Rect, buffer: &mut Buffer, style: Style) {
    let [_, status, _, chart] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Length(1), Constraint::Fill(1)])
            .areas(area);
    let epoch = format!("{}/{}", progress.now.epoch.min(progress.of), progress.of);
    let done = progress.steps as f64 / progress.total_steps().max(1) as f64;
    let note =
        style.text(&format!("{:>3.0} %   {} · {}", 100.0 * done, lines::rate(progress), lines::time_left(progress)));
    let [left, bar, right] =
        Layout::horizontal([Constraint::Length(12), Constraint::Length(29), Constraint::Fill(1)]).areas(status);
    let dim = CellStyle::new().add_modifier(Modifier::DIM);
    Line::raw(format!("  {epoch:>8}")).render(left, buffer);
    let (filled, unfilled) = if style.unicode { ("━", "━") } else { ("=", "-") };
    LineGauge::default()
        .ratio(done.clamp(0.0, 1.0))
        .label("")
        .filled_symbol(filled)
        .unfilled_symbol(unfilled)
        .filled_style(CellStyle::new().fg(Color::Cyan))
        .unfilled_style(dim)
        .render(bar, buffer);
    Line::styled(format!(" {note}"), dim).render(right, buffer);
    let chart = Rect { width: chart.width.min(100), ..chart };
    curves::draw(progress, 0, chart, buffer, style);
}

impl Renderer for Live {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        let mut out = io::stdout();
        writeln!(out, "{}", header::header(plan, self.style))?;
        writeln!(out, "{}", table::heading(plan, self.style))?;
        for row in &plan.earlier {
            writeln!(out, "{}", table::row(row, plan.recipe.options().epochs, self.classes, self.style))?;
        }
        out.flush()
    }

    fn event(&mut self, event: &Event<'_>, progress: &TrainingProgress<'_>) -> io::Result<()> {
        match event {
            Event::Start { .. } => {
                let viewport = Viewport::Inline(curves::HEIGHT + 3);
                let backend = CrosstermBackend::new(io::stdout());
                self.terminal = Some(Terminal::with_options(backend, TerminalOptions { viewport })?);
                self.draw(progress)
            }
            Event::Step { .. } if self.drawn.elapsed() >= REDRAW => self.draw(progress),
            Event::Epoch(_) => {
                let row = progress.epochs.last().expect("the progress has the epoch");
                let plain = Style { color: false, ..self.style };
                self.waiting.push(table::row(row, progress.of, self.classes, plain));
                if self.drawn.elapsed() >= REDRAW { self.draw(progress) } else { Ok(()) }
            }
            Event::Stop { .. } => self.close(),
            _ => Ok(()),
        }
    }

    fn end(&mut self, progress: &TrainingProgress<'_>, ending: &Ending) -> io::Result<()> {
        let mut out = io::stdout();
        if progress.epochs.len() > 1 {
            writeln!(out, "\n{}", curves::text(progress, self.style))?;
        }
        writeln!(out, "{}", ending::text(progress, ending, self.style))?;
        out.flush()
    }

    fn abandon(&mut self) {
        // The error that follows matters more than one of clearing the screen.
        let _ = self.close();
    }
}

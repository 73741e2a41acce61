use super::{Ending, Plan, Show, curves, ending, header, lines, story::Story, table};
use crate::terminal::Look;
use furlough::train::Event;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{LineGauge, Widget};
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::io::{self, IsTerminal, Stdout, Write};
use std::time::{Duration, Instant};

/// Curves that grow while the run goes on, at the lower end of what was printed, with the epochs' lines above them.
pub struct Live {
    look: Look,
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
    pub fn new(look: Look, plan: &Plan) -> Result<Self, String> {
        if !io::stdout().is_terminal() {
            return Err("standard output is not a terminal".into());
        }
        if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
            return Err("the terminal is a dumb one".into());
        }
        // Asking the terminal where the cursor is shows early whether the view can be placed.
        ratatui::crossterm::cursor::position().map_err(|error| format!("the terminal does not answer ({error})"))?;
        Ok(Live { look, terminal: None, waiting: Vec::new(), drawn: Instant::now(), classes: plan.classes.is_some() })
    }

    fn draw(&mut self, story: &Story<'_>) -> io::Result<()> {
        self.drawn = Instant::now();
        let look = self.look;
        if let Some(terminal) = &mut self.terminal {
            print_above(terminal, &mut self.waiting)?;
            terminal.draw(|frame| picture(story, frame.area(), frame.buffer_mut(), look))?;
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

fn picture(story: &Story<'_>, area: Rect, buffer: &mut Buffer, look: Look) {
    let [_, status, _, chart] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Length(1), Constraint::Fill(1)])
            .areas(area);
    let epoch = format!("{}/{}", story.now.epoch.min(story.of), story.of);
    let done = story.steps as f64 / story.total_steps().max(1) as f64;
    let note = look.text(&format!("{:>3.0} %   {} · {}", 100.0 * done, lines::rate(story), lines::time_left(story)));
    let [left, bar, right] =
        Layout::horizontal([Constraint::Length(12), Constraint::Length(29), Constraint::Fill(1)]).areas(status);
    let dim = Style::new().add_modifier(Modifier::DIM);
    Line::raw(format!("  {epoch:>8}")).render(left, buffer);
    let (filled, unfilled) = if look.unicode { ("━", "━") } else { ("=", "-") };
    LineGauge::default()
        .ratio(done.clamp(0.0, 1.0))
        .label("")
        .filled_symbol(filled)
        .unfilled_symbol(unfilled)
        .filled_style(Style::new().fg(Color::Cyan))
        .unfilled_style(dim)
        .render(bar, buffer);
    Line::styled(format!(" {note}"), dim).render(right, buffer);
    let chart = Rect { width: chart.width.min(100), ..chart };
    curves::draw(story, 0, chart, buffer, look);
}

impl Show for Live {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        let mut out = io::stdout();
        writeln!(out, "{}", header::header(plan, self.look))?;
        writeln!(out, "{}", table::heading(plan, self.look))?;
        for told in &plan.earlier {
            writeln!(out, "{}", table::row(told, plan.recipe.options().epochs, self.classes, self.look))?;
        }
        out.flush()
    }

    fn event(&mut self, event: &Event<'_>, story: &Story<'_>) -> io::Result<()> {
        match event {
            Event::Start { .. } => {
                let viewport = Viewport::Inline(curves::HEIGHT + 3);
                let backend = CrosstermBackend::new(io::stdout());
                self.terminal = Some(Terminal::with_options(backend, TerminalOptions { viewport })?);
                self.draw(story)
            }
            Event::Step { .. } if self.drawn.elapsed() >= REDRAW => self.draw(story),
            Event::Epoch(_) => {
                let told = story.epochs.last().expect("the story has the epoch");
                let plain = Look { colour: false, ..self.look };
                self.waiting.push(table::row(told, story.of, self.classes, plain));
                if self.drawn.elapsed() >= REDRAW { self.draw(story) } else { Ok(()) }
            }
            Event::Stop { .. } => self.close(),
            _ => Ok(()),
        }
    }

    fn end(&mut self, story: &Story<'_>, ending: &Ending) -> io::Result<()> {
        let mut out = io::stdout();
        if story.epochs.len() > 1 {
            writeln!(out, "\n{}", curves::text(story, self.look))?;
        }
        writeln!(out, "{}", ending::text(story, ending, self.look))?;
        out.flush()
    }

    fn abandon(&mut self) {
        // The error that follows matters more than one of clearing the screen.
        let _ = self.close();
    }
}

use super::output::{Closed, Output};
use crate::failure;

/// What is shown: a run, a tune, a study.
pub trait Subject {
    /// What will happen.
    type Summary<'a>;
    /// What happens.
    type Event<'a>;
    /// How it ended.
    type Ending<'a>;
}

/// One way to show a subject. What it does not mind, it leaves out.
pub trait Renderer<S: Subject> {
    /// Before anything is computed.
    fn begin(&mut self, _: &S::Summary<'_>, _: &mut Output) {}
    /// When something has happened.
    fn event(&mut self, _: &S::Event<'_>, _: &mut Output) {}
    /// When all is saved.
    fn end(&mut self, _: &S::Ending<'_>, _: &mut Output) {}
}

/// Shows nothing.
pub struct Quiet;

impl<S: Subject> Renderer<S> for Quiet {}

/// Shows a subject to whoever started it.
pub struct Display<S: Subject> {
    renderer: Box<dyn Renderer<S>>,
    output: Output,
}

impl<S: Subject> Display<S> {
    /// Shows what `renderer` makes of it on `output`.
    pub fn new(renderer: Box<dyn Renderer<S>>, output: Output) -> Self {
        Display { renderer, output }
    }

    /// Shows what will happen.
    pub fn begin(&mut self, summary: &S::Summary<'_>) {
        self.renderer.begin(summary, &mut self.output);
    }

    /// Shows what has happened.
    pub fn event(&mut self, event: &S::Event<'_>) {
        self.renderer.event(event, &mut self.output);
    }

    /// Shows how it ended, when all is saved. An error of writing that came at any time is returned
    /// only here: what was done is saved by now.
    pub fn end(&mut self, ending: &S::Ending<'_>) -> furlough::Result<()> {
        self.output.end_picture();
        self.renderer.end(ending, &mut self.output);
        self.output.finish().map_err(failure::output)
    }

    /// Clears away what is on the screen only for a while, before an error is told.
    pub fn abandon(&mut self) {
        let _ = self.output.finish();
    }

    /// For others to ask whether anybody still reads.
    pub fn closed(&self) -> Closed {
        self.output.closed()
    }
}

//! Reports: what runs did, as one HTML page that needs nothing else. Pure functions from figures to
//! text.
//!
//! A page is made of [`Part`]s: runs, a comparison of runs, studies. It loads nothing, from the
//! network or from the disk: the style sheet, the one script and every picture are in it, and its
//! content security policy forbids the rest. Without the script it has the same curves as pictures
//! and as tables.
//!
//! All text goes through [`maud`], which escapes what it is given unless it is told otherwise;
//! `embed.rs` is the one place that tells it so.
//!
//! ```
//! use furlough_lab::{recipe::Settings, report::{Part, RunReport, page}};
//! let run = RunReport {
//!     name: "runs/a <b>".into(),
//!     recipe: Settings::parse("data = 'digits'", None)?.resolve()?,
//!     records: vec![],
//!     manifest: None,
//!     provenance: None,
//!     failure: None,
//!     model: None,
//!     first_batch: vec![],
//!     answers: None,
//!     commands: String::new(),
//!     notes: vec!["the run has not begun".into()],
//! };
//! let html = page(&[Part::Run(&run)])?;
//! assert!(html.starts_with("<!DOCTYPE html>") && html.contains("runs/a &lt;b&gt;"));
//! # Ok::<(), furlough_lab::Error>(())
//! ```

mod abstention;
mod answers;
mod calibration;
mod chapter;
mod classes;
mod comparison;
mod curves;
mod embed;
mod explain;
mod learned;
mod masks;
mod mistakes;
mod numbers;
mod origin;
mod page;
mod parts;
mod pixels;
mod residuals;
mod run;
mod run_chapter;
mod scores;
mod study;
#[cfg(test)]
mod tests;
mod tune;
pub mod uplot;
mod weights;

pub use answers::{Answers, ExampleView, MistakeView};
pub use comparison::{ComparedRun, Comparison, Difference, Group, PairedFigure};
pub use explain::{CORRELATION, ExplainPage, score_text, value_text};
pub use masks::{MaskPlace, first_batch};
pub use page::is_report;
pub use parts::{Part, page};
pub use pixels::Pixels;
pub use run::{RunModel, RunReport};
pub use study::{StudyPicture, StudyReport};
pub use tune::TunePage;
pub use weights::Weights;

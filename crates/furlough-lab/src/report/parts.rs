//! What a page may be made of, and the page of it.

use super::page::render;
use super::{Comparison, ExplainPage, RunReport, StudyReport, TunePage, comparison, explain, run_chapter, study, tune};
use crate::Result;

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// A run.
    Run(&'a RunReport),
    /// Runs beside each other.
    Comparison(&'a Comparison),
    /// A study.
    Study(&'a StudyReport),
    /// A tune.
    Tune(&'a TunePage),
    /// What a model needs and does.
    Explain(&'a ExplainPage),
}

/// Returns the page: HTML that loads nothing.
///
/// # Errors
/// [`crate::Error`] when a picture cannot be drawn.
pub fn page(parts: &[Part<'_>]) -> Result<String> {
    let chapter = |(place, part): (usize, &Part<'_>)| match part {
        Part::Run(report) => run_chapter::chapter(report, place),
        Part::Comparison(comparison) => comparison::chapter(comparison, place),
        Part::Study(report) => study::chapter(report),
        Part::Tune(page) => tune::chapter(page),
        Part::Explain(page) => explain::chapter(page),
    };
    let chapters = parts.iter().enumerate().map(chapter).collect::<Result<Vec<_>>>()?;
    Ok(render(&chapters, matches!(parts.first(), Some(Part::Comparison(_)))))
}

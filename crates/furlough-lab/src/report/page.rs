use super::embed::{self, trusted};
use super::{Comparison, RunReport, StudyReport, TunePage, comparison, run, study, tune};
use crate::Result;
use maud::{DOCTYPE, Markup, html};

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
}

/// A part of a page, made: its heading, and its sections with their titles.
pub(super) struct Chapter {
    pub title: String,
    /// What stands under the title.
    pub opening: Markup,
    pub sections: Vec<Section>,
}

/// A section of a chapter.
pub(super) struct Section {
    /// Its name in addresses, unique within its chapter.
    pub id: &'static str,
    /// Its heading, and what the navigation calls it.
    pub title: &'static str,
    pub body: Markup,
}

const MARK: &str = "furlough report";

/// The page: HTML that loads nothing.
///
/// # Errors
/// [`crate::Error`] when a picture cannot be drawn.
pub fn page(parts: &[Part<'_>]) -> Result<String> {
    let chapter = |(place, part): (usize, &Part<'_>)| match part {
        Part::Run(report) => run::chapter(report, place),
        Part::Comparison(comparison) => comparison::chapter(comparison, place),
        Part::Study(report) => study::chapter(report),
        Part::Tune(page) => tune::chapter(page),
    };
    let chapters = parts.iter().enumerate().map(chapter).collect::<Result<Vec<_>>>()?;
    let title = match chapters.as_slice() {
        [] => "Nothing".into(),
        [only] => only.title.clone(),
        [first, ..] if matches!(parts[0], Part::Comparison(_)) => first.title.clone(),
        many => format!("{} runs, studies and tunes", many.len()),
    };
    // The title is the first chapter's own, where there is one chapter or the first one speaks of all the others.
    let titled = chapters.len() == 1 || matches!(parts.first(), Some(Part::Comparison(_)));
    let policy = embed::policy();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content=(format!("{MARK} {}", env!("CARGO_PKG_VERSION")));
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (title) " · " (MARK) }
                (embed::licence())
                style { (trusted(embed::style())) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                header.page {
                    p.over { "Furlough report" }
                    h1 { (title) }
                    @if titled { (chapters[0].opening) }
                    (navigation(&chapters))
                }
                main #main .page {
                    @for (place, chapter) in chapters.iter().enumerate() {
                        @if place > 0 || !titled {
                            section #{ "part" (place) } aria-label=(chapter.title) {
                                h2.run { (chapter.title) }
                                (chapter.opening)
                            }
                        }
                        @for section in &chapter.sections {
                            section #{ (section.id) "-" (place) } aria-labelledby={ (section.id) "-" (place) "-title" } {
                                h2 #{ (section.id) "-" (place) "-title" } { (section.title) }
                                (section.body)
                            }
                        }
                    }
                }
                footer.page {
                    hr;
                    "Written by furlough " (env!("CARGO_PKG_VERSION"))
                    ". This file is complete in itself: it loads nothing and sends nothing."
                }
                script { (trusted(embed::script())) }
            }
        }
    };
    Ok(markup.into_string())
}

/// One chapter: links to its sections. Several: links to them.
fn navigation(chapters: &[Chapter]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                @if let [only] = chapters {
                    @for section in &only.sections {
                        li { a href={ "#" (section.id) "-0" } { (section.title) } }
                    }
                } @else {
                    @for (place, chapter) in chapters.iter().enumerate() {
                        @let target = chapter.sections.first().map_or("", |section| section.id);
                        @if place == 0 { li { a href={ "#" (target) "-0" } { (chapter.title) } } }
                        @else { li { a href={ "#part" (place) } { (chapter.title) } } }
                    }
                }
            }
        }
    }
}

/// Whether a file that begins with `bytes` is a report of ours, which another may replace.
///
/// ```
/// assert!(!furlough_lab::report::is_report(b"dear diary"));
/// ```
pub fn is_report(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    let mark = format!("<meta name=\"generator\" content=\"{MARK} ");
    head.windows(mark.len()).any(|window| window == mark.as_bytes())
}

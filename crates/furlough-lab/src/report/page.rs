use super::chapter::Chapter;
use super::embed::{self, trusted};
use maud::{DOCTYPE, Markup, html};

const MARK: &str = "furlough report";

/// Renders a page of these chapters. `summed` says whether the first one speaks of all the others.
pub(super) fn render(chapters: &[Chapter], summed: bool) -> String {
    let title = match chapters {
        [] => "Nothing".into(),
        [only] => only.title.clone(),
        [first, ..] if summed => first.title.clone(),
        many => format!("{} runs, studies and tunes", many.len()),
    };
    // The title is the first chapter's own, where there is one chapter or the first one speaks of
    // all the others.
    let titled = chapters.len() == 1 || summed;
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
                    (navigation(chapters))
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
                            section #{ (section.id) "-" (place) } aria-labelledby={ (section.id) "-" (place)
                                "-title" } {
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
    markup.into_string()
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

//! The chapter of a study: what its folder has, its tables and pictures.

use super::chapter::{Chapter, Section};
use super::embed::{self, trusted};
use crate::Result;
use maud::{Markup, html};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// What a study has to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudyReport {
    /// What it is called: its folder.
    pub name: String,
    /// Its tables and what is concluded from them, as Markdown.
    pub text: Option<String>,
    /// Its pictures.
    pub pictures: Vec<StudyPicture>,
    /// The experiment, as TOML.
    pub experiment: Option<String>,
    /// How to repeat it, in a sentence; empty for none.
    pub repeat: String,
    /// Sentences on what is missing, and why.
    pub notes: Vec<String>,
}

/// A picture of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyPicture {
    /// What it is called: its file, without the ending.
    pub name: String,
    /// The file.
    pub svg: String,
    /// The same as an image, where there is one beside it. The page does not need it.
    pub png: Option<Vec<u8>>,
}

pub(super) fn chapter(report: &StudyReport) -> Result<Chapter> {
    let mut sections = Vec::new();
    if !report.pictures.is_empty() {
        sections.push(Section { id: "plots", title: "Plots", body: pictures(&report.pictures) });
    }
    if let Some(text) = &report.text {
        sections.push(Section { id: "tables", title: "Tables", body: markdown(text) });
    }
    if let Some(text) = &report.experiment {
        let body = html! {
            @if !report.repeat.is_empty() { p { (report.repeat) } }
            pre tabindex="0" aria-label="Experiment" { code { (text) } }
        };
        sections.push(Section { id: "experiment", title: "The experiment and how to repeat it", body });
    }
    let opening = html! { @for note in &report.notes { p.note { (note) } } };
    Ok(Chapter { title: report.name.clone(), opening, sections })
}

/// Shows pictures one under the other.
pub(super) fn pictures(pictures: &[StudyPicture]) -> Markup {
    html! {
        div.study {
            @for StudyPicture { name, svg, .. } in pictures {
                figure { (picture(name, svg)) figcaption { (name) } }
            }
        }
    }
}

/// A picture of ours takes the page's colors. Anybody else's stays an image, which can run nothing.
fn picture(name: &str, svg: &str) -> Markup {
    let what = format!("Plot {name}; its figures are in the tables");
    if is_plain(svg) {
        return embed::picture(&svg[svg.find("<svg").unwrap_or(0)..], &what);
    }
    html! { img src=(embed::svg_address(svg)) alt=(what) style="max-width:100%;height:auto;background:#fff" ; }
}

/// Whether the picture has only elements and attributes that plotters writes, written as it writes
/// them.
fn is_plain(svg: &str) -> bool {
    let Some(start) = svg.find("<svg") else { return false };
    svg[start..].split('<').skip(1).all(plain_tag) && svg.trim_end().ends_with("</svg>")
}

/// Whether what follows a `<` is a plain tag: a known name, then attributes in double quotes, none
/// of which does anything.
fn plain_tag(text: &str) -> bool {
    const ELEMENTS: [&str; 9] = ["svg", "rect", "text", "polyline", "polygon", "circle", "line", "path", "g"];
    let Some((tag, _)) = text.split_once('>') else { return false };
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    let end = tag.find(char::is_whitespace).unwrap_or(tag.len());
    let (name, mut rest) = tag.split_at(end);
    while let Some((attribute, value)) = rest.split_once("=\"") {
        let attribute = attribute.trim_start();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ':';
        let acts = attribute.starts_with("on") || attribute.contains("href") || attribute == "style";
        let Some((_, after)) = value.split_once('"') else { return false };
        if attribute.is_empty() || !attribute.chars().all(plain) || acts {
            return false;
        }
        rest = after;
    }
    ELEMENTS.contains(&name) && rest.trim().is_empty()
}

/// Markdown as HTML. Raw HTML in it becomes text, links lose their addresses, and pictures are left
/// out, since they are shown by themselves.
fn markdown(text: &str) -> Markup {
    let mut hidden = 0u32;
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Image { .. }) => {
            hidden += 1;
            None
        }
        Event::End(TagEnd::Image) => {
            hidden = hidden.saturating_sub(1);
            None
        }
        _ if hidden > 0 => None,
        Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link) => None,
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::Text(raw)),
        // The page has a heading of each level above these.
        Event::Start(Tag::Heading { .. }) => Some(Event::Start(Tag::Heading {
            level: pulldown_cmark::HeadingLevel::H3,
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        })),
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Heading(pulldown_cmark::HeadingLevel::H3))),
        other => Some(other),
    });
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events);
    let tables = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>";
    trusted(
        out.replace("<table>", tables)
            .replace("</table>", "</table></div>")
            .replace("<th>", "<th scope=\"col\">")
            .replace("<th style", "<th scope=\"col\" style"),
    )
}

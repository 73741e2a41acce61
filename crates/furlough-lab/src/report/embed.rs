//! What goes into a page as it is: the one place where text is not escaped, or escaped for
//! something else than HTML.

use super::uplot;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The script, after uPlot's and in a block of its own, so that its names are its own.
pub(super) fn script() -> String {
    format!("{}\n{{\n{}}}\n", uplot::SCRIPT, include_str!("../../assets/report/report.js"))
}

/// The style sheet, after uPlot's.
pub(super) fn style() -> String {
    format!("{}\n{}", uplot::STYLE, include_str!("../../assets/report/report.css"))
}

/// Text that is ours or that was made safe here.
pub(super) fn trusted(text: impl Into<String>) -> Markup {
    PreEscaped(text.into())
}

/// The licence of what is bundled, as a comment.
pub(super) fn licence() -> Markup {
    trusted(format!("<!-- The script contains uPlot 1.6.32.\n{}-->", uplot::LICENCE))
}

/// The content security policy: nothing is loaded, and of all scripts only ours runs, which its
/// hash says.
pub(super) fn policy() -> String {
    let hash = format!("sha256-{}", STANDARD.encode(Sha256::digest(script().as_bytes())));
    include_str!("../../assets/report/policy.txt").replace("HASH", &hash)
}

/// Values for the script. In a `<script>` nothing is unescaped, so what could end it must not be
/// there at all.
pub(super) fn json(value: &impl Serialize) -> Markup {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".into());
    trusted(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

/// An image as an address that holds it.
pub(super) fn png_address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// Our own picture, as plotters writes it, so that it takes the colors of the page and speaks:
/// `what` is read in its place.
pub(super) fn picture(svg: &str, what: &str) -> Markup {
    let body = svg.find('>').map_or("", |end| &svg[end + 1..]);
    let view = svg.split("viewBox=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let mut body = body.replace("<rect x=\"0\" y=\"0\"", "<rect class=\"sheet\" x=\"0\" y=\"0\"");
    for (color, name) in COLORS {
        body = body.replace(color, name);
    }
    let body = body.replace("DejaVu Sans, Verdana, sans-serif", "inherit");
    maud::html! {
        (trusted("<svg role=\"img\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\""))
        (view)
        (trusted("\" aria-label=\""))
        (what)
        (trusted("\">"))
        (trusted(body))
    }
}

/// The colors of `run/plot` as those of the page, which change with its scheme.
const COLORS: [(&str, &str); 10] = [
    ("#FFFFFF", "var(--paper)"),
    ("#282828", "var(--ink)"),
    ("#6E6E6E", "var(--pale)"),
    ("#E4E4E4", "var(--grid)"),
    ("#0072B2", "var(--train)"),
    ("#D55E00", "var(--test)"),
    ("#009E73", "var(--c3)"),
    ("#CC79A7", "var(--c4)"),
    ("#56B4E9", "var(--c5)"),
    ("#E69F00", "var(--c6)"),
];

/// A stranger's picture: as an image it cannot run anything.
pub(super) fn svg_address(svg: &str) -> String {
    format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg))
}

//! The page's files. They are part of the program: the page needs nothing from anywhere else.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use furlough_lab::report::uplot;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Path, type and text of each file.
const FILES: [(&str, &str, &str); 10] = [
    ("/", HTML, include_str!("../../../assets/watch/index.html")),
    ("/icon.svg", "image/svg+xml", include_str!("../../../assets/watch/icon.svg")),
    ("/watch.css", CSS, include_str!("../../../assets/watch/watch.css")),
    ("/main.js", JS, include_str!("../../../assets/watch/main.js")),
    ("/charts.js", JS, include_str!("../../../assets/watch/charts.js")),
    ("/masks.js", JS, include_str!("../../../assets/watch/masks.js")),
    ("/runs.js", JS, include_str!("../../../assets/watch/runs.js")),
    ("/uplot.js", JS, uplot::SCRIPT),
    ("/uplot.css", CSS, uplot::STYLE),
    ("/uplot-licence.txt", TEXT, uplot::LICENCE),
];

/// A route to each file.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let add = |router: Router<S>, (path, kind, text)| {
        router.route(path, get(move || std::future::ready(([(CONTENT_TYPE, kind)], text))))
    };
    FILES.into_iter().fold(Router::new(), add)
}

//! What keeps the page between this machine and its user.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// Nothing but what this server serves, and nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Refuses requests that name another host, and gives every answer its headers. A page elsewhere
/// that makes its own name point here (DNS rebinding) sends that name, and so cannot read what is
/// served.
pub async fn guard(State(host): State<Arc<str>>, request: Request, next: Next) -> Response {
    let mut response = if is_ours(request.headers(), &host) {
        next.run(request).await
    } else {
        let text = "This page answers to localhost, to addresses in numbers, and to the name given with --host.\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the request's host is one that nobody else can make point here: localhost, an address,
/// or the `host` that was listened on.
fn is_ours(headers: &HeaderMap, host: &str) -> bool {
    let Some(asked) = headers.get(header::HOST).and_then(|asked| asked.to_str().ok()) else { return false };
    if let Some(rest) = asked.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok());
    }
    let name = asked.split_once(':').map_or(asked, |(name, _)| name);
    name.parse::<IpAddr>().is_ok() || ["localhost", host].iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_cannot_be_another() {
        let ours = |asked: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(asked).unwrap());
            is_ours(&headers, "box.lan")
        };
        for asked in
            ["localhost", "LocalHost:6060", "127.0.0.1:6060", "[::1]:6060", "[::1]", "192.168.0.7", "box.lan:1"]
        {
            assert!(ours(asked), "{asked}");
        }
        for asked in
            ["", "evil.example", "evil.example:6060", "localhost.evil.example", "127.0.0.1.evil.example", "[evil]"]
        {
            assert!(!ours(asked), "{asked}");
        }
        assert!(!is_ours(&HeaderMap::new(), "box.lan"));
    }
}

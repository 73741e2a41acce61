//! Download over HTTPS.
//!
//! Certificates are judged by Mozilla's list, built in, so that a bare container without a certificate store can download
//! too; `SSL_CERT_FILE` replaces it where a proxy has an authority of its own. The content is trusted for
//! its SHA-256 and for nothing else.

use super::places::Places;
use super::source::Source;
use super::{Report, cache};
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// For finding the host and for connecting to it: a machine with no network is not to be kept waiting.
const CONNECT: Duration = Duration::from_secs(5);
/// For each answer and each piece of it. There is no limit on the whole, because slow lines are slow.
const SILENCE: Duration = Duration::from_secs(20);

/// Downloads into `folder` the files that it does not have yet, or all if `force` says so.
pub fn download(source: &Source, places: &Places, folder: &Path, force: bool, report: Report) -> Result<()> {
    let agent = agent(places)?;
    for file in source.files.iter().filter(|file| force || !cache::holds(folder, file)) {
        let address = format!("{}/{}.gz", places.url(source), file.name);
        report(&format!("downloading {address}"));
        let get = || -> Result<()> {
            let mut answer = agent.get(&address).call().map_err(explained)?;
            let bar = bar(answer.body().content_length());
            bar.set_message(file.name);
            let stored = cache::put(folder, file, bar.wrap_read(answer.body_mut().as_reader()));
            bar.finish_and_clear();
            stored
        };
        get().with_context(|| address.clone())?;
    }
    Ok(())
}

fn agent(places: &Places) -> Result<ureq::Agent> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = &places.certificates {
        tls = tls.root_certs(certificates(path).with_context(|| format!("SSL_CERT_FILE {}", path.display()))?);
    }
    Ok(ureq::Agent::config_builder()
        .tls_config(tls.build())
        .proxy(places.proxy.clone())
        .user_agent(concat!("furlough/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .new_agent())
}

fn certificates(path: &Path) -> Result<RootCerts> {
    let text = std::fs::read(path)?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        bail!("has no certificate");
    }
    Ok(RootCerts::Specific(Arc::new(found)))
}

/// What the failure means, where the client's words do not say it.
fn explained(error: ureq::Error) -> anyhow::Error {
    let hint = match &error {
        ureq::Error::HostNotFound => "no such host, or no network",
        ureq::Error::Timeout(_) => "no answer in time",
        ureq::Error::StatusCode(404) => "the file is not there",
        _ => return error.into(),
    };
    anyhow::Error::new(error).context(hint)
}

/// A bar in bytes. It draws on stderr, and only if that is a terminal.
fn bar(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => {
            (ProgressBar::new(length), "  {msg} {bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left")
        }
        None => (ProgressBar::no_length(), "  {msg} {spinner} {bytes}, {bytes_per_sec}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

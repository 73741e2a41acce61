//! Download over HTTPS.
//!
//! Certificates are judged by Mozilla's list, built in, so that a bare container without a
//! certificate store can download too; `SSL_CERT_FILE` replaces it where a proxy has an authority
//! of its own. The content is trusted for its SHA-256 and for nothing else.

use super::places::Places;
use super::source::Source;
use super::{Report, cache};
use crate::progress::{self, Output, StandardStream};
use crate::terminal::{Style, bytes};
use anyhow::{Context, Result, bail};
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// For finding the host and for connecting to it: a machine with no network is not to be kept
/// waiting.
const CONNECT: Duration = Duration::from_secs(5);
/// For each answer and each piece of it. There is no limit on the whole, because slow lines are
/// slow.
const SILENCE: Duration = Duration::from_secs(20);

/// Downloads into `folder` the files that it does not have yet, or all if `force` says so.
pub fn download(source: &Source, places: &Places, folder: &Path, force: bool, report: Report) -> Result<()> {
    let agent = agent(places)?;
    for file in source.files.iter().filter(|file| force || !cache::holds(folder, file)) {
        let address = format!("{}/{}.gz", places.url(source), file.name);
        report(&format!("downloading {address}"));
        let get = || -> Result<()> {
            let mut answer = agent.get(&address).call().map_err(explained)?;
            let length = answer.body().content_length();
            let (got, bar) = bar(file.name, length);
            let stored = cache::put(folder, file, Counted { inner: answer.body_mut().as_reader(), got });
            if let Some(mut bar) = bar {
                let _ = bar.finish(); // what cannot be drawn is not missed
            }
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

/// A reader that says how many bytes it has given.
struct Counted<R> {
    inner: R,
    got: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.got.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// How many bytes of a file have come, and a bar of them on standard error, if that is a terminal.
fn bar(name: &'static str, length: Option<u64>) -> (Arc<AtomicU64>, Option<Output>) {
    let got = Arc::new(AtomicU64::new(0));
    let (theirs, style) = (Arc::clone(&got), Style::of(&io::stderr()));
    let draw = move |_| {
        let got = theirs.load(Ordering::Relaxed);
        let share = length.map_or(0.0, |length| got as f64 / length.max(1) as f64);
        let of = length.map_or(String::new(), |length| format!(" of {}", bytes(length)));
        Some(vec![progress::bar("", share, &format!("{name} {}{of}", bytes(got)), style)])
    };
    let output = || Output::new(Some((StandardStream::Stderr, Box::new(draw))));
    let bar = io::stderr().is_terminal().then(output);
    (got, bar)
}

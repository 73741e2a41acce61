//! `furlough watch`: a live page of runs, served to this machine's browser. It only ever reads.

mod assets;
mod catalog;
mod checkpoint;
mod dropped;
mod find;
mod guard;
mod hub;
mod server;
pub(crate) mod state;
mod tail;

use crate::args::WatchArgs;
use crate::terminal::{Style, note, path};
use crate::{failure, interrupt};
use anyhow::{Context, bail};
use catalog::Catalog;
use hub::Hub;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

/// Serves the page until Ctrl-C.
pub fn run(args: &WatchArgs) -> anyhow::Result<ExitCode> {
    if args.dir.exists() && !args.dir.is_dir() {
        bail!("{} is a file; give the folder of a run, or a folder with runs in it", args.dir.display());
    }
    let listener = listen(&args.host, args.port)?;
    let address = listener.local_addr().context("cannot tell which port it is")?;
    interrupt::catch()?;

    let hub = Arc::new(Hub::new(Catalog::new(&args.dir)));
    let url = url(&args.host, address);
    announce(&args.dir, hub.runs(), &url, address).map_err(failure::output)?;
    if args.open && !open(&url) {
        note(&format!("note: no browser could be started; open {url} yourself"));
    }

    let scanner = Arc::clone(&hub);
    std::thread::Builder::new()
        .name("furlough-scan".into())
        .spawn(move || scanner.scan_forever())
        .map_err(|source| furlough::Error::NoThread { source })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(server::serve(listener, hub, &args.host));
    runtime.shutdown_background();
    served.context("the server failed")?;
    Ok(ExitCode::SUCCESS)
}

fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((host.trim_matches(['[', ']']), port)).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse => bail!(
            "port {port} of {host} is in use, by another `furlough watch` perhaps; \
             choose another with --port, or any free one with --port 0"
        ),
        io::ErrorKind::PermissionDenied => {
            bail!("port {port} of {host} is not for ordinary users; choose one from 1024 with --port")
        }
        _ => bail!("cannot listen on {host} ({error}); give an address of this machine with --host"),
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Where a browser on this machine finds the page: an address that stands for all addresses is none
/// to go to.
fn url(host: &str, address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}/", address.port())
    } else if host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[') {
        format!("http://{host}:{}/", address.port())
    } else {
        format!("http://{address}/")
    }
}

fn announce(dir: &Path, runs: usize, url: &str, address: SocketAddr) -> io::Result<()> {
    let style = Style::of(&io::stdout());
    let folder = path(dir);
    let found = match runs {
        0 if !dir.exists() => format!("{folder} does not exist yet; its runs will show as they come"),
        0 => format!("{folder} has no runs yet; they will show as they come"),
        1 => format!("1 run in {folder}"),
        many => format!("{many} runs in {folder}"),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "watching at {}", style.text(url))?;
    writeln!(out, "{}", style.dim(&found))?;
    if !address.ip().is_loopback() {
        writeln!(out, "{}", style.dim("everyone who can reach this machine can see the page"))?;
    }
    writeln!(out, "{}", style.dim("Ctrl-C ends it; training is not touched"))?;
    out.flush()
}

/// Whether the system's way to open a page could be started.
fn open(url: &str) -> bool {
    let (program, arguments): (_, &[&str]) = match std::env::consts::OS {
        "windows" => ("cmd", &["/C", "start", ""]),
        "macos" => ("open", &[]),
        _ => ("xdg-open", &[]),
    };
    let quiet = || Stdio::null();
    Command::new(program).args(arguments).arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().is_ok()
}

//! The demo service: a relying party like any other, on a library that Portvakt's people did not write (`openidconnect`).
//!
//! One clicks *Log in*, comes back, and sees each request, response and token explained, claim by claim. It is a developer's tool for
//! this machine and for test data: codes and tokens stand in full on its page, and nowhere else. `cargo xtask dev` starts it.

mod endpoint;
mod jwt;
mod login;
mod mistake;
mod pages;
mod relying_party;
mod story;
mod summary;
mod wire;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use endpoint::Service;
use pages::PageName;
use summary::Source;

/// The demo service of Portvakt: log in, and see each request, response and token explained.
///
/// It serves as long as its standard input is open.
#[derive(Parser)]
#[command(name = "portvakt-demo", version)]
struct Cli {
    /// The port of this machine to listen on; 0 picks a free one.
    #[arg(long, value_name = "localhost:PORT", default_value = "localhost:3000")]
    listen: Port,
    /// The file that `portvakt dev --ready-file FILE` writes: issuers, clients and their secrets.
    #[arg(long, value_name = "FILE", required_unless_present = "pages")]
    summary: Option<PathBuf>,
    /// Remove that file at the end: for whoever made it and is gone by then.
    #[arg(long, hide = true)]
    remove_summary: bool,
    /// Print the names of all pages as JSON.
    #[arg(long, hide = true)]
    pages: bool,
}

/// A port of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Port(u16);

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
        match (host, port.parse()) {
            ("localhost" | "127.0.0.1" | "[::1]", Ok(port)) => Ok(Self(port)),
            (_, _) => {
                Err("must be a port of this machine, such as localhost:3000; 0 picks a free one".to_owned())
            }
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.pages {
        return match print_line(&PageName::list()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let summary = cli.summary.unwrap_or_default();
    let served = serve(cli.listen, Source::new(summary.clone())).await;
    if cli.remove_summary {
        // Portvakt removes it too; whoever comes second finds nothing, as it should be.
        let _ = std::fs::remove_file(&summary);
    }
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("portvakt-demo: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the end is asked for.
async fn serve(port: Port, source: Source) -> Result<(), String> {
    // Before the address is told: whoever reads it may end us at once.
    let end = end().map_err(|why| format!("signals cannot be received: {why}"))?;
    let (listeners, port) = bind(port).await?;
    let service = Arc::new(Service::new(port, source));
    for listener in listeners {
        tokio::spawn(accept(listener, Arc::clone(&service)));
    }
    print_line(&service.base()).map_err(|why| format!("standard output: {why}"))?;
    end.await;
    Ok(())
}

/// The end: standard input closed, SIGINT or SIGTERM. A terminal that closes (SIGHUP) ends Portvakt not, and so not this either.
fn end() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let hangup = signal(SignalKind::hangup())?;
    let (tell, closed) = oneshot::channel();
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut unread = [0; 256];
        while !matches!(stdin.read(&mut unread), Ok(0) | Err(_)) {}
        let _ = tell.send(());
    });
    Ok(async move {
        // Held, for a signal without a handler does what the system thinks right.
        let _hangup = hangup;
        tokio::select! {
            _ = interrupt.recv() => {},
            _ = terminate.recv() => {},
            _ = closed => {},
        }
    })
}

/// Both addresses that `localhost` may mean, or the first where the machine has no second, and the port.
async fn bind(Port(asked): Port) -> Result<(Vec<TcpListener>, u16), String> {
    const TRIES: usize = 20;
    let refused = |port: u16, why: &io::Error| format!("cannot listen on localhost:{port}: {why}");
    let mut last = String::new();
    for _ in 0..if asked == 0 { TRIES } else { 1 } {
        let first =
            listen(IpAddr::V4(Ipv4Addr::LOCALHOST), asked).await.map_err(|why| refused(asked, &why))?;
        let port = first.local_addr().map_err(|why| refused(asked, &why))?.port();
        match listen(IpAddr::V6(Ipv6Addr::LOCALHOST), port).await {
            Ok(second) => return Ok((vec![first, second], port)),
            Err(why) if why.kind() == io::ErrorKind::AddrInUse => last = refused(port, &why),
            Err(_) => return Ok((vec![first], port)),
        }
    }
    Err(last)
}

async fn listen(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(address, port)).await
}

/// Takes connections until the process ends.
async fn accept(listener: TcpListener, service: Arc<Service>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: a pause lets some go.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let service = Arc::clone(&service);
        let answer = service_fn(move |request| {
            let service = Arc::clone(&service);
            async move { Ok::<_, std::convert::Infallible>(service.answer(&request).await) }
        });
        let mut connection = http1::Builder::new();
        connection.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(60));
        // A connection that breaks is the browser's affair.
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), answer));
    }
}

/// One line to standard output.
fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_on_this_machine_alone() {
        for text in
            ["0.0.0.0:3000", "[::]:3000", "example.com:80", "192.0.2.1:80", "", "x", "localhost:70000"]
        {
            assert!(text.parse::<Port>().is_err(), "{text}");
        }
        for text in ["3000", "localhost:3000", "127.0.0.1:3000", "[::1]:3000"] {
            assert_eq!(text.parse(), Ok(Port(3000)), "{text}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let (taken, port) = bind(Port(0)).await.unwrap();
        let why = bind(Port(port)).await.unwrap_err();
        assert!(why.contains(&format!("localhost:{port}")), "{why}");
        drop(taken);
    }
}

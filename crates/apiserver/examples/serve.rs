//! Serves an empty cluster's API on a port of its own, for trying it by hand: writes the kubeconfig to the file given.

use bowline_apiserver::{Api, Identity};
use bowline_clock::{Clock, Random};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), port) = (arguments.next(), arguments.next().unwrap_or_else(|| "0".into())) else {
        return Err("usage: serve KUBECONFIG-FILE [PORT]".into());
    };
    let api = Api::new(Clock::system(), Random::from_entropy());
    let identity = Identity::generate(&[])?;
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let server = api.serve(listener, &identity)?;
    std::fs::write(&file, identity.kubeconfig(server.address(), "default"))?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}

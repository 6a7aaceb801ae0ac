//! The HTTP requests of probes and hooks: one GET on a connection of its own.

use super::network::{PodLink, go_dial_error};
use super::runtime::HttpCheck;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;

/// Asks and gives the status code. The error's text is what Go's client would say.
pub(crate) async fn get(link: &PodLink, check: &HttpCheck) -> Result<u16, String> {
    let HttpCheck { host, port, path, scheme, headers } = check;
    let url = format!("{scheme}://{host}:{port}{path}");
    let failed = |why: &dyn std::fmt::Display| format!("Get {url:?}: {why}");
    if scheme != "http" {
        return Err(failed(&"this node probes over http only"));
    }
    let stream = link.dial(host, *port).await.map_err(|e| failed(&go_dial_error(host, *port, &e)))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| failed(&e))?;
    // Ends with the sender or the peer; what goes wrong is seen by the request.
    tokio::spawn(async move { connection.await.ok() });
    let mut request = http::Request::get(path)
        .header("Host", format!("{host}:{port}"))
        .header("User-Agent", "kube-probe/1.36")
        .header("Accept", "*/*")
        .header("Connection", "close");
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("host")
            && let Some(map) = request.headers_mut()
        {
            map.remove("Host");
        }
        request = request.header(name, value);
    }
    let request = request.body(Empty::<bytes::Bytes>::new()).map_err(|e| failed(&e))?;
    let response = sender.send_request(request).await.map_err(|error| {
        // Go says EOF where the server closed without an answer.
        if error.is_incomplete_message() || error.is_canceled() { failed(&"EOF") } else { failed(&error) }
    })?;
    let status = response.status().as_u16();
    // The server is not to see its answer refused.
    let mut body = response.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    Ok(status)
}

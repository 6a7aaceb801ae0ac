//! A service for tests of process pods: answers every HTTP/1.1 request with `NAME`, or with what the URL in its path
//! answers (`/fetch/127.0.0.1:80/path`), on `PORT`. It ends at once on SIGTERM, as many simple services do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080u16);
    let name = std::env::var("NAME").unwrap_or_default();
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    writeln!(std::io::stdout(), "listening on {port}")?;
    for stream in listener.incoming() {
        let (stream, name) = (stream?, name.clone());
        std::thread::spawn(move || serve(&stream, &name));
    }
    Ok(())
}

fn serve(stream: &TcpStream, name: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        loop {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
            if head.ends_with("\r\n\r\n") {
                break;
            }
        }
        let path = head.split(' ').nth(1).unwrap_or("/");
        let (status, body) = match path.strip_prefix("/fetch/").and_then(|rest| rest.split_once('/')) {
            Some((host, path)) => match fetch(host, path) {
                Ok(body) => ("200 OK", body),
                Err(error) => ("502 Bad Gateway", error.to_string()),
            },
            None => ("200 OK", name.to_owned()),
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        (&*stream).write_all(answer.as_bytes())?;
    }
}

fn fetch(host: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
    // In one piece: a server may answer after the first.
    stream.write_all(format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map_or(answer.clone(), |(_, body)| body.to_owned()))
}

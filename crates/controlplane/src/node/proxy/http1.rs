//! Follows HTTP/1 on a proxied connection: where requests and responses end, so that a connection can be closed
//! between two of them, with notice (`Connection: close`) to the client.
//!
//! Everything that is not plain HTTP/1 passes as it is.

use std::collections::VecDeque;

/// Longer heads are not followed.
const LONGEST_HEAD: usize = 64 << 10;

/// What is known of a connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    request: Part,
    response: Part,
    /// For every request that waits for its response: whether it is a HEAD request.
    waiting: VecDeque<bool>,
    opaque: bool,
    closing: bool,
    closed: bool,
}

#[derive(Debug)]
enum Part {
    Head(Vec<u8>),
    Length(u64),
    Chunk(Chunk),
    /// Until the connection ends.
    Rest,
}

/// Where in a chunked body.
#[derive(Debug)]
enum Chunk {
    Size(Vec<u8>),
    Data(u64),
    /// Lines behind the last chunk, up to an empty one.
    Trailer(Vec<u8>),
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            request: Part::Head(Vec::new()),
            response: Part::Head(Vec::new()),
            waiting: VecDeque::new(),
            opaque: false,
            closing: false,
            closed: false,
        }
    }
}

impl Exchange {
    /// Whether the connection carries something other than HTTP/1.
    pub(crate) fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Whether no request is under way.
    pub(crate) fn is_idle(&self) -> bool {
        !self.opaque && self.waiting.is_empty() && matches!(&self.request, Part::Head(head) if head.is_empty())
    }

    /// From now on every response says that the connection will be closed.
    pub(crate) fn close_soon(&mut self) {
        self.closing = true;
    }

    /// Whether a response that said so has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Follows bytes from the client.
    pub(crate) fn client_sent(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.opaque {
            let part = std::mem::replace(&mut self.request, Part::Rest);
            self.request = match part {
                Part::Head(mut head) => {
                    let taken = take_head(&mut head, bytes);
                    bytes = &bytes[taken.consumed..];
                    if taken.complete {
                        match request_head(&head) {
                            Some((is_head, body)) => {
                                self.waiting.push_back(is_head);
                                body
                            }
                            None => self.give_up(),
                        }
                    } else if head.len() > LONGEST_HEAD || !could_be_request(&head) {
                        self.give_up()
                    } else {
                        Part::Head(head)
                    }
                }
                body => body.skip(&mut bytes),
            };
        }
    }

    /// Follows bytes from the server; what the client is to get goes to `out`.
    pub(crate) fn server_sent(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if self.opaque {
                out.extend(bytes);
                return;
            }
            let part = std::mem::replace(&mut self.response, Part::Rest);
            self.response = match part {
                Part::Head(mut head) => {
                    let taken = take_head(&mut head, bytes);
                    bytes = &bytes[taken.consumed..];
                    if taken.complete {
                        self.response_head(&head, out)
                    } else if head.len() > LONGEST_HEAD {
                        out.extend(&head);
                        self.give_up()
                    } else {
                        Part::Head(head)
                    }
                }
                body => {
                    let before = bytes;
                    let after = body.skip(&mut bytes);
                    out.extend(&before[..before.len() - bytes.len()]);
                    self.ended(after)
                }
            };
        }
    }

    fn response_head(&mut self, head: &[u8], out: &mut Vec<u8>) -> Part {
        let Some(parsed) = Head::parse(head) else {
            out.extend(head);
            return self.give_up();
        };
        let status: u16 = parsed.first.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        if status == 101 || !parsed.first.starts_with("HTTP/1.") {
            out.extend(head);
            return self.give_up();
        }
        if (100..200).contains(&status) {
            out.extend(head);
            return Part::Head(Vec::new());
        }
        let Some(is_head) = self.waiting.pop_front() else {
            out.extend(head);
            return self.give_up();
        };
        if self.closing {
            parsed.write_closing(out);
        } else {
            out.extend(head);
        }
        let body = if is_head || status == 204 || status == 304 {
            Part::Head(Vec::new())
        } else {
            parsed.body().unwrap_or(Part::Rest)
        };
        self.ended(body)
    }

    /// Notes the end of a response.
    fn ended(&mut self, next: Part) -> Part {
        if self.closing && matches!(&next, Part::Head(head) if head.is_empty()) && self.waiting.is_empty() {
            self.closed = true;
        }
        next
    }

    fn give_up(&mut self) -> Part {
        self.opaque = true;
        Part::Rest
    }
}

impl Part {
    /// Passes over bytes of a body; what comes after it is left in `bytes`.
    fn skip(self, bytes: &mut &[u8]) -> Self {
        match self {
            Self::Head(_) => self,
            Self::Rest => {
                *bytes = &[];
                self
            }
            Self::Length(left) => {
                let count = left.min(bytes.len() as u64);
                *bytes = &bytes[count as usize..];
                if left == count { Self::Head(Vec::new()) } else { Self::Length(left - count) }
            }
            Self::Chunk(Chunk::Data(left)) => {
                let count = left.min(bytes.len() as u64);
                *bytes = &bytes[count as usize..];
                Self::Chunk(if left == count { Chunk::Size(Vec::new()) } else { Chunk::Data(left - count) })
            }
            Self::Chunk(Chunk::Size(mut line)) => {
                if !take_line(&mut line, bytes) {
                    return Self::Chunk(Chunk::Size(line));
                }
                let text = String::from_utf8_lossy(&line);
                let size = text.trim().split(';').next().unwrap_or_default().to_owned();
                match u64::from_str_radix(&size, 16) {
                    Ok(0) => Self::Chunk(Chunk::Trailer(Vec::new())),
                    // The data and its line end.
                    Ok(size) => Self::Chunk(Chunk::Data(size.saturating_add(2))),
                    Err(_) => Self::Rest,
                }
            }
            Self::Chunk(Chunk::Trailer(mut line)) => {
                if !take_line(&mut line, bytes) {
                    return Self::Chunk(Chunk::Trailer(line));
                }
                let empty = line.iter().all(|b| matches!(b, b'\r' | b'\n'));
                if empty { Self::Head(Vec::new()) } else { Self::Chunk(Chunk::Trailer(Vec::new())) }
            }
        }
    }
}

/// Moves bytes to `line` up to a newline; whether it came. A line without end is not followed beyond reason.
fn take_line(line: &mut Vec<u8>, bytes: &mut &[u8]) -> bool {
    match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => {
            line.extend(&bytes[..=at]);
            *bytes = &bytes[at + 1..];
            true
        }
        None => {
            if line.len() < LONGEST_HEAD {
                line.extend(*bytes);
            }
            *bytes = &[];
            false
        }
    }
}

struct Taken {
    consumed: usize,
    complete: bool,
}

/// Moves bytes to `head` up to the empty line that ends it.
fn take_head(head: &mut Vec<u8>, bytes: &[u8]) -> Taken {
    for (at, byte) in bytes.iter().enumerate() {
        head.push(*byte);
        if head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n") {
            return Taken { consumed: at + 1, complete: true };
        }
    }
    Taken { consumed: bytes.len(), complete: false }
}

/// Whether this can be the beginning of a request: a method in capitals and a space.
fn could_be_request(head: &[u8]) -> bool {
    let method = head.iter().take_while(|b| b.is_ascii_uppercase() || **b == b'-').count();
    method <= 20 && (method == head.len() || (method > 0 && head[method] == b' '))
}

fn request_head(head: &[u8]) -> Option<(bool, Part)> {
    let parsed = Head::parse(head)?;
    let mut words = parsed.first.split(' ');
    let method = words.next()?;
    if !words.next_back()?.starts_with("HTTP/1.") || method == "CONNECT" {
        return None;
    }
    Some((method == "HEAD", parsed.body().unwrap_or(Part::Head(Vec::new()))))
}

struct Head<'a> {
    first: &'a str,
    lines: Vec<&'a str>,
}

impl<'a> Head<'a> {
    fn parse(head: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?;
        let mut lines = text.lines();
        let first = lines.next()?;
        Some(Self { first, lines: lines.take_while(|line| !line.is_empty()).collect() })
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.lines.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The body's extent, where a header tells it.
    fn body(&self) -> Option<Part> {
        if let Some(coding) = self.header("transfer-encoding") {
            let chunked = coding.to_ascii_lowercase().ends_with("chunked");
            return Some(if chunked { Part::Chunk(Chunk::Size(Vec::new())) } else { Part::Rest });
        }
        match self.header("content-length")?.parse() {
            Ok(0) => Some(Part::Head(Vec::new())),
            Ok(length) => Some(Part::Length(length)),
            Err(_) => Some(Part::Rest),
        }
    }

    fn write_closing(&self, out: &mut Vec<u8>) {
        out.extend(self.first.as_bytes());
        out.extend(b"\r\n");
        for line in &self.lines {
            let is_connection = line.split_once(':').is_some_and(|(name, _)| {
                name.eq_ignore_ascii_case("connection") || name.eq_ignore_ascii_case("keep-alive")
            });
            if !is_connection {
                out.extend(line.as_bytes());
                out.extend(b"\r\n");
            }
        }
        out.extend(b"Connection: close\r\n\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds both sides byte by byte, the hardest way; gives what the client gets.
    fn talk(exchange: &mut Exchange, request: &str, response: &str) -> String {
        request.as_bytes().iter().for_each(|byte| exchange.client_sent(&[*byte]));
        let mut out = Vec::new();
        response.as_bytes().iter().for_each(|byte| exchange.server_sent(&[*byte], &mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_of_body_ends_where_it_ends() {
        let mut exchange = Exchange::default();
        for (request, response) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 204 No Content\r\n\r\n"),
            ("HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
            ),
        ] {
            assert!(exchange.is_idle());
            request.as_bytes().iter().for_each(|byte| exchange.client_sent(&[*byte]));
            assert!(!exchange.is_idle(), "{request}");
            let mut out = Vec::new();
            let (last, all_but_last) = response.as_bytes().split_last().unwrap();
            exchange.server_sent(all_but_last, &mut out);
            exchange.server_sent(&[*last], &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), response);
            assert!(exchange.is_idle(), "{response}");
        }
    }

    #[test]
    fn a_closing_connection_says_so_and_ends_after_the_response() {
        let mut exchange = Exchange::default();
        exchange.client_sent(b"GET / HTTP/1.1\r\n\r\n");
        exchange.close_soon();
        let got = talk(&mut exchange, "", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(got, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        assert!(exchange.is_closed());
    }

    #[test]
    fn anything_else_passes_untouched() {
        for (request, response) in [
            ("\0\0\0\x08\x04\u{2}", "S"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0"),
            ("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n\x01\x02"),
        ] {
            let mut exchange = Exchange::default();
            exchange.close_soon();
            assert_eq!(talk(&mut exchange, request, response), response);
            assert!(exchange.is_opaque() && !exchange.is_closed());
        }
    }
}

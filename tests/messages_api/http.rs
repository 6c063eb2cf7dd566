//! One HTTP/1.1 connection that carries one request.
//!
//! Every response says `Connection: close`, so a kept-alive connection never has to be told apart from a
//! new one. The head is parsed by `httparse`; a body comes with a `Content-Length`, as the CLI sends it.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Far above what the CLI sends (its system prompt and tools are about 150 KB), far below the memory of a test machine.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Node.js and Bun refuse heads above 16 KB themselves.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The CLI sends about 25.
const HEADERS_MAX: usize = 100;

/// A client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

/// The first lines of a request.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) method: String,
    target: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Returns the path without its query.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the value of a header, whatever the case of its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Reads the head and the whole body.
    pub(super) fn read_request(&mut self) -> io::Result<(Head, Vec<u8>)> {
        let head = parse_head(&self.read_head_bytes()?)?;
        let body = match head.header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) if length <= BODY_BYTES_MAX => self.read_exactly(length)?,
            Some(_) => return Err(invalid("the Content-Length is no number or too large")),
            None => Vec::new(),
        };
        Ok((head, body))
    }

    /// Sends a response without a body.
    pub(super) fn send_head(&mut self, status: u16) -> io::Result<()> {
        write!(self.stream.get_mut(), "{}content-length: 0\r\n\r\n", start(status, "text/plain"))
    }

    /// Sends a whole response in JSON.
    pub(super) fn send_json(
        &mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> io::Result<()> {
        let body = body.to_string();
        let stream = self.stream.get_mut();
        stream.write_all(start(status, "application/json").as_bytes())?;
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        write!(stream, "content-length: {}\r\n\r\n{body}", body.len())
    }

    /// Sends a response as server-sent events, with a pause before each.
    pub(super) fn send_events(&mut self, pause: Duration, events: &[Value]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        write!(stream, "{}\r\n", start(200, "text/event-stream; charset=utf-8"))?;
        for event in events {
            thread::sleep(pause);
            let name = event["type"].as_str().unwrap_or_default();
            write!(stream, "event: {name}\ndata: {event}\n\n")?;
            stream.flush()?;
        }
        Ok(())
    }

    /// Sends nothing, for as long as the client holds the line.
    pub(super) fn wait_until_closed(&mut self) -> io::Result<()> {
        io::copy(&mut self.stream, &mut io::sink()).map(drop)
    }

    fn read_head_bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.read_exactly(1)?);
            if head.len() > HEAD_BYTES_MAX {
                return Err(invalid("the head does not end"));
            }
        }
        Ok(head)
    }

    fn read_exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Head> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(bytes).map_err(|error| invalid(&error.to_string()))?;
    Ok(Head {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers: request
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()))
            .collect(),
    })
}

fn start(status: u16, content_type: &str) -> String {
    let request_id = uuid::Uuid::new_v4().simple();
    format!(
        "HTTP/1.1 {status} Stub\r\ncontent-type: {content_type}\r\nrequest-id: req_{request_id}\r\nconnection: close\r\n"
    )
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

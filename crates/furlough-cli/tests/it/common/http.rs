//! Just enough of HTTP to ask a server on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends a request to `address` (host and port) and returns the connection, read up to the body,
/// with the head.
pub fn open(address: &str, line: &str, host: &str) -> (BufReader<TcpStream>, String) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // Version 1.0: an answer of unknown length then comes plainly and not in chunks.
    write!(&stream, "{line} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    (reader, head.to_lowercase())
}

/// Status, head and body of the answer to `GET path`.
pub fn get(address: &str, path: &str) -> (u16, String, String) {
    ask(address, &format!("GET {path}"), address)
}

/// Status, head and body of the answer to a request like `GET /` to a server by the name of `host`.
pub fn ask(address: &str, line: &str, host: &str) -> (u16, String, String) {
    let (mut reader, head) = open(address, line, host);
    let mut body = String::new();
    reader.read_to_string(&mut body).unwrap();
    (head[9..12].parse().unwrap(), head, body)
}

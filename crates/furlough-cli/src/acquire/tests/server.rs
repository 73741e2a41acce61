//! A web server for one data set.

use super::{NAMES, contents, gzip};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Status line and headers, and body, by path.
pub type Responses = HashMap<String, (String, Vec<u8>)>;

pub fn good_answers() -> Responses {
    let mut answers = Responses::new();
    for (name, content) in NAMES.iter().zip(contents()) {
        let body = gzip(&content);
        answers.insert(format!("/{name}.gz"), (format!("200 OK\r\nContent-Length: {}", body.len()), body));
    }
    answers
}

/// Serves until the process ends. Returns the address.
pub fn serve(answers: Responses) -> String {
    serve_on("http", answers, |stream| stream)
}

/// The same over whatever `wrap` makes of a connection.
pub fn serve_on<S: Read + Write>(
    scheme: &str,
    answers: Responses,
    wrap: impl Fn(TcpStream) -> S + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("{scheme}://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that turns away, as it does from an unknown certificate, is no fault of the
            // server's.
            let _ = answer(&answers, wrap(stream));
        }
    });
    address
}

fn answer(answers: &Responses, stream: impl Read + Write) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if stream.read_line(&mut request)? == 0 {
            return Ok(());
        }
    }
    let missing = ("404 Not Found\r\nContent-Length: 0".to_string(), Vec::new());
    let (head, body) = request.split(' ').nth(1).and_then(|path| answers.get(path)).unwrap_or(&missing);
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)?;
    stream.flush()
}

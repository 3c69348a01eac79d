//! An AWS at an address of its own, which answers as a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// One call.
pub(crate) struct Call {
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let lines = reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty());
        let header = |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let mut call = Self { headers: lines.filter_map(header).collect(), body: Vec::new() };
        call.body.resize(call.header("content-length").parse().unwrap_or_default(), 0);
        reader.read_exact(&mut call.body).unwrap();
        call
    }

    /// The value of a header whose name is in lower case; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// AWS's name of the operation.
    pub(crate) fn operation(&self) -> &str {
        self.header("x-amz-target").rsplit('.').next().unwrap_or_default()
    }
}

/// Answers every call, with a status and a body, at the address that it returns, for as long as the test runs.
pub(crate) fn serve(answer: impl Fn(&Call) -> (u16, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map(Result::unwrap) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let (status, body) = answer(&Call::read(&stream));
                let head =
                    format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = (&stream).write_all((head + &body).as_bytes());
            });
        }
    });
    address
}

//! A `furlough watch` that ends with the test.

use super::furlough;
use super::http;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

/// The process, where it listens, and what it said when it began.
pub struct Watching {
    pub child: Child,
    pub address: String,
    pub said: String,
    pub out: BufReader<ChildStdout>,
}

impl Watching {
    /// Starts it on a free port, in `folder` and with these further arguments.
    pub fn start(folder: &Path, args: &str) -> Self {
        let words = ["watch", "--port", "0"].into_iter().chain(args.split_whitespace());
        let mut child = furlough(folder).args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("Ctrl-C") {
            assert_ne!(out.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        let address = said.split("http://").nth(1).unwrap().split('/').next().unwrap().to_string();
        Watching { child, address, said, out }
    }

    /// The stream of events, as a page hears it.
    pub fn listen(&self) -> Page {
        let (stream, head) = http::open(&self.address, "GET /events", &self.address);
        assert!(head.contains("200 ok") && head.contains("text/event-stream"), "{head}");
        Page { stream, runs: Value::Object(Default::default()), resets: 0, states: Vec::new() }
    }

    /// Sends Ctrl-C and returns the exit code, and what came on standard output after the
    /// beginning.
    #[cfg(unix)]
    pub fn interrupt(mut self) -> (Option<i32>, String) {
        super::signal(self.child.id(), "INT");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a page knows after the events it has heard.
pub struct Page {
    stream: BufReader<TcpStream>,
    /// By name: the head, with the epochs as `rows`.
    pub runs: Value,
    pub resets: usize,
    /// Each name and state that was told.
    pub states: Vec<(String, String)>,
}

impl Page {
    /// Takes in events until `enough`, a minute at most.
    pub fn until(&mut self, enough: impl Fn(&Page) -> bool) {
        let began = Instant::now();
        while !enough(self) {
            assert!(began.elapsed() < Duration::from_secs(60), "{:#}", self.runs);
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).unwrap(), 0, "the stream ended");
            if let Some(text) = line.strip_prefix("data: ") {
                self.take(&serde_json::from_str(text).unwrap());
            }
        }
    }

    fn take(&mut self, update: &Value) {
        let runs = self.runs.as_object_mut().unwrap();
        if update["reset"] == true {
            self.resets += 1;
            runs.clear();
        }
        for head in update["heads"].as_array().unwrap() {
            let name = head["name"].as_str().unwrap();
            self.states.push((name.into(), head["state"].as_str().unwrap().into()));
            let rows = runs.get(name).map_or_else(|| Value::Array(Vec::new()), |run| run["rows"].clone());
            runs.insert(name.into(), head.clone());
            runs[name]["rows"] = rows;
        }
        for epochs in update["epochs"].as_array().unwrap() {
            let run = runs.values_mut().find(|run| run["id"] == epochs["run"]).unwrap();
            let rows = run["rows"].as_array_mut().unwrap();
            rows.truncate(epochs["from"].as_u64().unwrap() as usize);
            rows.extend(epochs["rows"].as_array().unwrap().iter().cloned());
        }
        let gone = update["gone"].as_array().unwrap();
        runs.retain(|_, run| !gone.contains(&run["id"]));
    }

    /// The run's state; none when it is not there.
    pub fn state(&self, name: &str) -> Option<&str> {
        self.runs[name]["state"].as_str()
    }

    /// How many epochs of the run are known.
    pub fn epochs(&self, name: &str) -> usize {
        self.runs[name]["rows"].as_array().map_or(0, Vec::len)
    }
}

// SPDX-License-Identifier: GPL-2.0
//! What `nvme-fence metrics` prints, on its way through a Prometheus that runs: it is scraped, the
//! alerts are loaded and raised, and each question of the dashboard has an answer.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::prometheus::{expressions, package, RULES};
use fixture::Host;
use serde_json::{json, Value};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};
use std::{fs, path::Path};

/// How long a busy machine may take for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves a text to whoever asks for anything, until the process ends.
fn serve(text: String) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    spawn(move || {
        for stream in listener.incoming() {
            let _ = answer(stream.unwrap(), &text);
        }
    });
    address
}

/// Answers one request. Whoever asked may have gone.
fn answer(mut stream: TcpStream, text: &str) -> io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::from("request");
    while !line.trim().is_empty() {
        line.clear();
        request.read_line(&mut line)?;
    }
    let kind = "text/plain; version=0.0.4";
    write!(
        stream,
        "HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n{text}"
    )
}

/// A Prometheus that runs. It ends with this.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Server {
    /// Starts one that has the alerts and asks `target` each second; `None` = it is not installed.
    fn start(directory: &Path, target: SocketAddr) -> Option<Self> {
        // Nobody else gets it that soon.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        // JSON is YAML.
        let config = json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "rule_files": [package().join(RULES)],
            "scrape_configs": [{
                "job_name": "node",
                "static_configs": [{ "targets": [target.to_string()] }]
            }]
        });
        let file = directory.join("prometheus.yml");
        fs::write(&file, config.to_string()).unwrap();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}/data", directory.display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join("log")).unwrap())
            .spawn();
        match process {
            Ok(process) => Some(Self { process, address }),
            Err(error) => {
                println!("# SKIP there is no prometheus (Debian: prometheus): {error}");
                None
            }
        }
    }

    /// What it answers; `None` = nothing yet.
    fn get(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (_, body) = text.split_once("\r\n\r\n")?;
        Some(serde_json::from_str::<Value>(body).ok()?["data"].clone())
    }

    /// The results of an expression.
    fn query(&self, expression: &str) -> Option<Vec<Value>> {
        let encode = |byte: u8| format!("%{byte:02x}");
        let encoded: String = expression.bytes().map(encode).collect();
        let data = self.get(&format!("/api/v1/query?query={encoded}"))?;
        data["result"].as_array().cloned()
    }
}

/// Asks until there is an answer.
fn wait_for<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(200));
    }
}

#[test]
fn alerts_and_dashboard_work_there() {
    let host = Host::fencing();
    host.tracking(4, 1);
    host.removed(1, "none");
    let metrics = host.run(&["metrics"]).stdout;
    let directory = tempfile::tempdir().unwrap();
    let target = serve(String::from_utf8(metrics).unwrap());
    let Some(server) = Server::start(directory.path(), target) else {
        return;
    };

    // Two samples, so that there are rates.
    wait_for("it is scraped", || {
        let counts = server.query("count_over_time(nvme_fence_module_loaded[5m]) >= 2")?;
        (!counts.is_empty()).then_some(())
    });
    for expression in expressions() {
        // "All" of its variable.
        let expression = expression.replace("$instance", ".*");
        let results = server.query(&expression).unwrap();
        assert!(!results.is_empty(), "{expression}");
    }

    let written = fs::read_to_string(package().join(RULES)).unwrap();
    let rules = wait_for("the alerts are evaluated", || {
        let rules = server.get("/api/v1/rules")?["groups"][0]["rules"]
            .as_array()?
            .clone();
        let evaluated = rules.iter().all(|rule| rule["health"] == "ok");
        evaluated.then_some(rules)
    });
    assert_eq!(rules.len(), written.matches("- alert: ").count());
    // Of this host, for as long as the alert wants it to be so.
    wait_for("it is not protected", || {
        let rules = server.get("/api/v1/rules")?;
        let rules = rules["groups"][0]["rules"].as_array()?;
        let mut alerts = rules
            .iter()
            .filter(|rule| rule["name"] == "NvmeNotProtected");
        (alerts.next()?["state"] == "pending").then_some(())
    });
}

// SPDX-License-Identifier: GPL-2.0

//! How an operator talks to a running proxy or target: lines of text on a socket, one command a
//! connection.
//!
//! The client sends one line. The reply comes when the command is done: `ok` and then the lines of
//! the reply, or `error` and the reason in the same line; then the connection is closed.

use std::fmt::Display;
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use thiserror::Error;

/// Longer than any command.
const LINE_BYTES_MAX: u64 = 1024;

/// Why a request got no good reply.
#[derive(Debug, Error)]
pub enum RequestError {
    /// Nobody can be talked to.
    #[error("cannot talk through the control socket: {0}")]
    Io(#[from] io::Error),
    /// The command cannot be executed.
    #[error("{0}")]
    Refused(String),
    /// Who should have replied went away before the command was done.
    #[error("the control socket was closed without a reply")]
    NoReply,
}

/// Sends a command to whoever listens on `control` and returns the lines of the reply.
pub fn request(control: &Path, command: &str) -> Result<String, RequestError> {
    let mut socket = UnixStream::connect(control)?;
    // At once: who has the end of a line does not wait for more, and closes.
    socket.write_all(format!("{command}\n").as_bytes())?;
    socket.shutdown(Shutdown::Write)?;

    let mut reply = String::new();
    socket.read_to_string(&mut reply)?;
    let (verdict, lines) = reply.split_once('\n').ok_or(RequestError::NoReply)?;
    if verdict == "ok" {
        return Ok(lines.to_owned());
    }
    let reason = verdict.strip_prefix("error ").unwrap_or(verdict);
    Err(RequestError::Refused(reason.to_owned()))
}

/// Creates a control socket, in place of one that a dead process left behind.
pub(crate) fn bind(path: &Path) -> Result<UnixListener> {
    let nobody_listens =
        UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    let bind = || {
        if nobody_listens {
            fs::remove_file(path)?;
        }
        UnixListener::bind(path)
    };
    bind().with_context(|| format!("cannot listen on {}", path.display()))
}

/// Answers operators, each in a thread of its own: a command may wait.
pub(crate) fn accept_operators<E: Display>(
    operators: &UnixListener,
    execute: impl Fn(&str) -> Result<Vec<String>, E> + Send + Sync + 'static,
) -> io::Result<()> {
    let execute = Arc::new(execute);
    loop {
        let (operator, _) = operators.accept()?;
        let execute = Arc::clone(&execute);
        // An operator that goes away gets no reply; what it asked for is done.
        thread::spawn(move || answer(operator, &*execute));
    }
}

fn answer<E: Display>(
    mut operator: UnixStream,
    execute: &impl Fn(&str) -> Result<Vec<String>, E>,
) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(&operator)
        .take(LINE_BYTES_MAX)
        .read_line(&mut line)?;

    let reply = match execute(&line) {
        Ok(lines) => std::iter::once("ok\n".to_owned())
            .chain(lines.into_iter().map(|line| line + "\n"))
            .collect(),
        Err(error) => format!("error {error}\n"),
    };
    operator.write_all(reply.as_bytes())
}

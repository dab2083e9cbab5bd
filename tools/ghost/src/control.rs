// SPDX-License-Identifier: GPL-2.0

//! How an operator talks to a running proxy or target: lines of text on a socket, one command a
//! connection.
//!
//! The client sends one line. The reply comes when the command is done: `ok` and then the lines of
//! the reply, or `error` and the reason in the same line; then the connection is closed.

use std::fmt::Display;
use std::fs::{self, Metadata};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use thiserror::Error;

/// Longer than any command.
const LINE_BYTES_MAX: u64 = 1024;

/// Why a request got no good reply.
#[derive(Debug, Error)]
pub enum RequestError {
    /// Nobody can be talked to.
    #[error("cannot talk through the control socket {}", path.display())]
    Io {
        /// Its name.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The command cannot be executed.
    #[error("{0}")]
    Refused(String),
    /// Who should have replied went away before the command was done.
    #[error("the control socket was closed without a reply")]
    NoReply,
}

/// Sends a command to whoever listens on `control` and returns the lines of the reply.
pub fn request(control: &Path, command: &str) -> Result<String, RequestError> {
    let reply = exchange(control, command).map_err(|source| RequestError::Io {
        path: control.to_owned(),
        source,
    })?;
    let (verdict, lines) = reply.split_once('\n').ok_or(RequestError::NoReply)?;
    if verdict == "ok" {
        return Ok(lines.to_owned());
    }
    let reason = verdict.strip_prefix("error ").unwrap_or(verdict);
    Err(RequestError::Refused(reason.to_owned()))
}

fn exchange(control: &Path, command: &str) -> io::Result<String> {
    let mut socket = UnixStream::connect(control)?;
    // At once: who has the end of a line does not wait for more, and closes.
    socket.write_all(format!("{command}\n").as_bytes())?;
    socket.shutdown(Shutdown::Write)?;

    let mut reply = String::new();
    socket.read_to_string(&mut reply)?;
    Ok(reply)
}

/// Creates a control socket, in place of one that a dead process left behind.
pub(crate) fn bind(path: &Path) -> Result<UnixListener> {
    remove_abandoned(path)
        .and_then(|()| Ok(UnixListener::bind(path)?))
        .with_context(|| format!("cannot listen on {}", path.display()))
}

/// Removes a socket on which nobody listens. Anything else that has this name stays, and is named
/// as what it is.
fn remove_abandoned(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    // To connect to a regular file is refused as well.
    ensure!(
        found.file_type().is_socket(),
        "it is there already, and not a socket"
    );
    match UnixStream::connect(path) {
        Ok(_) => bail!("somebody listens there already"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        Err(error) => return Err(error.into()),
    }
    // Another process may have found the same socket, and have put its own in its place.
    ensure!(
        identity(&fs::symlink_metadata(path)?) == identity(&found),
        "somebody else is creating it"
    );
    Ok(fs::remove_file(path)?)
}

/// Tells a file from another one that takes its name, even if that gets its inode.
fn identity(file: &Metadata) -> (u64, u64, i64, i64) {
    (file.dev(), file.ino(), file.ctime(), file.ctime_nsec())
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

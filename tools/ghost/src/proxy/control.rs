// SPDX-License-Identifier: GPL-2.0

//! The protocol on the control socket: lines of text, one command a connection.
//!
//! The client sends one line. The proxy replies when the command is done: with `ok` and then the
//! lines of the reply, or with `error` and the reason in the same line; then it closes.
//!
//! | command | meaning |
//! |---|---|
//! | `hold [N]` | keep what the host sends from now on, its close included; the target's answers pass |
//! | `hold --after BYTES [N]` | the same, when so many more bytes have passed |
//! | `freeze [N]` | keep what either side sends, a close included: the path goes silent |
//! | `deliver [--wait] [N]` | pass on what was kept, then be an ordinary proxy again |
//! | `drop [N]` | forget what was kept and close both sides |
//! | `refuse` | close new connections at once; they get no number |
//! | `accept` | take new connections again |
//! | `list` | reply with a line a connection |
//! | `wait host-closed N\|all` | reply when the host has closed its side |
//!
//! Connections are numbered from 1 in order of acceptance. Without a number a command is about all
//! connections there are; `hold` and `freeze` then apply to new ones too, until a `deliver` without
//! a number. `BYTES` are those of each connection; new ones start to count at their first byte.
//!
//! `deliver` replies with a line for each connection that had bytes for the target:
//! `1 delivered=4168`. With `--wait` it replies when each of these targets has sent something or
//! closed, and says which: `1 delivered=4168 target=answered` or `… target=closed`. If the host had
//! closed, the target is told after that reaction.
//!
//! `list` replies with lines such as
//!
//! ```text
//! 1 state=hold host=closed target=open passed_to_target=128 kept_for_target=4168 discarded_for_target=0 passed_to_host=128 kept_for_host=0 discarded_for_host=24
//! ```
//!
//! `state` is `pass`, `hold`, `freeze` or `dropped`; a connection for which the target could not be
//! reached is dropped as well. Discarded bytes are those whose receiver was gone.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use thiserror::Error;

use super::registry::Registry;

/// Longer than any command.
const LINE_BYTES_MAX: u64 = 256;

/// Why a request got no good reply.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The proxy could not be talked to.
    #[error("cannot talk to the proxy: {0}")]
    Io(#[from] io::Error),
    /// The proxy says that the command cannot be executed.
    #[error("{0}")]
    Refused(String),
    /// The proxy went away before the command was done.
    #[error("the proxy closed the connection without a reply")]
    NoReply,
}

/// Sends a command to the proxy behind `control` and returns the lines of its reply.
pub fn request(control: &Path, command: &str) -> Result<String, RequestError> {
    let mut socket = UnixStream::connect(control)?;
    writeln!(socket, "{command}")?;
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

/// Answers operators, each in a thread of its own: a command may wait.
pub(super) fn accept_operators(
    operators: &UnixListener,
    registry: &Arc<Registry>,
) -> io::Result<()> {
    loop {
        let (operator, _) = operators.accept()?;
        let registry = Arc::clone(registry);
        // An operator that goes away gets no reply; what it asked for is done.
        thread::spawn(move || answer(operator, &registry));
    }
}

fn answer(mut operator: UnixStream, registry: &Registry) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(&operator)
        .take(LINE_BYTES_MAX)
        .read_line(&mut line)?;

    let reply = match line.parse().and_then(|command| registry.execute(command)) {
        Ok(lines) => std::iter::once("ok\n".to_owned())
            .chain(lines.into_iter().map(|line| line + "\n"))
            .collect(),
        Err(error) => format!("error {error}\n"),
    };
    operator.write_all(reply.as_bytes())
}

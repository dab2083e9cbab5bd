// SPDX-License-Identifier: GPL-2.0

//! What becomes of files that are there before: only what ghost itself has left behind is
//! replaced, because a typing error must not cost anybody a file.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use ghost::proxy::{Endpoints, Proxy};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

const NOTES: &str = "what somebody wrote\n";

/// A directory with a file of somebody else in it.
struct Place {
    directory: TempDir,
    notes: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let notes = directory.path().join("notes");
        fs::write(&notes, NOTES).unwrap();
        Place { directory, notes }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn assert_notes_are_there(&self) {
        assert_eq!(fs::read_to_string(&self.notes).unwrap(), NOTES);
    }
}

/// Starts a proxy with this control socket, or says why there is none.
fn bind(control: &Path) -> Result<Proxy, String> {
    let any_port = (Ipv4Addr::LOCALHOST, 0).into();
    let endpoints = Endpoints {
        listen: any_port,
        target: any_port,
        control: control.to_owned(),
    };
    Proxy::bind(&endpoints).map_err(|error| format!("{error:#}"))
}

/// The error that a control socket of this name leads to.
fn refusal(control: &Path) -> String {
    let error = bind(control).map(|_| ()).unwrap_err();
    let prefix = format!("cannot listen on {}: ", control.display());
    error
        .strip_prefix(&prefix)
        .unwrap_or_else(|| panic!("{error}"))
        .to_owned()
}

#[test]
fn the_socket_of_a_dead_proxy_is_replaced_that_of_a_live_one_is_not() -> io::Result<()> {
    let place = Place::new();
    let control = place.path("control");
    // Dropping a listener leaves its name behind.
    drop(UnixListener::bind(&control)?);

    let alive = bind(&control).unwrap();
    assert_eq!(refusal(&control), "somebody listens there already");
    assert!(fs::symlink_metadata(&control)?.file_type().is_socket());
    drop(alive);
    bind(&control).unwrap();
    Ok(())
}

#[test]
fn what_is_no_socket_does_not_become_one() -> io::Result<()> {
    let place = Place::new();
    let link = place.path("link");
    symlink(&place.notes, &link)?;
    let socket = place.path("socket");
    drop(UnixListener::bind(&socket)?);
    let link_to_socket = place.path("link-to-socket");
    symlink(&socket, &link_to_socket)?;
    let fifo = place.path("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    let directory = place.path("directory");
    fs::create_dir(&directory)?;
    for path in [&place.notes, &link, &link_to_socket, &directory, &fifo] {
        let before = fs::symlink_metadata(path)?.file_type();
        assert_eq!(refusal(path), "it is there already, and not a socket");
        assert_eq!(fs::symlink_metadata(path)?.file_type(), before);
    }
    place.assert_notes_are_there();
    Ok(())
}

#[test]
fn the_socket_of_another_service_stays() -> io::Result<()> {
    let place = Place::new();
    let socket = place.path("log");
    let _service = UnixDatagram::bind(&socket)?;
    let error = refusal(&socket);
    assert!(error.starts_with("Protocol wrong type"), "{error}");
    assert!(fs::symlink_metadata(&socket)?.file_type().is_socket());
    Ok(())
}

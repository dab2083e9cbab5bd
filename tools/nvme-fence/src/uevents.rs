// SPDX-License-Identifier: GPL-2.0
//! What the kernel announces: uevents.

use nix::errno::Errno;
use nix::sys::socket::{
    bind, recv, socket, AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType,
};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// The multicast group of the kernel's own uevents.
pub(crate) const KERNEL: u32 = 1;
/// That of udev, which repeats them when it has made the device nodes and links.
pub(crate) const UDEV: u32 = 2;

/// The longest uevent, and some more for udev's header.
const UEVENT_BYTES: usize = 1 << 13;

/// Announcements from the moment on at which this was made.
pub(crate) struct Uevents(OwnedFd);

impl Uevents {
    /// Begins to listen to some groups.
    pub(crate) fn listen(groups: u32) -> nix::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Datagram,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkKObjectUEvent,
        )?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Self(socket))
    }

    /// Takes all that have arrived. Returns whether one of them may have been such a one.
    pub(crate) fn take(&self, is_such: impl Fn(&[u8]) -> bool) -> nix::Result<bool> {
        let mut found = false;
        let missed = self.take_each(|uevent| found |= is_such(uevent))?;
        Ok(found || missed)
    }

    /// Passes on each that has arrived. Returns whether there were too many, and some are missing.
    pub(crate) fn take_each(&self, mut each: impl FnMut(&[u8])) -> nix::Result<bool> {
        let mut buffer = [0; UEVENT_BYTES];
        let mut missed = false;
        loop {
            match recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Ok(length) => each(&buffer[..length]),
                Err(Errno::ENOBUFS) => missed = true,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(missed),
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for Uevents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether a uevent is about NVMe: a device, or one of the modules. Whoever sent it, it is only a
/// reason to look.
pub(crate) fn is_about_nvme(uevent: &[u8]) -> bool {
    uevent.windows(4).any(|word| word == b"nvme")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_about_nvme() {
        let disk = b"change@/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1\0ACTION=change\0";
        assert!(is_about_nvme(disk));
        assert!(!is_about_nvme(b"add@/devices/virtual/net/lo\0ACTION=add\0"));
        assert!(!is_about_nvme(b""));
    }
}

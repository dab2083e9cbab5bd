// SPDX-License-Identifier: GPL-2.0
//! What `nvme-fence release` says is what became of the commands.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::Host;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;
use std::io::Write;

/// The fence of nvme0, of which 4 commands are held, and 2 were released before.
const FENCE: &str = "sys/class/nvme/nvme0/fence";

/// What removed controllers hold.
const REMOVED: &str = "sys/module/nvme_fence/removed";

/// Runs `release` on a host whose kernel does this when it hears the word in a directory.
fn hearing(
    host: &Host,
    directory: &str,
    which: &[&str],
    then: impl FnOnce() + Send,
) -> (String, String, Option<i32>) {
    let word = host.path(&format!("{directory}/release"));
    fs::remove_file(&word).unwrap();
    // Reading it is to wait for the word.
    mkfifo(&word, Mode::S_IRWXU).unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut fence = fs::File::open(&word).unwrap();
            then();
            assert_eq!(std::io::read_to_string(&mut fence).unwrap(), "1");
        });
        host.run(&[&["release", "--force"], which].concat())
    });
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

/// Runs `release` on a host whose kernel, when it hears the word, has these values.
fn release(host: &Host, held: u64, released: u64) -> (String, String, Option<i32>) {
    hearing(host, FENCE, &["nvme0"], || {
        host.file(
            &format!("{FENCE}/counters"),
            &format!("released {released}\nreleased_bytes {}", released * 4096),
        );
        host.file(&format!("{FENCE}/held_bytes"), &(held * 4096).to_string());
        host.file(&format!("{FENCE}/held"), &held.to_string());
    })
}

#[test]
fn says_what_was_released_and_what_was_not() {
    const STILL: &str = "still held, to be released when the connections are terminated\n";
    for (held, released, stdout, stderr, code) in [
        (
            0,
            6,
            "nvme0: released 4 commands, 16.0 KiB\n",
            "".to_owned(),
            0,
        ),
        // They were not sent on, but failed, say.
        (0, 2, "nvme0: nothing is held any more\n", "".to_owned(), 0),
        // Others have failed since.
        (
            3,
            6,
            "nvme0: released 4 commands, 16.0 KiB\n",
            "".to_owned(),
            0,
        ),
        (
            1,
            5,
            "nvme0: released 3 commands, 12.0 KiB\n",
            format!("nvme-fence: nvme0: 1 command, 4.0 KiB {STILL}"),
            1,
        ),
        (
            4,
            2,
            "",
            format!("nvme-fence: nvme0: 4 commands, 16.0 KiB {STILL}"),
            1,
        ),
    ] {
        let said = release(&Host::fencing(), held, released);
        assert_eq!(said, (stdout.to_owned(), stderr, Some(code)));
    }
}

#[test]
fn what_is_sent_on_while_it_is_looked_at_counts() {
    let host = Host::fencing();
    let counters = host.path(&format!("{FENCE}/counters"));
    let count = |released: u64| format!("released {released}\nreleased_bytes {}", released * 4096);
    let (stdout, _, code) = hearing(&host, FENCE, &["nvme0"], || {
        host.file(&format!("{FENCE}/held"), "1");
        let new = host.path("counters");
        mkfifo(&new, Mode::S_IRWXU).unwrap();
        fs::rename(new, &counters).unwrap();
        // The tool has come to the counters: the last one is sent on, but they say so only later.
        let mut told = fs::File::options().write(true).open(&counters).unwrap();
        host.file(&format!("{FENCE}/held"), "0");
        host.file(&format!("{FENCE}/counters"), &count(6));
        told.write_all(count(5).as_bytes()).unwrap();
    });
    assert_eq!(stdout, "nvme0: released 4 commands, 16.0 KiB\n");
    assert_eq!(code, Some(0));
}

/// Numbers of nvme0 that the kernel tells when it has heard the word.
struct After {
    held: u64,
    tracked: u64,
    ever_tracked: u64,
    released: u64,
}

#[test]
fn what_was_tracked_is_released_too() {
    const NEED_NOT: &str = "nvme0: newer commands need not wait any more for the blocks of";
    let after = |held, tracked, ever_tracked, released| After {
        held,
        tracked,
        ever_tracked,
        released,
    };
    let all = format!("{NEED_NOT} 4 cancelled commands\n");
    for (waiting, after, stdout, stderr) in [
        (0, after(0, 0, 4, 2), all.clone(), ""),
        // What waited is sent on.
        (
            1,
            after(0, 0, 4, 3),
            format!("nvme0: released 1 command, 4.0 KiB\n{all}"),
            "",
        ),
        // Others were tracked since.
        (0, after(0, 2, 6, 2), all.clone(), ""),
        // So they were, and are fenced already.
        (0, after(0, 0, 6, 2), all.clone(), ""),
        // Some are of an association whose connections are not terminated.
        (
            0,
            after(1, 1, 4, 2),
            format!("{NEED_NOT} 3 cancelled commands\n"),
            "nvme-fence: nvme0: 1 command, 4.0 KiB still held; newer ones would still wait for the \
             blocks of 1 cancelled command, to be released when the connections are terminated\n",
        ),
    ] {
        let host = Host::fencing();
        host.tracking(4, waiting);
        let said = hearing(&host, FENCE, &["nvme0"], || {
            host.file(
                &format!("{FENCE}/counters"),
                &format!(
                    "tracked {}\nreleased {}\nreleased_bytes {}",
                    after.ever_tracked,
                    after.released,
                    after.released * 4096
                ),
            );
            let held_bytes = (after.held * 4096).to_string();
            host.file(&format!("{FENCE}/held_bytes"), &held_bytes);
            host.file(&format!("{FENCE}/held"), &after.held.to_string());
            host.file(&format!("{FENCE}/tracked"), &after.tracked.to_string());
        });
        let code = i32::from(!stderr.is_empty());
        assert_eq!(said, (stdout, stderr.to_owned(), Some(code)));
    }
}

#[test]
fn what_removed_controllers_track_is_released_too() {
    let host = Host::fencing();
    host.removed(0, "none");
    host.file(&format!("{REMOVED}/tracked"), "1");
    let (stdout, _, code) = hearing(&host, REMOVED, &["--removed"], || {
        host.file(&format!("{REMOVED}/tracked"), "0");
    });
    assert_eq!(
        stdout,
        "removed controllers: newer commands need not wait any more for the blocks of 1 cancelled command\n"
    );
    assert_eq!(code, Some(0));
}

#[test]
fn a_controller_that_goes_meanwhile_is_not_said_to_be_released() {
    let host = Host::fencing();
    let (stdout, stderr, code) = hearing(&host, FENCE, &["nvme0"], || {
        fs::remove_file(host.path(&format!("{FENCE}/held"))).unwrap();
    });
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.is_empty());
    assert!(stderr.contains("told to release, but not seen to do so"));
}

#[test]
fn what_an_unloaded_module_has_left_is_named_before_it_is_released() {
    const LEFT: &str = "also for controllers that are still there";
    for (held, deadline, said) in [(2, "none", true), (2, "5000", false), (0, "none", false)] {
        let host = Host::fencing();
        host.removed(held, deadline);
        let (stdout, _, code) = hearing(&host, REMOVED, &["--removed"], || {
            host.file(&format!("{REMOVED}/held"), "0");
            host.file(&format!("{REMOVED}/held_bytes"), "0");
        });
        assert_eq!(code, Some(0), "{stdout}");
        assert_eq!(stdout.contains(LEFT), said, "{stdout}");
    }
}

#[test]
fn a_subsystem_is_all_its_controllers() {
    for name in ["nvme-subsys0", "nqn.2026-01.org.example:array"] {
        let host = Host::fencing();
        // Another one of it, which is not fenced, and one that refuses.
        host.controller(0, 5, "rdma", "traddr=10.0.2.1,trsvcid=4420", "live");
        let refusing = host.path("sys/class/nvme/nvme0/fence/release");
        fs::remove_file(&refusing).unwrap();
        std::os::unix::fs::symlink("/dev/full", refusing).unwrap();
        let output = host.run(&["release", name, "--force"]);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            text(output.stdout),
            "nvme1: nothing was held, nothing was released\n"
        );
        let stderr = text(output.stderr);
        assert!(
            stderr.starts_with("nvme-fence: the kernel refused `1` for "),
            "{stderr}"
        );
        let word = fs::read_to_string(host.path("sys/class/nvme/nvme1/fence/release"));
        assert_eq!(word.unwrap(), "1");
    }
}

#[test]
fn a_subsystem_without_a_fence_has_nothing_to_release() {
    let host = Host::fencing();
    let output = host.run(&["release", "nvme-subsys2", "--force"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("local disk, needs no fence"), "{stderr}");
    let status = Host::hooked()
        .run(&["release", "nvme-subsys0", "--force"])
        .status;
    assert_eq!(status.code(), Some(3));
}

// SPDX-License-Identifier: GPL-2.0
//! The man pages, one per command. What the command line knows of itself is taken from there.

use anyhow::{ensure, Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::roff::{bold, roman, Inline, Roff};
use clap_mangen::Man;
use std::fs;
use std::io;
use std::path::Path;

use crate::cli::{Cli, ENVIRONMENT, EXIT_STATUS};

/// When the pages were last changed.
const DATE: &str = "2026-11-29";

/// How long the lines of a page are.
const COLUMNS: usize = 80;

/// What a page has that the command line does not know.
struct Page {
    /// The name of the page.
    name: &'static str,
    /// Files that the command reads or writes.
    files: &'static [(&'static str, &'static str)],
    /// Command lines, and what they are for.
    examples: &'static [(&'static str, &'static str)],
}

/// The files of the module, for pages that have no others.
const SYSFS: &[(&str, &str)] = &[
    (
        "/sys/class/nvme-subsystem/nvme-subsysX/fence/",
        "the settings of a subsystem",
    ),
    (
        "/sys/class/nvme/nvmeX/fence/",
        "what is known of the associations of a controller",
    ),
    (
        "/sys/module/nvme_fence/removed/",
        "what is held for controllers that were removed",
    ),
];

/// The files of nvme-core.
const NVME_CORE: &[(&str, &str)] = &[
    (
        "/sys/class/nvme-subsystem/nvme-subsysX/nvmeXnY/",
        "a namespace and its identifiers",
    ),
    (
        "/sys/class/nvme/nvmeZ/nvmeXcZnY/",
        "a path to it, and its ANA state",
    ),
    (
        "/dev/disk/by-id/",
        "the links that udev makes of the identifiers",
    ),
];

/// The files that tell who uses a disk.
const USES: &[(&str, &str)] = &[
    (
        "/sys/class/nvme/nvmeX/fence/held",
        "the commands that the module holds",
    ),
    (
        "/sys/class/block/nvmeXnY/holders/",
        "the block devices on top of it",
    ),
    (
        "/proc/PID/mountinfo",
        "the mounts that a process sees, for one process of each mount namespace",
    ),
    ("/proc/swaps", "what is swapped to"),
    (
        "/sys/fs/btrfs/UUID/devices/",
        "the devices of a btrfs that is mounted",
    ),
];

/// Where traces come from.
const TRACEFS: &[(&str, &str)] = &[(
    "/sys/kernel/tracing/instances/nvme-fence-PID/",
    "the buffer of a running trace; those of dead processes are removed",
)];

/// All pages.
const PAGES: [Page; 11] = [
    Page {
        name: "nvme-fence",
        files: SYSFS,
        examples: &[
            ("nvme-fence status", "what is held, and until when"),
            ("nvme-fence status -o json", "the same for programs"),
        ],
    },
    Page {
        name: "nvme-fence-check",
        files: SYSFS,
        examples: &[
            ("nvme-fence check", "is this host protected?"),
            (
                "nvme-fence check /dev/nvme0n1 -o json",
                "is the subsystem of a device, for programs",
            ),
            (
                "nvme-fence check >/dev/null; [ $? = 0 ] || [ $? = 5 ]",
                "may this node take load, warnings or not?",
            ),
        ],
    },
    Page {
        name: "nvme-fence-status",
        files: SYSFS,
        examples: &[
            ("nvme-fence status", "all subsystems"),
            ("nvme-fence status /dev/nvme0n1", "the one of a device"),
        ],
    },
    Page {
        name: "nvme-fence-find",
        files: NVME_CORE,
        examples: &[
            (
                "nvme-fence find nqn.2026-01.org.example:array",
                "all namespaces of a subsystem",
            ),
            (
                "nvme-fence find --device --wait 30 6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01",
                "the device node of a volume, when it can be used",
            ),
        ],
    },
    Page {
        name: "nvme-fence-can-disconnect",
        files: USES,
        examples: &[
            (
                "nvme-fence can-disconnect nvme0 && nvme disconnect -d nvme0",
                "take a path out of service",
            ),
            (
                "nvme-fence can-disconnect nqn.2026-01.org.example:array -o json",
                "what speaks against it, for programs",
            ),
        ],
    },
    Page {
        name: "nvme-fence-config",
        files: SYSFS,
        examples: &[
            ("nvme-fence config nvme0", "the settings of its subsystem"),
            (
                "nvme-fence config nvme0 --cqt-default-ms 5000",
                "its controllers report no Command Quiesce Time; it is 5 s",
            ),
        ],
    },
    Page {
        name: "nvme-fence-release",
        files: SYSFS,
        examples: &[
            (
                "nvme-fence release nvme0 --force",
                "nvme0 was powered off: its writes may go out",
            ),
            (
                "nvme-fence release --removed --force",
                "so were all controllers that were removed",
            ),
        ],
    },
    Page {
        name: "nvme-fence-trace",
        files: TRACEFS,
        examples: &[
            ("nvme-fence trace record --all-io /tmp/failover.trace", ""),
            ("nvme-fence trace report /tmp/failover.trace", ""),
        ],
    },
    Page {
        name: "nvme-fence-trace-live",
        files: TRACEFS,
        examples: &[("nvme-fence trace live", "the events, until Ctrl-C")],
    },
    Page {
        name: "nvme-fence-trace-record",
        files: TRACEFS,
        examples: &[(
            "nvme-fence trace record --all-io /tmp/failover.trace",
            "until Ctrl-C",
        )],
    },
    Page {
        name: "nvme-fence-trace-report",
        files: &[],
        examples: &[
            (
                "nvme-fence trace report /tmp/failover.trace",
                "where the time of each failover went",
            ),
            (
                "trace-cmd report | nvme-fence trace report",
                "the same of a recording of trace-cmd",
            ),
        ],
    },
];

/// Writes all pages into `directory`.
pub(crate) fn run(directory: &Path) -> Result<()> {
    // To make it would hide a typing error.
    ensure!(
        directory.is_dir(),
        "there is no directory {}: make it first",
        directory.display()
    );
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write_with_subcommands(&command, directory)
}

/// Writes the page of a command, and those of its subcommands.
fn write_with_subcommands(command: &Command, directory: &Path) -> Result<()> {
    let man = Man::new(command.clone());
    let path = directory.join(man.get_filename());
    let write = || fs::write(&path, page(command)?);
    write().with_context(|| format!("cannot write {}", path.display()))?;
    for subcommand in command.get_subcommands().filter(|s| !s.is_hide_set()) {
        write_with_subcommands(subcommand, directory)?;
    }
    Ok(())
}

/// The name of the page of a command.
fn name(command: &Command) -> &str {
    let name = command.get_display_name();
    name.unwrap_or_else(|| command.get_name())
}

/// The page of a command.
fn page(command: &Command) -> io::Result<String> {
    let name = name(command);
    let version = env!("CARGO_PKG_VERSION");
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .date(DATE)
        .source(format!("nvme-fence {version}"))
        .manual("nvme-fence manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.get_subcommands().any(|s| !s.is_hide_set()) {
        man.render_subcommands_section(&mut text)?;
    }
    let page = PAGES.iter().find(|page| page.name == name);
    let (files, examples) = page.map_or((&[][..], &[][..]), |page| (page.files, page.examples));
    let mut roff = Roff::new();
    section(&mut roff, "EXIT STATUS", &EXIT_STATUS);
    section(&mut roff, "ENVIRONMENT", &ENVIRONMENT);
    section(&mut roff, "FILES", files);
    section(&mut roff, "EXAMPLES", examples);
    roff.control("SH", ["SEE ALSO"]);
    roff.text(see_also(name));
    roff.to_writer(&mut text)?;
    Ok(tidy(&String::from_utf8_lossy(&text)))
}

/// The same page in lines that an editor shows whole, and without breaks where there is one anyway.
/// That is how `mandoc -T lint` wants it.
fn tidy(page: &str) -> String {
    let lines: Vec<&str> = page.lines().map(str::trim_end).collect();
    let mut tidy = String::new();
    for (index, line) in lines.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| lines[before]);
        let after = lines.get(index + 1).copied();
        if *line == ".br" && [before, after].contains(&Some("")) {
            continue;
        }
        // At the beginning of a line, these are requests.
        let is_request = |text: &str| text.starts_with(['.', '\'']);
        let mut column = 0;
        for word in line.split(' ') {
            if column > 0
                && column + 1 + word.len() > COLUMNS
                && !is_request(line)
                && !is_request(word)
            {
                tidy.push('\n');
                column = 0;
            } else if column > 0 {
                tidy.push(' ');
                column += 1;
            }
            tidy.push_str(word);
            column += word.len();
        }
        tidy.push('\n');
    }
    tidy
}

/// A section of terms and what they mean.
fn section(roff: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    if rows.is_empty() {
        return;
    }
    roff.control("SH", [title]);
    for (term, meaning) in rows {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*meaning)]);
    }
}

/// The other pages.
fn see_also(name: &str) -> Vec<Inline> {
    let others = PAGES.iter().map(|page| page.name);
    let mut names: Vec<&str> = others.filter(|other| *other != name).collect();
    names.push("nvme");
    let mut line = Vec::new();
    for (index, name) in names.iter().enumerate() {
        line.push(roman(if index > 0 { ", " } else { "" }));
        line.push(bold(*name));
        line.push(roman("(1)"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_whole_page() {
        let directory = tempfile::tempdir().unwrap();
        run(directory.path()).unwrap();
        let mut written: Vec<_> = directory
            .path()
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        written.sort();
        let mut pages: Vec<_> = PAGES
            .iter()
            .map(|page| format!("{}.1", page.name))
            .collect();
        pages.sort();
        assert_eq!(written, pages);
        for page in &PAGES {
            let path = directory.path().join(format!("{}.1", page.name));
            let text = fs::read_to_string(path).unwrap();
            let title = format!(".TH {} 1 {DATE} ", page.name.to_uppercase());
            assert!(text.contains(&title), "{text}");
            for section in ["\"EXIT STATUS\"", "ENVIRONMENT", "EXAMPLES", "\"SEE ALSO\""] {
                assert!(
                    text.contains(&format!(".SH {section}\n")),
                    "{section}: {text}"
                );
            }
            assert!(!text.contains("EXTRA"));
        }
    }

    #[test]
    fn pages_are_tidy() {
        let page = format!(
            ".TH {}\nab \n.br\n\n.br\n.br\n{}.c\n",
            "x ".repeat(60),
            "a ".repeat(40)
        );
        let lines = tidy(&page);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines[1..4], ["ab", "", ".br"]);
        assert_eq!(lines[4], "a ".repeat(40) + ".c");
        let long = tidy(&"word ".repeat(40));
        assert!(long.lines().all(|line| line.len() <= COLUMNS));
        assert_eq!(long.split_whitespace().count(), 40);
    }

    #[test]
    fn no_directory_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let typo = directory.path().join("typo");
        let error = run(&typo).unwrap_err().to_string();
        assert!(error.contains("make it first"), "{error}");
        assert!(!typo.exists());
    }
}

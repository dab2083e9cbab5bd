// SPDX-License-Identifier: GPL-2.0

//! What the host's sysfs says of controllers and fences, and is told.

use std::fs;
use std::ops::{AddAssign, Sub};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The host's sysfs.
#[derive(Debug, Clone)]
pub struct Host {
    controllers: PathBuf,
    subsystem: PathBuf,
}

/// What the fence has counted, of one controller or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Associations that were lost.
    pub lost: u64,
    /// Commands that were held.
    pub held: u64,
    /// Bytes that were held.
    pub held_bytes: u64,
    /// Commands that were released.
    pub released: u64,
    /// Bytes that were released.
    pub released_bytes: u64,
}

impl Counters {
    /// Whether all that was held has been released.
    pub fn add_up(&self) -> bool {
        self.held == self.released && self.held_bytes == self.released_bytes
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.held += other.held;
        self.held_bytes += other.held_bytes;
        self.released += other.released;
        self.released_bytes += other.released_bytes;
    }
}

impl Sub for Counters {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Counters {
            lost: self.lost - earlier.lost,
            held: self.held - earlier.held,
            held_bytes: self.held_bytes - earlier.held_bytes,
            released: self.released - earlier.released,
            released_bytes: self.released_bytes - earlier.released_bytes,
        }
    }
}

impl Host {
    /// The host whose sysfs is mounted at `sysfs`. It must have one subsystem.
    pub fn new(sysfs: &Path) -> Result<Self> {
        let subsystems = sysfs.join("class/nvme-subsystem");
        let mut names: Vec<_> = fs::read_dir(&subsystems)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .with_context(|| format!("cannot look into {}", subsystems.display()))?;
        let (Some(subsystem), true) = (names.pop(), names.is_empty()) else {
            bail!(
                "there is not exactly one subsystem in {}",
                subsystems.display()
            );
        };
        Ok(Host {
            controllers: sysfs.join("class/nvme"),
            subsystem,
        })
    }

    /// Sets an attribute of the subsystem, such as `iopolicy`.
    pub fn set_subsystem(&self, attribute: &str, value: &str) -> Result<()> {
        store(&self.subsystem.join(attribute), value)
    }

    /// Has a kind of evidence count, or not. What counts besides stays.
    pub fn set_evidence(&self, evidence: &str, counts: bool) -> Result<()> {
        let path = self.subsystem.join("fence/evidence");
        let text = load(&path)?;
        let mut words: Vec<&str> = text
            .split_ascii_whitespace()
            .filter_map(|word| word.strip_prefix('[')?.strip_suffix(']'))
            .filter(|word| *word != evidence)
            .collect();
        words.extend(counts.then_some(evidence));
        store(&path, &words.join(","))
    }

    /// Sets an attribute of a controller, such as `io_timeout`.
    pub fn set_controller(&self, controller: &str, attribute: &str, value: &str) -> Result<()> {
        store(&self.controllers.join(controller).join(attribute), value)
    }

    /// Whether a controller is connected.
    pub fn is_live(&self, controller: &str) -> Result<bool> {
        Ok(load(&self.controllers.join(controller).join("state"))?.trim() == "live")
    }

    /// How many commands of a controller are held now.
    pub fn held(&self, controller: &str) -> Result<u64> {
        let path = self.controllers.join(controller).join("fence/held");
        load(&path)?
            .trim()
            .parse()
            .with_context(|| format!("{} is no number", path.display()))
    }

    /// What the fence has counted of a controller.
    pub fn counters(&self, controller: &str) -> Result<Counters> {
        let path = self.controllers.join(controller).join("fence/counters");
        let text = load(&path)?;
        let counter = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once(' '))
                .find_map(|(key, value)| (key == name).then(|| value.parse().ok())?)
                .with_context(|| format!("{} does not say {name}", path.display()))
        };
        Ok(Counters {
            lost: counter("lost")?,
            held: counter("held")?,
            held_bytes: counter("held_bytes")?,
            released: counter("released")?,
            released_bytes: counter("released_bytes")?,
        })
    }
}

fn load(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn store(path: &Path, value: &str) -> Result<()> {
    fs::write(path, value).with_context(|| format!("cannot write {value:?} to {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sysfs() -> Result<tempfile::TempDir> {
        let sysfs = tempfile::tempdir()?;
        fs::create_dir_all(sysfs.path().join("class/nvme-subsystem/nvme-subsys0/fence"))?;
        let controller = sysfs.path().join("class/nvme/nvme0");
        fs::create_dir_all(controller.join("fence"))?;
        fs::write(controller.join("state"), "live\n")?;
        fs::write(controller.join("fence/held"), "3\n")?;
        fs::write(
            controller.join("fence/counters"),
            "lost 1\nheld 5\nheld_bytes 20480\nreleased 2\nreleased_bytes 8192\ntime 1\n",
        )?;
        Ok(sysfs)
    }

    #[test]
    fn a_controller_says_how_it_is() -> Result<()> {
        let sysfs = sysfs()?;
        let host = Host::new(sysfs.path())?;
        assert!(host.is_live("nvme0")?);
        assert_eq!(host.held("nvme0")?, 3);

        let counters = host.counters("nvme0")?;
        assert_eq!((counters.lost, counters.held_bytes), (1, 20480));
        assert!(!counters.add_up());
        assert_eq!((counters - counters).held, 0);
        Ok(())
    }

    #[test]
    fn what_is_set_is_written() -> Result<()> {
        let sysfs = sysfs()?;
        let host = Host::new(sysfs.path())?;
        host.set_subsystem("fence/hold", "none")?;
        host.set_controller("nvme0", "io_timeout", "300")?;
        let subsystem = sysfs.path().join("class/nvme-subsystem/nvme-subsys0");
        assert_eq!(fs::read_to_string(subsystem.join("fence/hold"))?, "none");
        Ok(())
    }

    #[test]
    fn only_what_is_named_changes_about_the_evidence() -> Result<()> {
        let sysfs = sysfs()?;
        let host = Host::new(sysfs.path())?;
        let path = sysfs
            .path()
            .join("class/nvme-subsystem/nvme-subsys0/fence/evidence");
        for (before, counts, after) in [
            ("[ccr] [time] notification", true, "ccr,time,notification"),
            ("[ccr] [time] notification", false, "ccr,time"),
            ("ccr [time] [notification]", true, "time,notification"),
            ("ccr [time] [notification]", false, "time"),
        ] {
            fs::write(&path, format!("{before}\n"))?;
            host.set_evidence("notification", counts)?;
            assert_eq!(fs::read_to_string(&path)?, after, "{before} {counts}");
        }
        Ok(())
    }

    #[test]
    fn two_subsystems_are_one_too_many() -> Result<()> {
        let sysfs = sysfs()?;
        fs::create_dir(sysfs.path().join("class/nvme-subsystem/nvme-subsys1"))?;
        let error = Host::new(sysfs.path()).unwrap_err();
        assert!(error.to_string().contains("not exactly one"), "{error}");
        Ok(())
    }

    #[test]
    fn what_is_missing_is_named() -> Result<()> {
        let sysfs = sysfs()?;
        let host = Host::new(sysfs.path())?;
        let error = host.is_live("nvme7").unwrap_err();
        assert!(error.to_string().contains("nvme7/state"), "{error}");
        Ok(())
    }
}

// SPDX-License-Identifier: GPL-2.0
//! The page of the file arrays.conf.

use clap_mangen::roff::{bold, roman, Roff};
use std::io;

use crate::cli::suggested::{EVIDENCE, HOLD};
use crate::sysfs::knobs::{CQT_DEFAULT_MS, CQT_OVERRIDE_MS};

use super::{section, see_also, tidy, DATE};

/// What an entry may say.
fn keys() -> [(&'static str, String); 5] {
    [
        (
            "model",
            "Which arrays are meant: those whose model number fits as a whole, without the blanks \
             that pad it. * stands for any characters, ? for one, [...] for one of those in it. It \
             must be there. /sys/class/nvme-subsystem/nvme-subsysX/model has that of an array."
                .to_owned(),
        ),
        (
            "hold",
            format!(
                "What waits until there is evidence, one of these words: {}. nvme-fence-config(1) \
                 has what they mean.",
                HOLD.join(", ")
            ),
        ),
        (
            "evidence",
            format!(
                "What counts as evidence: words that replace those in force (\"ccr,time\"), or \
                 words to add to them and to take from them (\"+reconnect-by-id,-ccr\"). They \
                 are: {}.",
                EVIDENCE.join(", ")
            ),
        ),
        (
            "cqt-default-ms",
            format!(
                "The Command Quiesce Time of controllers that report none, {} to {} ms.",
                CQT_DEFAULT_MS.start(),
                CQT_DEFAULT_MS.end()
            ),
        ),
        (
            "cqt-override-ms",
            format!(
                "The Command Quiesce Time whatever controllers report, up to {} ms; 0: none.",
                CQT_OVERRIDE_MS.end()
            ),
        ),
    ]
}

/// The page.
pub(super) fn page() -> io::Result<String> {
    let mut roff = Roff::new();
    let version = format!("nvme-fence {}", env!("CARGO_PKG_VERSION"));
    let title = ["ARRAYS.CONF", "5", DATE, &version, "nvme-fence manual"];
    roff.control("TH", title);
    roff.control("SH", ["NAME"]);
    roff.text([roman(
        "arrays.conf - settings of nvme_fence by the model of an array",
    )]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([
        roman("The settings of the module nvme_fence are those of a subsystem, and go with its last controller. This file has them come again: udev runs "),
        bold("nvme-fence apply"),
        roman(" when the module begins to manage a subsystem, and at boot for those that it manages already. After a change of the file, run it by hand."),
    ]);
    roff.control("PP", []);
    roff.text([
        roman("The file is of the format TOML. Each entry begins with "),
        bold("[[array]]"),
        roman(" and has lines of the form KEY = VALUE; texts are in quotes. The first entry counts whose model fits, and no other: one below \"*\", or below one of the same model, never does, and apply says so. What it does not name stays as it is: as the parameters of the module have it, after a connect. With a mistake in the file, none of it is applied."),
    ]);
    let keys = keys();
    let rows = keys
        .each_ref()
        .map(|(key, meaning)| (*key, meaning.as_str()));
    section(&mut roff, "KEYS", &rows);
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in [
        "# Reports no Command Quiesce Time. Its maker says that it is 5 s.",
        "[[array]]",
        "model = \"Example FlashStore*\"",
        "cqt-default-ms = 5000",
    ] {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    let files = [
        (
            "/etc/nvme-fence/arrays.conf",
            "the file; it need not be there",
        ),
        (
            "/usr/lib/udev/rules.d/71-nvme-fence.rules",
            "when it is applied",
        ),
    ];
    section(&mut roff, "FILES", &files);
    roff.control("SH", ["SEE ALSO"]);
    roff.text(see_also("arrays.conf"));
    Ok(tidy(&roff.render()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_words_that_the_command_line_has() {
        let page = page().unwrap().replace(['\n', '\\'], " ");
        let words = |words: &[&str]| words.join(", ").replace('-', " -");
        assert!(page.contains(&words(&HOLD)), "{page}");
        assert!(page.contains(&words(&EVIDENCE)), "{page}");
        assert!(page.contains("1 to 3600000 ms"), "{page}");
    }
}

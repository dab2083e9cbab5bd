// SPDX-License-Identifier: GPL-2.0
//! The man pages, one per command, and one for a file. What the command line knows of itself is taken
//! from there.

mod arrays_conf;
mod pages;

use anyhow::{ensure, Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::roff::{bold, roman, Inline, Roff};
use clap_mangen::Man;
use std::fs;
use std::io;
use std::path::Path;

use crate::cli::{Cli, ENVIRONMENT, EXIT_STATUS};
use pages::PAGES;

/// When the pages were last changed.
const DATE: &str = "2026-11-30";

/// How long the lines of a page are.
const COLUMNS: usize = 80;

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
    write_with_subcommands(&command, directory)?;
    write(&directory.join("arrays.conf.5"), arrays_conf::page())
}

/// Writes a page.
fn write(path: &Path, page: io::Result<String>) -> Result<()> {
    page.and_then(|page| fs::write(path, page))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes the page of a command, and those of its subcommands.
fn write_with_subcommands(command: &Command, directory: &Path) -> Result<()> {
    let man = Man::new(command.clone());
    write(&directory.join(man.get_filename()), page(command))?;
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
    let pages = PAGES.iter().map(|page| (page.name, "(1)"));
    let others = [("nvme", "(1)"), ("arrays.conf", "(5)")];
    let mut line = Vec::new();
    for (other, section) in pages.chain(others).filter(|(other, _)| *other != name) {
        line.push(roman(if line.is_empty() { "" } else { ", " }));
        line.push(bold(other));
        line.push(roman(section));
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
        pages.push("arrays.conf.5".to_owned());
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

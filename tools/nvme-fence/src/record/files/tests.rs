// SPDX-License-Identifier: GPL-2.0
use super::*;
use crate::record::event::Kind;
use jiff::Timestamp;
use tempfile::TempDir;

/// The n-th event.
fn event(n: u64) -> Event {
    Event {
        commands: Some(n),
        ..Event::new(Timestamp::from_second(1_700_000_000).unwrap(), Kind::Held)
    }
}

/// A directory, and a writer of three events to a file, and two files.
fn writer(directory: &TempDir) -> Writer {
    let line = serde_json::to_vec(&event(100)).unwrap().len() as u64 + 1;
    let bounds = Bounds {
        files: 2,
        file_bytes: 3 * line,
    };
    Writer::open(directory.path(), bounds).unwrap()
}

/// The numbers of all events that are there, and how many lines are none.
fn numbers(directory: &TempDir) -> (Vec<u64>, usize) {
    let mut numbers = Vec::new();
    let mut unreadable = 0;
    for file in files(directory.path()).unwrap() {
        unreadable += read(&file, |event| numbers.extend(event.commands)).unwrap();
    }
    (numbers, unreadable)
}

#[test]
fn what_is_kept_is_the_newest_and_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory);
    for n in 100..111 {
        writer.write(&event(n)).unwrap();
        let (numbers, unreadable) = numbers(&directory);
        assert_eq!(unreadable, 0);
        assert_eq!(numbers.last(), Some(&n));
        let first = numbers[0];
        assert_eq!(numbers, (first..=n).collect::<Vec<_>>());
        // Never less than a whole file beside the newest one.
        assert!(first == 100 || numbers.len() > 3, "{numbers:?}");
        assert!(numbers.len() <= 6, "{numbers:?}");
    }
}

#[test]
fn a_new_writer_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    for n in 100..105 {
        writer(&directory).write(&event(n)).unwrap();
    }
    assert_eq!(numbers(&directory), ((100..105).collect(), 0));
    assert_eq!(files(directory.path()).unwrap().len(), 2);
}

#[test]
fn a_line_that_was_cut_off_takes_no_other_one_along() {
    let directory = tempfile::tempdir().unwrap();
    writer(&directory).write(&event(100)).unwrap();
    let file = files(directory.path()).unwrap().remove(0);
    let mut text = fs::read(&file).unwrap();
    text.extend_from_slice(b"{\"time\":\"20");
    fs::write(&file, text).unwrap();
    assert_eq!(numbers(&directory), (vec![100], 0));
    writer(&directory).write(&event(101)).unwrap();
    assert_eq!(numbers(&directory), (vec![100, 101], 1));
}

#[test]
fn the_tenth_file_comes_after_the_ninth() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(&directory);
    for n in 100..136 {
        writer.write(&event(n)).unwrap();
        assert!(numbers(&directory).0.is_sorted(), "{n}");
    }
    assert_eq!(numbers(&directory), ((130..136).collect(), 0));
}

#[test]
fn two_monitors_do_not_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = writer(&directory);
    let bounds = first.bounds;
    let error = Writer::open(directory.path(), bounds).err().unwrap();
    assert!(error.to_string().contains("another monitor"), "{error}");
    drop(first);
    Writer::open(directory.path(), bounds).unwrap();
}

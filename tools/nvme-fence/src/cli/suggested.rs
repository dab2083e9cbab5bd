// SPDX-License-Identifier: GPL-2.0
//! Values that a shell may offer, while others are taken as well: which there are, the module knows.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::Error;
use clap::{Arg, Command};
use std::ffi::OsStr;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

/// What today's module has for `hold`.
pub(crate) const HOLD: [&str; 3] = ["all", "overlap", "none"];
/// What today's module has for `evidence`.
pub(crate) const EVIDENCE: [&str; 7] = [
    "ccr",
    "time",
    "reconnect",
    "reconnect-by-id",
    "disabled",
    "notification",
    "target",
];

/// Reads a value, and knows what it may be.
#[derive(Clone)]
pub(super) struct Suggested<T> {
    /// What it may be.
    words: &'static [&'static str],
    /// What it is read as.
    value: PhantomData<fn() -> T>,
}

impl<T> Suggested<T> {
    /// A value that may be one of these, or another.
    pub(super) const fn of(words: &'static [&'static str]) -> Self {
        Self {
            words,
            value: PhantomData,
        }
    }
}

impl<T> TypedValueParser for Suggested<T>
where
    T: FromStr<Err: Display> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, Error> {
        let parse = |text: String| text.parse::<T>().map_err(|error| error.to_string());
        let parser = StringValueParser::new().try_map(parse);
        parser.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().map(PossibleValue::new)))
    }
}

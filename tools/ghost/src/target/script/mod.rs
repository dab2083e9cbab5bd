// SPDX-License-Identifier: GPL-2.0

//! What goes wrong, and when: rules of the form *match : action*.
//!
//! - [`rule`]: one rule
//! - `parse`: from a line of text to a rule
//!
//! Of all rules that are about a thing the first one applies that is not used up.

mod parse;
pub mod rule;

use rule::{Body, Facts, Rule};

pub use parse::ScriptError;
pub(super) use parse::{made_up_entry, made_up_lost_entry};

/// All rules, in the order in which they were added.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<(u64, Rule)>,
    newest: u64,
}

impl Rules {
    /// The rules in a script: one a line, and comments behind `#`.
    pub fn read(script: &str) -> Result<Self, String> {
        let mut rules = Rules::default();
        for (index, line) in script.lines().enumerate() {
            let text = line.split('#').next().unwrap_or_default().trim();
            if !text.is_empty() {
                let rule = text
                    .parse()
                    .map_err(|error| format!("line {}: {error}", index + 1))?;
                rules.add(rule);
            }
        }
        Ok(rules)
    }

    /// Adds a rule and says which number it got.
    pub fn add(&mut self, rule: Rule) -> u64 {
        self.newest += 1;
        self.rules.push((self.newest, rule));
        self.newest
    }

    /// Removes the rule with this number, or says that there is none.
    pub fn remove(&mut self, number: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|&(other, _)| other != number);
        self.rules.len() < before
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// All rules with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Rule)> {
        self.rules.iter().map(|(number, rule)| (*number, rule))
    }

    /// The rule that applies to these facts, and what `wanted` takes out of it; it counts as
    /// applied then.
    pub(super) fn apply<T>(
        &mut self,
        facts: &Facts,
        wanted: impl Fn(&Body) -> Option<T>,
    ) -> Option<(u64, T)> {
        self.rules.iter_mut().find_map(|(number, rule)| {
            let action = wanted(rule.body())?;
            rule.applies_to(facts).then_some((*number, action))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kato(rules: &mut Rules, port: u16) -> Option<u64> {
        let facts = Facts {
            port,
            ..Facts::default()
        };
        rules
            .apply(&facts, |body| matches!(body, Body::KeepAlive).then_some(()))
            .map(|(number, ())| number)
    }

    #[test]
    fn the_first_rule_that_matches_applies() {
        let mut rules =
            Rules::read("kato port=2 : ignore\n\n# all\nkato : ignore # here\n").unwrap();
        assert_eq!(kato(&mut rules, 2), Some(1));
        assert_eq!(kato(&mut rules, 1), Some(2));
        assert!(rules.remove(2));
        assert!(!rules.remove(2));
        assert_eq!(kato(&mut rules, 1), None);
        rules.clear();
        assert_eq!(kato(&mut rules, 2), None);
    }

    #[test]
    fn a_rule_is_used_up() {
        let mut rules = Rules::read("kato skip=1 times=2 : ignore").unwrap();
        let applied: Vec<_> = (0..4).map(|_| kato(&mut rules, 1).is_some()).collect();
        assert_eq!(applied, [false, true, true, false]);
        assert_eq!(rules.iter().next().unwrap().1.hits(), 2);
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(
            Rules::read("kato : ignore\nkato : explode").unwrap_err(),
            "line 2: what is \"explode\"?"
        );
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Asynchronous events of the type Notice.

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A namespace attribute has changed.
    Namespace,
    /// The state of an ANA group has changed.
    Ana,
    /// A Cross-Controller Reset has come to its end.
    Ccr,
    /// Another controller has lost the host.
    LostHost,
}

impl Event {
    const TYPE_NOTICE: u32 = 2;

    /// All of them.
    pub const ALL: [Event; 4] = [Event::Namespace, Event::Ana, Event::Ccr, Event::LostHost];

    /// Dword 0 of the completion that reports it.
    pub fn result(self) -> u32 {
        Self::TYPE_NOTICE | self.information() << 8 | u32::from(self.log_page()) << 16
    }

    fn information(self) -> u32 {
        match self {
            Event::Namespace => 0x00,
            Event::Ana => 0x03,
            Event::Ccr => 0xf4,
            Event::LostHost => 0xf5,
        }
    }

    /// The log page that tells more, and whose reading clears the event.
    pub fn log_page(self) -> u8 {
        match self {
            Event::Namespace => 0x04,
            Event::Ana => 0x0c,
            Event::Ccr => 0x1e,
            Event::LostHost => 0x1f,
        }
    }

    /// Its bit in OAES and in the Asynchronous Event Configuration feature.
    pub fn enable_bit(self) -> u32 {
        match self {
            Event::Namespace => 1 << 8,
            Event::Ana => 1 << 11,
            Event::Ccr => 1 << 20,
            Event::LostHost => 1 << 21,
        }
    }

    /// Its name in scripts, commands and the journal.
    pub fn name(self) -> &'static str {
        match self {
            Event::Namespace => "namespace",
            Event::Ana => "ana",
            Event::Ccr => "ccr",
            Event::LostHost => "lost-host",
        }
    }

    /// The event with this name.
    pub fn named(name: &str) -> Option<Event> {
        Event::ALL.into_iter().find(|event| event.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_names_type_information_and_log_page() {
        assert_eq!(Event::Ccr.result(), 0x001e_f402);
        assert_eq!(Event::LostHost.result(), 0x001f_f502);
        assert_eq!(Event::Ana.result(), 0x000c_0302);
    }

    #[test]
    fn events_are_found_by_name() {
        for event in Event::ALL {
            assert_eq!(Event::named(event.name()), Some(event));
        }
        assert_eq!(Event::named("smart"), None);
    }
}

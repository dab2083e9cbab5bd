// SPDX-License-Identifier: GPL-2.0
//! Where a path leads, and where from: the `address` attribute of a controller.

/// The parts of an address that tell two paths from each other. `src_addr`, which some kernels add,
/// is not among them: it is what the host happened to use this time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// The transport address of the port of the target.
    pub(crate) traddr: Option<String>,
    /// The transport service of that port.
    pub(crate) trsvcid: Option<String>,
    /// The address of the host that was asked for when connecting.
    pub(crate) host_traddr: Option<String>,
    /// The interface of the host that was asked for when connecting.
    pub(crate) host_iface: Option<String>,
}

impl Address {
    /// Takes a text like `traddr=10.0.0.1,trsvcid=4420` apart. What it does not have, is not known.
    pub(crate) fn parse(text: &str) -> Self {
        let part = |key: &str| {
            text.split(',')
                .find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
                .map(str::to_owned)
        };
        Self {
            traddr: part("traddr"),
            trsvcid: part("trsvcid"),
            host_traddr: part("host_traddr"),
            host_iface: part("host_iface"),
        }
    }

    /// The port of the target; `None` = not known.
    pub(crate) fn port(&self) -> Option<(&str, Option<&str>)> {
        Some((self.traddr.as_deref()?, self.trsvcid.as_deref()))
    }

    /// Whether both lead to the same port, and nothing says that they begin at different places. A
    /// path of which no place was asked for may begin anywhere.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        let agree = |one: &Option<String>, other: &Option<String>| {
            one.is_none() || other.is_none() || one == other
        };
        self.port().is_some()
            && self.port() == other.port()
            && agree(&self.host_traddr, &other.host_traddr)
            && agree(&self.host_iface, &other.host_iface)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let address =
            Address::parse("traddr=fe80::1,trsvcid=4420,host_iface=eth0,src_addr=fe80::2");
        assert_eq!(address.port(), Some(("fe80::1", Some("4420"))));
        assert_eq!(address.host_iface.as_deref(), Some("eth0"));
        assert_eq!(address.host_traddr, None);
        assert_eq!(Address::parse("").port(), None);
    }

    #[test]
    fn paths_from_elsewhere_are_others() {
        let port = "traddr=10.0.0.1,trsvcid=4420";
        for (one, other, may_be) in [
            ("", "", true),
            (",src_addr=10.0.0.2", ",src_addr=10.0.0.3", true),
            (",host_iface=a", "", true),
            (",host_iface=a", ",host_iface=b", false),
            (",host_traddr=10.0.0.2", ",host_traddr=10.0.0.3", false),
        ] {
            let address = |rest| Address::parse(&format!("{port}{rest}"));
            assert_eq!(
                address(one).may_be(&address(other)),
                may_be,
                "{one} {other}"
            );
        }
        let other = Address::parse("traddr=10.0.0.1,trsvcid=4421");
        assert!(!Address::parse(port).may_be(&other));
        // Of nothing known, nothing is said.
        assert!(!Address::default().may_be(&Address::default()));
    }
}

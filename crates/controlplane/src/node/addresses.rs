//! Pod addresses of a node.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

/// The first 16 bits of pod addresses.
pub(crate) const POD_NETWORK: [u8; 2] = [10, 244];

/// Hands out addresses of 10.244.0.0/16: the lowest that is free and was not the last one given back.
#[derive(Debug, Default)]
pub(crate) struct AddressPool {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    used: BTreeSet<u16>,
    next: u16,
}

impl AddressPool {
    /// An address that no other pod has.
    pub(crate) fn take(&self) -> Ipv4Addr {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            // .0 and .1 are the network and the node; the counter goes round so that addresses rest after use.
            state.next = if state.next >= u16::MAX - 1 { 2 } else { (state.next + 1).max(2) };
            let host = state.next;
            if state.used.insert(host) {
                let [high, low] = host.to_be_bytes();
                return Ipv4Addr::new(POD_NETWORK[0], POD_NETWORK[1], high, low);
            }
        }
    }

    /// Gives an address back.
    pub(crate) fn release(&self, ip: Ipv4Addr) {
        let [_, _, high, low] = ip.octets();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used.remove(&u16::from_be_bytes([high, low]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ_and_rest() {
        let pool = AddressPool::default();
        let (a, b) = (pool.take(), pool.take());
        assert_eq!((a.to_string().as_str(), b.to_string().as_str()), ("10.244.0.2", "10.244.0.3"));
        pool.release(a);
        assert_eq!(pool.take().to_string(), "10.244.0.4");
    }
}

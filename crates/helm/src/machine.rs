//! What templates may learn of this machine: its time, its time zones, its entropy, and names of hosts where allowed.

use std::net::ToSocketAddrs;
use std::rc::Rc;

use bowline_render::{Environment, LetPass};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console;

struct Machine {
    now: Timestamp,
    dns: bool,
}

impl Environment for Machine {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn time_zone(&self) -> TimeZone {
        TimeZone::system()
    }

    fn named_time_zone(&self, name: &str) -> Option<TimeZone> {
        match name {
            "" => Some(TimeZone::UTC),
            "Local" => Some(self.time_zone()),
            name => TimeZone::get(name).ok(),
        }
    }

    fn random(&self, bytes: &mut [u8]) {
        // Passwords and keys are made of it: better none at all than guessable ones.
        if getrandom::fill(bytes).is_err() {
            console::error("Error: the operating system gives no random bits\n");
            std::process::exit(1);
        }
    }

    fn let_pass(&self, what: LetPass, message: &str) {
        let fields = [("message", message)];
        match what {
            LetPass::Missing => console::warn("missing required value", &fields),
            LetPass::Empty => console::warn("missing required values", &fields),
            LetPass::Fail => console::log("INFO", "funcMap fail", &fields),
        }
    }

    fn resolve(&self, host: &str) -> Option<String> {
        if !self.dns {
            return None;
        }
        let addresses = (host, 0).to_socket_addrs().ok()?;
        addresses.map(|address| address.ip().to_string()).next()
    }
}

/// This machine, as a rendering sees it. `dns`: templates may resolve names.
pub(crate) fn environment(dns: bool) -> Rc<dyn Environment> {
    Rc::new(Machine { now: bowline_clock::Clock::system().now(), dns })
}

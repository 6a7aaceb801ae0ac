//! What templates may learn of this machine: its time, its time zones, its entropy, names of hosts where allowed, and
//! objects of a cluster where one is to be asked.

use std::net::ToSocketAddrs;
use std::rc::Rc;

use bowline_chart::Compat;
use bowline_render::{Environment, LetPass, Lookup};
use bowline_yaml::{Map, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console;
use crate::server::Server;

/// This machine, as a rendering sees it. By itself it resolves no names and asks no cluster.
#[derive(Clone)]
pub struct Machine {
    now: Timestamp,
    resolves: bool,
    server: Option<Rc<Server>>,
    compat: Compat,
}

impl Machine {
    /// This machine at this moment.
    pub fn now() -> Self {
        let now = bowline_clock::Clock::system().now();
        Self { now, resolves: false, server: None, compat: Compat::default() }
    }

    /// Templates may resolve names of hosts where `allowed`.
    #[must_use]
    pub fn resolving(self, allowed: bool) -> Self {
        Self { resolves: allowed, ..self }
    }

    /// `lookup` asks this server.
    #[must_use]
    pub fn asking(self, server: Option<Rc<Server>>) -> Self {
        Self { server, ..self }
    }

    /// What `lint` lets pass is logged as that Helm does.
    #[must_use]
    pub(crate) fn logging_as(self, compat: Compat) -> Self {
        Self { compat, ..self }
    }
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

    fn lookup(&self, query: &Lookup<'_>) -> Result<Value, String> {
        match &self.server {
            Some(server) => server.lookup(query),
            None => Ok(Value::Map(Map::new())),
        }
    }

    fn let_pass(&self, what: LetPass, message: &str) {
        let fields = [("message", message)];
        if self.compat.is_helm3() {
            let (source, what) = match what {
                LetPass::Missing => ("engine.go:206", "Missing required value"),
                LetPass::Empty => ("engine.go:214", "Missing required value"),
                LetPass::Fail => ("engine.go:227", "Fail"),
            };
            return console::log_of_helm3(source, &format!("[INFO] {what}: {message}"));
        }
        match what {
            LetPass::Missing => console::warn("missing required value", &fields),
            LetPass::Empty => console::warn("missing required values", &fields),
            LetPass::Fail => console::log("INFO", "funcMap fail", &fields),
        }
    }

    fn resolve(&self, host: &str) -> Option<String> {
        if !self.resolves {
            return None;
        }
        let addresses = (host, 0).to_socket_addrs().ok()?;
        addresses.map(|address| address.ip().to_string()).next()
    }
}

/// This machine, as a rendering without a cluster sees it. `dns`: templates may resolve names.
pub(crate) fn environment(dns: bool, compat: Compat) -> Rc<dyn Environment> {
    Rc::new(Machine::now().resolving(dns).logging_as(compat))
}

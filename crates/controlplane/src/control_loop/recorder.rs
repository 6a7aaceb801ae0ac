use std::collections::BTreeMap;

use bowline_apiserver::{Api, Patch, WriteOptions};
use bowline_clock::{Clock, Timestamp};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::kind::{self, Kind};
use crate::object::Fields;

/// For how long Kubernetes keeps an event that does not happen again.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// How many events about one object may happen at once, and how long it then takes until one more is let through.
const BURST: u32 = 25;
const REFILL: SignedDuration = SignedDuration::from_mins(5);

/// What an event says, all of it: one that says the same again is counted, not made anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Saying {
    component: &'static str,
    uid: String,
    kind: String,
    reason: String,
    message: String,
}

#[derive(Clone, Debug)]
struct Said {
    namespace: String,
    name: String,
    count: u64,
    last: Timestamp,
}

/// Writes Kubernetes Events about objects, for one or several components.
#[derive(Debug)]
pub(crate) struct Recorder {
    api: Api,
    clock: Clock,
    said: BTreeMap<Saying, Said>,
    /// By component and uid: how many events are let through, as of when.
    allowance: BTreeMap<(&'static str, String), (u32, Timestamp)>,
    /// In nanoseconds; names of events are made from times, which must differ.
    last_name: i128,
    swept: Timestamp,
}

impl Recorder {
    /// A recorder that has said nothing yet.
    pub(crate) fn new(api: Api, clock: Clock) -> Self {
        let swept = clock.now();
        Self { api, clock, said: BTreeMap::new(), allowance: BTreeMap::new(), last_name: 0, swept }
    }

    /// Records that something happened to an object. `kind` is `Normal` or `Warning`.
    pub(crate) fn record(
        &mut self,
        component: &'static str,
        about: Kind,
        object: &Value,
        kind: &str,
        reason: &str,
        message: &str,
    ) {
        let now = self.clock.now();
        self.sweep(now);
        if !self.is_allowed(component, object.uid(), now) {
            return;
        }
        let saying = Saying {
            component,
            uid: object.uid().to_owned(),
            kind: kind.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        let at = self.clock.rfc3339();
        if let Some(said) = self.said.get_mut(&saying) {
            said.count += 1;
            said.last = now;
            let again = Patch::Merge(json!({"count": said.count, "lastTimestamp": at}));
            let options = WriteOptions::by(component);
            let patched = self.api.patch(&kind::EVENT.resource(), &said.namespace, &said.name, None, &again, &options);
            match patched {
                Ok(_) => return,
                Err(error) => tracing::debug!(%error, "the event is gone, saying it anew"),
            }
        }
        let namespace = if object.namespace().is_empty() { "default" } else { object.namespace() };
        let name = self.name(object.name(), now);
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": about.api_version(), "kind": about.kind, "namespace": object["metadata"]["namespace"],
                "name": object.name(), "uid": object.uid(), "resourceVersion": object.resource_version(),
            },
            "type": kind, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": at, "lastTimestamp": at, "eventTime": null,
            "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
        });
        match self.api.create(&kind::EVENT.resource(), namespace, event, &WriteOptions::by(component)) {
            Ok(_) => {
                let said = Said { namespace: namespace.to_owned(), name, count: 1, last: now };
                self.said.insert(saying, said);
            }
            Err(error) => tracing::debug!(%error, reason, message, "could not record an event"),
        }
    }

    /// `OBJECT.TIME`, as Kubernetes names events.
    fn name(&mut self, object: &str, now: Timestamp) -> String {
        self.last_name = now.as_nanosecond().max(self.last_name + 1);
        format!("{object}.{:x}", self.last_name)
    }

    fn is_allowed(&mut self, component: &'static str, uid: &str, now: Timestamp) -> bool {
        let (left, since) = self.allowance.entry((component, uid.to_owned())).or_insert((BURST, now));
        let periods = now.duration_since(*since).as_secs() / REFILL.as_secs();
        if periods > 0 {
            *left = left.saturating_add(u32::try_from(periods).unwrap_or(BURST)).min(BURST);
            *since = since.checked_add(SignedDuration::from_secs(periods * REFILL.as_secs())).unwrap_or(now);
        }
        if *left == 0 {
            return false;
        }
        *left -= 1;
        true
    }

    /// Once a minute at most: forgets what was said long ago, and deletes it.
    fn sweep(&mut self, now: Timestamp) {
        if now.duration_since(self.swept) < SignedDuration::from_mins(1) {
            return;
        }
        self.swept = now;
        let stale = |said: &Said| now.duration_since(said.last) > KEPT;
        for said in self.said.values().filter(|s| stale(s)) {
            let options = bowline_apiserver::DeleteOptions::default();
            // One that is gone already was deleted with its namespace.
            let _ = self.api.delete(&kind::EVENT.resource(), &said.namespace, &said.name, &options);
        }
        self.said.retain(|_, said| !stale(said));
        self.allowance.retain(|_, (left, since)| {
            let refilled = now.duration_since(*since).as_secs() / REFILL.as_secs() + i64::from(*left);
            refilled < i64::from(BURST)
        });
    }
}

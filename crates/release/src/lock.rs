use std::fmt;
use std::time::Duration;

use bowline_clock::{Clock, Timestamp};
use bowline_cluster::{Cluster, ClusterError, Delete, Metadata, ObjectRef};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::ReleaseError;

const DOING: &str = "bowline.dev/doing";

/// How a lock is taken and kept.
#[derive(Clone, Debug)]
pub struct LockOptions {
    /// How long to wait for a lock whose holder is alive; zero to be told so as soon as it is heard of. One that is not
    /// heard of is waited for until it counts as dead, in any case.
    pub wait: Duration,
    /// How often the holder says that it is alive.
    pub heartbeat: Duration,
    /// After how long without a heartbeat the holder counts as dead. Several heartbeats.
    pub deadline: Duration,
}

impl Default for LockOptions {
    fn default() -> Self {
        Self { wait: Duration::ZERO, heartbeat: Duration::from_secs(2), deadline: Duration::from_secs(10) }
    }
}

/// Who holds, or held, a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who: `user@host (pid 4711)`.
    pub identity: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it last said that it is alive.
    pub last_heartbeat: Option<Timestamp>,
    /// What it is doing: `upgrade to revision 4`.
    pub doing: String,
}

/// The lock is with somebody else, who is alive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct LockHeld {
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// By whom it is held.
    pub holder: Holder,
    /// When its holder counts as dead, unless it is heard of until then.
    pub until: Option<Timestamp>,
}

impl fmt::Display for LockHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder { identity, since, last_heartbeat, doing } = &self.holder;
        write!(f, "release {} in namespace {} is locked by {identity}", self.release, self.namespace)?;
        if !doing.is_empty() {
            write!(f, ", doing: {doing}")?;
        }
        if let Some(since) = since {
            write!(f, ", since {}", since.strftime("%Y-%m-%dT%H:%M:%SZ"))?;
        }
        if let Some(last) = last_heartbeat {
            write!(f, ", last heard of at {}", last.strftime("%Y-%m-%dT%H:%M:%SZ"))?;
        }
        Ok(())
    }
}

/// The right to change a release. A heartbeat keeps it; dropping it, or [`Lock::release`], gives it back.
#[derive(Debug)]
pub struct Lock {
    lease: Lease,
    heart: JoinHandle<()>,
    /// The identity that has the lock instead, once it was lost.
    lost: watch::Receiver<Option<String>>,
    taken_over_from: Option<Holder>,
    given_back: bool,
}

#[derive(Clone, Debug)]
struct Lease {
    cluster: Cluster,
    clock: Clock,
    object: ObjectRef,
    release: String,
    identity: String,
    deadline: Duration,
}

impl Lock {
    /// Takes the lock of a release: a Lease `bowline.RELEASE` in its namespace. A holder that has not been heard of for
    /// its deadline is passed over. `waiting` is told when there is a holder to wait for, once for each.
    ///
    /// # Errors
    /// [`ReleaseError::Held`] where somebody else, who is alive, holds it for longer than `options.wait`.
    pub async fn acquire(
        cluster: &Cluster,
        clock: &Clock,
        (namespace, release): (&str, &str),
        identity: &str,
        doing: &str,
        options: &LockOptions,
        waiting: &(dyn Fn(&LockHeld) + Send + Sync),
    ) -> Result<Self, ReleaseError> {
        let lease = Lease {
            cluster: cluster.clone(),
            clock: clock.clone(),
            object: ObjectRef::new("coordination.k8s.io/v1", "Lease", namespace, &format!("bowline.{release}")),
            release: release.to_owned(),
            identity: identity.to_owned(),
            deadline: options.deadline,
        };
        let begun = Instant::now();
        // The first sign of life that was seen, and since when nothing else was.
        let mut first: Option<Holder> = None;
        let mut newest: Option<(Holder, Instant)> = None;
        let taken_over_from = loop {
            // Told by our own clock too, so that a holder whose clock is ahead does not count as alive for longer.
            let silent = newest.as_ref().map(|(holder, since)| (holder, since.elapsed()));
            match lease.take(doing, silent).await? {
                Taken::Yes { from } => break from,
                Taken::Raced => {}
                Taken::Held(held) => {
                    if newest.as_ref().is_none_or(|(holder, _)| holder.identity != held.holder.identity) {
                        waiting(&held);
                    }
                    if newest.as_ref().is_none_or(|(holder, _)| *holder != held.holder) {
                        newest = Some((held.holder.clone(), Instant::now()));
                    }
                    let is_alive = *first.get_or_insert_with(|| held.holder.clone()) != held.holder;
                    if is_alive && begun.elapsed() >= options.wait {
                        return Err(held.into());
                    }
                    tokio::time::sleep((options.heartbeat / 5).max(Duration::from_millis(10))).await;
                }
            }
        };
        let (told, lost) = watch::channel(None);
        let heart = tokio::spawn(lease.clone().beat(options.heartbeat, told));
        Ok(Self { lease, heart, lost, taken_over_from, given_back: false })
    }

    /// The dead holder that was passed over, where there was one.
    pub fn taken_over_from(&self) -> Option<&Holder> {
        self.taken_over_from.as_ref()
    }

    /// Who holds it: the identity it was taken with.
    pub fn identity(&self) -> &str {
        &self.lease.identity
    }

    /// Ends when the lock was lost to somebody else; gives their identity. What is being done must stop then.
    pub fn lost(&self) -> impl Future<Output = String> + Send + 'static {
        let mut lost = self.lost.clone();
        async move {
            loop {
                if let Some(holder) = lost.borrow_and_update().clone() {
                    return holder;
                }
                if lost.changed().await.is_err() {
                    // The lock was given back: nothing can be lost any more.
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// [`ReleaseError::Cluster`]; then it runs out by itself at its deadline.
    pub async fn release(mut self) -> Result<(), ReleaseError> {
        self.heart.abort();
        self.given_back = true;
        self.lease.give_back().await
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.heart.abort();
        if self.given_back {
            return;
        }
        // Outside of a runtime nothing can be sent; the lock then runs out at its deadline.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let lease = self.lease.clone();
            runtime.spawn(async move {
                if let Err(error) = lease.give_back().await {
                    tracing::warn!(%error, "a lock could not be given back; it runs out by itself");
                }
            });
        }
    }
}

enum Taken {
    Yes {
        from: Option<Holder>,
    },
    Held(LockHeld),
    /// Somebody changed it in the same moment; to be tried again.
    Raced,
}

impl Lease {
    fn failed(&self) -> impl FnOnce(ClusterError) -> ReleaseError + use<> {
        ReleaseError::cluster(format!("lock release {}", self.release))
    }

    /// `silent` is the holder as last seen, and for how long that has not changed.
    async fn take(&self, doing: &str, silent: Option<(&Holder, Duration)>) -> Result<Taken, ReleaseError> {
        let Some(mut lease) = self.cluster.get(&self.object).await.map_err(self.failed())? else {
            let mut body = json!({
                "apiVersion": self.object.gvk.api_version(),
                "kind": self.object.gvk.kind,
                "metadata": {"name": self.object.name, "namespace": self.object.namespace},
            });
            self.sign(&mut body, doing, 0);
            return match self.cluster.create(&body).await {
                Ok(_) => Ok(Taken::Yes { from: None }),
                Err(error) if error.is_already_exists() => Ok(Taken::Raced),
                Err(error) => Err(self.failed()(error)),
            };
        };
        let holder = read_holder(&lease);
        if holder.identity.is_empty() {
            return self.take_over(&mut lease, doing, None).await;
        }
        let until = expiry(&lease, holder.last_heartbeat);
        let allowed = Duration::from_secs(lease["spec"]["leaseDurationSeconds"].as_u64().unwrap_or_default());
        let is_silent = silent.is_some_and(|(seen, silence)| *seen == holder && silence >= allowed);
        if is_silent || until.is_none_or(|until| self.clock.now() >= until) {
            return self.take_over(&mut lease, doing, Some(holder)).await;
        }
        Ok(Taken::Held(LockHeld {
            release: self.release.clone(),
            namespace: self.object.namespace.clone(),
            holder,
            until,
        }))
    }

    async fn take_over(&self, lease: &mut Value, doing: &str, from: Option<Holder>) -> Result<Taken, ReleaseError> {
        let transitions = lease["spec"]["leaseTransitions"].as_i64().unwrap_or_default() + 1;
        self.sign(lease, doing, transitions);
        match self.cluster.update(lease).await {
            Ok(_) => Ok(Taken::Yes { from }),
            Err(error) if error.is_conflict() || error.is_not_found() => Ok(Taken::Raced),
            Err(error) => Err(self.failed()(error)),
        }
    }

    fn sign(&self, lease: &mut Value, doing: &str, transitions: i64) {
        let now = self.clock.rfc3339_micro();
        lease["metadata"]["annotations"][DOING] = json!(doing);
        lease["spec"] = json!({
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self.deadline.as_secs().max(1),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        });
    }

    /// Renews the lease until it is lost or this is aborted. A beat that fails for a passing reason is made up for by the
    /// next one.
    async fn beat(self, every: Duration, lost: watch::Sender<Option<String>>) {
        loop {
            tokio::time::sleep(every).await;
            let holder = match self.cluster.get(&self.object).await {
                Ok(Some(mut lease)) => {
                    let holder = read_holder(&lease).identity;
                    if holder == self.identity {
                        lease["spec"]["renewTime"] = json!(self.clock.rfc3339_micro());
                        match self.cluster.update(&lease).await {
                            // In a conflict the next beat sees who has it.
                            Ok(_) => continue,
                            Err(error) => {
                                tracing::warn!(%error, "a heartbeat failed");
                                continue;
                            }
                        }
                    }
                    holder
                }
                Ok(None) => String::new(),
                Err(error) => {
                    tracing::warn!(%error, "a heartbeat failed");
                    continue;
                }
            };
            // Nobody listens any more: fine.
            let _ = lost.send(Some(holder));
            return;
        }
    }

    async fn give_back(&self) -> Result<(), ReleaseError> {
        let Some(lease) = self.cluster.get(&self.object).await.map_err(self.failed())? else { return Ok(()) };
        if read_holder(&lease).identity != self.identity {
            return Ok(());
        }
        let how = Delete { resource_version: lease.resource_version().to_owned(), ..Delete::default() };
        match self.cluster.delete(&self.object, &how).await {
            Ok(_) => Ok(()),
            // A last heartbeat, or another holder, came between: it runs out, or is theirs.
            Err(error) if error.is_conflict() => {
                let lease = self.cluster.get(&self.object).await.map_err(self.failed())?;
                if lease.is_some_and(|lease| read_holder(&lease).identity == self.identity) {
                    self.cluster.delete(&self.object, &Delete::default()).await.map_err(self.failed())?;
                }
                Ok(())
            }
            Err(error) => Err(self.failed()(error)),
        }
    }
}

fn read_holder(lease: &Value) -> Holder {
    let spec = &lease["spec"];
    let time = |field: &str| spec[field].as_str().and_then(|text| text.parse().ok());
    Holder {
        identity: spec["holderIdentity"].as_str().unwrap_or_default().to_owned(),
        since: time("acquireTime"),
        last_heartbeat: time("renewTime"),
        doing: lease.annotation(DOING).unwrap_or_default().to_owned(),
    }
}

fn expiry(lease: &Value, last_heartbeat: Option<Timestamp>) -> Option<Timestamp> {
    let seconds = lease["spec"]["leaseDurationSeconds"].as_i64()?;
    last_heartbeat?.checked_add(SignedDuration::from_secs(seconds)).ok()
}

//! The controllers, one module each.

mod deployment;
mod pods;
mod replica_set;
mod scheduler;

use crate::runtime::Controller;

/// All controllers, in the order in which they get their turn for one and the same change.
pub(crate) fn all(_root_ca: &str) -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(deployment::DeploymentController),
        Box::new(replica_set::ReplicaSetController),
        Box::new(scheduler::Scheduler),
    ]
}

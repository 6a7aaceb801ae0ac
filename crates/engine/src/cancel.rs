use tokio::sync::watch;

/// Asks a run to stop: Ctrl-C, SIGTERM, a cancelled CI job. Clones hear the same signal.
#[derive(Clone, Debug)]
pub struct Cancel(watch::Receiver<bool>);

/// Gives the signal.
#[derive(Clone, Debug)]
pub struct CancelTrigger(watch::Sender<bool>);

impl Cancel {
    /// A signal and who gives it.
    pub fn new() -> (CancelTrigger, Self) {
        let (sender, receiver) = watch::channel(false);
        (CancelTrigger(sender), Self(receiver))
    }

    /// A signal that never comes.
    pub fn never() -> Self {
        Self::new().1
    }

    /// Whether it came.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when it comes.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|cancelled| *cancelled).await.is_err() {
            // Whoever could give it is gone.
            std::future::pending::<()>().await;
        }
    }
}

impl CancelTrigger {
    /// Gives the signal, once and for all.
    pub fn cancel(&self) {
        let _ = self.0.send(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clones_hear_the_signal_and_it_stays() {
        let (trigger, cancel) = Cancel::new();
        let other = cancel.clone();
        assert!(!other.is_cancelled());
        trigger.cancel();
        other.cancelled().await;
        drop(trigger);
        cancel.cancelled().await;
        assert!(cancel.is_cancelled());
    }
}

//! Ctrl-C and SIGTERM: the first asks for a clean stop, the second ends the process.

use bowline_engine::{Cancel, CancelTrigger};
use tokio::signal::unix::{SignalKind, signal as listen};

use crate::exit::Exit;

/// A signal for the engine that Ctrl-C or SIGTERM gives. A second one exits at once.
pub(crate) fn signal() -> Cancel {
    let (trigger, cancel) = Cancel::new();
    tokio::spawn(wait(trigger));
    cancel
}

async fn wait(trigger: CancelTrigger) {
    requested().await;
    trigger.cancel();
    requested().await;
    std::process::exit(Exit::Interrupted as i32);
}

/// Ends when Ctrl-C is pressed or SIGTERM comes.
pub(crate) async fn requested() {
    match (listen(SignalKind::interrupt()), listen(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                biased;
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        // Without handlers the signals end the process by themselves.
        _ => std::future::pending().await,
    }
}

//! What this HSM does wrong on purpose.
//!
//! Whoever rehearses a failure needs one that comes when it is asked for. The control plane asks, and an HSM obeys
//! only if it was started for development. Nothing is written down: started anew, the HSM is well until it is told
//! otherwise.

use std::time::Duration;

use strongroom_hsm_proto::fleet::{Fault, MAX_FAULT_DELAY_MS};
use tokio::sync::watch;

/// The faults of this HSM. Clones are the same.
#[derive(Clone)]
pub(crate) struct Faults {
    fault: watch::Sender<Fault>,
    is_allowed: bool,
}

impl Faults {
    /// An HSM that is well, and stays so unless faults are allowed.
    pub(crate) fn new(is_allowed: bool) -> Self {
        Self { fault: watch::Sender::default(), is_allowed }
    }

    /// Does this wrong from now on, and nothing else. An error says why not.
    pub(crate) fn set(&self, fault: Fault) -> Result<(), String> {
        let is_well = fault == Fault::default();
        if !self.is_allowed && !is_well {
            return Err(
                "the HSM was not started for development, and does nothing wrong on purpose".to_owned()
            );
        }
        if fault.delay_ms > MAX_FAULT_DELAY_MS {
            return Err(format!("answers are delayed by {MAX_FAULT_DELAY_MS} ms at most"));
        }
        let is_news = self.fault.send_if_modified(|before| std::mem::replace(before, fault) != fault);
        if is_news {
            tracing::warn!(?fault, "the HSM was told what to do wrong");
        }
        Ok(())
    }

    /// Whether the HSM is not to follow the log.
    pub(crate) fn stays_behind(&self) -> bool {
        self.fault.borrow().stays_behind
    }

    /// Whether answers are to come late.
    pub(crate) fn is_slow(&self) -> bool {
        self.fault.borrow().delay_ms > 0
    }

    /// Waits for as long as an answer is to come late, or until it is not any more.
    pub(crate) async fn delay(&self) {
        let mut fault = self.fault.subscribe();
        let delay = Duration::from_millis(fault.borrow_and_update().delay_ms.into());
        if !delay.is_zero() {
            let is_well = fault.wait_for(|fault| fault.delay_ms == 0);
            let _ = tokio::time::timeout(delay, is_well).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_hsm_of_development_does_anything_wrong() {
        let slow = Fault { delay_ms: 5, stays_behind: false };
        let behind = Fault { delay_ms: 0, stays_behind: true };
        let sound = Faults::new(false);
        for fault in [slow, behind] {
            assert!(sound.set(fault).unwrap_err().contains("not started for development"));
        }
        // A control plane may say that nothing is wrong.
        sound.set(Fault::default()).unwrap();
        assert!(!sound.is_slow() && !sound.stays_behind());

        let faulty = Faults::new(true);
        faulty.set(slow).unwrap();
        assert!(faulty.is_slow() && !faulty.stays_behind());
        faulty.set(behind).unwrap();
        assert!(!faulty.is_slow() && faulty.stays_behind());
        let too_slow = Fault { delay_ms: MAX_FAULT_DELAY_MS + 1, stays_behind: false };
        assert!(faulty.set(too_slow).is_err() && faulty.stays_behind(), "what is refused changes nothing");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_fault_that_is_cleared() {
        let faults = Faults::new(true);
        faults.delay().await;
        faults.set(Fault { delay_ms: MAX_FAULT_DELAY_MS, stays_behind: false }).unwrap();
        let clearing = async { faults.set(Fault::default()).unwrap() };
        let both = async { tokio::join!(faults.delay(), clearing) };
        tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    }
}

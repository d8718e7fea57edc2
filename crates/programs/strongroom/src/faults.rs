//! Faults on demand: what can be asked for, and who brings it about.
//!
//! A fault is a JSON object for the server's door and for `strongroom fault` alike: `fault` is its name, and it names
//! what it is of. Its id is the two of them together, so that setting it again replaces it.

pub(crate) mod command;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strongroom_cloudhsm::{ControlPlane, HsmFault, HsmFaultError};
use strongroom_kms::{KeyManagement, KeyStoreFaultError, QuotaFactor};
use strongroom_server::DevError;

/// Something that goes wrong because somebody wants it to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Fault {
    HsmDown {
        hsm: String,
    },
    HsmSlow {
        hsm: String,
        delay_ms: u32,
    },
    HsmInconsistent {
        hsm: String,
    },
    /// Done at once, and not to be cleared: disconnecting and connecting the key store leads out.
    KeyStoreFailed {
        key_store: String,
        error_code: String,
    },
    ConnectFails {
        key_store: String,
        error_code: String,
    },
    CallFails {
        operation: String,
        error_code: String,
    },
    Throttling {
        #[serde(default = "whole")]
        factor: f64,
    },
}

fn whole() -> f64 {
    QuotaFactor::PUBLISHED.value()
}

impl Fault {
    fn of_hsm(hsm: String, fault: HsmFault) -> Self {
        match fault {
            HsmFault::Down => Self::HsmDown { hsm },
            HsmFault::Slow { delay_ms } => Self::HsmSlow { hsm, delay_ms },
            HsmFault::Inconsistent => Self::HsmInconsistent { hsm },
        }
    }

    /// What it is cleared by.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::HsmDown { hsm } => format!("hsm-down:{hsm}"),
            Self::HsmSlow { hsm, .. } => format!("hsm-slow:{hsm}"),
            Self::HsmInconsistent { hsm } => format!("hsm-inconsistent:{hsm}"),
            Self::KeyStoreFailed { key_store, .. } => format!("key-store-failed:{key_store}"),
            Self::ConnectFails { key_store, .. } => format!("connect-fails:{key_store}"),
            Self::CallFails { operation, .. } => format!("call-fails:{operation}"),
            Self::Throttling { .. } => "throttling".to_owned(),
        }
    }

    /// As JSON, with the id first.
    fn listed(&self) -> Map<String, Value> {
        let mut listed = Map::from_iter([("id".to_owned(), Value::from(self.id()))]);
        if let Ok(Value::Object(members)) = serde_json::to_value(self) {
            listed.extend(members);
        }
        listed
    }
}

/// The parts of a node in which something can go wrong on demand.
pub(crate) struct Faults {
    pub(crate) kms: Arc<KeyManagement>,
    pub(crate) cloudhsm: Arc<ControlPlane>,
}

impl Faults {
    fn all(&self) -> Vec<Fault> {
        let hsms = self.cloudhsm.hsm_faults().into_iter().map(|(hsm, fault)| Fault::of_hsm(hsm, fault));
        let connects = self.kms.failing_connects().into_iter();
        let connects =
            connects.map(|(key_store, code)| Fault::ConnectFails { key_store, error_code: code.to_owned() });
        let throttling = self.kms.throttling().map(|factor| Fault::Throttling { factor: factor.value() });
        let calls = self.kms.failing_calls().into_iter();
        let calls =
            calls.map(|(operation, code)| Fault::CallFails { operation, error_code: code.to_owned() });
        hsms.chain(connects).chain(calls).chain(throttling).collect()
    }

    /// What goes wrong now.
    pub(crate) fn list(&self) -> Vec<Map<String, Value>> {
        self.all().iter().map(Fault::listed).collect()
    }

    /// Has something go wrong.
    pub(crate) async fn set(&self, asked: Map<String, Value>) -> Result<(), DevError> {
        let fault = serde_json::from_value(Value::Object(asked)).map_err(|error| {
            DevError::Refused(format!(
                "This is no fault: {error}. The book's page \"Faults on demand\" has all."
            ))
        })?;
        match fault {
            Fault::HsmDown { hsm } => of_hsm(self.cloudhsm.set_hsm_fault(&hsm, HsmFault::Down).await),
            Fault::HsmSlow { hsm, delay_ms } => {
                of_hsm(self.cloudhsm.set_hsm_fault(&hsm, HsmFault::Slow { delay_ms }).await)
            }
            Fault::HsmInconsistent { hsm } => {
                of_hsm(self.cloudhsm.set_hsm_fault(&hsm, HsmFault::Inconsistent).await)
            }
            Fault::KeyStoreFailed { key_store, error_code } => {
                of_key_store(self.kms.fail_key_store(&key_store, &error_code).await)
            }
            Fault::ConnectFails { key_store, error_code } => {
                of_key_store(self.kms.fail_next_connect(&key_store, &error_code).await)
            }
            Fault::CallFails { operation, error_code } => self
                .kms
                .fail_calls(&operation, &error_code)
                .map_err(|error| DevError::Refused(error.to_string())),
            Fault::Throttling { factor } => {
                let factor = QuotaFactor::new(factor).ok_or_else(|| {
                    DevError::Refused("The factor must be a number of 0.000001 to 1.".to_owned())
                })?;
                self.kms.set_throttling(Some(factor));
                Ok(())
            }
        }
    }

    /// Has the fault of that id end, or all. Answers whether there was any.
    pub(crate) async fn clear(&self, id: Option<&str>) -> bool {
        let is_meant = |fault: &Fault| id.is_none_or(|id| fault.id() == id);
        let hsms =
            self.cloudhsm.clear_hsm_faults(|hsm, fault| is_meant(&Fault::of_hsm(hsm.to_owned(), fault)));
        let hsms = hsms.await;
        let connects = self.kms.let_connect(|key_store| {
            is_meant(&Fault::ConnectFails { key_store: key_store.to_owned(), error_code: String::new() })
        });
        let calls = self.kms.let_calls(|operation| {
            is_meant(&Fault::CallFails { operation: operation.to_owned(), error_code: String::new() })
        });
        let throttled = self.kms.throttling().is_some_and(|_| is_meant(&Fault::Throttling { factor: 1.0 }));
        if throttled {
            self.kms.set_throttling(None);
        }
        hsms > 0 || connects > 0 || calls > 0 || throttled
    }
}

fn of_hsm(done: Result<(), HsmFaultError>) -> Result<(), DevError> {
    done.map_err(|error| match error {
        HsmFaultError::Refused(text) => DevError::Refused(text),
        error => DevError::Failed(error.into()),
    })
}

fn of_key_store(done: Result<(), KeyStoreFaultError>) -> Result<(), DevError> {
    done.map_err(|error| match error {
        KeyStoreFaultError::Refused(text) => DevError::Refused(text),
        error => DevError::Failed(error.into()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(asked: Value) -> Result<Fault, String> {
        serde_json::from_value(asked).map_err(|error| error.to_string())
    }

    #[test]
    fn faults_are_read_and_listed_by_their_names() {
        for (asked, id) in [
            (json!({ "fault": "hsm-down", "hsm": "hsm-a" }), "hsm-down:hsm-a"),
            (json!({ "fault": "hsm-slow", "hsm": "hsm-a", "delay_ms": 500 }), "hsm-slow:hsm-a"),
            (json!({ "fault": "hsm-inconsistent", "hsm": "hsm-a" }), "hsm-inconsistent:hsm-a"),
            (
                json!({ "fault": "key-store-failed", "key_store": "cks-1", "error_code": "INTERNAL_ERROR" }),
                "key-store-failed:cks-1",
            ),
            (
                json!({ "fault": "connect-fails", "key_store": "cks-1", "error_code": "NETWORK_ERRORS" }),
                "connect-fails:cks-1",
            ),
            (
                json!({ "fault": "call-fails", "operation": "kms:Decrypt", "error_code": "KMSInternalException" }),
                "call-fails:kms:Decrypt",
            ),
            (json!({ "fault": "throttling", "factor": 0.25 }), "throttling"),
        ] {
            let fault = read(asked.clone()).unwrap();
            assert_eq!(fault.id(), id);
            let mut listed = fault.listed();
            assert_eq!(listed.remove("id"), Some(id.into()));
            assert_eq!(Value::Object(listed), asked);
        }
        assert_eq!(read(json!({ "fault": "throttling" })), Ok(Fault::Throttling { factor: 1.0 }));
    }

    #[test]
    fn what_is_no_fault_is_told() {
        for (asked, told) in [
            (json!({}), "missing field `fault`"),
            (json!({ "fault": "flood" }), "unknown variant `flood`, expected one of `hsm-down`"),
            (json!({ "fault": "hsm-down" }), "missing field `hsm`"),
            (json!({ "fault": "hsm-down", "hsm": "hsm-a", "delay_ms": 1 }), "unknown field `delay_ms`"),
            (json!({ "fault": "hsm-slow", "hsm": "hsm-a", "delay_ms": -1 }), "invalid value"),
            (json!({ "fault": "hsm-slow", "hsm": "hsm-a", "delay_ms": "1" }), "invalid type"),
        ] {
            let error = read(asked.clone()).unwrap_err();
            assert!(error.contains(told), "{asked}: {error}");
        }
    }
}

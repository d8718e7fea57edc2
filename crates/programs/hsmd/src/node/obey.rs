//! What the control plane asks.

use std::sync::Arc;

use strongroom_crypto::digest::sha256;
use strongroom_hsm_cluster::{ClusterError, JoinRequest, MemberId};
use strongroom_hsm_proto::fleet::{
    Admitted, AskAdmission, BackUp, BackedUp, BlobKind, Done, Failed, FailedCode, HsmAnswer, HsmCall, Leave,
};
use strongroom_secret::Key256;

use super::{Ending, Node};
use crate::fleet::IncomingCall;
use crate::partition::{LogError, Partition};
use crate::state::vouch;

impl Node {
    /// Does what is asked, and answers.
    pub(super) async fn obey(self: Arc<Self>, incoming: IncomingCall) {
        let ending = match incoming.call {
            HsmCall::Stop(_) => Some(Ending::Stop("the control plane asked it to")),
            HsmCall::Destroy(_) => Some(Ending::Destroy),
            _ => None,
        };
        let answer = match self.answer(&incoming.call).await {
            Ok(answer) => answer,
            Err(failed) => {
                tracing::warn!(reason = failed.text, "a call of the control plane is not done");
                HsmAnswer::Failed(failed)
            }
        };
        incoming.answer(answer).await;
        if let Some(ending) = ending {
            // What was answered is written before the connection ends.
            tokio::task::yield_now().await;
            self.end(ending);
        }
    }

    async fn answer(&self, call: &HsmCall) -> Result<HsmAnswer, Failed> {
        let done = Ok(HsmAnswer::Done(Done {}));
        match call {
            HsmCall::HeadMoved(moved) => {
                if let Some(partition) = self.partition() {
                    self.heed(partition.log.reach(moved.sequence).await)?;
                }
                done
            }
            HsmCall::SetRules(rules) => {
                self.rules.set(rules).map_err(invalid)?;
                self.news.notify_one();
                done
            }
            HsmCall::SetCertificates(certificates) => {
                self.take_certificates(certificates.clone()).map_err(invalid)?;
                self.news.notify_one();
                done
            }
            HsmCall::SetPeers(peers) => {
                self.peers.send_replace(peers.addresses.clone());
                done
            }
            HsmCall::SetClock(clock) => {
                self.clock.set_offset(clock.offset_ms);
                done
            }
            HsmCall::SetFault(fault) => {
                self.faults.set(*fault).map_err(invalid)?;
                if let Some(partition) = self.partition().filter(|_| !self.faults.stays_behind()) {
                    let turn = partition.log.turn().await;
                    self.heed(turn.catch_up().await)?;
                }
                done
            }
            HsmCall::Admit(ask) => self.admit(self.at_work()?, ask).await.map(HsmAnswer::Admitted),
            HsmCall::BackUp(back_up) => self.back_up(self.at_work()?, back_up).await.map(HsmAnswer::BackedUp),
            HsmCall::Leave(leave) => {
                self.expel(self.at_work()?, leave).await?;
                done
            }
            HsmCall::Stop(_) | HsmCall::Destroy(_) => done,
        }
    }

    fn at_work(&self) -> Result<&Arc<Partition>, Failed> {
        self.partition().ok_or_else(|| failed(FailedCode::WrongState, "the HSM has no partition yet"))
    }

    async fn admit(&self, partition: &Partition, ask: &AskAdmission) -> Result<Admitted, Failed> {
        let request = JoinRequest::decode(&ask.request).map_err(|error| invalid(error.to_string()))?;
        if request.member.id.as_str() != ask.hsm_id {
            return Err(invalid("the request is of another HSM than the one who asks".to_owned()));
        }
        let admitted = partition.log.append(|ledger| {
            let now_ms = self.clock.now().domain_ms;
            let admission = ledger.propose_join(&request, now_ms, vouch)?;
            Ok((admission.entry, admission.invitation))
        });
        Ok(Admitted { grant: self.heed(admitted.await)? })
    }

    async fn expel(&self, partition: &Partition, leave: &Leave) -> Result<(), Failed> {
        let Some(leaver) = MemberId::new(&leave.hsm_id) else {
            return Err(invalid(format!("no HSM is called \"{}\"", leave.hsm_id)));
        };
        let left = partition
            .log
            .append(|ledger| Ok((ledger.propose_leave(&leaver, self.clock.now().domain_ms)?, ())));
        match left.await {
            // It has left already, and the answer was lost.
            Err(LogError::Cluster(ClusterError::UnknownMember)) => Ok(()),
            left => self.heed(left),
        }
    }

    async fn back_up(&self, partition: &Partition, back_up: &BackUp) -> Result<BackedUp, Failed> {
        if self.faults.stays_behind() {
            // Another has what this one lacks, and the backup is to have it too.
            return self.heed(Err(LogError::StaysBehind));
        }
        let half = Key256::copied_from(&back_up.service_half)
            .ok_or_else(|| invalid("the service's half of the key is not 32 bytes".to_owned()))?;
        let (backup, sequence) = {
            // Nothing may move between the two.
            let _turn = partition.log.turn().await;
            let made = tokio::task::block_in_place(|| {
                partition
                    .ledger
                    .ask(|replica| (replica.backup(&back_up.backup_id, &half), replica.head().sequence))
            });
            (self.heed(made.0.map_err(LogError::from))?, made.1)
        };
        let stored = self.plane.put(BlobKind::Backup, &back_up.backup_id, &backup).await;
        self.heed(stored.map_err(LogError::Plane))?;
        Ok(BackedUp { length: backup.len() as u64, sha256: sha256(&backup).to_vec(), sequence })
    }

    /// Takes an error to where it belongs.
    fn heed<T>(&self, result: Result<T, LogError>) -> Result<T, Failed> {
        result.map_err(|error| {
            if error.halt().is_some() {
                self.halt(error.to_string());
            }
            let code = match &error {
                LogError::Cluster(ClusterError::Halted(_) | ClusterError::NotMember) => {
                    FailedCode::WrongState
                }
                LogError::Cluster(ClusterError::Full(_)) => FailedCode::LimitExceeded,
                LogError::Cluster(_) => FailedCode::InvalidRequest,
                LogError::Plane(_) | LogError::Raced | LogError::StaysBehind => FailedCode::Unavailable,
                LogError::Disk(_) | LogError::Unsaved(_) | LogError::Core(_) => FailedCode::Internal,
            };
            failed(code, &error.to_string())
        })
    }
}

fn failed(code: FailedCode, text: &str) -> Failed {
    Failed { code: code.into(), text: text.to_owned() }
}

fn invalid(text: String) -> Failed {
    Failed { code: FailedCode::InvalidRequest.into(), text }
}

//! What HSMs ask of the control plane.

use std::time::Duration;

use strongroom_hsm_proto::fleet::{
    Admitted, Append, Appended, AskAdmission, AuditStored, BlobKind, Compact, Done, Entries, Failed,
    FailedCode, GetPiece, HsmAnswer, HsmCall, LogEntry, MAX_BLOB, MAX_ENTRY, MAX_PIECE, Occupied, Piece,
    PlaneAnswer, PlaneCall, PutPiece, Read,
};

use super::registration::failed;
use super::{CallError, Session};
use crate::ControlPlane;
use crate::error::Refusal;
use crate::repo;
use crate::repo::blobs::{Blob, PieceError};

/// How long a member may take to let another HSM in.
const ADMISSION: Duration = Duration::from_secs(30);

/// The longest certificate of a device, and the longest request of a kernel, in bytes.
const MAX_REQUEST: usize = 64 << 10;

impl ControlPlane {
    /// Answers a call of an HSM.
    pub(super) async fn answer(&self, session: &Session, call: Option<PlaneCall>) -> PlaneAnswer {
        let answer = match call {
            Some(PlaneCall::Append(append)) => self.append(session, append).await,
            Some(PlaneCall::Read(read)) => self.read(session, read).await,
            Some(PlaneCall::Compact(compact)) => self.compact(session, compact).await,
            Some(PlaneCall::AskAdmission(ask)) => self.admit(session, ask).await,
            Some(PlaneCall::Report(report)) => {
                if session.reported(report, self.clocks.real_now()) {
                    self.nudge();
                }
                Ok(PlaneAnswer::Done(Done {}))
            }
            Some(PlaneCall::Audit(audit)) => {
                let stored = self.store_audit(session, audit.records).await;
                stored.map(|next| PlaneAnswer::AuditStored(AuditStored { next }))
            }
            Some(PlaneCall::PutPiece(piece)) => self.put_piece(session, piece).await,
            Some(PlaneCall::GetPiece(piece)) => self.get_piece(session, piece).await,
            Some(PlaneCall::Leaving(leaving)) => {
                tracing::info!(hsm = session.hsm_id, reason = leaving.reason, "an HSM goes");
                Ok(PlaneAnswer::Done(Done {}))
            }
            Some(PlaneCall::Register(_)) => {
                Err(failed(FailedCode::WrongState, "the HSM has registered already"))
            }
            None => Err(failed(FailedCode::InvalidRequest, "the call is empty or unknown")),
        };
        answer.unwrap_or_else(PlaneAnswer::Failed)
    }

    async fn append(&self, session: &Session, append: Append) -> Result<PlaneAnswer, Failed> {
        if append.entry.is_empty() || append.entry.len() > MAX_ENTRY || append.sequence == 0 {
            return Err(failed(FailedCode::InvalidRequest, "the entry is empty, too long, or has no place"));
        }
        let Append { sequence, entry } = append;
        let appended = repo::log::append(&self.db, &session.cluster_id, sequence, &entry).await;
        match appended.map_err(away)? {
            repo::log::Appended::Done => {
                for other in self.fleet.sessions_of(&session.cluster_id) {
                    if other.hsm_id != session.hsm_id {
                        other.log_grew(sequence);
                    }
                }
                Ok(PlaneAnswer::Appended(Appended { sequence }))
            }
            repo::log::Appended::Occupied(head) => Ok(PlaneAnswer::Occupied(Occupied { head })),
        }
    }

    async fn read(&self, session: &Session, read: Read) -> Result<PlaneAnswer, Failed> {
        let max_bytes = (read.max_bytes as usize).min(MAX_ENTRY);
        let page = repo::log::read(&self.db, &session.cluster_id, read.from.max(1), max_bytes).await;
        let page = page.map_err(away)?;
        let entry = |(sequence, entry)| LogEntry { sequence, entry };
        Ok(PlaneAnswer::Entries(Entries {
            entries: page.entries.into_iter().map(entry).collect(),
            head: page.head,
            first: page.first,
            snapshot: page.snapshot,
        }))
    }

    async fn compact(&self, session: &Session, compact: Compact) -> Result<PlaneAnswer, Failed> {
        let Compact { before, snapshot } = compact;
        let cluster = &session.cluster_id;
        let blob = Blob::Snapshot { cluster: cluster.clone(), name: snapshot.to_string() };
        if repo::blobs::length(&self.db, &blob).await.map_err(away)?.is_none() {
            return Err(failed(FailedCode::NotFound, "the snapshot is not stored"));
        }
        repo::log::compact(&self.db, cluster, before, snapshot).await.map_err(away)?;
        Ok(PlaneAnswer::Done(Done {}))
    }

    /// Hands a newcomer's request to a member, and the member's answer back.
    async fn admit(&self, session: &Session, ask: AskAdmission) -> Result<PlaneAnswer, Failed> {
        if ask.hsm_id != session.hsm_id {
            return Err(failed(FailedCode::InvalidRequest, "an HSM asks for itself only"));
        }
        let lengths = ask.device_chain.iter().map(Vec::len).chain([ask.request.len()]);
        if lengths.sum::<usize>() > MAX_REQUEST {
            return Err(failed(FailedCode::LimitExceeded, "the request is too long"));
        }
        if ask.device_chain.first().map(|der| strongroom_crypto::digest::sha256(der)) != Some(session.device)
        {
            let text = "the device certificate is not the one of the connection";
            return Err(failed(FailedCode::InvalidRequest, text));
        }
        let now_ms = self.clocks.real_now();
        let Some(member) = self.fleet.serving(&session.cluster_id, &[&session.hsm_id], now_ms) else {
            return Err(failed(FailedCode::Unavailable, "no member of the cluster is connected and serves"));
        };
        match member.work(HsmCall::Admit(ask), ADMISSION).await {
            Ok(HsmAnswer::Admitted(Admitted { grant })) => Ok(PlaneAnswer::Admitted(Admitted { grant })),
            Ok(_) => Err(failed(FailedCode::Internal, "the member answered something else")),
            Err(CallError::Refused { code, text }) => Err(failed(code.unwrap_or(FailedCode::Internal), text)),
            Err(error) => Err(failed(FailedCode::Unavailable, error.to_string())),
        }
    }

    async fn put_piece(&self, session: &Session, piece: PutPiece) -> Result<PlaneAnswer, Failed> {
        let end = piece.offset.saturating_add(piece.bytes.len() as u64);
        if piece.bytes.len() > MAX_PIECE || end > MAX_BLOB || piece.bytes.is_empty() {
            return Err(failed(FailedCode::LimitExceeded, "the piece is empty or too long, or the blob is"));
        }
        let blob = blob_of(session, piece.kind, &piece.name)?;
        let put = match &blob {
            Blob::Backup(name) => self.put_piece_of_backup(&session.cluster_id, name, &piece).await,
            Blob::Snapshot { .. } => {
                let put = repo::blobs::put_piece(&self.db, &blob, piece.offset, &piece.bytes, piece.last);
                put.await.map(|()| true)
            }
        };
        match put {
            Ok(true) => Ok(PlaneAnswer::Done(Done {})),
            Ok(false) => Err(failed(FailedCode::NotFound, "no such backup is being made")),
            Err(PieceError::Store(error)) => Err(away(error)),
            Err(error) => Err(failed(FailedCode::WrongState, error.to_string())),
        }
    }

    async fn get_piece(&self, session: &Session, piece: GetPiece) -> Result<PlaneAnswer, Failed> {
        let blob = blob_of(session, piece.kind, &piece.name)?;
        let none = || failed(FailedCode::NotFound, "there is no such blob");
        if let Blob::Backup(name) = &blob
            && !self.may_restore(session, name).await?
        {
            return Err(none());
        }
        let max_bytes = (piece.max_bytes as usize).min(MAX_PIECE);
        let found = repo::blobs::get_piece(&self.db, &blob, piece.offset, max_bytes).await.map_err(away)?;
        let (bytes, total) = found.ok_or_else(none)?;
        Ok(PlaneAnswer::Piece(Piece { bytes, total }))
    }

    /// Whether an HSM's cluster has anything to do with a backup: made it, or was made from it.
    async fn may_restore(&self, session: &Session, blob: &str) -> Result<bool, Failed> {
        let original = repo::backups::find_by_id(&self.db, &self.mac, blob).await.map_err(away)?;
        if original.is_some_and(|backup| backup.cluster_id.as_ref() == Some(&session.cluster_id)) {
            return Ok(true);
        }
        let found = repo::clusters::find_by_id(&self.db, &self.mac, &session.cluster_id).await;
        let Some(source) = found.map_err(away)?.and_then(|cluster| cluster.source_backup) else {
            return Ok(false);
        };
        let source = repo::backups::find_by_id(&self.db, &self.mac, &source).await.map_err(away)?;
        Ok(source.is_some_and(|source| source.blob == blob))
    }
}

/// The blob that an HSM names. Snapshots are those of its own cluster.
fn blob_of(session: &Session, kind: i32, name: &str) -> Result<Blob, Failed> {
    let odd = |text: &str| failed(FailedCode::InvalidRequest, text);
    match BlobKind::try_from(kind) {
        Ok(BlobKind::Backup) if name.starts_with("backup-") && name.len() <= 32 => {
            Ok(Blob::Backup(name.to_owned()))
        }
        Ok(BlobKind::Snapshot) if name.parse::<u64>().is_ok_and(|place| place.to_string() == name) => {
            Ok(Blob::Snapshot { cluster: session.cluster_id.clone(), name: name.to_owned() })
        }
        Ok(_) => Err(odd("no blob has such a name")),
        Err(_) => Err(odd("the kind of blob is unknown")),
    }
}

/// The store cannot do it now.
pub(super) fn away(error: strongroom_store::StoreError) -> Failed {
    use strongroom_store::StoreError;
    match error {
        StoreError::Conflict | StoreError::Unavailable(_) => {
            failed(FailedCode::Unavailable, "the store does not answer")
        }
        other => Refusal::from(other).into(),
    }
}

//! One HSM's connection.

use std::collections::HashMap;
use std::sync::Arc;

use strongroom_hsm_proto::fleet::{
    Admitted, Appended, AuditStored, Done, Entries, Failed, FailedCode, FromHsm, FromPlane, HeadMoved,
    HsmAnswer, HsmCall, LogEntry, MAX_FLEET_PAYLOAD, Occupied, Piece, PlaneAnswer, PlaneCall, ToHsm, ToPlane,
};
use strongroom_hsm_proto::frame::{Decoder, Encoder, Header, Kind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

use super::Shared;
use super::store::Calls;

type Answers = mpsc::UnboundedSender<(u64, FromPlane)>;

/// Serves an HSM until it goes.
pub(super) async fn serve(stream: TlsStream<TcpStream>, shared: Arc<Shared>) {
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (calls, mut calling) = mpsc::unbounded_channel();
    let (answers, mut answered) = mpsc::unbounded_channel::<(u64, FromPlane)>();
    let mut desk = Desk { shared, shown, calls, hsm_id: String::new(), answers };
    let (mut decoder, mut encoder) = (Decoder::new(MAX_FLEET_PAYLOAD), Encoder::new());
    let mut waiting = HashMap::new();
    let mut next = 1;
    'talk: loop {
        tokio::select! {
            read = reader.read(decoder.space()) => {
                let Ok(count @ 1..) = read else { break };
                decoder.filled(count);
                while let Some(frame) = decoder.next().unwrap() {
                    let request = frame.header.request;
                    match frame.header.kind {
                        Kind::Call => {
                            let call = frame.message::<ToPlane>().unwrap().call.unwrap();
                            if !desk.take(request, call) {
                                break 'talk;
                            }
                        }
                        Kind::Answer => {
                            let answer: FromHsm = frame.message().unwrap();
                            let waiting: std::sync::mpsc::Sender<FromHsm> = waiting.remove(&request).unwrap();
                            let _ = waiting.send(answer);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
            Some((call, answer)) = calling.recv() => {
                encoder.push(Header::call(next, 0), &ToHsm { call: Some(call) }, MAX_FLEET_PAYLOAD).unwrap();
                waiting.insert(next, answer);
                next += 1;
            }
            Some((request, answer)) = answered.recv() => {
                encoder.push(Header::answer(request), &answer, MAX_FLEET_PAYLOAD).unwrap();
            }
        }
        if writer.write_all(encoder.bytes()).await.is_err() || writer.flush().await.is_err() {
            break;
        }
        encoder.written(encoder.bytes().len());
    }
    let Desk { shared, calls, hsm_id, .. } = &desk;
    shared.change(|store| store.disconnect(hsm_id, calls));
}

struct Desk {
    shared: Arc<Shared>,
    shown: Vec<u8>,
    calls: Calls,
    hsm_id: String,
    answers: Answers,
}

impl Desk {
    /// Answers a call, or has the connection cut.
    fn take(&mut self, request: u64, call: PlaneCall) -> bool {
        if let PlaneCall::AskAdmission(ask) = call {
            // A member answers, which may need this very loop for something else.
            let member = self.shared.store().others(&self.hsm_id).into_iter().next();
            let answers = self.answers.clone();
            std::thread::spawn(move || {
                let admitted = member.and_then(|member| {
                    let (sender, answer) = std::sync::mpsc::channel();
                    member.send((HsmCall::Admit(ask), sender)).ok()?;
                    match answer.recv_timeout(super::PATIENCE).ok()?.answer? {
                        HsmAnswer::Admitted(Admitted { grant }) => {
                            Some(PlaneAnswer::Admitted(Admitted { grant }))
                        }
                        HsmAnswer::Failed(failed) => Some(PlaneAnswer::Failed(failed)),
                        _ => None,
                    }
                });
                let nobody = || failed(FailedCode::Unavailable, "no member");
                let _ = answers.send((request, FromPlane { answer: Some(admitted.unwrap_or_else(nobody)) }));
            });
            return true;
        }
        let Some(answer) = self.answer(call) else { return false };
        let _ = self.answers.send((request, FromPlane { answer: Some(answer) }));
        true
    }

    fn answer(&mut self, call: PlaneCall) -> Option<PlaneAnswer> {
        let done = PlaneAnswer::Done(Done {});
        let mut others = Vec::new();
        let answer = self.shared.change(|store| {
            Some(match call {
                PlaneCall::Register(register) => {
                    self.hsm_id.clone_from(&register.hsm_id);
                    match store.register(&register, &self.shown, self.calls.clone()) {
                        Ok(assignment) => PlaneAnswer::Assignment(assignment),
                        Err(failed) => PlaneAnswer::Failed(failed),
                    }
                }
                PlaneCall::Append(append) => {
                    let head = store.head();
                    if head != 0 && append.sequence != head + 1 {
                        PlaneAnswer::Occupied(Occupied { head })
                    } else {
                        store.log.insert(append.sequence, append.entry);
                        others = store.others(&self.hsm_id);
                        if store.lose_answers > 0 {
                            store.lose_answers -= 1;
                            return None;
                        }
                        if store.deny_appends > 0 {
                            store.deny_appends -= 1;
                            return Some(failed(FailedCode::Unavailable, "the store does not answer"));
                        }
                        PlaneAnswer::Appended(Appended { sequence: append.sequence })
                    }
                }
                PlaneCall::Read(read) => {
                    let mut room = read.max_bytes as usize;
                    let (head, first) = (store.head(), store.first());
                    let entries = store.log.range(read.from..).take_while(|(_, entry)| {
                        let fits = room == read.max_bytes as usize || entry.len() <= room;
                        room = room.saturating_sub(entry.len());
                        fits
                    });
                    let entries = entries
                        .map(|(sequence, entry)| LogEntry { sequence: *sequence, entry: entry.clone() });
                    let entries = if read.from < first { Vec::new() } else { entries.collect() };
                    PlaneAnswer::Entries(Entries { entries, head, first, snapshot: store.snapshot })
                }
                PlaneCall::Compact(compact) => {
                    store.log = store.log.split_off(&compact.before);
                    store.snapshot = compact.snapshot;
                    done
                }
                PlaneCall::Report(report) => {
                    store.set_report(&self.hsm_id, report);
                    done
                }
                PlaneCall::Audit(_) if store.audit_refused.is_some() => {
                    store.audit_refused = store.audit_refused.map(|count| count + 1);
                    PlaneAnswer::AuditStored(AuditStored { next: 0 })
                }
                PlaneCall::Audit(audit) => {
                    let stored = &mut store.hsm(&self.hsm_id).audit;
                    for record in audit.records {
                        if record.sequence >= stored.len() as u64 {
                            stored.push(record);
                        }
                    }
                    PlaneAnswer::AuditStored(AuditStored { next: stored.len() as u64 })
                }
                PlaneCall::PutPiece(piece) => {
                    store.put(piece);
                    done
                }
                PlaneCall::GetPiece(wanted) => match store.blobs.get(&(wanted.kind, wanted.name.clone())) {
                    Some(blob) => {
                        let bytes = blob.get(wanted.offset as usize..).unwrap_or_default();
                        let bytes = bytes[..bytes.len().min(wanted.max_bytes as usize)].to_vec();
                        PlaneAnswer::Piece(Piece { bytes, total: blob.len() as u64 })
                    }
                    None => failed(FailedCode::NotFound, "no such blob"),
                },
                PlaneCall::Leaving(_) => done,
                PlaneCall::AskAdmission(_) => failed(FailedCode::Internal, "answered elsewhere"),
            })
        });
        let head = self.shared.store().head();
        for other in others {
            let (sender, _) = std::sync::mpsc::channel();
            let _ = other.send((HsmCall::HeadMoved(HeadMoved { sequence: head }), sender));
        }
        answer
    }
}

fn failed(code: FailedCode, text: &str) -> PlaneAnswer {
    PlaneAnswer::Failed(Failed { code: code.into(), text: text.to_owned() })
}

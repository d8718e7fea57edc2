//! How far the partition's state is, for everybody who asks without waiting.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use strongroom_hsm_cluster::Head;
use strongroom_hsm_proto::command::Cursor;
use tokio::sync::watch;

/// How many of our last cursors are known by sight.
const REMEMBERED: usize = 64;

/// The position of the partition. Cursors that were given out here lately are recognised by their bytes: no
/// lock on the replica is needed for them, which is nearly always.
pub(crate) struct View {
    state: RwLock<State>,
    head: watch::Sender<Head>,
}

#[derive(Default)]
struct State {
    cursor: Option<Arc<Cursor>>,
    /// The MACs of cursors that were given out, the latest last.
    given: VecDeque<Vec<u8>>,
}

impl View {
    pub(crate) fn new() -> Self {
        let head = Head { incarnation: 0, epoch: 0, sequence: 0, hash: [0; 32] };
        Self { state: RwLock::default(), head: watch::Sender::new(head) }
    }

    /// The state has moved. `cursor` is the kernel's; none while the HSM is no member.
    pub(crate) fn moved(&self, head: Head, cursor: Option<Vec<u8>>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.cursor = cursor.as_ref().map(|mac| {
            Arc::new(Cursor {
                incarnation: head.incarnation,
                sequence: head.sequence,
                hash: head.hash.to_vec(),
                mac: mac.clone(),
                epoch: head.epoch,
            })
        });
        if let Some(mac) = cursor {
            if state.given.len() == REMEMBERED {
                state.given.pop_front();
            }
            state.given.push_back(mac);
        }
        drop(state);
        self.head.send_replace(head);
    }

    pub(crate) fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// Sees every move from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// What is sent with every answer.
    pub(crate) fn cursor(&self) -> Option<Arc<Cursor>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).cursor.clone()
    }

    /// Whether this cursor was given out here lately; then the state holds all that its holder has seen.
    pub(crate) fn knows(&self, cursor: &Cursor) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.given.iter().rev().any(|given| *given == cursor.mac)
    }
}

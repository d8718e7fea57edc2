//! HSMs and their states.

use std::net::Ipv4Addr;

use super::home::Home;

/// What AWS says of an HSM that has come up.
pub(crate) const CREATED: &str = "HSM created.";

/// A state of an HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HsmState {
    CreateInProgress,
    Active,
    Degraded,
    DeleteInProgress,
}

impl HsmState {
    const ALL: [Self; 4] = [Self::CreateInProgress, Self::Active, Self::Degraded, Self::DeleteInProgress];

    /// AWS's name of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::Active => "ACTIVE",
            Self::Degraded => "DEGRADED",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// An HSM of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hsm {
    pub(crate) home: Home,
    pub(crate) cluster_id: String,
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) created_ms: i64,
    pub(crate) state: HsmState,
    pub(crate) message: Option<String>,
    pub(crate) zone: String,
    pub(crate) subnet_id: String,
    pub(crate) eni_id: String,
    pub(crate) eni_ip: Ipv4Addr,
    /// The digest of the token that the HSM may enrol with, until it has.
    pub(crate) token_digest: Option<[u8; 32]>,
    /// The digest of the device certificate that the HSM has enrolled with.
    pub(crate) device: Option<[u8; 32]>,
}

impl Hsm {
    /// Whether the HSM has been part of its cluster and is to stay it.
    pub(crate) fn is_member(&self) -> bool {
        matches!(self.state, HsmState::Active | HsmState::Degraded)
    }

    /// The HSM serves, or waits for the cluster's certificate. Answers whether that is news.
    pub(crate) fn came_up(&mut self) -> bool {
        let news = matches!(self.state, HsmState::CreateInProgress | HsmState::Degraded);
        if news {
            self.state = HsmState::Active;
            self.message = Some(CREATED.to_owned());
        }
        news
    }

    /// The HSM does not serve as it should. Answers whether that is news.
    pub(crate) fn degraded(&mut self, why: &str) -> bool {
        let message = Some(cut(why));
        let news = match self.state {
            HsmState::DeleteInProgress => false,
            HsmState::Active => true,
            // One that has never come up stays what it is; people read why.
            HsmState::CreateInProgress | HsmState::Degraded => self.message != message,
        };
        if news {
            if self.state == HsmState::Active {
                self.state = HsmState::Degraded;
            }
            self.message = message;
        }
        news
    }
}

/// A state message within the model's bound.
fn cut(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in HsmState::ALL {
            assert_eq!(HsmState::parse(state.as_str()), Some(state));
        }
        assert_eq!(HsmState::parse("DELETED"), None);
    }

    #[test]
    fn messages_are_cut_to_what_the_model_allows() {
        assert_eq!(cut(&"é\n".repeat(400)).chars().count(), 300);
    }
}

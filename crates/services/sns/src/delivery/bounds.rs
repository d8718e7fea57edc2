//! How much may wait: so many deliveries of each account, whoever floods whom.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_identity::{AccountId, RequestContext};

use crate::Notifications;
use crate::error::Refusal;
use crate::repo::deliveries;

/// Deliveries of one account's topics that may wait; publishers are asked to wait beyond.
const MOST_WAITING: i64 = 100_000;

/// As many for services that publish for the account: its alarms and trails are heard while it floods itself.
const MOST_WAITING_WITH_SERVICES: i64 = 2 * MOST_WAITING;

/// What this server is putting down and is not in the store yet, by account.
#[derive(Default)]
pub(crate) struct PuttingDown(Mutex<HashMap<AccountId, i64>>);

/// Deliveries that are being put down, until it is dropped.
pub(super) struct Admitted<'n> {
    to: &'n PuttingDown,
    account: AccountId,
    number: i64,
}

impl PuttingDown {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifications {
    /// Admits so many more deliveries of an account. They are counted outside of the transaction that adds them, so that
    /// publishers of one account are in nobody's way; what other servers add at the same moment comes on top.
    pub(super) async fn admit(
        &self,
        context: &RequestContext,
        account: AccountId,
        number: usize,
    ) -> Result<Admitted<'_>, Refusal> {
        let is_service = context.caller.principal.service().is_some();
        let most = if is_service { MOST_WAITING_WITH_SERVICES } else { MOST_WAITING };
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let to = &self.putting_down;
        let before = {
            let mut putting_down = to.lock();
            let all = putting_down.entry(account).or_default();
            let before = *all;
            *all = all.saturating_add(number);
            before
        };
        let admitted = Admitted { to, account, number };
        let waiting = deliveries::count(&self.db, account, most).await?;
        if waiting.saturating_add(before).saturating_add(number) > most {
            return Err(Refusal::Throttled);
        }
        Ok(admitted)
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let mut putting_down = self.to.lock();
        if let Some(all) = putting_down.get_mut(&self.account) {
            *all = all.saturating_sub(self.number);
            if *all == 0 {
                putting_down.remove(&self.account);
            }
        }
    }
}

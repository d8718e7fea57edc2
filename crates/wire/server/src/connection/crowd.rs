//! Room for new connections: where every place is taken, one that nobody uses ends for the next to come.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::activity::{Activity, PATIENCE, Use};

/// How many connections may have been asked to end and not have ended yet.
const LEAVING: usize = 64;

/// The connections that there are.
#[derive(Debug, Default)]
pub(crate) struct Crowd(Mutex<Members>);

#[derive(Debug, Default)]
struct Members {
    /// Those that stay, oldest first.
    staying: VecDeque<Weak<Activity>>,
    /// Those that have been asked to end.
    leaving: Vec<Weak<Activity>>,
}

impl Crowd {
    /// Takes a new connection in.
    pub(crate) fn join(&self) -> Arc<Activity> {
        let activity = Arc::new(Activity::new());
        let staying = &mut self.members().staying;
        if staying.len() == staying.capacity() {
            // Those that have ended go when there would have to be more memory, and so cost nothing to speak of.
            staying.retain(|member| member.strong_count() > 0);
        }
        staying.push_back(Arc::downgrade(&activity));
        activity
    }

    /// Asks one connection to end, the oldest of those that matter least: one without a request ever; one on which
    /// nobody has said for some time who calls; one that has been used and is idle. Whether there was one. None is asked
    /// while too many of those who were have not ended yet.
    pub(crate) fn make_room(&self) -> bool {
        let Members { staying, leaving } = &mut *self.members();
        leaving.retain(|member| member.strong_count() > 0);
        if leaving.len() >= LEAVING {
            return false;
        }
        staying.retain(|member| member.strong_count() > 0);
        let find = |wanted: Use| {
            staying.iter().position(|member| {
                let Some(activity) = member.upgrade() else { return false };
                // What got to work between the two is not asked.
                activity.what(PATIENCE) == wanted && activity.ask_to_leave()
            })
        };
        let found = find(Use::Unused).or_else(|| find(Use::Waiting)).or_else(|| find(Use::Idle));
        let asked = found.and_then(|at| staying.remove(at));
        let is_asked = asked.is_some();
        leaving.extend(asked);
        is_asked
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the connections have been asked to end.
    fn asked(connections: &[Arc<Activity>]) -> Vec<bool> {
        connections.iter().map(|activity| activity.is_asked_to_leave()).collect()
    }

    #[test]
    fn who_never_asked_anything_goes_first_and_who_is_at_work_stays() {
        let crowd = Crowd::default();
        let connections: Vec<_> = (0..4).map(|_| crowd.join()).collect();
        let mut at_work = connections[0].begin().unwrap();
        assert!(at_work.work());
        drop(connections[1].begin());
        assert!(crowd.make_room());
        assert_eq!(asked(&connections), [false, false, true, false]);
        assert!(crowd.make_room());
        assert!(crowd.make_room());
        assert_eq!(asked(&connections), [false, true, true, true]);
        assert!(!crowd.make_room(), "the one that is left is at work");
        drop(at_work);
        assert!(crowd.make_room());
    }

    #[test]
    fn several_are_on_their_way_and_no_more_than_there_may_be() {
        let crowd = Crowd::default();
        let mut connections: Vec<_> = (0..2 * LEAVING).map(|_| crowd.join()).collect();
        let asked = (0..2 * LEAVING).filter(|_| crowd.make_room()).count();
        assert_eq!(asked, LEAVING);
        connections.remove(0);
        assert!(crowd.make_room());
        assert!(!crowd.make_room());
    }

    #[test]
    fn those_that_have_ended_take_no_memory() {
        let crowd = Crowd::default();
        for _ in 0..10_000 {
            crowd.join();
        }
        assert!(crowd.members().staying.capacity() < 100);
        assert!(!crowd.make_room());
    }
}

//! Room for new connections: where every place is taken, one that nobody uses ends for the next to come.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::activity::Activity;

/// The connections that there are, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Crowd(Mutex<VecDeque<Weak<Activity>>>);

impl Crowd {
    /// Takes a new connection in.
    pub(crate) fn join(&self) -> Arc<Activity> {
        let activity = Arc::new(Activity::default());
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if members.len() == members.capacity() {
            // Those that have ended go when there would have to be more memory, and so cost nothing to speak of.
            members.retain(|member| member.strong_count() > 0);
        }
        members.push_back(Arc::downgrade(&activity));
        activity
    }

    /// Asks one connection to end on which no request is at work: the oldest on which there never was one, or else the
    /// oldest. Answers which one, if there is such a one; each is asked once.
    pub(crate) fn make_room(&self) -> Option<Weak<Activity>> {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.strong_count() > 0);
        let find = |fits: fn(&Activity) -> bool| {
            members.iter().position(|member| member.upgrade().is_some_and(|activity| fits(&activity)))
        };
        let found = find(Activity::is_unused).or_else(|| find(Activity::is_idle));
        let leaving = members.remove(found?)?;
        leaving.upgrade()?.ask_to_leave();
        Some(leaving)
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
        let at_work = connections[0].begin();
        drop(connections[1].begin());
        assert!(crowd.make_room().is_some());
        assert_eq!(asked(&connections), [false, false, true, false]);
        assert!(crowd.make_room().is_some());
        assert!(crowd.make_room().is_some());
        assert_eq!(asked(&connections), [false, true, true, true]);
        assert!(crowd.make_room().is_none(), "the one that is left is at work");
        drop(at_work);
        assert!(crowd.make_room().is_some());
    }

    #[test]
    fn those_that_have_ended_take_no_memory() {
        let crowd = Crowd::default();
        for _ in 0..10_000 {
            crowd.join();
        }
        assert!(crowd.0.lock().unwrap().capacity() < 100);
        assert!(crowd.make_room().is_none());
    }
}

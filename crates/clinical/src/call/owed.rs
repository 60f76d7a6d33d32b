//! What has to be done about calls and could not be done at once: it is kept and tried again until it is done.
//!
//! Calls may be kept where they cannot be reached for a while, and whoever asked for something may have gone before
//! the answer came. So that no call rings or goes on that nobody is in, whatever fails on the way is owed:
//!
//! - a call that may have begun without anybody being told is ended,
//! - an answer that may have been given without anybody being told is taken back,
//! - the calls of a device that is gone are ended, and
//! - that a call is over is told.
//!
//! The live worker pays each second (`Calling::settle`), one after the other, and leaves the rest for the next time
//! when one cannot be paid. What is owed lasts as long as the process; of a process that is gone, others end the calls
//! (`Calls::sweep`).
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use huntzen_tenancy::{Caller, StoreError};
use uuid::Uuid;

use super::Over;
use crate::ids::CallId;

/// The most that is owed at once, some hundred bytes each: far more than a process has calls. The oldest is forgotten
/// first, whose call is over soonest by itself.
const MOST: usize = 4_096;

/// Something that has to be done about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Debt {
    /// To end a call that nobody was told of.
    End(CallId),
    /// To let a call ring again that this device has answered, and was not told that it has.
    TakeBack(CallId, Uuid),
    /// To end the calls of this device of the caller's.
    Gone(Caller, Uuid),
    /// To tell that calls are over.
    Tell(Over),
}

/// What a process owes; shared by all its threads.
#[derive(Debug, Default)]
pub(super) struct Owed(Mutex<Ledger>);

#[derive(Debug, Default)]
struct Ledger {
    waiting: VecDeque<Debt>,
    /// What is being paid.
    under_way: Option<Debt>,
}

impl Owed {
    /// A list of owned values is sound even after a panic elsewhere, so poisoning means nothing here.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, debt: Debt) {
        let mut ledger = self.ledger();
        if ledger.waiting.len() >= MOST {
            ledger.waiting.pop_front();
        }
        ledger.waiting.push_back(debt);
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.ledger().waiting.len()
    }

    /// What comes first, to be paid. One thread pays.
    pub(super) fn next(&self) -> Option<Debt> {
        let mut ledger = self.ledger();
        ledger.under_way = ledger.waiting.pop_front();
        ledger.under_way.clone()
    }

    /// What was to be paid was, or has to be tried again.
    pub(super) fn tried(&self, is_paid: bool) {
        let mut ledger = self.ledger();
        if let (Some(debt), false) = (ledger.under_way.take(), is_paid) {
            ledger.waiting.push_front(debt);
        }
    }

    /// An answer need not be taken back: its device asks for it again. Answers whether it was to be.
    ///
    /// # Errors
    /// `Unavailable` while it is being taken back.
    pub(super) fn forgive(&self, id: CallId, device: Uuid) -> Result<bool, StoreError> {
        let answer = Debt::TakeBack(id, device);
        let mut ledger = self.ledger();
        if ledger.under_way.as_ref() == Some(&answer) {
            return Err(StoreError::Unavailable("the answer before is being taken back".into()));
        }
        let before = ledger.waiting.len();
        ledger.waiting.retain(|debt| *debt != answer);
        Ok(ledger.waiting.len() < before)
    }
}

/// What was done about a call, for whoever asked for it. When that is gone, because it took too long and the request
/// was answered so, this is dropped and what follows is owed.
#[derive(Debug)]
#[must_use = "what nobody hears of is undone, or told by the live worker"]
pub struct Unheard<T> {
    done: T,
    pledge: Pledge,
}

impl<T> Unheard<T> {
    pub(super) fn new(done: T, otherwise: Option<Debt>, owed: &Arc<Owed>) -> Self {
        Self { done, pledge: Pledge { otherwise, owed: Arc::clone(owed) } }
    }

    /// What was done. Whoever takes it sees to what follows.
    pub fn heard(self) -> T {
        let Self { done, mut pledge } = self;
        pledge.otherwise = None;
        done
    }
}

/// Owes when it is dropped.
#[derive(Debug)]
struct Pledge {
    otherwise: Option<Debt>,
    owed: Arc<Owed>,
}

impl Drop for Pledge {
    fn drop(&mut self) {
        if let Some(debt) = self.otherwise.take() {
            self.owed.add(debt);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn end(number: u128) -> Debt {
        Debt::End(CallId(Uuid::from_u128(number)))
    }

    #[test]
    fn what_cannot_be_paid_comes_first_again() {
        let owed = Owed::default();
        for number in 0..2 {
            owed.add(end(number));
        }
        assert_eq!(owed.next(), Some(end(0)));
        owed.tried(false);
        for number in 0..2 {
            assert_eq!(owed.next(), Some(end(number)));
            owed.tried(true);
        }
        assert_eq!((owed.next(), owed.count()), (None, 0));
    }

    #[test]
    fn so_much_is_owed_and_no_more() {
        let owed = Owed::default();
        for number in 0..=MOST {
            owed.add(end(number as u128));
        }
        assert_eq!((owed.count(), owed.next()), (MOST, Some(end(1))));
    }

    #[test]
    fn an_answer_is_forgiven_unless_it_is_being_taken_back() {
        let owed = Owed::default();
        let (id, [device, other]) = (CallId(Uuid::from_u128(1)), [2, 3].map(Uuid::from_u128));
        owed.add(Debt::TakeBack(id, device));
        assert!(!owed.forgive(id, other).unwrap());
        assert!(owed.forgive(id, device).unwrap());
        assert_eq!(owed.next(), None);
        owed.add(Debt::TakeBack(id, device));
        owed.next().unwrap();
        assert!(matches!(owed.forgive(id, device), Err(StoreError::Unavailable(_))));
        owed.tried(true);
        assert!(!owed.forgive(id, device).unwrap());
    }

    #[test]
    fn what_nobody_hears_of_is_owed() {
        let owed = Arc::default();
        assert_eq!(Unheard::new(7, Some(end(1)), &owed).heard(), 7);
        assert_eq!(owed.count(), 0);
        drop(Unheard::new(7, Some(end(1)), &owed));
        assert_eq!(owed.next(), Some(end(1)));
    }
}

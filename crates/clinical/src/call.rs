//! Calls between the two participants of a consultation: who rings, who answers, on which devices.
//!
//! What the devices negotiate (SDP, candidates) passes through and is kept nowhere.
use huntzen_tenancy::{
    Caller, StoreError,
    audit::Action,
    ids::{CompanyId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    care::Care,
    ids::{CallId, ConsultationId},
};

mod calling;
mod owed;
pub use calling::{Calling, Connected};
pub use owed::Unheard;

/// How long a call rings.
pub const RINGS_FOR: SignedDuration = SignedDuration::from_secs(45);
/// How long before its start a consultation can be called, as its room can be entered.
const OPENS_BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How long after its end.
const CLOSES_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// A call that rings or goes on. One that is over is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// The consultation.
    pub consultation: ConsultationId,
    /// The tenant.
    pub company: CompanyId,
    /// The employee of the consultation, whose data a call is.
    pub employee: UserId,
    /// Who calls.
    pub caller: UserId,
    /// From which socket.
    pub caller_device: Uuid,
    /// Who is called.
    pub callee: UserId,
    /// On which socket it was answered; `None` while it rings.
    pub callee_device: Option<Uuid>,
    /// Since when it rings.
    pub began_at: Timestamp,
}

impl Call {
    /// Whether this account is one of the two.
    pub fn has_participant(&self, user: UserId) -> bool {
        self.caller == user || self.callee == user
    }

    /// The device at the other end of `device`, once the call goes on; `None` for any third.
    pub fn other_end(&self, device: Uuid) -> Option<Uuid> {
        let answered = self.callee_device?;
        match device {
            device if device == self.caller_device => Some(answered),
            device if device == answered => Some(self.caller_device),
            _ => None,
        }
    }

    /// Whether this socket is one of its devices.
    pub fn is_on(&self, device: Uuid) -> bool {
        self.caller_device == device || self.callee_device == Some(device)
    }
}

impl Care {
    /// Whether its participants can call each other now: video and audio alone, while its room is open.
    pub fn can_be_called(&self, now: Timestamp) -> bool {
        self.has_room
            && self.is_live
            && now.duration_until(self.scheduled_at) <= OPENS_BEFORE
            && self.ends_at.duration_until(now) <= CLOSES_AFTER
    }
}

/// How calls came to be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Somebody hung up, or a device is gone.
    Ended,
    /// The other participant does not answer.
    Rejected,
}

impl Ending {
    /// What the trail calls it.
    pub fn action(self) -> Action {
        match self {
            Self::Ended => Action::End,
            Self::Rejected => Action::Reject,
        }
    }
}

/// Calls that are over, which both sides have yet to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// The calls.
    pub calls: Vec<Call>,
    /// How.
    pub ending: Ending,
    /// Who ended them, or whose device is gone; `None` where nobody did.
    pub by: Option<Caller>,
}

/// What has become of a call that was to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It rings.
    Rings {
        /// The call of the same consultation that a node has left behind which is gone; it is over now.
        instead_of: Option<Call>,
    },
    /// It does not: its consultation has a call.
    InProgress,
}

/// Calls that nobody ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Those that nobody answered. Each is answered again until it is said to be [recorded](Calls::recorded).
    pub missed: Vec<Call>,
    /// Those of devices whose node is gone, and those that were lost with the memory that they were kept in; each is
    /// answered once.
    pub left_behind: Vec<Call>,
}

/// Where calls are while they last. Every operation is one step that no other comes between. After `Unavailable` it
/// may have been done all the same.
pub trait Calls: Send + Sync {
    /// Whether every answer comes from this process's memory, without waiting for anything: then it may be
    /// asked for on an event loop.
    fn is_at_hand(&self) -> bool;

    /// Whether a step would be tried now. When not, it fails at once and is surely not done.
    fn is_in_reach(&self) -> bool;

    /// Begins a call of a device of this process.
    ///
    /// # Errors
    /// `Unavailable`.
    fn begin(&self, call: &Call) -> Result<Begun, StoreError>;

    /// The call with this id.
    ///
    /// # Errors
    /// `Unavailable`.
    fn find(&self, id: CallId) -> Result<Option<Call>, StoreError>;

    /// Answers a call on this device of this process; `None` when it does not ring any more: of many devices at
    /// once one answers. The one that has answered is told the same again.
    ///
    /// # Errors
    /// `Unavailable`.
    fn answer(&self, id: CallId, device: Uuid) -> Result<Option<Call>, StoreError>;

    /// Lets a call ring again that this device has answered; `false` when it has not.
    ///
    /// # Errors
    /// `Unavailable`.
    fn take_back(&self, id: CallId, device: Uuid) -> Result<bool, StoreError>;

    /// Ends a call that rings; `None` when it does not any more.
    ///
    /// # Errors
    /// `Unavailable`.
    fn end_ringing(&self, id: CallId) -> Result<Option<Call>, StoreError>;

    /// Ends a call; `None` when it is over already: of many who end it at once one does.
    ///
    /// # Errors
    /// `Unavailable`.
    fn end(&self, id: CallId) -> Result<Option<Call>, StoreError>;

    /// Ends every call of a device of this process that is gone; each is answered once.
    ///
    /// # Errors
    /// `Unavailable`.
    fn end_of_device(&self, device: Uuid) -> Result<Vec<Call>, StoreError>;

    /// Ends what nobody ends: calls that have rung for `rings_for`, by the clock that they began by, and those that
    /// were left behind. `now` is this process's clock.
    ///
    /// # Errors
    /// `Unavailable`.
    fn sweep(&self, now: Timestamp, rings_for: SignedDuration) -> Result<Swept, StoreError>;

    /// That these calls were missed is recorded, and need not be again.
    ///
    /// # Errors
    /// `Unavailable`.
    fn recorded(&self, missed: &[CallId]) -> Result<(), StoreError>;

    /// Devices of this process were told that a call is over, wherever it was ended.
    fn is_over(&self, id: CallId);
}

/// A server that helps two devices to find each other (RFC 8445; RFC 8656 for TURN).
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// Its `stun:`, `turn:` and `turns:` URLs (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// The name to use there; `None` where there is none.
    pub username: Option<String>,
    /// The password that goes with it.
    pub credential: Option<String>,
}

impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// Names the servers that a call may use, with credentials for a limited time.
pub trait IceServers: Send + Sync {
    /// Those of this call, at `now`. The credentials name the call and nobody.
    fn for_call(&self, call: CallId, now: Timestamp) -> Vec<IceServer>;
}

/// Telling somebody that a call was missed.
pub trait MissedCalls {
    /// A line in the inbox of a participant; `false` when that is none. `Job::Calls` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn tell_missed(&mut self, consultation: ConsultationId, callee: UserId, at: Timestamp) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn care(has_room: bool, is_live: bool) -> Care {
        let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(100);
        Care {
            consultation: ConsultationId(Uuid::nil()),
            company: CompanyId(Uuid::nil()),
            employee_user: UserId(Uuid::from_u128(1)),
            practitioner_user: UserId(Uuid::from_u128(2)),
            scheduled_at: start,
            ends_at: start + SignedDuration::from_mins(50),
            has_room,
            is_cancelled: false,
            is_live,
        }
    }

    #[test]
    fn one_calls_while_the_room_is_open() {
        let (care, second) = (care(true, true), SignedDuration::from_secs(1));
        let (opens, closes) =
            (care.scheduled_at - SignedDuration::from_mins(10), care.ends_at + SignedDuration::from_mins(30));
        assert!(care.can_be_called(opens) && care.can_be_called(closes));
        assert!(!care.can_be_called(opens - second) && !care.can_be_called(closes + second));
        for other in [self::care(false, true), self::care(true, false)] {
            assert!(!other.can_be_called(other.scheduled_at));
        }
    }

    #[test]
    fn what_is_relayed_goes_from_one_device_to_the_other_alone() {
        let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
        let ringing = Call {
            id: CallId(Uuid::nil()),
            consultation: ConsultationId(Uuid::nil()),
            company: CompanyId(Uuid::nil()),
            employee: UserId(Uuid::from_u128(1)),
            caller: UserId(Uuid::from_u128(1)),
            caller_device: first,
            callee: UserId(Uuid::from_u128(2)),
            callee_device: None,
            began_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(ringing.other_end(first), None);
        let answered = Call { callee_device: Some(second), ..ringing };
        assert_eq!([first, second, third].map(|device| answered.other_end(device)), [Some(second), Some(first), None]);
    }
}

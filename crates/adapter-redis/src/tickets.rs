//! Tickets in Redis, so that what one node issues opens a socket at another.
use std::{fmt, sync::Arc};

use huntzen_tenancy::{
    Actor, StoreError,
    ids::{CompanyId, SessionId, UserId},
    live::Tickets,
    policy::Role,
    token::TokenDigest,
    words::Words,
};
use jiff::Timestamp;

use crate::{
    bytes::{Bytes, put},
    link::{Failure, Link},
};

/// Tickets by their digests, sealed: whoever can write to Redis makes none up. While Redis is out of reach they are
/// kept by the node itself, and open sockets at that node.
#[derive(Clone)]
pub struct RedisTickets {
    link: Arc<Link>,
    own: Arc<dyn Tickets>,
}

impl RedisTickets {
    /// Over `link`, and over `own` while that leads nowhere.
    pub fn new(link: Arc<Link>, own: Arc<dyn Tickets>) -> Self {
        Self { link, own }
    }

    fn key(&self, digest: TokenDigest) -> String {
        self.link.key(&format!("ticket:{}", digest.to_hex()))
    }
}

impl Tickets for RedisTickets {
    fn issue(
        &self,
        digest: TokenDigest,
        holder: Actor,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let sealed = self.link.seal().seal(&place(digest), &written(&holder, expires_at))?;
        let key = self.key(digest);
        let lifetime = expires_at.duration_since(now).as_millis().max(1);
        let lifetime = u64::try_from(lifetime).unwrap_or_default();
        let issued = self
            .link
            .run(|connection| redis::cmd("SET").arg(&key).arg(&sealed).arg("PX").arg(lifetime).exec(connection));
        match issued {
            Err(Failure::NotDone(_)) => self.own.issue(digest, holder, now, expires_at),
            // A ticket that may be there as well could be used twice: its holder asks for another.
            done => Ok(done?),
        }
    }

    fn take(&self, digest: TokenDigest, now: Timestamp) -> Result<Option<Actor>, StoreError> {
        if let Some(holder) = self.own.take(digest, now)? {
            return Ok(Some(holder));
        }
        let key = self.key(digest);
        let taken: Option<Vec<u8>> = self.link.run(|connection| redis::cmd("GETDEL").arg(&key).query(connection))?;
        let opened = taken.and_then(|sealed| self.link.seal().open(&place(digest), &sealed));
        let ticket = opened.and_then(|plain| read(&plain));
        Ok(ticket.filter(|(_, expires_at)| *expires_at > now).map(|(holder, _)| holder))
    }
}

impl fmt::Debug for RedisTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTickets").field("link", &self.link).finish_non_exhaustive()
    }
}

/// What a ticket is bound to: it cannot be moved to another one's place.
fn place(digest: TokenDigest) -> Vec<u8> {
    [b"ticket 1 ".as_slice(), &digest.0].concat()
}

fn written(holder: &Actor, expires_at: Timestamp) -> Vec<u8> {
    let mut plain = expires_at.as_microsecond().to_be_bytes().to_vec();
    plain.extend_from_slice(holder.user.0.as_bytes());
    put(holder.company.map(|company| company.0.into_bytes()), &mut plain);
    put(holder.session.map(|session| session.0.into_bytes()), &mut plain);
    plain.extend_from_slice(holder.role.as_str().as_bytes());
    plain
}

fn read(plain: &[u8]) -> Option<(Actor, Timestamp)> {
    let mut rest = Bytes(plain);
    let expires_at = Timestamp::from_microsecond(rest.array().map(i64::from_be_bytes)?).ok()?;
    let user = UserId(rest.id()?);
    let company = rest.perhaps(Bytes::id)?.map(CompanyId);
    let session = rest.perhaps(Bytes::id)?.map(SessionId);
    let role = Role::parse(std::str::from_utf8(rest.0).ok()?)?;
    Some((Actor { user, role, company, session }, expires_at))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_ticket_is_read_as_it_was_written() {
        let id = Uuid::from_u128;
        let whole = Actor {
            user: UserId(id(1)),
            role: Role::Employee,
            company: Some(CompanyId(id(2))),
            session: Some(SessionId(id(3))),
        };
        let bare = Actor { role: Role::SuperAdmin, company: None, session: None, ..whole };
        let expires_at = Timestamp::UNIX_EPOCH + SignedDuration::from_micros(1_234_567_890_123_456);
        for holder in [whole, bare] {
            let plain = written(&holder, expires_at);
            assert_eq!(read(&plain), Some((holder, expires_at)));
            assert!((0..plain.len()).all(|cut| plain.get(..cut).and_then(read).is_none()));
        }
    }
}

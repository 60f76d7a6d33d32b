//! Entering the room of a consultation.
use std::{fmt::Write as _, sync::Arc};

use huntzen_tenancy::{
    Caller,
    audit::{Action, Resource},
    ids::UserId,
    policy::Permission,
    preferences::Alias,
};
use sha2::{Digest, Sha256};

use super::{RoomClaims, RoomGuest, RoomServer, RoomTokenSigner, RoomWindow};
use crate::{
    BookingError, BookingPorts,
    consultation::{ConsultationEvent, EventType, own},
    ids::ConsultationId,
};

/// The room server, as this installation is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSettings {
    /// The application id that the server knows.
    pub app_id: String,
    /// The server's domain.
    pub domain: String,
    /// Whom tokens are for.
    pub audience: String,
}

/// What a participant enters a room with.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomAccess {
    /// The room.
    pub room_name: String,
    /// The token, good until the room closes.
    pub jwt: String,
    /// The room server's domain.
    pub domain: String,
    /// The address that opens the room with the token.
    pub url: String,
}

/// The use case of entering a room.
#[derive(Clone)]
pub struct Rooms {
    ports: BookingPorts,
    signer: Arc<dyn RoomTokenSigner>,
    settings: RoomSettings,
}

impl Rooms {
    /// Over these ports, with the tokens of `signer` for the server of `settings`.
    pub fn new(ports: BookingPorts, signer: Arc<dyn RoomTokenSigner>, settings: RoomSettings) -> Self {
        Self { ports, signer, settings }
    }

    /// Gives a participant a token to the room.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `RoomClosed` when the consultation takes place in no room, is not
    /// booked or going on, or when it is not the time; `Signing`.
    pub fn enter(&self, caller: &Caller, id: ConsultationId) -> Result<RoomAccess, BookingError> {
        caller.actor.require(Permission::ConsultationsOwnJoin)?;
        let (now, scope, user) = (self.ports.clock.now(), caller.scope(), caller.actor.user);
        self.ports.store.run(&scope, |tx| {
            let consultation = own(tx, caller, id)?;
            let room =
                consultation.room_name.as_ref().filter(|_| consultation.is_live()).ok_or(BookingError::RoomClosed)?;
            let alias = tx.preferences(user)?.and_then(|chosen| chosen.alias);
            let RoomSettings { app_id, domain, audience } = &self.settings;
            let guest = RoomGuest {
                pseudonym: &pseudonym(id, user),
                alias: alias.as_ref().map(Alias::as_str),
                is_practitioner: consultation.practitioner_user == user,
            };
            let claims = RoomClaims::issue(
                RoomServer { app_id, domain, audience },
                room,
                RoomWindow::around(consultation.scheduled_at, consultation.ends_at),
                guest,
                now,
                self.ports.randomness.uuid_v4(),
            )?;
            let jwt = self.signer.sign(&claims).map_err(|error| BookingError::Signing(Box::new(error)))?;
            let event = ConsultationEvent {
                id: self.ports.randomness.uuid_v7(now),
                kind: EventType::RoomJoined,
                at: now,
                actor: Some(user),
                previous_start: None,
            };
            tx.add_room_event(&consultation, &event)?;
            let entry = self
                .ports
                .entry(&scope, now, Action::JoinRoom, Resource::Consultation)
                .on(id)
                .within(Some(consultation.company));
            tx.record(&match consultation.employee_user {
                Some(employee) => entry.about(employee),
                None => entry,
            })?;
            let room_name = room.as_str().to_owned();
            let url = format!("https://{domain}/{room_name}?jwt={jwt}");
            Ok(RoomAccess { room_name, jwt, domain: domain.clone(), url })
        })
    }
}

/// Stands for a person in one consultation: the same at each token for it, and not to be linked
/// to the same person in another one, since consultations' ids are random and the server that
/// sees the pseudonym knows none.
fn pseudonym(consultation: ConsultationId, user: UserId) -> String {
    let digest = Sha256::new().chain_update(consultation.0.as_bytes()).chain_update(user.0.as_bytes()).finalize();
    digest.iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_pseudonym_is_for_one_person_in_one_consultation() {
        let of = |consultation, user| {
            pseudonym(ConsultationId(Uuid::from_u128(consultation)), UserId(Uuid::from_u128(user)))
        };
        assert_eq!(of(1, 2), of(1, 2));
        assert_eq!(of(1, 2).len(), 32);
        assert_ne!(of(1, 2), of(1, 3));
        assert_ne!(of(1, 2), of(3, 2));
        assert_ne!(of(1, 2), of(2, 1));
    }
}

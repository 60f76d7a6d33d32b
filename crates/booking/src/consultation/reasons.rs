//! What participants write of a consultation, sealed under a key that the two of them share.
use std::collections::BTreeMap;

use huntzen_tenancy::{
    Slice, StoreError,
    sealing::{DataKey, DataKeys, KeySubject, Place, Sealed, SecretText},
};
use jiff::Timestamp;

use super::{Consultation, ConsultationView, ParticipantNames};
use crate::{BookingPorts, BookingTx, ids::ConsultationId};

/// A consultation as those who may see it read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenConsultation {
    /// The consultation.
    pub consultation: Consultation,
    /// The names.
    pub names: ParticipantNames,
    /// Why, in the employee's words; `None` in a redacted view, and once the key is destroyed.
    pub reason: Option<SecretText>,
    /// Why it was called off; `None` as for the reason.
    pub cancel_reason: Option<SecretText>,
}

/// Which of the two.
#[derive(Clone, Copy)]
pub(super) enum ReasonKind {
    /// Of the consultation.
    Booking,
    /// Of its cancellation.
    Cancellation,
}

impl ReasonKind {
    fn place(self, consultation: ConsultationId) -> Place {
        let column = match self {
            Self::Booking => "reason",
            Self::Cancellation => "cancel_reason",
        };
        Place::new("consultations", column, consultation.0)
    }
}

type Keys = BTreeMap<KeySubject, DataKey>;

impl BookingPorts {
    /// Seals the reason of a consultation that is about to be added, with the key that has to be
    /// added after it.
    pub(super) fn seal_new(
        &self,
        id: ConsultationId,
        reason: &SecretText,
        now: Timestamp,
    ) -> Result<(Sealed, DataKey), StoreError> {
        let key = self.sealer.fresh(KeySubject::Consultation(id.0), now)?;
        let sealed = self.sealer.seal(&key, &ReasonKind::Booking.place(id), reason)?;
        Ok((sealed, key))
    }

    /// Seals what is written of a consultation that is there.
    pub(super) fn seal_reason(
        &self,
        tx: &mut (impl DataKeys + ?Sized),
        (id, kind): (ConsultationId, ReasonKind),
        reason: &SecretText,
        now: Timestamp,
    ) -> Result<Sealed, StoreError> {
        let key = self.sealer.key(tx, KeySubject::Consultation(id.0), now)?;
        self.sealer.seal(&key, &kind.place(id), reason)
    }

    /// The consultation with its reasons opened; without reasons no key is asked for.
    pub(super) fn open(&self, tx: &mut dyn BookingTx, view: ConsultationView) -> Result<OpenConsultation, StoreError> {
        let keys = self.keys_of(tx, std::slice::from_ref(&view))?;
        self.opened(&keys, view)
    }

    /// The same of many, whose keys are fetched at once.
    pub(super) fn open_all(
        &self,
        tx: &mut dyn BookingTx,
        views: Slice<ConsultationView>,
    ) -> Result<Slice<OpenConsultation>, StoreError> {
        let keys = self.keys_of(tx, &views.items)?;
        let items = views.items.into_iter().map(|view| self.opened(&keys, view)).collect::<Result<_, _>>()?;
        Ok(Slice { items, next: views.next })
    }

    fn keys_of(&self, tx: &mut dyn BookingTx, views: &[ConsultationView]) -> Result<Keys, StoreError> {
        let written = views.iter().map(|view| &view.consultation);
        let written = written.filter(|one| one.reason.is_some() || one.cancel_reason.is_some());
        let subjects: Vec<KeySubject> = written.map(|one| KeySubject::Consultation(one.id.0)).collect();
        self.sealer.known_keys(tx, &subjects)
    }

    fn opened(&self, keys: &Keys, view: ConsultationView) -> Result<OpenConsultation, StoreError> {
        let ConsultationView { consultation, names } = view;
        let key = keys.get(&KeySubject::Consultation(consultation.id.0));
        let open = |kind: ReasonKind, sealed: &Option<Sealed>| {
            let both = key.zip(sealed.as_ref());
            both.map(|(key, sealed)| self.sealer.open(key, &kind.place(consultation.id), sealed)).transpose()
        };
        let reason = open(ReasonKind::Booking, &consultation.reason)?;
        let cancel_reason = open(ReasonKind::Cancellation, &consultation.cancel_reason)?;
        Ok(OpenConsultation { consultation, names, reason, cancel_reason })
    }
}

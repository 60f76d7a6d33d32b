//! Identifiers of this domain.
use huntzen_tenancy::typed_id;

typed_id!(
    /// A practitioner's entry in the directory.
    PractitionerId
);
typed_id!(
    /// A consultation: random (UUIDv4), since it travels in URLs, letters and calendars.
    ConsultationId
);
typed_id!(
    /// A review of a consultation.
    ReviewId
);

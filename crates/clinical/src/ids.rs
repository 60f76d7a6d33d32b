//! Identifiers of this domain: all random (UUID version 4), so that none tells when it was made.
use huntzen_tenancy::typed_id;

typed_id!(
    /// A consultation, as this domain refers to it.
    ConsultationId
);
typed_id!(
    /// A clinical note.
    NoteId
);
typed_id!(
    /// An entry of a journal.
    JournalEntryId
);
typed_id!(
    /// A message of a conversation.
    MessageId
);
typed_id!(
    /// A call within a consultation.
    CallId
);

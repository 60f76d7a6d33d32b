//! What a file is about: the consultation of an attachment, above all.
use jiff::Timestamp;
use uuid::Uuid;

use super::{FileType, Participants};
use crate::{
    error::{Checks, TenancyError},
    ids::CompanyId,
    store::StoreError,
    words,
};

words! {
    /// What kind of thing a file is about.
    RelatedResource {
        /// A consultation of one's own.
        Consultation = "CONSULTATION",
        /// One's own account.
        User = "USER",
    }
}

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Related {
    /// What kind of thing.
    pub resource: RelatedResource,
    /// Which one.
    pub id: Uuid,
}

/// What is said about a file beside its bytes, not yet checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What it is for.
    pub kind: Option<FileType>,
    /// What kind of thing it is about.
    pub resource: Option<RelatedResource>,
    /// Which one.
    pub id: Option<Uuid>,
}

impl Asked {
    /// What it is for and about.
    ///
    /// # Errors
    /// `Invalid`: without a `fileType`, with half of what it is about, an attachment about anything
    /// but a consultation.
    pub fn accept(&self) -> Result<(FileType, Option<Related>), TenancyError> {
        let mut checks = Checks::default();
        checks.require(self.kind.is_some(), "fileType", "required");
        checks.require(self.resource.is_some() || self.id.is_none(), "relatedResource", "required");
        checks.require(self.id.is_some() || self.resource.is_none(), "relatedId", "required");
        if self.kind == Some(FileType::Attachment) {
            let (is_given, is_consultation) =
                (self.resource.is_some(), self.resource == Some(RelatedResource::Consultation));
            // Half of it was refused above.
            checks.require(is_given || self.id.is_some(), "relatedResource", "required");
            checks.require(!is_given || is_consultation, "relatedResource", "invalid");
        }
        let related = self.resource.zip(self.id).map(|(resource, id)| Related { resource, id });
        checks.pass(self.kind.map(|kind| (kind, related)))
    }
}

/// A consultation as far as its attachments depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Whose consultation it is.
    pub company: CompanyId,
    /// Who meets.
    pub participants: Participants,
    /// When it is to start.
    pub scheduled_at: Timestamp,
    /// When it is to end.
    pub ends_at: Timestamp,
    /// Whether it was called off.
    pub is_cancelled: bool,
}

/// Answers what files ask about consultations, to their participants alone.
pub trait Attending {
    /// The consultation, when the acting account takes part in it.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn meeting(&mut self, consultation: Uuid) -> Result<Option<Meeting>, StoreError>;
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::error::FieldError;

    fn refused(asked: Asked) -> Vec<(&'static str, &'static str)> {
        match asked.accept() {
            Err(TenancyError::Invalid(errors)) => {
                errors.into_iter().map(|FieldError { field, code }| (field, code)).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        let (kind, resource, id) =
            (Some(FileType::Attachment), Some(RelatedResource::Consultation), Some(Uuid::from_u128(1)));
        assert_eq!(refused(Asked::default()), [("fileType", "required")]);
        assert_eq!(refused(Asked { kind, ..Asked::default() }), [("relatedResource", "required")]);
        assert_eq!(refused(Asked { kind, resource, id: None }), [("relatedId", "required")]);
        assert_eq!(refused(Asked { kind, resource: None, id }), [("relatedResource", "required")]);
        let user = Some(RelatedResource::User);
        assert_eq!(refused(Asked { kind, resource: user, id }), [("relatedResource", "invalid")]);
        let document = Asked { kind: Some(FileType::Document), resource: user, id };
        assert!(document.accept().unwrap().1.is_some());
        assert!(Asked { kind, resource, id }.accept().is_ok());
        assert!(Asked { kind: Some(FileType::Document), ..Asked::default() }.accept().is_ok());
    }
}

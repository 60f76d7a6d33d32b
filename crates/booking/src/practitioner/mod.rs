//! Practitioners: who they are, what they offer, whether they take bookings.
use huntzen_tenancy::{Page, PageRequest, StoreError, files::FileId, ids::UserId, words};
use jiff::Timestamp;

use crate::{BookingError, availability::ConsultationType, ids::PractitionerId};

mod administration;
mod change;
mod directory;
mod language_tag;
mod profile;
pub use administration::{NewPractitioner, PractitionerAdministration};
pub use change::ProfileChange;
pub use directory::{Directory, DirectorySort, PublicProfile};
pub use profile::OwnProfile;

words! {
    /// What a practitioner is by training.
    Profession {
        /// Psychologist.
        Psychologist = "PSYCHOLOGIST",
        /// Psychotherapist.
        Psychotherapist = "PSYCHOTHERAPIST",
        /// Psychiatrist.
        Psychiatrist = "PSYCHIATRIST",
        /// Physician.
        Physician = "PHYSICIAN",
        /// Coach.
        Coach = "COACH",
    }
}

/// A practitioner's entry in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, by the name under which clients know it")]
pub struct Practitioner {
    /// Its id.
    pub id: PractitionerId,
    /// The account.
    pub user: UserId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// How they are addressed, such as `Dr.`
    pub title: Option<String>,
    /// What they are by training.
    pub profession: Profession,
    /// Their number in the professional register.
    pub registration_number: Option<String>,
    /// What they know best, in their own words.
    pub specialties: Vec<String>,
    /// Languages of consultation (BCP 47).
    pub languages: Vec<String>,
    /// A few lines about themselves.
    pub bio: Option<String>,
    /// Years of practice.
    pub years_of_experience: Option<u32>,
    /// Whether they offer video.
    pub offers_video: bool,
    /// Whether they offer audio.
    pub offers_audio: bool,
    /// Whether they offer the telephone.
    pub offers_phone: bool,
    /// Whether they offer chat.
    pub offers_chat: bool,
    /// Whether people who never completed a consultation with them may book.
    pub accepting_new_clients: bool,
    /// Their IANA zone: availability rules are wall times of it.
    pub timezone: String,
    /// Whether an administrator validated them.
    pub is_validated: bool,
    /// When.
    pub validated_at: Option<Timestamp>,
    /// When an administrator suspended them.
    pub suspended_at: Option<Timestamp>,
    /// Whether their documents were checked.
    pub documents_verified: bool,
    /// The sum of the ratings of published reviews; the store keeps it.
    pub rating_sum: u32,
    /// How many published reviews there are; the store keeps it.
    pub review_count: u32,
    /// Their picture; the store follows the files.
    pub avatar: Option<FileId>,
    /// When the entry was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Reviews needed before an average says anything.
const REVIEWS_FOR_AN_AVERAGE: u32 = 5;

impl Practitioner {
    /// Whether the public sees the entry and bookings are taken at all.
    pub fn is_public(&self) -> bool {
        self.is_validated && self.suspended_at.is_none()
    }

    /// The average rating in hundredths, from five published reviews on.
    pub fn average_rating_hundredths(&self) -> Option<u32> {
        (self.review_count >= REVIEWS_FOR_AN_AVERAGE).then(|| self.rating_sum * 100 / self.review_count)
    }

    /// Whether they offer this type at all.
    pub fn offers(&self, kind: ConsultationType) -> bool {
        match kind {
            ConsultationType::Video => self.offers_video,
            ConsultationType::Audio => self.offers_audio,
            ConsultationType::Phone => self.offers_phone,
            ConsultationType::Chat => self.offers_chat,
        }
    }
}

/// Which practitioners of the public directory are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryFilter {
    /// Only with this specialty (case and accents ignored).
    pub specialty: Option<String>,
    /// Only with this language (BCP 47; a bare language also matches its regions).
    pub language: Option<String>,
    /// Only of this profession.
    pub profession: Option<Profession>,
    /// Only those that offer all of these types.
    pub offers: Vec<ConsultationType>,
    /// Only those that do (`true`) or do not accept new clients.
    pub accepting_new_clients: Option<bool>,
    /// Only those whose name, title or specialties contain this (case and accents ignored).
    pub text: Option<String>,
}

words! {
    /// The orders of the public directory that the store gives itself; ties by id.
    DirectoryOrder {
        /// Best average first; those without one last.
        Rating = "RATING",
        /// Longest practice first; those who do not say last.
        Experience = "EXPERIENCE",
        /// By family name, then given name.
        Name = "NAME",
    }
}

/// Practitioners. Administrators see all, each sees itself, everybody the public ones; employees
/// see all, so that booking can tell an unknown one from one who takes no bookings.
pub trait Practitioners {
    /// Adds an entry.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_practitioner(&mut self, practitioner: &Practitioner) -> Result<(), BookingError>;

    /// Writes everything but id, account, creation, picture and ratings; the account's names follow, and
    /// the rules follow the standing.
    ///
    /// # Errors
    /// `NotFound` when it is not in sight.
    fn update_practitioner(&mut self, practitioner: &Practitioner) -> Result<(), BookingError>;

    /// The entry with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn practitioner(&mut self, id: PractitionerId) -> Result<Option<Practitioner>, StoreError>;

    /// The entry with this id, held against other writers until the unit of work ends, so that
    /// `update_practitioner` writes back nothing stale. A store whose units of work overlap must
    /// lock.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn practitioner_for_update(&mut self, id: PractitionerId) -> Result<Option<Practitioner>, StoreError> {
        self.practitioner(id)
    }

    /// The entry of this account.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn practitioner_of(&mut self, user: UserId) -> Result<Option<Practitioner>, StoreError>;

    /// A page of all entries in sight, by family name, given name, id; only those never
    /// validated when `pending`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn practitioners(&mut self, pending: bool, page: PageRequest) -> Result<Page<Practitioner>, StoreError>;

    /// A page of the public directory.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn directory(
        &mut self,
        filter: &DirectoryFilter,
        order: DirectoryOrder,
        page: PageRequest,
    ) -> Result<Page<Practitioner>, StoreError>;

    /// The public entries with these ids, in any order.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn public_practitioners(&mut self, ids: &[PractitionerId]) -> Result<Vec<Practitioner>, StoreError>;
}

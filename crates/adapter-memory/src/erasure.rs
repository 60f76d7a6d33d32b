//! Requests to be erased, and the erasure of whoever asked.
use huntzen_booking::{consultation::ConsultationStatus, ids::ConsultationId as BookedId, practitioner::Practitioner};
use huntzen_clinical::ids::ConsultationId;
use huntzen_tenancy::{
    Job, StoreError, TenancyError,
    backups::PendingErasure,
    email::Email,
    employee::{Employee, EmployeeStatus},
    erasure::{DeletionRequest, DeletionRequests, DeletionStatus, DueErasure, Erased, Erasures, GRACE},
    files::{FileType, StoredFile},
    ids::UserId,
    policy::Role,
    sealing::KeySubject,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    employment,
    files::{end_upload, remove_files},
    idempotency::forget_requests,
    refusal::{allow, require},
    releases::withdraw,
    state::State,
    store::MemoryTx,
    time::micros,
};

impl DeletionRequests for MemoryTx {
    fn add_deletion_request(&mut self, request: &DeletionRequest) -> Result<(), TenancyError> {
        self.write(|viewer, state| {
            allow(viewer.is_user(request.user))?;
            require(!state.deletion_requests.contains(&request.id), "deletion_requests_pkey")?;
            require(state.users.contains(&request.user), "deletion_requests_user_id_fkey")?;
            require(request.deletion_date >= request.created_at + GRACE, "deletion_requests_times")?;
            let is_pending = |held: &DeletionRequest| held.status == DeletionStatus::Pending;
            if state.deletion_requests.rows().any(|held| held.user == request.user && is_pending(held)) {
                return Err(TenancyError::DeletionPending);
            }
            let row = DeletionRequest {
                status: DeletionStatus::Pending,
                created_at: micros(request.created_at),
                deletion_date: micros(request.deletion_date),
                cancelled_at: None,
                erased: None,
                ..request.clone()
            };
            state.deletion_requests.put(row.id, row);
            Ok(())
        })
    }

    fn pending_deletion(&mut self, user: UserId) -> Result<Option<DeletionRequest>, StoreError> {
        self.read(|viewer, state| {
            let mut own = state.deletion_requests.rows().filter(|row| row.user == user && viewer.is_user(user));
            own.find(|row| row.status == DeletionStatus::Pending).cloned()
        })
    }

    fn deletion_requests(&mut self, user: UserId) -> Result<Vec<DeletionRequest>, StoreError> {
        self.read(|viewer, state| {
            let own = state.deletion_requests.rows().filter(|row| row.user == user && viewer.is_user(user));
            let mut own: Vec<DeletionRequest> = own.cloned().collect();
            own.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
            own.truncate(100);
            own
        })
    }

    fn cancel_deletion(&mut self, id: Uuid, at: Timestamp) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let is_meant = |row: &DeletionRequest| {
                row.id == id && row.status == DeletionStatus::Pending && viewer.is_user(row.user)
            };
            let changed = state.deletion_requests.change(is_meant, |row| {
                row.status = DeletionStatus::Cancelled;
                row.cancelled_at = Some(micros(at));
            });
            Ok(changed > 0)
        })
    }

    fn has_other_operator(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.read(|viewer, state| viewer.is(Role::SuperAdmin) && has_other_operator(state, user))
    }
}

fn has_other_operator(state: &State, user: UserId) -> bool {
    let mut others = state.users.rows().filter(|other| other.role == Role::SuperAdmin && other.id != user);
    others.any(|other| other.is_active && other.blocked_at.is_none())
}

impl Erasures for MemoryTx {
    fn take_due_erasure(&mut self, now: Timestamp, passed_over: &[Uuid]) -> Result<Option<DueErasure>, StoreError> {
        let now = micros(now);
        self.read(|viewer, state| {
            let is_due = |row: &&DeletionRequest| {
                row.status == DeletionStatus::Pending
                    && row.deletion_date <= now
                    && !passed_over.contains(&row.id)
                    && viewer.is_job(Job::Erasure)
                    && may_be_erased(state, row.user, now)
            };
            let mut due: Vec<&DeletionRequest> = state.deletion_requests.rows().filter(is_due).collect();
            due.sort_by_key(|row| (row.deletion_date, row.id));
            let (row, user) = due.first().and_then(|row| Some((row, state.users.get(&row.user)?)))?;
            let (email, company) = (user.email.clone(), user.company);
            // No backup is restored into this store.
            Some(DueErasure { request: row.id, user: user.id, email, company, erased_before: None })
        })
    }

    fn erase_person(&mut self, request: Uuid, erased: &Erased) -> Result<bool, StoreError> {
        let erased = Erased { at: micros(erased.at), ..*erased };
        self.write(|viewer, state| {
            let held = state.deletion_requests.get(&request).filter(|_| viewer.is_job(Job::Erasure));
            let is_due = |row: &&DeletionRequest| {
                row.status == DeletionStatus::Pending
                    && row.deletion_date <= erased.at
                    && may_be_erased(state, row.user, erased.at)
            };
            let Some(person) = held.filter(is_due).map(|row| row.user) else { return Ok(false) };
            erase_confidences(state, person);
            erase_traces(state, person);
            erase_identity(state, person, erased.at)?;
            state.deletion_requests.change(|row| row.user == person, |row| row.reason = None);
            state.deletion_requests.change(
                |row| row.id == request,
                |row| {
                    row.status = DeletionStatus::Completed;
                    row.erased = Some(erased);
                },
            );
            Ok(true)
        })
    }

    fn pending_erasures(&mut self) -> Result<Vec<PendingErasure>, StoreError> {
        self.read(|viewer, state| {
            let is_pending = |row: &&DeletionRequest| row.status == DeletionStatus::Pending;
            let pending = state.deletion_requests.rows().filter(is_pending).filter(|_| viewer.is_job(Job::Erasure));
            let mut pending: Vec<&DeletionRequest> = pending.collect();
            pending.sort_by_key(|row| (row.deletion_date, row.id));
            let read = |row: &DeletionRequest| PendingErasure { user: row.user, deletion_date: row.deletion_date };
            pending.into_iter().map(read).collect()
        })
    }
}

/// Whether somebody may go: who is in a consultation or has one ahead waits, and so does the last operator.
fn may_be_erased(state: &State, user: UserId, now: Timestamp) -> bool {
    let is_expected = state.consultations.rows().filter(|row| row.concerns(user)).any(|row| {
        row.consultation.status == ConsultationStatus::InProgress
            || (row.is_awaited() && row.consultation.scheduled_at > now)
    });
    let is_operator = state.users.get(&user).is_some_and(|user| user.role == Role::SuperAdmin);
    !is_expected && (!is_operator || has_other_operator(state, user))
}

/// What a person has confided goes with its keys.
fn erase_confidences(state: &mut State, person: UserId) {
    let of_person = state.consultations.entries().filter(|(_, row)| row.employee_user == person);
    let care: Vec<BookedId> = of_person.map(|(id, _)| *id).collect();
    let is_theirs = |id: &ConsultationId| care.contains(&BookedId(id.0));
    let reviews = state.reviews.rows().filter(|row| row.review.employee_user == person);
    let reviews: Vec<Uuid> = reviews.map(|row| row.review.id.0).collect();
    let letters = state.outbox.rows().filter(|row| row.message.recipient == person);
    let letters: Vec<Uuid> = letters.map(|row| row.message.id).collect();
    // What a practitioner sent to others is theirs as well, and goes with the last of them.
    let is_of_care = |file: &StoredFile| {
        file.kind == FileType::Attachment && file.participants.is_some_and(|both| both.employee == person)
    };
    let goes = |file: &StoredFile| is_of_care(file) || (file.owner == person && file.kind != FileType::Attachment);
    remove_files(state, goes);
    let uploads = state.file_uploads.rows().filter(|upload| upload.owner == person);
    let uploads: Vec<_> = uploads.map(|upload| upload.object).collect();
    for object in uploads {
        end_upload(state, object);
    }
    state.data_keys.remove_where(|row| match row.key.subject {
        KeySubject::Person(user) => user == person,
        KeySubject::Consultation(id) => care.contains(&BookedId(id)),
        KeySubject::Review(id) => reviews.contains(&id),
        KeySubject::Letter(id) => letters.contains(&id),
        KeySubject::Files(_) | KeySubject::Notes { .. } | KeySubject::Platform => false,
    });
    state.messages.remove_where(|row| is_theirs(&row.added.message.consultation));
    state.conversations.remove_where(|row| is_theirs(&row.care.consultation));
    state.consultations.change(
        |row| row.employee_user == person,
        |row| {
            row.consultation.reason = None;
            row.consultation.cancel_reason = None;
        },
    );
    state.reviews.change(
        |row| row.review.employee_user == person,
        |row| {
            row.review.comment = None;
            row.published_comment = None;
        },
    );
    state.journal_entries.remove_where(|row| row.owner == person);
    state.outbox.remove_where(|row| row.message.recipient == person);
}

/// What lets a person in, and what reminds of them.
fn erase_traces(state: &mut State, person: UserId) {
    forget_requests(state, person);
    let sessions = state.sessions.rows().filter(|row| row.user == person);
    let sessions: Vec<_> = sessions.map(|row| row.id).collect();
    state.refresh_tokens.remove_where(|row| sessions.contains(&row.session));
    state.sessions.remove_where(|row| row.user == person);
    state.second_factors.remove_where(|row| row.factor.user == person);
    let codes: Vec<_> = state.backup_codes.entries().map(|(key, _)| *key).filter(|(user, _)| *user == person).collect();
    for code in codes {
        state.backup_codes.remove(&code);
    }
    state.one_time_tokens.remove_where(|row| row.token.user == person);
    state.invitations.remove_where(|row| row.user == person);
    state.notifications.remove_where(|row| row.user == person);
    state.shares_usage.remove(&person);
    state.aliases.remove(&person);
    state.quiet_hours.remove(&person);
    withdraw(state, person);
    state.rules.remove_where(|row| row.owner == person);
    state.exceptions.remove_where(|row| row.owner == person);
}

/// Names and addresses, wherever they stand.
fn erase_identity(state: &mut State, person: UserId, at: Timestamp) -> Result<(), StoreError> {
    let (first, last) = ("Utilisateur".to_owned(), "supprimé".to_owned());
    let Some(was) = state.users.get(&person).cloned() else { return Ok(()) };
    let nobody = Email::parse(&format!("deleted-{person}@huntzen.care"));
    let nobody = nobody.ok_or_else(|| crate::refusal::defect("the address of nobody"))?;
    let last_name = was.last_name.to_lowercase();
    state.companies.change(
        |row| {
            was.company == Some(row.id)
                && (row.contact_email.as_ref() == Some(&was.email)
                    || (was.role == Role::AdminRh
                        && row.contact_name.as_ref().is_some_and(|name| name.to_lowercase().contains(&last_name))))
        },
        |row| {
            row.contact_name = None;
            row.contact_email = None;
            row.phone = None;
        },
    );
    let employee = state.employees.rows().find(|row| row.user == person).cloned();
    if let Some(held) = employee {
        let changed = Employee {
            email: nobody.clone(),
            first_name: first.clone(),
            last_name: last.clone(),
            phone: None,
            department: None,
            position: None,
            status: EmployeeStatus::Ended,
            updated_at: at,
            ..held.clone()
        };
        if (&held.department, held.status) != (&changed.department, changed.status) {
            employment::change(state, &changed)?;
        }
        state.employees.put(changed.id, changed);
    }
    state.practitioners.change(|row| row.user == person, |row| nobody_works(row, (&first, &last), at));
    let listed = state.practitioners.rows().find(|row| row.user == person).map(|row| row.id);
    state.reviews.change(|row| Some(row.review.practitioner) == listed, |row| row.published_comment = None);
    state.users.change(
        |row| row.id == person,
        |row| {
            row.email = nobody.clone();
            row.first_name.clone_from(&first);
            row.last_name.clone_from(&last);
            row.password = None;
            row.is_active = false;
            row.email_verified = false;
            row.signed_out_before = Some(at);
            row.last_login_at = None;
            row.two_factor_enabled_at = None;
            row.updated_at = at;
        },
    );
    state.erased.put(person, at);
    erase_keys_of_files(state);
    Ok(())
}

/// Nothing new is left behind by somebody who was erased.
pub(crate) fn refuse_erased(state: &State, user: UserId) -> Result<(), StoreError> {
    require(!state.erased.contains(&user), "erased")
}

/// Destroys the keys to the files of those who were erased and have none left.
pub(crate) fn erase_keys_of_files(state: &mut State) {
    let gone: Vec<UserId> = state.erased.entries().map(|(user, _)| *user).collect();
    let kept: Vec<UserId> = state.files.rows().map(|file| file.owner).collect();
    let is_gone = |subject| matches!(subject, KeySubject::Files(user) if gone.contains(&user) && !kept.contains(&user));
    state.data_keys.remove_where(|row| is_gone(row.key.subject));
}

/// A profile of nobody.
fn nobody_works(row: &mut Practitioner, (first, last): (&str, &str), at: Timestamp) {
    first.clone_into(&mut row.first_name);
    last.clone_into(&mut row.last_name);
    row.title = None;
    row.registration_number = None;
    row.specialties = Vec::new();
    row.languages = Vec::new();
    row.bio = None;
    row.years_of_experience = None;
    row.accepting_new_clients = false;
    row.is_validated = false;
    row.validated_at = None;
    row.suspended_at = None;
    row.documents_verified = false;
    row.updated_at = at;
}

//! From what PostgreSQL says to what a caller can act on. No diesel type leaves this crate.
use std::error::Error;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use huntzen_booking::BookingError;
use huntzen_tenancy::{FieldError, StoreError, TenancyError};

/// What `Refused` names when row security, and not a constraint, refused.
const ROW_SECURITY: &str = "row_security";

/// What the server says, in these words, when trying again may help: diesel names no kind for them.
const PASSING: [&str; 9] = [
    "deadlock detected",
    "No space left on device",
    "could not extend file",
    "in a read-only transaction",
    "terminating connection",
    "database system is",
    "too many clients",
    "remaining connection slots",
    "canceling statement due to",
];

/// What the server says when a policy or a missing grant refused.
const DENIED: [&str; 2] = ["row-level security policy", "permission denied for"];

/// Tells apart refusals by a rule, a store out of reach, and defects.
pub(crate) fn store_error(error: DieselError) -> StoreError {
    if matches!(error, DieselError::BrokenTransactionManager) {
        return unavailable(error);
    }
    let DieselError::DatabaseError(kind, information) = &error else {
        return StoreError::Defect(Box::new(error));
    };
    let lost = matches!(
        kind,
        DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure
    );
    let message = information.message();
    if lost || PASSING.iter().any(|words| message.contains(words)) {
        unavailable(error)
    } else if let Some(rule) = information.constraint_name() {
        StoreError::Refused(rule.to_owned())
    } else if DENIED.iter().any(|words| message.contains(words)) {
        StoreError::Refused(ROW_SECURITY.to_owned())
    } else {
        StoreError::Defect(Box::new(error))
    }
}

/// The store is out of reach because of `cause`.
pub(crate) fn unavailable(cause: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Box::new(cause))
}

/// Names the rules that accounts and companies can break.
pub(crate) fn tenancy_error(error: StoreError) -> TenancyError {
    match error {
        StoreError::Refused(rule) => match rule.as_str() {
            "users_email_key" | "employees_company_email_key" => TenancyError::EmailTaken,
            "deletion_requests_one_pending" => TenancyError::DeletionPending,
            "company_domains_pkey" => TenancyError::DomainTaken,
            "companies_siret_key" => TenancyError::SiretTaken,
            // The program knows a zone that the server does not.
            "companies_timezone_known" => TenancyError::Invalid(vec![FieldError::new("timezone", "invalid")]),
            _ => TenancyError::Store(StoreError::Refused(rule)),
        },
        other @ (StoreError::Unavailable(_) | StoreError::Defect(_)) => other.into(),
    }
}

/// Names the rules that bookings and reviews can break.
pub(crate) fn booking_error(error: StoreError) -> BookingError {
    match error {
        StoreError::Refused(rule) => match rule.as_str() {
            "practitioner_busy_no_overlap" => BookingError::SlotTaken,
            "consultations_employee_no_overlap" => BookingError::AlreadyBooked,
            "reviews_consultation_key" => BookingError::AlreadyReviewed,
            _ => BookingError::Store(StoreError::Refused(rule)),
        },
        other @ (StoreError::Unavailable(_) | StoreError::Defect(_)) => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> StoreError {
        store_error(DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())))
    }

    #[test]
    fn a_server_that_cannot_write_is_out_of_reach_and_no_defect() {
        for message in [
            "could not extend file \"base/5/16384\": No space left on device",
            "could not write to file \"pg_wal/xlogtemp.7\": No space left on device",
            "cannot execute INSERT in a read-only transaction",
            "terminating connection due to administrator command",
        ] {
            assert!(matches!(told(message), StoreError::Unavailable(_)), "{message}");
        }
        assert!(matches!(told("column \"nope\" does not exist"), StoreError::Defect(_)));
    }
}

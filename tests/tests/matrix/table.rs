//! The authorization matrix: who gets what from each operation, aliases included.
//!
//! A row names the operation, what its path or body names (`-`: nothing that belongs to anybody;
//! `own …`: something of the caller's), and the status for each of the columns:
//! nobody | `SUPER_ADMIN` | `ADMIN_HUNTZEN` | `ADMIN_RH` of the company, a colleague of theirs, of
//! another company | `PRACTITIONER` whose it is, another | `EMPLOYEE` whose it is, a colleague of
//! theirs, of another company.
//!
//! `agg`: the role may ask, and is told of nobody: 403 `aggregated_only`, whoever it asks about.
//!
//! HR is told 202 of whatever invitation it sends again or takes back, anybody's and nobody's; that
//! another company's is left alone, `invitations` tests.

/// The rows.
pub const TABLE: &str = "
#                                        |                   |  -    S   A   H   H2  H*  P   P*  E   E2  E*
POST   /auth/login                       | -                 | 200 200 200 200 200 200 200 200 200 200 200
POST   /auth/refresh                     | -                 | 200 200 200 200 200 200 200 200 200 200 200
POST   /auth/logout                      | -                 | 401 204 204 204 204 204 204 204 204 204 204
POST   /auth/ws-ticket                   | -                 | 401 200 200 200 200 200 200 200 200 200 200
GET    /auth/me                          | -                 | 401 200 200 200 200 200 200 200 200 200 200
GET    /auth/sessions                    | -                 | 401 200 200 200 200 200 200 200 200 200 200
DELETE /auth/sessions/{id}               | own session       | 401 204 204 204 204 204 204 204 204 204 204
DELETE /auth/sessions/{id}               | session           | 401 404 404 404 404 404 404 404 204 404 404
POST   /auth/register                    | -                 | 201 201 201 201 201 201 201 201 201 201 201
POST   /auth/verify-email                | -                 | 200 200 200 200 200 200 200 200 200 200 200
POST   /auth/resend-verification         | -                 | 202 202 202 202 202 202 202 202 202 202 202
POST   /auth/forgot-password             | -                 | 202 202 202 202 202 202 202 202 202 202 202
POST   /auth/reset-password              | -                 | 200 200 200 200 200 200 200 200 200 200 200
POST   /auth/change-password             | -                 | 401 200 200 200 200 200 200 200 200 200 200
POST   /auth/step-up                     | -                 | 401 200 200 200 200 200 200 200 200 200 200
POST   /auth/2fa/setup                   | -                 | 401 200 200 200 200 200 200 200 200 200 200
POST   /auth/2fa/verify                  | -                 | 401 200 200 200 200 200 200 200 200 200 200
POST   /auth/2fa/disable                 | -                 | 401 200 200 200 200 200 200 200 200 200 200

POST   /super-admin/admins               | -                 | 401 201 403 403 403 403 403 403 403 403 403
POST   /super-admin/users/{id}/block     | account           | 401 200 403 403 403 403 403 403 403 403 403
PUT    /super-admin/users/{id}/block     | account           | 401 200 403 403 403 403 403 403 403 403 403
POST   /super-admin/users/{id}/unblock   | account           | 401 200 403 403 403 403 403 403 403 403 403
PUT    /super-admin/users/{id}/unblock   | account           | 401 200 403 403 403 403 403 403 403 403 403

POST   /companies                        | -                 | 401 403 201 403 403 403 403 403 403 403 403
GET    /companies                        | -                 | 401 403 200 403 403 403 403 403 403 403 403
GET    /companies/me                     | -                 | 401 403 403 200 200 200 403 403 403 403 403
GET    /companies/{id}                   | company           | 401 403 200 200 200 404 403 403 403 403 403
PATCH  /companies/{id}                   | company           | 401 403 200 200 200 404 403 403 403 403 403
PUT    /companies/{id}                   | company           | 401 403 200 200 200 404 403 403 403 403 403
POST   /companies/{id}/validate          | company           | 401 403 200 403 403 403 403 403 403 403 403
PUT    /companies/{id}/validate          | company           | 401 403 200 403 403 403 403 403 403 403 403
POST   /companies/{id}/activate          | company           | 401 403 200 403 403 403 403 403 403 403 403
PUT    /companies/{id}/activate          | company           | 401 403 200 403 403 403 403 403 403 403 403
POST   /companies/{id}/suspend           | company           | 401 403 200 403 403 403 403 403 403 403 403
PUT    /companies/{id}/suspend           | company           | 401 403 200 403 403 403 403 403 403 403 403
POST   /companies/{id}/admins            | company           | 401 403 201 201 201 404 403 403 403 403 403

POST   /employees                        | -                 | 401 403 403 201 201 201 403 403 403 403 403
GET    /employees                        | -                 | 401 403 403 200 200 200 403 403 403 403 403
POST   /employees/import                 | -                 | 401 403 403 200 200 200 403 403 403 403 403
POST   /employees/activate               | -                 | 200 200 200 200 200 200 200 200 200 200 200
GET    /employees/me                     | -                 | 401 403 403 403 403 403 403 403 200 200 200
PATCH  /employees/me                     | -                 | 401 403 403 403 403 403 403 403 200 200 200
PUT    /employees/me                     | -                 | 401 403 403 403 403 403 403 403 200 200 200
GET    /employees/{id}                   | employee          | 401 403 403 200 200 404 403 403 200 404 404
PATCH  /employees/{id}                   | employee          | 401 403 403 200 200 404 403 403 200 404 404
PUT    /employees/{id}                   | employee          | 401 403 403 200 200 404 403 403 200 404 404
POST   /employees/{id}/activate          | employee          | 401 403 403 200 200 404 403 403 403 403 403
PUT    /employees/{id}/activate          | employee          | 401 403 403 200 200 404 403 403 403 403 403
POST   /employees/{id}/deactivate        | employee          | 401 403 403 200 200 404 403 403 403 403 403
PUT    /employees/{id}/deactivate        | employee          | 401 403 403 200 200 404 403 403 403 403 403
POST   /employees/{id}/resend-invitation | employee          | 401 403 403 202 202 202 403 403 403 403 403
POST   /employees/resend-invitations     | -                 | 401 403 403 202 202 202 403 403 403 403 403
DELETE /employees/{id}/invitation        | employee          | 401 403 403 202 202 202 403 403 403 403 403

POST   /practitioners                    | -                 | 401 403 201 403 403 403 403 403 403 403 403
GET    /practitioners                    | -                 | 401 403 200 403 403 403 403 403 403 403 403
GET    /practitioners/pending            | -                 | 401 403 200 403 403 403 403 403 403 403 403
POST   /practitioners/{id}/validate      | practitioner      | 401 403 200 403 403 403 403 403 403 403 403
PUT    /practitioners/{id}/validate      | practitioner      | 401 403 200 403 403 403 403 403 403 403 403
POST   /practitioners/{id}/suspend       | practitioner      | 401 403 200 403 403 403 403 403 403 403 403
PUT    /practitioners/{id}/suspend       | practitioner      | 401 403 200 403 403 403 403 403 403 403 403
GET    /practitioners/me                 | -                 | 401 403 403 403 403 403 200 200 403 403 403
PATCH  /practitioners/me                 | -                 | 401 403 403 403 403 403 200 200 403 403 403
PUT    /practitioners/me                 | -                 | 401 403 403 403 403 403 200 200 403 403 403
GET    /practitioners/search             | -                 | 200 200 200 200 200 200 200 200 200 200 200
GET    /practitioners/{id}               | practitioner      | 200 200 200 200 200 200 200 200 200 200 200

POST   /availability                     | -                 | 401 403 403 403 403 403 201 201 403 403 403
GET    /availability                     | -                 | 401 403 403 403 403 403 200 200 403 403 403
PATCH  /availability/{id}                | rule              | 401 403 403 403 403 403 200 404 403 403 403
PUT    /availability/{id}                | rule              | 401 403 403 403 403 403 200 404 403 403 403
DELETE /availability/{id}                | rule              | 401 403 403 403 403 403 204 404 403 403 403
POST   /availability/exception           | -                 | 401 403 403 403 403 403 201 201 403 403 403
GET    /availability/exceptions          | -                 | 401 403 403 403 403 403 200 200 403 403 403
DELETE /availability/exceptions/{id}     | exception         | 401 403 403 403 403 403 204 404 403 403 403
GET    /availability/slots               | rule              | 401 403 403 403 403 403 200 200 200 200 200
GET    /availability/earliest            | rule              | 401 403 403 403 403 403 403 403 200 200 200

POST   /consultations                    | rule              | 401 403 403 403 403 403 403 403 201 201 201
GET    /consultations/mine               | -                 | 401 403 403 403 403 403 200 200 200 200 200
GET    /consultations/my                 | -                 | 401 403 403 403 403 403 200 200 200 200 200
GET    /consultations/upcoming           | -                 | 401 403 403 403 403 403 200 200 200 200 200
GET    /consultations/history            | -                 | 401 403 403 403 403 403 200 200 200 200 200
GET    /consultations/{id}               | consultation      | 401 200 200 403 403 403 200 404 200 404 404
GET    /consultations/{id}/events        | consultation      | 401 200 200 403 403 403 200 404 200 404 404
GET    /consultations/{id}/calendar.ics  | consultation      | 401 403 403 403 403 403 200 404 200 404 404
POST   /consultations/{id}/confirm       | consultation      | 401 403 403 403 403 403 200 404 403 403 403
PUT    /consultations/{id}/confirm       | consultation      | 401 403 403 403 403 403 200 404 403 403 403
POST   /consultations/{id}/cancel        | consultation      | 401 403 403 403 403 403 200 404 200 404 404
PUT    /consultations/{id}/cancel        | consultation      | 401 403 403 403 403 403 200 404 200 404 404
POST   /consultations/{id}/reschedule    | consultation      | 401 403 403 403 403 403 200 404 200 404 404
PUT    /consultations/{id}/reschedule    | consultation      | 401 403 403 403 403 403 200 404 200 404 404
POST   /consultations/{id}/start         | due consultation  | 401 403 403 403 403 403 200 404 403 403 403
PUT    /consultations/{id}/start         | due consultation  | 401 403 403 403 403 403 200 404 403 403 403
POST   /consultations/{id}/end           | begun consultation| 401 403 403 403 403 403 200 404 403 403 403
PUT    /consultations/{id}/end           | begun consultation| 401 403 403 403 403 403 200 404 403 403 403
POST   /consultations/{id}/no-show       | due consultation  | 401 403 403 403 403 403 200 404 403 403 403
PUT    /consultations/{id}/no-show       | due consultation  | 401 403 403 403 403 403 200 404 403 403 403
POST   /consultations/{id}/room          | due consultation  | 401 403 403 403 403 403 200 404 200 404 404
GET    /consultations/{id}/room          | due consultation  | 401 403 403 403 403 403 200 404 200 404 404
POST   /consultations/{id}/feedback      | past consultation | 401 403 403 403 403 403 403 403 201 404 404

GET    /reviews/pending                  | review            | 401 403 200 403 403 403 403 403 403 403 403
POST   /reviews/{id}/publish             | review            | 401 403 200 403 403 403 403 403 403 403 403
PUT    /reviews/{id}/publish             | review            | 401 403 200 403 403 403 403 403 403 403 403
POST   /reviews/{id}/reject              | review            | 401 403 200 403 403 403 403 403 403 403 403
PUT    /reviews/{id}/reject              | review            | 401 403 200 403 403 403 403 403 403 403 403

POST   /medical/clinical-notes          | consultation      | 401 403 403 403 403 403 201 404 403 403 403
POST   /clinical-notes                  | consultation      | 401 403 403 403 403 403 201 404 403 403 403
GET    /medical/clinical-notes/consultation/{id}| consultation      | 401 403 403 403 403 403 200 404 403 403 403
GET    /medical/clinical-notes/{id}     | consultation      | 401 403 403 403 403 403 200 404 403 403 403
GET    /clinical-notes/consultation/{id}| consultation      | 401 403 403 403 403 403 200 404 403 403 403
PATCH  /medical/clinical-notes/{id}     | note              | 401 403 403 403 403 403 200 404 403 403 403
PATCH  /clinical-notes/{id}             | note              | 401 403 403 403 403 403 200 404 403 403 403
PUT    /medical/clinical-notes/{id}     | note              | 401 403 403 403 403 403 200 404 403 403 403
PUT    /clinical-notes/{id}             | note              | 401 403 403 403 403 403 200 404 403 403 403
DELETE /medical/clinical-notes/{id}     | note              | 401 403 403 403 403 403 204 404 403 403 403
DELETE /clinical-notes/{id}             | note              | 401 403 403 403 403 403 204 404 403 403 403
GET    /medical/clinical-notes/{id}/versions| note              | 401 403 403 403 403 403 200 404 403 403 403
GET    /clinical-notes/{id}/versions    | note              | 401 403 403 403 403 403 200 404 403 403 403
POST   /medical/journal                 | -                 | 401 403 403 403 403 403 403 403 201 201 201
GET    /medical/journal                 | -                 | 401 403 403 403 403 403 403 403 200 200 200
POST   /journal                         | -                 | 401 403 403 403 403 403 403 403 201 201 201
GET    /journal                         | -                 | 401 403 403 403 403 403 403 403 200 200 200
GET    /medical/journal/{id}            | journal entry     | 401 403 403 403 403 403 403 403 200 404 404
PATCH  /medical/journal/{id}            | journal entry     | 401 403 403 403 403 403 403 403 200 404 404
PUT    /medical/journal/{id}            | journal entry     | 401 403 403 403 403 403 403 403 200 404 404
DELETE /medical/journal/{id}            | journal entry     | 401 403 403 403 403 403 403 403 204 404 404
GET    /journal/{id}                    | journal entry     | 401 403 403 403 403 403 403 403 200 404 404
PATCH  /journal/{id}                    | journal entry     | 401 403 403 403 403 403 403 403 200 404 404
PUT    /journal/{id}                    | journal entry     | 401 403 403 403 403 403 403 403 200 404 404
DELETE /journal/{id}                    | journal entry     | 401 403 403 403 403 403 403 403 204 404 404

GET    /chat/{id}/messages               | due consultation  | 401 403 403 403 403 403 200 404 200 404 404
POST   /chat/{id}/messages               | due consultation  | 401 403 403 403 403 403 201 404 201 404 404
PUT    /chat/messages/{id}/read          | message           | 401 403 403 403 403 403 200 404 200 404 404
POST   /chat/messages/{id}/read          | message           | 401 403 403 403 403 403 200 404 200 404 404

GET    /metrics/practitioners/{id}       | practitioner      | 401 403 200 403 403 403 200 404 403 403 403
GET    /metrics/practitioners/{id}/export| practitioner      | 401 403 200 403 403 403 200 404 403 403 403
GET    /reports/practitioner-stats       | -                 | 401 403 403 403 403 403 200 200 403 403 403
GET    /reports/practitioner-billing     | -                 | 401 403 403 403 403 403 200 200 403 403 403
GET    /reports/practitioner-export-csv  | -                 | 401 403 403 403 403 403 200 200 403 403 403

GET    /metrics/companies/{id}           | company           | 401 403 200 200 200 404 403 403 403 403 403
GET    /metrics/companies/{id}/export    | company           | 401 403 200 200 200 404 403 403 403 403 403
GET    /metrics/companies/{id}/invoice   | company           | 401 403 200 403 403 403 403 403 403 403 403
GET    /metrics/employees/{id}           | employee          | 401 403 403 agg agg agg 403 403 403 403 403
GET    /metrics/employees/{id}           | named employee    | 401 403 403 200 200 agg 403 403 403 403 403
GET    /metrics/what-hr-sees             | -                 | 401 403 403 403 403 403 403 403 200 200 200
GET    /reports/employee-usage           | -                 | 401 403 403 200 200 200 403 403 403 403 403
GET    /reports/employee-usage/{id}      | employee          | 401 403 403 agg agg agg 403 403 403 403 403
GET    /reports/employee-usage/{id}      | named employee    | 401 403 403 200 200 agg 403 403 403 403 403
GET    /reports/export-employee-usage    | -                 | 401 403 403 200 200 200 403 403 403 403 403

GET    /super-admin/audit-logs           | -                 | 401 200 403 403 403 403 403 403 403 403 403
GET    /super-admin/audit-logs/verify    | -                 | 401 200 403 403 403 403 403 403 403 403 403
GET    /users/me/access-log              | -                 | 401 200 200 200 200 200 200 200 200 200 200

GET    /users/me/export                  | -                 | 401 200 200 200 200 200 200 200 200 200 200
GET    /users/me/delete-request          | -                 | 401 200 200 200 200 200 200 200 200 200 200
POST   /users/me/delete-request          | -                 | 401 201 201 201 201 201 201 201 201 201 201
POST   /users/me/delete-request/cancel   | -                 | 401 200 200 200 200 200 200 200 200 200 200
PUT    /users/me/delete-request/cancel   | -                 | 401 200 200 200 200 200 200 200 200 200 200
POST   /users/me/email                   | -                 | 401 202 202 202 202 202 202 202 202 202 202
POST   /users/me/email/confirm           | -                 | 200 200 200 200 200 200 200 200 200 200 200
GET    /users/me/preferences             | -                 | 401 200 200 200 200 200 200 200 200 200 200
PATCH  /users/me/preferences             | -                 | 401 200 200 200 200 200 200 200 200 200 200
PUT    /users/me/preferences             | -                 | 401 200 200 200 200 200 200 200 200 200 200

POST   /articles                         | -                 | 401 403 201 403 403 403 403 403 403 403 403
GET    /articles                         | -                 | 200 200 200 200 200 200 200 200 200 200 200
GET    /articles/{slugOrId}              | article           | 200 200 200 200 200 200 200 200 200 200 200
GET    /articles/{slugOrId}              | draft             | 404 404 200 404 404 404 404 404 404 404 404
PATCH  /articles/{slugOrId}              | draft             | 401 403 200 403 403 403 403 403 403 403 403
PUT    /articles/{slugOrId}              | draft             | 401 403 200 403 403 403 403 403 403 403 403
DELETE /articles/{slugOrId}              | article           | 401 403 204 403 403 403 403 403 403 403 403
POST   /articles/{slugOrId}/publish      | draft             | 401 403 200 403 403 403 403 403 403 403 403
PUT    /articles/{slugOrId}/publish      | draft             | 401 403 200 403 403 403 403 403 403 403 403
PUT    /articles/{slugOrId}/view         | article           | 200 200 200 200 200 200 200 200 200 200 200
POST   /articles/{slugOrId}/view         | article           | 200 200 200 200 200 200 200 200 200 200 200
PUT    /articles/{slugOrId}/view         | draft             | 404 404 404 404 404 404 404 404 404 404 404

POST   /news                             | -                 | 401 403 403 201 201 201 403 403 403 403 403
GET    /news                             | -                 | 401 403 403 200 200 200 403 403 403 403 403
GET    /news/company                     | -                 | 401 403 403 403 403 403 403 403 200 200 200
PATCH  /news/{id}                        | news              | 401 403 403 200 200 404 403 403 403 403 403
PUT    /news/{id}                        | news              | 401 403 403 200 200 404 403 403 403 403 403
DELETE /news/{id}                        | news              | 401 403 403 204 204 404 403 403 403 403 403

POST   /files/upload                     | -                 | 401 201 201 201 201 201 201 201 201 201 201
GET    /files/{id}                       | own document      | 401 200 200 200 200 200 200 200 200 200 200
GET    /files/{id}                       | document          | 401 404 404 404 404 404 404 404 200 404 404
GET    /files/{id}                       | certificate       | 401 404 200 404 404 404 200 404 404 404 404
GET    /files/{id}                       | attachment        | 401 404 404 404 404 404 200 404 200 404 404
GET    /files/{id}                       | picture           | 401 200 200 200 200 200 200 200 200 200 200
GET    /files/{id}                       | public picture    | 200 200 200 200 200 200 200 200 200 200 200
GET    /files/{id}/meta                  | own document      | 401 200 200 200 200 200 200 200 200 200 200
GET    /files/{id}/meta                  | document          | 401 404 404 404 404 404 404 404 200 404 404
GET    /files/{id}/meta                  | certificate       | 401 404 200 404 404 404 200 404 404 404 404
GET    /files/{id}/meta                  | attachment        | 401 404 404 404 404 404 200 404 200 404 404
DELETE /files/{id}                       | own document      | 401 204 204 204 204 204 204 204 204 204 204
DELETE /files/{id}                       | document          | 401 404 404 404 404 404 404 404 204 404 404
DELETE /files/{id}                       | certificate       | 401 404 404 404 404 404 204 404 404 404 404
DELETE /files/{id}                       | attachment        | 401 404 404 404 404 404 404 404 204 404 404
DELETE /files/{id}                       | public picture    | 401 404 404 404 404 404 204 404 404 404 404

GET    /notifications                    | -                 | 401 200 200 200 200 200 200 200 200 200 200
PUT    /notifications/read-all           | -                 | 401 200 200 200 200 200 200 200 200 200 200
POST   /notifications/read-all           | -                 | 401 200 200 200 200 200 200 200 200 200 200
PUT    /notifications/{id}/read          | own notification  | 401 200 200 200 200 200 200 200 200 200 200
PUT    /notifications/{id}/read          | notification      | 401 404 404 404 404 404 404 404 200 404 404
POST   /notifications/{id}/read          | own notification  | 401 200 200 200 200 200 200 200 200 200 200
POST   /notifications/{id}/read          | notification      | 401 404 404 404 404 404 404 404 200 404 404
DELETE /notifications/{id}               | own notification  | 401 204 204 204 204 204 204 204 204 204 204
DELETE /notifications/{id}               | notification      | 401 404 404 404 404 404 404 404 204 404 404

GET    /crisis                           | -                 | 200 200 200 200 200 200 200 200 200 200 200
GET    /health                           | -                 | 200 200 200 200 200 200 200 200 200 200 200
GET    /super-admin/health               | -                 | 401 200 403 403 403 403 403 403 403 403 403
GET    /health/live                      | -                 | 200 200 200 200 200 200 200 200 200 200 200
";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Without a token.
    Nobody,
    /// Operates the platform.
    Operator,
    /// Manages companies and practitioners.
    Administrator,
    /// HR of the company.
    Hr,
    /// Another account of the same HR.
    HrColleague,
    /// HR of another company.
    OtherHr,
    /// The practitioner whose things the rows speak of.
    Practitioner,
    /// Another one.
    OtherPractitioner,
    /// The employee whose things the rows speak of.
    Employee,
    /// Another one of the same company.
    Colleague,
    /// One of another company.
    Stranger,
}

/// The columns from left to right.
pub const COLUMNS: [Who; 11] = [
    Who::Nobody,
    Who::Operator,
    Who::Administrator,
    Who::Hr,
    Who::HrColleague,
    Who::OtherHr,
    Who::Practitioner,
    Who::OtherPractitioner,
    Who::Employee,
    Who::Colleague,
    Who::Stranger,
];

/// One row, read.
#[derive(Clone, Debug)]
pub struct Row {
    /// The method.
    pub method: &'static str,
    /// The path template.
    pub path: &'static str,
    /// What it is about.
    pub subject: &'static str,
    /// The statuses, as in [`COLUMNS`].
    pub expected: Vec<u16>,
}

impl Row {
    /// The path about the thing that this names.
    pub fn about(&self, id: &str) -> String {
        about(self.path, id)
    }

    /// Whether the path names a thing.
    pub fn names_a_thing(&self) -> bool {
        self.path.contains('{')
    }
}

/// A path template about the thing that `id` names.
pub fn about(template: &str, id: &str) -> String {
    template.replace("{id}", id).replace("{slugOrId}", id)
}

/// The rows of [`TABLE`].
pub fn rows() -> Vec<Row> {
    rows_of(TABLE)
}

/// The rows of a table with these columns.
pub fn rows_of(table: &'static str) -> Vec<Row> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| read(line).unwrap_or_else(|| panic!("not a row: {line}"))).collect()
}

/// What stands for a 403 that is told whomever one asks about.
pub const AGGREGATED_ONLY: u16 = 1403;

fn cell(text: &str) -> Option<u16> {
    if text == "agg" { Some(AGGREGATED_ONLY) } else { text.parse().ok() }
}

fn read(line: &'static str) -> Option<Row> {
    let mut parts = line.split('|').map(str::trim);
    let (operation, subject, statuses) = (parts.next()?, parts.next()?, parts.next()?);
    let (method, path) = operation.split_once(' ')?;
    let expected: Vec<u16> = statuses.split(' ').map(cell).collect::<Option<_>>()?;
    let whole = parts.next().is_none() && expected.len() == COLUMNS.len();
    whole.then_some(Row { method, path: path.trim(), subject, expected })
}

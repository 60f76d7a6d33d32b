//! Who may do what: the five roles, the permissions, and the one table that joins them.
use crate::{scope::Actor, words};

words! {
    /// What an account is, in the product's terms.
    Role {
        /// Operates the platform.
        SuperAdmin = "SUPER_ADMIN" | "R1_PSG_SUPER",
        /// Manages companies, practitioners and articles.
        AdminHuntzen = "ADMIN_HUNTZEN" | "R2_HUNTZEN_ADMIN",
        /// Human resources of one company.
        AdminRh = "ADMIN_RH" | "R3_COMPANY_RH",
        /// Serves every active company.
        Practitioner = "PRACTITIONER" | "R4_PRACTITIONER",
        /// A beneficiary, of one company.
        Employee = "EMPLOYEE" | "R5_EMPLOYEE",
    }
}

use Role::{AdminHuntzen, AdminRh, Employee, Practitioner, SuperAdmin};

const ANY: &[Role] = &[SuperAdmin, AdminHuntzen, AdminRh, Practitioner, Employee];

/// Declares the permissions together with the roles that hold each: the only such table.
macro_rules! permissions {
    ($($(#[$about:meta])* $name:ident = $word:literal => $roles:expr),+ $(,)?) => {
        words! {
            /// Something that an account may be allowed to do.
            Permission { $($(#[$about])* $name = $word),+ }
        }

        impl Permission {
            /// The roles that hold this permission; no other role does.
            pub fn roles(self) -> &'static [Role] {
                match self { $(Self::$name => $roles),+ }
            }
        }
    };
}

permissions! {
    /// Read and end one's own sessions, change one's own password, read one's own account.
    AccountOwn = "ACCOUNT_OWN" => ANY,
    /// Invite operators and administrators.
    AdminsInvite = "ADMINS_INVITE" => &[SuperAdmin],
    /// Block and unblock accounts.
    UsersBlock = "USERS_BLOCK" => &[SuperAdmin],
    /// Create, list, validate and suspend companies.
    CompaniesManage = "COMPANIES_MANAGE" => &[AdminHuntzen],
    /// Read and edit a company (one's own, unless an administrator).
    CompanyEdit = "COMPANY_EDIT" => &[AdminHuntzen, AdminRh],
    /// Read one's own company.
    CompanyOwnRead = "COMPANY_OWN_READ" => &[AdminRh],
    /// Invite an HR colleague (to one's own company, unless an administrator).
    CompanyAdminsInvite = "COMPANY_ADMINS_INVITE" => &[AdminHuntzen, AdminRh],
    /// List, invite, activate and deactivate the employees of one's own company.
    EmployeesManage = "EMPLOYEES_MANAGE" => &[AdminRh],
    /// Read and edit an employee: HR its own company's, an employee itself.
    EmployeeEdit = "EMPLOYEE_EDIT" => &[AdminRh, Employee],
    /// Read and edit oneself as an employee.
    EmployeeOwn = "EMPLOYEE_OWN" => &[Employee],
    /// Invite, list, validate and suspend practitioners.
    PractitionersManage = "PRACTITIONERS_MANAGE" => &[AdminHuntzen],
    /// Read and edit one's own practitioner profile.
    PractitionerOwn = "PRACTITIONER_OWN" => &[Practitioner],
    /// Publish one's own availability.
    AvailabilityOwn = "AVAILABILITY_OWN" => &[Practitioner],
    /// See the slots of a practitioner.
    SlotsRead = "SLOTS_READ" => &[Practitioner, Employee],
    /// Find the earliest slots over all practitioners.
    SlotsEarliest = "SLOTS_EARLIEST" => &[Employee],
    /// Book a consultation.
    BookingCreate = "BOOKING_CREATE" => &[Employee],
    /// Cancel one's own consultation.
    BookingCancelOwn = "BOOKING_CANCEL_OWN" => &[Employee, Practitioner],
    /// Move one's own consultation to another slot.
    BookingRescheduleOwn = "BOOKING_RESCHEDULE_OWN" => &[Employee, Practitioner],
    /// List one's own consultations.
    ConsultationsMyRead = "CONSULTATIONS_MY_READ" => &[Employee, Practitioner],
    /// Read one consultation: participants wholly, administrators redacted.
    ConsultationRead = "CONSULTATION_READ" => &[SuperAdmin, AdminHuntzen, Practitioner, Employee],
    /// Confirm, start, end one's own consultations, or mark a no-show.
    ConsultationsOwnWrite = "CONSULTATIONS_OWN_WRITE" => &[Practitioner],
    /// Enter the room of one's own consultation, download its calendar entry.
    ConsultationsOwnJoin = "CONSULTATIONS_OWN_JOIN" => &[Employee, Practitioner],
    /// Give feedback on one's own consultation.
    FeedbackGive = "FEEDBACK_GIVE" => &[Employee],
    /// Publish or reject reviews.
    ReviewsModerate = "REVIEWS_MODERATE" => &[AdminHuntzen],
    /// Write clinical notes on one's own consultations.
    ClinicalNotesOwnWrite = "CLINICAL_NOTES_OWN_WRITE" => &[Practitioner],
    /// Read one's own clinical notes.
    ClinicalNotesOwnRead = "CLINICAL_NOTES_OWN_READ" => &[Practitioner],
    /// Write one's own journal.
    JournalOwnWrite = "JOURNAL_OWN_WRITE" => &[Employee],
    /// Read one's own journal.
    JournalOwnRead = "JOURNAL_OWN_READ" => &[Employee],
    /// Write messages in the conversation of one's own consultation, and mark them as read.
    ChatOwnWrite = "CHAT_OWN_WRITE" => &[Employee, Practitioner],
    /// Read the conversation of one's own consultation.
    ChatOwnRead = "CHAT_OWN_READ" => &[Employee, Practitioner],
    /// Call the other participant of one's own consultation.
    CallsOwn = "CALLS_OWN" => &[Employee, Practitioner],
    /// Read a practitioner's usage figures (one's own, unless an administrator).
    MetricsPractitionerUsageRead = "METRICS_PRACTITIONER_USAGE_READ" => &[AdminHuntzen, Practitioner],
    /// Read the published usage of one's own company's employees.
    MetricsEmployeeUsageRead = "METRICS_EMPLOYEE_USAGE_READ" => &[AdminRh],
    /// Read a company's published usage figures.
    MetricsCompanyRead = "METRICS_COMPANY_READ" => &[AdminHuntzen, AdminRh],
    /// Read the exact total of a company's closed month, to invoice it.
    MetricsCompanyInvoice = "METRICS_COMPANY_INVOICE" => &[AdminHuntzen],
    /// Read what HR is told about one's own company.
    ReportingOwnRead = "REPORTING_OWN_READ" => &[Employee],
    /// Read one's own statements, line by line.
    StatementsOwn = "STATEMENTS_OWN" => &[Practitioner],
    /// Export a practitioner's usage figures.
    ExportsPractitionerUsage = "EXPORTS_PRACTITIONER_USAGE" => &[AdminHuntzen, Practitioner],
    /// Export the published usage of one's own company's employees.
    ExportsEmployeeUsage = "EXPORTS_EMPLOYEE_USAGE" => &[AdminRh],
    /// Export a company's published usage figures.
    ExportsMetricsCompany = "EXPORTS_METRICS_COMPANY" => &[AdminHuntzen, AdminRh],
    /// Write, publish and delete articles.
    ArticlesWrite = "ARTICLES_WRITE" => &[AdminHuntzen],
    /// Publish news to the people of one's own company.
    NewsWrite = "NEWS_WRITE" => &[AdminRh],
    /// Read the news of one's own company.
    NewsRead = "NEWS_READ" => &[Employee],
    /// Read the audit trail, and have it verified.
    AuditLogsRead = "AUDIT_LOGS_READ" => &[SuperAdmin],
    /// Read how the service, its machine and its queues do.
    SystemHealthRead = "SYSTEM_HEALTH_READ" => &[SuperAdmin],
    /// Take one's own data away.
    DataOwnExport = "DATA_OWN_EXPORT" => ANY,
    /// Ask to be erased, and take that back.
    DataOwnErase = "DATA_OWN_ERASE" => ANY,
    /// Read who touched one's own data.
    AccessLogOwn = "ACCESS_LOG_OWN" => ANY,
    /// Read and change one's own preferences.
    PreferencesOwn = "PREFERENCES_OWN" => ANY,
    /// Read and clear one's own notifications.
    NotificationsOwn = "NOTIFICATIONS_OWN" => ANY,
    /// Send files of one's own, read and delete them, and read pictures.
    FilesOwn = "FILES_OWN" => ANY,
    /// Send certificates of one's own training.
    CertificatesOwn = "CERTIFICATES_OWN" => &[Practitioner],
    /// Send files to the other participant of one's own consultation.
    AttachmentsOwn = "ATTACHMENTS_OWN" => &[Employee, Practitioner],
}

impl Permission {
    /// Whether to use it tells that somebody consults, or is consulted.
    pub fn is_about_care(self) -> bool {
        match self {
            Self::SlotsRead
            | Self::SlotsEarliest
            | Self::BookingCreate
            | Self::BookingCancelOwn
            | Self::BookingRescheduleOwn
            | Self::ConsultationsMyRead
            | Self::ConsultationRead
            | Self::ConsultationsOwnWrite
            | Self::ConsultationsOwnJoin
            | Self::FeedbackGive
            | Self::ReviewsModerate
            | Self::ClinicalNotesOwnWrite
            | Self::ClinicalNotesOwnRead
            | Self::JournalOwnWrite
            | Self::JournalOwnRead
            | Self::ChatOwnWrite
            | Self::ChatOwnRead
            | Self::CallsOwn
            | Self::MetricsPractitionerUsageRead
            | Self::MetricsEmployeeUsageRead
            | Self::MetricsCompanyRead
            | Self::MetricsCompanyInvoice
            | Self::ReportingOwnRead
            | Self::ExportsEmployeeUsage
            | Self::StatementsOwn
            | Self::ExportsPractitionerUsage
            | Self::ExportsMetricsCompany
            | Self::AccessLogOwn
            | Self::PreferencesOwn
            | Self::NotificationsOwn
            | Self::FilesOwn
            | Self::CertificatesOwn
            | Self::AttachmentsOwn => true,
            Self::AccountOwn
            | Self::DataOwnExport
            | Self::DataOwnErase
            | Self::AdminsInvite
            | Self::UsersBlock
            | Self::CompaniesManage
            | Self::CompanyEdit
            | Self::CompanyOwnRead
            | Self::CompanyAdminsInvite
            | Self::EmployeesManage
            | Self::EmployeeEdit
            | Self::EmployeeOwn
            | Self::PractitionersManage
            | Self::PractitionerOwn
            | Self::AvailabilityOwn
            | Self::ArticlesWrite
            | Self::NewsWrite
            | Self::NewsRead
            | Self::AuditLogsRead
            | Self::SystemHealthRead => false,
        }
    }
}

impl Role {
    /// Whether this role holds `permission`.
    pub fn may(self, permission: Permission) -> bool {
        permission.roles().contains(&self)
    }

    /// Whether accounts of this role belong to a company.
    pub fn has_company(self) -> bool {
        matches!(self, AdminRh | Employee)
    }
}

/// The role lacks the permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the role lacks the permission")]
pub struct Forbidden;

impl Actor {
    /// Passes an actor that holds `permission`.
    ///
    /// # Errors
    /// `Forbidden` when its role lacks the permission.
    pub fn require(&self, permission: Permission) -> Result<(), Forbidden> {
        if self.role.may(permission) { Ok(()) } else { Err(Forbidden) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Words;

    #[test]
    fn no_administrator_holds_a_clinical_permission() {
        for permission in Permission::ALL {
            if ["CLINICAL", "JOURNAL", "CHAT", "CALLS", "ATTACHMENTS"]
                .iter()
                .any(|word| permission.as_str().starts_with(word))
            {
                for role in [SuperAdmin, AdminHuntzen, AdminRh] {
                    assert!(!role.may(*permission), "{role} holds {permission}");
                }
            }
        }
    }

    #[test]
    fn the_names_of_the_first_sketches_are_accepted_on_input() {
        assert_eq!(Role::parse("R3_COMPANY_RH"), Some(AdminRh));
        assert_eq!(Role::parse("employee"), Some(Employee));
        assert_eq!(Role::parse("OWNER"), None);
    }

    #[test]
    fn no_two_roles_share_every_permission() {
        for (at, one) in Role::ALL.iter().enumerate() {
            for other in Role::ALL.iter().skip(at + 1) {
                assert!(Permission::ALL.iter().any(|p| one.may(*p) != other.may(*p)));
            }
        }
    }
}

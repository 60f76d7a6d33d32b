//! What stands in few rows: the account, the employee's entry, preferences, requests to be erased.
use huntzen_tenancy::{
    employee::Employee,
    erasure::OpenDeletionRequest,
    identity::User,
    own_data::{OwnAccount, told},
    preferences::{Alias, QuietHours},
    sealing::SecretText,
    words::Words,
};
use jiff::civil::Time;
use serde_json::{Value, json};

/// The head of the document.
pub(super) fn of(account: &OwnAccount) -> Value {
    json!({
        "generatedAt": told(account.at),
        "account": user(&account.user),
        "employee": account.employee.as_ref().map(employee),
        "preferences": {
            "language": account.preferences.language,
            "alias": account.preferences.alias.as_ref().map(Alias::as_str),
            "shareUsageWithEmployer": account.preferences.share_usage_with_employer,
            "quietHours": account.preferences.quiet_hours.as_ref().map(quiet_hours),
        },
        "deletionRequests": account.deletions.iter().map(deletion).collect::<Vec<_>>(),
    })
}

fn quiet_hours(hours: &QuietHours) -> Value {
    let clock = |time: Time| time.strftime("%H:%M").to_string();
    json!({ "start": clock(hours.start()), "end": clock(hours.end()), "timezone": hours.timezone() })
}

fn user(user: &User) -> Value {
    json!({
        "id": user.id.0,
        "email": user.email.as_str(),
        "firstName": user.first_name,
        "lastName": user.last_name,
        "role": user.role.as_str(),
        "companyId": user.company.map(|company| company.0),
        "isActive": user.is_active,
        "emailVerified": user.email_verified,
        "twoFactorEnabledAt": user.two_factor_enabled_at.map(told),
        "lastLoginAt": user.last_login_at.map(told),
        "blockedAt": user.blocked_at.map(told),
        "createdAt": told(user.created_at),
        "updatedAt": told(user.updated_at),
    })
}

fn employee(employee: &Employee) -> Value {
    json!({
        "id": employee.id.0,
        "email": employee.email.as_str(),
        "firstName": employee.first_name,
        "lastName": employee.last_name,
        "phone": employee.phone,
        "department": employee.department,
        "position": employee.position,
        "status": employee.status.as_str(),
        "createdAt": told(employee.created_at),
        "updatedAt": told(employee.updated_at),
    })
}

fn deletion(request: &OpenDeletionRequest) -> Value {
    json!({
        "id": request.id,
        "status": request.status.as_str(),
        "reason": request.reason.as_ref().map(SecretText::expose),
        "createdAt": told(request.created_at),
        "deletionDate": told(request.deletion_date),
        "cancelledAt": request.cancelled_at.map(told),
    })
}

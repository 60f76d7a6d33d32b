//! What changes about an employee, and who may change what.
use jiff::Timestamp;

use super::Employee;
use crate::{
    error::{Checks, TenancyError},
    fields,
    policy::Role,
};

/// The most characters of a department's or a position's name.
pub(super) const DEPARTMENT: usize = 120;
const PHONE: usize = 32;

/// What changes about an employee; texts as typed. Nobody changes an address here.
/// In doubled options the outer `None` leaves the field and the inner one clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmployeeChange {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The person's own telephone number; theirs alone to change.
    pub phone: Option<Option<String>>,
    /// As HR calls it; HR's alone to change.
    pub department: Option<Option<String>>,
    /// As HR calls it; HR's alone to change.
    pub position: Option<Option<String>>,
}

/// A change whose every value is valid and allowed.
#[derive(Debug)]
pub(super) struct AcceptedChange(EmployeeChange);

impl EmployeeChange {
    /// Cleans the change and holds it against what `role` may change: HR the place in the company,
    /// employees their telephone number, both the names.
    pub(super) fn accept(&self, role: Role) -> Result<AcceptedChange, TenancyError> {
        let mut checks = Checks::default();
        checks.require(self.phone.is_none() || role == Role::Employee, "phone", "not_allowed");
        checks.require(self.department.is_none() || role == Role::AdminRh, "department", "not_allowed");
        checks.require(self.position.is_none() || role == Role::AdminRh, "position", "not_allowed");
        let to = &mut checks;
        let change = Self {
            first_name: self.first_name.as_deref().map(|raw| fields::name(to, raw, "firstName")),
            last_name: self.last_name.as_deref().map(|raw| fields::name(to, raw, "lastName")),
            phone: self.phone.as_ref().map(|raw| fields::optional(to, raw.as_deref(), "phone", PHONE)),
            department: self
                .department
                .as_ref()
                .map(|raw| fields::optional(to, raw.as_deref(), "department", DEPARTMENT)),
            position: self.position.as_ref().map(|raw| fields::optional(to, raw.as_deref(), "position", DEPARTMENT)),
        };
        checks.pass(Some(AcceptedChange(change)))
    }
}

impl AcceptedChange {
    /// Writes the change into `employee`.
    pub(super) fn apply(self, employee: &mut Employee, now: Timestamp) {
        let Self(change) = self;
        set(&mut employee.first_name, change.first_name);
        set(&mut employee.last_name, change.last_name);
        set(&mut employee.phone, change.phone);
        set(&mut employee.department, change.department);
        set(&mut employee.position, change.position);
        employee.updated_at = now;
    }
}

fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FieldError;

    fn refusals(change: &EmployeeChange, role: Role) -> Vec<FieldError> {
        match change.accept(role) {
            Err(TenancyError::Invalid(refusals)) => refusals,
            Err(_) | Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn hr_and_the_employee_change_different_things() {
        let place = EmployeeChange {
            department: Some(Some("Ventes".to_owned())),
            position: Some(None),
            ..EmployeeChange::default()
        };
        assert_eq!(refusals(&place, Role::AdminRh), []);
        let wanted = ["department", "position"].map(|field| FieldError::new(field, "not_allowed"));
        assert_eq!(refusals(&place, Role::Employee), wanted);

        let phone = EmployeeChange { phone: Some(None), ..EmployeeChange::default() };
        assert_eq!(refusals(&phone, Role::Employee), []);
        assert_eq!(refusals(&phone, Role::AdminRh), [FieldError::new("phone", "not_allowed")]);
    }

    #[test]
    fn names_cannot_be_emptied() {
        let change = EmployeeChange { first_name: Some(" ".to_owned()), ..EmployeeChange::default() };
        assert_eq!(refusals(&change, Role::AdminRh), [FieldError::new("firstName", "required")]);
    }
}

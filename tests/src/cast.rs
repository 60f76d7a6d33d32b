//! The people that contracts play with: two companies with HR and employees, an operator, an
//! administrator, two practitioners; each made by whoever may make them.
use huntzen_booking::{
    ids::PractitionerId,
    practitioner::{Practitioner, Profession},
};
use huntzen_tenancy::{
    Actor, Job, Origin, Scope, TenancyError,
    audit::{Action, AuditEntry, Resource},
    clock::Clock,
    company::{Company, EmailDomain, Reporting, Siret},
    email::Email,
    employee::{Employee, EmployeeStatus},
    identity::{NewAccount, User},
    ids::{CompanyId, EmployeeId, UserId},
    policy::Role,
};

use crate::world::World;

/// A person with the scope of their units of work.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub user: User,
}

impl Person {
    /// The actor.
    pub fn actor(&self) -> Actor {
        Actor { user: self.user.id, role: self.user.role, company: self.user.company, session: None }
    }

    /// The scope of what the person may see.
    pub fn scope(&self) -> Scope {
        Scope::user(self.actor(), Origin::default())
    }

    /// The account's id.
    pub fn id(&self) -> UserId {
        self.user.id
    }
}

/// Two of everything that must not see each other.
pub struct Cast {
    /// Operates the platform.
    pub operator: Person,
    /// Manages companies and practitioners.
    pub administrator: Person,
    /// A company, active.
    pub company: Company,
    /// Its HR.
    pub hr: Person,
    /// Its employee.
    pub employee: (Person, Employee),
    /// Its other employee.
    pub colleague: (Person, Employee),
    /// Another company, active.
    pub other_company: Company,
    /// Its HR.
    pub other_hr: Person,
    /// Its employee.
    pub stranger: (Person, Employee),
    /// A validated practitioner in Paris.
    pub practitioner: (Person, Practitioner),
    /// Another one.
    pub other_practitioner: (Person, Practitioner),
}

impl Cast {
    /// Makes them all.
    pub fn new(world: &World) -> Self {
        let operator = operator(world);
        let administrator = added(world, &operator, "admin@huntzen.example", Role::AdminHuntzen, None);
        let company = company(world, &administrator, "Alpha", "alpha.example", "73282932000074");
        let other_company = self::company(world, &administrator, "Beta", "beta.example", "35600000049837");
        let hr = added(world, &administrator, "rh@alpha.example", Role::AdminRh, Some(company.id));
        let other_hr = added(world, &administrator, "rh@beta.example", Role::AdminRh, Some(other_company.id));
        Self {
            employee: employee(world, &hr, "marc@alpha.example", "Marc"),
            colleague: employee(world, &hr, "claire@alpha.example", "Claire"),
            stranger: employee(world, &other_hr, "lea@beta.example", "Léa"),
            practitioner: practitioner(world, &administrator, "sophie@huntzen.example", "Sophie"),
            other_practitioner: practitioner(world, &administrator, "paul@huntzen.example", "Paul"),
            operator,
            administrator,
            company,
            hr,
            other_company,
            other_hr,
        }
    }
}

/// An address.
pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// An account that nobody has added yet.
pub fn account(world: &World, address: &str, role: Role, company: Option<CompanyId>) -> User {
    let now = world.clock.now();
    let new = NewAccount {
        id: UserId(world.randomness.uuid_v7(now)),
        company,
        email: email(address),
        role,
        first_name: "Camille".to_owned(),
        last_name: "Exemple".to_owned(),
    };
    new.into_user(now)
}

/// The first operator, made by the bootstrap job.
pub fn operator(world: &World) -> Person {
    let mut user = account(world, "super@huntzen.example", Role::SuperAdmin, None);
    user.is_active = true;
    user.email_verified = true;
    world.tenancy.run(&Scope::worker(Job::Bootstrap), |tx| tx.add_user(&user)).unwrap();
    Person { user }
}

/// An account that `by` adds.
pub fn added(world: &World, by: &Person, address: &str, role: Role, company: Option<CompanyId>) -> Person {
    let user = account(world, address, role, company);
    world.tenancy.run(&by.scope(), |tx| tx.add_user(&user)).unwrap();
    Person { user }
}

/// A valid SIRET, another one for each number from 1.
pub fn siret(number: u32) -> String {
    let digits = (0..10).map(|check| format!("{number:013}{check}")).find(|digits| Siret::parse(digits).is_some());
    digits.unwrap()
}

/// A company that nobody has added yet.
pub fn new_company(world: &World, name: &str, domain: &str, siret: &str) -> Company {
    let now = world.clock.now();
    Company {
        id: CompanyId(world.randomness.uuid_v7(now)),
        name: name.to_owned(),
        legal_name: format!("{name} SAS"),
        siret: Siret::parse(siret).unwrap(),
        email_domains: vec![EmailDomain::parse(domain).unwrap()],
        sector: None,
        size: Some(120),
        timezone: "Europe/Paris".to_owned(),
        slug: name.to_lowercase(),
        contact_name: None,
        contact_email: None,
        phone: None,
        address: None,
        is_active: true,
        validated_at: Some(now),
        validated_by: None,
        reporting: Reporting::default(),
        created_at: now,
        updated_at: now,
    }
}

/// An active company that `by` adds.
pub fn company(world: &World, by: &Person, name: &str, domain: &str, siret: &str) -> Company {
    let company = new_company(world, name, domain, siret);
    world.tenancy.run(&by.scope(), |tx| tx.add_company(&company)).unwrap();
    company
}

/// An employee that nobody has added yet, of this account.
pub fn new_employee(world: &World, user: &User, first_name: &str) -> Employee {
    let now = world.clock.now();
    Employee {
        id: EmployeeId(world.randomness.uuid_v7(now)),
        company: user.company.unwrap(),
        user: user.id,
        email: user.email.clone(),
        first_name: first_name.to_owned(),
        last_name: "Dupont".to_owned(),
        phone: None,
        department: Some("Support".to_owned()),
        position: None,
        status: EmployeeStatus::Eligible,
        created_at: now,
        updated_at: now,
    }
}

/// An employee with an account, both added by HR.
pub fn employee(world: &World, hr: &Person, address: &str, first_name: &str) -> (Person, Employee) {
    member(world, hr, address, (first_name, Some("Support")))
}

/// The same, in this department.
pub fn member(
    world: &World,
    hr: &Person,
    address: &str,
    (first_name, department): (&str, Option<&str>),
) -> (Person, Employee) {
    let user = account(world, address, Role::Employee, hr.user.company);
    let department = department.map(str::to_owned);
    let employee = Employee { department, ..new_employee(world, &user, first_name) };
    let add = |tx: &mut dyn huntzen_tenancy::TenancyTx| -> Result<(), TenancyError> {
        tx.add_user(&user)?;
        tx.add_employee(&employee)
    };
    world.tenancy.run(&hr.scope(), add).unwrap();
    (Person { user }, employee)
}

/// A validated practitioner that nobody has added yet, of this account.
pub fn new_practitioner(world: &World, user: &User, first_name: &str) -> Practitioner {
    let now = world.clock.now();
    Practitioner {
        id: PractitionerId(world.randomness.uuid_v7(now)),
        user: user.id,
        first_name: first_name.to_owned(),
        last_name: "Martin".to_owned(),
        title: Some("Dr".to_owned()),
        profession: Profession::Psychologist,
        registration_number: Some("759312345".to_owned()),
        specialties: vec!["Stress".to_owned(), "Sommeil".to_owned()],
        languages: vec!["fr".to_owned(), "en-GB".to_owned()],
        bio: None,
        years_of_experience: Some(12),
        offers_video: true,
        offers_audio: true,
        offers_phone: false,
        offers_chat: true,
        accepting_new_clients: true,
        timezone: "Europe/Paris".to_owned(),
        is_validated: true,
        validated_at: Some(now),
        suspended_at: None,
        documents_verified: true,
        rating_sum: 0,
        review_count: 0,
        avatar: None,
        created_at: now,
        updated_at: now,
    }
}

/// A validated practitioner with an account, both added by an administrator.
pub fn practitioner(world: &World, by: &Person, address: &str, first_name: &str) -> (Person, Practitioner) {
    listed(world, by, address, first_name, |_| ())
}

/// The same, with an entry that differs.
pub fn listed(
    world: &World,
    by: &Person,
    address: &str,
    first_name: &str,
    differ: impl FnOnce(&mut Practitioner),
) -> (Person, Practitioner) {
    let user = account(world, address, Role::Practitioner, None);
    let mut practitioner = new_practitioner(world, &user, first_name);
    differ(&mut practitioner);
    let add = |tx: &mut dyn huntzen_booking::BookingTx| -> Result<(), huntzen_booking::BookingError> {
        tx.add_user(&user)?;
        tx.add_practitioner(&practitioner)
    };
    world.booking.run(&by.scope(), add).unwrap();
    (Person { user }, practitioner)
}

/// An audit entry on `resource_id`, as `scope` writes it.
pub fn entry(world: &World, scope: &Scope, resource_id: impl Into<uuid::Uuid>) -> AuditEntry {
    AuditEntry::new(scope, world.randomness.as_ref(), world.clock.now(), Action::Update, Resource::User).on(resource_id)
}

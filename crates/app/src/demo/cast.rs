//! Makes the people of the demonstration: each invited, and each accepting the invitation.
use huntzen_booking::{
    availability::{ConsultationType, RuleTerms, TypeSet},
    ids::PractitionerId,
    practitioner::{NewPractitioner, ProfileChange},
};
use huntzen_tenancy::{
    Caller, Origin, PageRequest,
    company::{CompanyFilter, NewCompany, NewHr},
    employee::NewEmployee,
    identity::{FirstOperator, NewOperator, NewRegistration, User},
    policy::Role,
};
use jiff::civil::time;
use secrecy::SecretString;

use super::{
    Made, PASSWORD, account,
    people::{DemoCompany, DemoPractitioner, LUMIERE, PRACTITIONERS, TECHCORP},
    stage::Stage,
};
use crate::{cli::Failure, services::Ports};

/// A practitioner who takes bookings.
pub(super) struct Practising {
    pub(super) id: PractitionerId,
    pub(super) caller: Caller,
}

/// Everybody who plays.
pub(super) struct Cast {
    pub(super) administrator: Caller,
    pub(super) practitioners: Vec<Practising>,
    /// By company.
    pub(super) hr: Vec<Caller>,
    /// By company, by department.
    pub(super) employees: Vec<Vec<Vec<Caller>>>,
}

/// Makes those who are not there yet.
pub(super) fn assemble(stage: &Stage, ports: &Ports, made: &mut Made) -> Result<Cast, Failure> {
    let mut entrance = Entrance { stage, ports, made };
    let operator = entrance.operator()?;
    let administrator = entrance.enter("admin@huntzen.example", ("Adèle", "Nicolas"), |(first, last)| {
        let new = NewOperator {
            email: "admin@huntzen.example".to_owned(),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            role: Role::AdminHuntzen,
        };
        stage.services.super_administration.invite(&operator, &new)?;
        Ok(())
    })?;
    let (mut hr, mut employees) = (Vec::new(), Vec::new());
    for company in [&TECHCORP, &LUMIERE] {
        let (of_hr, people) = entrance.company(&administrator, company)?;
        hr.push(of_hr);
        employees.push(people);
    }
    let mut practitioners = Vec::new();
    for practitioner in PRACTITIONERS {
        practitioners.push(entrance.practitioner(&administrator, practitioner)?);
    }
    Ok(Cast { administrator, practitioners, hr, employees })
}

struct Entrance<'a> {
    stage: &'a Stage,
    ports: &'a Ports,
    made: &'a mut Made,
}

impl Entrance<'_> {
    fn operator(&mut self) -> Result<Caller, Failure> {
        let email = "super@huntzen.example";
        let user = if let Some(user) = account(self.ports, email)? {
            user
        } else {
            self.made.accounts += 1;
            self.stage.services.super_administration.create_first(&FirstOperator {
                email: email.to_owned(),
                password: SecretString::from(PASSWORD),
                first_name: "Olivia".to_owned(),
                last_name: "Stern".to_owned(),
            })?
        };
        Ok(caller(&user))
    }

    /// Has somebody invited and accept, unless they did before.
    fn enter<'n>(
        &mut self,
        email: &str,
        name: (&'n str, &'n str),
        invite: impl FnOnce((&'n str, &'n str)) -> Result<(), Failure>,
    ) -> Result<Caller, Failure> {
        let services = &self.stage.services;
        match account(self.ports, email)? {
            Some(user) if user.password.is_some() => return Ok(caller(&user)),
            // Invited by a seeding that was cut short: asking again brings a fresh letter.
            Some(_) => drop(services.registration.register(&Origin::default(), &registration(email, name))?),
            None => invite(name)?,
        }
        self.made.accounts += 1;
        let password = SecretString::from(PASSWORD);
        let user = services.acceptance.accept(&Origin::default(), &self.stage.last_token(), &password)?;
        Ok(caller(&user))
    }

    fn company(&mut self, administrator: &Caller, demo: &DemoCompany) -> Result<(Caller, Vec<Vec<Caller>>), Failure> {
        let (stage, companies) = (self.stage, &self.stage.services.companies);
        let filter = CompanyFilter { active: None, text: Some(demo.name.to_owned()) };
        let known = companies.list(administrator, &filter, PageRequest { page: 1, per_page: 1 })?.items.pop();
        let company = match known {
            Some(company) => company,
            None => companies.create(administrator, &new_company(demo))?,
        };
        let company = companies.validate(administrator, company.company.id)?.company;
        let email = format!("rh@{}", demo.domain);
        let hr = self.enter(&email, demo.hr, |(first, last)| {
            let new = NewHr { email: email.clone(), first_name: first.to_owned(), last_name: last.to_owned() };
            companies.invite_hr(administrator, company.id, &new)?;
            Ok(())
        })?;
        let mut departments = Vec::new();
        for (department, people) in demo.departments {
            let mut callers = Vec::new();
            for name in *people {
                let email = address(*name, demo.domain);
                callers.push(self.enter(&email, *name, |(first, last)| {
                    let new = NewEmployee {
                        email: email.clone(),
                        first_name: first.to_owned(),
                        last_name: last.to_owned(),
                        department: Some((*department).to_owned()),
                        position: None,
                    };
                    stage.services.workforce.create(&hr, &new)?;
                    Ok(())
                })?);
            }
            departments.push(callers);
        }
        Ok((hr, departments))
    }

    fn practitioner(&mut self, administrator: &Caller, demo: &DemoPractitioner) -> Result<Practising, Failure> {
        let services = &self.stage.services;
        let caller = self.enter(demo.email, (demo.first_name, demo.last_name), |_| {
            services.practitioners.invite(administrator, &new_practitioner(demo))?;
            Ok(())
        })?;
        let profile = services.own_profile.get(&caller)?;
        if !profile.is_validated {
            services.practitioners.validate(administrator, profile.id, true)?;
            services.own_profile.change(&caller, &profile_change(demo))?;
        }
        if services.planning.rules(&caller)?.is_empty() {
            for day in demo.days {
                for terms in working_day(*day) {
                    services.planning.add_rule(&caller, terms)?;
                }
            }
        }
        Ok(Practising { id: profile.id, caller })
    }
}

fn caller(user: &User) -> Caller {
    Caller { actor: user.actor(None), origin: Origin::default() }
}

fn registration(email: &str, (first, last): (&str, &str)) -> NewRegistration {
    NewRegistration {
        email: email.to_owned(),
        password: SecretString::from(PASSWORD),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        invitation_token: None,
    }
}

/// `first.last@domain`, without accents.
fn address((first, last): (&str, &str), domain: &str) -> String {
    let plain = |name: &str| huntzen_tenancy::search::search_key(&[name]);
    format!("{}.{}@{domain}", plain(first), plain(last))
}

fn new_company(demo: &DemoCompany) -> NewCompany {
    let people: usize = demo.departments.iter().map(|(_, people)| people.len()).sum();
    NewCompany {
        name: demo.name.to_owned(),
        legal_name: Some(demo.legal_name.to_owned()),
        siret: demo.siret.to_owned(),
        email_domains: vec![demo.domain.to_owned()],
        sector: Some(demo.sector.to_owned()),
        size: u32::try_from(people).ok(),
        ..NewCompany::default()
    }
}

fn new_practitioner(demo: &DemoPractitioner) -> NewPractitioner {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    NewPractitioner {
        email: demo.email.to_owned(),
        first_name: demo.first_name.to_owned(),
        last_name: demo.last_name.to_owned(),
        profession: demo.profession,
        title: demo.title.map(str::to_owned),
        registration_number: None,
        specialties: texts(demo.specialties),
        languages: texts(demo.languages),
        timezone: Some("Europe/Paris".to_owned()),
    }
}

fn profile_change(demo: &DemoPractitioner) -> ProfileChange {
    ProfileChange {
        bio: Some(Some(demo.bio.to_owned())),
        years_of_experience: Some(Some(demo.years)),
        offers_video: Some(true),
        offers_audio: Some(true),
        offers_phone: Some(true),
        offers_chat: Some(true),
        accepting_new_clients: Some(true),
        ..ProfileChange::default()
    }
}

/// A morning and an afternoon of 50 minutes and a pause.
fn working_day(day_of_week: i8) -> [RuleTerms; 2] {
    [(time(9, 0, 0, 0), time(12, 0, 0, 0)), (time(14, 0, 0, 0), time(18, 0, 0, 0))].map(|(start_time, end_time)| {
        RuleTerms {
            day_of_week,
            start_time,
            end_time,
            slot_minutes: 50,
            buffer_minutes: 10,
            types: [ConsultationType::Video, ConsultationType::Audio, ConsultationType::Phone, ConsultationType::Chat]
                .into_iter()
                .collect::<TypeSet>(),
            valid_from: None,
            valid_until: None,
        }
    })
}

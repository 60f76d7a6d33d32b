//! The people of one row: a company with two HR accounts and two employees, another company, two
//! practitioners, an administrator and an operator, all signed in; as many troupes as one likes.
use std::cell::Cell;

use huntzen_adapter_crypto::{BcryptHasher, JwtSigner};
use huntzen_booking::practitioner::Practitioner;
use huntzen_tenancy::{
    Caller, Origin,
    clock::Clock,
    company::Company,
    employee::Employee,
    identity::{AccessClaims, AccessTokenSigner, Device, HashedPassword, PasswordHasher, RefreshRow, Session},
    ids::SessionId,
    policy::Role,
    token::{TokenDigest, fresh_token},
};
use huntzen_tests::{
    api::{ApiWorld, PASSWORD},
    cast::{self, Person},
};
use jiff::SignedDuration;
use secrecy::SecretString;

use crate::table::Who;

/// An application, and what troupes are made with.
pub struct Stage {
    /// The application over its store.
    pub api: ApiWorld,
    /// Signs access tokens as the application does.
    pub signer: JwtSigner,
    password: HashedPassword,
    founder: Person,
    numbers: Cell<u32>,
}

/// Somebody who is signed in.
pub struct Member {
    /// The account.
    pub person: Person,
    /// The session.
    pub session: SessionId,
    /// The access token.
    pub token: String,
    /// The session's refresh token.
    pub refresh: String,
}

/// Everybody, and what rows speak of.
pub struct Troupe {
    /// The company.
    pub company: Company,
    /// The other company.
    pub other_company: Company,
    /// The entry of the employee.
    pub employee: Employee,
    /// The entry of the practitioner.
    pub practitioner: Practitioner,
    members: Vec<(Who, Member)>,
}

impl Stage {
    /// A stage in front of `api`, which is still empty.
    pub fn new(api: ApiWorld) -> Self {
        let auth = &api.config.auth;
        let signer = JwtSigner::new(&auth.jwt_secret, auth.issuer.clone(), auth.audience.clone());
        let password = BcryptHasher::new(auth.bcrypt_cost).hash(&SecretString::from(PASSWORD)).unwrap();
        let founder = cast::operator(&api.world);
        Self { signer, password, founder, numbers: Cell::new(0), api }
    }

    /// Another number each time.
    pub fn number(&self) -> u32 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// Makes an account usable, as accepting an invitation does, and signs it in.
    pub fn sign_in(&self, mut person: Person) -> Member {
        let world = &self.api.world;
        let user = &mut person.user;
        user.is_active = true;
        user.email_verified = true;
        user.password = Some(self.password.clone());
        let now = world.clock.now();
        let refresh = fresh_token(world.randomness.as_ref());
        let session = Session {
            id: SessionId(world.randomness.uuid_v7(now)),
            user: user.id,
            created_at: now,
            last_used_at: now,
            expires_at: now + SignedDuration::from_hours(7 * 24),
            revoked_at: None,
            stepped_up_at: None,
            device: Device::default(),
        };
        let row = RefreshRow {
            digest: TokenDigest::of(&refresh),
            session: session.id,
            user: user.id,
            issued_at: now,
            rotated_at: None,
        };
        let keep = |tx: &mut dyn huntzen_tenancy::TenancyTx| {
            tx.update_user(&person.user)?;
            Ok(tx.add_session(&session, &row)?)
        };
        world.tenancy.run(&person.scope(), keep).unwrap();
        let token = self.signer.sign(&self.claims(&person, session.id)).unwrap();
        Member { person, session: session.id, token, refresh }
    }

    /// What an access token of this person's says now.
    pub fn claims(&self, person: &Person, session: SessionId) -> AccessClaims {
        let (user, now) = (&person.user, self.api.world.clock.now());
        AccessClaims {
            user: user.id,
            email: user.email.clone(),
            role: user.role,
            company: user.company,
            session,
            issued_at: now,
            expires_at: now + SignedDuration::from_mins(15),
        }
    }

    /// A fresh troupe, in companies of its own.
    pub fn troupe(&self) -> Troupe {
        let (world, number) = (&self.api.world, self.number());
        let operator =
            cast::added(world, &self.founder, &format!("super{number}@huntzen.example"), Role::SuperAdmin, None);
        let address = format!("admin{number}@huntzen.example");
        let administrator = cast::added(world, &self.founder, &address, Role::AdminHuntzen, None);
        let company = |name: &str| {
            let name = format!("{name}{number}");
            let siret = cast::siret(self.number());
            cast::company(world, &administrator, &name, &format!("{name}.example"), &siret)
        };
        let (company, other_company) = (company("alpha"), company("beta"));
        let hr = |name: &str, company: &Company| {
            let address = format!("{name}@{}.example", company.slug);
            cast::added(world, &administrator, &address, Role::AdminRh, Some(company.id))
        };
        let [hr, colleague_of_hr] = ["rh", "rh2"].map(|name| hr(name, &company));
        let other_hr = cast::added(
            world,
            &administrator,
            &format!("rh@{}.example", other_company.slug),
            Role::AdminRh,
            Some(other_company.id),
        );
        let employee = |hr: &Person, company: &Company, name: &str| {
            cast::employee(world, hr, &format!("{name}@{}.example", company.slug), name)
        };
        let (marc, entry) = employee(&hr, &company, "marc");
        let (claire, _) = employee(&hr, &company, "claire");
        let (lea, _) = employee(&other_hr, &other_company, "lea");
        let [(sophie, practitioner), (paul, _)] = ["sophie", "paul"]
            .map(|name| cast::practitioner(world, &administrator, &format!("{name}{number}@huntzen.example"), name));
        let people = [
            (Who::Operator, operator),
            (Who::Administrator, administrator),
            (Who::Hr, hr),
            (Who::HrColleague, colleague_of_hr),
            (Who::OtherHr, other_hr),
            (Who::Practitioner, sophie),
            (Who::OtherPractitioner, paul),
            (Who::Employee, marc),
            (Who::Colleague, claire),
            (Who::Stranger, lea),
        ];
        let members = people.map(|(who, person)| (who, self.sign_in(person))).into();
        Troupe { company, other_company, employee: entry, practitioner, members }
    }
}

impl Troupe {
    /// The member in this column; nobody is none.
    pub fn find(&self, who: Who) -> Option<&Member> {
        self.members.iter().find(|(column, _)| *column == who).map(|(_, member)| member)
    }

    /// The member in this column.
    pub fn member(&self, who: Who) -> &Member {
        self.find(who).unwrap()
    }

    /// The member whose role is `role` and whose things the rows speak of.
    pub fn first(&self, role: Role) -> &Member {
        let found = self.members.iter().find(|(_, member)| member.person.user.role == role);
        &found.unwrap().1
    }
}

impl Member {
    /// The account's address.
    pub fn address(&self) -> &str {
        self.person.user.email.as_str()
    }

    /// The account as use cases take it, acting through its session.
    pub fn signed_caller(&self) -> Caller {
        let mut caller = self.caller();
        caller.actor.session = Some(self.session);
        caller
    }

    /// The account as use cases take it.
    pub fn caller(&self) -> Caller {
        Caller { actor: self.person.actor(), origin: Origin::default() }
    }
}

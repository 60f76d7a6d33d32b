//! Tokens asked for by fifty threads at once: one family survives, one-time tokens have one winner.
use huntzen_app::services::Services;
use huntzen_tenancy::{
    Origin, TenancyError,
    clock::Clock,
    identity::{Credentials, Device, NewRegistration, OneTimePurpose, SignedIn},
    ids::EmployeeId,
};
use huntzen_tests::{
    api::{ApiWorld, PASSWORD},
    contracts::at_once,
    scale::rounds,
    totp,
};
use jiff::SignedDuration;
use secrecy::SecretString;

use crate::{
    table::Who,
    troupe::{Member, Stage, Troupe},
};

const THREADS: usize = 50;

/// Runs a race over each store.
macro_rules! races {
    ($($race:ident),+ $(,)?) => {
        mod memory {
            $(#[actix_web::test] async fn $race() {
                super::$race(&super::Stage::new(super::ApiWorld::memory().await));
            })+
        }
        mod postgres {
            $(#[actix_web::test] async fn $race() {
                super::$race(&super::Stage::new(super::ApiWorld::postgres().await));
            })+
        }
    };
}

races!(
    a_lost_answer_is_given_again_and_later_use_ends_the_family,
    a_token_whose_successor_was_used_ends_the_family,
    a_token_and_its_successor_at_once_leave_one_line_or_none,
    an_address_is_confirmed_once,
    a_password_is_reset_once,
    an_invitation_is_accepted_once,
    a_code_of_a_second_factor_is_accepted_once,
);

fn refresh(services: &Services, token: &str) -> Result<SignedIn, TenancyError> {
    services.sign_in.refresh(&Origin::default(), token)
}

fn refuses(services: &Services, token: &str) -> bool {
    matches!(refresh(services, token), Err(TenancyError::InvalidRefreshToken | TenancyError::RefreshReused(_)))
}

impl Stage {
    /// What everybody gets who sends `token` now; that everybody gets the same.
    fn refreshed_by_all(&self, token: &str) -> String {
        let services: &Services = &self.api.services;
        let outcomes = at_once(THREADS, |_| refresh(services, token).map(|signed| signed.refresh_token));
        let successors: Vec<String> = outcomes.into_iter().map(Result::unwrap).collect();
        let first = successors.first().unwrap().clone();
        assert_ne!(first, token);
        assert!(successors.iter().all(|successor| *successor == first), "{successors:?}");
        first
    }

    fn refuses(&self, token: &str) -> bool {
        refuses(&self.api.services, token)
    }

    /// That everybody who sends `token` now is refused.
    fn refused_to_all(&self, token: &str) {
        let services: &Services = &self.api.services;
        assert!(at_once(THREADS, |_| refuses(services, token)).into_iter().all(|refused| refused));
    }

    fn is_live(&self, member: &Member) -> bool {
        let now = self.api.world.clock.now();
        let of = member.person.id();
        let live = self.api.world.tenancy.run(&member.person.scope(), |tx| Ok(tx.sessions_of(of, now)?)).unwrap();
        live.iter().any(|session| session.id == member.session)
    }

    fn wait(&self, seconds: i64) {
        self.api.world.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Whether this password signs in.
    fn signs_in(&self, email: &str, password: &str) -> bool {
        let password = SecretString::from(password);
        let credentials =
            Credentials { email: email.to_owned(), password, code: None, backup_code: None, device: Device::default() };
        self.api.services.sign_in.login(&Origin::default(), &credentials).is_ok()
    }
}

/// Whether somebody signs in by the password and a code.
fn logs_in(services: &Services, email: &str, code: Option<&str>, backup_code: Option<&str>) -> bool {
    let credentials = Credentials {
        email: email.to_owned(),
        password: SecretString::from(PASSWORD),
        code: code.map(SecretString::from),
        backup_code: backup_code.map(SecretString::from),
        device: Device::default(),
    };
    match services.sign_in.login(&Origin::default(), &credentials) {
        Ok(_) => true,
        Err(TenancyError::InvalidCode) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn a_code_of_a_second_factor_is_accepted_once(stage: &Stage) {
    for _ in 0..rounds(20) {
        let troupe = stage.troupe();
        let (member, services): (_, &Services) = (troupe.member(Who::Employee), &stage.api.services);
        let email = member.address();
        let setup = services.two_factor.set_up(&member.signed_caller()).unwrap();
        let shown = || totp::code(setup.secret.expose(), stage.api.world.clock.now());
        services.two_factor.verify(&member.signed_caller(), &shown()).unwrap();
        stage.wait(30);
        let code = shown();
        let by_code = at_once(THREADS, |_| logs_in(services, email, Some(&code), None));
        assert_eq!(by_code.into_iter().filter(|signed| *signed).count(), 1);
        let backup = setup.backup_codes.first().unwrap();
        let by_backup = at_once(THREADS, |_| logs_in(services, email, None, Some(backup)));
        assert_eq!(by_backup.into_iter().filter(|signed| *signed).count(), 1);
    }
}

/// The one racer that won; that the others heard of nothing.
fn winner<T>(outcomes: Vec<Result<T, TenancyError>>) -> usize {
    let mut winners = Vec::new();
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(_) => winners.push(number),
            Err(TenancyError::NotFound) => {}
            Err(other) => panic!("{number}: {other:?}"),
        }
    }
    let [winner] = winners[..] else { panic!("{winners:?} won") };
    winner
}

fn password_of(number: usize) -> String {
    format!("le mot de passe numero {number}")
}

fn a_lost_answer_is_given_again_and_later_use_ends_the_family(stage: &Stage) {
    let troupe = stage.troupe();
    let person = &troupe.member(Who::Employee).person;
    for _ in 0..rounds(1000) {
        let member = stage.sign_in(person.clone());
        let bystander = stage.sign_in(person.clone());
        let successor = stage.refreshed_by_all(&member.refresh);
        stage.wait(10);
        assert_eq!(refresh(&stage.api.services, &member.refresh).unwrap().refresh_token, successor);
        assert!(stage.is_live(&member));
        stage.wait(1);
        stage.refused_to_all(&member.refresh);
        assert!(!stage.is_live(&member));
        assert!(stage.refuses(&successor), "the family goes wholly");
        assert!(stage.is_live(&bystander), "and no other");
    }
}

fn a_token_whose_successor_was_used_ends_the_family(stage: &Stage) {
    let troupe = stage.troupe();
    let person = &troupe.member(Who::Practitioner).person;
    for _ in 0..rounds(200) {
        let member = stage.sign_in(person.clone());
        let successor = stage.refreshed_by_all(&member.refresh);
        let next = stage.refreshed_by_all(&successor);
        assert_ne!(next, member.refresh);
        assert!(stage.is_live(&member));
        stage.refused_to_all(&member.refresh);
        assert!(!stage.is_live(&member));
        assert!(stage.refuses(&successor) && stage.refuses(&next));
    }
}

fn a_token_and_its_successor_at_once_leave_one_line_or_none(stage: &Stage) {
    let troupe = stage.troupe();
    let person = &troupe.member(Who::Hr).person;
    let services: &Services = &stage.api.services;
    for _ in 0..rounds(200) {
        let member = stage.sign_in(person.clone());
        let successor = refresh(services, &member.refresh).unwrap().refresh_token;
        let outcomes = at_once(THREADS, |number| {
            let sent = if number % 2 == 0 { &member.refresh } else { &successor };
            (number, refresh(services, sent).map(|signed| signed.refresh_token))
        });
        let mut next = None;
        let mut reused = false;
        for (number, outcome) in outcomes {
            match outcome {
                Ok(given) if number % 2 == 0 => assert_eq!(given, successor),
                Ok(given) => assert_eq!(*next.get_or_insert_with(|| given.clone()), given),
                Err(TenancyError::InvalidRefreshToken | TenancyError::RefreshReused(_)) => reused = true,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(stage.is_live(&member), !reused);
        if let Some(next) = next {
            assert_eq!(stage.refuses(&next), reused);
        }
    }
}

fn an_address_is_confirmed_once(stage: &Stage) {
    let troupe = stage.troupe();
    for _ in 0..rounds(200) {
        let services: &Services = &stage.api.services;
        let token = stage.mailed(&troupe, OneTimePurpose::VerifyEmail);
        let verify = |_| services.registration.verify_email(&Origin::default(), &token);
        winner(at_once(THREADS, verify));
        winner_is_none(&at_once(2, verify));
    }
}

fn a_password_is_reset_once(stage: &Stage) {
    let troupe = stage.troupe();
    let address = troupe.member(Who::Employee).address();
    for _ in 0..rounds(200) {
        let services: &Services = &stage.api.services;
        let token = stage.mailed(&troupe, OneTimePurpose::ResetPassword);
        let reset = |number| {
            let password = SecretString::from(password_of(number));
            services.recovery.reset(&Origin::default(), &token, &password)
        };
        let won = winner(at_once(THREADS, reset));
        assert!(stage.signs_in(address, &password_of(won)));
        assert!(!stage.signs_in(address, &password_of(won + 1)));
        assert!(!stage.signs_in(address, PASSWORD));
        winner_is_none(&at_once(2, reset));
    }
}

fn an_invitation_is_accepted_once(stage: &Stage) {
    let troupe = stage.troupe();
    for _ in 0..rounds(200) {
        let (token, entry) = stage.invitation(&troupe);
        let address = address_of(stage, &troupe, entry);
        let services: &Services = &stage.api.services;
        // Half of them activate, half register with the token.
        let come = |number: usize| {
            let password = SecretString::from(password_of(number));
            if number.is_multiple_of(2) {
                return services.acceptance.accept(&Origin::default(), &token, &password);
            }
            let registration = NewRegistration {
                email: address.clone(),
                password,
                first_name: "Inès".to_owned(),
                last_name: "Nouvelle".to_owned(),
                invitation_token: Some(token.clone()),
            };
            services.registration.register(&Origin::default(), &registration)
        };
        let won = winner(at_once(THREADS, come));
        assert!(stage.signs_in(&address, &password_of(won)));
        assert!(!stage.signs_in(&address, &password_of(won + 1)));
        winner_is_none(&at_once(2, come));
    }
}

fn winner_is_none<T: std::fmt::Debug>(outcomes: &[Result<T, TenancyError>]) {
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(TenancyError::NotFound))), "{outcomes:?}");
}

fn address_of(stage: &Stage, troupe: &Troupe, entry: EmployeeId) -> String {
    let hr = &troupe.member(Who::Hr).person;
    let found = stage.api.world.tenancy.run(&hr.scope(), |tx| Ok(tx.employee(entry)?)).unwrap().unwrap();
    found.email.as_str().to_owned()
}

//! For each operation a request that succeeds for whoever may make it, and the things that rows
//! speak of, made fresh.
use actix_web::test::TestRequest;
use huntzen_booking::{consultation::Consultation, review::GivenFeedback};
use huntzen_metrics::{NamedUsage, Release, UsageTotals};
use huntzen_tenancy::{
    Job, Scope,
    clock::Clock,
    identity::{Invitation, OneTimePurpose, OneTimeToken, Proof},
    ids::EmployeeId,
    notifications::NotificationType,
    sealing::SecretText,
    token::{TokenDigest, fresh_token},
};
use huntzen_tests::{
    api::{
        PASSWORD, consultation_at,
        forms::{Form, document},
        weekly_rule,
    },
    appointments::{begun, booked, carried_out},
    cast,
    contracts::{
        articles, company_news,
        conversations::{said, write},
        notifications::notified,
    },
    samples, totp,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    table::Who,
    troupe::{Member, Stage, Troupe},
};

/// The Wednesday after the clock's Monday: the practitioner works once there is a rule.
const WORKING_DAY: &str = "2027-01-06";
const FIRST_SLOT: &str = "2027-01-06T08:00:00Z";
const LATER_SLOT: &str = "2027-01-06T10:00:00Z";

/// What follows the path, with its question mark, and the body; null for none.
pub struct Content {
    /// The query.
    pub query: String,
    /// The body.
    pub body: Value,
}

impl Stage {
    /// Makes what a row is about, and answers the id that belongs into the path.
    pub async fn subject(&self, troupe: &Troupe, who: Who, name: &str) -> Option<Uuid> {
        let world = &self.api.world;
        let practitioner = troupe.member(Who::Practitioner);
        let (owner, thing) = match name.strip_prefix("own ") {
            Some(thing) => (troupe.find(who), thing),
            None => (None, name),
        };
        let owner = owner.unwrap_or_else(|| troupe.member(Who::Employee));
        Some(match thing {
            "-" => return None,
            "account" => owner.person.id().into(),
            "session" => owner.session.into(),
            "notification" => notified(world, &owner.person, NotificationType::AccountSecurity).id.into(),
            "article" => {
                let by = &troupe.member(Who::Administrator).person;
                articles::published(world, by, &format!("article-{}", self.number())).id.into()
            }
            "draft" => {
                let draft = articles::unwritten(world, &format!("brouillon-{}", self.number()));
                articles::add(world, &troupe.member(Who::Administrator).person, &draft).unwrap();
                draft.id.into()
            }
            "news" => company_news::published(world, &troupe.member(Who::Hr).person, &[]).id.into(),
            "company" => troupe.company.id.into(),
            "employee" => troupe.employee.id.into(),
            "named employee" => self.named(troupe),
            "practitioner" => troupe.practitioner.id.into(),
            "rule" => self.made(troupe, "/availability", weekly_rule(3, "09:00", "17:00")).await,
            "exception" => self.made(troupe, "/availability/exception", leave()).await,
            "consultation" => {
                self.made(troupe, "/availability", weekly_rule(3, "09:00", "17:00")).await;
                self.booked(troupe, FIRST_SLOT).id.into()
            }
            "due consultation" => self.booked(troupe, &self.minutes_ago(5)).id.into(),
            "begun consultation" => {
                let start = self.minutes_ago(5);
                begun(world, &practitioner.person, self.booked(troupe, &start), &start).id.into()
            }
            "note" => {
                let id = self.booked(troupe, FIRST_SLOT).id.to_string();
                let body = json!({ "consultationId": id, "content": "Insomnie." });
                self.made_by(troupe, Who::Practitioner, "/medical/clinical-notes", body).await
            }
            "journal entry" => {
                let body = json!({ "content": "Nuit blanche." });
                self.made_by(troupe, Who::Employee, "/medical/journal", body).await
            }
            "message" => {
                let of = self.booked(troupe, &self.minutes_ago(5)).id;
                let said = said(&owner.person, of.0.into(), "Bonjour.");
                let written = write(world, &[said]);
                written.into_iter().next().unwrap().unwrap().id.into()
            }
            "document" => self.sent(owner, document("DOCUMENT", &samples::pdf())).await,
            "certificate" => self.sent(practitioner, document("CERTIFICATE", &samples::pdf())).await,
            "attachment" => {
                let of = self.booked(troupe, &self.minutes_ago(5)).id.to_string();
                let form = document("ATTACHMENT", &samples::pdf()).text("relatedResource", "CONSULTATION");
                self.sent(owner, form.text("relatedId", &of)).await
            }
            "picture" => self.sent(owner, picture()).await,
            "public picture" => self.sent(practitioner, picture()).await,
            "past consultation" => self.past(troupe).id.into(),
            "review" => {
                let of = self.past(troupe).id;
                let feedback = GivenFeedback { rating: 4, comment: Some(SecretText::new("Merci.")) };
                self.api.services.reviews.give(&owner.caller(), of, &feedback).unwrap().id.into()
            }
            unknown => panic!("the table speaks of {unknown:?}"),
        })
    }

    /// The id of what the practitioner has posted.
    async fn made(&self, troupe: &Troupe, path: &str, body: Value) -> Uuid {
        self.made_by(troupe, Who::Practitioner, path, body).await
    }

    async fn made_by(&self, troupe: &Troupe, who: Who, path: &str, body: Value) -> Uuid {
        let answer = self.ask(Some(troupe.member(who)), "POST", path, &body).await;
        answer.expect(201);
        answer.text_at("/id").parse().unwrap()
    }

    /// The id of a file that somebody has sent.
    async fn sent(&self, who: &Member, form: Form) -> Uuid {
        let request = TestRequest::post().uri("/files/upload");
        let request = request.insert_header(("authorization", format!("Bearer {}", who.token)));
        let answer =
            self.api.send(request.insert_header(("content-type", Form::media())).set_payload(form.bytes())).await;
        answer.expect(201);
        answer.text_at("/id").parse().unwrap()
    }

    /// The employee, who is named in a month that is reported by name.
    fn named(&self, troupe: &Troupe) -> Uuid {
        let release = Release {
            company: troupe.company.id.0,
            month: "2027-01".parse().unwrap(),
            closed_at: self.api.world.clock.now(),
            cells: Vec::new(),
            people: vec![NamedUsage {
                employee: troupe.employee.id.0,
                user: troupe.employee.user,
                department: None,
                totals: UsageTotals { consultations: 1, seconds: 2_700, minutes: 45 },
            }],
            invoice: None,
        };
        let kept = self.api.world.metrics.run(&Scope::worker(Job::Closing), |tx| Ok(tx.add_release(&release)?));
        // Each column of the row is about the same month.
        kept.unwrap();
        troupe.employee.id.into()
    }

    /// Has the caller prove to be there; nobody has nothing to prove.
    fn stepped_up(&self, troupe: &Troupe, who: Who) {
        if let Some(member) = troupe.find(who) {
            let proof = Proof::Password(PASSWORD.into());
            self.api.services.two_factor.step_up(&member.signed_caller(), &proof).unwrap();
        }
    }

    /// A code of the second factor that the caller has just prepared; nobody has none.
    fn counted(&self, troupe: &Troupe, who: Who) -> String {
        let Some(member) = troupe.find(who) else { return "000000".to_owned() };
        let setup = self.api.services.two_factor.set_up(&member.caller()).unwrap();
        totp::code(setup.secret.expose(), self.api.world.clock.now())
    }

    /// A code of the second factor that the caller has turned on, soon after a step-up.
    fn turned_on(&self, troupe: &Troupe, who: Who) -> String {
        let Some(member) = troupe.find(who) else { return "000000".to_owned() };
        let (two_factor, caller) = (&self.api.services.two_factor, member.signed_caller());
        let setup = two_factor.set_up(&caller).unwrap();
        two_factor.verify(&caller, &totp::code(setup.secret.expose(), self.api.world.clock.now())).unwrap();
        two_factor.step_up(&caller, &Proof::Password(PASSWORD.into())).unwrap();
        // The next code: this one is used up.
        totp::code(setup.secret.expose(), self.api.world.clock.now() + SignedDuration::from_secs(30))
    }

    fn minutes_ago(&self, minutes: i64) -> String {
        (self.api.world.clock.now() - SignedDuration::from_mins(minutes)).to_string()
    }

    fn booked(&self, troupe: &Troupe, start: &str) -> Consultation {
        let who = (troupe.member(Who::Employee).person.clone(), troupe.employee.clone());
        let with = (troupe.member(Who::Practitioner).person.clone(), troupe.practitioner.clone());
        booked(&self.api.world, &who, &with, start)
    }

    fn past(&self, troupe: &Troupe) -> Consultation {
        let (start, end) = (self.minutes_ago(60), self.minutes_ago(10));
        let by = &troupe.member(Who::Practitioner).person;
        carried_out(&self.api.world, by, self.booked(troupe, &start), &start, &end)
    }

    /// What `who` sends to `operation`, named as it is registered first, about the thing with this id.
    pub fn content(&self, troupe: &Troupe, who: Who, (operation, id): (&str, Option<Uuid>)) -> Content {
        let query = match operation {
            "GET /availability/slots" => {
                let practitioner = troupe.practitioner.id;
                format!("?practitionerId={practitioner}&startDate={WORKING_DAY}&endDate={WORKING_DAY}")
            }
            "GET /reports/practitioner-stats"
            | "GET /reports/practitioner-billing"
            | "GET /reports/practitioner-export-csv"
            | "GET /metrics/companies/{id}/invoice"
            | "GET /metrics/what-hr-sees"
            | "GET /reports/employee-usage"
            | "GET /reports/employee-usage/{id}"
            | "GET /reports/export-employee-usage" => "?period=2027-01".to_owned(),
            "GET /metrics/practitioners/{id}"
            | "GET /metrics/practitioners/{id}/export"
            | "GET /metrics/companies/{id}"
            | "GET /metrics/companies/{id}/export"
            | "GET /metrics/employees/{id}" => "?from=2027-01-01&to=2027-01-31".to_owned(),
            _ => String::new(),
        };
        Content { query, body: self.body(troupe, who, (operation, id)) }
    }

    fn body(&self, troupe: &Troupe, who: Who, (operation, id): (&str, Option<Uuid>)) -> Value {
        let number = self.number();
        let employee = troupe.member(Who::Employee);
        let company = if who == Who::OtherHr { &troupe.other_company } else { &troupe.company };
        let fresh_address = format!("new{number}@{}.example", company.slug);
        let person = json!({ "email": fresh_address, "firstName": "Inès", "lastName": "Nouvelle" });
        match operation {
            "POST /auth/login" => json!({ "email": employee.address(), "password": PASSWORD }),
            "POST /auth/refresh" => json!({ "refreshToken": employee.refresh }),
            "POST /auth/register" => with(person, "password", PASSWORD),
            "POST /auth/verify-email" => json!({ "token": self.mailed(troupe, OneTimePurpose::VerifyEmail) }),
            "POST /auth/resend-verification" | "POST /auth/forgot-password" => json!({ "email": employee.address() }),
            "POST /auth/reset-password" => {
                let token = self.mailed(troupe, OneTimePurpose::ResetPassword);
                json!({ "token": token, "newPassword": "cinq mots pour rentrer ici" })
            }
            "POST /auth/change-password" => {
                json!({ "currentPassword": PASSWORD, "newPassword": "cinq mots pour rentrer ici" })
            }
            "GET /users/me/export" | "POST /users/me/delete-request" => {
                self.stepped_up(troupe, who);
                Value::Null
            }
            "GET /users/me/delete-request" | "POST /users/me/delete-request/cancel" => {
                self.stepped_up(troupe, who);
                if let Some(member) = troupe.find(who) {
                    // The only operator cannot ask, and so has nothing to take back.
                    let _ = self.api.services.deletion.request(&member.signed_caller(), None);
                }
                Value::Null
            }
            "POST /users/me/email" => {
                self.stepped_up(troupe, who);
                json!({ "newEmail": format!("e{number}@new.example") })
            }
            "POST /users/me/email/confirm" => json!({ "token": self.mailed(troupe, OneTimePurpose::ChangeEmail) }),
            "POST /auth/step-up" => json!({ "password": PASSWORD }),
            "POST /auth/2fa/verify" => json!({ "code": self.counted(troupe, who) }),
            "POST /auth/2fa/disable" => json!({ "password": PASSWORD, "code": self.turned_on(troupe, who) }),
            "POST /employees/activate" => json!({ "token": self.invitation(troupe).0, "password": PASSWORD }),
            "POST /super-admin/admins" => with(person, "role", "ADMIN_HUNTZEN"),
            "POST /companies" => json!({
                "name": format!("Gamma {number}"),
                "siret": cast::siret(number),
                "emailDomains": [format!("gamma{number}.example")],
            }),
            "PATCH /companies/{id}" => json!({ "phone": "+33 1 02 03 04 05" }),
            "POST /companies/{id}/admins" | "POST /employees" => person,
            "POST /employees/import" => format!("email,firstName,lastName\n{fresh_address},Inès,Nouvelle\n").into(),
            "POST /articles" => json!({ "title": "Bien dormir", "content": "**Dormez.**", "tags": ["sommeil"] }),
            "PATCH /articles/{slugOrId}" => json!({ "excerpt": "Du calme." }),
            "POST /news" => json!({ "title": "La cantine ouvre", "content": "*Lundi*." }),
            "PATCH /news/{id}" => json!({ "title": "La cantine ferme" }),
            "PATCH /users/me/preferences" => json!({ "language": "en" }),
            "PATCH /employees/me" | "PATCH /employees/{id}" => json!({ "firstName": "Alix" }),
            "POST /practitioners" => {
                let person = with(person, "profession", "COACH");
                with(with(person, "specialties", ["Stress"]), "languages", ["fr"])
            }
            "POST /practitioners/{id}/validate" => json!({ "documentsVerified": true }),
            "PATCH /practitioners/me" => json!({ "bio": "Bonjour." }),
            "POST /availability" => weekly_rule(5, "09:00", "12:00"),
            "PATCH /availability/{id}" => json!({ "endTime": "16:00" }),
            "POST /availability/exception" => leave(),
            "POST /consultations" => consultation_at(&troupe.practitioner.id.to_string(), FIRST_SLOT),
            "POST /consultations/{id}/cancel" => json!({ "reason": "Empêchement." }),
            "POST /consultations/{id}/reschedule" => json!({ "scheduledAt": LATER_SLOT }),
            "POST /consultations/{id}/feedback" => json!({ "rating": 5 }),
            "POST /medical/clinical-notes" => json!({ "consultationId": id, "content": "Insomnie." }),
            "PATCH /medical/clinical-notes/{id}" => json!({ "content": "Insomnie, mieux." }),
            "POST /medical/journal" => json!({ "content": "Nuit blanche.", "mood": 3, "tags": ["sommeil"] }),
            "PATCH /medical/journal/{id}" => json!({ "mood": 5 }),
            "POST /chat/{id}/messages" => json!({ "content": "Bonjour." }),
            // A text instead of an object is a form.
            "POST /files/upload" => String::from_utf8(document("DOCUMENT", &samples::pdf()).bytes()).unwrap().into(),
            _ => Value::Null,
        }
    }

    /// A one-time token that was mailed to the employee.
    pub fn mailed(&self, troupe: &Troupe, purpose: OneTimePurpose) -> String {
        let (world, owner) = (&self.api.world, &troupe.member(Who::Employee).person);
        let (token, now) = (fresh_token(world.randomness.as_ref()), world.clock.now());
        let kept = OneTimeToken {
            digest: TokenDigest::of(&token),
            user: owner.id(),
            purpose,
            email: (purpose == OneTimePurpose::ChangeEmail)
                .then(|| cast::email(&format!("e{}@new.example", self.number()))),
            created_at: now,
            expires_at: now + purpose.validity(),
        };
        world.tenancy.run(&owner.scope(), |tx| Ok(tx.add_one_time_token(&kept)?)).unwrap();
        token
    }

    /// The token of an invitation to an employee who has not come yet, and the employee's entry.
    pub fn invitation(&self, troupe: &Troupe) -> (String, EmployeeId) {
        let (world, hr) = (&self.api.world, &troupe.member(Who::Hr).person);
        let address = format!("invited{}@{}.example", self.number(), troupe.company.slug);
        let (invited, entry) = cast::employee(world, hr, &address, "Inès");
        let (token, now) = (fresh_token(world.randomness.as_ref()), world.clock.now());
        let invitation = Invitation {
            id: world.randomness.uuid_v7(now),
            user: invited.id(),
            company: invited.user.company,
            digest: TokenDigest::of(&token),
            invited_by: hr.id(),
            created_at: now,
            expires_at: now + SignedDuration::from_hours(1),
            accepted_at: None,
        };
        world.tenancy.run(&hr.scope(), |tx| Ok(tx.add_invitation(&invitation)?)).unwrap();
        (token, entry.id)
    }
}

fn picture() -> Form {
    Form::new().text("fileType", "AVATAR").file("moi.png", "image/png", &samples::png())
}

fn leave() -> Value {
    json!({ "startsAt": "2027-01-13T08:00:00Z", "endsAt": "2027-01-13T17:00:00Z", "kind": "LEAVE" })
}

fn with(mut object: Value, field: &str, value: impl Into<Value>) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value.into());
    }
    object
}

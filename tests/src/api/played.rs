//! The people that every case of the API suite meets, each made through the API itself.
use std::ops::Deref;

use huntzen_tenancy::identity::FirstOperator;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{ApiWorld, NOBODY};
use crate::cast::siret;

/// Everybody's password.
pub const PASSWORD: &str = "quatre mots pour entrer";

/// Two companies with their people and two practitioners, in front of an application.
pub struct Played {
    api: ApiWorld,
    /// `alpha.example`, active.
    pub alpha: String,
    /// `beta.example`, active.
    pub beta: String,
    /// The entries of [`Self::MARC`], [`Self::CLAIRE`] and [`Self::LEA`].
    pub marc: String,
    /// Of alpha too.
    pub claire: String,
    /// Of beta.
    pub lea: String,
    /// The entry of [`Self::SOPHIE`].
    pub sophie: String,
    /// The entry of [`Self::PAUL`].
    pub paul: String,
    /// Sophie's weekly rules, Monday first.
    pub sophie_rules: Vec<String>,
}

impl Deref for Played {
    type Target = ApiWorld;

    fn deref(&self) -> &ApiWorld {
        &self.api
    }
}

impl Played {
    /// Operates the platform.
    pub const OPERATOR: &str = "super@huntzen.example";
    /// Manages companies and practitioners.
    pub const ADMIN: &str = "admin@huntzen.example";
    /// HR of alpha.
    pub const HR: &str = "rh@alpha.example";
    /// HR of beta.
    pub const OTHER_HR: &str = "rh@beta.example";
    /// An employee of alpha.
    pub const MARC: &str = "marc.dupont@alpha.example";
    /// Another one.
    pub const CLAIRE: &str = "claire.laurent@alpha.example";
    /// An employee of beta.
    pub const LEA: &str = "lea.morel@beta.example";
    /// A practitioner in Paris: Monday to Friday 9 to 12 and 14 to 17, 50 minutes and a pause of 10.
    pub const SOPHIE: &str = "sophie.martin@huntzen.example";
    /// Another one with the same week.
    pub const PAUL: &str = "paul.bernard@huntzen.example";

    /// Makes them all.
    pub async fn new(api: ApiWorld) -> Self {
        let first = FirstOperator {
            email: Self::OPERATOR.to_owned(),
            password: SecretString::from(PASSWORD),
            first_name: "Ada".to_owned(),
            last_name: "Opératrice".to_owned(),
        };
        api.services.super_administration.create_first(&first).unwrap();
        let mut played = Self {
            api,
            alpha: String::new(),
            beta: String::new(),
            marc: String::new(),
            claire: String::new(),
            lea: String::new(),
            sophie: String::new(),
            paul: String::new(),
            sophie_rules: Vec::new(),
        };
        let admin = json!({ "email": Self::ADMIN, "firstName": "Alix", "lastName": "Admin", "role": "ADMIN_HUNTZEN" });
        played.post(Self::OPERATOR, "/super-admin/admins", admin).await.expect(201);
        played.accept(Self::ADMIN).await;
        played.alpha = played.company("Alpha", "alpha.example", 1, Self::HR).await;
        played.beta = played.company("Bêta", "beta.example", 2, Self::OTHER_HR).await;
        played.marc = played.employee(Self::HR, Self::MARC, "Marc", "Dupont").await;
        played.claire = played.employee(Self::HR, Self::CLAIRE, "Claire", "Laurent").await;
        played.lea = played.employee(Self::OTHER_HR, Self::LEA, "Léa", "Morel").await;
        played.sophie = played.practitioner(Self::SOPHIE, "Sophie", "Martin").await;
        played.sophie_rules = played.week(Self::SOPHIE).await;
        played.paul = played.practitioner(Self::PAUL, "Paul", "Bernard").await;
        played.week(Self::PAUL).await;
        played.empty_mailboxes();
        played
    }

    /// Accepts the invitation that was mailed to this address.
    pub async fn accept(&self, address: &str) {
        let token = self.token_from_letter(address);
        let body = json!({ "token": token, "password": PASSWORD });
        self.post(NOBODY, "/employees/activate", body).await.expect(200);
    }

    /// An active company with an HR account.
    pub async fn company(&self, name: &str, domain: &str, number: u32, hr: &str) -> String {
        let body = json!({ "name": name, "siret": siret(number), "emailDomains": [domain] });
        let id = self.post(Self::ADMIN, "/companies", body).await.text_at("/id");
        self.post(Self::ADMIN, &format!("/companies/{id}/validate"), Value::Null).await.expect(200);
        let colleague = json!({ "email": hr, "firstName": "Hélène", "lastName": "Ressources" });
        self.post(Self::ADMIN, &format!("/companies/{id}/admins"), colleague).await.expect(201);
        self.accept(hr).await;
        id
    }

    /// An employee with an account.
    pub async fn employee(&self, hr: &str, address: &str, first_name: &str, last_name: &str) -> String {
        let body = json!({
            "email": address, "firstName": first_name, "lastName": last_name, "department": "Développement",
        });
        let answer = self.post(hr, "/employees", body).await;
        answer.expect(201);
        self.accept(address).await;
        answer.text_at("/id")
    }

    /// A validated practitioner without availability.
    pub async fn practitioner(&self, address: &str, first_name: &str, last_name: &str) -> String {
        let body = json!({
            "email": address, "firstName": first_name, "lastName": last_name, "title": "Dr.",
            "profession": "PSYCHOLOGIST", "registrationNumber": "759312345",
            "specialties": ["Stress", "Sommeil"], "languages": ["fr", "en-GB"],
        });
        let answer = self.post(Self::ADMIN, "/practitioners", body).await;
        answer.expect(201);
        let id = answer.text_at("/id");
        self.accept(address).await;
        let verified = json!({ "documentsVerified": true });
        self.post(Self::ADMIN, &format!("/practitioners/{id}/validate"), verified).await.expect(200);
        id
    }

    /// Monday to Friday, 9 to 12 and 14 to 17; answers the morning rules, Monday first.
    async fn week(&self, practitioner: &str) -> Vec<String> {
        let mut mornings = Vec::new();
        for day in 1..=5 {
            for (start, end) in [("09:00", "12:00"), ("14:00", "17:00")] {
                let answer = self.post(practitioner, "/availability", weekly_rule(day, start, end)).await;
                answer.expect(201);
                if start == "09:00" {
                    mornings.push(answer.text_at("/id"));
                }
            }
        }
        mornings
    }

    /// Books with Sophie, whatever comes of it.
    pub async fn book(&self, who: &str, start: &str) -> super::Answer {
        self.post(who, "/consultations", consultation_at(&self.sophie, start)).await
    }

    /// The id of a consultation of `who` with Sophie.
    pub async fn booked(&self, who: &str, start: &str) -> String {
        let answer = self.book(who, start).await;
        answer.expect(201);
        answer.text_at("/id")
    }

    /// Takes a consultation of Sophie's through a transition.
    pub async fn conduct(&self, id: &str, transition: &str) {
        self.post(Self::SOPHIE, &format!("/consultations/{id}/{transition}"), Value::Null).await.expect(200);
    }

    /// The id of a consultation of `who` with Sophie that has taken place from `start` to `end`.
    /// The clock stands at its end then.
    pub async fn held(&self, who: &str, start: &str, end: &str) -> String {
        let id = self.booked(who, start).await;
        self.set_clock(start);
        self.conduct(&id, "start").await;
        self.set_clock(end);
        self.conduct(&id, "end").await;
        id
    }

    /// The starts that `/availability/slots` offers `who` of Sophie on this day.
    pub async fn free_starts(&self, who: &str, day: &str) -> Vec<Timestamp> {
        let path = format!("/availability/slots?practitionerId={}&startDate={day}&endDate={day}", self.sophie);
        let answer = self.get(who, &path).await;
        let slots = answer.expect(200).as_array().unwrap();
        let free = slots.iter().filter(|slot| slot["available"] == true);
        free.map(|slot| slot["startTime"].as_str().unwrap().parse().unwrap()).collect()
    }
}

/// A weekly rule for all types: slots of 50 minutes and a pause of 10.
pub fn weekly_rule(day_of_week: u8, start: &str, end: &str) -> Value {
    json!({
        "dayOfWeek": day_of_week, "startTime": start, "endTime": end, "slotMinutes": 50, "bufferMinutes": 10,
        "types": ["VIDEO", "AUDIO", "PHONE", "CHAT"],
    })
}

/// A video consultation to book.
pub fn consultation_at(practitioner: &str, start: &str) -> Value {
    json!({ "practitionerId": practitioner, "type": "VIDEO", "scheduledAt": start, "reason": "Je dors mal." })
}

//! What cases about consultations ask for again and again.
use actix_web::http::Method;
use serde_json::Value;

use super::{Answer, Played};

impl Played {
    /// Takes any consultation through a transition that needs no body, whatever comes of it.
    pub async fn transition(&self, who: &str, id: &str, transition: &str) -> Answer {
        self.post(who, &format!("/consultations/{id}/{transition}"), Value::Null).await
    }

    /// Moves a consultation, whatever comes of it.
    pub async fn reschedule(&self, who: &str, id: &str, start: &str) -> Answer {
        let body = serde_json::json!({ "scheduledAt": start });
        self.post(who, &format!("/consultations/{id}/reschedule"), body).await
    }

    /// A consultation as `who` sees it.
    pub async fn consultation(&self, who: &str, id: &str) -> Value {
        self.get(who, &format!("/consultations/{id}")).await.expect(200).clone()
    }

    /// What happened to a consultation, as `who` sees it.
    pub async fn events(&self, who: &str, id: &str) -> Answer {
        let answer = self.get(who, &format!("/consultations/{id}/events")).await;
        answer.expect(200);
        answer
    }

    /// The account of `who`.
    pub async fn account_of(&self, who: &str) -> String {
        self.get(who, "/auth/me").await.text_at("/id")
    }

    /// The slots of a practitioner on one day.
    pub async fn slots_on(&self, who: &str, practitioner: &str, day: &str) -> Answer {
        let path = format!("/availability/slots?practitionerId={practitioner}&startDate={day}&endDate={day}");
        let answer = self.get(who, &path).await;
        answer.expect(200);
        answer
    }

    /// The types of the notifications of `who`, newest first.
    pub async fn inbox_of(&self, who: &str) -> Vec<Value> {
        self.get(who, "/notifications").await.each("type")
    }

    /// The subjects of the letters to this address, oldest first.
    pub fn subjects_to(&self, address: &str) -> Vec<String> {
        self.letters_to(address).into_iter().map(|letter| letter.subject).collect()
    }

    /// Asks `who` for every one of these, and expects each to be refused alike: 403 `forbidden`.
    pub async fn must_not(&self, who: &[&str], method: &Method, path: &str, body: &Value) {
        for one in who {
            self.request(method.clone(), one, path, body.clone()).await.refused(403, "forbidden");
        }
    }
}

impl Answer {
    /// A refusal without what differs between any two of them.
    pub fn without_request_id(&self) -> Value {
        let mut problem = self.json.clone();
        let removed = problem.as_object_mut().and_then(|object| object.remove("requestId"));
        assert!(removed.is_some(), "{}: no refusal: {}", self.asked, self.text());
        problem
    }

    /// The start of each listed slot, with whether it is available.
    pub fn starts(&self) -> Vec<(String, bool)> {
        let slots = self.expect(200).as_array().unwrap().iter();
        slots.map(|slot| (slot["startTime"].as_str().unwrap().to_owned(), slot["available"] == true)).collect()
    }

    /// Expects the slots that start at these times of `day`, and whether each is available.
    #[track_caller]
    pub fn must_list(&self, day: &str, slots: &[(&str, bool)]) {
        let expected: Vec<_> =
            slots.iter().map(|(time, available)| (format!("{day}T{time}:00Z"), *available)).collect();
        assert_eq!(self.starts(), expected, "{}", self.asked);
    }
}

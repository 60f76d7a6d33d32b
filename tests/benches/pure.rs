//! The pure parts: slots, the state machine, the calendar file.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use huntzen_booking::{
    availability::ConsultationType,
    calendar::{CalendarEntry, calendar_file},
    consultation::{BillingStatus, Consultation, ConsultationStatus, Transition},
    ids::{ConsultationId, PractitionerId},
};
use huntzen_tenancy::ids::{CompanyId, EmployeeId, UserId};
use huntzen_tests::load::pure::Month;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

fn consultation(at: Timestamp) -> Consultation {
    Consultation {
        id: ConsultationId(Uuid::from_u128(1)),
        company: CompanyId(Uuid::from_u128(2)),
        employee: Some(EmployeeId(Uuid::from_u128(3))),
        employee_user: Some(UserId(Uuid::from_u128(4))),
        practitioner: PractitionerId(Uuid::from_u128(5)),
        practitioner_user: UserId(Uuid::from_u128(6)),
        kind: ConsultationType::Chat,
        status: ConsultationStatus::Scheduled,
        scheduled_at: at,
        ends_at: at + SignedDuration::from_mins(50),
        buffer_minutes: 10,
        reason: None,
        room_name: None,
        started_at: None,
        ended_at: None,
        duration_seconds: None,
        actual_duration: None,
        billing_status: BillingStatus::Pending,
        cancelled_at: None,
        cancelled_by: None,
        cancel_reason: None,
        no_show_at: None,
        no_show_by: None,
        sequence: 0,
        planned_at: at,
        created_at: at,
        updated_at: at,
    }
}

fn pure(criterion: &mut Criterion) {
    let month = Month::default();
    criterion.bench_function("free slots of one practitioner over 30 days", |bench| bench.iter(|| month.slots()));

    let at = month.now();
    let booked = consultation(at);
    criterion.bench_function("a consultation from booked to ended", |bench| {
        bench.iter(|| {
            let mut consultation = black_box(&booked).clone();
            let early = SignedDuration::from_mins(15);
            for transition in [Transition::Confirm, Transition::Start { early }, Transition::End] {
                consultation.apply(transition, at).unwrap();
            }
            consultation
        });
    });

    let entry = CalendarEntry {
        consultation_id: booked.id.0,
        starts_at: booked.scheduled_at,
        ends_at: booked.ends_at,
        sequence: 0,
        cancelled: false,
        written_at: at,
    };
    criterion.bench_function("the calendar file of a consultation", |bench| {
        bench.iter(|| calendar_file(black_box(&entry)));
    });
}

criterion_group!(benches, pure);
criterion_main!(benches);

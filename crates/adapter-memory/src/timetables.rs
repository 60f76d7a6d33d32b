//! Rules, exceptions and busy times.
use huntzen_booking::{
    BookingError,
    availability::{AvailabilityException, AvailabilityRule, ExceptionTerms},
    ids::PractitionerId,
    practitioner::{DirectoryFilter, Practitioner},
    slots::BusySpan,
    timetable::{PractitionerTime, Span, Timetables},
};
use huntzen_tenancy::{StoreError, ids::UserId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    erasure::refuse_erased,
    practitioners::Wanted,
    refusal::{allow, defect, require},
    state::{ExceptionRow, RuleRow, State},
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Timetables for MemoryTx {
    fn hold_calendar(&mut self, _practitioner: PractitionerId) -> Result<(), StoreError> {
        // No two units of work go on at once.
        self.read(|_, _| ())
    }

    fn time_of(&mut self, practitioner: PractitionerId, span: Span) -> Result<Option<PractitionerTime>, StoreError> {
        let span = cut(span);
        self.read(|viewer, state| {
            let row = state.practitioners.get(&practitioner).filter(|row| viewer.sees_practitioner(row))?;
            Some(time(viewer, state, row, span))
        })
    }

    fn times(&mut self, filter: &DirectoryFilter, span: Span) -> Result<Vec<PractitionerTime>, StoreError> {
        let (wanted, span) = (Wanted::of(filter), cut(span));
        self.read(|viewer, state| {
            let matching = state.practitioners.rows().filter(|row| wanted.takes(row));
            matching.map(|row| time(viewer, state, row, span)).collect()
        })
    }

    fn add_rule(&mut self, owner: UserId, rule: &AvailabilityRule, _at: Timestamp) -> Result<(), BookingError> {
        self.write(|viewer, state| {
            let is_public = standing(state, rule.practitioner_id(), owner);
            allow(viewer.is_user(owner))?;
            refuse_erased(state, owner)?;
            let is_public = is_public.ok_or_else(|| defect("a rule of a practitioner that does not exist"))?;
            require(!state.rules.contains(&rule.id()), "availabilities_pkey")?;
            state.rules.put(rule.id(), RuleRow { owner, is_public, rule: rule.clone() });
            Ok(())
        })
    }

    fn update_rule(&mut self, rule: &AvailabilityRule, _at: Timestamp) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let held = state.rules.get(&rule.id()).filter(|held| viewer.is_user(held.owner));
            let Some((owner, is_public, practitioner)) =
                held.map(|held| (held.owner, held.is_public, held.rule.practitioner_id()))
            else {
                return Ok(false);
            };
            let rule = AvailabilityRule::new(rule.id(), practitioner, rule.terms().clone());
            let rule = rule.map_err(|errors| defect(format!("not a rule: {errors:?}")))?;
            state.rules.put(rule.id(), RuleRow { owner, is_public, rule });
            Ok(true)
        })
    }

    fn remove_rule(&mut self, owner: UserId, id: Uuid) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let is_meant = |row: &RuleRow| row.rule.id() == id && row.owner == owner && viewer.is_user(owner);
            Ok(state.rules.remove_where(is_meant) == 1)
        })
    }

    fn rules_of(&mut self, owner: UserId) -> Result<Vec<AvailabilityRule>, StoreError> {
        self.read(|viewer, state| {
            let is_theirs = |row: &&RuleRow| row.owner == owner && viewer.sees_time(row.is_public, row.owner);
            let mut rules: Vec<AvailabilityRule> =
                state.rules.rows().filter(is_theirs).map(|row| row.rule.clone()).collect();
            rules.sort_by_key(|rule| (rule.terms().day_of_week, rule.terms().start_time, rule.id()));
            rules
        })
    }

    fn add_exception(
        &mut self,
        owner: UserId,
        exception: &AvailabilityException,
        _at: Timestamp,
    ) -> Result<(), BookingError> {
        self.write(|viewer, state| {
            let is_public = standing(state, exception.practitioner_id(), owner);
            allow(viewer.is_user(owner))?;
            refuse_erased(state, owner)?;
            let is_public = is_public.ok_or_else(|| defect("an exception of a practitioner that does not exist"))?;
            require(!state.exceptions.contains(&exception.id()), "availability_exceptions_pkey")?;
            let row = ExceptionRow {
                owner,
                is_public,
                own: stored(exception, exception.label().map(str::to_owned))?,
                unlabelled: stored(exception, None)?,
            };
            state.exceptions.put(exception.id(), row);
            Ok(())
        })
    }

    fn remove_exception(&mut self, owner: UserId, id: Uuid) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let is_meant = |row: &ExceptionRow| row.own.id() == id && row.owner == owner && viewer.is_user(owner);
            Ok(state.exceptions.remove_where(is_meant) == 1)
        })
    }

    fn exceptions_of(&mut self, owner: UserId) -> Result<Vec<AvailabilityException>, StoreError> {
        self.read(|viewer, state| {
            let theirs = state.exceptions.rows().filter(|row| row.owner == owner && viewer.is_user(owner));
            let mut exceptions: Vec<AvailabilityException> = theirs.map(|row| row.own.clone()).collect();
            exceptions.sort_by_key(|exception| (exception.starts_at(), exception.id()));
            exceptions
        })
    }
}

fn time(viewer: &Viewer, state: &State, practitioner: &Practitioner, span: Span) -> PractitionerTime {
    let id = practitioner.id;
    let rules = state
        .rules
        .rows()
        .filter(|row| row.rule.practitioner_id() == id.0 && viewer.sees_time(row.is_public, row.owner));
    let exceptions = state.exceptions.rows().filter(|row| {
        row.own.practitioner_id() == id.0
            && viewer.sees_time(row.is_public, row.owner)
            && row.own.starts_at() < span.until
            && row.own.ends_at() > span.from
    });
    let meets = |busy: &BusySpan| busy.starts_at < span.until && busy.busy_until > span.from;
    let busy = state.practitioner_busy.rows().filter(|row| row.practitioner == id).map(|row| row.span);
    PractitionerTime {
        practitioner: id,
        user: practitioner.user,
        first_name: practitioner.first_name.clone(),
        last_name: practitioner.last_name.clone(),
        title: practitioner.title.clone(),
        timezone: practitioner.timezone.clone(),
        is_public: practitioner.is_public(),
        accepting_new_clients: practitioner.accepting_new_clients,
        rules: rules.map(|row| row.rule.clone()).collect(),
        exceptions: exceptions.map(|row| row.unlabelled.clone()).collect(),
        busy: busy.filter(meets).collect(),
    }
}

/// Whether the practitioner with this entry and this account is public; none when there is none.
fn standing(state: &State, practitioner: Uuid, owner: UserId) -> Option<bool> {
    let row = state.practitioners.get(&PractitionerId(practitioner))?;
    (row.user == owner).then(|| row.is_public())
}

/// The exception as it is kept, under another label.
fn stored(exception: &AvailabilityException, label: Option<String>) -> Result<AvailabilityException, StoreError> {
    let shape = exception.shape();
    let terms = ExceptionTerms {
        starts_at: micros(exception.starts_at()),
        ends_at: micros(exception.ends_at()),
        kind: exception.kind(),
        slot_minutes: shape.map(|shape| shape.slot_minutes),
        buffer_minutes: shape.map(|shape| shape.buffer_minutes),
        types: shape.map(|shape| shape.types),
        label,
    };
    let stored = AvailabilityException::new(exception.id(), exception.practitioner_id(), terms);
    stored.map_err(|errors| defect(format!("not an exception: {errors:?}")))
}

fn cut(span: Span) -> Span {
    Span { from: micros(span.from), until: micros(span.until) }
}

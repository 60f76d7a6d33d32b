//! Usage as tests make it: people who are listed in departments, and consultations that take place.
use std::cell::{Cell, RefCell};

use huntzen_booking::practitioner::Practitioner;
use huntzen_tenancy::employee::Employee;
use jiff::{SignedDuration, civil::Date, tz::TimeZone};

use crate::{
    appointments::{booked, carried_out},
    cast::{Person, practitioner},
    world::World,
};

/// Consultations that one practitioner has in a month, at most: one an hour.
const A_MONTH: u32 = 650;

/// Has consultations take place, each at a time of its own.
pub struct Usage<'a> {
    world: &'a World,
    administrator: &'a Person,
    practitioners: RefCell<Vec<(Person, Practitioner)>>,
    /// The month, and how many consultations it has.
    number: Cell<(Date, u32)>,
}

impl<'a> Usage<'a> {
    /// With practitioners whom `administrator` lists as they are needed.
    pub fn new(world: &'a World, administrator: &'a Person) -> Self {
        Self { world, administrator, practitioners: RefCell::default(), number: Cell::new((Date::ZERO, 0)) }
    }

    /// A consultation of `who` in the month that begins on `first`, of so many minutes; the next one in
    /// that month is later.
    pub fn took_place(&self, who: &(Person, Employee), first: Date, minutes: i64) {
        let (month, known) = self.number.get();
        let number = if month == first { known } else { 0 };
        self.number.set((first, number + 1));
        let with = self.practitioner(number / A_MONTH);
        let noon = first.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let start = noon + SignedDuration::from_hours(i64::from(number % A_MONTH));
        let end = start + SignedDuration::from_secs(minutes * 60 + 59);
        let one = booked(self.world, who, &with, &start.to_string());
        carried_out(self.world, &with.0, one, &start.to_string(), &end.to_string());
    }

    fn practitioner(&self, number: u32) -> (Person, Practitioner) {
        let mut known = self.practitioners.borrow_mut();
        let number = usize::try_from(number).unwrap();
        while known.len() <= number {
            let address = format!("{}@huntzen.example", self.world.randomness.uuid_v4());
            known.push(practitioner(self.world, self.administrator, &address, "Dominique"));
        }
        known[number].clone()
    }
}

//! Whoever may write everything in the database cannot change, cut or move what is sealed without
//! being found out: it then opens as nothing at all, and never as something else.
use std::{collections::BTreeMap, sync::Arc};

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Text},
};
use huntzen_booking::{
    BookingPorts, BookingRules,
    consultation::{BillingStatus, Consultation, ConsultationReading},
    review::Feedback,
};
use huntzen_clinical::{
    conversation::{ConversationReading, MessageRange},
    journal::{Days, JournalKeeping, Mood, NewEntry},
    note::{NewNote, NoteKind, Notes},
};
use huntzen_tenancy::{
    Caller, Job, Origin, PageRequest, Scope,
    clock::Clock,
    employee::Employee,
    identity::SecondFactor,
    outbox::{Arguments, Letter, write_letter},
    sealing::{KeySubject, Place, Sealed, Sealer, SecretText},
};
use huntzen_tests::{
    appointments::{book, cancelled, carried_out, planned},
    cast::{Cast, Person},
    contracts::{
        conversations::{said, write},
        reviews::new_review,
    },
    scale::rounds,
    sequence::Sequence,
    world::World,
};
use serde_json::json;
use uuid::Uuid;

/// Every sealed column, with what names a row of its table.
const COLUMNS: [(&str, &str, &str); 11] = [
    ("clinical_note_versions", "content", "note_id::text || version"),
    ("journal_entries", "content", "id::text"),
    ("journal_entries", "mood", "id::text"),
    ("journal_entries", "tags", "id::text"),
    ("messages", "content", "id::text"),
    ("consultations", "reason", "id::text"),
    ("consultations", "cancel_reason", "id::text"),
    ("reviews", "comment", "id::text"),
    ("outbox", "arguments", "id::text"),
    ("second_factors", "secret", "user_id::text"),
    ("keys.data_keys", "wrapped", "id::text"),
];

/// Nothing hinders the owner: no trigger, no check. What there is is kept, to be put back.
const UNHINDERED: &str = "
    SET session_replication_role = replica;
    DO $$ DECLARE one record; BEGIN
        FOR one IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
            WHERE contype = 'c' AND conrelid <> 0 AND connamespace IN ('public'::regnamespace, 'keys'::regnamespace)
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.conname); END LOOP;
    END $$;";

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    named: String,
    #[diesel(sql_type = BigInt)]
    length: i64,
}

/// One sealed value.
#[derive(Clone, PartialEq)]
struct Target {
    column: usize,
    row: String,
    length: usize,
}

impl Target {
    fn column(&self) -> (&'static str, &'static str) {
        (COLUMNS[self.column].0, COLUMNS[self.column].1)
    }

    fn condition(&self) -> String {
        format!("{} = '{}'", COLUMNS[self.column].2, self.row)
    }

    /// Puts `value`, an expression over the row itself, in its place.
    fn set(&self, value: &str) -> String {
        let (table, column) = self.column();
        format!("UPDATE {table} SET {column} = {value} WHERE {};", self.condition())
    }

    fn kept(&self) -> String {
        let (table, column) = self.column();
        format!("(SELECT {column} FROM {} WHERE {})", kept(table), self.condition())
    }
}

fn kept(table: &str) -> String {
    format!("kept_{}", table.replace('.', "_"))
}

/// What somebody reads: texts, or that nothing can be read.
type Reading = Result<Vec<String>, String>;

struct Stage {
    world: World,
    cast: Cast,
    consultations: Vec<Consultation>,
    owner: PgConnection,
    targets: Vec<Target>,
}

fn caller(person: &Person) -> Caller {
    Caller { actor: person.actor(), origin: Origin::default() }
}

fn text(shown: Option<SecretText>) -> String {
    shown.map(|text| text.expose().to_owned()).unwrap_or_default()
}

impl Stage {
    fn new() -> Self {
        let world = World::postgres();
        let cast = Cast::new(&world);
        let mut owner = world.database.as_ref().unwrap().owner();
        let mut stage_consultations = Vec::new();
        let marc = (cast.employee.0.clone(), cast.employee.1.clone());
        let lea = (cast.stranger.0.clone(), cast.stranger.1.clone());
        for (who, start) in
            [(&marc, "2027-01-04T14:00:00Z"), (&marc, "2027-01-04T16:00:00Z"), (&lea, "2027-01-04T18:00:00Z")]
        {
            stage_consultations.push(reasoned(&world, &cast, who, start));
        }
        confide(&world, &cast, &stage_consultations);
        owner.batch_execute(UNHINDERED).unwrap();
        let mut targets = Vec::new();
        for (number, (table, column, row)) in COLUMNS.into_iter().enumerate() {
            owner
                .batch_execute(&format!("CREATE TABLE IF NOT EXISTS {} AS SELECT * FROM {table}", kept(table)))
                .unwrap();
            let query = format!(
                "SELECT {row} AS named, length({column})::bigint AS length FROM {table} WHERE {column} IS NOT NULL"
            );
            for Value { named: row, length } in sql_query(query).load::<Value>(&mut owner).unwrap() {
                targets.push(Target { column: number, row, length: usize::try_from(length).unwrap() });
            }
            let of_column = targets.iter().filter(|target| target.column == number).count();
            assert!(of_column >= 2, "{table}.{column} has {of_column} values");
        }
        Self { world, cast, consultations: stage_consultations, owner, targets }
    }

    fn booking_ports(&self) -> BookingPorts {
        BookingPorts {
            store: Arc::clone(&self.world.booking),
            clock: Arc::<huntzen_tests::clock::TestClock>::clone(&self.world.clock),
            randomness: Arc::clone(&self.world.randomness),
            sealer: Sealer::new(Arc::clone(&self.world.vault), Arc::clone(&self.world.randomness)),
            rules: BookingRules {
                min_notice_minutes: 0,
                horizon_days: 90,
                early_start_minutes: 15,
                no_show_billing: BillingStatus::Excluded,
            },
        }
    }

    /// All that anybody may read of it, reader by reader.
    fn read(&self) -> BTreeMap<String, Reading> {
        let (world, cast) = (&self.world, &self.cast);
        let (marc, sophie, lea) = (caller(&cast.employee.0), caller(&cast.practitioner.0), caller(&cast.stranger.0));
        let ports = world.clinical_ports();
        let (notes, journal) = (Notes::new(ports.clone()), JournalKeeping::new(ports.clone()));
        let (talk, booking) = (ConversationReading::new(ports), ConsultationReading::new(self.booking_ports()));
        let mut read = BTreeMap::new();
        let mut told = |who: String, reading: Reading| read.insert(who, reading);
        for (number, consultation) in self.consultations.iter().enumerate() {
            let who = if number < 2 { &marc } else { &lea };
            let found = notes.of_consultation(&sophie, consultation.id.0.into());
            let found = found.map(|notes| notes.into_iter().map(|note| text(note.content)).collect());
            told(format!("notes {number}"), found.map_err(|error| format!("{error:?}")));
            let found = talk.history(who, consultation.id.0.into(), MessageRange::Last, 100);
            let found = found.map(|part| part.messages.into_iter().map(|one| text(one.content)).collect());
            told(format!("messages {number}"), found.map_err(|error| format!("{error:?}")));
            let found = booking.one(who, consultation.id).map(|one| vec![text(one.reason), text(one.cancel_reason)]);
            told(format!("reasons {number}"), found.map_err(|error| format!("{error:?}")));
        }
        for (name, who) in [("Marc", &marc), ("Léa", &lea)] {
            let found = journal.list(who, Days::default(), None, None, 100).map(|part| {
                let shown = part.items.into_iter().map(|entry| {
                    let tags: Vec<&str> = entry.tags.iter().collect();
                    format!("{} {:?} {tags:?}", text(entry.content.clone()), entry.mood.map(Mood::figure))
                });
                shown.collect()
            });
            told(format!("journal of {name}"), found.map_err(|error| format!("{error:?}")));
        }
        let waiting = Feedback::new(self.booking_ports())
            .pending(&caller(&cast.administrator), PageRequest { page: 1, per_page: 100 })
            .map(|page| page.items.into_iter().map(|review| text(review.comment)).collect());
        told("reviews".to_owned(), waiting.map_err(|error| format!("{error:?}")));
        told("letters".to_owned(), self.letters());
        for (name, who) in [("Marc", &cast.employee.0), ("Léa", &cast.stranger.0)] {
            told(format!("second factor of {name}"), self.second_factor(who));
        }
        read
    }

    /// What a sign-in opens.
    fn second_factor(&self, of: &Person) -> Reading {
        let subject = KeySubject::Person(of.id());
        let (factor, keys) = self
            .world
            .tenancy
            .run(&of.scope(), |tx| Ok((tx.second_factor(of.id())?, tx.data_keys(&[subject])?)))
            .unwrap();
        let opened = self.booking_ports().sealer.open(&keys[0], &secret_of(of), &factor.unwrap().secret);
        opened.map(|secret| vec![secret.expose().to_owned()]).map_err(|error| format!("{error:?}"))
    }

    /// What the sender of letters opens.
    fn letters(&self) -> Reading {
        let (world, scope) = (&self.world, Scope::worker(Job::Outbox));
        let ports = self.booking_ports();
        let far = world.clock.now() + jiff::SignedDuration::from_hours(1000);
        let due = world.tenancy.run(&scope, |tx| Ok(tx.take_due(far, far, 1000)?)).unwrap();
        let subjects: Vec<_> = due.iter().map(|due| KeySubject::Letter(due.message.id)).collect();
        let keys = world.tenancy.run(&scope, |tx| Ok(tx.data_keys(&subjects)?)).unwrap();
        let kept = due.iter().filter_map(|due| match &due.message.arguments {
            Arguments::Sealed(value) => Some((due.message.id, value)),
            Arguments::About(_) => None,
        });
        let opened = kept.map(|(id, value)| {
            let key = keys.iter().find(|key| key.subject == KeySubject::Letter(id)).unwrap();
            ports.sealer.open(key, &Arguments::place(id), value)
        });
        let mut texts = opened
            .map(|one| one.map(|text| text.expose().to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("{error:?}"))?;
        texts.sort();
        Ok(texts)
    }

    fn run(&mut self, statement: &str) {
        self.owner.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    fn restore(&mut self, touched: &[Target]) {
        let text: String = touched.iter().map(|target| target.set(&target.kept())).collect();
        self.run(&text);
    }
}

/// Where the secret of a second factor stands.
fn secret_of(person: &Person) -> Place {
    Place::new("second_factors", "secret", person.id().0)
}

/// A consultation with a reason and, called off, with another.
fn reasoned(world: &World, cast: &Cast, who: &(Person, Employee), start: &str) -> Consultation {
    let consultation = planned(world, who, &cast.practitioner, start);
    let now = world.clock.now();
    let key = world.vault.generate(world.randomness.uuid_v7(now), KeySubject::Consultation(consultation.id.0)).unwrap();
    let seal = |column, text: &str| -> Sealed {
        world.vault.seal(&key, &Place::new("consultations", column, consultation.id.0), text.as_bytes()).unwrap()
    };
    let reason = Some(seal("reason", &format!("Raison de {start}.")));
    let consultation = Consultation { reason, ..consultation };
    book(world, &consultation, &who.0).unwrap();
    world.tenancy.run(&who.0.scope(), |tx| Ok(tx.add_data_keys(std::slice::from_ref(&key))?)).unwrap();
    let words = [format!("Bonjour, {start}."), format!("Je dors mal, {start}.")];
    let batch: Vec<_> = words.iter().map(|words| said(&who.0, consultation.id.0.into(), words)).collect();
    assert!(write(world, &batch).iter().all(Result::is_ok));
    let called_off = cancelled(world, &who.0, consultation);
    let cancel_reason = Some(seal("cancel_reason", &format!("Empêchement de {start}.")));
    let called_off = Consultation { cancel_reason, ..called_off };
    world.booking.run(&who.0.scope(), |tx| tx.update_consultation(&called_off, None)).unwrap();
    called_off
}

/// Notes, journals, comments and letters of several people.
fn confide(world: &World, cast: &Cast, consultations: &[Consultation]) {
    let (notes, journal) = (Notes::new(world.clinical_ports()), JournalKeeping::new(world.clinical_ports()));
    let secret = |text: String| SecretText::new(text);
    for (number, consultation) in consultations.iter().enumerate() {
        for turn in 0..2 {
            let note = NewNote {
                consultation: consultation.id.0.into(),
                kind: NoteKind::Record,
                content: secret(format!("Note {number} {turn}.")),
            };
            notes.write(&caller(&cast.practitioner.0), &note).unwrap();
        }
    }
    for (person, count) in [(&cast.employee.0, 2), (&cast.stranger.0, 1)] {
        for turn in 0..count {
            world.clock.advance(jiff::SignedDuration::from_secs(1));
            let entry = NewEntry {
                content: secret(format!("Journal {turn} de {}.", person.user.first_name)),
                mood: Mood::new(turn + 3),
                tags: vec![secret(format!("étiquette {turn} {}", person.user.first_name))],
            };
            journal.write(&caller(person), &entry).unwrap();
        }
    }
    let sealer = Sealer::new(Arc::clone(&world.vault), Arc::clone(&world.randomness));
    let now = world.clock.now();
    for (number, who) in [&cast.employee, &cast.stranger].into_iter().enumerate() {
        let day = format!("2027-01-{:02}", 11 + number);
        let past = planned(world, who, &cast.practitioner, &format!("{day}T09:00:00Z"));
        book(world, &past, &who.0).unwrap();
        let (began, ended) = (format!("{day}T09:00:00Z"), format!("{day}T09:45:00Z"));
        let past = carried_out(world, &cast.practitioner.0, past, &began, &ended);
        let mut review = new_review(world, &past, 4);
        world
            .booking
            .run(&who.0.scope(), |tx| {
                let key = sealer.key(tx, KeySubject::Platform, now)?;
                let comment = SecretText::new(format!("Commentaire {number}."));
                review.comment = Some(sealer.seal(&key, &review.id.comment(), &comment)?);
                tx.add_review(&review)
            })
            .unwrap();
        let id = world.randomness.uuid_v7(now);
        let to = (who.0.id(), Letter::PasswordReset);
        let token = json!({ "token": format!("jeton{number}") });
        world.tenancy.run(&who.0.scope(), |tx| Ok(write_letter(&sealer, tx, (id, now), to, &token)?)).unwrap();
        let set_up = world.tenancy.run(&who.0.scope(), |tx| {
            let key = sealer.key(tx, KeySubject::Person(who.0.id()), now)?;
            let secret = SecretText::new(format!("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ{number}"));
            let secret = sealer.seal(&key, &secret_of(&who.0), &secret)?;
            let (user, created_at) = (who.0.id(), now);
            let factor = SecondFactor { user, secret, created_at, failures: 0, failing_since: None };
            Ok(tx.set_second_factor(&factor, &[])?)
        });
        set_up.unwrap();
    }
}

/// One tampering at a random place: the statements, and which values they touch.
fn tampering(stage: &Stage, sequence: &mut Sequence) -> (String, Vec<Target>) {
    let targets = &stage.targets;
    let one = targets[sequence.below(targets.len())].clone();
    let (_, column) = one.column();
    match sequence.below(4) {
        // A bit.
        0 => {
            let (byte, bit) = (sequence.below(one.length), sequence.below(8));
            (one.set(&format!("set_byte({column}, {byte}, get_byte({column}, {byte}) # {})", 1 << bit)), vec![one])
        }
        // The end, or all of it but the head.
        1 => {
            let left = sequence.below(one.length);
            (one.set(&format!("substr({column}, 1, {left})")), vec![one])
        }
        // The values of two rows of one column change places.
        2 => {
            let others: Vec<&Target> =
                targets.iter().filter(|other| other.column == one.column && **other != one).collect();
            let other = others[sequence.below(others.len())].clone();
            (one.set(&other.kept()) + &other.set(&one.kept()), vec![one, other])
        }
        // A value of any other column comes here.
        _ => {
            let others: Vec<&Target> = targets.iter().filter(|other| other.column != one.column).collect();
            let other = others[sequence.below(others.len())].clone();
            (one.set(&other.kept()), vec![one])
        }
    }
}

#[test]
fn what_is_sealed_opens_where_it_was_sealed_or_nowhere() {
    let mut stage = Stage::new();
    let baseline = stage.read();
    let texts: Vec<String> = baseline.values().flat_map(|reading| reading.clone().unwrap()).collect();
    assert!(texts.len() > 20 && texts.iter().all(|text| !text.is_empty()), "{texts:?}");
    let mut sequence = Sequence::new(0x5EA1);
    for round in 0..rounds(2_000) {
        let (statement, touched) = tampering(&stage, &mut sequence);
        stage.run(&statement);
        let read = stage.read();
        let mut refused = 0;
        for (who, reading) in &read {
            match reading {
                Ok(_) if Some(reading) == baseline.get(who) => {}
                Ok(shown) => {
                    // What names a key that is not there for it opens as nothing at all.
                    refused += 1;
                    let whole = baseline[who].as_ref().unwrap();
                    let is_less = shown.iter().zip(whole).all(|(text, was)| text == was || text.is_empty());
                    assert!(shown.len() == whole.len() && is_less, "round {round}: {statement}: {who}: {shown:?}");
                }
                Err(error) => {
                    refused += 1;
                    assert!(texts.iter().all(|text| !error.contains(text.as_str())), "{who}: {error}");
                }
            }
        }
        assert!(refused > 0, "round {round}: nobody noticed {statement}");
        stage.restore(&touched);
    }
    assert_eq!(stage.read(), baseline);
}

/// A key that is gone takes with it what was sealed under it, and nothing else.
#[test]
fn a_destroyed_key_leaves_nothing_to_read() {
    let mut stage = Stage::new();
    let baseline = stage.read();
    let id: Uuid = stage.consultations[0].id.0;
    stage.run(&format!("DELETE FROM keys.data_keys WHERE subject_id = '{id}'"));
    for (who, reading) in stage.read() {
        let texts = reading.unwrap();
        if who == "messages 0" || who == "reasons 0" {
            assert!(texts.iter().all(String::is_empty), "{who}: {texts:?}");
        } else {
            assert_eq!(Some(&Ok(texts)), baseline.get(&who));
        }
    }
}

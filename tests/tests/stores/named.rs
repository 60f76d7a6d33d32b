//! Every table that names a person is in the export, or left out of it for a reason: the database's own
//! catalogue says which tables those are.
use std::collections::{BTreeMap, BTreeSet};

use diesel::{RunQueryDsl, sql_query, sql_types::Text};
use huntzen_app::export::Section;
use huntzen_tenancy::{policy::Role, words::Words};
use huntzen_tests::cluster::TestDatabase;

#[derive(diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    column: String,
}

/// Columns that refer to a person, by a key or by what they are called.
const NAMING: &str = "
    SELECT format('%I.%I', n.nspname, c.relname) AS table, a.attname::text AS column
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'keys') AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
      AND (a.attname ~ '(^|_)(user|employee|practitioner|subject|author|owner|sender|recipient|reader|actor|uploader)(_user)?_id$'
        OR a.attname ~ '(^|_)(email|first_name|last_name|phone|contact_name|user_agent|ip|search_text)$'
        OR a.attname ~ '(^|_)(invited|validated|cancelled|no_show|created|updated|uploaded|published|written)_by$'
        OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
                   AND k.confrelid IN ('users'::regclass, 'employees'::regclass, 'practitioners'::regclass)
                   AND a.attname <> 'company_id'))
    ORDER BY 1, 2";

/// Where an export tells what these tables hold of the person who takes it away.
const EXPORTED: [(&str, &str); 23] = [
    ("public.users", "account"),
    ("public.employees", "employee"),
    ("public.preferences", "preferences"),
    ("public.deletion_requests", "deletionRequests"),
    ("public.sessions", "sessions"),
    ("public.second_factors", "secondFactor"),
    ("public.backup_codes", "secondFactor"),
    ("public.one_time_tokens", "tokens"),
    ("public.invitations", "invitations"),
    ("public.outbox", "letters"),
    ("public.notifications", "notifications"),
    ("public.files", "files"),
    ("public.employment_periods", "employment"),
    ("public.practitioners", "practitioner"),
    ("public.availabilities", "availability"),
    ("public.availability_exceptions", "exceptions"),
    ("public.consultations", "consultations"),
    ("public.consultation_events", "consultationEvents"),
    ("public.messages", "messages"),
    ("public.journal_entries", "journal"),
    ("public.reviews", "reviews"),
    ("public.employee_activity_daily", "activity"),
    ("public.practitioner_activity_daily", "activity"),
];

/// The same, of what the employer and the payroll are told, and of who touched the data.
const TOLD_ELSEWHERE: [(&str, &str); 3] = [
    ("public.usage_release_people", "namedUsage"),
    ("public.practitioner_statements", "statements"),
    ("public.audit_entries", "accessLog"),
];

/// Why the others are not in it.
const LEFT_OUT: [(&str, &str); 11] = [
    ("public.file_uploads", "uploads that go on, for as long as they do; of what arrived the file is told"),
    ("public.idempotency_keys", "answers that the person got, kept for a day; what they are about is told"),
    ("public.refresh_tokens", "digests of tokens, each of a session that is told"),
    ("public.conversations", "what was unread since when; the messages themselves are told"),
    ("public.clinical_notes", "the practitioner releases the record (Code de la santé publique L1111-7)"),
    ("public.clinical_note_versions", "the same"),
    ("public.practitioner_busy", "times that a consultation takes, which is told"),
    ("public.companies", "a company's own data: whom it names as its contact, and which administrator validated it"),
    ("public.counter_differences", "days to be compared anew; the counters themselves are told"),
    ("keys.data_keys", "wrapped keys: nothing that anybody could read"),
    ("keys.erased", "that somebody was erased; nobody is behind the id who could ask"),
];

#[test]
fn every_table_that_names_a_person_is_exported_or_left_out_for_a_reason() {
    let database = TestDatabase::cloned();
    let columns = sql_query(NAMING).load::<Column>(&mut database.owner()).unwrap();
    let mut naming: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Column { table, column } in columns {
        naming.entry(table).or_default().push(column);
    }
    assert!(naming.len() > 20, "{naming:?}");
    let told: Vec<(&str, &str)> = EXPORTED.into_iter().chain(TOLD_ELSEWHERE).collect();
    let known: BTreeSet<&str> = told.iter().chain(&LEFT_OUT).map(|(table, _)| *table).collect();
    assert_eq!(known.len(), told.len() + LEFT_OUT.len(), "a table is named twice");
    let unknown: Vec<_> = naming.iter().filter(|(table, _)| !known.contains(table.as_str())).collect();
    assert!(unknown.is_empty(), "neither exported nor left out for a reason: {unknown:?}");
    let gone: Vec<_> = known.iter().filter(|table| !naming.contains_key(**table)).collect();
    assert!(gone.is_empty(), "these tables name nobody: {gone:?}");
    let head = ["account", "employee", "preferences", "deletionRequests"];
    let sections: BTreeSet<&str> =
        Role::ALL.iter().flat_map(|role| Section::of(*role)).map(Section::key).chain(head).collect();
    for (table, section) in &told {
        assert!(sections.contains(section), "{table} is said to be told in {section}");
    }
    let used: BTreeSet<&str> = told.iter().map(|(_, section)| *section).collect();
    assert_eq!(sections, used, "a section tells of no table");
}

//! The tables and functions of the database, as far as this crate names them.
use diesel::{
    define_sql_function,
    sql_types::{Array, BigInt, Binary, Bool, Date, Daterange, Nullable, Record, Text, Uuid},
};

diesel::table! {
    companies (id) {
        id -> Uuid,
        name -> Text,
        legal_name -> Text,
        siret -> Text,
        sector -> Nullable<Text>,
        size -> Nullable<Integer>,
        timezone -> Text,
        slug -> Text,
        contact_name -> Nullable<Text>,
        contact_email -> Nullable<Text>,
        phone -> Nullable<Text>,
        address -> Nullable<Text>,
        is_active -> Bool,
        validated_at -> Nullable<Timestamptz>,
        validated_by -> Nullable<Uuid>,
        search_text -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    company_domains (domain) {
        domain -> Text,
        company_id -> Uuid,
        position -> Integer,
    }
}

diesel::table! {
    company_reporting (company_id, starts_on) {
        company_id -> Uuid,
        starts_on -> Date,
        mode -> Text,
    }
}

diesel::table! {
    preferences (user_id) {
        user_id -> Uuid,
        share_usage_with_employer -> Bool,
        alias -> Nullable<Text>,
        quiet_start_minute -> Nullable<SmallInt>,
        quiet_end_minute -> Nullable<SmallInt>,
        quiet_timezone -> Nullable<Text>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    deletion_requests (id) {
        id -> Uuid,
        user_id -> Uuid,
        status -> Text,
        reason -> Nullable<Binary>,
        created_at -> Timestamptz,
        deletion_date -> Timestamptz,
        cancelled_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        certificate_id -> Nullable<Uuid>,
        keys_gone_on -> Nullable<Date>,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        company_id -> Nullable<Uuid>,
        email -> Text,
        password_hash -> Nullable<Text>,
        role -> Text,
        first_name -> Text,
        last_name -> Text,
        is_active -> Bool,
        email_verified -> Bool,
        blocked_at -> Nullable<Timestamptz>,
        signed_out_before -> Nullable<Timestamptz>,
        last_login_at -> Nullable<Timestamptz>,
        two_factor_enabled_at -> Nullable<Timestamptz>,
        language -> Text,
        avatar_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    employees (id) {
        id -> Uuid,
        company_id -> Uuid,
        user_id -> Uuid,
        email -> Text,
        first_name -> Text,
        last_name -> Text,
        phone -> Nullable<Text>,
        department -> Nullable<Text>,
        position -> Nullable<Text>,
        status -> Text,
        search_text -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    employment_periods (employee_id, during) {
        employee_id -> Uuid,
        company_id -> Uuid,
        department -> Nullable<Text>,
        during -> Daterange,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        stepped_up_at -> Nullable<Timestamptz>,
        user_agent -> Nullable<Text>,
        ip -> Nullable<Text>,
    }
}

diesel::table! {
    refresh_tokens (sha256) {
        sha256 -> Bytea,
        session_id -> Uuid,
        user_id -> Uuid,
        issued_at -> Timestamptz,
        rotated_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    one_time_tokens (sha256) {
        sha256 -> Bytea,
        user_id -> Uuid,
        purpose -> Text,
        email -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    invitations (id) {
        id -> Uuid,
        user_id -> Uuid,
        company_id -> Nullable<Uuid>,
        sha256 -> Bytea,
        invited_by -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        accepted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_entries (id) {
        id -> Uuid,
        at -> Timestamptz,
        actor_user_id -> Nullable<Uuid>,
        actor_role -> Nullable<Text>,
        subject_user_id -> Nullable<Uuid>,
        action -> Text,
        resource -> Text,
        resource_id -> Nullable<Uuid>,
        company_id -> Nullable<Uuid>,
        ip -> Nullable<Text>,
        request_id -> Text,
        outcome -> Text,
    }
}

diesel::table! {
    audit_unlinked (entry_id) {
        entry_id -> Uuid,
    }
}

diesel::table! {
    outbox (id) {
        id -> Uuid,
        recipient_user_id -> Uuid,
        letter -> Text,
        arguments -> Nullable<Bytea>,
        about -> Nullable<Jsonb>,
        created_at -> Timestamptz,
        next_attempt_at -> Timestamptz,
        attempts -> Integer,
        sent_at -> Nullable<Timestamptz>,
        given_up -> Bool,
    }
}

diesel::table! {
    notifications (id) {
        id -> Uuid,
        user_id -> Uuid,
        #[sql_name = "type"]
        kind -> Text,
        data -> Jsonb,
        read_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    practitioners (id) {
        id -> Uuid,
        user_id -> Uuid,
        first_name -> Text,
        last_name -> Text,
        title -> Nullable<Text>,
        profession -> Text,
        registration_number -> Nullable<Text>,
        specialties -> Array<Text>,
        languages -> Array<Text>,
        bio -> Nullable<Text>,
        years_of_experience -> Nullable<Integer>,
        offers_video -> Bool,
        offers_audio -> Bool,
        offers_phone -> Bool,
        offers_chat -> Bool,
        accepting_new_clients -> Bool,
        timezone -> Text,
        is_validated -> Bool,
        validated_at -> Nullable<Timestamptz>,
        suspended_at -> Nullable<Timestamptz>,
        documents_verified -> Bool,
        rating_sum -> Integer,
        review_count -> Integer,
        search_text -> Text,
        avatar_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    availabilities (id) {
        id -> Uuid,
        practitioner_id -> Uuid,
        practitioner_user_id -> Uuid,
        day_of_week -> SmallInt,
        start_minute -> SmallInt,
        end_minute -> SmallInt,
        slot_minutes -> SmallInt,
        buffer_minutes -> SmallInt,
        types -> SmallInt,
        valid_from -> Nullable<Date>,
        valid_until -> Nullable<Date>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    availability_exceptions (id) {
        id -> Uuid,
        practitioner_id -> Uuid,
        practitioner_user_id -> Uuid,
        kind -> Text,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        slot_minutes -> Nullable<SmallInt>,
        buffer_minutes -> Nullable<SmallInt>,
        types -> Nullable<SmallInt>,
        label -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    practitioner_busy (practitioner_id, starts_at) {
        practitioner_id -> Uuid,
        starts_at -> Timestamptz,
        busy_until -> Timestamptz,
    }
}

diesel::table! {
    consultations (id) {
        id -> Uuid,
        company_id -> Uuid,
        employee_id -> Uuid,
        employee_user_id -> Uuid,
        practitioner_id -> Uuid,
        practitioner_user_id -> Uuid,
        #[sql_name = "type"]
        kind -> Text,
        status -> Text,
        scheduled_at -> Timestamptz,
        ends_at -> Timestamptz,
        buffer_minutes -> SmallInt,
        reason -> Nullable<Bytea>,
        room_name -> Nullable<Text>,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        duration_seconds -> Nullable<Integer>,
        actual_duration -> Nullable<Integer>,
        service_day -> Nullable<Date>,
        late_month -> Nullable<Date>,
        billing_status -> Text,
        cancelled_at -> Nullable<Timestamptz>,
        cancelled_by -> Nullable<Uuid>,
        cancel_reason -> Nullable<Bytea>,
        no_show_at -> Nullable<Timestamptz>,
        no_show_by -> Nullable<Uuid>,
        sequence -> Integer,
        planned_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    consultation_events (id) {
        id -> Uuid,
        consultation_id -> Uuid,
        company_id -> Uuid,
        employee_user_id -> Uuid,
        practitioner_user_id -> Uuid,
        #[sql_name = "type"]
        kind -> Text,
        at -> Timestamptz,
        actor_user_id -> Nullable<Uuid>,
        previous_start -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    reviews (id) {
        id -> Uuid,
        consultation_id -> Uuid,
        company_id -> Uuid,
        employee_user_id -> Uuid,
        practitioner_id -> Uuid,
        rating -> SmallInt,
        comment -> Nullable<Bytea>,
        published_comment -> Nullable<Text>,
        month -> Text,
        status -> Text,
        created_at -> Timestamptz,
        moderated_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    reminders (consultation_id, kind, starts_at) {
        consultation_id -> Uuid,
        kind -> Text,
        starts_at -> Timestamptz,
        sent_at -> Timestamptz,
    }
}

diesel::table! {
    practitioner_activity_daily (practitioner_id, day) {
        practitioner_id -> Uuid,
        practitioner_user_id -> Uuid,
        day -> Date,
        consult_count -> Integer,
        total_duration_seconds -> BigInt,
        total_duration_minutes -> BigInt,
    }
}

diesel::table! {
    practitioner_statements (practitioner_id, month) {
        practitioner_id -> Uuid,
        practitioner_user_id -> Uuid,
        month -> Date,
        bytes -> Bytea,
        sha256 -> Bytea,
        closed_at -> Timestamptz,
    }
}

diesel::table! {
    employee_activity_daily (employee_id, day) {
        employee_id -> Uuid,
        day -> Date,
        consult_count -> Integer,
        total_duration_seconds -> BigInt,
    }
}

diesel::table! {
    company_activity_daily (company_id, day) {
        company_id -> Uuid,
        day -> Date,
        consult_count -> Integer,
        total_duration_seconds -> BigInt,
        active_users_count -> Integer,
    }
}

diesel::table! {
    conversations (consultation_id) {
        consultation_id -> Uuid,
        last_seq -> BigInt,
    }
}

diesel::table! {
    messages (consultation_id, seq) {
        consultation_id -> Uuid,
        seq -> BigInt,
        id -> Uuid,
        company_id -> Uuid,
        sender_id -> Uuid,
        content -> Binary,
        read_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (user_id, id) {
        user_id -> Uuid,
        id -> Uuid,
        held_by -> Nullable<Uuid>,
        held_until -> Nullable<Timestamptz>,
        answer -> Nullable<Binary>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    file_uploads (object) {
        object -> Uuid,
        owner_user_id -> Uuid,
        begun_at -> Timestamptz,
    }
}

diesel::table! {
    files (id) {
        id -> Uuid,
        owner_user_id -> Uuid,
        kind -> Text,
        name -> Text,
        media_type -> Text,
        size -> BigInt,
        sha256 -> Binary,
        related_resource -> Nullable<Text>,
        related_id -> Nullable<Uuid>,
        object -> Uuid,
        employee_user_id -> Nullable<Uuid>,
        practitioner_user_id -> Nullable<Uuid>,
        is_public -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    file_removals (object) {
        object -> Uuid,
        queued_at -> Timestamptz,
        put_off_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    keys.data_keys (id) {
        id -> Uuid,
        kind -> Text,
        subject_id -> Uuid,
        author_id -> Uuid,
        master_key_id -> BigInt,
        wrapped -> Binary,
    }
}

diesel::table! {
    usage_releases (company_id, month) {
        company_id -> Uuid,
        month -> Date,
        closed_at -> Timestamptz,
    }
}

diesel::table! {
    usage_release_cells (company_id, month, position) {
        company_id -> Uuid,
        month -> Date,
        position -> Integer,
        department -> Nullable<Text>,
        users -> BigInt,
        consultations -> BigInt,
        minutes -> BigInt,
    }
}

diesel::table! {
    usage_release_people (company_id, month, employee_id) {
        company_id -> Uuid,
        month -> Date,
        employee_id -> Uuid,
        employee_user_id -> Uuid,
        department -> Nullable<Text>,
        consultations -> BigInt,
        total_duration_seconds -> BigInt,
        total_duration_minutes -> BigInt,
    }
}

diesel::table! {
    usage_release_invoices (company_id, month) {
        company_id -> Uuid,
        month -> Date,
        consultations -> BigInt,
        total_duration_seconds -> BigInt,
        total_duration_minutes -> BigInt,
    }
}

diesel::table! {
    backups (id) {
        id -> Uuid,
        at -> Timestamptz,
        bytes -> BigInt,
    }
}

diesel::table! {
    reconciliation (single) {
        single -> Bool,
        at -> Timestamptz,
        checked -> BigInt,
        differing -> BigInt,
    }
}

diesel::table! {
    second_factors (user_id) {
        user_id -> Uuid,
        secret -> Binary,
        last_step -> Nullable<BigInt>,
        failures -> Integer,
        failing_since -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    backup_codes (user_id, sha256) {
        user_id -> Uuid,
        sha256 -> Binary,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(employees -> companies (company_id));
diesel::table! {
    clinical_notes (id) {
        id -> Uuid,
        consultation_id -> Uuid,
        company_id -> Uuid,
        employee_user_id -> Uuid,
        practitioner_user_id -> Uuid,
        kind -> Text,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    clinical_note_versions (note_id, version) {
        note_id -> Uuid,
        version -> Integer,
        practitioner_user_id -> Uuid,
        content -> Bytea,
        is_amendment -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    journal_entries (id) {
        id -> Uuid,
        user_id -> Uuid,
        company_id -> Uuid,
        version -> Integer,
        content -> Bytea,
        mood -> Bytea,
        tags -> Bytea,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    articles (id) {
        id -> Uuid,
        slug -> Text,
        title -> Text,
        excerpt -> Nullable<Text>,
        content -> Text,
        content_html -> Text,
        category -> Nullable<Text>,
        tags -> Array<Text>,
        status -> Text,
        published_at -> Nullable<Timestamptz>,
        view_count -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        listed_at -> Timestamptz,
    }
}

diesel::table! {
    article_tags (tag, article_id) {
        tag -> Text,
        article_id -> Uuid,
        status -> Text,
    }
}

diesel::table! {
    news (id) {
        id -> Uuid,
        company_id -> Uuid,
        title -> Text,
        content -> Text,
        content_html -> Text,
        target_departments -> Array<Text>,
        published_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(articles, article_tags);
diesel::allow_tables_to_appear_in_same_query!(audit_entries, audit_unlinked);
diesel::allow_tables_to_appear_in_same_query!(clinical_notes, clinical_note_versions);
diesel::allow_tables_to_appear_in_same_query!(companies, sessions, users);
diesel::allow_tables_to_appear_in_same_query!(employees, usage_release_people);
diesel::allow_tables_to_appear_in_same_query!(preferences, users);
diesel::allow_tables_to_appear_in_same_query!(
    consultations,
    consultation_events,
    deletion_requests,
    employees,
    companies,
    reminders
);

/// The names of both participants of a consultation, for either of them: given and family name of
/// the employee, then of the practitioner, then the practitioner's title.
pub(crate) type Names = Record<(Text, Text, Text, Text, Nullable<Text>)>;

define_sql_function! { fn participant_names(consultation: Uuid) -> Names }
define_sql_function! { #[sql_name = "lower"] fn first_day(days: Daterange) -> Nullable<Date> }
define_sql_function! { #[sql_name = "upper"] fn day_after(days: Daterange) -> Nullable<Date> }
define_sql_function! { fn company_for_domain(wanted: Text) -> Nullable<Uuid> }
define_sql_function! { fn count_article_visit(article: Uuid, of_day: Date, by_visitor: Binary) -> Bool }
define_sql_function! { fn forget_article_visits(today: Date) -> BigInt }
define_sql_function! { fn speaks(languages: Array<Text>, wanted: Text) -> Bool }
define_sql_function! { fn set_config(setting: Text, value: Text, local: Bool) -> Text }
define_sql_function! { fn hashtextextended(text: Text, seed: BigInt) -> BigInt }
define_sql_function! { fn pg_try_advisory_xact_lock(key: BigInt) -> Bool }
define_sql_function! { fn scope_role() -> Nullable<Text> }

//! Every contract, run over plain maps and over PostgreSQL.
use std::{collections::BTreeSet, fs, path::Path};

mod accounts {
    huntzen_tests::contract!(
        huntzen_tests::contracts::accounts:
        an_added_account_is_found,
        an_account_changes,
        a_failed_unit_of_work_leaves_nothing,
        an_address_is_taken_once,
        many_are_added_but_those_whose_addresses_are_taken,
        a_work_address_is_known_to_whoever_invites,
        of_many_at_once_each_address_is_added_once,
        signing_in_sees_one_account,
        accounts_are_seen_by_whom_they_concern,
        nobody_makes_accounts_beyond_their_reach,
        hr_is_signed_out_together,
        hr_of_a_company_is_known_to_administrators,
        of_many_at_once_one_address_wins,
    );
}

mod article_visits {
    huntzen_tests::contract!(
        huntzen_tests::contracts::article_visits:
        a_visitor_is_counted_once_a_day,
        a_day_has_one_salt_and_it_does_not_outlive_it,
        a_day_that_has_not_begun_is_forgotten,
        a_visit_waits_for_a_deletion,
        visits_are_forgotten_with_their_day,
        a_failed_unit_of_work_counts_nobody,
        of_many_at_once_one_is_counted,
    );
}

mod articles {
    huntzen_tests::contract!(
        huntzen_tests::contracts::articles:
        an_article_is_found_by_id_and_by_slug,
        an_article_changes,
        drafts_are_seen_by_administrators_alone,
        articles_are_written_by_administrators_alone,
        articles_are_listed_latest_first,
        tags_follow_the_article,
        a_failed_unit_of_work_leaves_no_article,
        of_many_at_once_one_slug_wins,
    );
}

mod audit {
    huntzen_tests::contract!(
        huntzen_tests::contracts::audit:
        entries_are_kept_in_order,
        the_trail_is_closed_to_all_others,
    );
}

mod audit_chains {
    huntzen_tests::contract!(
        huntzen_tests::contracts::audit_chains:
        what_is_recorded_is_linked_once,
        the_chains_are_the_jobs_alone,
        nothing_is_linked_twice,
        many_record_and_link_at_once,
        checkpoints_bind,
        a_checkpoint_comes_after_so_many_links,
        an_old_trail_without_checkpoints_is_a_finding,
    );
}

mod backups {
    huntzen_tests::contract!(
        huntzen_tests::contracts::backups:
        the_newest_backup_is_told,
        backups_are_the_jobs_alone,
        a_failed_unit_of_work_leaves_no_backup,
        of_many_at_once_one_records_a_backup,
    );
}

mod calls {
    use huntzen_adapter_memory::LocalCalls;
    use huntzen_tests::contracts::calls;

    #[test]
    fn a_consultation_has_one_call() {
        calls::a_consultation_has_one_call(&LocalCalls::default());
    }

    #[test]
    fn of_many_at_once_one_wins() {
        calls::of_many_at_once_one_wins(&LocalCalls::default());
    }

    #[test]
    fn an_answer_is_told_again_and_taken_back() {
        calls::an_answer_is_told_again_and_taken_back(&LocalCalls::default());
    }

    #[test]
    fn what_rings_too_long_is_missed() {
        calls::what_rings_too_long_is_missed(&LocalCalls::default());
    }

    #[test]
    fn a_missed_call_is_swept_until_it_is_recorded() {
        calls::a_missed_call_is_swept_until_it_is_recorded(&LocalCalls::default(), || ());
    }

    #[test]
    fn a_device_takes_its_calls_along() {
        calls::a_device_takes_its_calls_along(&LocalCalls::default());
    }

    huntzen_tests::contract!(
        huntzen_tests::contracts::calls:
        a_missed_call_is_told_to_a_participant,
    );
}

mod companies {
    huntzen_tests::contract!(
        huntzen_tests::contracts::companies:
        every_employee_is_told_of_reporting,
        whoever_is_listed_later_is_told_too,
        a_company_is_in_a_known_zone,
        reporting_is_the_administrators_to_decide,
        an_added_company_is_found,
        a_company_changes,
        no_two_companies_share_what_is_unique,
        hr_changes_its_own_company_alone,
        another_tenant_sees_no_company,
        a_failed_unit_of_work_leaves_no_company,
        lists_are_filtered_and_paged,
        a_domain_leads_to_its_active_company,
        slugs_in_use_are_known_to_administrators,
        of_many_at_once_one_takes_the_domain,
        a_held_company_loses_no_change,
    );
}

mod company_news {
    huntzen_tests::contract!(
        huntzen_tests::contracts::company_news:
        news_are_kept,
        news_are_listed_latest_first,
        whom_news_are_meant_for_is_told,
        reading_follows_the_department_of_today,
        news_are_a_companys_own,
        a_failed_unit_of_work_leaves_no_news,
    );
}

mod consultation_ends {
    huntzen_tests::contract!(
        huntzen_tests::contracts::consultation_ends:
        a_duration_is_measured,
        a_duration_is_the_stores_to_say,
        a_consultation_counts_on_the_companys_day,
        who_met_whom_is_known,
    );
}

mod consultation_lists {
    huntzen_tests::contract!(
        huntzen_tests::contracts::consultation_lists:
        ones_own_are_listed_newest_first,
        ones_own_are_filtered,
        upcoming_and_history_share_all,
        a_walk_meets_each_once,
        nobody_lists_anothers,
    );
}

mod consultation_news {
    huntzen_tests::contract!(
        huntzen_tests::contracts::consultation_news:
        a_booking_tells_both_participants,
        each_event_tells_whom_it_concerns,
        a_move_tells_the_new_time,
        what_a_job_does_is_told_too,
    );
}

mod consultation_times {
    huntzen_tests::contract!(
        huntzen_tests::contracts::consultation_times:
        a_taken_time_is_refused_with_its_pause,
        times_that_only_touch_are_both_free,
        an_employee_is_booked_once_at_a_time,
        a_time_is_freed_when_nothing_happens_in_it,
        moving_frees_the_old_time,
        a_longer_pause_is_refused_like_a_longer_time,
        of_many_at_once_one_books_the_slot,
        of_many_at_once_one_is_the_employees,
        a_practitioner_sees_what_is_live,
    );
}

mod consultations {
    huntzen_tests::contract!(
        huntzen_tests::contracts::consultations:
        a_booked_consultation_is_found,
        a_change_is_kept_with_its_event,
        calling_off_and_missing_are_kept,
        a_failed_unit_of_work_leaves_no_consultation,
        a_consultation_is_its_participants_alone,
        nobody_books_for_another,
        administrators_see_it_redacted,
        a_participant_joins_once,
    );
}

mod conversations {
    huntzen_tests::contract!(
        huntzen_tests::contracts::conversations:
        an_added_message_is_found,
        a_failed_unit_of_work_leaves_no_message,
        a_conversation_is_its_participants_alone,
        the_writer_alone_writes,
        a_named_message_is_known,
        reading_is_kept,
        somebody_away_is_told_once_in_a_while,
        a_letter_tells_of_what_stays_unread,
        of_many_at_once_places_have_no_hole,
        the_last_places_are_told_together,
    );
}

mod counters {
    huntzen_tests::contract!(
        huntzen_tests::contracts::counters:
        counters_equal_a_recount,
        a_consultation_counts_once,
        a_failed_end_counts_nowhere,
        counters_are_seen_by_few,
        an_account_of_figures_is_found,
        of_many_ends_at_once_every_one_counts,
    );
}

mod statements {
    huntzen_tests::contract!(
        huntzen_tests::contracts::statements:
        lines_are_what_is_paid,
        a_statement_is_kept_once,
        what_ends_late_is_a_line_of_the_next_open_month,
        missing_statements_are_found,
        every_consultation_is_a_line_of_one_statement,
        a_billed_absence_is_a_line_of_no_minutes,
    );
}

mod data_keys {
    huntzen_tests::contract!(
        huntzen_tests::contracts::data_keys:
        a_key_serves_its_own_alone,
        nobody_adds_a_key_for_others,
        a_subject_has_one_key,
        a_failed_unit_of_work_leaves_no_key,
        a_rotation_changes_the_wrapping_alone,
        wrapping_is_the_jobs_alone,
    );
}

mod employees {
    huntzen_tests::contract!(
        huntzen_tests::contracts::employees:
        an_added_employee_is_found,
        an_employee_changes,
        names_follow_to_the_account,
        a_failed_unit_of_work_leaves_no_employee,
        many_are_listed_at_once,
        another_tenant_sees_no_employee,
        nobody_lists_people_elsewhere,
        an_address_is_listed_once_a_company,
        lists_are_searched_and_paged,
        eligibility_takes_both_standings,
        employment_periods_follow_every_change,
        employment_periods_are_the_audits_alone,
        of_many_at_once_one_address_is_listed,
        a_held_employee_loses_no_change,
    );
}

mod files {
    huntzen_tests::contract!(
        huntzen_tests::contracts::files:
        a_file_is_found,
        files_are_seen_by_whom_they_are_for,
        a_picture_follows_its_practitioner,
        a_picture_is_shown_where_its_owner_is,
        nobody_sends_what_is_not_theirs_to_send,
        what_is_deleted_is_queued,
        an_upload_ends_one_way_or_the_other,
        stale_uploads_are_given_up,
        removals_are_done_or_put_off,
        the_key_comes_with_the_file,
        what_one_keeps_is_counted,
        a_meeting_is_its_participants,
        a_failed_unit_of_work_leaves_no_file,
        many_at_once_stay_within_the_share,
        uploads_are_bounded,
    );
}

mod housekeeping {
    huntzen_tests::contract!(
        huntzen_tests::contracts::housekeeping:
        what_nobody_ended_is_found,
        what_just_ended_is_not_forgotten,
        what_nobody_pays_for_is_found,
        work_is_found_by_its_job_alone,
        a_job_settles_what_it_found,
        of_many_nodes_each_consultation_has_one,
    );
}

mod idempotency {
    huntzen_tests::contract!(
        huntzen_tests::contracts::idempotency:
        an_added_request_is_found,
        an_account_has_so_much_kept,
        a_request_is_its_users_own,
        a_failed_unit_of_work_leaves_no_request,
        a_request_is_done_once,
        a_long_answer_is_told_again,
        of_many_at_once_one_does_it,
        an_answer_is_told_again_for_a_day,
        a_long_request_is_taken_over_when_it_is_left,
        a_refusal_gives_way_to_what_was_done,
        a_message_is_said_once,
        answers_go_with_the_person,
    );
}

mod invitations {
    huntzen_tests::contract!(
        huntzen_tests::contracts::invitations:
        an_added_invitation_is_found,
        a_later_invitation_voids_earlier_ones,
        many_are_invited_at_once,
        an_invitation_is_accepted_once_in_time,
        invited_employees_are_the_companys,
        invitations_are_withdrawn,
        a_failed_unit_of_work_leaves_no_invitation,
        another_tenant_sees_no_invitation,
        people_without_a_company_are_invited_too,
        of_many_at_once_one_accepts,
    );
}

mod journal {
    huntzen_tests::contract!(
        huntzen_tests::contracts::journal:
        an_entry_is_its_owners_alone,
        an_entry_is_written_by_its_owner,
        an_entry_changes,
        entries_are_listed,
        a_deleted_entry_is_gone,
        a_held_entry_loses_no_change,
    );
}

mod letters {
    huntzen_tests::contract!(
        huntzen_tests::contracts::letters:
        a_letter_reaches_the_worker,
        a_letter_that_brings_out_a_defect_keeps_no_other_waiting,
        a_taken_letter_is_held_for_its_lease,
        a_letter_is_sent_tried_again_or_given_up,
        a_letter_waits_for_the_end_of_quiet_hours,
        many_letters_are_written_at_once,
        letters_are_the_workers_alone,
        of_many_workers_each_letter_has_one,
    );
}

mod live {
    huntzen_tests::contract!(
        huntzen_tests::contracts::live:
        news_are_of_whom_they_are_asked_for,
        ended_sessions_are_told,
    );

    mod in_process {
        use huntzen_adapter_memory::{LocalBroadcast, MemoryTickets};
        use huntzen_tests::contracts::live as suite;

        #[test]
        fn a_ticket_is_taken_once() {
            suite::a_ticket_is_taken_once(&MemoryTickets::default());
        }

        #[test]
        fn tickets_do_not_grow_without_end() {
            suite::tickets_do_not_grow_without_end(&MemoryTickets::holding(2));
        }

        #[test]
        fn a_broadcast_reaches_every_sink_in_order() {
            suite::a_broadcast_reaches_every_sink_in_order(&LocalBroadcast::default());
        }
    }
}

mod notes {
    huntzen_tests::contract!(
        huntzen_tests::contracts::notes:
        a_note_is_its_authors_alone,
        a_note_is_written_by_its_author,
        versions_are_kept,
        a_deleted_note_is_gone,
        a_failed_unit_of_work_leaves_no_note,
        a_held_note_loses_no_version,
    );
}

mod notifications {
    huntzen_tests::contract!(
        huntzen_tests::contracts::notifications:
        a_notification_is_found,
        an_inbox_is_walked_newest_first,
        reading_is_kept,
        a_notification_is_deleted,
        a_failed_unit_of_work_leaves_no_notification,
        an_inbox_is_its_owners_alone,
        of_many_at_once_one_counts,
    );
}

mod practitioners {
    huntzen_tests::contract!(
        huntzen_tests::contracts::practitioners:
        an_added_practitioner_is_found,
        a_practitioner_changes,
        nobody_changes_anothers_entry,
        a_failed_unit_of_work_leaves_no_practitioner,
        entries_that_are_not_public_are_seen_by_few,
        administrators_page_through_all,
        the_directory_is_filtered,
        the_directory_is_ordered,
        of_many_at_once_one_entry_is_made,
        a_held_practitioner_loses_no_change,
    );
}

mod erasure {
    huntzen_tests::contract!(
        huntzen_tests::contracts::erasure:
        a_request_is_found_and_taken_back,
        of_many_at_once_one_is_pending,
        requests_are_ones_own_alone,
        a_failed_unit_of_work_leaves_no_request,
        the_oldest_request_is_due_on_its_day,
        who_is_pending_is_told_to_the_job_alone,
        who_is_expected_waits,
        the_last_operator_waits,
        of_many_nodes_one_erases,
        an_employee_is_forgotten,
        the_company_never_learns,
        a_practitioner_is_forgotten,
        nobody_is_due_before_thirty_days,
        nothing_is_written_after_an_erasure,
        who_is_passed_over_is_not_taken,
        a_failed_unit_of_work_erases_nobody,
    );
}

mod preferences {
    huntzen_tests::contract!(
        huntzen_tests::contracts::preferences:
        decisions_are_found,
        decisions_are_ones_own_alone,
        a_failed_unit_of_work_leaves_no_decision,
        who_no_longer_agrees_is_no_longer_named,
    );
}

mod reconciliation {
    huntzen_tests::contract!(
        huntzen_tests::contracts::reconciliation:
        figures_equal_a_recomputation_of_any_history,
        counters_are_compared_with_consultations,
    );
}

mod releases {
    huntzen_tests::contract!(
        huntzen_tests::contracts::releases:
        a_release_is_kept_once,
        a_failed_unit_of_work_leaves_no_release,
        a_release_is_seen_by_those_it_is_for,
        missing_releases_are_found,
        people_are_those_of_the_month,
        departments_are_those_of_the_first_day,
        the_total_is_of_everybody,
        reporting_is_seen_by_those_it_concerns,
        what_ends_late_counts_in_the_next_open_month,
        consent_counts_for_no_month_that_was_over,
        who_withdraws_while_a_month_closes_is_not_named,
        every_consultation_counts_in_one_month,
        closing_publishes_each_month_once,
    );
}

mod reminders {
    huntzen_tests::contract!(
        huntzen_tests::contracts::reminders:
        a_reminder_is_due_from_its_lead_to_the_start,
        a_time_chosen_late_has_no_reminder,
        what_will_not_take_place_is_not_announced,
        what_was_called_off_meanwhile_is_not_announced,
        a_reminder_is_sent_once,
        a_failed_unit_of_work_leaves_no_reminder,
        reminders_are_their_jobs_alone,
        of_many_at_once_one_sends,
    );
}

mod reviews {
    huntzen_tests::contract!(
        huntzen_tests::contracts::reviews:
        a_given_review_waits_for_moderation,
        a_consultation_is_reviewed_once,
        moderation_decides_what_is_shown_and_counted,
        nobody_else_moderates,
        reviews_are_listed,
        the_directory_is_ordered_by_rating,
        a_failed_unit_of_work_leaves_no_review,
        of_many_at_once_one_review_is_given,
    );
}

mod retention {
    huntzen_tests::contract!(
        huntzen_tests::contracts::retention:
        what_is_older_goes,
        letters_go_with_their_keys,
        an_accepted_invitation_stays,
        what_was_only_sent_goes_too,
        conversations_go_with_their_keys,
        notes_go_by_profession,
        discarding_is_the_jobs_alone,
    );
}

mod second_factors {
    huntzen_tests::contract!(
        huntzen_tests::contracts::second_factors:
        a_second_factor_is_set_and_replaced,
        codes_are_accepted_once,
        wrong_codes_are_counted,
        of_many_at_once_one_uses_a_code,
        second_factors_are_their_owners_alone,
        a_failed_unit_of_work_leaves_no_second_factor,
    );
}

mod sessions {
    huntzen_tests::contract!(
        huntzen_tests::contracts::sessions:
        an_added_session_is_found,
        a_session_knows_the_companys_standing,
        a_refresh_token_is_exchanged,
        live_sessions_are_listed_newest_first,
        all_sessions_but_one_end_together,
        a_failed_unit_of_work_leaves_no_session,
        sessions_are_their_owners_alone,
        a_new_device_is_known_from_then_on,
        a_step_up_is_noted_of_one_session,
        a_held_session_leaves_its_account_to_others,
        a_refresh_token_is_one_sessions,
        of_many_at_once_one_exchanges_the_token,
    );
}

mod tallies {
    use huntzen_adapter_memory::MemoryTallies;
    use huntzen_tests::contracts::tallies;

    #[test]
    fn a_window_has_so_many_and_no_more() {
        tallies::a_window_has_so_many_and_no_more(&MemoryTallies::default());
    }

    #[test]
    fn several_are_taken_from_together_or_not_at_all() {
        tallies::several_are_taken_from_together_or_not_at_all(&MemoryTallies::default());
    }

    #[test]
    fn what_is_given_back_may_be_taken_again() {
        tallies::what_is_given_back_may_be_taken_again(&MemoryTallies::default());
    }

    #[test]
    fn what_is_forgotten_begins_anew() {
        tallies::what_is_forgotten_begins_anew(&MemoryTallies::default());
    }

    #[test]
    fn a_clock_a_little_behind() {
        tallies::a_clock_a_little_behind_gives_back(&MemoryTallies::default());
    }

    #[test]
    fn of_many_at_once_exactly_as_many_are_granted() {
        tallies::of_many_at_once_exactly_as_many_are_granted(&MemoryTallies::default());
    }
}

mod timetables {
    huntzen_tests::contract!(
        huntzen_tests::contracts::timetables:
        rules_are_kept,
        exceptions_are_kept,
        a_practitioners_time_is_found_at_once,
        the_times_of_all_are_found_together,
        visibility_follows_the_standing,
        labels_are_their_writers_alone,
        nobody_plans_for_another,
        a_failed_unit_of_work_leaves_no_plan,
        of_many_at_once_one_holds_the_calendar,
    );
}

mod tokens {
    huntzen_tests::contract!(
        huntzen_tests::contracts::tokens:
        a_token_knows_its_owner,
        only_its_holder_learns_whose_a_token_is,
        a_token_is_used_once,
        a_token_knows_the_address_that_it_confirms,
        tokens_are_voided_by_purpose,
        a_later_token_voids_earlier_ones,
        a_failed_unit_of_work_leaves_no_token,
        tokens_are_their_owners_alone,
        of_many_at_once_one_uses_the_token,
    );
}

#[test]
fn every_contract_is_listed_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = fs::read_to_string(folder.join("tests/stores/contracts.rs")).unwrap();
    let listed: BTreeSet<&str> = listed.lines().map(|line| line.trim().trim_end_matches(',')).collect();
    let mut found = 0;
    for file in fs::read_dir(folder.join("src/contracts")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let name = line.strip_prefix("pub fn ").and_then(|rest| rest.strip_suffix("(world: &World) {"));
            if let Some(name) = name {
                assert!(listed.contains(name), "no store is held to {name}");
                found += 1;
            }
        }
    }
    assert!(found > 100, "only {found} contracts were found");
}

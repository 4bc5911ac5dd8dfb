//! The store's contract. Each scene runs on each backend, and on PostgreSQL also as behind a pooler: another backend is one more `suite!`
//! at the end of this file and a [`world::Place`] of its own.

#[cfg(test)]
mod answers_lost;
#[cfg(test)]
mod checking;
#[cfg(test)]
mod codes;
#[cfg(test)]
mod copying;
#[cfg(test)]
mod families;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod migrating;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod over_tls;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod registrations;
#[cfg(test)]
mod restoring;
#[cfg(test)]
mod revoking;
#[cfg(test)]
mod upkeep;
#[cfg(test)]
mod warnings;
#[cfg(test)]
mod world;

// What only a shared store has, `answers_lost`, `migrating`, `over_tls` and `plans`, stands outside the suites.

/// Makes a test of each scene. A scene that is not named here is dead code, and the compiler says so.
macro_rules! scenes {
    ($world:expr; $($chapter:ident { $($scene:ident)* })*) => {
        $(mod $chapter {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $scene() {
                crate::$chapter::$scene($world.await).await;
            })*
        })*
    };
}

macro_rules! suite {
    ($backend:ident, $world:expr) => {
        #[cfg(test)]
        mod $backend {
            scenes! { $world;
                registrations {
                    a_client_of_no_organisation_is_broken_and_takes_its_whole_register_along
                    a_register_decided_on_an_older_generation_is_a_conflict
                    a_change_to_what_stands_already_is_none
                    a_client_that_nobody_registered_is_none
                    a_registration_that_no_longer_holds_is_none
                    a_client_stops_with_itself_and_with_its_organisation
                    a_secret_ends_no_later_than_it_would_have
                    every_read_after_a_register_sees_it
                    a_register_whose_caller_went_away_is_seen_all_the_same
                    a_registry_is_read_as_it_was_registered
                    access_is_of_one_organisation_and_what_was_last_said_counts
                    the_latest_of_what_was_taken_back_of_a_client_counts
                    what_a_client_was_given_ends_when_it_becomes_anothers
                    what_was_taken_back_is_told_of_all_but_of_persons_only_of_the_one_asked_for
                    a_store_that_several_share_has_a_clock_and_a_folder_has_its_process_s
                    a_person_stands_where_the_pools_together_say
                }
                logins {
                    a_login_is_unknown_to_any_other_browser
                    a_login_ends_at_its_instant
                    a_login_without_evidence_or_for_another_client_is_not_finished
                    a_finish_that_fails_leaves_the_login_as_it_was
                    a_finished_login_stays_finished
                    of_fifty_finishes_one_is_done
                    a_grant_of_evidence_that_was_replaced_is_not_stored
                    logout_finishes_what_is_unfinished_in_that_browser
                    logout_finishes_the_logins_of_several_secrets_at_once
                    later_evidence_takes_the_place_of_earlier
                }
                codes {
                    a_code_that_is_not_there_is_unknown
                    a_code_ends_at_its_instant
                    a_code_ends_with_its_grant
                    another_client_changes_nothing
                    a_spending_that_fails_leaves_the_code_unspent
                    a_failing_request_does_not_fail_its_neighbours
                    a_replay_takes_back_everything_the_code_gave
                    a_replay_is_recognised_after_the_code_has_ended
                    of_fifty_redemptions_one_succeeds
                    a_code_and_a_token_are_read_as_they_were_given
                }
                families {
                    a_refresh_token_that_is_not_there_is_unknown
                    another_client_changes_nothing_of_a_family
                    a_refresh_token_ends_at_its_instant
                    a_refresh_token_ends_with_its_grant
                    a_family_that_was_taken_back_gives_nothing
                    what_a_person_was_given_before_is_nothing
                    a_refresh_that_fails_changes_nothing
                    a_replay_takes_the_whole_family_back
                    a_retry_replaces_the_successor_that_nobody_used
                    the_grace_ends_to_the_second_and_a_retry_does_not_begin_it_anew
                    a_retry_after_the_successor_was_used_is_a_replay
                    a_token_that_was_spent_in_time_is_retried_after_its_own_end
                    a_replay_is_recognised_for_as_long_as_the_grant_is_there
                    tokens_are_rotated_several_times_in_one_second
                    a_token_that_stays_has_its_end_moved
                    what_was_spent_on_a_token_that_has_been_used_is_a_replay
                    a_narrowed_token_has_its_scopes_and_the_next_has_all
                    of_fifty_rotations_without_a_grace_one_succeeds
                    of_fifty_retries_one_branch_lives
                    a_family_is_read_as_it_was_given
                }
                revoking {
                    a_token_that_nobody_gave_takes_nothing_back
                    another_clients_token_is_not_taken_back
                    whichever_token_is_presented_everything_is_taken_back
                    a_token_that_has_ended_takes_its_grant_back_for_as_long_as_that_is_there
                    a_revoked_code_is_not_spent_again_without_a_replay
                    a_token_of_a_grant_without_a_refresh_token_is_taken_back
                    revocation_races_rotation_and_nothing_lives_afterwards
                }
                warnings {
                    nobody_is_warned_twice_of_one_thing_on_one_day
                    warnings_are_told_newest_first
                    of_fifty_that_warn_one_does
                    a_warning_is_kept_for_ninety_days
                }
                isolation {
                    nothing_of_one_issuer_is_anything_at_another
                    nothing_is_found_at_an_issuer_without_rows
                }
                keys {
                    of_fifty_first_keys_one_comes
                    a_key_is_shown_from_publication_to_removal
                    a_rotation_decided_on_what_has_changed_since_makes_no_key
                    a_rotation_ends_the_older_keys
                    an_emergency_stops_a_key_that_had_not_begun
                    one_kid_comes_once_to_an_issuer
                    a_clock_behind_every_key_gets_no_new_one
                    a_key_is_swept_when_it_has_left_the_jwk_set
                }
                upkeep {
                    nothing_is_swept_before_its_end
                    a_spent_code_stays_recognisable_until_its_grant_has_ended
                    a_family_stays_while_it_can_be_used
                    families_larger_than_a_batch_go_with_their_grants
                    audit_goes_by_its_own_retention_alone
                    audit_of_a_clock_ahead_holds_no_other_back
                    every_effect_has_its_record_and_no_refusal_has_one
                    a_record_names_nobody
                    a_closed_store_says_so
                }
                opening {
                    another_master_key_is_refused
                    everything_is_there_again
                    a_new_master_key_changes_no_sub_and_no_handle
                }
            }
        }
    };
}

suite!(embedded, crate::world::World::embedded());
suite!(postgres, crate::world::World::on_postgres(portvakt_store::Pooler::None));
suite!(postgres_behind_a_pooler, crate::world::World::on_postgres(portvakt_store::Pooler::Transaction));

"""The traps that others fell into, and the tests that show that we do not.

Each line of the shared list of traps that belongs to validators and conditional reads is
here. What belongs to parts that are not built yet stands in LATER, so that nothing is
forgotten by silence.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

# trap → the tests, as file::name
TRAPS = {
    "a list split at every comma breaks the tag “a,b”": [
        "evaluate/test_against_model.py::test_every_combination_of_fields_states_and_this_method",
        "behaviour/test_preconditions.py::test_the_tag_we_made_is_recognised_in_every_list",
    ],
    "lists without a space, with tabs, with empty elements": [
        "behaviour/test_preconditions.py::test_the_tag_we_made_is_recognised_in_every_list",
    ],
    "repeated field lines, joined with a bare comma": [
        "behaviour/test_preconditions.py::test_repeated_field_lines_are_one_list",
    ],
    "`*` as falsy or as a tag; the tag “*” as the wildcard; the empty tag is a tag": [
        "evaluate/test_against_model.py::test_every_pair_of_fields_over_all_their_values",
        "behaviour/test_preconditions.py::test_another_tag_gets_the_whole_response",
    ],
    "weak against strong comparison": [
        "entity_tag/test_parse_and_compare.py::test_strong_and_weak_comparison",
        "behaviour/test_preconditions.py::test_a_weak_tag_never_satisfies_if_match",
    ],
    "the order of §13.2.2; If-None-Match bars If-Modified-Since": [
        "evaluate/test_against_model.py::test_every_combination_of_fields_states_and_this_method",
        "behaviour/test_preconditions.py::test_a_date_is_not_looked_at_when_there_are_tags",
        "behaviour/test_preconditions.py::test_preconditions_come_before_the_range_that_the_application_answered",
    ],
    "a malformed If-Match dropped, so that the write proceeds": [
        "evaluate/test_against_model.py::test_every_combination_of_fields_states_and_this_method",
        "evaluate/test_against_model.py::test_a_longer_field_is_malformed_and_never_lets_a_write_through",
    ],
    "a malformed date answered with 400 or 412; RFC 850 and asctime dates; `+0000`": [
        "behaviour/test_preconditions.py::test_all_three_forms_of_date_are_read",
        "behaviour/test_preconditions.py::test_what_is_no_date_is_ignored",
    ],
    "a 404, 302 or 500 turned to 304": [
        "behaviour/test_left_alone.py::test_what_is_no_2xx_stays_what_it_is",
    ],
    "If-Modified-Since on other methods; 304 instead of 412 on a write": [
        "evaluate/test_against_model.py::test_every_combination_of_fields_states_and_this_method",
    ],
    "a write's precondition judged after the handler ran": [
        "behaviour/test_left_alone.py::test_preconditions_of_other_methods_are_left_to_the_application",
    ],
    "two If-Modified-Since lines are no date": [
        "behaviour/test_preconditions.py::test_two_dates_are_none",
    ],
    "If-Unmodified-Since where there is no date": [
        "behaviour/test_preconditions.py::test_without_a_modification_date_dates_are_ignored",
    ],
    "OPTIONS, TRACE and CONNECT are exempt": [
        "evaluate/test_against_model.py::test_every_combination_of_fields_states_and_this_method",
    ],
    "Content-Language does not belong on a 304": [
        "behaviour/test_not_modified.py::test_caching_cors_and_security_fields_are_kept_and_content_fields_dropped",
    ],
    "HEAD with another status or other validators than GET": [
        "behaviour/test_head.py::test_head_has_the_status_and_fields_of_get_and_the_length_of_its_body",
        "behaviour/test_head.py::test_preconditions_hold_for_head_as_for_get",
    ],
    "fields of tens of kilobytes with thousands of tags": [
        "behaviour/test_preconditions.py::test_hostile_fields_get_the_whole_response",
        "behaviour/test_preconditions.py::test_a_huge_field_is_judged_in_no_time",
    ],
    "Vary, Cache-Control, CORS, CSP and CDN fields lost on a 304": [
        "behaviour/test_not_modified.py::test_a_304_has_the_fields_of_the_200_less_those_of_the_content",
        "behaviour/test_not_modified.py::test_caching_cors_and_security_fields_are_kept_and_content_fields_dropped",
    ],
    "Content-Type, -Length, -Encoding left in a 304; an app's Content-Length on its own 304": [
        "behaviour/test_not_modified.py::test_a_304_has_the_fields_of_the_200_less_those_of_the_content",
        "behaviour/test_not_modified.py::test_the_applications_own_304_is_passed_and_framed_right",
    ],
    "Set-Cookie on a 304: only what this very run of the application set": [
        "behaviour/test_not_modified.py::test_cookies_set_in_this_very_answer_are_kept_in_order",
    ],
    "one strong tag for identity and gzip": [
        "behaviour/test_validators.py::test_each_content_coding_has_its_own_strong_tag",
    ],
    "modification time as identity": [
        "behaviour/test_files.py::test_other_content_of_the_same_size_and_time_has_another_tag",
        "behaviour/test_files.py::test_the_same_content_elsewhere_and_later_has_the_same_tag",
        "behaviour/test_files.py::test_another_file_under_the_same_name_has_its_own_tag",
    ],
    "a hash of HEAD's empty body": [
        "behaviour/test_head.py::test_then_too_there_is_no_tag_of_an_empty_body",
    ],
    "an unquoted tag copied to the client": [
        "behaviour/test_validators.py::test_an_unquoted_tag_is_replaced",
        "behaviour/test_validators.py::test_two_tags_are_none_and_are_replaced_by_one",
    ],
    "events delayed, memory exhausted, sendfile lost": [
        "streams/test_one_by_one.py::test_chunks_arrive_one_by_one",
        "streams/test_memory.py::test_a_gibibyte_leaves_the_workers_memory_alone",
        "streams/test_sendfile.py::test_a_file_goes_out_by_sendfile_with_its_tag",
        "behaviour/test_files.py::test_the_server_gets_the_very_wrapper_unread_and_open",
    ],
    "close() not called, or twice": [
        "behaviour/test_wsgi.py::test_once_whatever_the_answer_is",
        "behaviour/test_wsgi.py::test_when_the_client_goes_away",
        "behaviour/test_wsgi.py::test_its_exception_reaches_the_server_and_it_is_closed_once",
    ],
    "nginx weakens tags; Apache and others mark them with the coding": [
        "behaviour/test_preconditions.py::test_a_tag_that_a_compressing_proxy_marked_is_recognised",
        "behaviour/test_not_modified.py::test_a_304_for_a_weakened_tag_says_the_strong_one",
    ],
    "servers that send a 304's, a 204's or a HEAD's body": [
        "behaviour/test_not_modified.py::test_the_applications_own_304_is_passed_and_framed_right",
        "behaviour/test_not_modified.py::test_a_204_has_no_body",
        "behaviour/test_head.py::test_head_of_a_stream_has_its_status_and_fields_and_does_not_run_it",
        "behaviour/test_servers.py::test_a_server_lacks_what_the_table_says_and_nothing_else",
    ],
    "earlier header fields that survive exc_info": [
        "behaviour/test_wsgi.py::test_nothing_of_the_first_head_is_left",
    ],
    "an empty file through file_wrapper corrupts the next request": [
        "behaviour/test_files.py::test_an_empty_file_leaves_the_connection_in_order",
        "behaviour/test_files.py::test_one_connection_serves_files_304s_heads_and_pages_in_turn",
    ],
    "If-Range: weak tags, inexact dates, not looked at": [
        "behaviour/test_ranges.py::test_a_weak_tag_never_gets_a_part",
        "behaviour/test_ranges.py::test_anything_else_gets_the_whole",
        "clients/test_resuming.py::test_whoever_sends_if_range_never_has_a_mixture",
    ],
    "a Last-Modified less than a second old as a strong validator": [
        "behaviour/test_ranges.py::test_a_date_of_this_second_or_to_come_is_weak",
    ],
    "ranges on HEAD, unknown units, one byte, bytes=-0": [
        "behaviour/test_ranges.py::test_head_takes_no_notice",
        "behaviour/test_ranges.py::test_one_part_is_a_206_with_just_these_octets",
        "behaviour/test_ranges.py::test_what_is_malformed_or_of_another_unit_gets_the_whole",
        "behaviour/test_ranges.py::test_what_begins_nowhere_in_the_content_is_416",
    ],
    "many, overlapping and descending ranges": [
        "behaviour/test_ranges.py::test_overlapping_ranges_are_joined",
        "behaviour/test_ranges.py::test_descending_ones_too",
        "hostile/test_random_ranges.py::test_a_part_is_what_the_model_says",
    ],
    "Flask's ranges come wrapped": [
        "behaviour/test_files.py::test_a_range_of_it_is_passed",
    ],
    "accumulating a stream, with b'' meanwhile": [
        "streams/test_one_by_one.py::test_the_very_chunks_come_out_none_joined_none_dropped_none_early",
        "behaviour/test_validators.py::test_a_body_longer_than_max_body_streams_through",
    ],
    "PEP 3333: plain dict, exact lists of exact tuples, late start_response, write()": [
        "behaviour/test_wsgi.py::test_the_environ_that_arrives_is_the_very_dict_of_the_server",
        "behaviour/test_wsgi.py::test_a_generator_calls_start_response_when_it_is_first_asked",
        "behaviour/test_wsgi.py::test_what_is_written_goes_out_before_what_is_iterated",
    ],
    "octets past ASCII in field values": [
        "behaviour/test_wsgi.py::test_octets_that_are_no_ascii_stay_what_they_are_in_fields",
    ],
    "the access log: the word before the last octet, all of a repeated field": [
        "behaviour/test_results_and_stats.py::test_the_word_is_there_before_the_last_octet_goes_out",
        "behaviour/test_results_and_stats.py::test_the_word_is_in_the_servers_access_log",
    ],
    "Flask's send_file says 304 to changed content of equal size and second": [
        "behaviour/test_files.py::test_taken_over_changed_content_of_equal_size_and_second_is_seen",
    ],
    "the same tag on every replica, never the same for other content": [
        "entity_tag/test_of_content.py::test_another_process_makes_the_same_tag",
        "entity_tag/test_of_content.py::test_different_bodies_have_different_tags",
    ],
    "mutable state from before the fork": [
        "workers/test_workers.py::test_every_worker_makes_and_knows_the_same_tags",
    ],
}

LATER = [
    "a weakened tag accepted in If-Match",
    "volatile regions of a page",
    "mod_wsgi's subinterpreters: documented",
    "the access log's ambiguous quotes: with its analyser",
]


def names_in(path):
    """Return the names of the test functions in a file, those in classes too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_tests_that_exist(trap):
    assert TRAPS[trap]
    for test in TRAPS[trap]:
        file, name = test.split("::")
        assert name in names_in(TESTS / file)

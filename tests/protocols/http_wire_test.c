/* SPDX-License-Identifier: MIT */
/* The HTTP server on the wire: scripts of what a client sends and what it must see. */
#include <stdlib.h>

#include "check.h"
#include "http_error_page.h"
#include "http_world.h"
#include "wire_player.h"

/* ---- what scripts about HTTP say */

static bool setup(const char *word, char *rest)
{
    weft_http_limits *l = &http_config.limits;
    const wire_limit limits[] = {
        {"request_line_bytes_max", &l->request_line_bytes_max, NULL},
        {"head_bytes_max", &l->head_bytes_max, NULL},
        {"fields_max", &l->fields_max, NULL},
        {"responses_pending_max", &l->responses_pending_max, NULL},
        {"requests_max", &l->requests_max, NULL},
        {"head_timeout_ms", &l->head_timeout_ms, NULL},
        {"body_timeout_ms", &l->body_timeout_ms, NULL},
        {"idle_timeout_ms", &l->idle_timeout_ms, NULL},
        {"answer_timeout_ms", &l->answer_timeout_ms, NULL},
        {"write_timeout_ms", &l->write_timeout_ms, NULL},
        {"body_bytes_max", NULL, &l->body_bytes_max},
        {0},
    };
    return wire_set_limit(limits, word, rest);
}

static weft_sim *open_world(uint64_t seed)
{
    return http_world_open(&(weft_sim_options){.seed = seed});
}

static void put_text(wire_text *out, const char *text)
{
    wire_put(out, text, strlen(text));
}

/* <page STATUS [close] [[field]] [: detail] */
static bool expand(const char *word, char *rest, wire_text *out)
{
    char page[4096], line[256];
    if (strcmp(word, "page") != 0)
        return false;
    int status = (int)strtoul(rest, &rest, 10);
    bool close = strncmp(rest, " close", 6) == 0;
    rest += close ? 6 : 0;
    char *field = strncmp(rest, " [", 2) == 0 ? rest + 2 : NULL;
    if (field != NULL) {
        rest = strchr(field, ']');
        *rest++ = '\0';
    }
    const char *detail = strncmp(rest, " : ", 3) == 0 ? rest + 3 : NULL;
    wf_http_writer w = wf_http_writer_over(page, sizeof page);
    wf_http_put_error_page(&w, WF_HTTP_PAGE_HTML, status,
                           (weft_http_text){detail, detail != NULL ? (uint32_t)strlen(detail) : 0});
    (void)snprintf(line, sizeof line,
                   "HTTP/1.1 %d %s\r\nServer: weft\r\nContent-Type: text/html; charset=utf-8\r\n"
                   "Content-Length: %zu\r\n%s",
                   status, weft_http_status_text(status), w.n,
                   close ? "Connection: close\r\n" : "");
    put_text(out, line);
    if (field != NULL) {
        put_text(out, field);
        put_text(out, "\r\n");
    }
    put_text(out, "\r\n");
    wire_put(out, page, w.n);
    return true;
}

static bool check(const char *word, const char *rest)
{
    const wire_count counts[] = {
        {"served", http_saw.served},
        {"used", http_saw.used},
        {"calm", http_saw.calm},
        {"cancelled", http_saw.cancelled},
        {"workers", http_saw.workers},
        {"pieces", http_saw.pieces},
        {"body_bytes", http_saw.body_bytes},
        {0},
    };
    if (strcmp(word, "worker") == 0) {
        CHECK_STR(weft_err_name(http_saw.ended), rest);
        return true;
    }
    return wire_check_count(counts, word, rest);
}

static const wire_world world = {.url = "sim://web",
                                 .reset = http_world_reset,
                                 .setup = setup,
                                 .open = open_world,
                                 .expand = expand,
                                 .check = check,
                                 .strip = wire_strip_dates};

/* ---- the scripts */

#define SCRIPTS(X)                                                      \
    X(a_connection_serves_one_request_after_the_other)                  \
    X(pipelined_requests_are_answered_in_order)                         \
    X(responses_pending_max_stops_reading_until_one_is_answered)        \
    X(connection_close_ends_it_behind_the_answer)                       \
    X(a_request_behind_connection_close_is_not_answered)                \
    X(an_answer_may_end_the_connection)                                 \
    X(http_1_0_closes_unless_asked_to_keep)                             \
    X(http_1_0_streams_until_the_close)                                 \
    X(head_gets_the_head_alone)                                         \
    X(a_method_a_path_does_not_take_is_405_with_allow)                  \
    X(options_says_what_is_allowed)                                     \
    X(connect_is_no_method_here)                                        \
    X(an_unknown_path_is_404_and_its_body_is_read_away)                 \
    X(a_large_body_nobody_wants_ends_the_connection)                    \
    X(a_chunked_body_nobody_wants_ends_the_connection)                  \
    X(a_body_is_gathered_whole)                                         \
    X(a_chunked_body_is_gathered_whole)                                 \
    X(trailers_of_a_gathered_body_can_be_asked_for)                     \
    X(trailers_of_a_streamed_body_are_there_at_its_end)                 \
    X(a_body_beyond_its_limit_is_413)                                   \
    X(a_route_has_a_limit_of_its_own)                                   \
    X(a_streamed_body_beyond_its_limit_is_413)                          \
    X(a_client_that_waits_is_told_to_go_on)                             \
    X(a_client_that_waits_is_told_to_go_on_in_its_turn)                 \
    X(a_stream_too_is_told_to_go_on_in_its_turn)                        \
    X(a_client_that_waits_behind_a_large_answer_is_told_to_go_on)       \
    X(a_client_need_not_wait_to_be_told_to_go_on)                       \
    X(a_client_that_waits_in_vain_is_not_blamed)                        \
    X(what_is_expected_in_vain_is_417)                                  \
    X(nobody_is_told_to_go_on_with_what_is_refused)                     \
    X(nobody_is_told_to_go_on_with_what_nobody_wants)                   \
    X(an_expectation_of_http_1_0_is_ignored)                            \
    X(what_is_no_http_is_400)                                           \
    X(a_request_line_beyond_its_limit_is_414)                           \
    X(a_head_beyond_its_limit_is_431)                                   \
    X(more_fields_than_the_limit_are_431)                               \
    X(errors_wait_for_the_answers_before_them)                          \
    X(requests_max_ends_a_connection)                                   \
    X(a_handler_that_never_answers_is_500)                              \
    X(a_second_answer_is_refused)                                       \
    X(a_failure_becomes_the_status_that_stands_for_it)                  \
    X(an_actor_of_a_name_nobody_has_is_503)                             \
    X(an_actor_that_ends_without_an_answer_is_500)                      \
    X(an_actor_elsewhere_answers)                                       \
    X(a_request_that_is_kept_is_answered_later)                         \
    X(no_answer_in_time_is_504)                                         \
    X(an_answer_that_comes_too_late_is_calm)                            \
    X(an_error_page_says_what_it_was_given)                             \
    X(a_redirect_says_where)                                            \
    X(an_answer_that_breaks_the_rules_is_500)                           \
    X(a_head_that_comes_too_slowly_is_408)                              \
    X(a_body_that_comes_too_slowly_is_408)                              \
    X(a_body_may_take_longer_than_an_answer)                            \
    X(an_idle_connection_is_closed)                                     \
    X(a_connection_that_says_nothing_is_closed)                         \
    X(a_client_that_ends_its_side_gets_its_answers)                     \
    X(a_client_that_ends_in_the_middle_of_a_body_gets_what_came_before) \
    X(a_client_that_ends_in_the_middle_of_a_head_gets_nothing_for_it)   \
    X(a_streamed_request_is_counted_as_it_comes)                        \
    X(a_stream_goes_both_ways_at_once)                                  \
    X(a_streamed_response_comes_in_chunks)                              \
    X(trailers_can_be_sent_behind_a_stream)                             \
    X(a_streamed_response_of_a_known_length_has_it)                     \
    X(a_streamed_response_shorter_than_said_is_cut)                     \
    X(a_streamed_response_longer_than_said_is_cut)                      \
    X(a_streamed_response_whose_maker_fails_is_cut)                     \
    X(a_streamed_response_that_is_aborted_is_cut)                       \
    X(a_streamed_response_waits_for_its_turn)                           \
    X(a_body_refused_early_ends_the_connection)                         \
    X(a_stream_may_be_closed_before_the_answer)                         \
    X(a_stream_may_be_aborted_before_the_answer)                        \
    X(a_body_its_reader_does_not_take_holds_the_client_back)            \
    X(a_stream_that_says_nothing_is_aborted)                            \
    X(bad_framing_is_refused)                                           \
    X(both_framings_at_once_are_refused)                                \
    X(a_bad_chunk_is_400)                                               \
    X(a_bad_chunk_of_a_stream_is_400)                                   \
    X(a_bad_chunk_in_the_middle_of_a_streamed_answer_aborts)            \
    X(an_absolute_target_names_its_host)                                \
    X(http_1_1_without_host_is_400)                                     \
    X(an_unknown_method_is_501)                                         \
    X(a_later_version_is_505)                                           \
    X(a_streamed_response_of_http_1_0_that_is_cut_is_aborted)           \
    X(connection_close_holds_for_a_streamed_response_too)               \
    X(a_text_of_any_length_is_answered_whole)                           \
    X(a_large_answer_comes_whole)

#define SCRIPT(name)                          \
    static void name(void)                    \
    {                                         \
        wire_play_all("http/" #name, &world); \
    }
SCRIPTS(SCRIPT)

static const test_case cases[] = {
#define CASE(name) TEST(name),
    SCRIPTS(CASE)
#undef CASE
        {0},
};

const test_suite http_wire_suite = {"protocols/http_wire", NULL, NULL, cases, false};

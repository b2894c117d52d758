/* SPDX-License-Identifier: MIT */
/* The SMTP server on the wire: the dialogues of the RFCs, and scripts of what must be refused. */
#include <stdlib.h>

#include "smtp_world.h"
#include "wire_player.h"

static bool setup(const char *word, char *rest)
{
    weft_smtp_limits *l = &smtp_config.limits;
    const wire_limit limits[] = {
        {"line_bytes_max", &l->line_bytes_max, NULL},
        {"text_bytes_max", &l->text_bytes_max, NULL},
        {"recipients_max", &l->recipients_max, NULL},
        {"messages_max", &l->messages_max, NULL},
        {"errors_max", &l->errors_max, NULL},
        {"command_timeout_ms", &l->command_timeout_ms, NULL},
        {"data_timeout_ms", &l->data_timeout_ms, NULL},
        {"answer_timeout_ms", &l->answer_timeout_ms, NULL},
        {"message_bytes_max", NULL, &l->message_bytes_max},
        {0},
    };
    static const char *const manners[] = {"takes", "at_once",  "never",
                                          "deaf",  "gives_up", "by_each"};
    if (strcmp(word, "lmtp") == 0)
        return smtp_config.lmtp = true;
    if (strcmp(word, "no_blanks") == 0)
        return smtp_config.no_blanks = true;
    if (strcmp(word, "auth_required") == 0)
        return smtp_config.auth_required = true;
    if (strcmp(word, "tls_required") == 0)
        return smtp_config.tls_required = true;
    if (strcmp(word, "no_auth_in_clear") == 0)
        return !(smtp_config.auth_in_clear = false);
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++)
        if (strcmp(word, "letter") == 0 && strcmp(rest, manners[i]) == 0) {
            smtp_does = (smtp_manner)i;
            return true;
        }
    return wire_set_limit(limits, word, rest);
}

static weft_sim *open_world(uint64_t seed)
{
    return smtp_open(&(weft_sim_options){.seed = seed});
}

static bool expand(const char *word, char *rest, wire_text *out)
{
    (void)word, (void)rest, (void)out;
    return false;
}

/* "check text ..." compares with the text of the last message, its line ends written as |. */
static bool check_text(const char *rest)
{
    static char text[SMTP_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < smtp_saw.n; i++)
        if (smtp_saw.text[i] != '\r')
            text[n++] = smtp_saw.text[i] == '\n' ? '|' : smtp_saw.text[i];
    text[n] = '\0';
    CHECK_STR(text, rest);
    return true;
}

static bool check(const char *word, const char *rest)
{
    const wire_count counts[] = {
        {"letters", smtp_saw.letters},
        {"replied", smtp_saw.replied},
        {"judged", smtp_saw.judged},
        {"workers", smtp_saw.workers},
        {"bytes", smtp_saw.bytes},
        {"recipients", smtp_saw.recipients},
        {"utf8", smtp_saw.utf8},
        {"eight_bit", smtp_saw.eight_bit},
        {0},
    };
    const struct {
        const char *name, *value;
    } texts[] = {
        {"from", smtp_saw.from}, {"to", smtp_saw.to[0]},
        {"to2", smtp_saw.to[1]}, {"user", smtp_saw.user},
        {"helo", smtp_saw.helo}, {"closed", weft_err_name(smtp_saw.closed)},
    };
    if (strcmp(word, "text") == 0)
        return check_text(rest);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(word, texts[i].name) == 0) {
            CHECK_STR(texts[i].value, rest);
            return true;
        }
    return wire_check_count(counts, word, rest);
}

static const wire_world world = {.url = "sim://mail",
                                 .reset = smtp_reset,
                                 .setup = setup,
                                 .open = open_world,
                                 .expand = expand,
                                 .check = check,
                                 .strip = smtp_strip};

/* ---- the scripts */

#define SCRIPTS(X)                                                 \
    X(the_typical_dialogue_of_rfc_5321)                            \
    X(a_transaction_is_taken_back_by_rset)                         \
    X(helo_gets_plain_answers)                                     \
    X(pipelined_commands_are_answered_in_order)                    \
    X(several_messages_go_over_one_connection)                     \
    X(dots_are_taken_away_where_they_were_put)                     \
    X(a_message_of_one_dot_is_empty)                               \
    X(a_bare_line_feed_in_a_message_is_no_end)                     \
    X(a_dot_and_a_bare_line_feed_is_no_end)                        \
    X(a_dot_and_a_bare_carriage_return_is_no_end)                  \
    X(a_bare_carriage_return_in_a_message_is_refused)              \
    X(two_carriage_returns_are_refused)                            \
    X(a_command_with_a_bare_line_feed_ends_the_session)            \
    X(a_command_with_a_bare_carriage_return_ends_the_session)      \
    X(a_command_with_a_zero_ends_the_session)                      \
    X(a_command_beyond_its_limit_is_500)                           \
    X(a_message_beyond_its_limit_is_552)                           \
    X(a_line_of_a_message_beyond_its_limit_is_554)                 \
    X(recipients_beyond_the_limit_are_452)                         \
    X(too_many_errors_end_the_session)                             \
    X(messages_max_ends_the_session)                               \
    X(a_client_that_says_nothing_is_let_go)                        \
    X(a_command_that_comes_too_slowly_is_not_waited_for)           \
    X(a_message_that_stands_still_is_not_waited_for)               \
    X(a_letter_that_is_never_answered_is_451)                      \
    X(a_judge_that_is_silent_is_451)                               \
    X(a_letter_that_gives_up_is_451)                               \
    X(a_letter_that_refuses_early_is_answered_at_the_end)          \
    X(what_the_judge_says_is_one_line)                             \
    X(commands_out_of_order_are_503)                               \
    X(small_commands_are_answered)                                 \
    X(parameters_that_are_not_known_are_555)                       \
    X(addresses_beyond_ascii_need_smtputf8)                        \
    X(an_address_with_a_blank_may_be_refused)                      \
    X(a_request_of_http_ends_the_session)                          \
    X(a_request_of_http_behind_a_hello_ends_the_session)           \
    X(a_field_of_http_ends_the_session)                            \
    X(a_chunk_behind_a_refused_one_is_503)                         \
    X(chunks_come_as_one_message)                                  \
    X(chunks_may_be_pipelined)                                     \
    X(a_chunk_without_a_message_is_thrown_away)                    \
    X(data_behind_a_chunk_is_503)                                  \
    X(a_chunk_with_a_bare_line_feed_is_refused)                    \
    X(a_chunk_of_no_size_ends_the_session)                         \
    X(chunks_beyond_the_limit_are_552)                             \
    X(auth_plain_proves_who_it_is)                                 \
    X(auth_plain_may_wait_for_the_server)                          \
    X(auth_login_asks_twice)                                       \
    X(auth_that_is_wrong_is_535)                                   \
    X(auth_in_clear_is_not_offered_unless_told)                    \
    X(mail_without_auth_is_530_where_it_is_required)               \
    X(nothing_goes_without_tls_where_it_is_required)               \
    X(a_client_that_goes_in_the_middle_of_a_message_leaves_none)   \
    X(a_client_that_resets_in_the_middle_of_a_message_leaves_none) \
    X(lmtp_answers_for_each_recipient)                             \
    X(lmtp_answers_alike_where_nothing_was_told_of_each)

#define SCRIPT(name)                          \
    static void name(void)                    \
    {                                         \
        wire_play_all("smtp/" #name, &world); \
    }
SCRIPTS(SCRIPT)

static const test_case cases[] = {
#define CASE(name) TEST(name),
    SCRIPTS(CASE)
#undef CASE
        {0},
};

const test_suite smtp_wire_suite = {"protocols/smtp_wire", NULL, NULL, cases, false};

/* SPDX-License-Identifier: MIT */
/* The line editor: keys in, lines out, and what a small terminal shows of it. */
#include "check.h"
#include "random.h"
#include "runtime/kit.h"
#include "terminal_keys.h"
#include "terminal_model.h"
#include "terminal_width.h"

#include <stdlib.h>
#include <string.h>

#include <weft/editor.h>

static weft_editor *editor;
static terminal_model screen;
static weft_editor_event event;
static char ended[8192]; /* each line that was ended, and a mark for how */

static void show(void)
{
    size_t n;
    const char *out = weft_editor_output(editor, &n);
    model_write(&screen, out, n);
}

static void open_editor(const weft_editor_options *options)
{
    weft_editor_free(&editor);
    editor = weft_editor_new(options);
    REQUIRE(editor != NULL);
    model_init(&screen, options != NULL && options->columns != 0 ? options->columns : 80,
               options != NULL && options->rows != 0 ? options->rows : 24);
    ended[0] = '\0';
    weft_editor_begin(editor, "> ", false);
    show();
}

static void close_editor(void)
{
    CHECK_U64(screen.faults, 0);
    weft_editor_free(&editor);
}

static void note_event(void)
{
    static const char marks[] = {'.', '\n', 'C', 'D'};
    size_t n = strlen(ended);
    (void)snprintf(ended + n, sizeof ended - n, "%s%c", weft_editor_line(editor), marks[event]);
}

static void type_n(const char *keys, size_t n, size_t step)
{
    for (size_t i = 0; i < n;) {
        size_t size = n - i < step ? n - i : step, used;
        CHECK_OK(weft_editor_feed(editor, (const uint8_t *)keys + i, size, &used, &event));
        CHECK(used == size || event != WEFT_EDITOR_NOTHING);
        i += used;
        show();
        if (event != WEFT_EDITOR_NOTHING) {
            note_event();
            weft_editor_begin(editor, "> ", false);
            show();
        }
    }
}

static void type(const char *keys)
{
    type_n(keys, strlen(keys), SIZE_MAX);
}

/* ---- what keys do */

#define LEFT "\x1b[D"
#define RIGHT "\x1b[C"
#define UP "\x1b[A"
#define DOWN "\x1bOB"

static const struct {
    const char *keys, *line;
} edits[] = {
    {"hello", "hello"},
    {"ac" LEFT "b", "abc"},
    {"bc\001a\005d", "abcd"},
    {"bc\x1b[Ha\x1b[Fd", "abcd"},
    {"bc\x1b[1~a\x1b[4~d", "abcd"},
    {"abc\002\002\006X", "abXc"},
    {"abc\x7f\010", "a"},
    {"abc" LEFT LEFT "\004", "ac"},
    {"abc" LEFT LEFT "\x1b[3~", "ac"},
    {"abc def\001\x1b"
     "fX",
     "abcX def"},
    {"abc def\x1b"
     "bX",
     "abc Xdef"},
    {"abc def\x1b[1;5DX", "abc Xdef"},
    {"abc def\001\x1b[1;5CX", "abcX def"},
    {"one two\027X", "one X"},
    {"a/b c/d\x1b\x7fX", "a/b c/X"},
    {"one two\001\x1b"
     "dX",
     "X two"},
    {"one two\025X", "X"},
    {"one two\001\006\013X", "oX"},
    {"one two\025\031\031", "one twoone two"},
    {"one two\027\027\031", "one two"},
    {"one two\x1b"
     "b\013\001\031",
     "twoone "},
    {"one two\027x\027\031", "one x"},
    {"ab\024", "ba"},
    {"abc" LEFT "\024", "acb"},
    {"a\024", "a"},
    {"\x7f\001\x7fx", "x"},
    {LEFT RIGHT "\x1b[9~\x1b[5;5;5;5z\x1bqx", "x"},
    {"a\x1b[1\001b", "ba"}, /* a control breaks a sequence off, and counts */
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f", "\xc3\xa4\xe2\x82\xac"},
    {"e\xcc\x81x" LEFT LEFT "a", "ae\xcc\x81x"}, /* a mark goes with its character */
    {"xe\xcc\x81\x7f", "x"},
    {"\xff"
     "a\xc3"
     "b\xed\xa0\x80",
     "\xef\xbf\xbd"
     "a\xef\xbf\xbd"
     "b\xef\xbf\xbd"},
    {"\x1b[200~a\r\nb\tc\003\x1b[A\x1b[201~d", "a b cd"},
    {"a\tb", "a b"},
    {"\x01\x02\x0b\x1c\x1d\x1e\x1f\x80"
     "x",
     "\xef\xbf\xbdx"},
};

static void keys_edit_the_line_however_they_come(void)
{
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
        for (size_t step = 1; step < 12; step += 3) {
            open_editor(NULL);
            type_n(edits[i].keys, strlen(edits[i].keys), step);
            CHECK_STR(weft_editor_line(editor), edits[i].line);
            type("\r");
            size_t n = strlen(edits[i].line);
            CHECK(strncmp(ended, edits[i].line, n) == 0 && ended[n] == '\n');
            close_editor();
        }
}

static void each_end_of_a_line_is_one_line(void)
{
    open_editor(NULL);
    type_n("a\rb\nc\r\nd\n\re", 11, 1);
    CHECK_STR(ended, "a\nb\nc\nd\n\n");
    type_n("\r\n\r\n", 4, 2);
    CHECK_STR(ended, "a\nb\nc\nd\n\ne\n\n");
    close_editor();
}

static void ctrl_c_gives_a_line_up_and_ctrl_d_in_an_empty_one_leaves(void)
{
    open_editor(NULL);
    type("abc\003\004");
    CHECK_STR(ended, "abcCD");
    CHECK_STR(model_row(&screen, 0), "> abc^C");
    CHECK_STR(model_row(&screen, 1), ">");
    type("ab\001\004\005\004");
    CHECK_STR(weft_editor_line(editor), "b");
    close_editor();
}

static void nothing_is_taken_between_lines(void)
{
    size_t used;
    open_editor(NULL);
    CHECK_OK(weft_editor_feed(editor, (const uint8_t *)"a\rb", 3, &used, &event));
    CHECK_U64(used, 2);
    CHECK_U64(event, WEFT_EDITOR_LINE);
    CHECK_STR(weft_editor_line(editor), "a");
    show();
    CHECK(!screen.paste);
    CHECK_OK(weft_editor_feed(editor, (const uint8_t *)"b", 1, &used, &event));
    CHECK_U64(used, 0);
    close_editor();
}

static void a_line_has_a_limit(void)
{
    open_editor(&(weft_editor_options){.line_bytes_max = 10});
    type("0123456789a");
    CHECK_STR(weft_editor_line(editor), "0123456789");
    CHECK_U64(screen.bells, 1);
    type("\x7f\xc3\xa4");
    CHECK_STR(weft_editor_line(editor), "012345678");
    CHECK_U64(screen.bells, 2);
    type("\027\031\031");
    CHECK_STR(weft_editor_line(editor), "012345678");
    close_editor();
}

/* ---- history */

static void lines_that_were_come_back(void)
{
    open_editor(&(weft_editor_options){.history_max = 3});
    type("one\rtwo\rtwo\r\rthree\rfour\r");
    ended[0] = '\0';
    type("new" UP);
    CHECK_STR(weft_editor_line(editor), "four");
    type(UP UP UP UP UP);
    CHECK_STR(weft_editor_line(editor), "two"); /* "one" was the fourth */
    type(DOWN "!\r");
    CHECK_STR(ended, "three!\n");
    type("draft" UP UP "x" DOWN DOWN);
    CHECK_STR(weft_editor_line(editor), "draft");
    type("\016");
    CHECK_STR(weft_editor_line(editor), "draft");
    CHECK_ERR(weft_editor_remember(editor, "a\nb"), WEFT_EINVAL);
    CHECK_ERR(weft_editor_remember(editor, "a\xc3"), WEFT_EINVAL);
    CHECK_OK(weft_editor_remember(editor, "from a file"));
    type("\003" UP);
    CHECK_STR(weft_editor_line(editor), "from a file");
    close_editor();
}

/* ---- completion */

static void complete(void *context, const char *line, size_t at, weft_completion *to)
{
    const char *const *word = *(const char *const **)context;
    size_t start = at;
    while (start > 0 && line[start - 1] != ' ')
        start--;
    weft_completion_from(to, start);
    for (; *word != NULL; word++)
        weft_completion_add(to, *word);
}

static const char *const verbs[] = {"tree", "top",       "tell",        "t\xc3\xa4",
                                    "top",  "bad\nword", "t\xc3\xb6ll", NULL};

static const char *const *candidates = verbs;

static void tab_completes_and_lists(void)
{
    open_editor(
        &(weft_editor_options){.complete = complete, .context = &candidates, .columns = 40});
    type("tr\t");
    CHECK_STR(weft_editor_line(editor), "tree ");
    type("to\tx");
    CHECK_STR(weft_editor_line(editor), "tree top x");
    type("\025"
         "a tr"
         "\002\002"
         "q\x7f\t");
    CHECK_STR(weft_editor_line(editor), "a ttr"); /* what all begin with */
    type("\025\013t\t");
    CHECK_STR(weft_editor_line(editor), "t");
    CHECK_U64(screen.bells, 1);
    CHECK_STR(model_row(&screen, 0), "> t");
    type("\t");
    CHECK_STR(model_row(&screen, 0), "> t");
    CHECK_STR(model_row(&screen, 1), "tell  top   tree  t\xc3\xa4    t\xc3\xb6ll");
    close_editor();
}

static void a_word_that_is_not_whole_gets_no_blank(void)
{
    static const char *const words[] = {"name=", "order={", "plain", NULL};
    candidates = words;
    open_editor(&(weft_editor_options){.complete = complete, .context = &candidates});
    type("n\tx p\to\ty");
    CHECK_STR(weft_editor_line(editor), "name=x plain order={y");
    CHECK_U64(screen.bells, 0);
    close_editor();
    candidates = verbs;
}

static void what_cannot_be_completed_rings(void)
{
    open_editor(&(weft_editor_options){.complete = complete, .context = &candidates});
    type("zz\t");
    CHECK_STR(weft_editor_line(editor), "zz");
    CHECK_U64(screen.bells, 1);
    type("\025"
         "b\t"); /* a candidate with a control is none */
    CHECK_STR(weft_editor_line(editor), "b");
    close_editor();
}

static void no_more_candidates_than_there_is_room_for(void)
{
    static char text[WEFT_COMPLETIONS_MAX + 50][16];
    static const char *words[WEFT_COMPLETIONS_MAX + 51];
    for (unsigned i = 0; i < WEFT_COMPLETIONS_MAX + 50; i++) {
        (void)snprintf(text[i], sizeof text[i], "w%03u", i);
        words[i] = text[i];
    }
    candidates = words;
    open_editor(&(weft_editor_options){
        .complete = complete, .context = &candidates, .columns = 200, .rows = 60});
    type("w\t\t");
    CHECK_STR(weft_editor_line(editor), "w");
    type("2\t");
    CHECK_STR(weft_editor_line(editor), "w2");
    candidates = verbs;
    close_editor();
}

/* ---- secrets */

static void a_secret_is_not_shown_kept_or_remembered(void)
{
    open_editor(&(weft_editor_options){.complete = complete, .context = &candidates});
    type("before\003");
    weft_editor_begin(editor, "password: ", true);
    show();
    size_t used;
    CHECK_OK(weft_editor_feed(editor, (const uint8_t *)"sec\tx\x7fret\r", 11, &used, &event));
    CHECK_U64(event, WEFT_EDITOR_LINE);
    CHECK_STR(weft_editor_line(editor), "secret");
    show();
    CHECK_STR(model_row(&screen, 1), "> password:");
    for (size_t i = 2; i < 24; i++)
        CHECK_STR(model_row(&screen, i), "");
    weft_editor_begin(editor, "password: ", true);
    CHECK_OK(weft_editor_feed(editor, (const uint8_t *)"gone\025", 5, &used, &event));
    weft_editor_begin(editor, "> ", false);
    type(UP "\031");
    CHECK_STR(weft_editor_line(editor), "");
    close_editor();
}

/* ---- the screen */

static void text_of_others_stands_above_the_line(void)
{
    open_editor(NULL);
    type("abc" LEFT);
    CHECK_OK(weft_editor_print(editor, "one\ntwo \x1b[2J\x01\x9b", 15));
    show();
    CHECK_STR(model_row(&screen, 0), "one");
    CHECK_STR(model_row(&screen, 1), "two \xef\xbf\xbd");
    CHECK_STR(model_row(&screen, 2), "> abc");
    CHECK_U64(screen.row, 2);
    CHECK_U64(screen.column, 4);
    type("\014x");
    CHECK_STR(model_row(&screen, 0), "> abxc");
    CHECK_STR(model_row(&screen, 1), "");
    close_editor();
}

static void a_prompt_cannot_move_the_cursor(void)
{
    open_editor(NULL);
    type("\003");
    weft_editor_begin(editor, "a\x1b[2J\rb\xe4\xbd\xa0> ", false);
    show();
    type("x");
    CHECK_STR(model_row(&screen, 1), "> ab\xe4\xbd\xa0> x");
    close_editor();
}

/* Where the cursor should be, and what should stand there, put down without cleverness. */
static void expect_screen(size_t columns, size_t rows, const char *line, size_t at)
{
    static terminal_model want;
    model_init(&want, columns, rows);
    size_t row = 0, column = 2, cursor_row = 0, cursor_column = 2, n = strlen(line);
    char cells[MODEL_ROWS_MAX * 4][MODEL_COLUMNS_MAX * 8] = {"> "};
    uint32_t rune;
    for (size_t i = 0; i <= n;) {
        unsigned size = i < n ? wf_rune_read(line + i, n - i, &rune) : 0;
        unsigned width = i < n ? wf_rune_width(rune) : 1;
        if (column + width > columns) {
            row++;
            column = 0;
        }
        if (i == at) {
            cursor_row = row;
            cursor_column = column;
        }
        strncat(cells[row], line + i, size);
        column += width;
        i += size > 0 ? size : 1;
    }
    CHECK_U64(screen.column, cursor_column);
    for (size_t i = 0; i <= row; i++) {
        /* rows that the screen has no room for are not looked at */
        if (screen.row + i < cursor_row || screen.row + i - cursor_row >= rows)
            continue;
        size_t length = strlen(cells[i]);
        while (length > 0 && cells[i][length - 1] == ' ')
            cells[i][--length] = '\0';
        CHECK_STR(model_row(&screen, screen.row + i - cursor_row), cells[i]);
    }
}

static void the_screen_is_what_the_line_is(void)
{
    static const char *const keys[] = {
        "a",
        "bc ",
        "\xe4\xbd\xa0",
        "e\xcc\x81",
        LEFT,
        RIGHT,
        "\001",
        "\005",
        "\033b",
        "\033f",
        "\x7f",
        "\004x",
        "\027",
        "\031",
        "\024",
        "\xf0\x9f\x98\x80",
        "some more text",
        UP,
        DOWN,
        "\013",
        "x\x1b[3~",
    };
    test_random random = {5};
    for (unsigned round = 0; round < 150; round++) {
        size_t columns = 8 + test_below(&random, 30), rows = 2 + test_below(&random, 10);
        open_editor(&(weft_editor_options){
            .columns = (uint16_t)columns, .rows = (uint16_t)rows, .line_bytes_max = 300});
        for (unsigned i = 0; i < 120; i++) {
            char burst[128];
            (void)snprintf(burst, sizeof burst, "%s%s%s",
                           keys[test_below(&random, sizeof keys / sizeof *keys)],
                           keys[test_below(&random, sizeof keys / sizeof *keys)],
                           keys[test_below(&random, sizeof keys / sizeof *keys)]);
            type(burst);
            /* the end, the start, and where it was left are places this test knows */
            type("\005");
            expect_screen(columns, rows, weft_editor_line(editor),
                          strlen(weft_editor_line(editor)));
            type("\001");
            expect_screen(columns, rows, weft_editor_line(editor), 0);
            if (test_below(&random, 2) == 0)
                type("\005");
            if (test_below(&random, 40) == 0)
                type("\r");
        }
        close_editor();
    }
}

static void another_size_is_drawn_anew(void)
{
    open_editor(&(weft_editor_options){.columns = 20, .rows = 10});
    type("short");
    CHECK_OK(weft_editor_resize(editor, 40, 12));
    screen.columns = 40;
    screen.rows = 12;
    for (size_t i = 0; i < 12; i++)
        for (size_t j = 0; j < 40; j++)
            if (screen.cell[i][j][0] == '\0')
                strcpy(screen.cell[i][j], " ");
    show();
    type(" and then a line of more than twenty");
    expect_screen(40, 12, weft_editor_line(editor), strlen(weft_editor_line(editor)));
    CHECK_OK(weft_editor_resize(editor, 0, 0));
    CHECK_OK(weft_editor_resize(editor, 1, 1)); /* smaller than there is a use for: 8 columns */
    close_editor();
}

static void widths_are_those_of_terminals(void)
{
    static const struct {
        uint32_t rune;
        unsigned width;
    } runes[] = {
        {'a', 1},    {0xe4, 1},    {0x301, 0},   {0x4f60, 2},  {0x1f600, 2},
        {0x200d, 0}, {0xfe0f, 0},  {0xac00, 2},  {0x1160, 0},  {0xff21, 2},
        {0xff66, 1}, {0x20000, 2}, {0x3fffd, 2}, {0xe0100, 0}, {0x10ffff, 1},
        {0x2500, 1}, {0x1100, 2},  {0x93e, 1},   {0x941, 0},
    };
    for (size_t i = 0; i < sizeof runes / sizeof *runes; i++)
        CHECK_U64(wf_rune_width(runes[i].rune), runes[i].width);
}

static void edit_something(void)
{
    weft_editor *e =
        weft_editor_new(&(weft_editor_options){.complete = complete, .context = &candidates});
    size_t used;
    if (e == NULL)
        return;
    weft_editor_begin(e, "> ", false);
    for (unsigned i = 0; i < 4; i++) {
        static const char keys[] = "one t\t\t" UP "two" UP DOWN "\r";
        weft_err err = weft_editor_feed(e, (const uint8_t *)keys, sizeof keys - 1, &used, &event);
        CHECK(err == WEFT_OK || err == WEFT_ENOMEM);
        weft_editor_begin(e, "> ", i == 2);
    }
    (void)!weft_editor_print(e, "text", 4);
    weft_editor_free(&e);
}

static void memory_that_is_out_anywhere_leaks_nothing(void)
{
    each_allocation_fails(edit_something);
}

static const test_case cases[] = {
    TEST(keys_edit_the_line_however_they_come),
    TEST(each_end_of_a_line_is_one_line),
    TEST(ctrl_c_gives_a_line_up_and_ctrl_d_in_an_empty_one_leaves),
    TEST(nothing_is_taken_between_lines),
    TEST(a_line_has_a_limit),
    TEST(lines_that_were_come_back),
    TEST(tab_completes_and_lists),
    TEST(a_word_that_is_not_whole_gets_no_blank),
    TEST(what_cannot_be_completed_rings),
    TEST(no_more_candidates_than_there_is_room_for),
    TEST(a_secret_is_not_shown_kept_or_remembered),
    TEST(text_of_others_stands_above_the_line),
    TEST(a_prompt_cannot_move_the_cursor),
    TEST(the_screen_is_what_the_line_is),
    TEST(another_size_is_drawn_anew),
    TEST(widths_are_those_of_terminals),
    TEST(memory_that_is_out_anywhere_leaks_nothing),
    {0},
};
const test_suite editor_suite = {.name = "protocols/editor", .cases = cases};

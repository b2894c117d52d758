/* SPDX-License-Identifier: MIT */
#include "terminal_model.h"

#include <stdlib.h>
#include <string.h>

#include "terminal_width.h"

static void blank(terminal_model *m, size_t row, size_t from)
{
    for (size_t i = from; i < m->columns; i++)
        strcpy(m->cell[row][i], " ");
}

void model_init(terminal_model *m, size_t columns, size_t rows)
{
    memset(m, 0, sizeof *m);
    m->columns = columns;
    m->rows = rows;
    for (size_t i = 0; i < rows; i++)
        blank(m, i, 0);
}

static void line_feed(terminal_model *m)
{
    m->full = false;
    if (m->row + 1 < m->rows) {
        m->row++;
        return;
    }
    memmove(m->cell[0], m->cell[1], (m->rows - 1) * sizeof m->cell[0]);
    blank(m, m->rows - 1, 0);
}

static void put_mark(terminal_model *m, const char *utf8, size_t n)
{
    size_t column = m->full ? m->column : m->column - 1;
    if (!m->full && m->column == 0) {
        m->faults++; /* on nothing */
        return;
    }
    if (m->cell[m->row][column][0] == '\0' && column > 0)
        column--;
    char *cell = m->cell[m->row][column];
    size_t there = strlen(cell);
    if (there + n < MODEL_CELL_BYTES) {
        memcpy(cell + there, utf8, n);
        cell[there + n] = '\0';
    }
}

static void put_rune(terminal_model *m, uint32_t rune)
{
    char utf8[4];
    unsigned n = wf_rune_write(rune, utf8), width = wf_rune_width(rune);
    if (width == 0) {
        put_mark(m, utf8, n);
        return;
    }
    if (m->full || m->column + width > m->columns) {
        line_feed(m);
        m->column = 0;
    }
    memcpy(m->cell[m->row][m->column], utf8, n);
    m->cell[m->row][m->column][n] = '\0';
    if (width == 2)
        m->cell[m->row][m->column + 1][0] = '\0';
    m->column += width;
    m->full = m->column == m->columns;
    if (m->full)
        m->column--;
}

/* A sequence; gives the bytes it took. */
static size_t sequence(terminal_model *m, const char *at, size_t n)
{
    char *end;
    if (n < 3 || at[1] != '[') {
        m->faults++;
        return n;
    }
    if (n >= 8 && memcmp(at, "\x1b[?2004", 7) == 0) {
        m->paste = at[7] == 'h';
        return 8;
    }
    unsigned long count = strtoul(at + 2, &end, 10);
    size_t by = count == 0 ? 1 : count;
    switch (*end) {
    case 'A':
        m->faults += by > m->row;
        m->row -= by < m->row ? by : m->row;
        break;
    case 'B':
        m->faults += m->row + by >= m->rows;
        m->row = m->row + by < m->rows ? m->row + by : m->rows - 1;
        break;
    case 'C':
        m->faults += m->column + by >= m->columns;
        m->column = m->column + by < m->columns ? m->column + by : m->columns - 1;
        break;
    case 'H':
        m->row = m->column = 0;
        break;
    case 'J':
        m->faults += m->full;
        blank(m, m->row, count == 2 ? 0 : m->column);
        for (size_t i = count == 2 ? 0 : m->row + 1; i < m->rows; i++)
            blank(m, i, 0);
        break;
    default:
        m->faults++;
    }
    m->full = false;
    return (size_t)(end + 1 - at);
}

void model_write(terminal_model *m, const char *at, size_t n)
{
    uint32_t rune;
    for (size_t i = 0; i < n;) {
        switch (at[i]) {
        case '\x1b':
            i += sequence(m, at + i, n - i);
            continue;
        case '\r':
            m->column = 0;
            m->full = false;
            break;
        case '\n':
            line_feed(m);
            break;
        case '\a':
            m->bells++;
            break;
        default:
            i += wf_rune_read(at + i, n - i, &rune);
            m->faults += !wf_rune_prints(rune);
            put_rune(m, rune);
            continue;
        }
        i++;
    }
}

const char *model_row(const terminal_model *m, size_t row)
{
    static char text[MODEL_COLUMNS_MAX * MODEL_CELL_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < m->columns; i++) {
        size_t size = strlen(m->cell[row][i]);
        memcpy(text + n, m->cell[row][i], size);
        n += size;
    }
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
    return text;
}

/* SPDX-License-Identifier: MIT */
/* A small terminal: what is written to it, as a screen. It knows what weft's editor sends, wraps as today's
 * terminals do (a full row is left by the next character), and remembers whatever else it was sent as a fault. */
#ifndef WEFT_TESTS_TERMINAL_MODEL_H
#define WEFT_TESTS_TERMINAL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_COLUMNS_MAX = 200, MODEL_ROWS_MAX = 60, MODEL_CELL_BYTES = 32 };

typedef struct terminal_model {
    size_t columns, rows, row, column;
    bool full;  /* the last column was written to: the next character wraps */
    bool paste; /* bracketed paste is on */
    unsigned bells, faults;
    char cell[MODEL_ROWS_MAX][MODEL_COLUMNS_MAX]
             [MODEL_CELL_BYTES]; /* "": the right half of a wide one */
} terminal_model;

void model_init(terminal_model *m, size_t columns, size_t rows);
void model_write(terminal_model *m, const char *at, size_t n);
/* Row @row without the blanks at its end; static. */
const char *model_row(const terminal_model *m, size_t row);

#endif

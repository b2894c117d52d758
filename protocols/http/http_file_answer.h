/* SPDX-License-Identifier: MIT */
/* Answering a request with a file: the whole of it, parts of it, or why not. */
#ifndef WF_HTTP_FILE_ANSWER_H
#define WF_HTTP_FILE_ANSWER_H

#include "http_file_work.h"

/* Parts add up to this at most; beyond it the whole is sent, as a response has one range of a file
 * or bytes in memory, and parts are copied into the latter. */
#define WF_HTTP_PARTS_BYTES_MAX (1u << 20)

/* Answers @msg, a GET or a HEAD, with the file of @e, SERVED or LISTING. The server leaves the body
 * of a HEAD out. @done: what the pool has done for this request, or NULL. errors: COLD (@worker is to
 * be asked, and then this again), else as weft_http_respond. */
WEFT_MUST_USE weft_err wf_http_file_answer(weft_actor *self, weft_msg *msg, wf_http_file_entry *e,
                                           const wf_http_work_done *done, weft_ref *worker,
                                           weft_why *why);

/* Answers with the error page of @status and one field more. errors: as weft_http_respond. */
WEFT_MUST_USE weft_err wf_http_file_refuse(weft_msg *msg, int status, const weft_http_field *field);

#endif

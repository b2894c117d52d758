/* SPDX-License-Identifier: MIT */
/* What the askers of a client get, and the client they ask. */
#ifndef WF_HTTP_CLIENT_ANSWER_H
#define WF_HTTP_CLIENT_ANSWER_H

#include "http_client.h"

/* Answers with the whole page, or with the job's failure. */
void wf_http_answer_job(weft_actor *self, wf_http_job *job);
/* Answers with the head; job->body_stream becomes where the body goes, owned by the job's connection.
 * errors: nothing was answered. */
WEFT_MUST_USE weft_err wf_http_answer_stream(weft_actor *self, wf_http_job *job);
/* The same stream may be heard of now: behind what tells the connection to go on. */
void wf_http_answer_begin(const wf_http_job *job);
/* Answers @msg, a call or a request, with a failure. Who asked for what is forwarded gets no more of @why than its
 * kind: that is for the log. */
weft_err wf_http_answer_failure(weft_actor *self, weft_msg *msg, weft_err err, const char *why);
/* The same for a request. */
weft_err wf_http_answer_upstream_failure(weft_actor *self, weft_msg *msg, weft_err err,
                                         const char *why);
/* @location of an answer to a request that was forwarded with @config: the proxy's own path, in memory of the request, if
 * it is a URL below the upstream that was asked; else itself. (http_proxy_location.c) */
weft_http_text wf_http_location_of_ours(const weft_http_client_config *config, wf_http_job *job,
                                        weft_http_text location);
weft_http_client_limits wf_http_client_limits_filled(const weft_http_client_limits *l);

#endif

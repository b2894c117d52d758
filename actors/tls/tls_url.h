/* SPDX-License-Identifier: MIT */
/* TLS as a part of what a URL puts on its connections. */
#ifndef WF_TLS_URL_H
#define WF_TLS_URL_H

#include "pipeline.h"

extern const wf_pipeline_part wf_tls_part;

#endif

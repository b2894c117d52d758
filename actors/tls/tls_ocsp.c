/* SPDX-License-Identifier: MIT */
/* Answers of OCSP responders (RFC 6960), which a server staples to its certificate (RFC 6066). */
#include "tls_parts.h"

#include <string.h>
#include <time.h>

static int64_t seconds_of(const ASN1_GENERALIZEDTIME *at)
{
    struct tm tm;
    if (at == NULL || ASN1_TIME_to_tm(at, &tm) != 1)
        return INT64_MAX; /* newer information is always there: it says no end */
    return timegm(&tm);
}

/* What it says of the one certificate it is about. errors: false. */
static bool is_good(OCSP_RESPONSE *answer, int64_t *until_s)
{
    bool good = false;
    OCSP_BASICRESP *basic = OCSP_response_status(answer) == OCSP_RESPONSE_STATUS_SUCCESSFUL
                                ? OCSP_response_get1_basic(answer)
                                : NULL;
    OCSP_SINGLERESP *single = basic != NULL ? OCSP_resp_get0(basic, 0) : NULL;
    if (single != NULL) {
        int reason;
        ASN1_GENERALIZEDTIME *revoked, *from, *until = NULL;
        good = OCSP_single_get0_status(single, &reason, &revoked, &from, &until) ==
               V_OCSP_CERTSTATUS_GOOD;
        *until_s = seconds_of(until);
    }
    OCSP_BASICRESP_free(basic);
    return good;
}

static weft_err parse(const tls_text *text, tls_ocsp *out, weft_why *why)
{
    const unsigned char *at = (const unsigned char *)text->at;
    OCSP_RESPONSE *answer = d2i_OCSP_RESPONSE(NULL, &at, (long)text->size);
    if (answer == NULL)
        return wf_tls_refuse(why, WEFT_EINVAL, text->name, "no answer of OCSP, expected it in DER");
    bool good = is_good(answer, &out->until_s);
    OCSP_RESPONSE_free(answer);
    if (!good)
        return wf_tls_refuse(why, WEFT_EINVAL, text->name,
                             "an answer of OCSP that does not say \"good\"");
    out->der = weft_alloc(text->size);
    if (out->der == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    memcpy(out->der, text->at, text->size);
    out->size = text->size;
    return WEFT_OK;
}

weft_err wf_tls_ocsp_read(const char *file, tls_ocsp *out, weft_why *why)
{
    tls_text text;
    *out = (tls_ocsp){.der = NULL};
    if (file == NULL)
        return WEFT_OK;
    weft_err err = wf_tls_text_open(file, NULL, "an answer of OCSP", &text, why);
    if (err != WEFT_OK)
        return err;
    err = parse(&text, out, why);
    wf_tls_text_close(&text);
    ERR_clear_error();
    return err;
}

/* SPDX-License-Identifier: MIT */
/* Serves the line protocol: openssl s_client -starttls smtp -connect 127.0.0.1:2525 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/tls.h>

#include "11_starttls.h"

int main(int argc, char **argv)
{
    weft_why why;
    weft_tls *tls = NULL;
    weft_tls_config config = {.certificate_file = argc > 2 ? argv[2] : "certificate.pem",
                              .key_file = argc > 3 ? argv[3] : "key.pem"};
    if (weft_tls_server(&config, &tls, &why) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return EXIT_FAILURE;
    }
    int code = weft_serve(argc > 1 ? argv[1] : "tcp://127.0.0.1:2525", &starttls_behaviour, tls);
    weft_tls_drop(&tls);
    return code;
}

/* SPDX-License-Identifier: MIT */
/* known_hosts from anybody: a key that is found is one that stands there, and no line is read beyond its end. */
#include <stdlib.h>
#include <string.h>

#include "known_hosts.h"
#include "ssh_session.h"

static const char key[] = "AAAAC3NzaC1lZDI1NTE5AAAAIO8V+TRSFlyiS7i7HMtH0VYPzDG7Pm81b4TXxXGqwH4W";

static void look(const char *text, size_t size, const char *host, uint16_t port)
{
    char name[WF_KNOWN_HOST_BYTES];
    unsigned line = 0;
    if (!wf_known_hosts_name(host, port, name))
        abort();
    wf_known known = wf_known_hosts_look(text, size, name, "ssh-ed25519", key, &line);
    unsigned types = wf_known_hosts_types(text, size, name);
    if ((known == WF_KNOWN_NOT) != (line == 0) || line > size + 1)
        abort();
    if (known == WF_KNOWN_YES &&
        ((types & WF_SSH_ED25519) == 0 || memmem(text, size, key, sizeof key - 1) == NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* of exactly this size, so that a read beyond it is seen */
    char *text = malloc(size != 0 ? size : 1);
    if (text == NULL)
        return 0;
    if (size != 0)
        memcpy(text, data, size);
    look(text, size, "example.org", 22);
    look(text, size, "::1", 2222);
    free(text);
    return 0;
}

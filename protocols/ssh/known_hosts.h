/* SPDX-License-Identifier: MIT */
/* known_hosts as OpenSSH has it (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): names, patterns, hashed names, ports,
 * @revoked. Lines of @cert-authority are passed over: certificates are not looked at here. No file is touched. */
#ifndef WF_KNOWN_HOSTS_H
#define WF_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

typedef enum wf_known {
    WF_KNOWN_NOT,     /* there is nothing about the host */
    WF_KNOWN_YES,     /* with this key */
    WF_KNOWN_CHANGED, /* with others alone */
    WF_KNOWN_REVOKED, /* this key is nobody's any more */
} wf_known;

enum { WF_KNOWN_HOST_BYTES = 300, WF_KNOWN_LINE_BYTES_MAX = 16 << 10 };

/* How the host is called there: "host", or "[host]:port" for another port than 22, in small letters.
 * false: it is too long, or no name. */
bool wf_known_hosts_name(const char *host, uint16_t port, char to[WF_KNOWN_HOST_BYTES]);

/* What the file's @size bytes at @text say about @name (of wf_known_hosts_name) with the key @key, in base64, of
 * type @type ("ssh-rsa" for all of RSA). @line: where, from 1; 0 if nowhere. */
wf_known wf_known_hosts_look(const char *text, size_t size, const char *name, const char *type,
                             const char *key, unsigned *line);
/* The types of its keys that are there, as WF_SSH_ED25519 and so on (ssh_session.h). */
unsigned wf_known_hosts_types(const char *text, size_t size, const char *name);

#endif

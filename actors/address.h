/* SPDX-License-Identifier: MIT */
/* Addresses between weft's form, the system's, and URLs. */
#ifndef WF_ADDRESS_H
#define WF_ADDRESS_H

#include <sys/socket.h>

#include <weft/address.h>
#include <weft/url.h>

void wf_address_from_sockaddr(weft_address *to, const struct sockaddr *from, socklen_t bytes);

/* Whether it is an IP address of one host: neither "any" nor a path. */
bool wf_address_is_one(const weft_address *address);

/* Of an IP address. Gives its size. */
socklen_t wf_address_to_sockaddr(const weft_address *from, struct sockaddr_storage *to);

/* The address @host stands for: a literal, any, or localhost. errors: ENONAME for a name that would have
 * to be looked up. */
weft_err wf_address_of_host(const weft_url_host *host, struct sockaddr_storage *to,
                            socklen_t *bytes, weft_why *why);
/* The address of a unix URL. errors: EINVAL. */
weft_err wf_address_of_path(const weft_url *url, struct sockaddr_storage *to, socklen_t *bytes);

/* An address as the URL of @scheme ("tcp", "http"), "unix:PATH". */
void wf_address_url(const weft_address *address, const char *scheme, char *to, size_t room);

#endif

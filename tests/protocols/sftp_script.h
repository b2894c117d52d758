/* SPDX-License-Identifier: MIT */
/* Packets of SFTP as a script writes them, made by the layouts of draft-ietf-secsh-filexfer-02 and not by the codec
 * that is tested. tests/wire/README.md has the words. */
#ifndef WEFT_TESTS_SFTP_SCRIPT_H
#define WEFT_TESTS_SFTP_SCRIPT_H

#include "wire_player.h"

/* Puts the packet @word, whose fields are @rest, behind @out, or adds to the listing that is its last. false: there
 * is no such packet, or its fields are not those it has. */
bool sftp_script_put(const char *word, char *rest, wire_text *out);

/* Seconds since 1970: what is later is a time of the machine, and becomes 0 in what came. */
#define SFTP_SCRIPT_TIMES_MAX 1000000000U

/* A strip. In attributes, and in the lines of listings, user and group of this program become 0, and so do times of the
 * machine and sizes of folders; folders have one link. Names of a listing come in the order of the alphabet. */
size_t sftp_script_strip(char *came, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
/* Where a file that is copied to this machine is until it is whole: beside its place, so that a copy that ends in the
 * middle is not taken for the file, and leaves the one before. */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/timer.h>

#include "sftp_path.h"
#include "ssh_client_copy.h"

/* What is no file is left to who opens it, and so is a link, which stays one. A file of somebody else stays theirs, and
 * one that may not be written stays as it is. */
static bool stays(const wf_sftp_reply *there)
{
    const wf_sftp_attrs *a = &there->attrs;
    if (there->type != SFTP_ATTRS)
        return there->type != SFTP_STATUS || there->status != SFTP_NO_SUCH_FILE;
    return (a->has & SFTP_HAS_MODE) == 0 || !S_ISREG(a->mode) || (a->mode & S_IWUSR) == 0 ||
           (a->has & SFTP_HAS_IDS) == 0 || a->uid != geteuid();
}

bool wf_ssh_copy_choose_part(weft_actor *self, wf_ssh_copy *c, const wf_sftp_reply *there)
{
    static const char form[] = "%.*s.%s.part-%08" PRIx32;
    const char *root = c->to.root, *path = c->item->path;
    char whole[2 * PATH_MAX];
    uint32_t number;
    if (stays(there))
        return true;
    if (there->type == SFTP_ATTRS)
        c->item->mode = there->attrs.mode;
    int n = snprintf(whole, sizeof whole, "%s%s", root,
                     root[0] == '\0' && path[0] == '/' ? path + 1 : path);
    if (n <= 0 || n >= PATH_MAX)
        return true; /* it cannot be opened either, which says why */
    const char *slash = strrchr(whole, '/');
    int folder = slash != NULL ? (int)(slash - whole) + 1 : 0;
    size_t room = (size_t)n + sizeof "..part-01234567";
    c->part_path = weft_alloc(room);
    if (c->part_path == NULL)
        return false;
    weft_random(self, &number, sizeof number);
    (void)snprintf(c->part_path, room, form, folder, whole, whole + folder, number);
    return true;
}

void wf_ssh_copy_place(weft_actor *self, wf_ssh_copy *c, wf_ssh_copy_fn *then)
{
    static const char name[] = "posix-rename@openssh.com"; /* what is there is replaced */
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(&c->to, SFTP_EXTENDED, &id);
    wf_sftp_put_text(&out, name, sizeof name - 1);
    wf_sftp_put_text(&out, c->part_path, strlen(c->part_path));
    wf_ssh_copy_put_path(&out, c, &c->to);
    wf_ssh_copy_ask(self, c, &c->to, &out, then);
}

/* Whatever ended it, so at once, and not by who serves the folder: that may be over. */
void wf_ssh_copy_part_done(wf_ssh_copy *c)
{
    const char *name;
    if (c->part_path == NULL)
        return;
    int root = open(c->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int folder = root >= 0 ? wf_sftp_path_parent(root, c->part_path, &name) : -1;
    if (folder >= 0) {
        (void)unlinkat(folder, name, 0);
        (void)close(folder);
    }
    if (root >= 0)
        (void)close(root);
    weft_alloc_free(c->part_path);
    c->part_path = NULL;
}

/* SPDX-License-Identifier: MIT */
/* Whether a file is a shared object of this machine, and whole: the loader's own words for what is not are
 * short, and it crashes on one that was cut. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin.h"

/* The head of the file this is part of, which says what machine it is for. The linker defines it. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static const char *bits(const ElfW(Ehdr) * head)
{
    return head->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32";
}

static weft_err check_head(const ElfW(Ehdr) * head, size_t n, weft_why *why)
{
    const ElfW(Ehdr) *own = &__ehdr_start;
    if (n < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
        return weft_because(why, WEFT_EINVAL, "is no shared object: it does not begin as one");
    if (head->e_ident[EI_CLASS] != own->e_ident[EI_CLASS] ||
        head->e_ident[EI_DATA] != own->e_ident[EI_DATA] || head->e_machine != own->e_machine)
        return weft_because(
            why, WEFT_EINVAL,
            "is for another machine (%s bits, ELF machine %u), expected %s bits, ELF machine %u",
            bits(head), head->e_machine, bits(own), own->e_machine);
    if (head->e_type != ET_DYN)
        return weft_because(why, WEFT_EINVAL, "is no shared object: link it with cc -shared -fPIC");
    return WEFT_OK;
}

/* Whether what is to be mapped is there. */
static bool is_whole(int fd, const ElfW(Ehdr) * head)
{
    struct stat st;
    ElfW(Phdr) part;
    if (fstat(fd, &st) != 0)
        return false;
    uint64_t size = (uint64_t)st.st_size;
    for (unsigned i = 0; i < head->e_phnum; i++) {
        uint64_t at = head->e_phoff + (uint64_t)i * sizeof part;
        if (at > size || pread(fd, &part, sizeof part, (off_t)at) != (ssize_t)sizeof part)
            return false;
        if (part.p_type == PT_LOAD &&
            (part.p_offset > size || part.p_filesz > size - part.p_offset))
            return false;
    }
    return head->e_phnum != 0 && head->e_phentsize == sizeof part;
}

weft_err wf_plugin_check_file(const char *path, weft_why *why)
{
    ElfW(Ehdr) head = {.e_phnum = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, &head, sizeof head) : -1;
    weft_err err = n >= 0 ? check_head(&head, (size_t)n, why)
                          : weft_because(why, weft_err_from_errno(errno),
                                         "%s, expected a shared object", strerror(errno));
    if (err == WEFT_OK && !is_whole(fd, &head))
        err = weft_because(why, WEFT_ETRUNCATED, "is cut: a part that it speaks of is missing");
    if (fd >= 0)
        (void)close(fd);
    return err;
}

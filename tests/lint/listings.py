"""Listings in the documents are equal to the examples they show.

A listing is a fenced block right under `<!-- examples/NAME.c -->` (the whole file but its licence
line) or `<!-- examples/NAME.c:region -->` (what stands between the lines `/* [region] */` and
`/* [/region] */`, moved to the left margin). Lines that mark regions are never shown. In the guide C without such a
name is a few lines that show a call. Files of docs/deploy/ are shown, too, with regions between `# [region]` and
`# [/region]`.
"""
import os
import re
import textwrap

import tree

NAMELESS_LINES_MAX = 6
NAMED = re.compile(r"<!-- ((?:examples|docs/deploy)/[\w./@-]+?)(?::([\w-]+))? -->\s*$")
MARK = re.compile(r"\s*(?:/\*|#) \[(/?)([\w-]+)\](?: \*/)?\s*$")


def shown(path, region):
    """The lines of the listing, or a string saying why there are none."""
    if path not in tree.files():
        return f"there is no {path}"
    source = tree.lines(path)
    if region is None:
        wanted = [line for line in source if "SPDX-License-Identifier" not in line]
    else:
        marks = [(i, m[1]) for i, m in enumerate(map(MARK.match, source)) if m and m[2] == region]
        if [end for _, end in marks] != ["", "/"]:
            return f"{path} has no region [{region}] ... [/{region}]"
        wanted = source[marks[0][0] + 1:marks[1][0]]
    text = "\n".join(line for line in wanted if not MARK.match(line))
    return textwrap.dedent(text).strip("\n").split("\n")


def compare(document):
    """Returns the document's lines as they should be, and what is wrong with those it has."""
    lines, problems, made = tree.lines(document), [], []
    i = 0
    while i < len(lines):
        made.append(lines[i])
        match = NAMED.match(lines[i])
        i += 1
        if not match:
            continue
        where = f"{document}:{i}"
        name = match[1] + (f":{match[2]}" if match[2] else "")
        if i >= len(lines) or not lines[i].startswith("```"):
            problems.append(f"{where}: no listing under {name}; expected ``` on the next line")
            continue
        end = next((j for j in range(i + 1, len(lines)) if lines[j] == "```"), None)
        wanted = shown(match[1], match[2])
        if end is None or isinstance(wanted, str):
            why = wanted if isinstance(wanted, str) else "the listing has no end"
            problems.append(f"{where}: {why}")
            continue
        if lines[i + 1:end] != wanted:
            problems.append(f"{where}: the listing differs from {name}; expected them equal "
                            "(./weft format rewrites it)")
        made += [lines[i], *wanted, "```"]
        i = end + 1
    return made, problems


def nameless(document):
    """Listings of the guide that no program is built from, and that are too long for that."""
    lines, i = tree.lines(document), 0
    while i < len(lines):
        begin = i
        i += 1
        if not lines[begin].startswith("```"):
            continue
        while i < len(lines) and lines[i] != "```":
            i += 1
        n = i - begin - 1
        i += 1
        if lines[begin] == "```c" and n > NAMELESS_LINES_MAX and not (begin and NAMED.match(lines[begin - 1])):
            yield (f"{document}:{begin + 1}: {n} lines of C that nothing is built from; expected a region of an example, "
                   f"named above them, or at most {NAMELESS_LINES_MAX}")


def documents():
    return tree.files(".md")


def check():
    for document in documents():
        yield from compare(document)[1]
        if document.startswith("docs/guide/"):
            yield from nameless(document)


def rewrite():
    for document in documents():
        made, _ = compare(document)
        if made != tree.lines(document):
            with open(os.path.join(tree.ROOT, document), "w", encoding="utf-8") as file:
                file.write("\n".join(made))

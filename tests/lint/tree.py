"""The files of the tree, and what the layers are."""
import os
from functools import lru_cache

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Downward only: a layer may use those before it.
LAYERS = ["runtime", "proto", "actors", "protocols", "weftd"]

SKIPPED = {".git", "build", "__pycache__", "corpus"}


@lru_cache(maxsize=None)
def files(*suffixes):
    """The paths of all files, relative to the root and sorted; with suffixes, only those."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - SKIPPED)
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(f for f in found if not suffixes or f.endswith(suffixes))


@lru_cache(maxsize=None)
def lines(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")


@lru_cache(maxsize=None)
def public_headers():
    """Each public header as "weft/x.h", with the layer it belongs to."""
    return {
        path.split("/include/", 1)[1]: layer
        for layer in LAYERS
        for path in files(".h")
        if path.startswith(f"{layer}/include/weft/")
    }


def layer_of(path):
    """The layer a file belongs to, or None: tests, examples and the like."""
    top = path.split("/", 1)[0]
    return top if top in LAYERS else None

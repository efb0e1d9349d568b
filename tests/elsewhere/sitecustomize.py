"""Takes away what macOS and Windows do not have: put this folder on PYTHONPATH, and Python runs it first.

No os.sched_getaffinity, no os.process_cpu_count, no module `resource`; a folder cannot be opened; every third
os.replace is refused once, as on Windows while another program reads the file; text without a named encoding warns.
"""

import os
import sys

for name in ("sched_getaffinity", "process_cpu_count", "fork", "forkpty"):
    if hasattr(os, name):
        delattr(os, name)
sys.modules["resource"] = None

real_open, real_replace, calls = os.open, os.replace, [0]


def open_files_only(path, *arguments, **options):
    if os.path.isdir(path) and "dir_fd" not in options:
        raise PermissionError(13, "Permission denied", str(path))
    return real_open(path, *arguments, **options)


def replace_unless_read(*arguments, **options):
    calls[0] += 1
    if calls[0] % 3 == 0:
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")
    return real_replace(*arguments, **options)


os.open, os.replace = open_files_only, replace_unless_read

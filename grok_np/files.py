"""Files that are whole or not there, and arrays from files that may be damaged. No pickle is written or loaded.

Read next: `tasks`.
"""

import contextlib
import io
import os
import time
import zipfile

import numpy as np


def write_atomically(path, write):
    """Call ``write(file)`` on a temporary file beside ``path``, flush it to the disk, and put it in place in one go.

    Where that fails, OSError is raised, ``path`` is whole all the same, old or new, and the temporary file is gone.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
        _sync_folder(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _replace(temporary, path, patience=2.0):
    """os.replace; Windows refuses it while somebody reads the file, so it is tried again for two seconds."""
    until = time.monotonic() + patience
    while True:
        try:
            return os.replace(temporary, path)
        except PermissionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _sync_folder(folder):
    """See that a rename has reached the disk. Windows does not open folders, and needs no such thing."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_npz(path):
    """The arrays of an .npz file by name, which may be damaged or hostile; ValueError where something is wrong.

    Unlike `numpy.load`, which makes room for whatever a header claims, it takes no more memory than the file has bytes
    (packed ones unpacked). Nothing is unpickled: an array of objects cannot be made from bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy"): _array(bytearray(archive.read(name))) for name in archive.namelist()}
    except OSError:
        raise
    except Exception as error:  # zipfile, zlib and numpy.lib.format raise a dozen kinds on damaged bytes
        raise ValueError(str(error)) from None


def _array(data):
    """The array that these bytes of an .npy file hold; they become its memory."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read_header(file)
    return np.frombuffer(data, dtype, offset=file.tell()).reshape(shape, order="F" if fortran_order else "C")

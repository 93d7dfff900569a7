"""Every limit on what comes in, in one table. MB is 10⁶ bytes, GB 10⁹, MP 10⁶ pixels.

| what | limit |
|---|---|
| a file | 25 MB |
| a JPEG picture | 64 MP |
| any other picture | 50 MP |
| a side of a picture | 20,000 pixels |
| decoding a file | 10 s, 2 GB of address space |
| an upload | 2,000 files, 300 MB |
| a recording | 150 frames of 320 pixels, 19 seconds |
| a zip | 200 MB, 20,000 entries, zips in it at most 3 deep |
| a zip, unpacked | 1 GB; at most 100 times its size, as a whole and for every entry above 64 kB |
| a set in the browser | 5,000 pictures, 50 classes |
| a class name | 200 characters |

Sets of the command line are bound by the disk.
"""

import math

MB = 10**6

FILE_BYTES = 25 * MB
PHOTO_PIXELS = 64 * 10**6  # JPEG: what phones take
PICTURE_PIXELS = 50 * 10**6  # other formats, whose decoding needs more memory a pixel
SIDE = 20_000  # pixels
DECODING_SECONDS = 10.0
DECODING_BYTES = 2 * 10**9  # address space of a worker

UPLOAD_FILES = 2_000
UPLOAD_BYTES = 300 * MB

BURST_FRAMES = 150  # some 3 MB, which comes as one message

ZIP_BYTES = 200 * MB
ZIP_UNPACKED = 1_000 * MB
ZIP_ENTRIES = 20_000
ZIP_RATIO = 100  # unpacked : packed
ZIP_RATIO_FROM = 64_000  # bytes unpacked; smaller entries may shrink more
ZIP_DEPTH = 3

SET_PICTURES = 5_000
SET_CLASSES = 50
LABEL_CHARACTERS = 200


def megabytes(number: int) -> str:
    """Return a number of bytes in MB, rounded up: what is over a limit never looks like the limit.

    Example:
        >>> megabytes(25_000_001), megabytes(1_234_000_000)
        ('25.1', '1,234.0')
    """
    return f"{math.ceil(number * 10 / MB) / 10:,.1f}"

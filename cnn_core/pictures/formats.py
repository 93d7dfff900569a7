"""What a file is: our formats, what people choose by mistake, and why a whole file may still not be read.

Only the bytes tell; a name is for people.
"""

import codecs
import re
import struct

from cnn_core.pictures import tiff

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # never all of Pillow's: EPS would start Ghostscript
FORMAT_NAMES = "JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
COPY_AGAIN = "copy or download it again, or open it elsewhere and save it as PNG"
SAVE_AS = "save it as JPEG or PNG and load that"
SAVE_AS_PNG = "save it as PNG and load that"
_CAMERA_RAW, _HEIC = "a camera raw file", "a HEIC photo"
_DEVELOP = "develop it, that is export it as JPEG or PNG, and load that"

# The first bytes of what people choose by mistake: (pattern, what it is, what to do; nothing for our own formats).
_KNOWN = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what, remedy)
    for pattern, what, remedy in (
        (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file", "export it as PNG and load that"),
        (rb"%PDF", "a PDF document", "export the page as PNG and load that"),
        (rb"[\s\xef\xbb\xbf]*<(!doctype html|html)", "a web page", "save the picture itself, not its page"),
        (rb"[^\0]{0,900}<svg", "an SVG drawing", "export it as PNG and load that"),
        (rb".{4}ftypcrx |FUJIFILMCCD-RAW|FOVb|\0MRM", _CAMERA_RAW, _DEVELOP),
        (rb"II(\*\0.{4}CR\x02|RO\x08\0|RS\x08\0|U\0)|MMOR\0\0\0\x08|MMOR\0\x08", _CAMERA_RAW, _DEVELOP),
        (rb"II\x1a\0.{4}HEAPCCDR|IIII|MMMM|(II\*\0|MM\0\*).{4}(IIII|MMMM)|ARRI", _CAMERA_RAW, _DEVELOP),
        (
            rb".{4}ftyp(hei[cxsmf]|hev[cxsm]|mif1|msf1)",
            _HEIC,
            "save it as JPEG (iPhone: Camera, Formats, Most Compatible)",
        ),
        (rb"PK(\x03\x04|\x05\x06)", "a zip archive", "load it as an archive of pictures, or unpack it first"),
        (
            rb"version https://git-lfs",
            "a note where Git LFS keeps the file, not the file",
            "fetch the file itself, with git lfs pull",
        ),
        (rb"P[1-7]\s+[#\d]", "a Netpbm picture", SAVE_AS),
        (rb".{128}DICM", "a DICOM picture", SAVE_AS),
        (rb"v/1\x01|#\?RADIANCE|#\?RGBE", "a picture of high dynamic range", SAVE_AS),
        (rb"gimp xcf|SIMPLE  =|qoif|DDS |icns", "a picture of a format that is not read here", SAVE_AS),
        (
            rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ|.{257}ustar",
            "a compressed archive",
            "unpack it and load the pictures",
        ),
        (rb"8BPS", "a Photoshop file", SAVE_AS),
        (rb".{4}jP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", SAVE_AS),
        (rb".{4}JXL |\xff\x0a", "a JPEG XL picture", SAVE_AS),
        (rb"\0\0\x01\0", "a Windows icon", SAVE_AS),
        (rb"\x89PNG", "a PNG file", ""),
        (rb"\xff\xd8\xff", "a JPEG file", ""),
        (rb"GIF8", "a GIF file", ""),
        (rb"RIFF.{4}WEBP", "a WebP file", ""),
        (rb"BM.{4}\0\0\0\0", "a BMP file", ""),
        (rb"II[*+]\0|MM\0[*+]", "a TIFF file", ""),
        (rb".{4}ftypavi[fs]", "an AVIF file", ""),
        (
            rb".{4}(ftyp|moov|mdat|wide|skip)|\x1aE\xdf\xa3|RIFF.{4}AVI |\0\0\x01[\xb3\xba]|FLV\x01|0&\xb2u",
            "a video",
            "save one of its frames as PNG and load that",
        ),
    )
)

_AVIF_BRANDS = (b"avif", b"avis")
_BMP_CODINGS = {1: "run-length, 8 bits", 2: "run-length, 4 bits", 4: "JPEG", 5: "PNG"}
_OS2_CODINGS = {0: "plain", 1: "run-length, 8 bits", 2: "run-length, 4 bits", 3: "Huffman", 4: "run-length, 24 bits"}
_JPEG_KINDS = {
    0xC3: "a lossless JPEG",
    0xC5: "a hierarchical JPEG",
    0xC6: "a hierarchical JPEG",
    0xC7: "a hierarchical JPEG",
    0xCB: "a lossless JPEG",
    0xF7: "a JPEG-LS picture",
}


class FileRefused(ValueError):
    """A file from outside that is not taken; `str` is one sentence: its name, what was received, what to do.

    Example:
        >>> print(FileRefused("cat.jpg", "this is a PDF document", "export the page as PNG"))
        cat.jpg: this is a PDF document; export the page as PNG.
    """

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(name, reason, remedy)
        self.name, self.reason, self.remedy = printable(name)[:200], reason, remedy

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}; {self.remedy}."


class ImageRefused(FileRefused):
    """A picture that is not taken, alone or as an entry of an archive."""


def printable(name: str) -> str:
    """Return a name that is safe to show and to encode: no control, direction or broken characters.

    Example:
        >>> printable("cat\\n\\u202egpj.exe")
        'cat �gpj.exe'
    """
    joiners = "\u200c\u200d"  # invisible, but part of Persian and Indic words
    return "".join(
        " " if character.isspace() else character if character.isprintable() or character in joiners else "\ufffd"
        for character in name
    )


def recognise(data: bytes) -> tuple[str, str] | None:
    """Return what a file seems to be and what to do about it (nothing if it is a picture of our formats), or None.

    Example:
        >>> recognise(b"Rar!...")
        ('a compressed archive', 'unpack it and load the pictures')
    """
    head = data[:1024]
    if head[4:8] == b"ftyp" and head[8:12].lower() in (b"mif1", b"msf1"):  # a general brand: the others tell
        brands = head[16 : int.from_bytes(head[:4], "big")]
        if any(brands[at : at + 4] in _AVIF_BRANDS for at in range(0, len(brands), 4)):
            return "an AVIF file", ""
    for pattern, what, remedy in _KNOWN:
        if pattern.match(head):
            return what, remedy
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # a character cut at the end is no error
    except UnicodeDecodeError:
        return None
    is_text = all(character.isprintable() or character.isspace() for character in text)
    return ("plain text", f"choose a picture: {FORMAT_NAMES}") if is_text else None


def left_alone(data: bytes) -> tuple[str, str] | None:
    """Return the words for a file that Pillow must not be shown, or None.

    A camera raw file, whose small preview would be taken for the picture; a HEIC photo, which may begin as an AVIF
    picture does and would be called damaged.

    Source:
        Adobe DNG 1.7.1: DNGVersion, NewSubfileType 1 for the preview in the first directory, the raw data of
        PhotometricInterpretation 32803 or 34892 in a SubIFD; NEF, ARW, PEF and 3FR are laid out alike.
    """
    known = recognise(data)
    if known and known[0] in (_CAMERA_RAW, _HEIC):
        return known
    return (_CAMERA_RAW, _DEVELOP) if known == ("a TIFF file", "") and tiff.is_raw(data) else None


def cut_short(data: bytes) -> str:
    """Return in words what a PNG lacks at its end, or nothing: its decoder is content once it has all pixels."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return ""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        at += 12 + length
        if at > len(data):
            which = f"chunk {kind.decode()}" if kind.isalpha() else "last chunk"
            return f"its {which} of {length:,} bytes ends beyond the file"
        if kind == b"IEND":
            return ""
    return "its last chunk IEND is missing"


def unread(data: bytes, message: str) -> tuple[str, str] | None:
    """Return why a whole file of our formats is not read and what to do, or None if it may well be damaged.

    Args:
        data: The whole file.
        message: What the decoder said.
    """
    what = (recognise(data) or ("", ""))[0]
    reason = ""
    if what == "a TIFF file":
        reason = tiff.unread(data)
    elif what == "a BMP file":
        reason = _unread_bmp(data)
    elif what == "a JPEG file":
        reason = _unread_jpeg(data)
    elif what == "an AVIF file" and _boxes_are_whole(data):
        reason = f"this AVIF file is of a kind that is not read here ({printable(message) or 'no reason given'})"
    return (reason, SAVE_AS_PNG) if reason else None


def _unread_bmp(data: bytes) -> str:
    """Words for a BMP whose header is in order and whose pixels are there; nothing for another."""
    if len(data) < 30:
        return ""
    start, header = struct.unpack("<II", data[10:18])
    if header == 12:
        width, height, planes, bits = struct.unpack("<HHHH", data[18:26])
        coding = 0
    elif len(data) < 14 + header:
        return ""  # cut short
    elif 16 <= header <= 256:
        width, height, planes, bits = struct.unpack("<iiHH", data[18:30])
        coding = struct.unpack("<I", data[30:34])[0] if header >= 20 else 0
    else:
        return f"this is a BMP file with a header of {header} bytes, which is not read here" if header < 2**12 else ""
    row = (width * bits + 31) // 32 * 4
    if width < 1 or not height or planes > 1 or start >= len(data):
        return ""
    if coding in (0, 3, 6) and start + row * abs(height) > len(data):
        return ""  # cut short
    codings = _OS2_CODINGS if header == 64 else _BMP_CODINGS
    how = f", coded as {codings.get(coding, f'number {coding}')}" if coding not in (0, 3, 6) or header == 64 else ""
    return f"this is a BMP file of a kind that is not read here ({bits} bits a pixel{how}, header of {header} bytes)"


def _unread_jpeg(data: bytes) -> str:
    """Words for a JPEG of a kind that libjpeg does not read; nothing for another."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _JPEG_KINDS:
            return f"this is {_JPEG_KINDS[marker]}, which is not read here"
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits, components = data[at + 4], data[at + 9]
            if bits in (12, 16):
                return f"this is a JPEG of {bits} bits a channel, which is not read here"
            if components not in (1, 3, 4) and components < 10:
                return f"this is a JPEG of {components} channels, which is not read here"
            return ""
        at += 2 + length if length >= 2 else len(data)
    return ""


def _boxes_are_whole(data: bytes) -> bool:
    """Whether the top-level boxes of an ISO media file fill it exactly (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size == 0:
            return True
        if size < 8:
            return False
        at += size
    return at == len(data)

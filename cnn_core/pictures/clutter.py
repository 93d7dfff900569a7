"""What lies among people's pictures without being one: left by systems and programs, or plainly of another kind."""

import re
from functools import lru_cache

# What left it -> names of files and folders, in lower case; a folder's name covers all that is in it.
_LEFT_BY = {
    "macOS": "__macosx .ds_store .appledouble .appledb .appledesktop .spotlight-v100 .fseventsd .trashes .trash "
    ".temporaryitems .documentrevisions-v100 .volumeicon.icns .apdisk .localized .com.apple.timemachine.supported "
    "network%trash%folder temporary%items thevolumesettingsfolder thefindbycontentfolder icon\r icon\uf00d",
    "Windows": "thumbs.db ehthumbs.db ehthumbs_vista.db desktop.ini $recycle.bin recycler recycled "
    "system%volume%information found.000 albumartsmall.jpg autorun.inf autorun.ico pagefile.sys hiberfil.sys "
    "swapfile.sys wpsettings.dat indexervolumeguid",
    "a network drive": "@eadir #recycle @recycle .@__thumb @recently-snapshot #snapshot ~snapshot .snapshot .snapshots "
    "@synoeastream @synoresource @tmp @sharebin @transcode .@__qini .@upload_cache @recently.snapshot @snapshot "
    "@recycle.bin .streams @apphome @appstore @database @qdownload .@qpkg .zfs",
    "Linux": "lost+found .directory .thumbnails .trash .hidden",
    "Picasa": ".picasaoriginals picasa.ini .picasa.ini originals.picasa",
    "a photo program": ".bridgecache .bridgecachet .bridgesort zbthumbnail.info ipod%photo%cache captureone .lrdata "
    ".dthumb .comments .xvpics .pics digikam4.db thumbnails-digikam.db recognition.db similarity.db .dtrash",
    "a phone": "lost.dir .nomedia .thumbdata .gallery2 .globaltrash .trashbin",
    "a notebook": ".ipynb_checkpoints",
    "a Python program": "__pycache__ .venv .mypy_cache .pytest_cache .ruff_cache .tox",
    "a program": "node_modules .cache .idea .vscode .rproj.user",
    "version control": ".git .gitignore .gitattributes .gitkeep .gitmodules .svn .hg .hgignore .bzr .dvc .keep",
    "a sync program": ".stfolder .stversions .stignore .dropbox .dropbox.cache .dropbox.attr .sync .syncthing "
    ".owncloudsync.log .nextcloudsync.log .~lock .tmp.drivedownload .tmp.driveupload",
}
_NAMES = {name.replace("%", " "): by for by, names in _LEFT_BY.items() for name in names.split(" ")}
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), by)
    for pattern, by in (
        (r"\._.*|:2e.*", "macOS"),  # a dot as netatalk writes it
        (r"syno(photo|file|video)[_:].*|synoindex.*|.*@syno(eastream|resource)", "a network drive"),
        (r"\.trash-\d+|\.fuse_hidden.*|\.nfs[0-9a-f]{8,}", "Linux"),
        (r"albumart_\{.*", "Windows"),
        # The second stream of a file that came from the internet or has a preview, on a disk that has no streams.
        (r".*[:\uf03a](zone\.identifier|encryptable)(:\$data)?", "Windows"),
        (r"\.(trashed|pending)-\d+.*|\.thumbdata.*", "a phone"),
        (r".*\.lrdata", "a photo program"),
        (r"~\$.*", "an office program"),
    )
)
_HIDDEN = "a hidden file or folder"

# What a file of that suffix plainly is. Nothing that may be a picture by another name: videos, PDF, HEIC, zips and
# files of odd suffixes are read, and their refusal says what they are.
_KINDS = {
    "a text file": "txt md rst rtf log nfo readme me tex bib sha1 sha256 md5 sum",
    "a table or list": "csv tsv jsonl ndjson parquet feather arrow xls xlsx ods names",
    "a file of data": "json xml yaml yml toml ini cfg conf npy npz mat h5 hdf5 pkl pickle tfrecord lst db sqlite "
    "sqlite3 properties plist cache idx",
    "a program or notebook": "py pyc ipynb js ts sh bat cmd ps1 r m c cpp h java exe dll so msi apk css php",
    "a network's weights": "pt pth ckpt safetensors keras tflite onnx pb",
    "a web page": "html htm mhtml url webloc",
    "a shortcut": "lnk desktop",
    "a phone's note of an edit": "aae",
    "a photo program's note": "xmp pp3 dop cos on1 lrcat arp vrd bridgesort",
    "a camera's list or preview": "thm ctg lrv mrk inp bdm bdmv cpi mpl tdt tid",
    "an empty marker": "gitkeep nomedia keep",
}
OTHER_THINGS = frozenset({"a table or list", "a file of data", "a program or notebook", "a network's weights"})
_TEXTS = frozenset({"license", "licence", "copying", "notice", "authors", "contributors", "readme", "changelog"})
_SUFFIXES = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}


@lru_cache(maxsize=4096)
def left_by(name: str) -> str:
    """Return which system or program left a file or folder of that name: a phrase, or nothing for a person's own.

    Args:
        name: One component of a path; upper and lower case are the same.

    Example:
        >>> left_by("@eaDir"), left_by("._cat.jpg"), left_by(".secret"), left_by("cats")
        ('left by a network drive', 'left by macOS', 'a hidden file or folder', '')
    """
    by = _NAMES.get(name.lower()) or next((by for pattern, by in _PATTERNS if pattern.fullmatch(name)), "")
    if by:
        return f"left by {by}"
    return _HIDDEN if name.startswith(".") and name.strip(".") else ""


def other_kind(name: str) -> str:
    """Return what a file plainly is by its suffix, if that is no picture; nothing if it has to be looked into.

    Example:
        >>> other_kind("labels.CSV"), other_kind("cat.heic"), other_kind("cat")
        ('a table or list', '', '')
    """
    stem, dot, suffix = name.rpartition(".")
    if name.lower() in _TEXTS:
        return "a text file"
    return _SUFFIXES.get(suffix.lower(), "") if dot and stem else ""

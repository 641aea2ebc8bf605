"""What lies in an exported folder, form by form: for the card in words, for Croissant in fields.

`export/` writes these forms; its tests hold what it writes against what is said here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Kind = Literal["sc:Text", "sc:Integer", "sc:ImageObject"]
Extract = Literal["column", "jsonPath", "fileProperty"]


class Field(NamedTuple):
    """A field of a record, and where in a file it is.

    `take` is an optional step more: a JSON path into the value, or a regular expression.
    """

    name: str
    kind: Kind
    at: str
    repeated: bool = False
    take: tuple[Literal["jsonPath", "regex"], str] | None = None


class Records(NamedTuple):
    """Records of one kind: files of one pattern, read alike.

    `names` is a pattern of the names of files, or of members of archives where `packed`.
    """

    name: str
    about: str
    names: tuple[str, ...]
    mime: tuple[str, ...]
    extract: Extract
    fields: tuple[Field, ...]
    packed: bool = False


class Layout(NamedTuple):
    """One form: what it is, how it is opened, what is in it.

    `opened` is Python that runs in the folder; `{first}` is its first data file, `{split}` the
    split of that. `data` is the suffix of the data files.
    """

    about: str
    opened: str
    data: str
    records: tuple[Records, ...]


_JPEG, _PNG, _JSON = "image/jpeg", "image/png", "application/json"
_PICTURES = ("*.jpg", "*.png")
_SAMPLE: tuple[Literal["regex"], str] = ("regex", r"^(.*)\.[a-z]+$")


def _text(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "sc:Text", name) for name in names)


def _number(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "sc:Integer", name) for name in names)


def _texts(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "sc:Text", name, repeated=True) for name in names)


def _below(path: str, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    return tuple(field._replace(at=f"{path}.{field.at}") for field in fields)


def _pictures(names: tuple[str, ...], *, packed: bool) -> Records:
    key = (
        Field("sample", "sc:Text", "filename", take=_SAMPLE)
        if packed
        else Field("file", "sc:Text", "fullpath")
    )
    content = Field("image", "sc:ImageObject", "content")
    mime = (_JPEG, _PNG)
    return Records("pictures", "The pictures.", names, mime, "fileProperty", (key, content), packed)


_FOLDER = _pictures(tuple(f"images/{name}" for name in _PICTURES), packed=False)
LAYOUTS: dict[str, Layout] = {
    "webdataset": Layout(
        "WebDataset: tar files of samples. A sample is a picture (`.jpg`, `.png`), one caption of "
        "it (`.txt`) and what is known of both (`.json`); an image with five captions is five "
        "samples.",
        'import webdataset\n\nsamples = webdataset.WebDataset("{first}", shardshuffle=False)\n'
        'for sample in samples.decode("pil"):\n    print(sample["__key__"], sample["txt"])\n'
        "    break",
        ".tar",
        (
            _pictures(_PICTURES, packed=True),
            Records(
                "captions",
                "A caption a sample.",
                ("*.txt",),
                ("text/plain",),
                "fileProperty",
                (
                    Field("sample", "sc:Text", "filename", take=_SAMPLE),
                    Field("caption", "sc:Text", "content"),
                ),
                packed=True,
            ),
            Records(
                "samples",
                "What is known of a sample, as JSON.",
                ("*.json",),
                (_JSON,),
                "fileProperty",
                (
                    Field("sample", "sc:Text", "filename", take=_SAMPLE),
                    Field("about", "sc:Text", "content"),
                ),
                packed=True,
            ),
        ),
    ),
    "csv": Layout(
        "Tables as open_clip reads them, a line a caption, columns apart by tabs: the picture's "
        "path, the caption, the image's id, its dataset and the rule that wrote the caption; "
        "`human` for sentences of people.",
        'import csv\n\nwith open("{first}", newline="", encoding="utf-8") as file:\n'
        '    row = next(csv.DictReader(file, delimiter="\\t"))\n'
        'print(row["filepath"], row["title"])',
        ".csv",
        (
            Records(
                "captions",
                "A caption a line.",
                (),
                ("text/tab-separated-values",),
                "column",
                _text("filepath", "title", "image_id", "dataset", "rule"),
            ),
            _FOLDER,
        ),
    ),
    "hf": Layout(
        "Parquet with the pictures in it, for Hugging Face `datasets`: a row an image, with all "
        "of its captions, the rule that wrote each, and the boxes as evidence.",
        'import datasets\n\nrows = datasets.load_dataset(".", split="{split}")\n'
        'print(rows[0]["captions"])',
        ".parquet",
        (
            Records(
                "images",
                "A row an image.",
                (),
                ("application/x-parquet",),
                "column",
                (
                    Field("image", "sc:ImageObject", "image", take=("jsonPath", "bytes")),
                    *_text("image_id", "dataset"),
                    *_number("width", "height"),
                    *_texts("captions", "rules"),
                ),
            ),
        ),
    ),
    "coco": Layout(
        "COCO captions: one JSON a split, with the pictures beside it in `images`.",
        'import json\n\nwith open("{first}", encoding="utf-8") as file:\n'
        '    found = json.load(file)\nprint(found["annotations"][0]["caption"])',
        ".json",
        (
            Records(
                "images",
                "What is known of a picture.",
                (),
                (_JSON,),
                "jsonPath",
                _below(
                    "$.images[*]",
                    (
                        *_number("id", "width", "height"),
                        *_text("file_name", "source_id", "dataset"),
                    ),
                ),
            ),
            Records(
                "captions",
                "A caption; `image_id` is the `id` of its picture.",
                (),
                (_JSON,),
                "jsonPath",
                _below("$.annotations[*]", (*_number("id", "image_id"), *_text("caption", "rule"))),
            ),
            _FOLDER,
        ),
    ),
    "llava": Layout(
        "Conversations as LLaVA is trained on: one JSON a split, a request and a caption each, "
        "with the pictures beside it in `images`.",
        'import json\n\nwith open("{first}", encoding="utf-8") as file:\n'
        '    found = json.load(file)\nprint(found[0]["conversations"][1]["value"])',
        ".json",
        (
            Records(
                "conversations",
                "A request and its answer, the caption.",
                (),
                (_JSON,),
                "jsonPath",
                (
                    *_below("$[*]", _text("id", "image")),
                    Field("request", "sc:Text", "$[*].conversations[0].value"),
                    Field("caption", "sc:Text", "$[*].conversations[1].value"),
                ),
            ),
            _FOLDER,
        ),
    ),
    "table": Layout(
        "A caption table without its pictures: a row an image or tile, with its captions, the "
        "rule that wrote each, and the boxes as evidence.",
        'import pyarrow.parquet\n\nrows = pyarrow.parquet.read_table("{first}")\n'
        'print(rows["captions"][0].as_py())',
        ".parquet",
        (
            Records(
                "rows",
                "A row an image or tile.",
                (),
                ("application/x-parquet",),
                "column",
                (
                    *_text("image_id", "dataset", "split", "image_path"),
                    *_number("width", "height"),
                    *_texts("captions", "rules"),
                ),
            ),
        ),
    ),
}
PAPERS = ("export.json", "sizes.json", "skipped.csv")  # beside the data, of any form


def data_files(form: str, files: Iterable[str]) -> list[str]:
    """Those of the files of an export that hold its captions, sorted."""
    suffix = LAYOUTS[form].data
    return sorted(name for name in files if name.endswith(suffix) and name not in PAPERS)

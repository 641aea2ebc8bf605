"""`croissant.json`: what an export is, in the words of schema.org and MLCommons' Croissant 1.0.

    {"@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0", "license": [...],
     "distribution": [{"@type": "cr:FileObject", "contentUrl": "train.csv", "sha256": "..."}, ...],
     "recordSet": [{"@type": "cr:RecordSet", "field": [...]}, ...]}

Every data file is there with its digest. A date of publication is left out: whoever publishes the
folder adds it. https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from rs_caption.facts import NO_LICENCE
from rs_caption.terms.known import Stated
from rs_caption.terms.layouts import LAYOUTS, Field, Records, data_files

_MIMES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".parquet": "application/x-parquet",
    ".tar": "application/x-tar",
}
_OTHER_MIME = "application/octet-stream"
# The specification asks for these names in front of every such file.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {
    name: f"cr:{name}"
    for name in (
        *("citeAs", "column", "equivalentProperty", "extract", "field", "fileObject"),
        *("fileProperty", "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key"),
        *("md5", "parentField", "path", "recordSet", "references", "regex", "repeated"),
        *("replace", "samplingRate", "separator", "source", "subField", "transform"),
    )
}
_VERSION = "1.0.0"  # of the data set: an export is made once
_LISTED = re.compile(r"[A-Z][A-Za-z0-9.-]*\d[A-Za-z0-9.-]*|MIT")  # by SPDX
_NOT_IN_A_NAME = re.compile(r"[^\w.-]+")


def croissant(
    title: str, about: str, stated: Sequence[Stated], form: str, files: Mapping[str, str]
) -> dict[str, Any]:
    """The metadata as JSON-LD.

    Args:
        title: of the whole.
        about: what it is, in a sentence or two.
        stated: the datasets in it.
        form: of the export.
        files: path below the folder -> sha256 in hexadecimal.
    """
    data = data_files(form, files)
    records = LAYOUTS[form].records
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": _NOT_IN_A_NAME.sub("-", title).strip("-"),
        "description": about,
        "license": licences(stated),
        "citeAs": " | ".join(dict.fromkeys(one.citation for one in stated if one.citation)),
        "isBasedOn": sorted({one.terms.homepage for one in stated if one.terms.homepage}),
        "version": _VERSION,
        "distribution": [
            *(_file(name, files[name]) for name in sorted(files)),
            *(_set(one, data) for one in records),
        ],
        "recordSet": [_records(one) for one in records],
    }


def licences(stated: Sequence[Stated]) -> list[str]:
    """Addresses of licences that SPDX lists, and the words of the others, each once."""
    found: dict[str, None] = {}
    for one in stated:
        every = re.split(r" (?:AND|OR) ", one.terms.spdx)
        listed = [f"https://spdx.org/licenses/{its}" for its in every if _LISTED.fullmatch(its)]
        if len(listed) < len(every) or NO_LICENCE in every:
            listed.append(f"{one.title}: {one.terms.licence}")
        found |= dict.fromkeys(listed)
    return list(found)


def _file(name: str, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": _MIMES.get(PurePosixPath(name).suffix, _OTHER_MIME),
        "sha256": sha256,
    }


def _set(records: Records, data: Sequence[str]) -> dict[str, Any]:
    """The files of a kind of records: members of the archives, else files of the folder."""
    made: dict[str, Any] = {
        "@type": "cr:FileSet",
        "@id": f"files-of-{records.name}",
        "name": f"files-of-{records.name}",
        "encodingFormat": _one(records.mime),
        "includes": _one(records.names or data),
    }
    if records.packed:
        made["containedIn"] = _one([{"@id": name} for name in data])
    return made


def _one(values: Sequence[Any]) -> Any:
    """A list, or its only value: JSON-LD takes them for the same."""
    return values[0] if len(values) == 1 else list(values)


def _records(records: Records) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": records.name,
        "name": records.name,
        "description": records.about,
        "field": list(_fields(records)),
    }


def _fields(records: Records) -> Iterator[dict[str, Any]]:
    for field in records.fields:
        made: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{records.name}/{field.name}",
            "name": field.name,
            "dataType": field.kind,
            "source": _source(records, field),
        }
        if field.repeated:
            made["repeated"] = True
        yield made


def _source(records: Records, field: Field) -> dict[str, Any]:
    made: dict[str, Any] = {
        "fileSet": {"@id": f"files-of-{records.name}"},
        "extract": {records.extract: field.at},
    }
    if field.take:
        made["transform"] = dict([field.take])
    return made

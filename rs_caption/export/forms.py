"""The forms of an export by name."""

from rs_caption.export import coco, columns, hub, llava, webdataset
from rs_caption.export.form import Form

FORMS: dict[str, Form] = {
    "webdataset": webdataset.FORM,
    "csv": columns.FORM,
    "hf": hub.FORM,
    "coco": coco.FORM,
    "llava": llava.FORM,
}

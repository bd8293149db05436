"""Features have the types, and single ones the single value, that the OD API's schema gives them."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import RecordView

# OD_API_SPEC section 9.1; what is not named here is nobody's business.
_SINGLE = {
    "image/encoded": "bytes_list",
    "image/format": "bytes_list",
    "image/filename": "bytes_list",
    "image/source_id": "bytes_list",
    "image/key/sha256": "bytes_list",
    "image/height": "int64_list",
    "image/width": "int64_list",
}
_LISTS = {
    "image/object/bbox/ymin": "float_list",
    "image/object/bbox/xmin": "float_list",
    "image/object/bbox/ymax": "float_list",
    "image/object/bbox/xmax": "float_list",
    "image/object/class/text": "bytes_list",
    "image/object/class/label": "int64_list",
    "image/object/weight": "float_list",
    "image/object/is_crowd": "int64_list",
    "image/object/difficult": "int64_list",
    "image/object/group_of": "int64_list",
    "image/object/area": "float_list",
}
_KINDS = {**_SINGLE, **_LISTS}


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per feature of a wrong type or number of values."""
    for name in record.features:
        expected = _KINDS.get(name)
        if expected is None:
            continue
        found = record.kind(name)
        if found not in (None, expected):
            mend = f"write {name} as {expected}: parsing fails on another type"
            yield Fault(name, str(found), expected, mend)
        elif name in _SINGLE and record.count(name) > 1:
            yield Fault(name, f"{record.count(name)} values", "one value", "write one value for each image")

"""What makes an output another one, and what does not: versions, times, places."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.corpora import row

from rs_caption import table
from rs_caption.pipeline.contents import digest_of
from rs_caption.schema import to_arrow

SOURCE = {"manifest": "a", "options": {"tile": 0}}


def written(folder, source=SOURCE, tool="0.1.0", captions=("a ship",)):
    """Digest of a table that a version has written."""
    about = table.metadata({"rsicd": source}) | {"tool": tool}
    file = folder / table.TABLE_FILE
    table.write(file, [to_arrow([row("a.png", captions)])], about)
    return digest_of(file)


def test_a_table_counts_by_rows_and_options_and_not_by_who_wrote_it(tmp_path):
    first = written(tmp_path)
    assert written(tmp_path, tool="0.2.0") == first
    assert written(tmp_path, {**SOURCE, "manifest": "b"}) == first
    assert written(tmp_path, captions=("2 ships",)) != first
    assert written(tmp_path, {**SOURCE, "options": {"tile": 512}}) != first


def test_of_any_parquet_the_writer_in_the_footer_is_nothing(tmp_path):
    rows, file = pa.table({"reason": ["test", "duplicate"]}), tmp_path / "removed.parquet"
    digests = set()
    for by in ("one", "another"):
        pq.write_table(rows.replace_schema_metadata({"by": by}), file)
        digests.add(digest_of(file))
    pq.write_table(rows.slice(1), file)
    assert (len(digests), digest_of(file) in digests) == (1, False)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:7], lambda _: b""])
def test_a_parquet_that_was_cut_is_another_one(tmp_path, damage):
    whole, file = written(tmp_path), tmp_path / table.TABLE_FILE
    file.write_bytes(damage(file.read_bytes()))
    assert digest_of(file) != whole


def test_a_pack_counts_by_its_pixels(tmp_path):
    file = tmp_path / "pack.json"

    def digest(**said):
        file.write_text(json.dumps({"images": 3, "key": "a", "pixels": "b"} | said))
        return digest_of(file)

    assert digest(key="c") == digest()
    assert len({digest(), digest(pixels="c"), digest(images=4)}) == 3
    texts = ('{"key": 1}', '{"key": 2}', "[", "[]")
    assert len({digest_of(file) for text in texts if file.write_text(text)}) == 4

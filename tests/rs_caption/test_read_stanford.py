"""Stanford Drone: tracks become frames; what is not captioned is in the account."""

import time

import msgspec
import numpy as np
import pytest
from fakes import facts_of, picture, read_all, skipped_of
from fakes.film import film, number_of
from fakes.stanford import TRACKS, track_file

from rs_caption import table
from rs_caption.errors import DataError, UserError
from rs_caption.facts import Frames
from rs_caption.pictures.pixels import open_pixels
from rs_caption.sample import Skipped

STANFORD = facts_of("stanford")
CLIP = "quad/video0"
FILM = "videos/quad/video0/video.mov"


def every(number):
    return msgspec.structs.replace(STANFORD, frames=Frames(source="", every=number))


def laid_out(root, text=TRACKS, size_wh=(100, 60)):
    """A video without pictures but its reference."""
    track_file(root, CLIP, text)
    picture(root / "annotations" / CLIP / "reference.jpg", size_wh)
    return root


def boxes_of(sample):
    return [tuple(box) for box in sample.label]


def test_tracks_are_regrouped_by_frame(tmp_path):
    first, second, third = read_all(laid_out(tmp_path), every(2), with_images=False)

    assert (first.image, first.frame, first.size_wh) == (FILM, 0, (100, 60))
    assert boxes_of(first) == [("Pedestrian", 10, 10, 20, 20), ("Biker", 40, 20, 60, 30)]
    assert first.dropped == (("lost: out of view", 1), ("in frames not sampled (1 of 2 is)", 1))
    assert (second.frame, boxes_of(second)) == (2, [("Biker", 42, 20, 62, 30)])
    assert second.dropped == (("lost: out of view", 1),)
    assert (third.frame, boxes_of(third), third.dropped) == (4, [], (("lost: out of view", 1),))


def test_the_same_track_twice_in_a_frame_counts_once(tmp_path):
    text = f'{TRACKS}0 11 10 21 20 0 0 0 1 "Pedestrian"\n'
    first = read_all(laid_out(tmp_path, text), every(30), with_images=False)[0]
    assert boxes_of(first) == [("Pedestrian", 10, 10, 20, 20), ("Biker", 40, 20, 60, 30)]
    assert ("the same track again in a frame", 1) in first.dropped


def test_a_video_of_which_no_frame_is_sampled_is_told(tmp_path):
    found = read_all(laid_out(tmp_path, '0 1 1 2 2 7 0 0 0 "Car"\n'), STANFORD, with_images=False)
    assert found == [Skipped(FILM, "no_objects", "1 row, none in a frame that is sampled")]


FORMS = {
    "CRLF": TRACKS.replace("\n", "\r\n"),
    "no last line end": TRACKS.rstrip(),
    "byte order mark": "\ufeff" + TRACKS,
    "tabs and blanks": TRACKS.replace(" ", "\t  "),
    "blank lines": TRACKS.replace("\n", "\n\n"),
    "no quotes": TRACKS.replace('"', ""),
    "floats": TRACKS.replace(" 10 10 20 20 ", " 10.0 10.0 20 2e1 "),
    "lower case": TRACKS.lower(),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms_of_the_file(tmp_path, text):
    expected = read_all(laid_out(tmp_path / "a"), every(1), with_images=False)
    found = read_all(laid_out(tmp_path / "b", text), every(1), with_images=False)
    assert [boxes_of(sample) for sample in found] == [boxes_of(sample) for sample in expected]


# Pictures


def test_extracted_frames_go_before_the_video(tmp_path):
    root = laid_out(tmp_path)
    picture(root / "frames" / "quad_video0_000000.jpg", (100, 60))
    picture(root / "frames" / "quad_video0_0.jpg", (100, 60))  # the same again
    picture(root / "frames" / "quad_video0_2.png", (50, 30))  # half the size
    picture(root / "frames" / "quad_video0_3.jpg", (100, 60))  # not sampled
    picture(root / "frames" / "quad_video0_8.jpg", (100, 60))
    picture(root / "frames" / "quad_video7_0.jpg", (100, 60))
    (root / FILM).parent.mkdir(parents=True)
    (root / FILM).write_bytes(b"not looked at")

    everything = read_all(root, every(2))

    found = [one for one in everything if not isinstance(one, Skipped)]
    assert [(one.image, one.frame, one.size_wh) for one in found] == [
        ("frames/quad_video0_0.jpg", None, (100, 60)),
        ("frames/quad_video0_2.png", None, (50, 30)),
    ]
    assert boxes_of(found[1]) == [("Biker", 21, 10, 31, 15)]
    gone = [one for one in everything if isinstance(one, Skipped)]
    assert sorted((one.item, one.reason) for one in gone) == [
        ("frames/quad_video0, frame 4", "missing_image"),
        ("frames/quad_video0_000000.jpg", "duplicate_image_id"),
        ("frames/quad_video0_8.jpg", "no_objects"),
        ("frames/quad_video7_0.jpg", "missing_annotation"),
    ]


def test_a_frame_of_another_shape_is_not_the_one_annotated(tmp_path):
    root = laid_out(tmp_path)
    picture(root / "frames" / "quad_video0_0.jpg", (60, 100))
    skipped = read_all(root, every(30))[0]
    assert skipped.reason == "size_mismatch"
    assert "60 x 100 pixels, reference.jpg has 100 x 60" in skipped.detail


def test_without_a_reference_boxes_must_lie_in_the_frame(tmp_path):
    root = tmp_path
    track_file(root, CLIP, TRACKS)
    picture(root / "frames" / "quad_video0_0.jpg", (40, 30))
    assert read_all(root, every(30))[0].reason == "size_mismatch"
    picture(root / "frames" / "quad_video0_0.jpg", (100, 60))
    assert read_all(root, every(30))[0].size_wh == (100, 60)


def test_a_video_that_is_missing_is_skipped(tmp_path):
    root = laid_out(tmp_path)
    (root / "videos").mkdir()
    (skipped,) = read_all(root, STANFORD)
    assert skipped.item == "annotations/quad/video0/annotations.txt"
    assert skipped.reason == "missing_image"


def test_only_annotations_and_no_reference_have_no_size(tmp_path):
    track_file(tmp_path, CLIP, TRACKS)
    with pytest.raises(DataError, match="does not state the size"):
        read_all(tmp_path, STANFORD, with_images=False)


def test_another_folder_is_told(tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(UserError, match="no Stanford Drone Dataset here"):
        read_all(tmp_path, STANFORD)


def test_a_smaller_copy_of_the_video_scales_boxes(tmp_path):
    root = laid_out(tmp_path, size_wh=(256, 128))
    film(root / FILM, 5)
    first, second, _ = read_all(root, every(2))
    assert (first.image, first.frame, first.size_wh) == (FILM, 0, (128, 64))
    assert boxes_of(second) == [("Biker", 21, 10, 31, 15)]


def test_a_video_much_shorter_than_its_annotations_is_another(tmp_path):
    root = laid_out(tmp_path, size_wh=(128, 64))
    film(root / FILM, 1)
    with pytest.raises(DataError, match="has 1 frames, frame 2 is annotated") as error:
        read_all(root, every(1))
    assert error.value.reason == "size_mismatch"


def test_a_few_rows_past_the_end_of_a_video_cost_their_frames(tmp_path):
    root = laid_out(tmp_path, size_wh=(128, 64))
    film(root / FILM, 4)
    *read, beyond = read_all(root, every(2))
    assert [sample.frame for sample in read] == [0, 2]
    assert (beyond.item, beyond.reason) == (f"{FILM}, frame 4", "missing_image")
    assert beyond.detail == "the video has 4 frames, the first is 0"


def long_film(root, frames=90):
    """A video of which each frame says its number, and one object in each."""
    rows = [f'{at} 10 10 30 30 {at} 0 0 1 "Car"\n' for at in range(frames)]
    laid_out(root, "".join(rows), (128, 64))
    film(root / FILM, frames, gop=25, b_frames=3)
    return root


def test_from_the_video_to_a_clean_table(tmp_path, cli):
    """Converted, hashed, drawn; frames 4 and 8 are extracted and hash as those of the video."""
    root, out, clean = long_film(tmp_path / "root"), tmp_path / "out", tmp_path / "clean"
    command = ("convert", "--source", "stanford", "--root", root, "--every", 4)
    assert cli(*command, "--out", out).code == 0
    rows = table.open_table(out).read().to_pylist()
    assert sorted(row["frame"] for row in rows) == list(range(0, 90, 4))
    assert {row["image_path"] for row in rows} == {FILM}
    assert all(number_of(open_pixels(root / FILM, (), r["frame"])) == r["frame"] for r in rows[:4])

    assert cli("dedup", out, "--out", clean, "--threshold", 0).code == 0
    hashed = {row["frame"]: row["phash"] for row in table.open_table(clean).read().to_pylist()}
    assert len(hashed) > 10
    extracted = tmp_path / "extracted"
    laid_out(extracted, (root / "annotations" / CLIP / "annotations.txt").read_text(), (128, 64))
    (extracted / "frames").mkdir()
    for frame in range(0, 90, 4):
        image = open_pixels(root / FILM, (), frame)
        image.save(extracted / "frames" / f"quad_video0_{frame}.jpg", quality=95)
    command = ("convert", "--source", "stanford", "--root", extracted, "--every", 4)
    assert cli(*command, "--out", tmp_path / "out2").code == 0
    assert cli("dedup", tmp_path / "out2", "--out", tmp_path / "clean2", "--threshold", 0).code == 0
    again = table.open_table(tmp_path / "clean2").read().to_pylist()
    both = [
        (int(row["phash"]) ^ int(hashed[frame])).bit_count()
        for row in again
        if (frame := int(row["image_path"].rpartition("_")[2][:-4])) in hashed
    ]
    assert len(both) > 10
    assert np.median(both) <= 4

    ended = cli("show", out, "--id", f"stanford/{FILM}#f88", "--draw", tmp_path / "drawn")
    assert ended.code == 0
    assert "A car" in ended.out
    (drawn,) = (tmp_path / "drawn").iterdir()
    assert drawn.stat().st_size > 1000


def test_frames_that_a_shorter_video_lacks_are_skipped_when_hashed(tmp_path, cli):
    root, out, clean = long_film(tmp_path / "root"), tmp_path / "out", tmp_path / "clean"
    command = ("convert", "--source", "stanford", "--root", root, "--every", 10)
    assert cli(*command, "--out", out).code == 0
    film(root / FILM, 75)
    ended = cli("dedup", out, "--out", clean, "--threshold", 0)
    assert ended.code == 3
    lines = skipped_of(clean)
    assert [line[0].rpartition("#")[2] for line in lines] == ["f80"]
    assert lines[0][1:3] == [
        "missing_image",
        "there is no frame 80: the video has 75, counted from 0",
    ]
    ended = cli("show", out, "--id", f"stanford/{FILM}#f80", "--draw", tmp_path / "drawn")
    assert ended.code == 2
    assert "there is no frame 80" in ended.err


def test_every_is_for_videos(tmp_path, cli):
    root = long_film(tmp_path / "root", 3)
    command = ("convert", "--source", "stanford", "--root", root, "--out", tmp_path / "out")
    ended = cli(*command, "--every", 0)
    assert (ended.code, "--every is 0; expected 1 or more frames" in ended.err) == (2, True)


# The release


def test_six_videos_of_the_release(tmp_path, cli, shared_data):
    """82,106 rows, counted by other means."""
    root, out = shared_data / "StanfordDroneDataset", tmp_path / "out"
    files = sorted(root.glob("annotations/*/*/annotations.txt"))
    rows = [(file, *line.split()) for file in files for line in file.read_text().splitlines()]
    lost = sum(fields[7] == "1" for fields in rows)
    seen = {(fields[0], fields[6]) for fields in rows if fields[7] == "0"}
    assert (len(files), len(rows), lost, len(seen)) == (6, 82_106, 36_089, 4_557)

    started = time.monotonic()
    command = ("convert", "--source", "stanford", "--root", root, "--out", out)
    ended = cli(*command, "--annotations-only", "--every", 1)
    print(f"82,106 rows in {time.monotonic() - started:.1f} s")  # noqa: T201 -- asked for

    assert ended.code == 0
    found = table.open_table(out).read().to_pylist()
    assert len(found) == len(seen)
    names = [box["name"] for row in found for box in row["boxes"]]
    assert len(names) == len(rows) - lost
    biker = sum(fields[10] == '"Biker"' and fields[7] == "0" for fields in rows)
    assert names.count("Biker") == biker
    quad = next(row for row in found if row["image_id"] == f"stanford/{FILM}#f180")
    assert (quad["width"], quad["height"], len(quad["boxes"])) == (1983, 1088, 7)

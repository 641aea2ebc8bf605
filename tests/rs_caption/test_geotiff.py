"""Rasters of many bands and bits: the bands meant, stretched as documented, or a clear refusal."""

import contextlib
import subprocess
import sys
import warnings

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio import Affine

from rs_caption.errors import DataError
from rs_caption.pictures import geotiff
from rs_caption.pictures.images import image_size
from rs_caption.pictures.pixels import open_pixels

RAMP_HW = np.arange(101, dtype=np.uint16).reshape(1, 101) * 10  # percentiles are its values


def raster(path, bands_BHW, **options):
    """A GeoTIFF with these bands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bands_BHW = np.asarray(bands_BHW)
    count, height, width = bands_BHW.shape
    where = {"crs": "EPSG:32632", "transform": Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)}
    form = {"driver": "GTiff", "dtype": bands_BHW.dtype, **where, **options}
    with rasterio.open(path, "w", width=width, height=height, count=count, **form) as file:
        file.write(bands_BHW)
    return path


def noise(count, dtype, height=20, width=30):
    top = 255 if dtype == np.uint8 else 4000
    return np.random.default_rng(1).integers(0, top, (count, height, width)).astype(dtype)


def test_stretch_from_the_2nd_to_the_98th_percentile():
    stretched = geotiff.to_byte(RAMP_HW)[0]
    assert stretched[[0, 1, 2, 26, 50, 74, 98, 99, 100]].tolist() == (
        [0, 0, 0, 64, 128, 191, 255, 255, 255]
    )


STRETCHED = {
    "nodata below": (np.append(RAMP_HW, [[65535] * 50], axis=1), 65535),
    "nodata zero": (np.append(RAMP_HW + 1, [[0] * 900], axis=1).astype(np.uint16), 0),
    "floats with NaN": (np.append(RAMP_HW / 8, [[np.nan, np.inf, -np.inf]], axis=1), None),
    "floats with nodata": (np.append(RAMP_HW / 8, [[-9999.0] * 9], axis=1), -9999.0),
    "signed": (RAMP_HW.astype(np.int16) - 500, None),
}


@pytest.mark.parametrize(("values_HW", "nodata"), STRETCHED.values(), ids=STRETCHED)
def test_pixels_without_a_value_do_not_count(values_HW, nodata):
    stretched = geotiff.to_byte(values_HW, nodata)[0]
    assert stretched[:101].tolist() == geotiff.to_byte(RAMP_HW)[0].tolist()
    assert not stretched[101:].any()


def test_stretch_of_little():
    assert geotiff.to_byte(np.full((2, 2), np.nan)).tolist() == [[0, 0], [0, 0]]
    assert geotiff.to_byte(np.full((1, 2), 7, np.uint16)).tolist() == [[0, 0]]
    assert geotiff.to_byte(np.array([[3, 200]], np.uint8)).tolist() == [[3, 200]]


def test_stretch_of_a_band_larger_than_a_slice():
    values_HW = np.arange(3000 * 2, dtype=np.float32).reshape(3000, 2)
    byte_HW = geotiff.to_byte(values_HW)
    low, high = np.percentile(values_HW, [2, 98])
    expected = ((values_HW - low) / (high - low) * 255).clip(0, 255).round()
    assert np.array_equal(byte_HW, expected)


FORMS = {
    "16-bit RGB": (3, np.uint16, {"photometric": "RGB"}, (1, 2, 3)),
    "16-bit, 8 bands": (8, np.uint16, {}, (1, 2, 3)),
    "16-bit, 4 bands, tiled": (
        4,
        np.uint16,
        {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"},
        (1, 2, 3),
    ),
    "16-bit, one band": (1, np.uint16, {}, (1,)),
    "float, one band": (1, np.float32, {}, (1,)),
    "float, 5 bands": (5, np.float32, {"interleave": "band"}, (1, 2, 3)),
    "8-bit, 5 bands": (5, np.uint8, {}, (1, 2, 3)),
    "8-bit, 4 bands": (4, np.uint8, {"photometric": "MINISBLACK"}, (1, 2, 3)),
    "8-bit, 4 bands, RGB": (4, np.uint8, {"photometric": "RGB"}, (1, 2, 3)),
    "8-bit RGB": (3, np.uint8, {"photometric": "RGB"}, (1, 2, 3)),
    "BigTIFF, 8 bands": (8, np.uint16, {"BIGTIFF": "YES"}, (1, 2, 3)),
    "BigTIFF, 8-bit RGB": (3, np.uint8, {"BIGTIFF": "YES", "photometric": "RGB"}, (1, 2, 3)),
    "big-endian": (3, np.uint16, {"ENDIANNESS": "BIG"}, (1, 2, 3)),
    "zstd": (3, np.uint8, {"compress": "zstd"}, (1, 2, 3)),
}


@pytest.mark.parametrize(("count", "dtype", "options", "shown"), FORMS.values(), ids=FORMS)
def test_every_form_has_its_size_and_its_bands(tmp_path, count, dtype, options, shown):
    bands_BHW = noise(count, dtype)
    path = raster(tmp_path / "a.tif", bands_BHW, **options)

    assert image_size(path) == (30, 20)
    image = open_pixels(path)

    expected = [geotiff.to_byte(bands_BHW[band - 1]) for band in shown]
    found = np.asarray(image).reshape(20, 30, -1)[..., :3]
    assert np.array_equal(found, np.stack(expected, axis=-1))
    picked = np.asarray(open_pixels(path, bands=(count, 1, count)))
    assert np.array_equal(picked[..., 0], geotiff.to_byte(bands_BHW[count - 1]))
    assert np.array_equal(picked[..., 1], geotiff.to_byte(bands_BHW[0]))
    assert open_pixels(path, bands=(count,)).mode == "L"


def test_the_colours_that_a_file_names_are_taken(tmp_path):
    bands_BHW = noise(5, np.uint16)
    path = raster(tmp_path / "a.tif", bands_BHW)
    with rasterio.open(path, "r+") as file:
        names = ("undefined", "blue", "green", "red", "undefined")
        file.colorinterp = [rasterio.enums.ColorInterp[name] for name in names]
    shown = np.asarray(open_pixels(path))
    assert np.array_equal(shown[..., 0], geotiff.to_byte(bands_BHW[3]))
    assert np.array_equal(shown[..., 2], geotiff.to_byte(bands_BHW[1]))


def test_the_nodata_value_of_a_file_counts(tmp_path):
    bands_BHW = np.append(np.zeros((1, 1, 40), np.uint16), RAMP_HW[None] + 1, axis=2)
    path = raster(tmp_path / "a.tif", bands_BHW, nodata=0)
    shown = np.asarray(open_pixels(path))[0]
    assert shown[40:].tolist() == geotiff.to_byte(RAMP_HW)[0].tolist()


def test_bands_of_an_image_that_is_no_tiff(tmp_path):
    Image.fromarray(np.moveaxis(noise(3, np.uint8), 0, -1)).save(tmp_path / "a.png")
    shown = np.asarray(open_pixels(tmp_path / "a.png", bands=(3, 2, 1)))
    assert np.array_equal(shown, np.asarray(Image.open(tmp_path / "a.png"))[..., ::-1])


def test_a_band_that_is_not_there(tmp_path):
    path = raster(tmp_path / "a.tif", noise(4, np.uint16))
    with pytest.raises(DataError, match="has 4 bands, --bands is 8,3,2") as error:
        open_pixels(path, bands=(8, 3, 2))
    assert error.value.reason == "bad_image"


@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.01, 0.3, 0.9])
def test_a_raster_cut_short_is_told(tmp_path, kept):
    path = raster(tmp_path / "a.tif", noise(8, np.uint16, 200, 300))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    for look in (image_size, open_pixels):
        with pytest.raises(DataError) as error:
            look(path)
        assert error.value.reason == "bad_image"


@pytest.mark.parametrize("seed", range(10))
def test_flipped_bytes_give_a_picture_or_an_error_that_is_ours(tmp_path, seed):
    path = raster(tmp_path / "a.tif", noise(8, np.uint16))
    content = bytearray(path.read_bytes())
    for at in np.random.default_rng(seed).integers(0, 600, 4):
        content[at] ^= 1 << (seed % 8)
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for look in (image_size, open_pixels):
            with contextlib.suppress(DataError):  # of no other error
                look(path)


def test_a_vrt_in_the_clothes_of_an_image_leads_nowhere(tmp_path):
    secret = raster(tmp_path / "secret.tif", noise(3, np.uint8))
    vrt = (
        '<VRTDataset rasterXSize="30" rasterYSize="20"><VRTRasterBand dataType="Byte" band="1">'
        f"<SimpleSource><SourceFilename>{secret}</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    (tmp_path / "a.png").write_text(vrt)
    with pytest.raises(DataError):
        open_pixels(tmp_path / "a.png", bands=(1,))


def test_without_rasterio_it_says_what_to_install(tmp_path):
    path = raster(tmp_path / "a.tif", noise(8, np.uint16))
    program = (
        "import sys; sys.modules['rasterio'] = None\n"
        "from pathlib import Path\n"
        "from rs_caption.errors import RsCaptionError\n"
        "from rs_caption.pictures.images import image_size\n"
        "from rs_caption.pictures.pixels import open_pixels\n"
        "path = Path(sys.argv[1])\n"
        "for look in (image_size, open_pixels, lambda one: open_pixels(one, (1,))):\n"
        "    try: look(path)\n"
        "    except RsCaptionError as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["DataError", "DataError", "UserError"]
    assert all('pip install "rs-caption[geotiff]"' in line for line in lines)

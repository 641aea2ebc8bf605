"""TIFFs with more bits or bands than Pillow reads, through rasterio (`rs-caption[geotiff]`).

Three bands become red, green and blue, one becomes grey. Values of more than 8 bits are stretched
band by band: the 2nd percentile of its valid pixels becomes 0, the 98th 255; pixels without a value
(the file's nodata value, NaN, infinity) become 0 and do not count.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs_caption import storage
from rs_caption.errors import DataError, UserError

LOW_PERCENT, HIGH_PERCENT = 2, 98  # the usual stretch of GIS programs
_COUNTED_PX = 4_000_000  # pixels of a band that percentiles are taken of; more change nothing
_ROWS = 1024  # stretched at once: float copies of a large band need no memory of its size
_TIFF = ("II*\0", "MM\0*", "II+\0", "MM\0+")  # TIFF and BigTIFF, both byte orders
_DRIVERS = {magic.encode(): "GTiff" for magic in _TIFF} | {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
}  # of other files GDAL is not asked: some of its formats lead to other files or hosts


def is_tiff(path: Path) -> bool:
    """Whether a file begins as a TIFF."""
    return _driver(path) == "GTiff"


def _driver(path: Path) -> str | None:
    """GDAL's name of the format that a file begins as."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return None
    return next((name for magic, name in _DRIVERS.items() if start.startswith(magic)), None)


def size(path: Path, largest_px: int) -> tuple[int, int]:
    """Width and height, after a look at the last pixels: a file cut short lacks them.

    Raises:
        DataError: `bad_image`: no TIFF, cut short, more than `largest_px` pixels, or rasterio is
            not installed.
    """
    with _open(path) as raster:
        width, height = int(raster.width), int(raster.height)
        if width * height > largest_px:
            raise DataError("bad_image", path, f"claims {width} x {height} pixels")
        for band in {1, raster.count}:
            raster.read(band, window=((height - 1, height), (width - 1, width)))
        return width, height


def picture(path: Path, bands: tuple[int, ...], largest_px: int) -> Image.Image:
    """The picture of a raster in 8 bits.

    Args:
        path: a TIFF, or another image of which bands are chosen.
        bands: one or three, from 1; empty for those that the file calls red, green and blue, else
            the first three, or the only one.
        largest_px: what a header may claim.

    Raises:
        DataError: `bad_image`, where it cannot be decoded, or has not these bands.
        UserError: `bands` are given and rasterio is not installed.
    """
    with _open(path, needed=bool(bands)) as raster:
        if raster.width * raster.height > largest_px:
            raise DataError("bad_image", path, f"claims {raster.width} x {raster.height} pixels")
        if bands and max(bands) > raster.count:
            wanted = ",".join(map(str, bands))
            raise DataError("bad_image", path, f"has {raster.count} bands, --bands is {wanted}")
        chosen = bands or _default(raster)
        shown = [to_byte(raster.read(band), raster.nodatavals[band - 1]) for band in chosen]
    return Image.fromarray(shown[0] if len(shown) == 1 else np.stack(shown, axis=-1))


def glimpses(
    path: Path,
    bands: tuple[int, ...],
    windows: Sequence[tuple[int, int, int, int]],
    side_px: int,
    large_px: int,
) -> list[Image.Image] | None:
    """Windows of a large raster in 8 bits, read at a fraction of its size; for the eye alone.

    Args:
        path: a TIFF.
        bands: as for `picture`.
        windows: half-open, in pixels.
        side_px: a larger window is read in so many pixels a side, about.
        large_px: smaller rasters are not large.

    Returns:
        None where it is not large, has a palette, or rasterio is not installed.

    Raises:
        DataError: `bad_image`, where it cannot be decoded.
    """
    if not _installed():
        return None
    with _open(path) as raster:
        chosen = bands or _default(raster)
        named = {raster.colorinterp[band - 1].name for band in chosen if band <= raster.count}
        if raster.width * raster.height < large_px or "palette" in named:
            return None
        return [_glimpse(raster, chosen, window, side_px) for window in windows]


def _glimpse(
    raster: Any, bands: tuple[int, ...], window: tuple[int, int, int, int], side_px: int
) -> Image.Image:
    x0, y0, x1, y1 = window
    step = max(1, max(x1 - x0, y1 - y0) // side_px)
    shape = (len(bands), max((y1 - y0) // step, 1), max((x1 - x0) // step, 1))
    values_CHW = raster.read(list(bands), window=((y0, y1), (x0, x1)), out_shape=shape)
    shown = [
        to_byte(values_HW, raster.nodatavals[band - 1])
        for band, values_HW in zip(bands, values_CHW, strict=True)
    ]
    return Image.fromarray(shown[0] if len(shown) == 1 else np.stack(shown, axis=-1))


def _default(raster: Any) -> tuple[int, ...]:
    named = {colour.name: band for band, colour in enumerate(raster.colorinterp, start=1)}
    if {"red", "green", "blue"} <= named.keys():
        return named["red"], named["green"], named["blue"]
    return (1, 2, 3) if raster.count >= len("RGB") else (1,)


def to_byte(values_HW: NDArray[Any], nodata: float | None = None) -> NDArray[np.uint8]:
    """One band in 8 bits; one that has 8 already is not touched."""
    if values_HW.dtype == np.uint8:
        return values_HW
    step = max(1, values_HW.size // _COUNTED_PX)
    some = values_HW.ravel()[::step]
    some = some[_known(some, nodata)]
    if not some.size:
        return np.zeros(values_HW.shape, np.uint8)
    low, high = np.percentile(some.astype(np.float64), [LOW_PERCENT, HIGH_PERCENT])
    byte_HW = np.empty(values_HW.shape, np.uint8)
    for top in range(0, len(values_HW), _ROWS):
        part = values_HW[top : top + _ROWS]
        known = _known(part, nodata)
        stretched = (np.where(known, part, low) - low) / ((high - low) or 1) * 255
        byte_HW[top : top + _ROWS] = np.where(known, stretched.clip(0, 255).round(), 0)
    return byte_HW


def _known(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = np.isfinite(values)
    return known if nodata is None else known & (values != nodata)


@contextmanager
def _open(path: Path, *, needed: bool = False) -> Iterator[Any]:
    """An open raster; what GDAL says of broken ones is `bad_image`."""
    _require(path, needed=needed)
    import rasterio  # noqa: PLC0415 -- an extra
    from rasterio._err import CPLE_BaseError  # noqa: PLC0415 -- GDAL's own, no RasterioError
    from rasterio.errors import RasterioError  # noqa: PLC0415

    if not path.is_file():
        raise DataError("missing_image", path, "no such image")
    driver, here = _driver(path), path
    if driver is None:
        raise DataError("bad_image", path, "expected a TIFF, PNG, JPEG or BMP")
    try:
        with warnings.catch_warnings(), rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
            warnings.simplefilter("ignore")  # of where it lies, of what rasterio itself calls
            with storage.local(path) as here, rasterio.open(here, driver=driver) as raster:
                yield raster
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        said = str(error).replace(str(here), str(path))  # a local copy has another name each time
        raise DataError("bad_image", path, f"cannot be decoded ({said})") from error


def _require(path: Path, *, needed: bool) -> None:
    if _installed():
        return
    say = 'read by rasterio: pip install "rs-caption[geotiff]"'
    if needed:
        raise UserError(f"bands of images are {say}")
    raise DataError("bad_image", path, f"a TIFF that Pillow cannot read well; it is {say}")


def _installed() -> bool:
    name = "rasterio"
    known = sys.modules[name] if name in sys.modules else importlib.util.find_spec(name)
    return known is not None

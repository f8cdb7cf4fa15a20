"""Image files of every kind become the same bytes; files that are harmful or broken become one clear line."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewsight.domains.images.file import MAX_PIXELS, read_images
from fewsight.errors import DataError, RecipeError

SIZE = 8
GREY = np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE) * 4 + 3
"""No two pixels alike, so that any turn, flip or clipping shows."""


def read(path: Path, channels: int = 1) -> np.ndarray:
    """At the file's own size, so that nothing is resampled: `(SIZE, SIZE)` grey or `(3, SIZE, SIZE)`."""
    image = read_images([path], SIZE, channels)[0]
    assert image.dtype == np.uint8
    return image[0] if channels == 1 else image


def saved(folder: Path, image: Image.Image, suffix: str = "png", **options: object) -> Path:
    path = folder / f"image.{suffix}"
    image.save(path, **options)
    return path


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_images([path], SIZE, 1)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tiff", "webp", "pgm"])
def test_lossless_formats_keep_every_grey_value(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(GREY), suffix, **options)), GREY)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path, Image.fromarray(GREY.astype(np.uint16) * 257), suffix)
    with Image.open(path) as stored:
        assert stored.mode.startswith("I")  # the file really has more than 8 bits
    assert np.array_equal(read(path), GREY)
    assert np.array_equal(read(path, channels=3), np.stack([GREY] * 3))


def test_big_endian_sixteen_bits(tmp_path: Path) -> None:
    path = tmp_path / "image.pgm"
    path.write_bytes(b"P5 8 8 65535\n" + (GREY.astype(">u2") * 257).tobytes())
    assert np.array_equal(read(path), GREY)


def test_floats_from_zero_to_one_are_scaled_and_others_refused(tmp_path: Path) -> None:
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(GREY.astype(np.float32) / 255), "tiff")), GREY)
    for wrong in (-0.1, 255.0, np.nan):
        values = np.full((SIZE, SIZE), 0.5, dtype=np.float32)
        values[3, 3] = wrong
        assert "grey values outside 0 to 1" in refused(saved(tmp_path, Image.fromarray(values), "tiff"))
    counts = Image.fromarray(GREY.astype(np.int32) * 1000)
    assert "grey values outside 0 to 65535" in refused(saved(tmp_path, counts, "tiff"))


def test_black_and_white(tmp_path: Path) -> None:
    bits = GREY > 100
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(bits))), bits * np.uint8(255))


def test_colours_become_grey_by_luminance_and_stay_colours_in_three_channels(tmp_path: Path) -> None:
    rgb = np.stack([GREY, GREY[::-1], GREY.T], axis=-1)
    path = saved(tmp_path, Image.fromarray(rgb))
    assert np.array_equal(read(path, channels=3), rgb.transpose(2, 0, 1))
    luminance = rgb @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    assert np.abs(read(path) - luminance).max() <= 0.51


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_on_white(tmp_path: Path, mode: str) -> None:
    alpha = GREY[::-1]
    image = Image.fromarray(GREY).convert(mode)
    image.putalpha(Image.fromarray(alpha))
    a = alpha / 255
    assert np.abs(read(saved(tmp_path, image)) - (a * GREY + (1 - a) * 255)).max() <= 1


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    image = Image.fromarray((GREY // 4) % 4, mode=None).convert("P")
    colours = [10, 10, 10, 90, 90, 90, 170, 170, 170, 250, 250, 250]
    image.putpalette(colours)
    expected = np.array([10, 90, 170, 250], dtype=np.uint8)[(GREY // 4) % 4]
    assert np.array_equal(read(saved(tmp_path, image)), expected)
    expected[(GREY // 4) % 4 == 1] = 255
    assert np.array_equal(read(saved(tmp_path, image, transparency=1)), expected)


def test_cmyk(tmp_path: Path) -> None:
    """Only black ink, so that the answer is plain: paper is white, full ink is black."""
    ink = np.zeros((SIZE, SIZE, 4), dtype=np.uint8)
    ink[..., 3] = GREY
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(ink, mode="CMYK"), "tiff")), 255 - GREY)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    """A camera stores `turned` and says how to hold it (EXIF 2.3, tag 0x112)."""
    store: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.T,
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).T,
        8: lambda a: np.rot90(a, -1),
    }
    turned = Image.fromarray(np.ascontiguousarray(store[orientation](GREY)))
    exif = Image.Exif()
    exif[0x112] = orientation
    assert np.array_equal(read(saved(tmp_path, turned, exif=exif)), GREY)


def test_jpeg_is_close_and_large_ones_are_reduced_alike(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(640), np.arange(640)) // 8 + 30
    path = saved(tmp_path, Image.fromarray(smooth.astype(np.uint8)), "jpg", quality=95)
    means = smooth.reshape(SIZE, 80, SIZE, 80).mean((1, 3))
    assert np.abs(read(path) - means).max() < 5


def test_proportions_are_kept_on_a_background_of_the_border(tmp_path: Path) -> None:
    page = np.full((20, 80), 200, dtype=np.uint8)
    page[8:12, 20:60] = 0
    image = read(saved(tmp_path, Image.fromarray(page)))
    assert (image[:3] == 200).all()
    assert (image[5:] == 200).all()
    assert image[3:5, 3:5].max() < 150  # the ink is in the middle
    upright = read(saved(tmp_path, Image.fromarray(page.T.copy())))
    assert np.array_equal(upright, image.T)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    later = [Image.fromarray(GREY[::-1].copy())]
    path = saved(tmp_path, Image.fromarray(GREY), "gif", save_all=True, append_images=later)
    assert np.array_equal(read(path), GREY)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("shape", [(8001, 8000), (10_000, 10_000), (60_000, 60_000), (40_000, 1)])
def test_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, shape: tuple[int, int]) -> None:
    assert shape[0] * shape[1] > MAX_PIXELS or max(shape) > 32_768
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(*shape))
    assert "too large" in refused(path)
    path.write_bytes(png_header(8000, 8000))  # within the limit: it is decoded, and found to hold nothing
    assert "cannot be read as an image" in refused(path)


def test_files_that_are_no_images_are_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("not an image")
    assert "is not an image" in refused(path)
    path.write_bytes(b"")
    assert "empty (0 bytes)" in refused(path)
    assert "not there" in refused(tmp_path / "absent.png")
    (tmp_path / "folder.png").mkdir()
    assert "not a file" in refused(tmp_path / "folder.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere")
    assert "broken link" in refused(tmp_path / "link.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a file" in refused(tmp_path / "pipe.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tiff", "webp"])
def test_truncated_image_is_named(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = saved(tmp_path, Image.fromarray(noise), suffix)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tiff", "webp"])
def test_any_damage_gives_an_image_or_one_clear_line(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(
        buffer, Image.registered_extensions()[f".{suffix}"]
    )
    whole, path, lines = buffer.getvalue(), tmp_path / f"image.{suffix}", 0
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 200), 3):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        with suppress(DataError):  # anything else is a failure
            assert read_images([path], SIZE, 3).shape == (1, 3, SIZE, SIZE)
            continue
        refused(path)
        lines += 1
    assert lines


def test_impossible_formats_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(GREY))
    for size, channels in ((0, 1), (8, 2), (8, 4)):
        with pytest.raises(RecipeError, match="1 or 3 channels"):
            read_images([path], size, channels)

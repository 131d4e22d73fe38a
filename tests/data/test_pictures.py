"""Pictures of every kind as arrays: each kind has the pixels that the documentation promises."""

import io

import numpy as np
import pytest
from PIL import Image

from cnntention.base.errors import DataError
from cnntention.data import pictures

RED, WHITE = (255, 0, 0), (255, 255, 255)
ARROW = np.array([[1, 2, 3], [4, 5, 6]], np.uint8) * 40
"""Grey, two pixels high and three wide."""


@pytest.fixture
def saved(tmp_path):
    """Call it with an image, a file's name and options of Pillow; returns the file's path."""

    def save(image: Image.Image, name: str = "picture.png", **options) -> str:
        image.save(tmp_path / name, **options)
        return str(tmp_path / name)

    return save


@pytest.mark.parametrize("name", ["picture.png", "picture.webp", "picture.jpg", "picture.JPEG"])
def test_each_format_is_read_in_colour_and_in_grey(saved, name):
    lossless = (
        {"lossless": True} if name.endswith("webp") else {"quality": 100, "subsampling": 0} if "j" in name else {}
    )
    path = saved(Image.new("RGB", (9, 8), (200, 100, 50)), name, **lossless)
    assert pictures.header(path) == pictures.Header((8, 9), grey=False)
    assert np.abs(pictures.read(path, 3).astype(int) - (200, 100, 50)).max() <= 2
    luma = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    grey = pictures.read(path, 1)
    assert grey.shape == (8, 9, 1)
    assert np.abs(grey - luma).max() <= 2


# What the EXIF orientations say has to be done to show a picture upright, in numpy's words
UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.T,
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_picture_is_turned_upright(saved, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(ARROW), exif=exif)
    upright = UPRIGHT[orientation](ARROW)
    assert np.array_equal(pictures.read(path, 1)[..., 0], upright)
    assert pictures.header(path).size == upright.shape


def test_transparent_parts_show_white(saved):
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (255, 0, 0, 0))
    image.putpixel((2, 0), (255, 0, 0, 102))
    pixels = pictures.read(saved(image), 3)[0]
    assert pixels.tolist() == [[255, 0, 0], [255, 255, 255], [255, 153, 153]]  # 153: 255 (1 - 102 / 255)


def test_transparency_of_grey_and_of_a_palette_shows_white(saved):
    grey = Image.new("LA", (2, 1), (40, 255))
    grey.putpixel((1, 0), (40, 0))
    assert pictures.read(saved(grey), 1)[0, :, 0].tolist() == [40, 255]
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    assert pictures.read(saved(palette), 3)[0].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert not pictures.header(saved(palette)).grey
    assert pictures.read(saved(palette, transparency=1), 3)[0].tolist() == [[255, 0, 0], [255, 255, 255]]


def test_the_upper_8_of_16_bits_count(saved):
    values = np.array([[0, 255, 256, 0x80FF, 0xFFFF]], np.uint16)
    path = saved(Image.fromarray(values))
    assert pictures.header(path).grey
    assert pictures.read(path, 1)[0, :, 0].tolist() == [0, 0, 1, 0x80, 0xFF]
    assert (pictures.read(path, 3) == pictures.read(path, 1)).all()


def test_black_and_white_become_0_and_255(saved):
    path = saved(Image.fromarray(np.array([[True, False]])))
    assert pictures.read(path, 1)[0, :, 0].tolist() == [255, 0]


def test_resizing_to_another_shape_keeps_halves(saved):
    image = np.zeros((16, 24, 3), np.uint8)
    image[:, 12:, 1] = 200
    resized = pictures.resize(image, (8, 12))
    assert resized.shape == (8, 12, 3)
    assert (resized[:, :5] == 0).all()
    assert (resized[:, 7:] == (0, 200, 0)).all()


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<html></html>", png()[:300], png()[:20]])
def test_what_is_no_whole_picture_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"odd\.png: not a whole PNG, JPEG or WebP picture"):
        pictures.read(path, 3)


def test_a_missing_picture_is_refused_with_its_name(tmp_path):
    with pytest.raises(DataError, match=r"absent\.png: No such file"):
        pictures.read(tmp_path / "absent.png", 3)

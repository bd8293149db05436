from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from components.data_validation.image_decoding import decode_image


@pytest.mark.parametrize(("form", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("BMP", "RGB"), ("GIF", "L")])
def test_formats(building, form, mode):
    facts = decode_image(building.encode(1, form, mode, (300, 200)), 10**6)
    assert facts.decodes and (facts.format, facts.width, facts.height) == (form, 300, 200)


def test_other_formats_stay_unopened(building):
    assert "no image" in decode_image(building.encode(1, "TIFF"), 10**6).problem


def test_the_limit_is_exact(building):
    data = building.encode(1, "PNG", "RGB", (30, 20))
    assert decode_image(data, 600).decodes
    refused = decode_image(data, 599)
    assert refused.too_large and not refused.decodes


def _decodes_in_full(data: bytes) -> bool:
    try:
        Image.open(io.BytesIO(data)).load()
    except Exception:
        return False
    return True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_short_decoding_sees_what_the_full_one_sees(building, data):
    image = bytearray(building.encode(1, size=(200, 160)))
    image = image[: data.draw(st.integers(len(image) // 2, len(image)))]
    # Not the size in the header: an image of another size is another test's.
    for position in data.draw(st.lists(st.integers(700, len(image) - 1), max_size=3)):
        image[position] ^= data.draw(st.integers(1, 255))
    facts = decode_image(bytes(image), 10**8)
    assert facts.decodes == _decodes_in_full(bytes(image))


@given(st.binary(max_size=200))
def test_garbage_is_a_problem_and_never_an_exception(data):
    assert not decode_image(data, 10**6).decodes

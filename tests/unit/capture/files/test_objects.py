"""URLs of objects; what reads them from a server is in tests/conformance/test_s3.py."""

from __future__ import annotations

import pytest

from sensor.capture.files.objects import is_object, list_objects
from sensor.errors import ConfigError

pytest.importorskip("pyarrow.fs")


def test_a_url_is_no_path() -> None:
    assert is_object("s3://bucket/key") and not is_object("./s3://bucket/key")


def test_keys_do_not_stand_in_urls() -> None:
    with pytest.raises(ConfigError) as error:
        list_objects("s3://name:secret@bucket/key")
    assert "secret" not in str(error.value) and "AWS_SECRET_ACCESS_KEY" in str(error.value)


def test_a_wrong_option_is_told() -> None:
    with pytest.raises(ConfigError, match=r"s3://bucket: .*colour"):
        list_objects("s3://bucket/key?colour=red")

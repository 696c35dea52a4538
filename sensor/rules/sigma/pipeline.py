"""The pipeline of pySigma that gives a rule the fields and values of this sensor's documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sigma.exceptions import SigmaFeatureNotSupportedByBackendError as NotSupported
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations.base import (
    FieldMappingTransformationBase,
    ValueTransformation,
)
from sigma.types import SigmaBool, SigmaNumber, SigmaString, SigmaType

from sensor.query.validate import SHOWN_MAX
from sensor.rules.sigma.sources import Source


def pipeline_of(source: Source) -> ProcessingPipeline:
    """The pipeline for rules on one log source.

    Applying it raises NotSupported for a field, or a word in one, that has no counterpart.
    """
    return ProcessingPipeline(items=[
        ProcessingItem(_Words(source.values)), ProcessingItem(_Fields(source.fields))])  # fmt: skip


@dataclass
class _Fields(FieldMappingTransformationBase):
    """Replaces the names of fields, whatever their capitals."""

    fields: Mapping[str, str | list[str]]

    def apply_field_name(self, field: str | None) -> str | list[str] | None:
        if field is None:  # words without a field
            return None
        found = self.fields.get(field.lower())
        if found is None:
            raise NotSupported(f"no field here is Sigma's {field[:SHOWN_MAX]}")
        return found


@dataclass
class _Words(ValueTransformation):
    """Replaces the words of fields that have their own: `blocked` of an action, say."""

    words: Mapping[str, Mapping[str, tuple[str, ...]]]

    def apply_value(self, field: str | None, val: SigmaType) -> list[SigmaType] | None:
        known = self.words.get(str(field).lower())
        if known is None or not isinstance(val, SigmaString | SigmaNumber | SigmaBool):
            return None
        word = str(val).lower()
        if word not in known:
            raise NotSupported(f"'{word[:SHOWN_MAX]}' of {field} has no counterpart here")
        return [SigmaString(value) for value in known[word]]

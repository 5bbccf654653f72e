"""SNOMED CT codes of structures by their names, as the DICOM standard lists them."""

from __future__ import annotations

import re
from typing import NamedTuple


class Code(NamedTuple):
    """A coded concept of SNOMED CT."""

    value: str
    meaning: str


class Coded(NamedTuple):
    """A structure's code, and what narrows it down (left, right, anterior, posterior)."""

    structure: Code
    modifiers: tuple[Code, ...]


ANATOMICAL_STRUCTURE = Code("91723000", "Anatomical Structure")

_MODIFIERS = {
    "left": Code("7771000", "Left"),
    "right": Code("24028007", "Right"),
    "anterior": Code("255549009", "Anterior"),
    "posterior": Code("255551008", "Posterior"),
}
_STRUCTURES = {
    ("spleen",): Code("78961009", "Spleen"),
    ("kidney",): Code("64033007", "Kidney"),
    ("gallbladder",): Code("28231008", "Gallbladder"),
    ("esophagus",): Code("32849002", "Esophagus"),
    ("oesophagus",): Code("32849002", "Esophagus"),
    ("liver",): Code("10200004", "Liver"),
    ("stomach",): Code("69695003", "Stomach"),
    ("aorta",): Code("15825003", "Aorta"),
    ("inferior", "vena", "cava"): Code("64131007", "Inferior vena cava"),
    ("postcava",): Code("64131007", "Inferior vena cava"),
    ("portal", "vein"): Code("32764006", "Portal vein"),
    ("splenic", "vein"): Code("35819009", "Splenic vein"),
    ("portal", "and", "splenic", "vein"): Code("29092000", "Vein"),
    ("portal", "and", "splenic", "veins"): Code("29092000", "Vein"),
    ("portal", "vein", "and", "splenic", "vein"): Code("29092000", "Vein"),
    ("pancreas",): Code("15776009", "Pancreas"),
    ("adrenal", "gland"): Code("23451007", "Adrenal gland"),
    ("duodenum",): Code("38848004", "Duodenum"),
    ("colon",): Code("71854001", "Colon"),
    ("prostate",): Code("41216001", "Prostate"),
    ("lung",): Code("39607008", "Lung"),
    ("heart",): Code("80891009", "Heart"),
    ("trachea",): Code("44567001", "Trachea"),
    ("brain",): Code("12738006", "Brain"),
    ("hippocampus",): Code("5366008", "Hippocampus"),
    ("amygdala",): Code("4958002", "Amygdala"),
    ("thalamus",): Code("42695009", "Thalamus"),
    ("caudate",): Code("11000004", "Caudate Nucleus"),
    ("caudate", "nucleus"): Code("11000004", "Caudate Nucleus"),
    ("putamen",): Code("89278009", "Putamen"),
    ("pallidum",): Code("14738005", "Globus Pallidus"),
    ("accumbens", "area"): Code("427667007", "Nucleus Accumbens"),
    ("accumbens",): Code("427667007", "Nucleus Accumbens"),
    ("brain", "stem"): Code("119238007", "Brain Stem"),
    ("cerebral", "white", "matter"): Code("68523003", "Cerebral White Matter"),
    ("cerebral", "cortex"): Code("40146001", "Cerebral cortex"),
    ("cerebellum", "white", "matter"): Code("33060004", "Cerebellar White Matter"),
    ("cerebellum", "cortex"): Code("25991003", "Cerebellar Cortex"),
    ("cerebellar", "white", "matter"): Code("33060004", "Cerebellar White Matter"),
    ("cerebellar", "cortex"): Code("25991003", "Cerebellar Cortex"),
    ("cerebellum",): Code("113305005", "Cerebellum"),
    ("lateral", "ventricle"): Code("66720007", "Lateral Ventricle"),
    ("inferior", "lateral", "ventricle"): Code("53118009", "Inferior Horn of Lateral Ventricle"),
    ("3rd", "ventricle"): Code("49841001", "Third ventricle"),
    ("4th", "ventricle"): Code("35918002", "Fourth Ventricle"),
}


def code_of(name: str) -> Coded | None:
    """Return the code of a structure's name, None if unknown; "left" and "right" may come first or last."""
    words = [word for word in re.split(r"[\W_]+", name.casefold()) if word]
    structure = _STRUCTURES.get(tuple(word for word in words if word not in _MODIFIERS))
    if structure is None:
        return None
    return Coded(structure, tuple(_MODIFIERS[word] for word in words if word in _MODIFIERS))

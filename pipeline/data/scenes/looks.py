"""What a town looks like: colours, buildings, trees, traffic, and what its objects are called.

A detector that is pre-trained on one look and fine-tuned on the other meets a real change of domain and of
classes, as between COCO and a driving data set.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detection.errors import ConfigError
from pipeline.data.scenes.colours import Rgb


@dataclass(frozen=True)
class Look:
    """One town.

    Attributes:
        name: How it is asked for.
        classes: Label map: (id, name).
        class_of_kind: Kind of actor to class name; kinds that are missing are painted without a label.
        vehicle_mix: Kind of vehicle to its share of the traffic.
        paints: Vehicle colours; often seen ones stand twice.
        walls: Wall colours.
        wall_styles: Building styles to their share.
        floors: Least and most floors.
        asphalt: Colour of the road.
        pavement: Colour of the pavement.
        verge: Colour of the ground beyond.
        centre_line: Colour of the centre line; ``double_centre`` draws it solid and doubled.
        double_centre: See ``centre_line``.
        leaves: Colours of leaves.
        tree_kinds: Kinds of trees to their share.
        sky_tint: Factor on the sky's colours.
        sign_style: ``european`` or ``american`` traffic signs.
        signs_per_side: Traffic signs on each side of the street.
        clothes: Colours of jackets.
    """

    name: str
    classes: tuple[tuple[int, str], ...]
    class_of_kind: dict[str, str]
    vehicle_mix: dict[str, float]
    paints: tuple[Rgb, ...]
    walls: tuple[Rgb, ...]
    wall_styles: dict[str, float]
    floors: tuple[int, int]
    asphalt: Rgb
    pavement: Rgb
    verge: Rgb
    centre_line: Rgb
    double_centre: bool
    leaves: tuple[Rgb, ...]
    tree_kinds: dict[str, float]
    sky_tint: Rgb
    sign_style: str
    signs_per_side: int
    clothes: tuple[Rgb, ...] = field(default=())

    @property
    def id_of_class(self) -> dict[str, int]:
        """Class name to label map id."""
        return {name: number for number, name in self.classes}


_CLOTHES: tuple[Rgb, ...] = (
    (38, 44, 62),
    (52, 52, 56),
    (150, 36, 40),
    (34, 84, 140),
    (214, 208, 196),
    (196, 152, 44),
    (54, 104, 72),
    (120, 60, 110),
    (230, 118, 44),
    (92, 74, 60),
    (120, 140, 160),
    (226, 226, 230),
    (24, 26, 30),
    (176, 72, 88),
)

_STREET = Look(
    name="street",
    classes=((1, "vehicle"), (2, "pedestrian"), (4, "cyclist")),
    class_of_kind={
        **dict.fromkeys(("hatchback", "saloon", "estate", "taxi", "van", "lorry", "bus"), "vehicle"),
        "person": "pedestrian",
        "rider": "cyclist",
    },
    vehicle_mix={
        "hatchback": 0.30,
        "saloon": 0.24,
        "estate": 0.18,
        "taxi": 0.06,
        "van": 0.12,
        "lorry": 0.06,
        "bus": 0.04,
    },
    paints=(
        (226, 228, 230),
        (226, 228, 230),
        (40, 42, 46),
        (40, 42, 46),
        (150, 154, 160),
        (150, 154, 160),
        (92, 96, 102),
        (168, 28, 32),
        (30, 62, 130),
        (34, 92, 150),
        (30, 84, 62),
        (196, 176, 140),
        (116, 30, 40),
        (206, 120, 40),
    ),
    walls=(
        (168, 96, 76),
        (146, 84, 70),
        (212, 196, 168),
        (222, 212, 194),
        (196, 176, 150),
        (178, 178, 174),
        (206, 184, 136),
        (190, 142, 116),
        (172, 180, 176),
        (226, 206, 170),
    ),
    wall_styles={"plaster": 0.45, "brick": 0.40, "office": 0.15},
    floors=(3, 6),
    asphalt=(92, 93, 97),
    pavement=(158, 154, 148),
    verge=(104, 122, 70),
    centre_line=(228, 228, 224),
    double_centre=False,
    leaves=((64, 104, 44), (78, 118, 48), (56, 92, 50), (104, 124, 52)),
    tree_kinds={"round": 0.8, "poplar": 0.2},
    sky_tint=(1.0, 1.0, 1.0),
    sign_style="european",
    signs_per_side=2,
    clothes=_CLOTHES,
)

_OTHER = Look(
    name="other",
    classes=(
        (1, "car"),
        (2, "truck"),
        (3, "bus"),
        (4, "person"),
        (5, "bicycle_rider"),
        (6, "traffic_sign"),
    ),
    class_of_kind={
        **dict.fromkeys(("hatchback", "saloon", "offroad", "taxi", "van"), "car"),
        "pickup": "truck",
        "lorry": "truck",
        "bus": "bus",
        "person": "person",
        "rider": "bicycle_rider",
        "sign": "traffic_sign",
    },
    vehicle_mix={
        "hatchback": 0.12,
        "saloon": 0.26,
        "offroad": 0.20,
        "taxi": 0.05,
        "van": 0.07,
        "pickup": 0.12,
        "lorry": 0.10,
        "bus": 0.08,
    },
    paints=(
        (238, 236, 228),
        (238, 236, 228),
        (28, 30, 36),
        (128, 134, 138),
        (74, 90, 104),
        (198, 54, 38),
        (60, 120, 176),
        (224, 188, 84),
        (122, 148, 110),
        (178, 200, 208),
        (96, 60, 46),
        (206, 148, 120),
        (60, 128, 128),
    ),
    walls=(
        (232, 220, 196),
        (214, 160, 120),
        (236, 204, 160),
        (176, 196, 204),
        (128, 142, 156),
        (224, 176, 164),
        (198, 208, 184),
        (150, 120, 104),
        (240, 234, 224),
    ),
    wall_styles={"plaster": 0.35, "shop": 0.35, "tower": 0.30},
    floors=(1, 9),
    asphalt=(112, 108, 104),
    pavement=(184, 178, 166),
    verge=(158, 146, 104),
    centre_line=(226, 178, 44),
    double_centre=True,
    leaves=((88, 128, 60), (60, 104, 70), (120, 136, 66)),
    tree_kinds={"palm": 0.5, "conifer": 0.25, "round": 0.25},
    sky_tint=(1.06, 1.0, 0.94),
    sign_style="american",
    signs_per_side=4,
    clothes=_CLOTHES,
)

LOOKS = {look.name: look for look in (_STREET, _OTHER)}


def find_look(name: str) -> Look:
    """The look of that name; a ConfigError that lists the names otherwise."""
    if name not in LOOKS:
        raise ConfigError(
            "There is no such look.", field="look", found=name, expected=" or ".join(sorted(LOOKS))
        )
    return LOOKS[name]

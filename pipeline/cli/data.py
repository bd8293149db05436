"""``urbandet data``: generate a data set, look into one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from detection.errors import ConfigError, DataError
from pipeline.data.dataset_record import GeneratedDataset
from pipeline.data.inspecting import ShardSummary


@click.group()
def data() -> None:
    """Generate street scenes; look into TFRecords.

    \b
    Examples:
      urbandet data generate scenes/
      urbandet data inspect 'scenes/train-*' --draw pictures/
    """


@data.command()
@click.argument("output_dir", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--train-sequences", default=60, show_default=True, help="Drives to train on.")
@click.option(
    "--eval-sequences", default=15, show_default=True, help="Drives to evaluate on; never the same ones."
)
@click.option("--frames", default=8, show_default=True, help="Pictures of each drive, 0.2 s apart.")
@click.option("--width", default=640, show_default=True, help="Picture width in pixels.")
@click.option("--height", default=640, show_default=True, help="Picture height in pixels.")
@click.option("--shards", default=4, show_default=True, help="Most shards of each split.")
@click.option(
    "--look", default="street", show_default=True, help="street, or other: another town and class list."
)
@click.option("--workers", type=int, help="Drawing processes; one per core if left out.")
@click.option("--overwrite", is_flag=True, help="Replace another generated data set in OUTPUT_DIR.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
def generate(
    output_dir: Path,
    seed: int,
    train_sequences: int,
    eval_sequences: int,
    frames: int,
    width: int,
    height: int,
    shards: int,
    look: str,
    workers: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw street scenes into OUTPUT_DIR: TFRecord shards of train and eval, and a label map.

    Each drive is a short sequence in one condition (day, dusk, night or rain) with labelled vehicles,
    pedestrians and cyclists. Boxes are tight around what can be seen; what is mostly hidden has none. A data
    set of the same parameters that is there already is used as it is.

    \b
    Examples:
      urbandet data generate data/demo
          600 pictures, about 2 minutes on one core
      urbandet data generate data/small --train-sequences 5 --eval-sequences 5 --frames 2
          20 pictures in every condition, a few seconds
      urbandet data generate data/pretrain --look other --seed 1000 --train-sequences 400
          another town: car, truck, bus, person, bicycle_rider, traffic_sign
      urbandet data inspect 'data/demo/eval-*' --draw /tmp/pictures
          see what came out
    """
    from pipeline.data.generate import generate_dataset

    with _progress_bar(quiet=as_json) as on_progress:
        dataset = generate_dataset(
            output_dir,
            seed=seed,
            train_sequences=train_sequences,
            eval_sequences=eval_sequences,
            frames_per_sequence=frames,
            width=width,
            height=height,
            shards=shards,
            look=look,
            workers=workers,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    if as_json:
        click.echo(json.dumps(dataset.as_json(), indent=2))
    else:
        _tell(dataset)


@contextmanager
def _progress_bar(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    if quiet:
        yield None
        return
    columns = (
        TextColumn("drawing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pictures"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("drawing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell(dataset: GeneratedDataset) -> None:
    console = Console(highlight=False)
    if dataset.reused:
        console.print("The same data set is there already; nothing was drawn.")
    table = Table(box=None, pad_edge=False)
    for column in ("split", "drives", "pictures", "conditions", "boxes"):
        table.add_column(column, justify="right" if column in ("drives", "pictures") else "left")
    for split, counts in dataset.counts.items():
        conditions, boxes = (
            ", ".join(f"{count} {name}" for name, count in counts[key].items())
            for key in ("images_by_condition", "boxes_by_class")
        )
        table.add_row(split, str(counts["sequences"]), str(counts["images"]), conditions, boxes)
    console.print(table)
    for name, value in (
        ("train", dataset.train_pattern),
        ("eval", dataset.eval_pattern),
        ("label map", dataset.label_map),
    ):
        console.print(f"{name:9} {escape(value)}", soft_wrap=True)


@data.command()
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@click.option(
    "--draw", "draw_dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write pictures with boxes, and contact_sheet.png, into DIR.",
)  # fmt: skip
@click.option(
    "--limit", default=24, show_default=True, help="Most pictures to draw, spread over all records."
)
def inspect(patterns: tuple[str, ...], as_json: bool, draw_dir: Path | None, limit: int) -> None:
    """Look into TFRecords of TFExamples: records, sizes, boxes per class; pictures with their boxes.

    \b
    Examples:
      urbandet data inspect data/demo/train-00000-of-00004.tfrecord
      urbandet data inspect 'data/demo/train-*' 'data/demo/eval-*' --json
      urbandet data inspect 'shards/*.tfrecord' --draw /tmp/pictures --limit 12
    """
    from pipeline.data.inspecting import find_shards, read_records

    if limit < 1:
        raise ConfigError("A number is too small.", field="--limit", found=limit, expected="at least 1")
    uris = find_shards(patterns)
    summaries = []
    for uri in uris:
        summary = ShardSummary(uri)
        for record in read_records(uri):
            summary.add(record)
        summaries.append(summary)
    total = ShardSummary("total")
    for summary in summaries:
        total.merge(summary)
    drawn = _draw(uris, total.records, draw_dir, limit) if draw_dir else []
    if as_json:
        shards = [summary.as_json() for summary in summaries]
        click.echo(json.dumps({"shards": shards, "total": total.as_json(), "drawn": drawn}, indent=2))
        return
    _tell_shards(summaries, total)
    if draw_dir:
        click.echo(
            f"drew {len(drawn)} pictures into {draw_dir}, together in {draw_dir / 'contact_sheet.png'}"
        )


def _draw(uris: list[str], records: int, draw_dir: Path, limit: int) -> list[str]:
    """Draws ``limit`` records evenly spread over ``records``; returns the paths."""
    from pipeline.data.drawing import ContactSheet, draw_record
    from pipeline.data.inspecting import read_records

    wanted = {position * records // min(limit, records) for position in range(min(limit, records))}
    sheet = ContactSheet()
    drawn: list[str] = []
    try:
        draw_dir.mkdir(parents=True, exist_ok=True)
        for position, record in enumerate(record for uri in uris for record in read_records(uri)):
            if position not in wanted:
                continue
            picture = draw_record(record)
            path = draw_dir / f"{position:06d}.jpg"
            picture.save(path, quality=92)
            drawn.append(str(path))
            sheet.add(picture)
        if drawn:
            sheet.save(draw_dir / "contact_sheet.png")
    except OSError as error:
        raise DataError(
            "The pictures cannot be written.", file=draw_dir, found=error.strerror or error
        ) from error
    return drawn


def _tell_shards(summaries: list[ShardSummary], total: ShardSummary) -> None:
    console = Console(highlight=False)
    shards = Table(box=None, pad_edge=False, show_footer=len(summaries) > 1)
    shards.add_column("shard", overflow="fold", footer="total")
    for heading, value in (
        ("records", total.records),
        ("without boxes", total.images_without_boxes),
        ("boxes", total.boxes),
    ):
        shards.add_column(heading, justify="right", footer=str(value))
    shards.add_column("sizes", overflow="fold")
    for summary in summaries:
        counts = (summary.records, summary.images_without_boxes, summary.boxes)
        sizes = ", ".join(f"{size}" for size, _ in summary.sizes.most_common(4))
        more = ", ..." if len(summary.sizes) > 4 else ""
        shown = escape(summary.uri.rsplit("/", 1)[-1])
        shards.add_row(shown, *(str(count) for count in counts), sizes + more)
    console.print(shards)
    classes = Table(box=None, pad_edge=False)
    classes.add_column("class (id)", overflow="fold")
    classes.add_column("boxes", justify="right")
    for name, count in total.boxes_by_class.most_common():
        classes.add_row(escape(name), str(count))
    if total.least_box_height is not None and total.most_box_height is not None:
        console.print()
        console.print(classes)
        low, high = total.least_box_height, total.most_box_height
        console.print(f"boxes are {low:.1%} to {high:.1%} of the picture's height")

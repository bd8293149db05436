"""Makes ``pipeline_pb2.py`` and ``pipeline_pb2.pyi`` from ``pipeline.proto``.

Run ``python -m detection.config.generate_proto`` after each change of the schema; it needs ``grpcio-tools``
(the ``dev`` extra). The made files are kept in the repository, so nothing else needs the compiler.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROTO = "detection/config/pipeline.proto"
# The oldest protobuf that the project allows (pyproject.toml). The compiler writes its own, newer version
# into the file, and protobuf then refuses older runtimes, although the file only uses what 6.31 has as well.
OLDEST_RUNTIME = (6, 31, 0)

_VERSION_CALL = re.compile(r"(_runtime_version\.Domain\.PUBLIC,\n)    \d+,\n    \d+,\n    \d+,\n")
_VERSION_COMMENT = re.compile(r"(# Protobuf Python Version: )[\d.]+")


def generate(root: Path, output: Path) -> None:
    """Compiles the schema of the project at ``root`` into ``output/detection/config/``.

    Raises:
        RuntimeError: The compiler reported an error, or wrote a file of an unknown form.
    """
    _compile(root, f"--python_out={output}", f"--pyi_out={output}")
    module = output / PROTO.replace(".proto", "_pb2.py")
    text, replaced = _VERSION_CALL.subn(
        lambda match: match[1] + "".join(f"    {number},\n" for number in OLDEST_RUNTIME),
        module.read_text(encoding="utf-8"),
    )
    if replaced != 1:
        raise RuntimeError(f"{module} has no version check of the known form; adapt generate_proto.py.")
    module.write_text(
        _VERSION_COMMENT.sub(r"\g<1>" + ".".join(map(str, OLDEST_RUNTIME)), text), encoding="utf-8"
    )
    stub = module.with_suffix(".pyi")
    stub.write_text("# ruff: noqa\n# fmt: off\n" + stub.read_text(encoding="utf-8"), encoding="utf-8")


def file_descriptor_set(root: Path) -> bytes:
    """The compiled schema as a serialized ``FileDescriptorSet``; the freshness test compares with it."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "schema"
        _compile(root, f"--descriptor_set_out={target}")
        return target.read_bytes()


def _compile(root: Path, *outputs: str) -> None:
    """Runs the compiler in a process of its own: within one that has TensorFlow loaded it crashes."""
    if importlib.util.find_spec("grpc_tools") is None:
        raise ImportError("grpc_tools")
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{root}", *outputs, PROTO]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"protoc failed on {root / PROTO}: {done.stderr.strip()}")


def main() -> int:
    """Regenerates the files of this checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        generate(root, root)
    except ImportError:
        print("grpcio-tools is missing: install the project with its `dev` extra.", file=sys.stderr)
        return 2
    print(f"made {PROTO.replace('.proto', '_pb2.py')} and .pyi")
    return 0


if __name__ == "__main__":
    sys.exit(main())

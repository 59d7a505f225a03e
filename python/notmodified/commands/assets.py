"""`notmodified assets build`: the versions of static files, in a manifest."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from notmodified import Assets, Config, ConfigError
from notmodified.report.words import counted

if TYPE_CHECKING:
    import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `assets` to the command line."""
    parser = commands.add_parser("assets", help="versions of static files")
    subcommands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    build = subcommands.add_parser(
        "build",
        help="write the manifest of static files",
        description="Read the static files that `assets` in a configuration names, and write the manifest of "
        "their versions: the same octets on every machine. Exit status: 0 if it is written, 1 with --strict "
        "if something is not as it should be, 2 if it is not written.",
    )
    build.add_argument(
        "--config",
        metavar="FILE",
        help="the configuration of the server (default: the file that NOTMODIFIED_CONFIG names)",
    )
    build.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the manifest (default: assets.manifest of the configuration)",
    )
    build.add_argument(
        "--import-map", type=Path, metavar="FILE", help="write an import map of the JavaScript modules, too"
    )
    build.add_argument(
        "--copy-to",
        type=Path,
        metavar="FOLDER",
        help="write the files under their versions' paths into this folder, for a CDN or another server",
    )
    build.add_argument(
        "--strict",
        action="store_true",
        help="exit with 1 if a reference leads nowhere or a compressed file is out of date",
    )
    build.add_argument("--json", action="store_true", help="print one JSON document instead")
    build.set_defaults(run=_build)


def _build(arguments: argparse.Namespace) -> int:
    try:
        config, out = _where(arguments)
        assets = Assets(config, build=True)
        if arguments.copy_to is not None:
            _copy(assets, config, arguments.copy_to)
        if arguments.import_map is not None:
            _write(arguments.import_map, assets.import_map().encode())
        # Before the manifest: a server that reads the new one finds there what it needs.
        keep = (config.assets or {}).get("keep", 0)
        kept = assets.keep(out, keep) if keep else None
        _write(out, assets.manifest().encode())
    except (ConfigError, OSError, LookupError) as error:
        if arguments.json:
            print(json.dumps({"built": False, "error": str(error)}, indent=2))
        else:
            print(f"notmodified assets build: {error}", file=sys.stderr)
        return 2
    warnings = assets.warnings
    rewritten = sum(assets.rewritten(path) is not None for path in assets.versions())
    if arguments.json:
        facts = {
            "built": True,
            "manifest": str(out),
            "files": len(assets),
            "rewritten": rewritten,
            "kept": kept and {"builds": kept[0], "bytes": kept[1]},
            "warnings": warnings,
        }
        print(json.dumps(facts, indent=2))
    else:
        for warning in warnings:
            print(f"{warning['text']} [{warning['id']}]", file=sys.stderr)
        sheets = "a style sheet" if rewritten == 1 else "style sheets"
        print(
            f"{out}: {counted(len(assets), 'file')}, {rewritten:,} of them {sheets} with versioned references"
        )
        if kept is not None:
            builds = f"{kept[0]:,} builds" if kept[0] > 1 else "this build"
            print(f"{out}.kept: the content of {builds}, {counted(kept[1], 'byte')}")
    return 1 if warnings and arguments.strict else 0


def _where(arguments: argparse.Namespace) -> tuple[Config, Path]:
    file = arguments.config or os.environ.get("NOTMODIFIED_CONFIG")
    if not file:
        msg = "say which configuration with --config, or in the variable NOTMODIFIED_CONFIG"
        raise LookupError(msg)
    config = Config.load(file)
    named = (config.assets or {}).get("manifest")
    out = arguments.out or (Path(named) if named else None)
    if out is None:
        msg = f"say where the manifest goes with --out, or with assets.manifest in {file}"
        raise LookupError(msg)
    return config, out


def _copy(assets: Assets, config: Config, folder: Path) -> None:
    """Write all files under their versions' paths; those that are there have the same content already."""
    mounts = {prefix: root for prefix, root in (config.assets or {}).items() if prefix.startswith("/")}
    for path, versioned in assets.versions().items():
        target = folder / versioned.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        content = assets.rewritten(path)
        if content is not None:
            _write(target, content)
        elif not target.exists():
            prefix = next(prefix for prefix in mounts if path.startswith(prefix))
            partial = target.with_name(f".{target.name}.part")
            shutil.copyfile(Path(mounts[prefix], path.removeprefix(prefix)), partial)
            partial.replace(target)


def _write(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it has either the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)

"""Print the structure of the code: `python tests/structure_report.py [FOLDER]`, another checkout's if one is named.

Files, folders, imports between folders and files, circles, and how long files and functions are.
"""

from __future__ import annotations

import ast
import statistics
import sys
from pathlib import Path

FLOORS = ("train", "drive", "models", "simulator_bridge")
Graph = dict[str, set[str]]


def main(argv: list[str]) -> int:
    root = Path(argv[0] if argv else Path(__file__).parents[1]).resolve()
    paths = [path for floor in FLOORS for path in sorted((root / floor).rglob("*.py"))]
    files = {_module(path.relative_to(root)): path for path in paths if path.stat().st_size}
    trees = {module: ast.parse(path.read_text()) for module, path in files.items()}
    imports = {module: _imports(tree, set(files)) - {module} for module, tree in trees.items()}
    code = [module for module in files if files[module].name != "__init__.py"]
    folders = sorted({files[module].parent for module in code})
    arrows = {
        (files[a].parent, files[b].parent)
        for a, targets in imports.items()
        for b in targets
        if files[a].parent != files[b].parent
    }
    lengths = {module: len(files[module].read_text().splitlines()) for module in code}
    functions = {
        f"{module}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module in code
        for node in ast.walk(trees[module])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    circles = find_circles(imports)
    room_circles = [circle for rooms in sibling_imports(imports).values() for circle in find_circles(rooms)]
    sizes = {folder: sum(files[module].parent == folder for module in code) for folder in folders}
    largest = max(lengths, key=lambda module: lengths[module])
    longest = max(functions, key=lambda name: functions[name])
    fullest = max(sizes, key=lambda folder: sizes[folder])
    print(f"{len(code)} files in {len(folders)} folders, {sum(lengths.values())} lines")
    print(f"imports: {sum(map(len, imports.values()))} between files, {len(arrows)} between folders")
    print(f"circles of files: {len(circles)} {circles or ''}")
    print(f"circles of rooms side by side: {len(room_circles)} {room_circles or ''}")
    print(f"fullest folder: {fullest.relative_to(root)}, {sizes[fullest]} files")
    print(f"file: median {statistics.median(lengths.values()):.0f} lines, largest {largest} {lengths[largest]}")
    print(f"function: median {statistics.median(functions.values()):.0f} lines, largest {longest} {functions[longest]}")
    return 0


def sibling_imports(imports: Graph) -> dict[str, Graph]:
    """For each package which of its rooms (sub-packages and files) import which: `a.b.c -> a.d` is `a.b -> a.d`."""
    rooms: dict[str, Graph] = {}
    for module, targets in imports.items():
        for target in targets:
            ours, theirs = module.split("."), target.split(".")
            depth = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
            if depth is not None:  # else one is the other's package
                graph = rooms.setdefault(".".join(ours[:depth]), {})
                graph.setdefault(".".join(ours[: depth + 1]), set()).add(".".join(theirs[: depth + 1]))
    return rooms


def find_circles(imports: Graph) -> list[list[str]]:
    """Files or rooms that import each other in a loop: strongly connected components with more than one member."""
    reach = {module: _reachable(module, imports) for module in imports}
    seen: set[str] = set()
    circles = []
    for module in imports:
        circle = sorted(other for other in reach[module] if module in reach.get(other, set()))
        if module in reach[module] and module not in seen and len(circle) > 1:
            circles.append(circle)
        seen.update(circle)
    return circles


def _reachable(module: str, imports: Graph) -> set[str]:
    found: set[str] = set()
    waiting = list(imports[module])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += imports.get(each, ())
    return found


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imports(tree: ast.Module, modules: set[str]) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            found |= names or ({node.module} & modules)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

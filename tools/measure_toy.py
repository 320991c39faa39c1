"""What the toy in the plane finds, over several seeds: the figures that the page Sharper images tells (needs node).

python -m tools.measure_toy                # all cases, into ui/chapters/sharper/measured.json
python -m tools.measure_toy usual slow     # some of them; the others stay as they are
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

from ui.chapters.sharper.cases import CASES, SEEDS, STEPS
from ui.chapters.sharper.toy import for_browser
from vae_core.lessons.adversarial_rules import SHAPES

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tools" / "javascript" / "measure_toy.js"
FILE = ROOT / "ui" / "chapters" / "sharper" / "measured.json"
DIGITS = 4


def asked_for(names: list[str], seeds: tuple[int, ...] = SEEDS, steps: int = STEPS) -> str:
    """What the script reads."""
    cases = []
    for name in names:
        case = CASES[name]
        shape = SHAPES[case.settings["data"]]
        given = {"strokes": shape.strokes, "spread": shape.spread}
        common = {"name": name, "model": case.model, "shape": given, "settings": case.settings}
        cases += [{**common, "seed": seed} for seed in seeds]
    return json.dumps({"rules": for_browser(), "steps": steps, "cases": cases})


def measured(asked: str) -> list[dict]:
    """One line for each seed of each case."""
    done = subprocess.run(["node", SCRIPT], input=asked, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line, parse_float=lambda text: round(float(text), DIGITS)) for line in done.stdout.splitlines()]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all by default")
    names = parser.parse_args().cases or list(CASES)
    if unknown := [name for name in names if name not in CASES]:
        parser.error(f"no such case: {', '.join(unknown)}")
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    for name in names:
        known[name] = [
            {key: value for key, value in line.items() if key != "name"} for line in measured(asked_for([name]))
        ]
        ordered = {one: known[one] for one in CASES if one in known}
        rows = ",\n".join(
            f"{json.dumps(one)}: [\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]"
            for one, lines in ordered.items()
        )
        FILE.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
        print(name, flush=True)


if __name__ == "__main__":
    main()

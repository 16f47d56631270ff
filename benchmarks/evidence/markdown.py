"""What was found as tables."""

from collections.abc import Mapping
from typing import Any

from benchmarks.evidence.estimators import FROM_NETWORKS


def markdown(found: Mapping[str, Any], title: str) -> str:
    """Tables for the documentation."""
    about = f"{found['date']}, {found['machine']}, {found['seconds']:.0f} s."
    lines = [f"### {title}", "", about, ""]
    lines += ["| setting | T | rows | reachable gain | ceiling |", "|---|---|---|---|---|"]
    lines += [
        f"| {r['setting']}, split {r['split']} | {r['tasks']} | {r['rows']} "
        f"| {100 * r['reachable']:.2g} % | {r['ceiling']:.2f} |"
        for r in found["settings"]
    ]
    lines += [
        "",
        "| estimator | networks | share captured, all | where resolvable | gain over random |",
        "|---|---|---|---|---|",
    ]
    for name, own in found["summary"].items():
        networks = FROM_NETWORKS[name][0] if name in FROM_NETWORKS else "0"
        gain = f"{100 * own['gain']:.2g} ± {100 * own['gain ±']:.2g} %" if "gain" in own else ""
        networks = "validation of half of all seeds" if name == "ceiling" else networks
        lines.append(
            f"| {name} | {networks} | {own['all']:.2f} ± {own['all ±']:.2f} "
            f"| {own['resolvable']:.2f} ± {own['resolvable ±']:.2f} | {gain} |"
        )
    lines += ["", "| verdict | given | beat random on further seeds | mean gain there |"]
    lines += ["|---|---|---|---|"]
    verdict = found["verdicts"]
    lines += [
        f"| {name} | {verdict[name]} of {verdict['cases']} "
        f"| {verdict[f'{name}: later beat random']:.0%} "
        f"| {100 * verdict[f'{name}: later gain']:.2g} % |"
        for name in ("yes", "no", "cannot tell")
        if verdict[name]
    ]
    return "\n".join(lines) + "\n"

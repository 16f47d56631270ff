"""Time against the number of tasks, as a picture."""

import math
from typing import Any


def chart(found: dict[str, Any]) -> str:
    """Processor seconds against T on logarithmic axes, as SVG."""
    points = [(p["tasks"], p["processor_seconds"]) for p in found["points"]]
    slope = found["exponents"]["processor_seconds"]
    left, top, width, height = 70, 40, 520, 320
    low_x, high_x = math.log10(points[0][0]), math.log10(points[-1][0])
    values = [math.log10(v) for _, v in points]
    low_y, high_y = math.floor(min(values)), math.ceil(max(values) + 1e-9)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (math.log10(x) - low_x) / (high_x - low_x) * width,
            top + (high_y - math.log10(y)) / max(high_y - low_y, 1) * height,
        )

    middle = math.exp(sum(math.log(t) for t, _ in points) / len(points))
    level = math.exp(sum(math.log(v) for _, v in points) / len(points))

    def line(power: float, colour: str, dash: str) -> str:
        ends = [place(t, level * (t / middle) ** power) for t in (points[0][0], points[-1][0])]
        (x1, y1), (x2, y2) = ends
        return (
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dash}" clip-path="url(#plot)"/>'
        )

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="430" '
        'font-family="sans-serif" font-size="13">',
        f'<clipPath id="plot"><rect x="{left}" y="{top}" width="{width}" height="{height}"/>'
        "</clipPath>",
        '<rect width="640" height="430" fill="white"/>',
        f'<text x="{left}" y="24" font-size="15">Gradient-based affinity of T tasks: '
        f"processor seconds grow as T^{slope:.2f}</text>",
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#999"/>',
        line(slope, "#0072b2", ""),
        line(2.0, "#d55e00", "6 4"),
        line(1.0, "#009e73", "2 4"),
    ]
    for t, v in points:
        x, y = place(t, v)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#0072b2"/>')
        parts.append(f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="middle">{v:.3g} s</text>')
        parts.append(f'<text x="{x:.1f}" y="{top + height + 18}" text-anchor="middle">{t}</text>')
    for power in range(low_y, high_y + 1):
        _, y = place(points[0][0], 10.0**power)
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    parts += [
        f'<text x="{left + width / 2}" y="{top + height + 36}" text-anchor="middle">tasks T</text>',
        f'<text x="{left}" y="{top + height + 60}" fill="#0072b2">fitted T^{slope:.2f}</text>',
        f'<text x="{left + 130}" y="{top + height + 60}" fill="#009e73">'
        "T: what the talk’s figure 9 claims</text>",
        f'<text x="{left + 360}" y="{top + height + 60}" fill="#d55e00">T²: every pair trained'
        "</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"

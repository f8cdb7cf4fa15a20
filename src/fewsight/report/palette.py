"""Which colours does the page have, and can they be read? One list for light, one for dark.

Blue speaks for the answer and orange against it, everywhere on the page: the pair is told apart under all common kinds
of colour blindness, and every use repeats it in a sign or a word.
"""

from __future__ import annotations

LIGHT = {
    "paper": "#ffffff",
    "sheet": "#ffffff",
    "surface": "#f5f7f9",
    "ink": "#17212b",
    "muted": "#536071",
    "line": "#d3dae2",
    "edge": "#7a8696",
    "link": "#0b5fa5",
    "for": "#0b6fb3",
    "against": "#d35a00",
    "for-text": "#0a5c96",
    "against-text": "#a14300",
    "total": "#69778a",
    "good": "#176b36",
    "good-tint": "#e8f5ec",
    "fair": "#7d5200",
    "fair-tint": "#fdf3dc",
    "poor": "#a6241b",
    "poor-tint": "#fdebe9",
}

DARK = {
    "paper": "#11161d",
    "sheet": "#ffffff",  # structures are drawn in the colours of chemistry, for white
    "surface": "#1a212b",
    "ink": "#e7ecf2",
    "muted": "#a5b1c0",
    "line": "#323c4a",
    "edge": "#8391a3",
    "link": "#7cc0f5",
    "for": "#55aeea",
    "against": "#f58a3c",
    "for-text": "#7cc0f5",
    "against-text": "#ffae70",
    "total": "#8c9aac",
    "good": "#7ed69a",
    "good-tint": "#14291c",
    "fair": "#f0c265",
    "fair-tint": "#2e2410",
    "poor": "#ff9d94",
    "poor-tint": "#351918",
}

TEXT = [
    *(
        (text, ground)
        for text in ("ink", "muted", "link", "for-text", "against-text")
        for ground in ("paper", "surface")
    ),
    *((text, f"{light}-tint") for light in ("good", "fair", "poor") for text in (light, "ink")),
    *((light, ground) for light in ("good", "fair", "poor") for ground in ("paper", "surface")),
]
"""Every pair (text, ground) the style sheet uses; each needs a contrast of 4.5 (WCAG 2.2, success criterion 1.4.3)."""

GRAPHICS = [(mark, ground) for mark in ("for", "against", "total", "edge") for ground in ("paper", "surface")]
"""Marks of charts and outlines, which need 3 (success criterion 1.4.11)."""


def rgb(color: str) -> tuple[int, int, int]:
    """`"#0b6fb3"` as (11, 111, 179)."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def luminance(color: str) -> float:
    """Relative luminance of an sRGB colour, 0 (black) to 1 (white); WCAG 2.2."""
    red, green, blue = (
        part / 12.92 if (part := value / 255) <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for value in rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21; WCAG 2.2."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def style() -> str:
    """The colours as CSS variables: light, dark where the reader's system is dark, and always light on paper."""
    light, dark = ("".join(f"--{name}:{color};" for name, color in theme.items()) for theme in (LIGHT, DARK))
    return f":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"

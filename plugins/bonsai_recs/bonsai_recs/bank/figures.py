"""What a figure of a question may be: an SVG document that stands on its own and does nothing but draw."""

from __future__ import annotations

#: Elements that only draw or describe; nothing that runs, loads or links.
_ALLOWED = frozenset(
    ("svg", "title", "desc", "g", "defs", "path", "line", "polyline", "polygon", "rect", "circle", "ellipse")
) | frozenset(("text", "tspan", "marker", "clipPath"))


def figure_problem(svg: str) -> str | None:
    """What is wrong with a figure; None when it may be shown inside a page."""
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(svg, forbid_dtd=True)
    except ParseError as error:
        return f"not XML: {error}"
    except ValueError as error:
        return f"refused: {error}"
    if not root.tag.endswith("svg") or "viewBox" not in root.attrib:
        return "no SVG document with a viewBox"
    for element in root.iter():
        name = str(element.tag).rpartition("}")[2]
        if name not in _ALLOWED:
            return f"<{name}> is not allowed"
        for key, value in element.attrib.items():
            plain = key.rpartition("}")[2].lower()
            if plain.startswith("on"):
                return "event handlers are not allowed"
            if plain in ("href", "style") or "url(" in value.replace("url(#", ""):
                return f"the attribute {plain} is not allowed"
    return None if any(str(element.tag).endswith("title") for element in root.iter()) else "no title for screen readers"

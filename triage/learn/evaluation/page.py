"""The report as one HTML file that needs nothing else: figures inside, light, fit for print."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape

from triage.learn.evaluation.plots import HOW_TO_GET, can_draw
from triage.learn.evaluation.report import Report
from triage.learn.evaluation.sections import Section, sections_of

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
       max-width: 78rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
         border-bottom: 1px solid #d5dae0; }
th { font-weight: 600; }
td.long { overflow-wrap: anywhere; }
.void { border-left: .4rem solid #b42318; background: #fdecea; padding: .6rem 1rem;
        font-weight: 600; }
figure { margin: 1rem 0; break-inside: avoid; } img { max-width: 100%; }
footer { margin-top: 3rem; color: #57606a; font-size: .86rem; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } .wide { overflow: visible; }
               table { font-size: 7.5pt; } th, td { padding-right: .4rem; }
               h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def html(report: Report, figures: Mapping[str, bytes]) -> str:
    """The page.

    Parameters
    ----------
    report : Report
    figures : mapping
        Section key to PNG, as `plots.draw` gives them.

    Returns
    -------
    str
        Complete HTML; loads nothing.
    """
    title = f"Evaluation: {', '.join(m.model.label for m in report.models)}"
    body = "\n".join(_section(s, figures.get(s.key)) for s in sections_of(report))
    missing = "" if can_draw() else f"<p>{escape(HOW_TO_GET)}</p>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{_voids(report)}{missing}{body}\n"
        "<footer>Research use only. A mark says that a place looks like a nodule, never that it is "
        "cancer; no mark is not the same as no nodule.</footer>\n</body></html>\n"
    )


def _voids(report: Report) -> str:
    said = [f"{m.model.label}: {m.twins.words}" for m in report.models if m.is_void and m.twins]
    return "".join(f'<p class="void" role="alert">{escape(words)}</p>\n' for words in said)


def _section(section: Section, figure: bytes | None) -> str:
    parts = [f"<section><h2>{escape(section.title)}</h2>"]
    parts += [f"<p>{escape(words)}</p>" for words in section.words]
    if figure is not None:
        inside = base64.b64encode(figure).decode("ascii")
        source = f"data:image/png;base64,{inside}"
        parts.append(f'<figure><img src="{source}" alt="{escape(section.title)}"></figure>')
    if section.rows:
        parts.append(f'<div class="wide"><table>{_head(section)}<tbody>')
        parts += [_row(row, named=not section.header) for row in section.rows]
        parts.append("</tbody></table></div>")
    return "\n".join([*parts, "</section>"])


def _head(section: Section) -> str:
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in section.header)
    return f"<thead><tr>{cells}</tr></thead>" if cells else ""


def _row(row: tuple[str, ...], *, named: bool) -> str:
    first, *rest = row
    tag = ('<th scope="row">', "</th>") if named else ("<td>", "</td>")
    cells = "".join(
        f"<td{' class=long' if len(cell) > 40 else ''}>{escape(cell)}</td>" for cell in rest
    )
    return f"<tr>{tag[0]}{escape(first)}{tag[1]}{cells}</tr>"

"""How pages look: the colours of both schemes, and the one style sheet."""

from __future__ import annotations

# Text has a contrast of 4.5:1 and more on `page` and `panel`, what charts are drawn with 3:1 and more
# (WCAG 2.2 AA).
LIGHT = {
    "page": "#ffffff",
    "panel": "#f4f6f8",
    "ink": "#1b2026",
    "soft": "#545d68",
    "line": "#d3d9e0",
    "link": "#0a58a6",
    "good": "#11713f",
    "warning": "#8a5300",
    "error": "#b3202e",
    "mark": "#ffe48a",
    "full": "#2f74c0",
    "not-modified": "#14804a",
    "redirection": "#8867b8",
    "client-error": "#b57614",
    "server-error": "#c73a4a",
    "other": "#77808b",
}
DARK = {
    "page": "#11151a",
    "panel": "#1a2027",
    "ink": "#e7ecf1",
    "soft": "#a3adb9",
    "line": "#39424d",
    "link": "#78b8ff",
    "good": "#5fd093",
    "warning": "#f0b45c",
    "error": "#ff8b94",
    "mark": "#5c4a00",
    "full": "#569be4",
    "not-modified": "#41b97d",
    "redirection": "#b198dc",
    "client-error": "#d99a37",
    "server-error": "#ec6b78",
    "other": "#8e98a4",
}
# What a chart's shapes are filled with, by the class that they have.
SERIES = ("full", "not-modified", "redirection", "client-error", "server-error", "other")


def _colours(scheme: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in scheme.items())


SHEET = (
    f":root{{color-scheme:light;{_colours(LIGHT)}}}\n"
    # Paper is light, whatever the screen is.
    f"@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{_colours(DARK)}}}}}\n"
    + "".join(f".{name}{{fill:var(--{name});--fill:var(--{name})}}\n" for name in SERIES)
    + """
*,::before,::after{box-sizing:border-box}
html{background:var(--page);color:var(--ink);font:100%/1.5 system-ui,sans-serif;scroll-padding-top:1rem}
body{margin:0 auto;max-width:64rem;padding:1rem 1rem 3rem}
h1,h2,h3,h4{line-height:1.25;text-wrap:balance}
h1,h2,h3,h4,p,li,figcaption,caption{overflow-wrap:anywhere}
h1{font-size:1.75rem;margin:1rem 0 .5rem}
h2{font-size:1.35rem;margin:3rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--line)}
h3{font-size:1.1rem;margin:2rem 0 .25rem}
h4{font-size:1rem;margin:1.5rem 0 .25rem}
p,ul,ol,dl{margin:.5rem 0;max-width:48rem}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-100rem}
.skip:focus{left:1rem;top:.5rem;padding:.5rem;background:var(--page);z-index:1}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;padding:0;max-width:none}
.lead{font-size:1.15rem}
.soft,figcaption,caption,footer,summary{color:var(--soft)}
.soft,figcaption,caption,footer,summary,table{font-size:.875rem}
code,pre{font-family:ui-monospace,monospace;font-size:.875em;overflow-wrap:anywhere}
code{background:var(--panel);padding:.1em .25em;border-radius:3px}
pre{background:var(--panel);padding:.75rem;border-radius:6px;white-space:pre-wrap;margin:.5rem 0}
pre code{padding:0;font-size:inherit}
.badge{font-size:.8rem;font-weight:600;padding:.05rem .5rem;border:1px solid;border-radius:1rem;
  vertical-align:.1em;white-space:nowrap}
.badge.error{color:var(--error)}
.badge.warning{color:var(--warning)}
.badge.info,.badge.low,.badge.medium{color:var(--soft)}
.badge.high,.badge.fine{color:var(--good)}
.fix{border-left:4px solid var(--good);padding-left:.75rem}
mark,mark code{background:var(--mark);color:var(--ink);border-radius:3px}
mark{text-decoration:underline;text-decoration-thickness:1px;text-underline-offset:.2em}
mark .soft{color:inherit}
.place{font-size:.875rem;font-weight:600;margin:.75rem 0 0}
.place+pre{margin-top:.25rem}
.copy{user-select:all}
.versions pre{margin:.25rem 0}
.evidence{margin:.5rem 0}
.evidence summary{overflow-wrap:anywhere;width:fit-content}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.75rem;max-width:none}
.facts div{background:var(--panel);border-radius:6px;padding:.6rem .75rem}
.facts dt{font-size:.8rem;color:var(--soft)}
.facts dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{border-collapse:collapse;margin:.75rem 0;min-width:min(100%,24rem)}
caption{text-align:left;padding-bottom:.25rem}
th,td{text-align:left;vertical-align:top;padding:.25rem 1rem .25rem 0;border-bottom:1px solid var(--line);
  overflow-wrap:anywhere}
th:not(.number),td:not(.number){min-width:6.5rem}
thead th{color:var(--soft);font-weight:600;overflow-wrap:normal}
tbody th{font-weight:400}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
figure{margin:1rem 0;break-inside:avoid}
.side-by-side{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:0 2rem}
.side-by-side>section{min-width:0}
svg{display:block;width:100%;height:auto}
.wide{min-width:56rem}
svg text{fill:var(--ink);font:12px system-ui,sans-serif;font-variant-numeric:tabular-nums}
svg .axis{fill:var(--soft)}
svg .end{text-anchor:end}
svg .middle{text-anchor:middle}
svg .strong{font-weight:600}
svg line{stroke:var(--line)}
svg .limit{stroke:var(--error);stroke-dasharray:4 3}
svg .limit-text{fill:var(--error)}
svg .limit-text,svg .strong{paint-order:stroke;stroke:var(--page);stroke-width:4px;stroke-linejoin:round}
svg rect{stroke:var(--page);stroke-width:.75}
svg .chosen{fill:none;stroke:var(--ink);stroke-width:2}
svg .unproven{opacity:.35}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;padding:0;font-size:.875rem}
.legend li::before{content:"";display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.4em;
  background:var(--fill)}
details{margin:.25rem 0}
summary{cursor:pointer}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.75rem}
@media (forced-colors:active){
svg{forced-color-adjust:none;background:var(--page)}
.legend li::before{forced-color-adjust:none}
}
@media print{
@page{margin:15mm}
html{font-size:10pt}
body{max-width:none;padding:0}
nav,.skip,details:not(.evidence){display:none}
.evidence::details-content{content-visibility:visible;display:block;block-size:auto}
.wide{min-width:0}
.scroll{overflow:visible}
h2,h3,h4,caption{break-after:avoid}
tr,.fix,pre,.facts div,.side-by-side>section{break-inside:avoid}
.side-by-side{grid-template-columns:1fr 1fr}
a{color:inherit;text-decoration:none}
.badge,.facts div,pre,code,mark,.legend li::before{print-color-adjust:exact}
}
"""
)

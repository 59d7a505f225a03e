"""A report as a person's browser shows it: what can be measured of it, and what happened meanwhile."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from tinyhtml5.parser import HTMLParser

from kit.chromium import Chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FACTS = """
(() => {
  const luminance = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(part => {
      const share = part / 255;
      return share <= .04045 ? share / 12.92 : ((share + .055) / 1.055) ** 2.4;
    });
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
  };
  const contrast = (node, colour) => {
    const [low, high] = [luminance(colour), luminance(ground(node))].sort((a, b) => a - b);
    return (high + .05) / (low + .05);
  };
  document.querySelectorAll('details').forEach(one => one.open = true);
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const isShown = node.getClientRects().length && !/^(title|desc)$/.test(node.tagName);
    if (walker.currentNode.data.trim() && isShown) {
      const style = getComputedStyle(node);
      texts.push([node.tagName, contrast(node, node.closest('svg') ? style.fill : style.color)]);
    }
  }
  const shapes = [...document.querySelectorAll('svg rect')].filter(one => !one.closest('.unproven'));
  const charts = [...document.querySelectorAll('svg')].map(svg => {
    const box = svg.getBoundingClientRect();
    const out = [...svg.querySelectorAll('rect,text,line')].filter(one => {
      const part = one.getBoundingClientRect();
      return part.left < box.left - 1 || part.right > box.right + 1
        || part.top < box.top - 1 || part.bottom > box.bottom + 1;
    });
    return {area: box.width * box.height, shapes: svg.querySelectorAll('rect').length, out: out.length};
  });
  const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
  const refers = ['href', 'aria-labelledby', 'aria-describedby'].flatMap(name =>
    [...document.querySelectorAll(`[${name}]`)].map(one => one.getAttribute(name).replace('#', '')));
  return JSON.stringify({
    texts, charts, ids, refers,
    shapes: shapes.filter(one => getComputedStyle(one).fill !== 'none')
      .map(one => [one.getAttribute('class'), contrast(one, getComputedStyle(one).fill)]),
    headings: [...document.querySelectorAll('h1,h2,h3,h4')].map(one => +one.tagName[1]),
    uncaptioned: [...document.querySelectorAll('table')].filter(one => !one.caption?.innerText).length,
    unscoped: document.querySelectorAll('th:not([scope])').length,
    tables: document.querySelectorAll('table').length,
    running: document.querySelectorAll('script,iframe,object,embed,img,form,base').length,
    attributes: [...new Set([...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames()))],
    links: [...document.querySelectorAll('[href]')].map(one => one.getAttribute('href')),
    owned: window.owned ?? null,
    text: document.body.innerText,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    page: getComputedStyle(document.documentElement).backgroundColor,
  });
})()
"""


@contextlib.contextmanager
def watching(folder: Path) -> Iterator[Chromium]:
    """Start a browser that tells what happens on its pages."""
    with Chromium(folder) as running:
        for domain in ("Network", "Log", "Runtime", "Accessibility"):
            running.call(f"{domain}.enable")
        yield running


def shown(
    browser: Chromium, page: Path, scheme: str = "light", width: int = 1100, media: str = "screen"
) -> dict:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.call("Emulation.setEmulatedMedia", media=media, features=features)
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
    )
    browser.visit(page.as_uri())
    return json.loads(evaluated(browser, FACTS))


def evaluated(browser: Chromium, expression: str) -> object:
    """Return the value of an expression in the page."""
    answer = browser.call("Runtime.evaluate", expression=expression)
    assert "exceptionDetails" not in answer, answer
    return answer["result"].get("value")


def happened(browser: Chromium) -> tuple[list[dict], list[str]]:
    """Return what the console was told and which URLs were asked for since the page was visited."""
    noise = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
    said = [event for event in browser.events if event["method"] in noise]
    asked = [event for event in browser.events if event["method"] == "Network.requestWillBeSent"]
    return said, [event["params"]["request"]["url"] for event in asked]


def press(browser: Chromium, key: str, code: int, **more: object) -> None:
    """Press a key and let it go."""
    for kind in ("keyDown", "keyUp"):
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more
        )


def cells(page: str, caption: str) -> list[list[str]]:
    """Return the cells of the one table with this caption; no error in the page is borne."""
    parser = HTMLParser(namespace_html_elements=False)
    tree = parser.parse(page)
    assert parser.errors == []
    tables = [one for one in tree.iter("table") if one.find("caption").text == caption]
    assert len(tables) == 1
    return [["".join(cell.itertext()) for cell in row] for row in tables[0].find("tbody")]

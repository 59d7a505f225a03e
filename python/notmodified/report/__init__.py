"""What a command found, shown: on a terminal with or without rich, and as a page for a browser.

| file | knows |
| --- | --- |
| `words.py` | numbers and foreign text in words that are safe and short |
| `markup.py` | HTML in which nothing foreign is ever markup |
| `style.py` | how pages look, in both schemes and on paper |
| `page.py` | the frame of any page, and what its sections are made of |
| `chart.py` | charts as SVG |
| `document.py` | the document of an access log, as types |
| `text.py`, `terminal.py`, `log_page.py` | that document as plain text, with rich, as a page |
| `check_page.py` | what `notmodified check` found, as a page |
"""

"""`python -m tools.openapi`: write the document and the page into the layer."""

from tools.openapi import ASSETS, document, page

if __name__ == "__main__":
    (ASSETS / "openapi.json").write_text(document.text(), "utf-8")
    (ASSETS / "docs.html").write_text(page.text(document.build()), "utf-8")
    print(f"style-src {page.style_source()}")

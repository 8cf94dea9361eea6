"""`python -m tools.openapi`: write the document, the page and MCP's tools into the layer."""

from tools.openapi import ASSETS, document, mcp_tools, page

if __name__ == "__main__":
    (ASSETS / "openapi.json").write_text(document.text(), "utf-8")
    (ASSETS / "docs.html").write_text(page.text(document.build()), "utf-8")
    (ASSETS / "mcp_tools.json").write_text(mcp_tools.text(), "utf-8")
    print(f"style-src {page.style_source()}")

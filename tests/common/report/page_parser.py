"""A strict reader of the pages: every element must be closed where it should be."""

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "img", "br"}


class PageParser(HTMLParser):
    """Collects elements, their text and ids, and refuses wrong nesting."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open_tags == [], f"never closed: {self.open_tags}"

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> repeats an attribute: {names}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self.open_tags, f"</{tag}> closes nothing"
        assert self.open_tags.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        self.texts.append((self.open_tags[-1] if self.open_tags else "", data))

    def attributes(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of one kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, attribute: str) -> list[str]:
        """All values of one attribute."""
        return [found[attribute] for _, found in self.elements if attribute in found]

    def text(self) -> str:
        """The text that a reader sees."""
        return " ".join(text for tag, text in self.texts if tag not in ("script", "style"))

"""draft-errors.py   appends to docs/src/errors/<stage>.md a draft entry for every error code that no page has yet,
with message and help line as the source has them. Drafts are for editing: say when it happens and what to do.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/src/errors"
NAMES = {"lang": "language"}


def prose(literal):
    """A Rust string literal as a sentence, `{field}` as `<field>`."""
    text = re.sub(r"\s+", " ", re.sub(r"\\\n\s*", "", literal)).replace('\\"', '"')
    return re.sub(r"\{(\w*)[^}]*\}", lambda match: f"<{(match[1] or 'it').replace('_', ' ')}>", text)


def stated():
    """Code to message and help line, of every source file."""
    codes = {}
    for path in sorted([*(ROOT / "src").rglob("*.rs"), *(ROOT / "lang/src").rglob("*.rs")]):
        source = path.read_text(encoding="utf-8").split("#[cfg(test)]\nmod tests {")[0]
        for match in re.finditer(r"code\((hbuild::\w+::\w+)\)", source):
            errors = re.findall(r'#\[error\(\s*"((?:[^"\\]|\\.)*)"', source[: match.start()])
            after = source[match.end() :].split("]\n")[0]
            advice = re.search(r'help\(\s*"((?:[^"\\]|\\.)*)"', after, re.S)
            codes[match[1]] = (prose(errors[-1]) if errors else "", prose(advice[1]) if advice else "")
        for match in re.finditer(r'"(hbuild::\w+::\w+)"', source):
            codes.setdefault(match[1], ("", ""))
    return codes


def main():
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES.glob("*.md"))
    documented = set(re.findall(r"^[#|\-* `]+(hbuild::\w+::\w+)", pages, re.M))
    for code, (message, advice) in sorted(stated().items()):
        if code in documented:
            continue
        stage = code.split("::")[1]
        name = NAMES.get(stage, stage)
        page = PAGES / f"{name}.md"
        text = page.read_text(encoding="utf-8") if page.exists() else f"# {name.capitalize()}\n"
        text += f"\n## {code}\n"
        if message:
            text += f"\n{message[0].upper()}{message[1:]}.\n"
        if advice:
            text += f"\nWhat to do: {advice}.\n"
        page.write_text(text, encoding="utf-8")
        print(f"{page.relative_to(ROOT)}: {code}")


main()

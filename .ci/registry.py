"""Puts the addresses that the registry wants into pyproject.toml: those of the repository that publishes.

python .ci/registry.py owner/name
"""

import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
SECTION = "[tool.comfy]\n"


def filled(text: str, repository: str) -> str:
    """The file with the addresses; `repository` is owner/name on GitHub."""
    if text.count(SECTION) != 1 or "[project.urls]" in text:
        raise ValueError(f"pyproject.toml has no {SECTION.strip()}, or addresses already")
    home = f"https://github.com/{repository}"
    raw = f"https://raw.githubusercontent.com/{repository}/HEAD/docs/pictures"
    urls = (
        f'[project.urls]\nRepository = "{home}"\nDocumentation = "{home}#readme"\n"Bug Tracker" = "{home}/issues"\n\n'
    )
    return text.replace(SECTION, f'{urls}{SECTION}Icon = "{raw}/icon.png"\nBanner = "{raw}/banner.png"\n')


if __name__ == "__main__":
    PROJECT.write_text(filled(PROJECT.read_text(), sys.argv[1]))

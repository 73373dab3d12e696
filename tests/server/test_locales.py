"""What the host shows in other languages: every text of ours has its translation, and no translation is left over."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from demo import host
from demo.client import Client

FOLDERS = sorted(path for path in (host.REPO / "locales").iterdir() if path.is_dir())
SCRIPT = (host.REPO / "web" / "adacache.js").read_text()
FILES = {"commands.json", "main.json", "nodeDefs.json", "settings.json"}


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text())


def keys(texts: object) -> object:
    """The same with what is translated taken away."""
    return {name: keys(text) for name, text in texts.items()} if isinstance(texts, dict) else bool(texts)


def of_node(info: dict) -> dict:
    text = {"name": True, "tooltip": True}
    names = [name for group in ("required", "optional") for name in info["input_order"].get(group, ())]
    outputs = {str(slot): text for slot in range(len(info["output"]))}
    return {"display_name": True, "description": True, "inputs": dict.fromkeys(names, text), "outputs": outputs}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_node_is_translated_whole(client: Client, folder: Path):
    infos = client.node_infos()
    ours = {
        name: of_node(info)
        for name, info in infos.items()
        if info["category"] == "AdaCache" and info["python_module"].endswith(host.PACK_NAME)
    }
    assert len(ours) == 8
    assert keys(read(folder, "nodeDefs.json")) == ours


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_command_setting_and_its_choices_are_translated(folder: Path):
    assert {path.name for path in folder.iterdir()} == FILES
    (command,) = re.findall(r'TOGGLE = "(.+?)"', SCRIPT)
    assert set(read(folder, "commands.json")) == {command.replace(".", "_")}
    (setting,) = re.findall(r'SETTING = "(.+?)"', SCRIPT)
    texts = read(folder, "settings.json")
    assert set(texts) == {setting.replace(".", "_")}
    (text,) = texts.values()
    assert set(text["options"]) == set(re.findall(r'\{ text: "(.+?)", value', SCRIPT))
    (category,) = re.findall(r"category: (\[.+?\])", SCRIPT)
    assert set(read(folder, "main.json")["settingsCategories"]) == set(json.loads(category))


def test_the_panel_speaks_the_same_languages():
    (listed,) = re.findall(r"LANGUAGES = (\[.+?\])", (host.REPO / "web" / "language.js").read_text())
    assert sorted(json.loads(listed)) == sorted(folder.name for folder in FOLDERS)


def sayings(texts: object, path: str = "") -> dict[str, str]:
    """Every text by where it is."""
    if not isinstance(texts, dict):
        return {path: str(texts)}
    return {place: text for name, one in texts.items() for place, text in sayings(one, f"{path}/{name}").items()}


def in_english(info: dict) -> dict:
    given = {name: spec for group in ("required", "optional") for name, spec in info["input"].get(group, {}).items()}
    outputs = info.get("output_tooltips") or []
    return {
        "description": info["description"],
        "inputs": {name: {"tooltip": spec[1].get("tooltip", "")} for name, spec in given.items()},
        "outputs": {str(slot): {"tooltip": text or ""} for slot, text in enumerate(outputs)},
    }


# A number in a text, and what people choose from a list, which is the same in every language.
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_numbers_and_presets_are_those_of_the_english_text(client: Client, folder: Path):
    """So that a figure which changes here is not forgotten there."""
    translated = read(folder, "nodeDefs.json")
    infos = client.node_infos()
    presets = [name.split(" (")[0] for name in infos["AdaCachePatchModel"]["input"]["required"]["preset"][1]["options"]]
    for name in translated:
        theirs = sayings(translated[name])
        for place, english in sayings(in_english(infos[name])).items():
            text = theirs[place]
            assert not Counter(NUMBER.findall(english)) - Counter(NUMBER.findall(text)), (name, place)
            if place == "/inputs/preset/tooltip" and name == "AdaCachePatchModel":
                assert not [preset for preset in presets if (preset in english) != (preset in text)], folder.name


def test_the_host_serves_them(client: Client):
    served = json.loads(client._get("/i18n"))
    for folder in FOLDERS:
        assert served[folder.name]["nodeDefs"]["AdaCacheStats"] == read(folder, "nodeDefs.json")["AdaCacheStats"]

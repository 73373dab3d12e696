"""AdaCache for ComfyUI. The engine is in `adacache/`, the nodes in `nodes/`."""

WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> object:
    """The host's loader calls this. Imported here and not above, so that tests can import this folder's parts alone."""
    from .nodes.extension import AdaCacheExtension
    from .nodes.patch_ray import register_beside_raylight
    from .nodes.server import comfy_server, routes

    routes.register()
    comfy_server.when_started(register_beside_raylight)
    return AdaCacheExtension()

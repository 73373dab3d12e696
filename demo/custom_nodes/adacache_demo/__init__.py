"""ComfyUI node of the demo: reads a caption for the demo network."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import words


class AdaCacheDemoTextEncode(io.ComfyNode):
    """Turns a caption into the text features the demo network was trained on."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="AdaCacheDemoTextEncode",
            display_name="AdaCache Demo Text Encode",
            category="AdaCache/demo",
            description=(
                "Reads a caption for the small demo network of AdaCache (wan_demo_t2v). "
                "An empty caption gives the unconditional."
            ),
            inputs=[
                io.String.Input(
                    "caption",
                    default="two red circles on a cream background, drifting slowly",
                    multiline=True,
                    tooltip="Words the demo network knows: " + ", ".join(words.VOCABULARY) + ".",
                ),
            ],
            outputs=[io.Conditioning.Output(display_name="conditioning")],
        )

    @classmethod
    def execute(cls, caption: str) -> io.NodeOutput:
        return io.NodeOutput([[words.encode(caption), {}]])


class AdaCacheDemoExtension(ComfyExtension):
    """The demo's one node."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [AdaCacheDemoTextEncode]


async def comfy_entrypoint() -> AdaCacheDemoExtension:
    """Called by ComfyUI when it loads this folder."""
    return AdaCacheDemoExtension()

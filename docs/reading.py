"""Draws docs/reading.png: a line image, what the network emits over its columns, and the text read from that.

python docs/reading.py runs/digits/best.safetensors data/digits/test/00003.png docs/reading.png
"""

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from seqlabel.ctc import collapse
from seqlabel.data import collate
from seqlabel.devices import choose_device
from seqlabel.model_file import load_model
from seqlabel.records import Example
from seqlabel.tokens import BLANK

SCALE = 7
CURVES = 150
MARGIN = 24
COLOURS = (
    "#c0392b",
    "#2471a3",
    "#1e8449",
    "#b9770e",
    "#7d3c98",
    "#117a65",
    "#a04000",
    "#2e4053",
    "#d81b60",
    "#5d6d00",
)


def draw(model_path: Path, image_path: Path, out: Path) -> None:
    """Writes the picture of one reading."""
    loaded = load_model(model_path, choose_device("cpu"))
    line = loaded.frontend.read(Example(id="line", source=image_path))
    features = loaded.frontend(line)
    batch = collate([("line", features, ())])
    with torch.inference_mode():
        emissions = loaded.model(batch.features, batch.feature_lengths)
    probabilities = emissions.log_probs[0, : int(emissions.lengths[0])].exp().numpy()
    tokens = loaded.header.tokens
    path = probabilities.argmax(axis=1).tolist()
    text = tokens.decode(collapse(path))

    image = Image.open(image_path).convert("L")
    width = image.width * SCALE * 24 // image.height
    height = SCALE * 24
    canvas = Image.new("RGB", (width + 2 * MARGIN, height + CURVES + 4 * MARGIN + 44), "white")
    canvas.paste(image.resize((width, height), Image.Resampling.BICUBIC), (MARGIN, MARGIN))
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(24)
    bottom = MARGIN + height + MARGIN + CURVES
    pen.line([(MARGIN, bottom), (MARGIN + width, bottom)], fill="#888888", width=2)
    per_frame = width / len(path)

    def place(frame: float, probability: float) -> tuple[float, float]:
        return MARGIN + (frame + 0.5) * per_frame, bottom - probability * CURVES

    pen.line([place(i, p) for i, p in enumerate(probabilities[:, BLANK].tolist())], fill="#cccccc", width=2)
    for token in range(1, probabilities.shape[1]):
        colour = COLOURS[token % len(COLOURS)]
        curve = probabilities[:, token].tolist()
        if max(curve) < 0.05:
            continue
        pen.line([place(i, p) for i, p in enumerate(curve)], fill=colour, width=4, joint="curve")
        for frame, winner in enumerate(path):
            if winner == token and (frame == 0 or path[frame - 1] != token):
                run = next((i for i in range(frame, len(path)) if path[i] != token), len(path))
                x, _ = place((frame + run - 1) / 2, 0)
                pen.text((x, bottom + 10), tokens.decode([token]), fill=colour, font=font, anchor="ma")
    pen.text((MARGIN, bottom + 44), f"read: {text}", fill="black", font=font)
    pen.text((MARGIN + width, bottom + 44), "grey: blank", fill="#999999", font=font, anchor="ra")
    canvas.save(out, optimize=True)


if __name__ == "__main__":
    draw(*(Path(argument) for argument in sys.argv[1:4]))

"""Pages of blocks: a page image with lines as `tests.blocks` draws them, and its ALTO or PAGE file."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.blocks import draw_blocks

LEFT, TOP, STEP, HEIGHT = 20, 30, 25, 8
ALTO = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment that stays -->
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">
  <Description><MeasurementUnit>pixel</MeasurementUnit>
    <sourceImageInformation><fileName>{image}</fileName></sourceImageInformation></Description>
  <Tags><OtherTag ID="BT1" LABEL="MainZone"/></Tags>
  <Layout><Page WIDTH="{width}" HEIGHT="{height}" PHYSICAL_IMG_NR="0" ID="p"><PrintSpace>
    <TextBlock ID="block" TAGREFS="BT1">{lines}</TextBlock></PrintSpace></Page></Layout>
</alto>
"""
PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment that stays -->
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
  <Metadata><Creator>tests</Creator><Created>2026-01-01T00:00:00</Created>
    <LastChange>2026-01-01T00:00:00</LastChange></Metadata>
  <Page imageFilename="{image}" imageWidth="{width}" imageHeight="{height}">
    <TextRegion id="block" type="paragraph"><Coords points="0,0 9,0 9,9"/>{lines}
      <TextEquiv><Unicode>old</Unicode></TextEquiv></TextRegion></Page>
</PcGts>
"""


def draw_page(folder: Path, name: str, texts: list[str], kind: str = "alto", unit: float = 1.0) -> Path:
    """Returns an ALTO or PAGE file of lines of blocks, its image beside it; `unit` of its units are a pixel."""
    folder.mkdir(parents=True, exist_ok=True)
    widest = max((6 * len(text) + 3 for text in texts), default=0)
    pixels = np.full((TOP + STEP * len(texts) + 20, widest + 2 * LEFT), 255, np.uint8)
    rows = []
    for index, text in enumerate(texts):
        draw_blocks(folder / "line.png", text or "a")
        with Image.open(folder / "line.png") as image:
            line = np.asarray(image)
        top = TOP + STEP * index
        pixels[top : top + HEIGHT, LEFT : LEFT + line.shape[1]] = line
        right, bottom = LEFT + line.shape[1] - 1, top + HEIGHT - 1
        corners = [(LEFT, top), (right, top), (right, bottom), (LEFT, bottom)]
        rows.append(_line(kind, index, text, [(round(x * unit), round(y * unit)) for x, y in corners]))
    (folder / "line.png").unlink(missing_ok=True)
    Image.fromarray(pixels).save(folder / f"{name}.png")
    height, width = (round(size * unit) for size in pixels.shape)
    form = ALTO if kind == "alto" else PAGE
    path = folder / f"{name}.xml"
    path.write_text(
        form.format(image=f"{name}.png", width=width, height=height, lines="".join(rows)), encoding="utf-8"
    )
    return path


def _line(kind: str, index: int, text: str, corners: list[tuple[int, int]]) -> str:
    if kind == "alto":
        points = " ".join(f"{x} {y}" for x, y in corners)
        words = "<SP/>".join(f'<String CONTENT="{word}"/>' for word in text.split())
        return f'<TextLine ID="l{index}"><Shape><Polygon POINTS="{points}"/></Shape>{words}</TextLine>'
    points = " ".join(f"{x},{y}" for x, y in corners)
    equivalent = f"<TextEquiv><Unicode>{text}</Unicode></TextEquiv>" if text else ""
    return f'<TextLine id="l{index}" custom="keep"><Coords points="{points}"/>{equivalent}</TextLine>'

"""Any repository of HTR-United (https://htr-united.github.io), and any other folder of ALTO or PAGE files.

    python -m data_prep.htr_united SOURCE OUT

The tree on disk, whatever its folders are called; METS files and the like are no pages:

    htr_united/
      htr-united.yml                 what the repository holds (not needed here)
      data/manuscript-a/f12r.xml     ALTO (2 to 4) or PAGE (2010 to 2019)
      data/manuscript-a/f12r.jpg     the page, beside its file or in the folder above
      data/manuscript-b/page/0001.xml

Writes train and dev (a tenth of the lines). The lines stay where they are: an example's source is `f12r.xml:7`, and
line images are cut when they are read, so keep SOURCE. A group is a folder of pages where there are several such
folders; in one folder it is what the names of pages have before their number, so that the pages of one letter or hand
stay together; where that makes one group of all, each page is one. Whole groups are set apart, in the order of their
MD5. Texts are in Unicode's NFC. Lines without text, lines without an outline or a box, pages that cannot be read and
pages without their image are counted and left out.
"""

import re
import sys
from pathlib import Path

from data_prep.corpus_source import Prepared, Published, run
from data_prep.splitting import set_apart
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import page_image, read_page
from seqlabel.manifest import page_files, read_manifest
from seqlabel.records import Example

PUBLISHED = Published(name="htr_united", page="https://htr-united.github.io", address=None)
DEV_SHARE = 0.1


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits; nothing is written below `out`."""
    pages = page_files(source)
    if not pages:
        raise ManifestError(
            f"{source}: no ALTO or PAGE file in it. Expected pages as XML, with their images."
        )
    prepared = Prepared(unit="lines", group_unit="groups")
    group_of = groups_of([page.relative_to(source) for page in pages])
    kept: list[Example] = []
    for path in pages:
        name = path.relative_to(source)
        try:
            page = read_page(path)
            page_image(path, page)
            examples = read_manifest(path) if page.lines else []
        except (FormatError, ManifestError) as error:
            prepared.leave_out("page that cannot be read", f"{name} ({error})")
            continue
        if not examples:
            prepared.leave_out("page without lines", str(name))
        for example, line in zip(examples, page.lines, strict=True):
            line_id = f"{name.with_suffix('')}#{example.id.removeprefix(f'{path.stem}#')}"
            if not line.text.strip():
                prepared.leave_out("no text", line_id)
            elif example.text is None:
                prepared.leave_out("no outline on the page", line_id)
            else:
                kept.append(
                    Example(id=line_id, source=example.source, text=example.text, group=group_of[name])
                )
    prepared.splits = set_apart(kept, {"dev": DEV_SHARE})
    return prepared


def groups_of(pages: list[Path]) -> dict[Path, str]:
    """Returns the group of each page: its folder, or the beginning of its name, or the page itself.

    >>> groups_of([Path("letter_a-1.xml"), Path("letter_a-2.xml"), Path("letter_b-1.xml")])[Path("letter_a-2.xml")]
    'letter_a'
    """
    # Transkribus puts the files of a document into its folder `page`.
    folders = {page: page.parent.parent if page.parent.name == "page" else page.parent for page in pages}
    if len(set(folders.values())) > 1:
        return {page: folder.as_posix() for page, folder in folders.items()}
    beginnings = {page: re.sub(r"[-_. ]*\d+[a-z]?$", "", page.stem) or page.stem for page in pages}
    if len(set(beginnings.values())) > 1:
        return beginnings
    return {page: page.stem for page in pages}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())

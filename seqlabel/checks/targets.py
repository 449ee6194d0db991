"""Which examples a recipe cannot learn from, found as training finds them: one signal at a time, none kept."""

from collections.abc import Sequence

from msgspec.structs import replace

from seqlabel.checks.findings import NO_TEXT, TOO_FEW_FRAMES, UNLEARNABLE, Kind
from seqlabel.data import check_targets
from seqlabel.errors import SeqlabelError
from seqlabel.experiment import ExperimentConfig
from seqlabel.frontend import Frontend
from seqlabel.model import Model
from seqlabel.records import Example
from seqlabel.tokens import TokenTable
from seqlabel.training_set import learnt_texts


class TargetCheck:
    """Looks at prepared examples as the training of a recipe would.

    Attributes:
        tokens: of all texts, since a character that only a test set has needs its frame as well.
    """

    def __init__(self, config: ExperimentConfig, examples: Sequence[Example]) -> None:
        # Statistics of the corpus move no frame: without them each example can be looked at alone.
        self.frontend = Frontend(replace(config.frontend, normalization=None))
        self.frontend.augmentations()  # a folder of noise that is missing is told here, too
        self.frontend.measure(examples)
        self.reads_labels = config.objective.build().reads_labels
        texts = (
            text for example in examples for text in learnt_texts(example, reads_labels=self.reads_labels)
        )
        self.tokens = TokenTable.from_texts(
            texts,
            config.data.token_unit,
            config.texts.unicode_form,
            config.texts.reading_order,
            config.texts.base_direction,
        )
        self.model = Model(config.encoder, self.frontend.dim, len(self.tokens), config.objective)

    def __call__(self, example: Example) -> tuple[Kind, str] | None:
        """Returns why the recipe cannot learn from an example that can be read, or None where it can."""
        try:
            signal = self.frontend.read(example)
        except SeqlabelError as error:
            return UNLEARNABLE, str(error)
        is_short = False

        def obstacle(target: Sequence[int], num_frames: int) -> str | None:
            nonlocal is_short
            found = self.model.obstacle(target, num_frames)
            is_short = found is not None
            return found

        _, offenders = check_targets(
            [(example, signal)], self.frontend, self.tokens, obstacle, reads_labels=self.reads_labels
        )
        if not offenders:
            return None
        kind = TOO_FEW_FRAMES if is_short else NO_TEXT if not (example.text or "").strip() else UNLEARNABLE
        return kind, offenders[0].reason

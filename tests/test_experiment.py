import sys
from pathlib import Path

import msgspec
import pytest

from seqlabel.augmentations import GaussianNoiseConfig, SpeedConfig
from seqlabel.encoders import EmbeddedConfig, EncoderConfig, RecurrentConfig
from seqlabel.errors import ConfigError
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig, load_recipe
from seqlabel.features import FeatureConfig, MatrixConfig, SymbolsConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.objectives import ClassificationConfig, FramewiseConfig, ObjectiveConfig

ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted(path for path in ROOT.glob("recipes/*/*.py") if "config = " in path.read_text())

SMALL = ExperimentConfig(
    name="small",
    data=DataConfig(directory="data/small"),
    frontend=FrontendConfig(
        feature=MatrixConfig(dim=3),
        signal_augmentations=(SpeedConfig(slowest=0.9, fastest=1.1),),
        feature_augmentations=(GaussianNoiseConfig(std=0.1),),
    ),
    encoder=RecurrentConfig(hidden_size=8, num_layers=1),
)
SMALL_SOURCE = """
from seqlabel.augmentations import GaussianNoiseConfig, SpeedConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="small",
    data=DataConfig(directory="data/small"),
    frontend=FrontendConfig(
        feature=MatrixConfig(dim=3),
        signal_augmentations=(SpeedConfig(slowest=0.9, fastest=1.1),),
        feature_augmentations=(GaussianNoiseConfig(std=0.1),),
    ),
    encoder=RecurrentConfig(hidden_size=8, num_layers=1),
)
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.py"
    path.write_text(SMALL_SOURCE)
    return path


def test_a_recipe_gives_the_config_that_it_binds(recipe: Path) -> None:
    assert load_recipe(recipe) == SMALL


def test_loading_leaves_the_import_path_as_it_was(recipe: Path) -> None:
    before = list(sys.path)
    load_recipe(recipe)
    assert sys.path == before
    recipe.write_text("1 / 0")
    with pytest.raises(ConfigError):
        load_recipe(recipe)
    assert sys.path == before


def test_a_variant_may_import_the_recipe_beside_it(recipe: Path) -> None:
    recipe.rename(recipe.with_name("seqlabel_test_base.py"))
    variant = recipe.with_name("variant.py")
    variant.write_text(
        "import msgspec\nfrom seqlabel_test_base import config as base\n"
        "config = msgspec.structs.replace(base, name='variant')\n"
    )
    try:
        assert load_recipe(variant) == msgspec.structs.replace(SMALL, name="variant")
    finally:
        sys.modules.pop("seqlabel_test_base", None)


# --- recipes that are wrong -------------------------------------------------------------------------------


def test_a_missing_recipe_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.py: no such recipe"):
        load_recipe(tmp_path / "nowhere.py")


@pytest.mark.parametrize("source", ["", "config = {'name': 'small'}", "configuration = 3"])
def test_a_file_that_binds_no_config_is_refused(source: str, recipe: Path) -> None:
    recipe.write_text(source)
    with pytest.raises(ConfigError, match=r"small\.py.*expected `config = ExperimentConfig"):
        load_recipe(recipe)


WRONG = {
    "syntax": ("config = ExperimentConfig(", "config = = (", "SyntaxError"),
    "a misspelt setting": ("hidden_size=8", "hiden_size=8", "hiden_size"),
    "a missing setting": ('name="small",', "", "name"),
    "a missing module": ("from seqlabel.encoders", "from seqlabel.encodings", "seqlabel.encodings"),
    "an exception": ("config = ", "config = {}['absent'] or ", "KeyError: 'absent'"),
    "a value of the wrong type": ("hidden_size=8", "hidden_size='eight'", "hidden_size"),
    "a value out of its range": ('directory="data/small"', 'directory="d", batch_size=0', "batch_size"),
    "a setting of a wrong union": ("slowest=0.9", "slowest='slow'", "slowest"),
}


@pytest.mark.parametrize(("right", "wrong", "named"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_in_a_recipe_is_said_in_one_line_with_its_path(
    right: str, wrong: str, named: str, recipe: Path
) -> None:
    assert right in SMALL_SOURCE
    recipe.write_text(SMALL_SOURCE.replace(right, wrong))
    with pytest.raises(ConfigError) as refusal:
        load_recipe(recipe)
    message = str(refusal.value)
    assert str(recipe) in message
    assert named in message
    assert "\n" not in message


def test_a_syntax_error_is_told_with_its_line(recipe: Path) -> None:
    recipe.write_text("first = 1\nsecond = = 2\n")
    with pytest.raises(ConfigError, match=r"small\.py:2"):
        load_recipe(recipe)


# --- overrides --------------------------------------------------------------------------------------------


def test_overrides_replace_settings_and_nothing_else(recipe: Path) -> None:
    arguments = ["--training.num-epochs", "3", "--training.patience", "2", "--encoder.dropout", "0.5"]
    expected = msgspec.structs.replace(
        SMALL,
        training=msgspec.structs.replace(SMALL.training, num_epochs=3, patience=2),
        encoder=RecurrentConfig(hidden_size=8, num_layers=1, dropout=0.5),
    )
    assert load_recipe(recipe, arguments) == expected


def test_a_setting_can_be_turned_off(recipe: Path) -> None:
    assert load_recipe(recipe, ["--training.average-decay", "none"]).training.average_decay is None


def test_a_setting_inside_a_list_can_be_replaced(recipe: Path) -> None:
    config = load_recipe(recipe, ["--frontend.signal-augmentations.0.fastest", "1.4"])
    assert config.frontend.signal_augmentations == (SpeedConfig(slowest=0.9, fastest=1.4),)


WRONG_OVERRIDES = {
    "misspelt": (["--training.lerning-rate", "1"], "learning-rate"),
    "unknown group": (["--trainer.seed", "1"], "trainer"),
    "wrong type": (["--training.num-epochs", "many"], "--training.num-epochs many"),
    "out of range": (["--training.num-epochs", "0"], "--training.num-epochs 0"),
    "not among the choices": (["--data.offenders", "ignore"], "refuse or leave_out"),
    "without a value": (["--training.seed"], "--training.seed"),
    "without a name": (["3"], "'3'"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG_OVERRIDES.values(), ids=WRONG_OVERRIDES.keys())
def test_a_wrong_override_is_refused_in_one_line(arguments: list[str], said: str, recipe: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_recipe(recipe, arguments)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


# --- the recipes of the project ---------------------------------------------------------------------------

every_recipe = pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)


def test_there_are_recipes() -> None:
    assert {"digits", "an4", "imadoc", "poilus"} <= {path.stem for path in RECIPES}


@every_recipe
def test_every_recipe_loads_and_is_named_like_its_file(path: Path) -> None:
    assert load_recipe(path).name in (path.stem, f"{path.parent.name}_{path.stem}")


@every_recipe
def test_every_recipe_survives_the_json_of_a_model_file(path: Path) -> None:
    config = load_recipe(path)
    assert msgspec.json.decode(msgspec.json.encode(config), type=ExperimentConfig) == config


def test_an_unknown_setting_in_json_is_refused() -> None:
    text = msgspec.json.encode(SMALL).replace(b'"num_epochs"', b'"num_epoch"')
    with pytest.raises(msgspec.ValidationError, match="num_epoch"):
        msgspec.json.decode(text, type=ExperimentConfig)


@pytest.mark.parametrize(
    ("feature", "encoder", "message"),
    [
        (SymbolsConfig(table=("a",)), RecurrentConfig(), "symbols and embedded go together"),
        (MatrixConfig(dim=1), EmbeddedConfig(num_symbols=3), "symbols and embedded go together"),
        (SymbolsConfig(table=("a", "b")), EmbeddedConfig(num_symbols=3), "the table has 2 symbols"),
        (SymbolsConfig(table=("a", "b")), EmbeddedConfig(num_symbols=2), "neither normalised nor stacked"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(
    feature: FeatureConfig, encoder: EncoderConfig, message: str
) -> None:
    frontend = FrontendConfig(feature=feature)
    with pytest.raises(ConfigError, match=message):
        ExperimentConfig(name="x", data=DataConfig(directory="x"), frontend=frontend, encoder=encoder)


@pytest.mark.parametrize("objective", [FramewiseConfig(), ClassificationConfig()])
def test_the_errors_of_paths_are_for_ctc_alone(objective: ObjectiveConfig) -> None:
    training = TrainingConfig(minimum_risk=1.0)
    with pytest.raises(ConfigError, match=r"training\.minimum_risk: counts the errors of CTC's paths"):
        msgspec.structs.replace(SMALL, objective=objective, training=training)

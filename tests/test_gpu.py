"""What runs on a GPU: these tests are skipped where there is none."""

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from seqlabel.ctc import Emissions, ctc_loss
from seqlabel.encoders import EmbeddedConfig, EncoderConfig
from seqlabel.features import LogMelConfig, MfccConfig
from seqlabel.features.batched import BatchedFeature
from seqlabel.transcription_risk import transcription_risk
from tests.blocks import TrainedRun
from tests.encoders.test_encoder_contract import INPUT_DIM, LENGTHS, NUM_FRAMES, every_encoder
from tests.features.test_batched import CONFIGS, padded, waveforms

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


@every_encoder
def test_outputs_and_gradients_of_an_encoder_are_those_of_the_cpu(
    config: EncoderConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(1)
    encoder = config.build(INPUT_DIM).eval()
    lengths = torch.tensor(LENGTHS)
    features = torch.randn(len(LENGTHS), NUM_FRAMES, INPUT_DIM)
    if isinstance(config, EmbeddedConfig):
        features = torch.randint(0, config.num_symbols, (len(LENGTHS), NUM_FRAMES, 1)).float()
    found = []
    for device in ("cpu", "cuda"):
        moved = copy.deepcopy(encoder).to(device)
        for module in moved.modules():
            if isinstance(module, torch.nn.RNNBase):
                module.train()  # cuDNN has no gradients in evaluation mode; dropout is elsewhere and stays off
        hidden, out_lengths = moved(features.to(device), lengths.to(device))
        valid = torch.arange(hidden.shape[1], device=device)[None, :] < out_lengths[:, None]
        (hidden.square() * valid[..., None]).sum().backward()
        gradients = [parameter.grad for parameter in moved.parameters()]
        found.append((hidden[valid].detach().cpu(), [g.cpu() for g in gradients if g is not None]))
    torch.testing.assert_close(found[1][0], found[0][0], rtol=1e-4, atol=1e-5)
    for on_gpu, on_cpu in zip(found[1][1], found[0][1], strict=True):
        torch.testing.assert_close(on_gpu, on_cpu, rtol=1e-3, atol=1e-4 * float(on_cpu.abs().max() + 1e-6))


@pytest.mark.parametrize("loss_of", [ctc_loss, transcription_risk])
def test_the_loss_and_its_gradient_are_those_of_the_cpu(
    loss_of: Callable[[Emissions, Tensor, Tensor], Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    multinomial = torch.multinomial

    def same_draws(probs: Tensor, count: int, replacement: bool) -> Tensor:
        torch.manual_seed(2)
        return multinomial(probs.cpu(), count, replacement).to(probs.device)

    monkeypatch.setattr(torch, "multinomial", same_draws)
    torch.manual_seed(1)
    scores = torch.randn(3, 20, 6)
    lengths, target_lengths = torch.tensor([20, 11, 7]), torch.tensor([5, 3, 1])
    targets = torch.tensor([[1, 1, 2, 5, 3], [4, 4, 4, 0, 0], [2, 0, 0, 0, 0]])
    found = []
    for device in ("cpu", "cuda"):
        own = scores.detach().clone().to(device).requires_grad_()
        emissions = Emissions(own.log_softmax(-1), lengths.to(device))
        loss = loss_of(emissions, targets.to(device), target_lengths.to(device))
        loss.sum().backward()
        assert own.grad is not None
        found.append((loss.detach().cpu(), own.grad.cpu()))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_features_of_a_batch_of_waveforms_are_those_of_the_cpu(config: MfccConfig | LogMelConfig) -> None:
    feature = config.build()
    # One sample alone, reflected and without its mean, is nothing but rounding errors, which differ from chip to chip.
    samples, lengths = padded([waveform for waveform in waveforms() if len(waveform) > 1])
    expected, num_expected = BatchedFeature(feature)(samples, lengths)
    frames, num_frames = BatchedFeature(feature, "cuda")(samples.cuda(), lengths.cuda())
    assert frames.is_cuda and num_frames.tolist() == num_expected.tolist()
    torch.testing.assert_close(frames.cpu(), expected, rtol=1e-4, atol=5e-3)


def test_a_model_reads_the_same_on_both_devices(
    trained_run: TrainedRun, run: Callable[..., tuple[int, str, str]]
) -> None:
    test = trained_run.data / "test.jsonl"
    image = next((trained_run.data / "test").glob("*.png"))
    on_cpu, on_gpu = (
        (
            run("evaluate", trained_run.model, test, "--device", device, "--json")[:2],
            run("transcribe", trained_run.model, image, "--device", device)[:2],
        )
        for device in ("cpu", "cuda")
    )
    assert on_gpu == on_cpu
    assert on_gpu[1][0] == 0


@pytest.mark.parametrize("settings", [(), ("--training.precision", "bfloat16")], ids=["float32", "bfloat16"])
def test_a_run_is_trained_stopped_and_gone_on_with(
    settings: tuple[str, ...], trained_run: TrainedRun, tmp_path: Path
) -> None:
    from seqlabel.experiment import load_recipe
    from seqlabel.model_file import read_header
    from seqlabel.training import train

    whole = load_recipe(trained_run.recipe, list(settings))
    result = train(whole, tmp_path / "run", trained_run.data, "cuda")
    assert result.summary.dev_cer < 0.1
    again = train(whole, tmp_path / "run", trained_run.data, "cuda")
    assert again.summary == read_header(tmp_path / "run" / "best.safetensors").summary


def test_torchrun_trains_over_nccl(trained_run: TrainedRun, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=1"]
    words = ["-m", "seqlabel", "train", trained_run.recipe, "--data-dir", trained_run.data]
    words += ["--run-dir", tmp_path / "run", "--device", "cuda"]
    done = subprocess.run([*program, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "best.safetensors").exists()

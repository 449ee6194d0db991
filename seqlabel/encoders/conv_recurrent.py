"""A small convolutional stem in front of the recurrent layers, for line images and spectra.

The features (T, F) are read as an image whose columns are the frames. Every convolution sees zeros beyond an
example's own frames, as it would at the border of that example alone, and the batch normalisation (Ioffe and
Szegedy 2015) counts valid frames only: the batch an example stands in never changes its result.

Source of the design: Retsinas et al., "Best practices for a handwritten text recognition system", DAS 2022
(aspect ratio kept, column max-pooling before the recurrent layers).
"""

from collections.abc import Iterable
from typing import Annotated, Literal, cast

import msgspec
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqlabel.config import Config, Count, FromZero, Share
from seqlabel.encoders.recurrent import RecurrentConfig
from seqlabel.engine.rows import spread_rows, take_rows
from seqlabel.errors import ConfigError

Size = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class ConvLayerConfig(Config, frozen=True):
    """One convolution, batch normalisation, ReLU and max-pooling; pairs are (frames, features).

    Attributes:
        channels: feature maps that come out.
        kernel: odd sizes of the filters.
        stride: step of the filters.
        pool: size and step of the max-pooling; (1, 1) for none.

    Raises:
        ConfigError: an even size of a filter, which has no middle.
    """

    channels: Count
    kernel: tuple[Size, Size] = (3, 3)
    stride: tuple[Size, Size] = (1, 1)
    pool: tuple[Size, Size] = (1, 1)

    def __post_init__(self) -> None:
        if any(size % 2 == 0 for size in self.kernel):
            raise ConfigError(
                f"kernel {self.kernel[0]} x {self.kernel[1]}: expected odd sizes, such as 3 x 3"
            )


class ConvRecurrentConfig(Config, frozen=True, tag="conv_recurrent"):
    """Convolutions over the image (T, F), then stacked bidirectional LSTMs over its columns.

    Attributes:
        layers: the stem, from the bottom.
        column: how the feature maps of a column become one frame: their maximum over F, or all of them side by side.
        column_size: numbers that such a frame is brought to by a linear layer, which saves the layers above much of
            their work where the maps stand side by side; None leaves it as it is.
        dropout: probability with which a whole feature map of a stem layer is dropped (from the second layer on).
        num_masks: stretches of columns, for every 100 of the stem, that the layers above do not see in training.
        max_masked: columns of the longest of them.
        shortcut: weight of a second answer that is read from the stem alone while training, so that the stem learns
            without waiting for the layers above; 0 for none (Retsinas et al. 2022).
        recurrent: the layers above.
    """

    layers: tuple[ConvLayerConfig, ...] = (
        ConvLayerConfig(channels=16, pool=(2, 2)),
        ConvLayerConfig(channels=32, pool=(2, 2)),
        ConvLayerConfig(channels=64, pool=(1, 2)),
        ConvLayerConfig(channels=96, pool=(1, 2)),
    )
    column: Literal["max", "concat"] = "max"
    column_size: Count | None = None
    dropout: Share = 0.1
    num_masks: FromZero = 0.0
    max_masked: Count = 5
    shortcut: FromZero = 0.0
    recurrent: RecurrentConfig = RecurrentConfig(hidden_size=256, num_layers=2, dropout=0.5)

    def build(self, input_dim: int) -> "ConvRecurrentEncoder":
        """Returns a new encoder of frames of `input_dim` features, its weights drawn from torch's generator."""
        return ConvRecurrentEncoder(self, input_dim)


class ConvRecurrentEncoder(nn.Module):
    """Encodes (N, T, F) into (N, T', 2 x hidden_size), with T' = T divided by the stem's strides."""

    def __init__(self, config: ConvRecurrentConfig, input_dim: int) -> None:
        super().__init__()
        channels = [1] + [layer.channels for layer in config.layers]
        self.stem = nn.ModuleList(
            ConvLayer(layer, channels[i], config.dropout if i else 0.0)
            for i, layer in enumerate(config.layers)
        )
        self.column = config.column
        height = input_dim
        for layer in self._stem_layers():
            height = int(layer.output_lengths(torch.tensor([height], device="cpu"), axis=1)[0])
        self.stem_dim = channels[-1] * (height if config.column == "concat" else 1)
        self.to_frame = None
        if config.column_size is not None:
            self.to_frame = nn.Linear(self.stem_dim, config.column_size)
            self.stem_dim = config.column_size
        self.num_masks, self.max_masked = config.num_masks, config.max_masked
        self.recurrent = config.recurrent.build(self.stem_dim)
        self.output_dim = self.recurrent.output_dim
        self.backward_from = self.recurrent.backward_from

    def output_lengths(self, lengths: Int[Tensor, " N"]) -> Int[Tensor, " N"]:
        """Returns the number of frames that come out of the stem for that many frames."""
        for layer in self._stem_layers():
            lengths = layer.output_lengths(lengths, axis=0)
        return lengths

    def forward(
        self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N T2 H"], Int[Tensor, " N"]]:
        """Returns hidden frames and their lengths; what stands in the padding is of no meaning."""
        return self.above_stem(*self.stem_frames(features, lengths))

    def above_stem(
        self, frames: Float[Tensor, "N T2 S"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N T2 H"], Int[Tensor, " N"]]:
        """Returns hidden frames and their lengths for what `stem_frames` has returned."""
        if self.training and self.num_masks:
            frames = frames * kept_frames(lengths, frames.shape[1], self.num_masks, self.max_masked)
        hidden, lengths = self.recurrent(frames, lengths)
        return hidden, lengths

    def stem_frames(
        self, features: Float[Tensor, "N T F"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N T2 S"], Int[Tensor, " N"]]:
        """Returns what the stem makes of the columns, `stem_dim` numbers a frame, and lengths; the padding is zero."""
        maps = features[:, None].contiguous(memory_format=torch.channels_last)
        maps = maps * frame_mask(lengths, maps.shape[2], maps.dtype)
        for layer in self.stem:
            maps, lengths = layer(maps, lengths)
        by_column = maps.permute(0, 2, 3, 1)
        frames = by_column.amax(dim=2) if self.column == "max" else by_column.flatten(2)
        if self.to_frame is not None:
            frames = self.to_frame(frames)
            frames = frames * frame_mask(lengths, frames.shape[1], frames.dtype)[:, 0]
        return frames, lengths

    def _stem_layers(self) -> Iterable["ConvLayer"]:
        return cast(Iterable[ConvLayer], self.stem)  # ModuleList bears no element type


class ConvLayer(nn.Module):
    """Convolution, batch normalisation, ReLU and max-pooling; zero beyond each example's frames."""

    def __init__(self, config: ConvLayerConfig, input_channels: int, dropout: float) -> None:
        super().__init__()
        padding = (config.kernel[0] // 2, config.kernel[1] // 2)
        self.dropout = nn.Dropout2d(dropout)
        self.conv = nn.Conv2d(
            input_channels, config.channels, config.kernel, config.stride, padding, bias=False
        ).to(
            memory_format=torch.channels_last
        )  # or PyTorch answers an image of one channel with separate planes
        self.norm = nn.BatchNorm1d(config.channels)
        self.pool = nn.MaxPool2d(config.pool, ceil_mode=True) if config.pool != (1, 1) else None
        self.config = config

    def output_lengths(self, lengths: Int[Tensor, " N"], axis: int) -> Int[Tensor, " N"]:
        """Returns how many of `lengths` steps remain along an axis (0: frames, 1: features); at least one does."""
        stride, pool = self.config.stride[axis], self.config.pool[axis]
        return (((lengths - 1) // stride + 1) - 1) // pool + 1

    def forward(
        self, maps: Float[Tensor, "N C T F"], lengths: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N C2 T2 F2"], Int[Tensor, " N"]]:
        """Returns the new maps and lengths; maps beyond `lengths` are zero on both sides."""
        maps = self.conv(self.dropout(maps))
        frames = (lengths - 1) // self.config.stride[0] + 1
        maps = self.normalized(maps, frames)
        # Everything is at least zero now, so the zeros of the padding win no maximum over an example's own frames.
        return self.pool(maps) if self.pool is not None else maps, self.output_lengths(lengths, axis=0)

    def normalized(
        self, maps: Float[Tensor, "N C T F"], frames: Int[Tensor, " N"]
    ) -> Float[Tensor, "N C T F"]:
        """Returns ReLU of the batch-normalised maps; statistics count valid frames only, the padding is zero.

        The valid frames are laid one after the other, so that PyTorch's own kernel sees nothing else.
        """
        num_examples, channels, num_frames, height = maps.shape
        valid = torch.arange(num_frames, device=maps.device)[None, :] < frames[:, None]
        by_frame = maps.permute(0, 2, 3, 1).reshape(num_examples * num_frames, height, channels)
        rows = valid.reshape(-1).nonzero()[:, 0]
        is_padded = len(rows) < len(by_frame)
        kept = take_rows(by_frame, rows) if is_padded else by_frame
        # As a plain matrix: PyTorch's kernel for images takes three to five times as long over the same numbers.
        normed = nn.functional.relu(self.norm(kept.reshape(-1, channels))).reshape(-1, height, channels)
        if is_padded:
            normed = spread_rows(normed, rows, len(by_frame))
        return normed.reshape(num_examples, num_frames, height, channels).permute(0, 3, 1, 2)


def kept_frames(
    lengths: Int[Tensor, " N"], num_frames: int, num_masks: float, longest: int
) -> Float[Tensor, "N T 1"]:
    """Returns 0 on stretches of 1 to `longest` frames, at `num_masks` random places of every 100 frames, and else 1.

    Source: the time masks of Park et al., "SpecAugment", Interspeech 2019, section 2, over the frames of a stem.
    """
    count = max(1, round(num_masks * num_frames / 100))
    draws = torch.rand(2, len(lengths), count, 1, device=lengths.device)
    # Stretches are drawn over the longest example, so that each has its share of them in its own frames.
    starts = (draws[0] * num_frames).long()
    ends = starts + 1 + (draws[1] * longest).long()
    frame = torch.arange(num_frames, device=lengths.device)
    hidden = ((frame >= starts) & (frame < ends)).any(dim=1)
    return (~hidden).float()[..., None]


def frame_mask(lengths: Int[Tensor, " N"], num_frames: int, dtype: torch.dtype) -> Float[Tensor, "N 1 T 1"]:
    """Returns 1 on each example's own frames and 0 on the padding."""
    frame = torch.arange(num_frames, device=lengths.device)
    return (frame[None, :] < lengths[:, None]).to(dtype)[:, None, :, None]

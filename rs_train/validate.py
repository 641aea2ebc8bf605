"""How good a model is on held-out rows of a caption table: retrieval, and with boxes counting.

* Retrieval, protocol `remoteclip`: all captions of the split against all its images.
* Counting as in RemoteCount: of the image's most numerous class, "There are N planes in the
  picture." with N from one to ten; images of which that class has more than ten ask nothing.
* Class: the same sentence with the true N and each class of the dataset that questions are about.

Images are what open_clip's own evaluation shows a model. Legend: `_I` images, `_T` captions, `_Q`
questions, `_K` classes, `_C` numbers, `_D` dimensions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from PIL import Image

from rs_bench.counting import judge_classes, judge_counts, sentences
from rs_bench.metrics import RECALL_AT, cosine_scores, recall_at_k
from rs_caption.engine.work import default_workers
from rs_caption.errors import DataError, TableError, UserError
from rs_caption.facts import Noun
from rs_caption.table import CaptionTable
from rs_caption.wording import EXACT_UP_TO, ordered
from rs_train import images
from rs_train.corpus import Corpus, open_corpus
from rs_train.model import Made
from rs_train.places import Place
from rs_train.settings import Data, TableUse
from rs_train.shown import Moved, moved_for

MOST_IMAGES = (
    2000  # of a larger split these are taken at even distances: scores grow with its square
)
_AT_ONCE = 128  # images, or captions, that go through the model together

Floats = NDArray[np.float32]


class Question(NamedTuple):
    """How many objects of one class does this image show?"""

    image: int
    dataset: str
    name: str
    counts: dict[str, int]  # of all classes in the image

    @property
    def number(self) -> int:
        """The answer."""
        return self.counts[self.name]


class _Options(msgspec.Struct, frozen=True):
    style: str = "plain"


class Speech(msgspec.Struct, frozen=True):
    """How the captions of a dataset speak of its classes, as its table states it."""

    nouns: dict[str, Noun]
    options: _Options = _Options()


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a model is measured on."""

    corpus: Corpus
    rows_I: NDArray[np.intp]  # of the corpus
    captions: list[list[str]]  # of each image
    questions: list[Question]
    speech: dict[str, Speech]  # by dataset


def open_held_out(table: str, split: str, most: int = MOST_IMAGES) -> HeldOut:
    """The rows of a split, as many as `most`, with the questions that their boxes answer.

    Raises:
        UserError: there is no such table, it holds no rows of the split, images are gone.
    """
    data = Data(tables=(TableUse(path=table),), splits=(split,))
    # Tests are what this is for.
    corpus = open_corpus(data, allow_unchecked=True, setting="run.validate_split")
    number = min(most, corpus.rows)
    rows_I = np.arange(number) * corpus.rows // number
    (opened,) = corpus.tables
    found = opened.read(["dataset", "boxes"]).take(pa.array(corpus.at_N[rows_I]))
    speech = _speech(opened)
    return HeldOut(
        corpus,
        rows_I,
        [corpus.captions(row) for row in rows_I.tolist()],
        list(_questions(found["dataset"].to_pylist(), _names(found["boxes"]), speech)),
        speech,
    )


def _speech(table: CaptionTable) -> dict[str, Speech]:
    sources = table.about.get("sources", {})
    try:
        return {
            name: msgspec.convert(source, Speech)
            for name, source in sources.items()
            if source.get("nouns")
        }
    except (AttributeError, msgspec.ValidationError) as error:
        raise TableError(f"{table.path}: its metadata, under sources: {error}") from error


def _names(boxes: pa.ChunkedArray) -> list[list[str]]:
    """The class of each object of each row."""
    column = boxes.combine_chunks()
    names, ends = column.flatten().field("name").to_pylist(), np.cumsum(column.value_lengths())
    return [
        names[end - length : end]
        for end, length in zip(ends, column.value_lengths().to_pylist(), strict=True)
    ]


def _questions(
    datasets: Sequence[str], names: Sequence[list[str]], speech: dict[str, Speech]
) -> Iterator[Question]:
    for image, (dataset, its) in enumerate(zip(datasets, names, strict=True)):
        if its and dataset in speech:
            counts = Counter(its)
            (name, count), *_ = ordered(counts)
            if count <= EXACT_UP_TO:
                yield Question(image, dataset, name, dict(counts))


@torch.inference_mode()
def validate(made: Made, held_out: HeldOut) -> dict[str, float]:
    """Scores by name, in per cent; the model is left as it was.

    Raises:
        UserError: an image cannot be read.
    """
    training = made.model.training
    made.model.eval()
    try:
        images_ID = encode_images(made, held_out)
        scores = _retrieval(made, held_out, images_ID)
        return scores | _counting(made, held_out, images_ID)
    finally:
        made.model.train(training)


def encode_images(made: Made, held_out: HeldOut) -> Floats:
    """Features of length 1."""
    device = next(made.model.parameters()).device
    mean_C11, std_C11 = (
        torch.tensor(three, device=device).view(3, 1, 1) for three in (made.mean, made.std)
    )
    moved = moved_for(made.model, made.image_size)
    parts = []
    with ThreadPoolExecutor(default_workers()) as readers:  # decoders release the interpreter
        for first in range(0, len(held_out.rows_I), _AT_ONCE):
            rows = held_out.rows_I[first : first + _AT_ONCE].tolist()
            places = [held_out.corpus.place(row) for row in rows]
            squares = readers.map(partial(_square, moved=moved), places)
            pixels_BCHW = torch.from_numpy(np.stack(list(squares))).to(device).permute(0, 3, 1, 2)
            colours_BCHW = (pixels_BCHW.float() / 255 - mean_C11) / std_C11
            parts.append(made.model(image=colours_BCHW)["image_features"].float().cpu().numpy())
    return np.concatenate(parts)


def _square(place: Place, moved: Moved) -> images.Pixels:
    try:
        return np.array(moved(Image.fromarray(images.plain(place))))
    except DataError as error:
        raise UserError(
            f"{error.path}: {error.problem}; scores on fewer images would not be comparable: "
            "put it right, or take its row out of the table that is validated on"
        ) from error


def encode_texts(made: Made, texts: Sequence[str]) -> Floats:
    """Features of length 1. Equal texts go through the model once, so that they tie exactly."""
    device = next(made.model.parameters()).device
    distinct = list(dict.fromkeys(texts))
    tokens = [
        made.tokenizer(distinct[at : at + _AT_ONCE]) for at in range(0, len(distinct), _AT_ONCE)
    ]
    parts = [made.model(text=part.to(device))["text_features"].float().cpu() for part in tokens]
    at = {text: number for number, text in enumerate(distinct)}
    features_TD: Floats = torch.cat(parts).numpy()[[at[text] for text in texts]]
    return features_TD


def _retrieval(made: Made, held_out: HeldOut, images_ID: Floats) -> dict[str, float]:
    texts = list(chain.from_iterable(held_out.captions))
    image_of_text_T = np.repeat(np.arange(len(images_ID)), [len(its) for its in held_out.captions])
    recall = recall_at_k(cosine_scores(encode_texts(made, texts), images_ID), image_of_text_T)
    return {
        "mean_recall": recall.mean,
        **{f"image_to_text_{k}": v for k, v in zip(RECALL_AT, recall.image_to_text, strict=True)},
        **{f"text_to_image_{k}": v for k, v in zip(RECALL_AT, recall.text_to_image, strict=True)},
        "images": float(len(images_ID)),
        "texts": float(len(texts)),
    }


def _counting(made: Made, held_out: HeldOut, images_ID: Floats) -> dict[str, float]:
    """Scores of the questions; none where there are no questions."""
    asked = held_out.questions
    if not asked:
        return {}
    kinds = sorted({(one.dataset, one.name) for one in asked})
    said = chain.from_iterable(_ten(held_out.speech[dataset], name) for dataset, name in kinds)
    texts_KCD = encode_texts(made, list(said)).reshape(len(kinds), EXACT_UP_TO, -1)
    scores_QKC = np.einsum("qd,kcd->qkc", images_ID[[one.image for one in asked]], texts_KCD)
    counts_Q = np.array([one.number for one in asked])
    own_Q = np.array([kinds.index((one.dataset, one.name)) for one in asked])
    every_Q = np.arange(len(asked))
    counting = judge_counts(scores_QKC[every_Q, own_Q], counts_Q)
    scores = {
        "counting": counting.accuracy,
        "counting_error": counting.mean_error,
        "counting_questions": float(counting.questions),
    }
    if len(kinds) > 1:
        named_QK = np.array([[one.dataset == dataset for dataset, _ in kinds] for one in asked])
        true_QK = np.array(
            [[one.counts.get(name) == one.number for _, name in kinds] for one in asked]
        )
        scores_QK = np.where(named_QK, scores_QKC[every_Q, :, counts_Q - 1], -np.inf)
        scores["class_accuracy"] = judge_classes(scores_QK, true_QK & named_QK)
    return scores


def _ten(speech: Speech, name: str) -> tuple[str, ...]:
    return sentences(name, speech.nouns, speech.options.style)

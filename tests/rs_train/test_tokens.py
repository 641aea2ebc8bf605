"""Tokens that processes share: each caption once, and nothing half written is taken for whole."""

import os
import pickle

import pyarrow as pa
import torch

from rs_train.tokens import Tokens

TEXTS = ["a ship", "two planes", "a ship", "", "many ships"]


class Counting:
    """A tokenizer that remembers what it was asked; the empty text is all zeros."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        rows = [[ord(letter) for letter in text][:12] for text in texts]
        return torch.tensor([row + [0] * (12 - len(row)) for row in rows])


def expected(numbers):
    return Counting()([TEXTS[number] for number in numbers]).tolist()


def test_each_distinct_text_is_tokenised_once():
    tokenizer = Counting()
    tokens = Tokens(tokenizer, pa.array(TEXTS, pa.large_string()))
    tokenizer.asked.clear()
    for numbers in ([0, 1], [2, 3], [4, 0, 1, 2, 3], [1]):
        assert tokens.of(numbers).tolist() == expected(numbers)
    assert sorted(tokenizer.asked) == sorted(set(TEXTS))


def test_texts_without_room_are_tokenised_each_time():
    tokenizer = Counting()
    tokens = Tokens(tokenizer, pa.array(TEXTS, pa.large_string()), room=2 * 12 * 4)
    assert tokens.kept == 2
    for _ in range(2):
        assert tokens.of([4, 0, 3, 1]).tolist() == expected([4, 0, 3, 1])
    assert tokenizer.asked.count("many ships") == 2
    assert tokenizer.asked.count("a ship") == 1


def test_what_one_process_tokenised_the_other_finds():
    tokenizer = Counting()
    tokens = Tokens(tokenizer, pa.array(TEXTS, pa.large_string()))
    child = os.fork()
    if not child:
        tokens.of([0, 1])
        os._exit(0)
    os.waitpid(child, 0)
    tokenizer.asked.clear()
    assert tokens.of([0, 1, 4]).tolist() == expected([0, 1, 4])
    assert tokenizer.asked == ["many ships"]


def test_a_row_that_is_half_written_is_written_again():
    tokenizer = Counting()
    tokens = Tokens(tokenizer, pa.array(TEXTS, pa.large_string()))
    tokens.of([0])
    tokens.shelf_KL[0, 5:] = 0  # as another process sees it while it is being written
    assert tokens.of([0]).tolist() == expected([0])


def test_where_processes_are_started_anew_they_have_their_own():
    tokens = Tokens(Counting(), pa.array(TEXTS, pa.large_string()))
    copy = pickle.loads(pickle.dumps(tokens))  # noqa: S301 -- our own
    assert copy.of([1, 3]).tolist() == expected([1, 3])

"""Reviews as rows of word numbers."""

from collections import Counter

import torch


def words(text):
    return text.replace(".", " . ").split()


def vocabulary(texts, min_count):
    counts = Counter(word for text in texts for word in words(text))
    kept = sorted(word for word, count in counts.items() if count >= min_count)
    return {word: number for number, word in enumerate(kept, start=2)}


def encode(texts, index, length):
    rows = torch.zeros(len(texts), length, dtype=torch.long)
    for number, text in enumerate(texts):
        tokens = [index.get(word, 1) for word in words(text)][-length:]
        rows[number, length - len(tokens) :] = torch.tensor(tokens)
    return rows

"""Damaged copies of good documents, by a seed: python tests/mutations.py FROM TO [--count 100] [--seed 1]

What storage, networks and bad software do to files: bits flipped, ends cut off, pieces lost, doubled, swapped, zeroed,
or taken from another file, and numbers in a PDF changed.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

Mutation = Callable[[bytes, random.Random, bytes], bytes]

MOST_BYTES = 4 << 20
_NUMBER = re.compile(rb"\d+")


def flip_bits(data: bytes, chance: random.Random, _: bytes) -> bytes:
    changed = bytearray(data)
    for _flip in range(chance.choice([1, 10, 100, 1000])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut_off(data: bytes, chance: random.Random, _: bytes) -> bytes:
    return data[: chance.randrange(1, len(data))]


def lose_a_piece(data: bytes, chance: random.Random, _: bytes) -> bytes:
    begin, end = sorted(chance.randrange(len(data)) for _end in range(2))
    return data[:begin] + data[end:]


def double_a_piece(data: bytes, chance: random.Random, _: bytes) -> bytes:
    begin, end = sorted(chance.randrange(len(data)) for _end in range(2))
    return data[:end] + data[begin:end] * chance.randint(1, 5) + data[end:]


def zero_a_piece(data: bytes, chance: random.Random, _: bytes) -> bytes:
    begin = chance.randrange(len(data))
    size = min(len(data) - begin, chance.choice([16, 512, 65_536]))
    return data[:begin] + bytes(size) + data[begin + size :]


def join_with_another(data: bytes, chance: random.Random, other: bytes) -> bytes:
    return data[: chance.randrange(1, len(data))] + other[chance.randrange(len(other)) :]


def change_numbers(data: bytes, chance: random.Random, _: bytes) -> bytes:
    """Counts, lengths, sizes and references, where a PDF writes them as text."""
    extreme = [b"0", b"1", b"-1", b"65535", b"2147483647", b"4294967296", b"99999999999999999999", b"1e30"]
    share = chance.choice([0.001, 0.01, 0.1])
    return _NUMBER.sub(lambda found: chance.choice(extreme) if chance.random() < share else found[0], data)


def junk_in_front(data: bytes, chance: random.Random, _: bytes) -> bytes:
    return chance.randbytes(chance.choice([1, 500, 1020, 5000])) + data


MUTATIONS: dict[str, Mutation] = {
    "flip_bits": flip_bits,
    "cut_off": cut_off,
    "lose_a_piece": lose_a_piece,
    "double_a_piece": double_a_piece,
    "zero_a_piece": zero_a_piece,
    "join_with_another": join_with_another,
    "change_numbers": change_numbers,
    "junk_in_front": junk_in_front,
}


def damaged_copies(sources: Sequence[Path], folder: Path, count: int, seed: int) -> list[Path]:
    """Write `count` damaged copies into `folder`; the same seed over the same sources gives the same bytes."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    small = [path for path in sorted(sources) if 0 < path.stat().st_size <= MOST_BYTES]
    copies = []
    for number in range(count):
        source, other, mutation = chance.choice(small), chance.choice(small), chance.choice(list(MUTATIONS))
        copy = folder / f"{number:03}-{mutation}-{source.name}"
        copy.write_bytes(MUTATIONS[mutation](source.read_bytes(), chance, other.read_bytes())[: 4 * MOST_BYTES])
        copies.append(copy)
    return copies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    suffixes = {".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"}
    sources = [path for path in options.source.rglob("*") if path.suffix.lower() in suffixes]
    print(f"{len(damaged_copies(sources, options.target, options.count, options.seed))} files in {options.target}")


if __name__ == "__main__":
    main()
